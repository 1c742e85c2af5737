//! The mouth driven by curves, with sound and without.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{assert_same, buzz, curve, drain, mika, recording, toy, unpaced};
use essence::{Avatar, Curves, ErrorKind, Frame, Pacing, SessionOptions};

const RATE: u32 = 16_000;

/// Times of `count` frames.
fn times(count: usize) -> Vec<f64> {
    (0..count).map(|frame| frame as f64 / 25.0).collect()
}

/// All values of `frames`, as they are pushed back.
fn values(frames: &[Frame]) -> Vec<f32> {
    frames.iter().flat_map(Frame::arkit).copied().collect()
}

fn names(avatar: &Avatar) -> Vec<&str> {
    let names = &avatar.info().arkit_names;
    names.iter().map(String::as_str).collect()
}

#[test]
fn curves_pushed_out_and_in_again_give_the_same_frames() {
    let avatar = mika();
    let (speech, rate) = recording("speech_16000.wav");
    // What is said, a pause in which the mouth comes to rest, and the first words again.
    let mut samples = speech[..speech.len().min(3 * rate as usize)].to_vec();
    samples.extend(vec![0; rate as usize / 2]);
    samples.extend_from_within(..rate as usize);
    let session = unpaced(&avatar);
    session.push_audio(&samples[..], rate, 1).unwrap();
    session.flush();
    let spoken = drain(&session);
    let names = names(&avatar);
    let values = values(&spoken);
    assert!(values.iter().any(|&value| value > 0.2), "the mouth moves");
    let session = unpaced(&avatar);
    let times = times(spoken.len());
    session
        .push_curves(&Curves::new(&names, &times, &values))
        .unwrap();
    session.push_audio(&samples[..], rate, 1).unwrap();
    session.flush();
    assert_same(&spoken, &drain(&session), "pushed back");
}

/// A second of curves that no network would make.
fn some_curves(avatar: &Avatar, count: usize) -> (Vec<&str>, Vec<f64>, Vec<f32>) {
    let names = vec!["jawOpen", "mouthSmileLeft", "mouthSmileRight"];
    assert!(
        names
            .iter()
            .all(|name| avatar.info().arkit_names.iter().any(|known| known == name))
    );
    let times: Vec<f64> = (0..count).map(|key| key as f64 / 30.0).collect();
    let wave = |key: usize, phase: f32| 0.5 + 0.5 * (key as f32 * 0.7 + phase).sin();
    let values = (0..count).flat_map(|key| [0.0, 1.0, 2.0].map(|phase| wave(key, phase)));
    (names, times, values.collect())
}

#[test]
fn curves_without_sound_do_not_depend_on_chunks() {
    let avatar = toy();
    let (names, times, values) = some_curves(&avatar, 40);
    let whole = unpaced(&avatar);
    whole
        .push_curves(&Curves::new(&names, &times, &values))
        .unwrap();
    assert!(drain(&whole).is_empty(), "there may be sound");
    whole.flush();
    let whole = drain(&whole);
    assert_eq!(whole.len(), (39.0 / 30.0 * 25.0) as usize + 1, "frames");
    assert!(whole.last().unwrap().flags().end_of_speech);
    assert!(
        whole
            .iter()
            .all(|frame| frame.flags().speech && frame.audio().is_empty())
    );
    for chunk in [1, 7, 40] {
        let session = unpaced(&avatar);
        let mut frames = Vec::new();
        for (times, values) in times.chunks(chunk).zip(values.chunks(3 * chunk)) {
            let curves = Curves::new(&names, times, values).without_sound(true);
            session.push_curves(&curves).unwrap();
            frames.extend(drain(&session));
        }
        assert!(frames.len() > 25, "frames come as keyframes do");
        session.flush();
        frames.extend(drain(&session));
        assert_same(&whole, &frames, &format!("chunks of {chunk}"));
    }
}

#[test]
fn values_are_interpolated_clamped_and_averaged() {
    let avatar = toy();
    let session = unpaced(&avatar);
    let names = [
        "jawOpen",
        "mouthSmileLeft",
        "mouthSmileRight",
        "mouthPressLeft",
    ];
    let curves = Curves::new(
        &names,
        &[0.0, 0.08],
        &[0.2, 0.2, 0.4, 0.3, 0.6, 7.0, 1.0, -1.0],
    );
    session.push_curves(&curves).unwrap();
    session.flush();
    let frames = drain(&session);
    let near = |name: &str, expected: [f32; 3]| {
        for (value, expected) in curve(&avatar, &frames, name).iter().zip(expected) {
            assert!(
                (value - expected).abs() < 1e-6,
                "{name}: {value}, not {expected}"
            );
        }
    };
    assert_eq!(frames.len(), 3, "at 0, 40 and 80 ms");
    near("jawOpen", [0.2, 0.4, 0.6]);
    near("mouthSmileLeft", [0.3, 0.65, 1.0]);
    near("mouthSmileRight", [0.3, 0.65, 1.0]);
    near("mouthPressRight", [0.3, 0.15, 0.0]);
    near("mouthFunnel", [0.0; 3]);
}

#[test]
fn what_is_not_named_goes_on_coming_from_the_network() {
    let avatar = mika();
    let voice = buzz(RATE as usize, RATE);
    let spoken = common::speak(&unpaced(&avatar), &voice, RATE);
    let session = unpaced(&avatar);
    let name = ["mouthFunnel"];
    // From 0.2 s to 0.4 s, and again from 0.8 s on.
    let times = [0.2, 0.4];
    session
        .push_curves(&Curves::new(&name, &times, &[0.9, 0.9]))
        .unwrap();
    session
        .push_curves(&Curves::new(&[], &[0.41], &[]))
        .unwrap();
    session
        .push_curves(&Curves::new(&name, &[0.8, 0.9], &[0.7, 0.7]))
        .unwrap();
    session.push_audio(&voice[..], RATE, 1).unwrap();
    session.flush();
    let frames = drain(&session);
    assert_eq!(frames.len(), spoken.len());
    let funnel = curve(&avatar, &frames, "mouthFunnel");
    let network = curve(&avatar, &spoken, "mouthFunnel");
    for frame in 0..frames.len() {
        let expected = match frame {
            5..=10 => 0.9,
            20..=22 => 0.7,
            // A ramp into a pause begins where the mouth stands.
            11..=13 | 23..=25 => continue,
            _ => network[frame],
        };
        assert_eq!(funnel[frame], expected, "frame {frame}");
    }
    let jaws = [&frames, &spoken].map(|frames| curve(&avatar, frames, "jawOpen"));
    assert_eq!(jaws[0][..11], jaws[1][..11], "the jaw is the network's");
}

#[test]
fn wrong_curves_are_refused_and_nothing_of_them_is_taken() {
    let avatar = toy();
    let session = unpaced(&avatar);
    let jaw = ["jawOpen"];
    let cases: [(Curves<'_>, &str); 9] = [
        (
            Curves::new(&["jawOpn"], &[0.0], &[0.0]),
            "no ARKit value `jawOpn`",
        ),
        (
            Curves::new(&["jawOpen", "jawOpen"], &[0.0], &[0.0, 0.0]),
            "named twice",
        ),
        (Curves::new(&jaw, &[0.0, 0.0], &[0.0, 0.0]), "times ascend"),
        (Curves::new(&jaw, &[1.0, 0.5], &[0.0, 0.0]), "times ascend"),
        (Curves::new(&jaw, &[-0.1], &[0.0]), "-0.1"),
        (Curves::new(&jaw, &[f64::NAN], &[0.0]), "NaN"),
        (Curves::new(&jaw, &[0.0], &[f32::INFINITY]), "not finite"),
        (Curves::new(&jaw, &[0.0], &[]), "0 values"),
        (Curves::new(&[], &[0.0], &[1.0]), "1 values"),
    ];
    for (curves, named) in cases {
        let error = session.push_curves(&curves).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        assert!(
            error.to_string().contains(named),
            "`{error}` does not say {named}"
        );
    }
    session.flush();
    assert!(drain(&session).is_empty(), "nothing was taken");
    session
        .push_curves(&Curves::new(&jaw, &[0.5], &[0.0]))
        .unwrap();
    let error = session
        .push_curves(&Curves::new(&jaw, &[0.5], &[0.0]))
        .unwrap_err();
    assert!(error.to_string().contains("times ascend"), "{error}");
    let known = Curves::new(&["eyeBlinkLeft", "jawOpen"], &[0.6], &[1.0, 0.5]);
    session.push_curves(&known.ignore_unknown(true)).unwrap();
}

#[test]
fn an_utterance_has_sound_or_has_none() {
    let avatar = toy();
    let session = unpaced(&avatar);
    let curves = Curves::new(&["jawOpen"], &[0.0], &[0.5]).without_sound(true);
    session.push_curves(&curves).unwrap();
    let error = session.push_audio(&[0.1f32], RATE, 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidState, "{error}");
    session.flush();
    session.push_audio(&[0.1f32], RATE, 1).unwrap();
    let error = session.push_curves(&curves).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidState, "{error}");
    session.flush();
    assert_eq!(drain(&session).len(), 2, "a frame each");
}

#[test]
fn an_utterance_lasts_as_long_as_the_longer_of_sound_and_curves() {
    let avatar = toy();
    for (sound, curves, frames) in [(1.0, 0.5, 25), (0.5, 1.0, 26), (0.5, 0.99, 25)] {
        let session = unpaced(&avatar);
        let voice = buzz((sound * f64::from(RATE)) as usize, RATE);
        let times = [0.0, curves];
        let keys = Curves::new(&["jawOpen"], &times, &[0.5, 0.5]);
        session.push_curves(&keys).unwrap();
        session.push_audio(&voice[..], RATE, 1).unwrap();
        session.flush();
        let drawn = drain(&session);
        assert_eq!(
            drawn.len(),
            frames,
            "{sound} s of sound, {curves} s of curves"
        );
        let heard: Vec<f32> = drawn.iter().flat_map(Frame::audio).copied().collect();
        assert_eq!(heard, voice, "every sample once");
    }
}

#[test]
fn interruptions_mute_and_limits_hold_for_curves() {
    let avatar = toy();
    let mut options = SessionOptions::default().pacing(Pacing::Unpaced);
    options.queue_limit_s = 5;
    let session = avatar.session(options).unwrap();
    let push = |until: f64| session.push_curves(&Curves::new(&["jawOpen"], &[until], &[0.8]));
    push(4.9).unwrap();
    let error = push(5.1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
    session.interrupt();
    session.flush();
    let speech = |frames: Vec<Frame>| frames.iter().filter(|frame| frame.flags().speech).count();
    assert_eq!(speech(drain(&session)), 0, "all was dropped");
    push(0.0).unwrap();
    session.set_muted(true);
    session.flush();
    let muted = drain(&session);
    assert_eq!(curve(&avatar, &muted, "jawOpen"), [0.0], "the mouth rests");
    // As frames are drawn, there is room again; hours without a flush take no more than seconds.
    session.set_muted(false);
    for second in 0..100 {
        let (from, until) = (f64::from(second), f64::from(second) + 0.9);
        let times = [from, until];
        let curves = Curves::new(&["jawOpen"], &times, &[0.5, 0.5]);
        session.push_curves(&curves.without_sound(true)).unwrap();
        assert!(drain(&session).len() >= 20, "second {second}");
    }
}

/// The mouth closes softly after curves that end with it open, and the next utterance is unaffected.
#[test]
fn an_open_mouth_closes_when_curves_end() {
    let avatar = toy();
    let clock = essence::clock::ManualClock::new();
    let options = SessionOptions::default()
        .clock(essence::clock::Clock::Manual(clock.clone()))
        .pictures(false);
    let session = avatar.session(options).unwrap();
    let mut jaw = Vec::new();
    let curves = Curves::new(&["jawOpen"], &[0.0, 0.2], &[0.9, 0.9]).without_sound(true);
    session.push_curves(&curves).unwrap();
    session.flush();
    for _ in 0..10 {
        let frame = session.next_frame().unwrap().unwrap();
        clock.advance(std::time::Duration::from_millis(40));
        jaw.extend(curve(&avatar, &[frame], "jawOpen"));
    }
    let expected = [0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.6, 0.3, 0.0, 0.0];
    for (index, (value, expected)) in jaw.iter().zip(expected).enumerate() {
        assert!((value - expected).abs() < 1e-5, "frame {index}: {jaw:?}");
    }
}
