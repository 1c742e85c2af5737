//! Writing containers: what comes back, and what is refused.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;
#[path = "common/members.rs"]
mod members;

use std::fs;
use std::path::Path;

use common::testdata;
use essence::ErrorKind::{self, InvalidAvatar, LimitExceeded};
use essence::imx::{Container, Writer};
use members::{contents, open_for_rendering, rewritten};

#[test]
fn writing_gives_back_what_was_written() {
    let toy = Container::open(testdata("avatars/toy.imx")).unwrap();
    let bytes = rewritten(&toy).finish(toy.manifest_json()).unwrap();
    let again = Container::from_bytes(bytes.clone()).unwrap();
    again.verify().unwrap();
    let without_manifest = |container| {
        let mut list = contents(container);
        list.pop();
        list
    };
    assert_eq!(without_manifest(&toy), without_manifest(&again));
    let (old, new) = (toy.manifest().unwrap(), again.manifest().unwrap());
    assert_eq!(
        (&old.files, &old.motions, &old.arkit),
        (&new.files, &new.motions, &new.arkit)
    );
    assert_eq!(old.training_json(), new.training_json());
    // The studio's writer places the members in the same way.
    let studio = fs::read(testdata("avatars/toy.imx")).unwrap();
    let manifest_at = studio.len() - toy.manifest_json().len();
    let (start, end) = (8 + table_bytes(&toy), manifest_at);
    assert_eq!(bytes[start..end], studio[start..end]);
    // And once more gives the same bytes.
    assert_eq!(bytes, rewritten(&toy).finish(toy.manifest_json()).unwrap());
}

#[test]
fn writing_to_a_file_is_all_or_nothing() {
    let toy = Container::open(testdata("avatars/toy.imx")).unwrap();
    let folder = std::env::temp_dir().join(format!("essence-writer-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("toy.imx");
    rewritten(&toy).write(&path, toy.manifest_json()).unwrap();
    assert_eq!(
        fs::read_dir(&folder).unwrap().count(),
        1,
        "no temporary file is left"
    );
    open_for_rendering(&path).unwrap();
    // Neither a link of that name nor a temporary file of another program's is written to.
    #[cfg(unix)]
    {
        let (link, other) = (folder.join("link.imx"), folder.join("other"));
        fs::write(&other, "untouched").unwrap();
        std::os::unix::fs::symlink(&other, &link).unwrap();
        fs::write(folder.join("link.imx.part"), "untouched").unwrap();
        rewritten(&toy).write(&link, toy.manifest_json()).unwrap();
        assert!(!link.is_symlink(), "the link is replaced");
        open_for_rendering(&link).unwrap();
        for file in ["other", "link.imx.part"] {
            assert_eq!(fs::read(folder.join(file)).unwrap(), b"untouched", "{file}");
        }
        let mode = |path: &Path| {
            use std::os::unix::fs::PermissionsExt as _;
            fs::metadata(path).unwrap().permissions().mode() & 0o777
        };
        assert_eq!(
            mode(&link),
            mode(&other),
            "others may read it as any new file"
        );
    }
    let error = rewritten(&toy)
        .write(folder.join("no/such/folder.imx"), "{}")
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn the_writer_refuses_what_the_reader_would() {
    let mut writer = Writer::new();
    writer.add("a", vec![1]).unwrap();
    for name in [
        "",
        "/a",
        "../a",
        "a\\b",
        "a\0",
        "a",
        "manifest.json",
        "C:a",
        "a//b",
    ] {
        assert_eq!(
            writer.add(name, vec![]).unwrap_err().kind(),
            InvalidAvatar,
            "{name:?}"
        );
    }
    assert_eq!(
        writer.add(&"n".repeat(256), vec![]).unwrap_err().kind(),
        LimitExceeded
    );
    for json in ["", "[]", "{", "3"] {
        assert_eq!(
            writer.finish(json).unwrap_err().kind(),
            InvalidAvatar,
            "{json:?}"
        );
    }
}

fn table_bytes(container: &Container) -> usize {
    container
        .members()
        .map(|member| member.name.len() + 18)
        .sum()
}
