//! Pictures that can't speak: each is refused with the reason and what to do, and art can insist.
#![cfg(feature = "portrait")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;
#[path = "common/portraits.rs"]
mod portraits;

use common::testdata;
use essence::imx::Container;
use essence::portrait::{PortraitOptions, create};
use essence::{Error, ErrorKind};
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};
use portraits::{face, face_pixels, made, png};

const SIDE: usize = 512;
const GREY: [u8; 3] = [128; 3];

fn refused(picture: &[u8]) -> Error {
    create(picture, &PortraitOptions::default()).unwrap_err()
}

/// The message says why, with these words, and after a semicolon what to do.
fn says(picture: &[u8], words: &str) {
    let error = refused(picture);
    assert_eq!(error.kind(), ErrorKind::InvalidAvatar, "{error}");
    let (reason, remedy) = error.message().split_once(';').unwrap_or_default();
    assert!(reason.contains(words), "{words}: {error}");
    assert!(remedy.len() > 10, "it says what to do: {error}");
}

/// Whether the picture is taken when somebody insists.
fn insisted(picture: &[u8]) -> Result<(), Error> {
    let mut options = PortraitOptions::default();
    options.force = true;
    create(picture, &options).map(|_| ())
}

fn rgb(width: usize, height: usize, colour: impl Fn(usize, usize) -> [u8; 3]) -> Vec<u8> {
    let at = |i: usize| colour(i % width, i / width);
    let pixels: Vec<u8> = (0..width * height).flat_map(at).collect();
    png(width as u32, height as u32, &pixels, png::ColorType::Rgb)
}

/// A colour of the face.
fn pixel(face: &[u8], x: usize, y: usize) -> [u8; 3] {
    let at = 3 * (SIDE * y + x);
    [face[at], face[at + 1], face[at + 2]]
}

/// The face's landmarks, x and y in pixels.
fn landmarks() -> Vec<[f32; 2]> {
    let container = Container::from_bytes(made(&face()).0).unwrap();
    let points = container.floats("landmarks.f32").unwrap();
    points.chunks(3).map(|p| [p[0], p[1]]).collect()
}

#[test]
fn no_face_is_refused() {
    says(&rgb(640, 480, |_, _| GREY), "no face");
}

#[test]
fn several_faces_are_refused_but_not_against_a_will() {
    let face = face_pixels();
    let two = rgb(2 * SIDE, SIDE, |x, y| pixel(&face, x % SIDE, y));
    says(&two, "2 faces");
    insisted(&two).unwrap();
}

#[test]
fn a_face_of_few_pixels_is_refused_even_where_somebody_insists() {
    let face = face_pixels();
    let small = rgb(320, 320, |x, y| match (x / 128, y / 128) {
        (0, 0) => pixel(&face, 4 * x, 4 * y),
        _ => GREY,
    });
    says(&small, "too small");
    assert!(insisted(&small).is_err(), "nothing to move");
    let tiny = rgb(60, 60, |x, y| pixel(&face, 8 * x, 8 * y));
    says(&tiny, "too small");
}

#[test]
fn a_face_that_is_turned_away_is_refused_but_not_against_a_will() {
    let turned = std::fs::read(testdata("portraits/turned.jpg")).unwrap();
    says(&turned, "turned away");
    insisted(&turned).unwrap();
}

#[test]
fn a_face_on_its_side_is_refused() {
    let face = face_pixels();
    says(
        &rgb(SIDE, SIDE, |x, y| pixel(&face, y, SIDE - 1 - x)),
        "side",
    );
}

#[test]
fn a_face_at_the_pictures_edge_is_refused() {
    let (face, points) = (face_pixels(), landmarks());
    let mouth = points[17][1] as usize + 2;
    says(&rgb(SIDE, mouth, |x, y| pixel(&face, x, y)), "edge");
    let eye = points[33][0] as usize - 3;
    says(
        &rgb(SIDE - eye, SIDE, |x, y| pixel(&face, x + eye, y)),
        "edge",
    );
}

#[test]
fn covered_eyes_and_mouths_are_refused_but_not_against_a_will() {
    let (face, points) = (face_pixels(), landmarks());
    let unit = points[263][0] - points[33][0];
    let middle = |a: usize, b: usize| [0, 1].map(|i| (points[a][i] + points[b][i]) / 2.0);
    // A disc of one colour, as wide and high as so many distances of the eyes.
    let covered = |middles: &[[f32; 2]], width: f32, height: f32, colour: [u8; 3]| {
        rgb(SIDE, SIDE, |x, y| {
            let hides = middles.iter().any(|[u, v]| {
                let (x, y) = (
                    (x as f32 - u) / (width * unit),
                    (y as f32 - v) / (height * unit),
                );
                x * x + y * y < 1.0
            });
            if hides { colour } else { pixel(&face, x, y) }
        })
    };
    let (mouth, eyes) = (middle(13, 14), [middle(33, 133), middle(362, 263)]);
    let mask = covered(&[mouth], 0.55, 0.4, [150, 190, 200]);
    says(&mask, "mouth is covered");
    let sunglasses = covered(&eyes, 0.3, 0.22, [18, 18, 20]);
    says(&sunglasses, "eye is covered");
    let patch = covered(&eyes[..1], 0.3, 0.22, [18, 18, 20]);
    says(&patch, "eye is covered");
    for picture in [mask, sunglasses, patch] {
        insisted(&picture).unwrap();
    }
}

#[test]
fn a_dark_face_is_refused_but_not_against_a_will() {
    let face = face_pixels();
    let dark = rgb(SIDE, SIDE, |x, y| pixel(&face, x, y).map(|level| level / 5));
    says(&dark, "too dark");
    insisted(&dark).unwrap();
}

#[test]
fn files_that_were_cut_off_are_refused_in_every_format() {
    let pixels = face_pixels();
    let mut webp = Vec::new();
    let (side, colour) = (SIDE as u32, ExtendedColorType::Rgb8);
    let encoder = WebPEncoder::new_lossless(&mut webp);
    encoder.write_image(&pixels, side, side, colour).unwrap();
    let png = png(side, side, &pixels, png::ColorType::Rgb);
    for (file, whole) in [("JPEG", face()), ("PNG", png), ("WebP", webp)] {
        for part in [3, 10, 19] {
            let error = refused(&whole[..whole.len() * part / 20]);
            assert_eq!(error.kind(), ErrorKind::InvalidAvatar, "{file}: {error}");
            assert!(error.message().contains("cut off"), "{file}: {error}");
        }
    }
}

#[test]
fn other_files_are_refused_with_what_to_save_them_as() {
    let error = refused(b"GIF89a and so on");
    assert_eq!(error.kind(), ErrorKind::UnsupportedFormat);
    assert!(error.message().contains("PNG, JPEG or WebP"), "{error}");
}
