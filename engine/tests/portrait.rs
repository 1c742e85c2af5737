//! Avatars made from pictures.
#![cfg(feature = "portrait")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;
#[path = "common/portraits.rs"]
mod portraits;

use common::{buzz, engine, testdata};
use essence::ErrorKind;
use essence::imx::{Container, EXPRESSION};
use essence::portrait::{PortraitOptions, create};
use portraits::{RATE, avatar, drawn, face, face_pixels, made, noise, png};

#[test]
fn a_picture_file_opens_as_an_avatar() {
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("portrait");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("Ada.jpg");
    std::fs::write(&path, face()).unwrap();
    assert!(essence::is_picture(&path), "a JPEG is a picture");
    let avatar = engine().open(&path).unwrap();
    let info = avatar.info();
    assert_eq!(info.name, "Ada");
    assert_eq!((info.frame_width, info.frame_height), (512, 512));
    for gesture in ["idle", "talking", "nod", "smile", "surprised"] {
        assert!(info.motions.iter().any(|name| name == gesture), "{gesture}");
    }
    assert_eq!(avatar.container().engine(), EXPRESSION);
}

#[test]
fn the_file_that_is_made_says_what_it_is_and_agrees_with_its_hashes() {
    let (bytes, report) = made(&face());
    let container = Container::from_bytes(bytes).unwrap();
    container.verify().unwrap();
    let manifest = container.expression().unwrap();
    assert_eq!(
        (manifest.picture.width, manifest.picture.height),
        (512, 512)
    );
    assert_eq!(manifest.coefficients.len(), 16);
    assert!((90.0..170.0).contains(&report.eyes_px), "{report:?}");
    assert!(
        report.turn_degrees.iter().all(|turn| turn.abs() < 15.0),
        "{report:?}"
    );
}

#[test]
fn making_twice_gives_the_same_bytes() {
    assert!(made(&face()).0 == made(&face()).0, "two makings differ");
}

#[test]
fn landmarks_lie_where_mediapipe_finds_them() {
    let container = Container::from_bytes(made(&face()).0).unwrap();
    let ours = container.floats("landmarks.f32").unwrap();
    let bytes = std::fs::read(testdata("vectors/mika_landmarks.f32")).unwrap();
    let theirs = bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|&b| f32::from_le_bytes(b));
    let theirs: Vec<f32> = theirs.collect();
    assert_eq!(ours.len(), theirs.len());
    let eyes = theirs[3 * 263] - theirs[3 * 33];
    let (mut worst, mut sum) = (0.0f32, 0.0);
    for (a, b) in ours.chunks(3).zip(theirs.chunks(3)) {
        let off = (a[0] - b[0]).hypot(a[1] - b[1]) / eyes;
        worst = worst.max(off);
        sum += off;
    }
    let mean = sum / 478.0;
    assert!(
        mean < 0.015 && worst < 0.06,
        "off by {mean} of the eyes, {worst} at most"
    );
}

#[test]
fn the_face_at_rest_is_the_picture() {
    let frames = drawn(&avatar(&face()), &[0.0; 6_400]);
    let first = &frames[0];
    let picture = png(512, 512, first.pixels(), png::ColorType::Rgb);
    let picture = drawn(&avatar(&picture), &[0.0; 6_400])[0].pixels().to_vec();
    // What is shown of what was shown is the same: nothing moves at rest.
    let squares: f64 = picture
        .iter()
        .zip(first.pixels())
        .map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2))
        .sum();
    let psnr = 10.0 * (255.0f64.powi(2) / (squares / picture.len() as f64).max(1e-9)).log10();
    assert!(psnr >= 45.0, "{psnr} dB");
}

#[test]
fn damaged_pictures_are_refused_or_drawn() {
    let sound = [face(), png(512, 512, &face_pixels(), png::ColorType::Rgb)];
    for seed in 0..60 {
        let mut next = noise(seed);
        let mut bytes = sound[seed as usize % 2].clone();
        if seed % 5 == 0 {
            bytes.truncate(next() as usize % bytes.len());
        }
        for _ in 0..1 + next() % 8 {
            // Headers are worth more than pixels.
            let within = if next().is_multiple_of(2) {
                700
            } else {
                usize::MAX
            };
            let at = next() as usize % bytes.len().min(within).max(1);
            if let Some(byte) = bytes.get_mut(at) {
                *byte = next() as u8;
            }
        }
        if let Err(error) = create(&bytes, &PortraitOptions::default()) {
            assert_ne!(error.kind(), ErrorKind::Internal, "{seed}: {error}");
        }
    }
}

#[test]
fn landmarks_that_are_no_face_are_refused_or_drawn() {
    let (bytes, _) = made(&face());
    let container = Container::from_bytes(bytes).unwrap();
    for seed in 0..7 {
        let mut next = noise(seed);
        let mut points = container.floats("landmarks.f32").unwrap();
        for point in &mut points {
            let wild = (next() % 200_000) as f32 - 100_000.0;
            *point = match seed {
                0 => 0.0,
                1 => 5.0e4,
                2 => wild,
                3 => wild / 100.0,
                4 => *point + (wild / 50_000.0),
                _ if next().is_multiple_of(10) => wild,
                _ => *point,
            };
        }
        let mut writer = essence::imx::Writer::new();
        for member in container.members() {
            let data = match member.name {
                "manifest.json" => continue,
                "landmarks.f32" => points.iter().flat_map(|v| v.to_le_bytes()).collect(),
                name => container.member(name).unwrap().to_vec(),
            };
            writer.add(member.name, data).unwrap();
        }
        let bytes = writer.finish(container.manifest_json()).unwrap();
        match engine().open_bytes(bytes) {
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::InvalidAvatar, "{seed}: {error}");
                assert!(error.message().contains("no face"), "{seed}: {error}");
            }
            Ok(avatar) => {
                let frames = drawn(&avatar, &buzz(9_600, RATE));
                assert!(frames.len() >= 15, "{seed}: {} frames", frames.len());
            }
        }
    }
}
