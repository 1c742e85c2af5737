//! Frames that every language over the C interface has to get: `testdata/conformance.json`, which has for some
//! pieces of speech the frames with their times, their sound and hashes of their pictures.
//!
//! `cargo xtask conformance --accept` writes the file anew, from Rust; this test, which `ffi/` runs a
//! second time through C, and the tests of the bindings read it.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;

use common::{recording, testdata};
use essence::{Engine, OutputSize, Pacing, PixelFormat, Provider, Session, SessionOptions};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const FILE: &str = "conformance.json";
/// How much of a picture's hash is kept, in hexadecimal digits.
const DIGITS: usize = 16;
/// The part of a case's pictures that must be the recorded ones on a processor without fused products, whose
/// kernels may round the speech network's last bit otherwise. On ARM, and on x86 from AVX2 on, all are.
const ALIKE: f64 = 0.96;

/// Frames as the file lists them, a column for each fact.
#[derive(Default)]
struct Columns {
    index: Vec<u64>,
    pts_samples: Vec<u64>,
    flags: Vec<u32>,
    audio_samples: Vec<usize>,
    pictures: Vec<String>,
    sound: Vec<u8>,
    size: (usize, usize),
}

#[test]
fn frames_are_those_that_every_language_gets() {
    let path = testdata(FILE);
    if std::env::var_os("ESSENCE_ACCEPT_CONFORMANCE").is_some() {
        let head = json!({
            "made_by": "cargo xtask conformance --accept",
            "provider": "builtin",
            "pacing": "unpaced",
            "picture_hash": format!("the first {DIGITS} hexadecimal digits of SHA-256"),
            "pictures_alike": ALIKE,
        });
        let head = serde_json::to_string_pretty(&head).unwrap();
        // A line for each case, or a number for each of a thousand frames would have its own.
        let made: Vec<String> = cases()
            .into_iter()
            .map(|case| format!("    {}", render(case)))
            .collect();
        let head = head.trim_end_matches("\n}");
        let text = format!("{head},\n  \"cases\": [\n{}\n  ]\n}}\n", made.join(",\n"));
        fs::write(&path, text).unwrap();
        return;
    }
    let file: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let recorded = file["cases"].as_array().unwrap();
    assert_eq!(recorded.len(), cases().len(), "cases of {FILE}");
    for expected in recorded {
        compare(expected, &render(expected.clone()));
    }
}

/// The cases without their results.
fn cases() -> [Value; 4] {
    let speech_24000 = 264_960;
    [
        json!({
            "name": "the avatar that ships, from 16-bit samples in one piece",
            "avatar": "avatars/mika.imx", "audio": "audio/speech_16000.wav", "samples": "i16",
            "pixel_format": "bgr", "width": 0, "height": 0,
            "steps": [{"push": [0, 176_640]}, {"flush": true}, {"draw": 0}],
        }),
        json!({
            "name": "the toy, from floats in pieces, with alpha",
            "avatar": "avatars/toy_keyed.imx", "audio": "audio/speech_24000.wav", "samples": "f32",
            "pixel_format": "rgba", "width": 0, "height": 0,
            "steps": [
                {"push": [0, 1_000]}, {"draw": 0}, {"push": [1_000, 48_000]}, {"draw": 7},
                {"push": [49_000, speech_24000 - 49_000]}, {"flush": true}, {"draw": 0},
            ],
        }),
        json!({
            "name": "the toy in another size and planes",
            "avatar": "avatars/toy.imx", "audio": "audio/speech_48000.wav", "samples": "i16",
            "pixel_format": "i420", "width": 100, "height": 90,
            "steps": [{"push": [96_000, 96_000]}, {"flush": true}, {"draw": 0}],
        }),
        json!({
            "name": "the toy, interrupted",
            "avatar": "avatars/toy.imx", "audio": "audio/speech_16000.wav", "samples": "i16",
            "pixel_format": "bgra", "width": 0, "height": 0,
            "steps": [
                {"push": [0, 64_000]}, {"draw": 30}, {"interrupt": true}, {"draw": 0},
                {"push": [32_000, 32_000]}, {"flush": true}, {"draw": 0},
            ],
        }),
    ]
}

/// The case with its results.
fn render(mut case: Value) -> Value {
    let text = |key: &str| case[key].as_str().unwrap().to_owned();
    let engine = Engine::builder().provider(Provider::Builtin).build();
    let avatar = engine.unwrap().open(testdata(&text("avatar"))).unwrap();
    let side = |key: &str| usize::try_from(case[key].as_u64().unwrap()).unwrap();
    let size = (side("width") > 0).then(|| OutputSize {
        width: side("width"),
        height: side("height"),
    });
    let format = PixelFormat::ALL
        .into_iter()
        .find(|format| format.name() == text("pixel_format"))
        .unwrap();
    let options = SessionOptions::default()
        .pacing(Pacing::Unpaced)
        .pixel_format(format)
        .output_size(size);
    let session = avatar.session(options).unwrap();
    let file = text("audio");
    let (samples, rate) = recording(file.strip_prefix("audio/").unwrap());
    let floats = text("samples") == "f32";

    let mut columns = Columns::default();
    for step in case["steps"].as_array().unwrap() {
        if let Some(span) = step["push"].as_array() {
            let [from, count] = [0, 1].map(|i| usize::try_from(span[i].as_u64().unwrap()).unwrap());
            let piece = &samples[from..from + count];
            if floats {
                let piece: Vec<f32> = piece.iter().map(|&x| f32::from(x) / 32768.0).collect();
                session.push_audio(&piece[..], rate, 1).unwrap();
            } else {
                session.push_audio(piece, rate, 1).unwrap();
            }
        } else if let Some(most) = step["draw"].as_u64() {
            draw(&session, most, &mut columns);
        } else if step["flush"] == true {
            session.flush();
        } else {
            assert_eq!(step["interrupt"], true, "an unknown step");
            session.interrupt();
        }
    }
    case["results"] = json!({
        "frame_width": columns.size.0,
        "frame_height": columns.size.1,
        "frames": columns.index.len(),
        "sound_sha256": hex(&columns.sound),
        "sound_rate_hz": rate,
        "index": columns.index,
        "pts_samples": columns.pts_samples,
        "flags": columns.flags,
        "audio_samples": columns.audio_samples,
        "pictures": columns.pictures,
    });
    case
}

/// Draws so many frames, 0 standing for all that there are.
fn draw(session: &Session, most: u64, columns: &mut Columns) {
    let mut drawn = 0;
    while most == 0 || drawn < most {
        let Some(frame) = session.next_frame().unwrap() else {
            assert_eq!(most, 0, "{drawn} frames of {most}");
            return;
        };
        drawn += 1;
        let flags = frame.flags();
        // The bits of the C interface.
        let bits = [
            flags.speech,
            flags.end_of_speech,
            flags.underrun,
            flags.late,
            flags.muted,
            flags.concealed,
        ];
        let bits = bits.into_iter().enumerate();
        columns
            .flags
            .push(bits.map(|(i, set)| u32::from(set) << i).sum());
        columns.size = (frame.width(), frame.height());
        columns.index.push(frame.index());
        columns.pts_samples.push(frame.pts_samples());
        columns.audio_samples.push(frame.audio_i16().len());
        let mut hash = hex(frame.pixels());
        hash.truncate(DIGITS);
        columns.pictures.push(hash);
        let sound = frame.audio_i16().flat_map(i16::to_le_bytes);
        columns.sound.extend(sound);
    }
}

fn compare(expected: &Value, actual: &Value) {
    let name = expected["name"].as_str().unwrap();
    let (mut expected, mut actual) = (expected["results"].clone(), actual["results"].clone());
    let [wanted, drawn] = [&mut expected, &mut actual].map(|results| results["pictures"].take());
    assert_eq!(expected, actual, "{name}: all but pictures");
    let [wanted, drawn] = [wanted, drawn].map(|hashes| hashes.as_array().unwrap().clone());
    let alike = wanted.iter().zip(&drawn).filter(|(a, b)| a == b).count();
    let needed = if recording_kernels() { 1.0 } else { ALIKE };
    assert!(
        alike as f64 >= needed * wanted.len() as f64,
        "{name}: {alike} of {} pictures are the recorded ones",
        wanted.len()
    );
}

/// Whether this processor rounds as the one that the file was made with: it has fused products.
fn recording_kernels() -> bool {
    #[cfg(target_arch = "x86_64")]
    let has =
        std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    let has = cfg!(target_arch = "aarch64");
    has
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
