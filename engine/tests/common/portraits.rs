//! Portraits for the tests: the shipped avatar's first base frame, and avatars made of it.
#![allow(dead_code, reason = "each test file uses a part")]

use essence::imx::Container;
use essence::portrait::{PortraitOptions, PortraitReport, create};
use essence::{Avatar, Frame, Pacing, PixelFormat, Session, SessionOptions};

use crate::common::{drain, engine, testdata};

pub(crate) const RATE: u32 = 16_000;

/// A JPEG of a face, 512 × 512.
pub(crate) fn face() -> Vec<u8> {
    let mika = Container::open(testdata("avatars/mika.imx")).unwrap();
    mika.member("frames/00000.jpg").unwrap().to_vec()
}

/// A PNG with some pixels.
pub(crate) fn png(width: u32, height: u32, pixels: &[u8], colour: png::ColorType) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(colour);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(pixels).unwrap();
    writer.finish().unwrap();
    bytes
}

/// The face's pixels, packed RGB, as the first frame of an avatar made from it shows them.
pub(crate) fn face_pixels() -> Vec<u8> {
    drawn(&avatar(&face()), &[0.0; 6_400])[0].pixels().to_vec()
}

pub(crate) fn made(picture: &[u8]) -> (Vec<u8>, PortraitReport) {
    create(picture, &PortraitOptions::default()).unwrap()
}

pub(crate) fn avatar(picture: &[u8]) -> Avatar {
    engine().open_bytes(made(picture).0).unwrap()
}

pub(crate) fn session(avatar: &Avatar) -> Session {
    let options = SessionOptions::default()
        .pacing(Pacing::Unpaced)
        .pixel_format(PixelFormat::Rgb8);
    avatar.session(options).unwrap()
}

pub(crate) fn drawn(avatar: &Avatar, audio: &[f32]) -> Vec<Frame> {
    let session = session(avatar);
    session.push_audio(audio, RATE, 1).unwrap();
    session.flush();
    drain(&session)
}

/// Mean difference of two pictures in levels, within some rows.
pub(crate) fn difference(a: &Frame, b: &Frame, rows: std::ops::Range<usize>) -> f64 {
    let row = 3 * a.width();
    let bytes = rows.start * row..rows.end * row;
    let pairs = a.pixels()[bytes.clone()].iter().zip(&b.pixels()[bytes]);
    let (mut sum, mut count) = (0.0, 0.0);
    for (a, b) in pairs {
        sum += f64::from(a.abs_diff(*b));
        count += 1.0;
    }
    sum / count
}

/// A generator of numbers that look random.
pub(crate) fn noise(seed: u32) -> impl FnMut() -> u32 {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    }
}
