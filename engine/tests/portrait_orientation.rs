//! Pictures that lie as their EXIF says, in every format that has one.
#![cfg(feature = "portrait")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;
#[path = "common/portraits.rs"]
mod portraits;

use image::codecs::{jpeg::JpegEncoder, webp::WebPEncoder};
use image::{ExtendedColorType, ImageEncoder};
use portraits::{avatar, drawn, face_pixels, png};

/// Size of the upright picture.
const SIZE: [usize; 2] = [256, 240];

/// A picture: width, height and packed RGB.
type Pixels = ([usize; 2], Vec<u8>);

/// The face, by half, without its lowest rows.
fn upright() -> Pixels {
    let whole = face_pixels();
    let mut pixels = Vec::with_capacity(3 * SIZE[0] * SIZE[1]);
    for y in 0..SIZE[1] {
        for x in 0..SIZE[0] {
            for c in 0..3 {
                let at = |i: usize, j: usize| u32::from(whole[3 * (512 * j + i) + c]);
                let (i, j) = (2 * x, 2 * y);
                let sum = at(i, j) + at(i + 1, j) + at(i, j + 1) + at(i + 1, j + 1);
                pixels.push(((sum + 2) / 4) as u8);
            }
        }
    }
    (SIZE, pixels)
}

/// How a camera stores an upright picture that EXIF's `orientation` sets up.
fn stored((size, pixels): &Pixels, orientation: u8) -> Pixels {
    let [width, height] = *size;
    let (w, h) = if orientation > 4 {
        (height, width)
    } else {
        (width, height)
    };
    let mut turned = Vec::with_capacity(pixels.len());
    for y in 0..h {
        for x in 0..w {
            let [u, v] = match orientation {
                2 => [w - 1 - x, y],
                3 => [w - 1 - x, h - 1 - y],
                4 => [x, h - 1 - y],
                5 => [y, x],
                6 => [h - 1 - y, x],
                7 => [h - 1 - y, w - 1 - x],
                8 => [y, w - 1 - x],
                _ => [x, y],
            };
            turned.extend_from_slice(&pixels[3 * (width * v + u)..][..3]);
        }
    }
    ([w, h], turned)
}

/// A TIFF header with the tag `Orientation` alone.
fn exif(orientation: u8) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0\x01\0".to_vec();
    bytes.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
    bytes.extend([0; 4]);
    bytes
}

fn as_jpeg(([width, height], pixels): &Pixels, exif: &[u8]) -> Vec<u8> {
    let mut jpeg = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut jpeg, 98);
    let colour = ExtendedColorType::Rgb8;
    encoder
        .write_image(pixels, *width as u32, *height as u32, colour)
        .unwrap();
    let length = u16::try_from(2 + 6 + exif.len()).unwrap();
    let mut bytes = vec![0xff, 0xd8, 0xff, 0xe1];
    bytes.extend(length.to_be_bytes());
    bytes.extend(b"Exif\0\0");
    bytes.extend(exif);
    bytes.extend(&jpeg[2..]);
    bytes
}

fn as_png(([width, height], pixels): &Pixels, exif: &[u8]) -> Vec<u8> {
    let plain = png(*width as u32, *height as u32, pixels, png::ColorType::Rgb);
    let mut chunk = b"eXIf".to_vec();
    chunk.extend(exif);
    // After the signature and IHDR.
    let (head, rest) = plain.split_at(8 + 25);
    let mut bytes = head.to_vec();
    bytes.extend(u32::try_from(exif.len()).unwrap().to_be_bytes());
    bytes.extend(&chunk);
    bytes.extend(crc(&chunk).to_be_bytes());
    bytes.extend(rest);
    bytes
}

/// The checksum of PNG's chunks.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 * (crc & 1))
        })
    })
}

fn as_webp(([width, height], pixels): &Pixels, exif: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let encoder = WebPEncoder::new_lossless(&mut plain);
    let colour = ExtendedColorType::Rgb8;
    encoder
        .write_image(pixels, *width as u32, *height as u32, colour)
        .unwrap();
    let mut body = b"WEBP".to_vec();
    let chunk = |body: &mut Vec<u8>, name: &[u8; 4], data: &[u8]| {
        body.extend(name);
        body.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        body.extend(data);
        body.resize(body.len().next_multiple_of(2), 0);
    };
    let mut extended = vec![8, 0, 0, 0];
    for side in [width, height] {
        extended.extend(&u32::try_from(side - 1).unwrap().to_le_bytes()[..3]);
    }
    chunk(&mut body, b"VP8X", &extended);
    // The one chunk of the plain file, with its header.
    body.extend(&plain[12..]);
    body.resize(body.len().next_multiple_of(2), 0);
    chunk(&mut body, b"EXIF", exif);
    let mut bytes = b"RIFF".to_vec();
    bytes.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
    bytes.extend(body);
    bytes
}

/// Levels by which the first frame of a picture's avatar differs from the upright picture, in the mean.
fn off(picture: &[u8], upright: &Pixels) -> f64 {
    let frame = &drawn(&avatar(picture), &[0.0; 6_400])[0];
    assert_eq!([frame.width(), frame.height()], upright.0);
    let pairs = frame.pixels().iter().zip(&upright.1);
    let sum: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / upright.1.len() as f64
}

#[test]
fn pictures_are_set_up_as_their_exif_says() {
    let upright = upright();
    for orientation in 1..=8 {
        let (stored, exif) = (stored(&upright, orientation), exif(orientation));
        let off = off(&as_png(&stored, &exif), &upright);
        assert!(
            off < 0.5,
            "PNG, orientation {orientation}: {off} levels off"
        );
    }
    for orientation in [3, 5, 6, 8] {
        let (stored, exif) = (stored(&upright, orientation), exif(orientation));
        let jpeg = off(&as_jpeg(&stored, &exif), &upright);
        assert!(
            jpeg < 3.0,
            "JPEG, orientation {orientation}: {jpeg} levels off"
        );
        let webp = off(&as_webp(&stored, &exif), &upright);
        assert!(
            webp < 0.5,
            "WebP, orientation {orientation}: {webp} levels off"
        );
    }
}

#[test]
fn an_exif_block_that_says_nothing_leaves_the_picture_as_it_is() {
    let upright = upright();
    for exif in [&b""[..], b"II*\0", &exif(0), &exif(77), &[0xff; 40]] {
        let off = off(&as_png(&upright, exif), &upright);
        assert!(off < 0.5, "{exif:?}: {off} levels off");
    }
}
