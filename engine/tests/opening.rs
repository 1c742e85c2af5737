//! Sources of an avatar, and that nothing that happens to its file afterwards matters.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::{assert_same, buzz, engine, speak, testdata, toy, unpaced};
use essence::imx::{Container, MANIFEST, Writer, limits};
use essence::{Avatar, Engine, ErrorKind, Frame, Provider};

/// A folder of its own for a test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("essence-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// A copy of the toy avatar.
    fn toy(&self) -> PathBuf {
        let path = self.0.join("toy.imx");
        fs::copy(testdata("avatars/toy.imx"), &path).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn frames(avatar: &Avatar) -> Vec<Frame> {
    speak(&unpaced(avatar), &buzz(16_000, 16_000), 16_000)
}

/// The toy avatar's file with other bytes for some of its members.
fn toy_with(change: impl Fn(&str, &mut Vec<u8>)) -> Vec<u8> {
    let toy = Container::open(testdata("avatars/toy.imx")).unwrap();
    let mut writer = Writer::new();
    for member in toy.members().filter(|member| member.name != MANIFEST) {
        let mut data = toy.member(member.name).unwrap().to_vec();
        change(member.name, &mut data);
        writer.add(member.name, data).unwrap();
    }
    writer.finish(toy.manifest_json()).unwrap()
}

/// Coded data without a meaning, in a JPEG that is sound otherwise.
fn scramble(jpeg: &mut [u8]) {
    let scan = jpeg.windows(2).position(|pair| pair == [0xFF, 0xDA]);
    let (start, end) = (scan.unwrap() + 14, jpeg.len() - 2);
    for (i, byte) in jpeg[start..end].iter_mut().enumerate() {
        *byte = ((usize::from(*byte) * 7 + 13 * i) % 255) as u8;
    }
}

#[test]
fn avatars_whose_frames_do_not_decode_are_refused() {
    for first in ["frames/00000.jpg", "frames/"] {
        let bytes = toy_with(|name, data| {
            if name.starts_with(first) {
                scramble(data);
            }
        });
        let error = engine().open_bytes(bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidAvatar, "{error}");
        assert!(error.message().contains("base frame"), "{error}");
    }
    // One that is not shown first is found when it is shown.
    let bytes = toy_with(|name, data| {
        if name == "frames/00004.jpg" {
            scramble(data);
        }
    });
    engine().open_bytes(bytes).unwrap();
}

#[test]
fn speech_networks_that_break_their_contract_are_refused() {
    let patched = |constant: &[u8], value: f32| {
        toy_with(|name, data| {
            if name == "speech.onnx" {
                set_constant(data, constant, value);
            }
        })
    };
    engine().open_bytes(patched(b"high", 0.5)).unwrap();
    let error = engine().open_bytes(patched(b"high", -2.0)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidAvatar, "{error}");
    let message = error.message();
    assert!(message.contains("the speech network"), "{error}");
    assert!(message.contains("-2, outside of 0 to 1"), "{error}");
}

/// Changes a constant of a single float in an ONNX model: its name, then `raw_data` of four bytes.
fn set_constant(model: &mut [u8], name: &[u8], value: f32) {
    let field = [name, &[0x4A, 4]].concat();
    let at = model.windows(field.len()).position(|part| part == field);
    let at = at.unwrap() + field.len();
    model[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

#[test]
fn bytes_readers_and_maps_give_the_avatar_of_the_file() {
    let bytes = fs::read(testdata("avatars/toy.imx")).unwrap();
    let expected = frames(&toy());
    let shared: Arc<[u8]> = bytes.clone().into();
    let mapping = Engine::builder()
        .provider(Provider::Cpu)
        .map_files(true)
        .build()
        .unwrap();
    let file = File::open(testdata("avatars/toy.imx")).unwrap();
    for (what, avatar) in [
        ("a vector", engine().open_bytes(bytes.clone())),
        ("shared bytes", engine().open_bytes(shared)),
        ("a slice", engine().open_reader(&bytes[..])),
        ("a file", engine().open_reader(file)),
        ("a map", mapping.open(testdata("avatars/toy.imx"))),
    ] {
        let avatar = avatar.unwrap();
        assert_eq!(avatar.container().size_bytes(), bytes.len() as u64);
        assert_same(&frames(&avatar), &expected, what);
    }
}

#[test]
fn open_avatars_keep_what_is_read_again() {
    for file in ["toy_keyed.imx", "toy.zip.imx"] {
        let path = testdata(&format!("avatars/{file}"));
        let whole = Container::open(&path).unwrap();
        let avatar = engine().open(&path).unwrap();
        let left = avatar.container();
        for member in whole.members() {
            let name = member.name;
            if name.starts_with("frames/") || name.starts_with("matte/") || name == MANIFEST {
                assert_eq!(
                    left.member(name).unwrap(),
                    whole.member(name).unwrap(),
                    "{file}: {name}"
                );
            } else {
                let error = left.member(name).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::NotFound, "{file}: {error}");
            }
        }
        assert!(left.members().eq(whole.members()), "{file}: the table");
        left.verify().unwrap();
    }
}

#[test]
fn bad_bytes_are_refused_like_bad_files() {
    let path = testdata("bad/hash_differs.imx");
    let bytes = fs::read(&path).unwrap();
    let from_file = engine().open(&path).unwrap_err();
    for error in [
        engine().open_bytes(bytes.clone()).unwrap_err(),
        engine().open_reader(&bytes[..]).unwrap_err(),
    ] {
        assert_eq!(error.kind(), from_file.kind());
        assert!(
            from_file.message().ends_with(error.message()),
            "{error} against {from_file}"
        );
    }
    assert_eq!(
        engine().open_bytes(Vec::new()).unwrap_err().kind(),
        ErrorKind::InvalidAvatar
    );
}

/// Truncated, overwritten or removed: what was read stays.
#[test]
fn an_open_avatar_does_not_depend_on_its_file() {
    type Ruin = fn(&Path);
    let folder = Folder::new("truncated");
    let expected = frames(&toy());
    let ruin: [(&str, Ruin); 3] = [
        ("truncated", |path| {
            File::options()
                .write(true)
                .open(path)
                .unwrap()
                .set_len(100)
                .unwrap();
        }),
        ("overwritten", |path| {
            let length = fs::metadata(path).unwrap().len();
            let mut file = File::options().write(true).open(path).unwrap();
            io::copy(&mut io::repeat(0xFF).take(length), &mut file).unwrap();
        }),
        ("removed", |path| fs::remove_file(path).unwrap()),
    ];
    for (what, ruin) in ruin {
        let path = folder.toy();
        let avatar = engine().open(&path).unwrap();
        ruin(&path);
        assert_same(&frames(&avatar), &expected, what);
    }
}

/// A source without an end, or one that is no container, is refused by its first bytes.
#[test]
fn readers_are_read_no_further_than_needed() {
    struct Counted<R>(R, u64);
    impl<R: io::Read> io::Read for Counted<R> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.read(buffer)?;
            self.1 += count as u64;
            Ok(count)
        }
    }
    let mut endless = Counted(io::repeat(0), 0);
    let error = engine().open_reader(&mut endless).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidAvatar, "{error}");
    assert!(endless.1 < 65_536, "{} bytes were read", endless.1);

    let broken = io::Read::chain(&b"IMX\0"[..], Failing);
    let error = engine().open_reader(broken).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    assert!(error.to_string().contains("the cable is out"), "{error}");
}

struct Failing;

impl io::Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the cable is out"))
    }
}

/// A file that is larger than what is read into memory is refused before it is read.
#[test]
fn files_beyond_the_limit_are_refused_unread() {
    let folder = Folder::new("huge");
    let path = folder.0.join("huge.imx");
    let mut file = File::create(&path).unwrap();
    file.write_all(b"IMX\0").unwrap();
    file.set_len(limits::MAX_READ_BYTES + 1).unwrap();
    let error = Container::open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
    assert!(error.message().contains("map the file"), "{error}");
    assert_eq!(
        Container::open_mapped(&path).unwrap_err().kind(),
        ErrorKind::UnsupportedVersion,
        "a map takes no memory, so the table is looked at"
    );
    file.set_len(limits::MAX_FILE_BYTES + 1).unwrap();
    let error = Container::open_mapped(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
}

/// Neither a wait for a writer nor an endless read.
#[cfg(unix)]
#[test]
fn pipes_devices_and_folders_are_refused_at_once() {
    let folder = Folder::new("special");
    let pipe = folder.0.join("pipe.imx");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .unwrap();
    assert!(made.success(), "mkfifo works");
    let link = folder.0.join("link.imx");
    std::os::unix::fs::symlink(&pipe, &link).unwrap();
    for path in [
        &pipe,
        &link,
        &folder.0,
        Path::new("/dev/zero"),
        Path::new("/dev/null"),
    ] {
        for opened in [Container::open(path), Container::open_mapped(path)] {
            let error = opened.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidAvatar, "{error}");
            assert!(error.message().contains("not a regular file"), "{error}");
        }
    }
}
