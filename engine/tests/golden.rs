//! Rendered frames against pictures in `testdata/golden`.
//!
//! `cargo xtask golden --accept` writes them anew; look at them before committing. On a difference,
//! expected, difference (×16) and actual picture are left side by side in `target/golden`.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::path::Path;

use common::{speak_recording, testdata};
use essence::{Avatar, Engine, OutputSize, Provider};

/// How far a picture may lie from its golden one. The arithmetic on pixels is exact everywhere; the
/// networks' floats are not, since kernels differ between processors.
struct Tolerance {
    /// Largest difference of a level.
    worst: u8,
    /// Largest mean difference of the levels.
    mean: f64,
}

/// An avatar by each of the providers that are always there.
fn open(name: &str) -> Vec<Avatar> {
    let path = testdata(&format!("avatars/{name}.imx"));
    let open = |provider| {
        let engine = Engine::builder().provider(provider).build();
        let engine = engine.expect("run `cargo xtask runtime` first");
        engine.open(&path).unwrap()
    };
    [Provider::Cpu, Provider::Builtin].map(open).into()
}

#[test]
fn toy_frames_are_golden() {
    let tolerance = Tolerance {
        worst: 1,
        mean: 0.02,
    };
    check("toy", &open("toy"), None, &[0, 2, 9, 40], &tolerance);
    check(
        "toy_fitted",
        &open("toy"),
        Some(OutputSize {
            width: 100,
            height: 90,
        }),
        &[9],
        &tolerance,
    );
}

#[test]
fn frames_of_the_shipped_avatars_are_golden() {
    let tolerance = Tolerance {
        worst: 8,
        mean: 0.2,
    };
    let size = OutputSize {
        width: 192,
        height: 192,
    };
    check(
        "mika",
        &open("mika"),
        Some(size),
        &[0, 20, 45, 80, 120],
        &tolerance,
    );
    check("juno", &open("juno"), Some(size), &[0, 45, 80], &tolerance);
}

fn check(
    name: &str,
    avatars: &[Avatar],
    size: Option<OutputSize>,
    frames: &[usize],
    tolerance: &Tolerance,
) {
    for avatar in avatars {
        check_one(name, avatar, size, frames, tolerance);
    }
}

fn check_one(
    name: &str,
    avatar: &Avatar,
    size: Option<OutputSize>,
    frames: &[usize],
    tolerance: &Tolerance,
) {
    let spoken = speak_recording(avatar, "speech_16000.wav", size);
    for &index in frames {
        let frame = &spoken[index];
        let file = format!("{name}_{index:03}.png");
        let path = testdata("golden").join(&file);
        let actual = frame.pixels();
        if std::env::var_os("ESSENCE_ACCEPT_GOLDEN").is_some() {
            write(&path, actual, frame.width(), frame.height());
            continue;
        }
        let expected = read(&path);
        assert_eq!(expected.len(), actual.len(), "{file}: size of the picture");
        let differences: Vec<u8> = expected
            .iter()
            .zip(actual)
            .map(|(a, b)| a.abs_diff(*b))
            .collect();
        let worst = differences.iter().copied().max().unwrap_or(0);
        let mean =
            differences.iter().map(|&x| f64::from(x)).sum::<f64>() / differences.len() as f64;
        if worst > tolerance.worst || mean > tolerance.mean {
            let beside = side_by_side(&expected, &differences, actual, frame.width());
            let failed = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../target/golden")
                .join(&file);
            write(&failed, &beside, 3 * frame.width(), frame.height());
            panic!(
                "{file}: off by {worst} levels at most and {mean:.3} on average; see {}",
                failed.display()
            );
        }
    }
}

fn side_by_side(expected: &[u8], differences: &[u8], actual: &[u8], width: usize) -> Vec<u8> {
    let amplified: Vec<u8> = differences.iter().map(|x| x.saturating_mul(16)).collect();
    let rows = |picture| <[u8]>::chunks_exact(picture, 3 * width);
    rows(expected)
        .zip(rows(&amplified))
        .zip(rows(actual))
        .flat_map(|((a, b), c)| [a, b, c].concat())
        .collect()
}

fn read(path: &Path) -> Vec<u8> {
    let file = File::open(path)
        .unwrap_or_else(|e| panic!("{}: {e}; run `cargo xtask golden --accept`", path.display()));
    let mut reader = png::Decoder::new(BufReader::new(file)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    pixels
}

fn write(path: &Path, rgb: &[u8], width: usize, height: usize) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let file = BufWriter::new(File::create(path).unwrap());
    let mut encoder = png::Encoder::new(
        file,
        u32::try_from(width).unwrap(),
        u32::try_from(height).unwrap(),
    );
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::High);
    encoder
        .write_header()
        .unwrap()
        .write_image_data(rgb)
        .unwrap();
}
