//! Avatars that are read in pieces.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::testdata;
use essence::imx::{HASH_DIFFERS, Loader};
use essence::{Engine, ErrorKind, Pacing, Provider, Result, Session, SessionOptions};

fn file(name: &str) -> Vec<u8> {
    std::fs::read(testdata(&format!("avatars/{name}.imx"))).unwrap()
}

fn engine() -> Engine {
    let engine = Engine::builder().provider(Provider::Builtin);
    engine.build().unwrap()
}

/// Gives the loader what it asks for until it is ready; the bytes that took.
fn read(loader: &mut Loader, file: &[u8]) -> Result<u64> {
    let mut bytes = 0;
    while !loader.is_ready() {
        let range = loader.next_range().expect("it is not ready");
        bytes += range.end - range.start;
        loader.take(range.start, &file[range.start as usize..range.end as usize])?;
    }
    Ok(bytes)
}

/// Pixels of frames in which a tone is spoken, and how many of them are concealed.
fn frames(session: &Session) -> (Vec<Vec<u8>>, usize) {
    let tone: Vec<f32> = (0..32_000).map(|i| 0.3 * (i as f32 / 9.0).sin()).collect();
    session.push_audio(&tone[..], 16_000, 1).unwrap();
    session.flush();
    let (mut pictures, mut concealed) = (Vec::new(), 0);
    while let Some(frame) = session.next_frame().unwrap() {
        pictures.push(frame.pixels().to_vec());
        concealed += usize::from(frame.flags().concealed);
    }
    (pictures, concealed)
}

#[test]
fn frames_are_the_same_once_all_has_arrived() {
    for name in ["toy", "toy_8bit", "toy_keyed"] {
        let file = file(name);
        let options = || SessionOptions::default().pacing(Pacing::Unpaced);
        let whole = engine().open_bytes(file.clone()).unwrap();
        let expected = frames(&whole.session(options()).unwrap());
        let mut loader = Loader::new(file.len() as u64).unwrap();
        read(&mut loader, &file).unwrap();
        assert!(
            loader.picture().unwrap().starts_with(&[0xff, 0xd8]),
            "a JPEG"
        );
        assert_eq!(loader.is_portrait(), Some(false));
        let avatar = engine()
            .open_container(loader.container().unwrap())
            .unwrap();
        let session = avatar.session(options()).unwrap();
        let (pictures, concealed) = frames(&session);
        assert_eq!(pictures.len(), expected.0.len());
        assert!(concealed > 0, "{name}: neighbours stand in");
        drop(session);
        while let Some(range) = loader.next_range() {
            let bytes = &file[range.start as usize..range.end as usize];
            for (name, bytes) in loader.take(range.start, bytes).unwrap() {
                avatar.container().arrive(&name, bytes).unwrap();
            }
        }
        let later = frames(&avatar.session(options()).unwrap());
        assert_eq!(later, expected, "{name}");
    }
}

#[test]
fn an_avatar_opens_with_less_than_half_of_its_file() {
    let file = file("mika");
    let mut loader = Loader::new(file.len() as u64).unwrap();
    let bytes = read(&mut loader, &file).unwrap();
    assert!(bytes < file.len() as u64 / 2, "{bytes} bytes");
    let avatar = engine().open_container(loader.container().unwrap());
    assert!(avatar.unwrap().provider().quantized);
}

/// The 8-bit network of this one fails its self-test, so that the one in floats has to be read.
#[test]
fn the_network_in_floats_is_read_where_it_is_needed() {
    let file = file("toy_8bit_off");
    let mut loader = Loader::new(file.len() as u64).unwrap();
    read(&mut loader, &file).unwrap();
    let error = engine().open_container(loader.container().unwrap());
    assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(loader.need_all() && !loader.need_all(), "once");
    read(&mut loader, &file).unwrap();
    let avatar = engine().open_container(loader.container().unwrap());
    assert!(!avatar.unwrap().provider().quantized);
}

#[test]
fn what_differs_from_its_hash_is_refused_as_it_comes() {
    let mut damaged = file("toy");
    // Within the speech network, which lies first.
    damaged[2_000] ^= 1;
    let mut loader = Loader::new(damaged.len() as u64).unwrap();
    let error = read(&mut loader, &damaged).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidAvatar, "{error}");
    assert!(error.message().contains(HASH_DIFFERS), "{error}");

    let avatar = engine().open_bytes(file("toy")).unwrap();
    let frame = avatar.container().member("frames/00000.jpg").unwrap();
    let other = avatar.container().arrive("frames/00001.jpg", frame.into());
    assert_eq!(other.unwrap_err().kind(), ErrorKind::InvalidAvatar);
    let unknown = avatar.container().arrive("frames/x.jpg", frame.into());
    assert_eq!(unknown.unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn what_was_not_asked_for_is_refused() {
    let file = file("toy");
    let mut loader = Loader::new(file.len() as u64).unwrap();
    let unasked = loader.take(0, &file).unwrap_err();
    assert_eq!(unasked.kind(), ErrorKind::InvalidArgument);
    let range = loader.next_range().unwrap();
    let mut refused = |start: u64, bytes: &[u8], what: &str| {
        let error = loader.take(start, bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{what}");
    };
    let first = &file[..range.end as usize];
    refused(1, &first[1..], "another place");
    refused(0, &first[1..], "another length");
    loader.take(0, first).unwrap();
    let again = loader.take(0, first).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::InvalidArgument, "twice");
    let early = loader.container().unwrap_err();
    assert_eq!(early.kind(), ErrorKind::InvalidState);
    let larger = Loader::new(u64::MAX);
    assert_eq!(larger.unwrap_err().kind(), ErrorKind::LimitExceeded);
}

#[test]
fn files_that_are_cut_or_of_another_kind_are_refused() {
    let whole = file("toy");
    for cut in (0..whole.len()).step_by(701) {
        let mut loader = Loader::new(cut as u64).unwrap();
        let error = read(&mut loader, &whole[..cut]).unwrap_err();
        let kind = error.kind();
        assert_eq!(kind, ErrorKind::InvalidAvatar, "{cut} bytes: {error}");
    }
    let archive = std::fs::read(testdata("avatars/toy.zip.imx")).unwrap();
    let mut loader = Loader::new(archive.len() as u64).unwrap();
    let error = read(&mut loader, &archive).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsupportedFormat, "{error}");
}
