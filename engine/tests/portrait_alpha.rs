//! Transparent pictures, and screens that are keyed.
#![cfg(feature = "portrait")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;
#[path = "common/portraits.rs"]
mod portraits;

use common::buzz;
use common::drain;
use essence::{Background, Frame, Pacing, PixelFormat, SessionOptions};
use portraits::{RATE, avatar, drawn, face_pixels, png};

#[test]
fn a_transparent_picture_stays_transparent() {
    let (size, cut) = (512, 300);
    // Magenta is not to be seen, nor its mixture with the face at the edges.
    let around = |x: usize, y: usize| {
        let (u, v) = (x as f32 - 256.0, y as f32 - 256.0);
        ((u * u + v * v).sqrt() - cut as f32 / 1.3).clamp(-4.0, 4.0) / 8.0 + 0.5
    };
    let face = face_pixels();
    let mut rgba = Vec::with_capacity(4 * size * size);
    for (i, &[r, g, b]) in face.as_chunks::<3>().0.iter().enumerate() {
        let gone = around(i % size, i / size);
        let alpha = (255.0 * (1.0 - gone) + 0.5) as u8;
        rgba.extend(if alpha == 0 {
            [255, 0, 255, 0]
        } else {
            [r, g, b, alpha]
        });
    }
    let avatar = avatar(&png(512, 512, &rgba, png::ColorType::Rgba));
    assert!(avatar.info().has_matte, "it says so");
    let frames = |options: SessionOptions| {
        let session = avatar.session(options.pacing(Pacing::Unpaced)).unwrap();
        session.perform("nod").unwrap();
        session
            .push_audio(&buzz(12_800, RATE)[..], RATE, 1)
            .unwrap();
        session.flush();
        drain(&session)
    };
    let clear = frames(SessionOptions::default().pixel_format(PixelFormat::Rgba8));
    let pixel = |frame: &Frame, x: usize, y: usize| frame.pixels().as_chunks::<4>().0[512 * y + x];
    assert_eq!(pixel(&clear[0], 256, 256)[3], 255);
    for frame in &clear {
        assert_eq!(pixel(frame, 8, 8)[3], 0, "the corner");
        assert!(pixel(frame, 256, 300)[3] > 250, "the face");
        for [r, g, b, alpha] in frame.pixels().as_chunks::<4>().0 {
            let magenta = *r > 200 && *b > 200 && *g < 60;
            assert!(*alpha == 0 || !magenta, "{r} {g} {b} {alpha}");
        }
    }
    let green = Background::Color([0, 255, 0]);
    let format = SessionOptions::default().pixel_format(PixelFormat::Rgba8);
    let over = frames(format.background(green));
    assert_eq!(pixel(&over[10], 8, 8), [0, 255, 0, 255]);
}

#[test]
fn colours_behind_transparent_pixels_do_not_show() {
    let mut rgba: Vec<u8> = face_pixels()
        .as_chunks::<3>()
        .0
        .iter()
        .flat_map(|&[r, g, b]| [r, g, b, 255])
        .collect();
    // A magenta that is not to be seen, in the upper left corner.
    for y in 0..60 {
        for x in 0..60 {
            rgba[4 * (512 * y + x)..][..4].copy_from_slice(&[255, 0, 255, 0]);
        }
    }
    let avatar = avatar(&png(512, 512, &rgba, png::ColorType::Rgba));
    let frames = drawn(&avatar, &[0.0; 6_400]);
    let [r, g, b] = frames[0].pixels().as_chunks::<3>().0[512 * 20 + 20];
    assert!(
        r.abs_diff(g) < 3 && b.abs_diff(g) < 3,
        "{r} {g} {b} is no grey"
    );
}

/// The face before a screen, with a square of one colour on its forehead, as an avatar's first frame
/// shows it.
fn keyed(screen: [f32; 3], square: [u8; 3]) -> Vec<[u8; 4]> {
    let face = face_pixels();
    let mut pixels = Vec::with_capacity(face.len());
    for (i, own) in face.as_chunks::<3>().0.iter().enumerate() {
        let (x, y) = ((i % 512) as f32 - 256.0, (i / 512) as f32 - 300.0);
        let own = match x.abs() < 8.0 && (y + 150.0).abs() < 8.0 {
            true => square,
            false => *own,
        };
        // The screen begins at 220 pixels, and shines into three before that.
        let share = (((x * x + y * y).sqrt() - 217.0) / 3.0).clamp(0.0, 1.0);
        for (own, screen) in own.into_iter().zip(screen) {
            let own = f32::from(own);
            pixels.push((own + share * (screen - own)) as u8);
        }
    }
    let avatar = avatar(&png(512, 512, &pixels, png::ColorType::Rgb));
    let options = SessionOptions::default()
        .pacing(Pacing::Unpaced)
        .pixel_format(PixelFormat::Rgba8);
    let session = avatar.session(options).unwrap();
    session.push_audio(&[0.0; 6_400][..], RATE, 1).unwrap();
    session.flush();
    drain(&session)[0].pixels().as_chunks::<4>().0.to_vec()
}

/// The screen is gone and the person is not.
fn is_cut_out(shown: &[[u8; 4]]) {
    assert_eq!(shown[512 * 10 + 10][3], 0, "the screen is gone");
    assert_eq!(shown[512 * 300 + 256][3], 255, "the face is not");
    let whole = shown.iter().filter(|p| p[3] == 255).count() as f32;
    let disc = std::f32::consts::PI * 217.0 * 217.0;
    assert!(
        whole > 0.9 * disc,
        "{whole} of {disc} pixels are the person"
    );
}

#[test]
fn a_green_screen_becomes_transparent_and_leaves_no_rim() {
    let shown = keyed([10.0, 235.0, 20.0], [200, 150, 120]);
    is_cut_out(&shown);
    let green = |p: &&[u8; 4]| p[3] > 0 && p[1] > p[0].max(p[2]).saturating_add(12);
    assert_eq!(shown.iter().filter(green).count(), 0, "green pixels");
}

#[test]
fn a_blue_screen_becomes_transparent_and_blue_on_the_person_stays() {
    let blue = [60, 100, 180];
    let shown = keyed([0.0, 71.0, 187.0], blue);
    is_cut_out(&shown);
    let [r, g, b, alpha] = shown[512 * 150 + 256];
    assert_eq!(alpha, 255, "the square is the person's");
    let off = [r, g, b].iter().zip(blue).map(|(a, b)| a.abs_diff(b)).max();
    assert!(off < Some(8), "{r} {g} {b} is not the square's blue");
    let rim = |(i, p): &(usize, &[u8; 4])| {
        let (x, y) = ((i % 512) as f32 - 256.0, (i / 512) as f32 - 300.0);
        // The jumper, below, is blue itself.
        let near = y < 0.0 && (x * x + y * y).sqrt() > 207.0;
        near && p[3] > 0 && p[2] > p[0].max(p[1]).saturating_add(12)
    };
    let rim = shown.iter().enumerate().filter(rim).count();
    assert_eq!(rim, 0, "blue pixels at the edge");
}

#[test]
fn a_sky_is_no_screen() {
    let shown = keyed([110.0, 165.0, 220.0], [200, 150, 120]);
    assert_eq!(shown[512 * 10 + 10][3], 255, "the sky stays");
}
