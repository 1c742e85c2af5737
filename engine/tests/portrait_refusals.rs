//! Pictures that can't speak, and how each is refused.
#![cfg(feature = "portrait")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;
#[path = "common/portraits.rs"]
mod portraits;

use essence::ErrorKind;
use essence::portrait::{PortraitOptions, create};
use portraits::{face, face_pixels, png};

#[test]
fn pictures_without_a_face_that_can_speak_are_refused_with_the_reason() {
    let refused = |picture: &[u8]| {
        let error = create(picture, &PortraitOptions::default()).unwrap_err();
        (error.kind(), error.message().to_owned())
    };
    let grey = png(640, 480, &[128; 3 * 640 * 480], png::ColorType::Rgb);
    let (kind, message) = refused(&grey);
    assert_eq!(kind, ErrorKind::InvalidAvatar);
    assert!(message.contains("no face"), "{message}");

    let (_, message) = refused(&face()[..9_000]);
    assert!(message.contains("cut off"), "{message}");

    let (kind, _) = refused(b"GIF89a and so on");
    assert_eq!(kind, ErrorKind::UnsupportedFormat);

    let one = face_pixels();
    let mut two = Vec::with_capacity(2 * one.len());
    for row in one.chunks(3 * 512) {
        two.extend_from_slice(row);
        two.extend_from_slice(row);
    }
    let (_, message) = refused(&png(1024, 512, &two, png::ColorType::Rgb));
    assert!(message.contains("2 faces"), "{message}");

    let dark: Vec<u8> = one.iter().map(|level| level / 8).collect();
    let dark = png(512, 512, &dark, png::ColorType::Rgb);
    let (_, message) = refused(&dark);
    assert!(
        message.contains("dark") || message.contains("no face"),
        "{message}"
    );
}
