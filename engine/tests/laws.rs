//! The laws of the design, by number, over the public interface.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{assert_same, buzz, drain, speak, toy, unpaced};
use essence::{AudioData, ErrorKind, Frame};

const RATES: [u32; 9] = [
    8_000, 11_025, 12_345, 16_000, 22_050, 24_000, 44_100, 48_000, 192_000,
];

/// Any way of cutting the audio gives identical frames.
#[test]
fn law_1_chunk_independence() {
    let avatar = toy();
    for rate in [16_000, 44_100, 48_000] {
        let audio = buzz(rate as usize * 5 / 4 + 17, rate);
        let whole = speak(&unpaced(&avatar), &audio, rate);
        for cut in [1, 7, 160, 641, 1_920, 9_999] {
            let session = unpaced(&avatar);
            let mut frames = Vec::new();
            for chunk in audio.chunks(cut) {
                session.push_audio(chunk, rate, 1).unwrap();
                // Draining early or late must not matter either.
                if chunk[0] >= 0.0 {
                    frames.extend(drain(&session));
                }
            }
            session.flush();
            frames.extend(drain(&session));
            assert_same(&whole, &frames, &format!("{rate} Hz in chunks of {cut}"));
        }
    }
}

/// Pushing from one thread and drawing in another gives the frames of one thread.
#[test]
fn law_1_holds_across_threads() {
    fn shareable<T: Send + Sync>(value: T) -> T {
        value
    }
    let avatar = shareable(toy());
    let audio = buzz(40_000, 24_000);
    let whole = speak(&unpaced(&avatar), &audio, 24_000);
    let session = shareable(unpaced(&avatar));
    let frames = std::thread::scope(|scope| {
        scope.spawn(|| {
            for chunk in audio.chunks(333) {
                session.push_audio(chunk, 24_000, 1).unwrap();
            }
            session.flush();
        });
        let mut frames: Vec<Frame> = Vec::new();
        while !frames
            .last()
            .is_some_and(|frame| frame.flags().end_of_speech)
        {
            match session.next_frame().unwrap() {
                Some(frame) => frames.push(frame),
                None => std::thread::yield_now(),
            }
        }
        frames
    });
    assert_same(&whole, &frames, "two threads");
}

/// The frames' audio slices, put together, are the pushed audio, sample for sample.
#[test]
fn law_2_pairing() {
    let avatar = toy();
    for rate in RATES {
        let audio = buzz(rate as usize + 333, rate);
        let frames = speak(&unpaced(&avatar), &audio, rate);
        let joined: Vec<f32> = frames
            .iter()
            .flat_map(|frame| frame.audio())
            .copied()
            .collect();
        assert!(joined == audio, "{rate} Hz: the audio came back changed");
        for (k, frame) in frames.iter().enumerate().take(frames.len() - 1) {
            let exact = (k as u64 + 1) * u64::from(rate) / 25 - k as u64 * u64::from(rate) / 25;
            assert_eq!(
                frame.audio().len() as u64,
                exact,
                "{rate} Hz: slice of frame {k}"
            );
            assert_eq!(frame.audio_rate_hz(), rate, "frame {k}");
        }
    }
}

/// 16-bit samples come back bit for bit.
#[test]
fn law_2_pairing_of_16_bit_samples() {
    let audio: Vec<i16> = (0..16_000)
        .map(|i| (i * 37 % 65_536 - 32_768) as i16)
        .collect();
    let session = unpaced(&toy());
    session.push_audio(&audio[..], 16_000, 1).unwrap();
    session.flush();
    let joined: Vec<i16> = drain(&session)
        .iter()
        .flat_map(|frame| frame.audio_i16().collect::<Vec<_>>())
        .collect();
    assert!(joined == audio, "16-bit audio came back changed");
}

/// n samples at rate r give ceil(25 n / r) speech frames after a flush, the last of which says so.
#[test]
fn law_3_count() {
    let avatar = toy();
    for rate in RATES {
        let per_second = rate as usize;
        for samples in [
            1,
            per_second / 100,
            per_second / 25,
            per_second / 25 + 1,
            per_second,
            per_second * 6 / 5 + 1,
        ] {
            let frames = speak(&unpaced(&avatar), &buzz(samples, rate), rate);
            assert_eq!(
                frames.len(),
                (25 * samples).div_ceil(per_second),
                "{samples} samples at {rate} Hz"
            );
            let ends: Vec<_> = frames
                .iter()
                .map(|frame| frame.flags().end_of_speech)
                .collect();
            assert!(
                ends.split_last()
                    .is_some_and(|(last, rest)| *last && !rest.contains(&true)),
                "{ends:?}"
            );
        }
    }
}

/// A session after an interruption equals a new one, from the next utterance on.
#[test]
fn law_4_reset() {
    let avatar = toy();
    let (first, second) = (buzz(30_000, 24_000), buzz(40_000, 24_000));
    let fresh = speak(&unpaced(&avatar), &second, 24_000);
    for drawn in [0, 1, 9, 20] {
        let session = unpaced(&avatar);
        session.push_audio(&first[..], 24_000, 1).unwrap();
        for _ in 0..drawn {
            assert!(
                session.next_frame().unwrap().is_some(),
                "there is audio for {drawn} frames"
            );
        }
        session.interrupt();
        let closing = drain(&session);
        assert!(
            closing.len() <= 2,
            "the mouth closes over at most two frames, not {}",
            closing.len()
        );
        assert!(
            closing.iter().all(|frame| frame.audio().is_empty()),
            "dropped audio is silent"
        );
        if let Some(last) = closing.last() {
            assert!(
                last.arkit().iter().all(|&x| x == 0.0),
                "the mouth is closed: {:?}",
                last.arkit()
            );
        }
        assert_same(
            &fresh,
            &speak(&session, &second, 24_000),
            &format!("interrupted after {drawn} frames"),
        );
    }
}

/// k sessions on one avatar, on k threads, give the frames of k sessions alone.
#[test]
fn law_5_sharing() {
    let avatar = toy();
    let voices: Vec<Vec<f32>> = (0..6).map(|i| buzz(16_000 + 1_777 * i, 16_000)).collect();
    let alone: Vec<_> = voices
        .iter()
        .map(|voice| speak(&unpaced(&toy()), voice, 16_000))
        .collect();
    let together: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = voices
            .iter()
            .map(|voice| scope.spawn(|| speak(&unpaced(&avatar), voice, 16_000)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    for (index, (alone, together)) in alone.iter().zip(&together).enumerate() {
        assert_same(alone, together, &format!("session {index}"));
    }
}

/// Nothing that a caller pushes can panic or be taken in part.
#[test]
fn law_7_bad_calls_are_refused_by_name() {
    let session = unpaced(&toy());
    let cases: [(AudioData<'_>, u32, u16, &str); 7] = [
        (AudioData::F32(&[0.0; 8]), 7_999, 1, "7999"),
        (AudioData::F32(&[0.0; 8]), 192_001, 1, "192001"),
        (AudioData::F32(&[0.0; 8]), 16_000, 0, "0 channels"),
        (AudioData::F32(&[0.0; 8]), 16_000, 33, "33 channels"),
        (AudioData::I16(&[0; 7]), 16_000, 2, "7 samples"),
        (
            AudioData::F32(&[0.0, f32::NAN]),
            16_000,
            1,
            "sample 1 is NaN",
        ),
        (
            AudioData::F32(&[f32::INFINITY]),
            16_000,
            1,
            "sample 0 is inf",
        ),
    ];
    for (audio, rate, channels, named) in cases {
        let error = session.push_audio(audio, rate, channels).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        assert!(
            error.message().contains(named),
            "`{error}` does not name {named}"
        );
    }
    session.push_audio(&[0i16; 16][..], 16_000, 1).unwrap();
    let error = session.push_audio(&[0i16; 16][..], 48_000, 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidState, "{error}");
    let long = vec![0i16; 16_000 * 600];
    let error = session.push_audio(&long[..], 16_000, 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
    assert_eq!(
        session.perform("somersault").unwrap_err().kind(),
        ErrorKind::NotFound,
        "perform"
    );
    session.flush();
    assert_eq!(
        drain(&session).len(),
        1,
        "what was refused left nothing behind"
    );
}

/// Random calls in random order neither panic nor lose audio.
#[test]
fn law_7_random_calls() {
    let avatar = toy();
    let mut random = 12_345u64;
    let mut next = |below: u64| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    for _ in 0..20 {
        let session = unpaced(&avatar);
        let (mut pushed, mut drawn) = (0, 0);
        for _ in 0..60 {
            match next(10) {
                0..=4 => {
                    let samples = usize::try_from(next(3_000)).unwrap();
                    session
                        .push_audio(&buzz(samples, 16_000)[..], 16_000, 1)
                        .unwrap();
                    pushed += samples;
                }
                5..=7 => {
                    drawn += session
                        .next_frame()
                        .unwrap()
                        .map_or(0, |frame| frame.audio().len());
                }
                8 => session.flush(),
                _ => {
                    session.interrupt();
                    (pushed, drawn) = (0, 0);
                }
            }
        }
        session.flush();
        drawn += drain(&session)
            .iter()
            .map(|frame| frame.audio().len())
            .sum::<usize>();
        assert_eq!(
            drawn, pushed,
            "samples drawn and pushed since the last interruption"
        );
    }
}
