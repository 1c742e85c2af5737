//! The avatar that ships: what it promises, and that its lips do what is said.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{engine, mika, recording, speak_recording, testdata, toy};
use essence::{Engine, ErrorKind, Frame, Provider};

#[test]
fn the_cpu_passes_the_self_test() {
    for avatar in [mika(), toy()] {
        assert_eq!(
            avatar.provider().provider,
            Provider::Cpu,
            "{:?}",
            avatar.provider()
        );
    }
    let report = Engine::builder()
        .build()
        .unwrap()
        .open(testdata("avatars/mika.imx"))
        .unwrap();
    assert!(
        !report.provider().refused.is_empty(),
        "auto says why no accelerator runs: {:?}",
        report.provider()
    );
}

/// A provider that is asked for by name is never replaced silently.
#[test]
fn a_missing_provider_is_an_error() {
    let error = Engine::builder()
        .provider(Provider::Cuda)
        .build()
        .unwrap()
        .open(testdata("avatars/toy.imx"))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProviderUnavailable, "{error}");
    assert!(error.message().contains("cuda"), "{error}");
}

#[test]
fn files_that_are_no_avatars_are_refused_by_name() {
    let error = engine().open(testdata("bad/hash_differs.imx")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidAvatar, "{error}");
    assert!(error.message().contains("hash_differs.imx"), "{error}");
    let error = engine().open(testdata("avatars/nobody.imx")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

/// Phones of the recording with the frames that lie wholly inside them.
fn phones() -> Vec<(f64, f64, String)> {
    let table = std::fs::read_to_string(testdata("audio/speech.phones.csv")).unwrap();
    let mut rows = csv_rows(&table);
    rows.retain(|(start, end, _)| end > start);
    rows
}

fn csv_rows(table: &str) -> Vec<(f64, f64, String)> {
    table
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<_> = line.split(',').collect();
            (
                cells[0].parse().unwrap(),
                cells[1].parse().unwrap(),
                cells[2].trim().to_owned(),
            )
        })
        .collect()
}

/// How far the lips are apart: the jaw's opening less what the lips close of it.
fn gap(frame: &Frame, names: &[String]) -> f32 {
    let value = |name: &str| frame.arkit()[names.iter().position(|x| x == name).unwrap()];
    value("jawOpen") - value("mouthClose")
}

#[test]
fn lips_close_on_p_b_m_open_on_vowels_and_rest_in_silence() {
    let avatar = mika();
    let names = &avatar.info().arkit_names;
    let frames = speak_recording(&avatar, "speech_48000.wav", None);
    let (samples, rate) = recording("speech_48000.wav");
    assert_eq!(
        frames.len(),
        (samples.len() * 25).div_ceil(rate as usize),
        "frames of the recording"
    );
    let gaps: Vec<f32> = frames.iter().map(|frame| gap(frame, names)).collect();
    // The frame whose middle lies nearest, and its neighbours.
    let near = |from: f64, to: f64| {
        let first = ((from * 25.0 - 0.5).floor().max(0.0) as usize).min(gaps.len() - 1);
        let last = ((to * 25.0 - 0.5).ceil() as usize).clamp(first, gaps.len() - 1);
        &gaps[first..=last]
    };
    let (mut closed, mut closures, mut open, mut vowels) = (0, 0, 0, 0);
    for (start, end, phone) in phones() {
        match phone.as_str() {
            "p" | "b" | "m" => {
                closures += 1;
                closed += usize::from(near(start, end).iter().any(|&gap| gap < 0.04));
            }
            "aa" | "ae" | "ao" | "ay" | "aw" if end - start > 0.08 => {
                vowels += 1;
                open += usize::from(near(start, end).iter().any(|&gap| gap > 0.15));
            }
            "pau" if end - start > 0.4 => {
                let still = near(start + 0.16, end - 0.16);
                assert!(
                    still.iter().all(|&gap| gap.abs() < 0.04),
                    "silence at {start} s: {still:?}"
                );
            }
            _ => {}
        }
    }
    assert!(
        closures >= 8 && closed * 100 >= closures * 85,
        "{closed} of {closures} closures"
    );
    assert!(
        vowels >= 5 && open * 100 >= vowels * 85,
        "{open} of {vowels} open vowels"
    );
}
