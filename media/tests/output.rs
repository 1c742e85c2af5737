//! An [`OutputFile`] leaves a whole file or none, and touches nothing else.

use std::io::Write;
use std::path::Path;

use essence::ErrorKind;
use essence_media::OutputFile;

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder").flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn write(path: &Path, text: &str) -> essence_media::Committed {
    let mut output = OutputFile::create(path).expect("create");
    output.write_all(text.as_bytes()).expect("write");
    output.commit().expect("commit")
}

#[test]
fn a_file_appears_whole_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("out.txt");
    let mut output = OutputFile::create(&path).expect("create");
    output.write_all(b"half").expect("write");
    assert!(!path.exists());
    let temporary = output.temporary_path().expect("a plain file").to_owned();
    assert_eq!(temporary.parent(), Some(folder.path()));
    drop(output);
    assert_eq!(names(folder.path()), [""; 0]);

    let committed = write(&path, "whole");
    assert_eq!((committed.bytes, committed.replaced_another), (5, false));
    assert_eq!(names(folder.path()), ["out.txt"]);
    write(&path, "again");
    assert_eq!(std::fs::read_to_string(&path).expect("read"), "again");
}

/// `NAME.part` may be somebody's file, or a link to one.
#[test]
fn no_other_file_is_touched() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("out.txt");
    let part = folder.path().join("out.txt.part");
    std::fs::write(&part, "somebody's").expect("write");
    write(&path, "ours");
    assert_eq!(std::fs::read_to_string(&part).expect("read"), "somebody's");
    assert_eq!(names(folder.path()), ["out.txt", "out.txt.part"]);
}

#[test]
fn two_writers_of_a_name_leave_one_whole_file_and_the_later_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("out.txt");
    for before in [false, true] {
        if before {
            write(&path, "older");
        }
        let mut first = OutputFile::create(&path).expect("create");
        let mut second = OutputFile::create(&path).expect("create");
        for _ in 0..1000 {
            first.write_all(b"first ").expect("write");
            second.write_all(b"second ").expect("write");
        }
        assert!(!first.commit().expect("commit").replaced_another);
        assert_eq!(
            std::fs::read_to_string(&path).expect("read"),
            "first ".repeat(1000)
        );
        assert!(second.commit().expect("commit").replaced_another);
        assert_eq!(
            std::fs::read_to_string(&path).expect("read"),
            "second ".repeat(1000)
        );
        assert_eq!(names(folder.path()), ["out.txt"]);
        std::fs::remove_file(&path).expect("remove");
    }
}

#[test]
fn a_folder_and_a_missing_folder_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for path in [folder.path().to_owned(), folder.path().join("no/out.txt")] {
        let error = OutputFile::create(&path).expect_err("no file");
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        assert!(error.message().contains("cannot write"), "{error}");
    }
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};

    use super::*;

    #[test]
    fn links_stay_and_what_they_point_to_is_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let other = tempfile::tempdir().expect("a folder");
        let real = other.path().join("real.txt");
        let (link, link_to_link) = (folder.path().join("a"), folder.path().join("b"));
        symlink(&real, &link).expect("link");
        symlink("a", &link_to_link).expect("link");
        // There is nothing yet where the links lead.
        write(&link_to_link, "first");
        assert_eq!(std::fs::read_to_string(&real).expect("read"), "first");
        write(&link, "second");
        assert_eq!(std::fs::read_to_string(&real).expect("read"), "second");
        for link in [&link, &link_to_link] {
            assert!(std::fs::symlink_metadata(link).expect("there").is_symlink());
        }
        assert_eq!(names(folder.path()), ["a", "b"]);
        assert_eq!(names(other.path()), ["real.txt"]);
        // A circle of links has no end.
        let circle = folder.path().join("c");
        symlink("c", &circle).expect("link");
        OutputFile::create(&circle).expect_err("a circle");
    }

    #[test]
    fn devices_are_written_to_and_remain() {
        for (path, works) in [("/dev/null", true), ("/dev/full", false)] {
            if !Path::new(path).exists() {
                continue;
            }
            let mut output = OutputFile::create(path).expect("create");
            assert_eq!(output.temporary_path(), None);
            output.write_all(b"data").expect("write");
            let committed = output.commit();
            assert_eq!(committed.is_ok(), works, "{path}");
            if let Err(error) = committed {
                assert!(error.to_string().contains(path), "{error}");
            }
            let kind = std::fs::metadata(path).expect("still there").file_type();
            assert!(kind.is_char_device(), "{path}");
        }
    }

    #[test]
    fn a_fifo_is_written_to_its_reader_and_remains() {
        let folder = tempfile::tempdir().expect("a folder");
        let fifo = folder.path().join("fifo");
        let status = std::process::Command::new("mkfifo").arg(&fifo).status();
        assert!(status.expect("mkfifo").success());
        let reader = {
            let fifo = fifo.clone();
            std::thread::spawn(move || std::fs::read_to_string(fifo).expect("read"))
        };
        let text = "more than a pipe holds ".repeat(10_000);
        assert_eq!(write(&fifo, &text).bytes, text.len() as u64);
        assert!(reader.join().expect("the reader ends") == text);
        let kind = std::fs::metadata(&fifo).expect("still there").file_type();
        assert!(kind.is_fifo());
        assert_eq!(names(folder.path()), ["fifo"]);
    }

    #[test]
    fn permissions_are_those_of_any_new_file_or_of_the_one_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let mode = |path: &Path| {
            let metadata = std::fs::metadata(path).expect("there");
            metadata.permissions().mode() & 0o777
        };
        let (new, plain) = (folder.path().join("new"), folder.path().join("plain"));
        write(&new, "new");
        std::fs::write(&plain, "plain").expect("write");
        assert_eq!(mode(&new), mode(&plain));

        std::fs::set_permissions(&plain, PermissionsExt::from_mode(0o640)).expect("chmod");
        write(&plain, "again");
        assert_eq!(mode(&plain), 0o640);

        std::fs::set_permissions(&plain, PermissionsExt::from_mode(0o444)).expect("chmod");
        let error = OutputFile::create(&plain).expect_err("write-protected");
        assert!(error.to_string().contains("write-protected"), "{error}");
    }
}
