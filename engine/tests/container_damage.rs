//! Damaged containers: bytes changed anywhere, and base frames that are no whole JPEG images.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;
#[path = "common/members.rs"]
mod members;

use std::fs;

use common::testdata;
use essence::Error;
use essence::ErrorKind::InvalidAvatar;
use essence::imx::{Container, Writer};
use members::contents;

/// Law 7: nothing from a file can panic, hang, overread or allocate without bound.
#[test]
fn law_7_mutated_files_never_panic() {
    let imx = fs::read(testdata("avatars/toy.imx")).unwrap();
    let zip = fs::read(testdata("avatars/toy.zip.imx")).unwrap();
    let small = fs::read(testdata("good/newer_minor.imx")).unwrap();
    let packed = fs::read(testdata("good/deflated_manifest.zip")).unwrap();
    let mut random = Random(0x1234_5678_9abc_def1);
    let (mut opened, mut verified) = (0, 0);
    for round in 0..8000 {
        let original = [&imx, &small, &zip, &packed][round % 4];
        let mut bytes = original.clone();
        for _ in 0..=random.below(4) {
            mutate(&mut bytes, &mut random);
        }
        if let Ok(container) = Container::from_bytes(bytes) {
            opened += 1;
            verified += usize::from(container.verify().is_ok());
            for member in container.members() {
                let data = container.member(member.name).unwrap();
                assert_eq!(data.len() as u64, member.size_bytes);
            }
        }
    }
    // The mutations are neither all fatal nor all without effect.
    assert!((100..7000).contains(&opened), "{opened} opened");
    assert!(verified < opened, "{verified} of {opened} verified");
}

/// Changes the bytes in one of the ways in which files go wrong or are made wrong.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    if bytes.is_empty() {
        return;
    }
    // Mostly where the structure is: the front (table, local headers), the back (directory).
    let reach = bytes.len().min(1200);
    let at = match random.below(4) {
        0 => random.below(bytes.len()),
        1 => bytes.len() - 1 - random.below(reach),
        _ => random.below(reach),
    };
    match random.below(8) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = random.below(256) as u8,
        2 => bytes.truncate(at),
        // A number with meaning in a field of 2, 4 or 8 bytes.
        3 | 4 => {
            let size = [2, 4, 8][random.below(3)];
            let length = bytes.len() as u64;
            let wicked = [
                0,
                1,
                7,
                8,
                0xFFFF,
                0xFFFF_FFFF,
                u64::MAX,
                1 << 63,
                length,
                length - 1,
            ];
            let number = wicked[random.below(wicked.len())].to_le_bytes();
            let end = bytes.len().min(at + size);
            bytes[at..end].copy_from_slice(&number[..end - at]);
        }
        // A piece of the file copied elsewhere, over or between.
        5 => {
            let from = random.below(bytes.len());
            let piece = bytes[from..bytes.len().min(from + 1 + random.below(64))].to_vec();
            let end = bytes.len().min(at + piece.len());
            bytes[at..end].copy_from_slice(&piece[..end - at]);
        }
        6 => {
            let from = random.below(bytes.len());
            let piece = bytes[from..bytes.len().min(from + 1 + random.below(64))].to_vec();
            bytes.splice(at..at, piece);
        }
        // A digit of the manifest (or whatever looks like one).
        _ => {
            let digits: Vec<_> = (0..bytes.len())
                .filter(|&i| bytes[i].is_ascii_digit())
                .collect();
            if !digits.is_empty() {
                bytes[digits[random.below(digits.len())]] = b'0' + random.below(10) as u8;
            }
        }
    }
}

/// Xorshift: the same numbers on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// The toy avatar with another JPEG for one of its base frames.
fn toy_with_frame(frame: &[u8]) -> Result<Container, Error> {
    let toy = Container::open(testdata("avatars/toy.imx")).unwrap();
    let mut writer = Writer::new();
    for (name, data) in contents(&toy) {
        if name == "frames/00004.jpg" {
            writer.add(&name, frame.to_vec()).unwrap();
        } else if name != "manifest.json" {
            writer.add(&name, data).unwrap();
        }
    }
    Container::from_bytes(writer.finish(toy.manifest_json()).unwrap())
}

/// Frames that were cut or overwritten anywhere but in their coded data.
#[test]
fn base_frames_are_whole_jpeg_images() {
    let toy = Container::open(testdata("avatars/toy.imx")).unwrap();
    let jpeg = toy.member("frames/00004.jpg").unwrap();
    let find = |marker: u8| {
        let at = jpeg.windows(2).position(|pair| pair == [0xFF, marker]);
        at.unwrap() + 2
    };
    let (quantization, huffman, scan) = (find(0xDB), find(0xC4), find(0xDA));
    let with = |at: usize, byte: u8| {
        let mut changed = jpeg.to_vec();
        changed[at] = byte;
        changed
    };
    let inserted = |at: usize, bytes: &[u8]| [&jpeg[..at], bytes, &jpeg[at..]].concat();
    let coded = scan + usize::from(jpeg[scan + 1]);
    for (frame, part) in [
        (jpeg[..jpeg.len() - 2].to_vec(), "cut short"),
        (jpeg[..coded + 3].to_vec(), "cut short"),
        (jpeg[..scan - 2].to_vec(), "a marker is missing"),
        (
            [&jpeg[..scan - 2], &[0xFF, 0xD9]].concat(),
            "it has no picture",
        ),
        (with(0, 0), "doesn't begin like one"),
        (with(quantization + 2, 0x05), "a quantization table"),
        (with(huffman + 3, 0xFF), "more codes than there are"),
        (with(huffman + 2, 0x22), "a Huffman table is cut short"),
        (with(scan + 2, 0), "a scan's header"),
        (with(scan + 4, 0x33), "a scan names"),
        (inserted(coded + 1, &[0xFF, 0xD0]), "doesn't belong there"),
        (inserted(2, &[0xFF, 0xDD, 0, 3, 1]), "restart interval"),
        (inserted(2, &jpeg[scan - 2..coded]), "before the picture"),
    ] {
        let error = toy_with_frame(&frame).unwrap_err();
        assert_eq!(error.kind(), InvalidAvatar, "{error}");
        assert!(error.message().contains("frames/00004.jpg"), "{error}");
        assert!(error.message().contains(part), "{part:?}: {error}");
    }
    // A comment, fill bytes and what follows the end are harmless.
    toy_with_frame(&inserted(2, &[0xFF, 0xFE, 0, 4, b'h', b'i'])).unwrap();
    toy_with_frame(&inserted(2, &[0xFF, 0xFF])).unwrap();
    toy_with_frame(&[jpeg, b"trailer"].concat()).unwrap();
}
