//! The ground behind a person stays where it is while the head moves.
#![cfg(feature = "portrait")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;
#[path = "common/portraits.rs"]
mod portraits;

use common::{drain, engine};
use essence::imx::{Container, Writer};
use essence::{Avatar, ErrorKind, Frame};
use portraits::{RATE, face, face_pixels, made, png, session};

/// Stripes every so many pixels, which lie behind the head.
const STRIPE: usize = 16;

/// The face before a wall with stripes: where no hat, hair and jumper are.
fn before_stripes() -> (Vec<u8>, Vec<bool>) {
    let mut pixels = face_pixels();
    let person = Container::from_bytes(made(&face()).0).unwrap();
    let person = person.member("person.u8").unwrap().to_vec();
    let mut wall = vec![false; 512 * 512];
    for (i, wall) in wall.iter_mut().enumerate() {
        let (x, y) = (i % 512, i / 512);
        *wall = person[y / 2 * 256 + x / 2] < 40;
        if *wall {
            let level = if (y / STRIPE).is_multiple_of(2) {
                190
            } else {
                150
            };
            pixels[3 * i..3 * i + 3].fill(level);
        }
    }
    (png(512, 512, &pixels, png::ColorType::Rgb), wall)
}

/// The file's members, `changed` by their names: other bytes, or none.
fn rewritten(
    file: &[u8],
    manifest: &str,
    changed: impl Fn(&str, &[u8]) -> Option<Vec<u8>>,
) -> Vec<u8> {
    let container = Container::from_bytes(file.to_vec()).unwrap();
    let mut writer = Writer::new();
    for member in container.members() {
        if member.name != "manifest.json" {
            let data = container.member(member.name).unwrap();
            if let Some(data) = changed(member.name, data) {
                writer.add(member.name, data).unwrap();
            }
        }
    }
    writer.finish(manifest).unwrap()
}

fn manifest_of(file: &[u8]) -> String {
    let container = Container::from_bytes(file.to_vec()).unwrap();
    container.manifest_json().to_owned()
}

/// Frames in which the head is shaken.
fn shaken(avatar: &Avatar) -> Vec<Frame> {
    let session = session(avatar);
    session.perform("shake").unwrap();
    session.push_audio(&[0.0; 16_000][..], RATE, 1).unwrap();
    session.flush();
    drain(&session)
}

/// The share of a wall's pixels that differ by more than a few levels in some frame, among those of
/// the head's height.
fn moved(frames: &[Frame], wall: &[bool]) -> f64 {
    let first = frames[0].pixels().as_chunks::<3>().0;
    let places: Vec<usize> = (512 * 40..512 * 330).filter(|&i| wall[i]).collect();
    let differs = |&&i: &&usize| {
        frames.iter().any(|frame| {
            let now = frame.pixels().as_chunks::<3>().0[i];
            (0..3).any(|c| now[c].abs_diff(first[i][c]) > 12)
        })
    };
    places.iter().filter(differs).count() as f64 / places.len() as f64
}

#[test]
fn lines_behind_a_head_that_turns_stay_straight() {
    let (picture, wall) = before_stripes();
    let (file, _) = made(&picture);
    let layered = shaken(&engine().open_bytes(file.clone()).unwrap());
    let manifest = manifest_of(&file);
    let key = "\"person\":\"person.u8\",";
    assert!(manifest.contains(key), "{manifest}");
    // A file of an earlier version has no such member: its one layer bends with the head.
    let earlier = rewritten(&file, &manifest.replace(key, ""), |name, data| {
        (name != "person.u8").then(|| data.to_vec())
    });
    let earlier = shaken(&engine().open_bytes(earlier).unwrap());
    let (with, without) = (moved(&layered, &wall), moved(&earlier, &wall));
    assert!(without > 0.1, "{without} of the wall bend in one layer");
    assert!(
        with < 0.4 * without,
        "{with} of the wall moved, {without} in one layer"
    );
    let heads = (0..layered.len()).any(|i| layered[i].pixels() != layered[0].pixels());
    assert!(heads, "the head moved");
}

#[test]
fn a_person_of_another_size_or_of_noise_is_refused_or_drawn() {
    let (file, _) = made(&face());
    let manifest = manifest_of(&file);
    let with = |person: Vec<u8>| {
        let file = rewritten(&file, &manifest, |name, data| {
            Some(if name == "person.u8" {
                person.clone()
            } else {
                data.to_vec()
            })
        });
        engine().open_bytes(file)
    };
    let error = with(vec![255; 1000]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidAvatar);
    assert!(error.message().contains("person.u8"), "{error}");
    let mut next = portraits::noise(3);
    for person in [
        vec![0; 256 * 256],
        vec![255; 256 * 256],
        (0..256 * 256).map(|_| next() as u8).collect(),
    ] {
        assert!(shaken(&with(person).unwrap()).len() > 20);
    }
}
