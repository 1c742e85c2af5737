//! The mouth driven from outside: curves and visemes, with sound and without.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{assert_same, buzz, drain, mika, recording, testdata, toy, unpaced};
use essence::{
    Avatar, Curves, ErrorKind, Frame, Pacing, Session, SessionOptions, Viseme, VisemeSet, Visemes,
};

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

/// The value of `name` in each frame.
fn curve(avatar: &Avatar, frames: &[Frame], name: &str) -> Vec<f32> {
    let place = names(avatar).iter().position(|known| *known == name);
    let place = place.unwrap();
    frames.iter().map(|frame| frame.arkit()[place]).collect()
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

/// A sentence's events in the table that eSpeak NG's were written to.
fn sentences() -> Vec<(String, Vec<(f64, String)>)> {
    let table = std::fs::read_to_string(testdata("visemes/espeak.tsv")).unwrap();
    let mut sentences: Vec<(String, Vec<(f64, String)>)> = Vec::new();
    for line in table.lines() {
        if let Some(sentence) = line.strip_prefix("# ") {
            sentences.push((sentence.to_owned(), Vec::new()));
        } else {
            let (time, symbol) = line.split_once('\t').unwrap();
            let event = (time.parse().unwrap(), symbol.to_owned());
            sentences.last_mut().unwrap().1.push(event);
        }
    }
    sentences
}

fn visemes(events: &[(f64, String)]) -> Vec<Viseme<'_>> {
    let timed = events.iter();
    timed
        .map(|(start_s, symbol)| Viseme {
            symbol,
            start_s: *start_s,
            end_s: None,
        })
        .collect()
}

fn without_pictures(avatar: &Avatar) -> Session {
    let options = SessionOptions::default()
        .pacing(Pacing::Unpaced)
        .pictures(false);
    avatar.session(options).unwrap()
}

/// Lips are shut where the jaw's opening is taken back in full (`mouthClose`) and the lips press.
#[test]
fn phonemes_of_espeak_shut_mikas_lips_at_every_p_b_and_m() {
    let avatar = mika();
    let sentences = sentences();
    assert_eq!(sentences.len(), 20);
    let (mut closures, mut opened) = (0, 0);
    for (sentence, events) in &sentences {
        let session = without_pictures(&avatar);
        let visemes = visemes(events);
        let pushed = session.push_visemes(&Visemes::new(VisemeSet::Ipa, &visemes));
        pushed.unwrap();
        session.flush();
        let frames = drain(&session);
        let [jaw, close, press] =
            ["jawOpen", "mouthClose", "mouthPressLeft"].map(|name| curve(&avatar, &frames, name));
        let shut = |frame: usize| close[frame] > 0.999 * jaw[frame] && press[frame] > 0.399;
        let mut here = 0;
        for (start, symbol) in events {
            if ["p", "b", "m"].contains(&symbol.as_str()) {
                let first = (start * 25.0 - 0.5).ceil() as usize;
                assert!(
                    (first..=first + 1).any(shut),
                    "{sentence} `{symbol}` at {start} s"
                );
                here += 1;
            }
        }
        assert!(here > 0, "{sentence} has a p, b or m");
        closures += here;
        opened += usize::from(jaw.iter().any(|&jaw| jaw > 0.2));
    }
    assert!(closures > 60, "{closures} closures");
    assert_eq!(opened, 20, "mouths open in between");
}

#[test]
fn visemes_do_not_depend_on_chunks_and_fill_their_time() {
    let avatar = toy();
    for (sentence, events) in &sentences()[..5] {
        let visemes = visemes(events);
        let whole = unpaced(&avatar);
        whole
            .push_visemes(&Visemes::new(VisemeSet::Ipa, &visemes))
            .unwrap();
        whole.flush();
        let whole = drain(&whole);
        let end = events.last().unwrap().0 + 0.12;
        assert_eq!(
            whole.len(),
            (25.0 * end - 1e-6).ceil() as usize,
            "{sentence}"
        );
        for chunk in [1, 3, 8] {
            let session = unpaced(&avatar);
            let mut frames = Vec::new();
            for piece in visemes.chunks(chunk) {
                let piece = Visemes::new(VisemeSet::Ipa, piece).without_sound(true);
                session.push_visemes(&piece).unwrap();
                frames.extend(drain(&session));
            }
            assert!(!frames.is_empty(), "frames come as visemes do");
            session.flush();
            frames.extend(drain(&session));
            assert_same(&whole, &frames, &format!("{sentence} in chunks of {chunk}"));
        }
    }
}

/// The same word in every set opens, rounds and shuts the mouth at the same times.
#[test]
fn every_set_of_visemes_moves_the_mouth() {
    let avatar = toy();
    let words: [(VisemeSet, [&str; 4]); 6] = [
        (VisemeSet::Arpabet, ["SIL", "B", "UW1", "AA"]),
        (VisemeSet::Azure, ["0", "21", "7", "2"]),
        (VisemeSet::Espeak, ["_:", "b", "u:", "A:"]),
        (VisemeSet::Ipa, ["", "b", "uː", "ɑː"]),
        (VisemeSet::Oculus, ["sil", "PP", "ou", "aa"]),
        (VisemeSet::Polly, ["sil", "p", "u", "a"]),
    ];
    for (set, symbols) in words {
        let mut start_s = 0.0;
        let timed = symbols.map(|symbol| {
            let viseme = Viseme {
                symbol,
                start_s,
                end_s: Some(start_s + 0.28),
            };
            start_s += 0.28;
            viseme
        });
        let session = without_pictures(&avatar);
        session.push_visemes(&Visemes::new(set, &timed)).unwrap();
        session.flush();
        let frames = drain(&session);
        assert_eq!(frames.len(), 28, "{set}");
        let at = |name: &str, frame: usize| curve(&avatar, &frames, name)[frame];
        assert_eq!(at("jawOpen", 2), 0.0, "{set}: rest");
        assert!(at("mouthPressLeft", 9) > 0.39, "{set}: shut");
        assert!(at("mouthPucker", 17) > 0.5, "{set}: rounded");
        assert!(at("jawOpen", 24) > 0.5, "{set}: open");
    }
}

#[test]
fn wrong_visemes_are_refused() {
    let avatar = toy();
    let session = unpaced(&avatar);
    let at = |symbol, start_s, end_s| Viseme {
        symbol,
        start_s,
        end_s,
    };
    let cases: [(&[Viseme<'_>], &str); 5] = [
        (
            &[at("QQ", 0.0, None)],
            "`QQ` is not a viseme or phoneme of the set arpabet",
        ),
        (&[at("AA", 0.5, None), at("B", 0.4, None)], "come in order"),
        (
            &[at("AA", 0.0, Some(0.5)), at("B", 0.4, None)],
            "come in order",
        ),
        (&[at("AA", 0.5, Some(0.4))], "ends before it begins"),
        (&[at("AA", f64::NAN, None)], "NaN"),
    ];
    for (visemes, named) in cases {
        let error = session
            .push_visemes(&Visemes::new(VisemeSet::Arpabet, visemes))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        assert!(
            error.to_string().contains(named),
            "`{error}` does not say {named}"
        );
    }
    session.flush();
    assert!(drain(&session).is_empty(), "nothing was taken");
    let unknown = [at("AA", 0.0, None), at("QQ", 0.1, None)];
    let visemes = Visemes::new(VisemeSet::Arpabet, &unknown).ignore_unknown(true);
    session.push_visemes(&visemes).unwrap();
    assert_eq!("azure".parse::<VisemeSet>().unwrap(), VisemeSet::Azure);
    assert!(
        "sapi"
            .parse::<VisemeSet>()
            .unwrap_err()
            .to_string()
            .contains("arpabet, azure")
    );
}

#[test]
fn tags_come_back_on_the_frames_of_their_audio() {
    let avatar = toy();
    let session = unpaced(&avatar);
    let voice = buzz(RATE as usize, RATE);
    // A frame is 640 samples; the second piece begins within the third frame.
    for (range, tag) in [
        (0..1_500, 7),
        (1_500..1_600, 7),
        (1_600..1_900, 9),
        (1_900..3_200, u64::MAX),
    ] {
        session
            .push_audio_tagged(&voice[range], RATE, 1, tag)
            .unwrap();
    }
    session.push_audio(&voice[..640], RATE, 1).unwrap();
    session.flush();
    session.push_audio(&voice[..640], RATE, 1).unwrap();
    session.flush();
    let tags: Vec<u64> = drain(&session).iter().map(Frame::tag).collect();
    assert_eq!(tags, [7, 7, 7, u64::MAX, u64::MAX, 0, 0]);
}

#[test]
fn frames_tell_when_a_gesture_begins_and_ends() {
    let avatar = toy();
    let session = unpaced(&avatar);
    let motion = |name: &str| avatar.info().motions.iter().position(|known| known == name);
    session.perform("wave").unwrap();
    let frames = common::speak(&session, &buzz(2 * RATE as usize, RATE), RATE);
    let events = |frames: &[Frame]| -> Vec<(usize, bool, Option<usize>)> {
        let told = frames.iter().enumerate().flat_map(|(index, frame)| {
            let ended = frame
                .gesture_ended()
                .map(|motion| (index, false, Some(motion)));
            let started = frame
                .gesture_started()
                .map(|motion| (index, true, Some(motion)));
            ended.into_iter().chain(started)
        });
        told.collect()
    };
    let told = events(&frames);
    let [(begin, true, started), (end, false, ended)] = told[..] else {
        panic!("one begins and ends: {told:?}");
    };
    assert_eq!((started, ended), (motion("wave"), motion("wave")));
    assert!(begin < end && end < frames.len(), "{told:?}");
    // An interruption of an unpaced session cuts a gesture off; that is told with the next frame.
    session.perform("wave").unwrap();
    session
        .push_audio(&buzz(2 * RATE as usize, RATE)[..], RATE, 1)
        .unwrap();
    let mut before = Vec::new();
    while !before
        .iter()
        .any(|frame: &Frame| frame.gesture_started().is_some())
    {
        before.push(session.next_frame().unwrap().unwrap());
    }
    session.interrupt();
    let after = common::speak(&session, &buzz(RATE as usize / 2, RATE), RATE);
    assert_eq!(after[0].gesture_ended(), motion("wave"), "cut off");
    assert_eq!(events(&after).len(), 1, "and no more");
}
