//! Base frames that are damaged and networks that fail cost a picture or a mouth, never a sample.

use std::sync::{Arc, Mutex};

use super::*;
use crate::options::Pacing;
use crate::{Error, ErrorKind, LogLevel};

/// How a session is drawn.
#[derive(Clone, Copy, Debug)]
enum Way {
    Unpaced,
    /// In real time, each frame on the spot.
    OnTheSpot,
    /// In real time, prepared ahead.
    Ahead,
    /// In real time, prepared ahead for a consumer that is too slow: pictures are dropped.
    Slow,
}

const WAYS: [Way; 4] = [Way::Unpaced, Way::OnTheSpot, Way::Ahead, Way::Slow];

/// Whether an error is one after which a session goes on when its clock is restarted.
fn is_cancelled(error: &Error) -> bool {
    error.kind() == ErrorKind::Cancelled
}

/// The frames of an utterance. A draw that is cancelled is tried anew.
fn speak(avatar: &Avatar, voice: &[f32], way: Way) -> (Vec<Frame>, Session) {
    let clock = ManualClock::new();
    let pacing = match way {
        Way::Unpaced => Pacing::Unpaced,
        _ => Pacing::Realtime,
    };
    let options = SessionOptions::default().clock(Clock::Manual(clock.clone()));
    let session = avatar.session(options.pacing(pacing)).unwrap();
    let talk = Talk { clock, session };
    talk.say(voice);
    let mut frames: Vec<Frame> = Vec::new();
    while !frames.last().is_some_and(|last| last.flags().end_of_speech) {
        assert!(frames.len() < 400, "{way:?}: the utterance ends");
        if matches!(way, Way::Ahead | Way::Slow) {
            talk.prepare();
        }
        match talk.session.next_frame() {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => assert!(!matches!(way, Way::Unpaced), "all of it is there"),
            Err(error) if is_cancelled(&error) => talk.session.restart_clock(),
            Err(error) => panic!("{way:?}: {error}"),
        }
        let slow = matches!(way, Way::Slow);
        talk.clock
            .advance(if slow { 2 * TICK + TICK / 4 } else { TICK });
    }
    (frames, talk.session)
}

fn sound(frames: &[Frame]) -> Vec<f32> {
    frames.iter().flat_map(Frame::audio).copied().collect()
}

fn concealed(frames: &[Frame]) -> u64 {
    frames
        .iter()
        .filter(|frame| frame.flags().concealed)
        .count() as u64
}

#[test]
fn damaged_base_frames_cost_no_sample() {
    let voice = voice(40_000);
    for way in WAYS {
        for damaged in [vec![7], vec![6, 7, 8], (1..10).collect(), (0..10).collect()] {
            let avatar = toy();
            avatar.data.faults.damage(damaged.iter().copied());
            let (frames, session) = speak(&avatar, &voice, way);
            let what = format!("{way:?}, {damaged:?}");
            assert!(sound(&frames) == voice, "{what}: every sample, in order");
            let count = concealed(&frames);
            assert!(count > 0, "{what}: it is said");
            assert_eq!(session.statistics().concealed, count, "{what}");
            let all = damaged.len() == 10;
            for frame in &frames {
                assert!(!frame.pixels().is_empty(), "{what}: there is a picture");
                let shown = frame.base_frame();
                assert!(all || !damaged.contains(&shown), "{what}: {shown} is shown");
                let black = frame.pixels().iter().all(|&level| level < 3);
                assert_eq!(black, all, "{what}");
            }
        }
    }
}

/// The picture before stands in.
#[test]
fn the_last_good_picture_stands_in_for_a_damaged_one() {
    let avatar = toy();
    avatar.data.faults.damage([2, 3]);
    let talk = Talk::new(&avatar);
    let frames: Vec<Frame> = (0..6).map(|_| talk.tick()).collect();
    let shown: Vec<_> = frames.iter().map(Frame::base_frame).collect();
    assert_eq!(shown, [0, 1, 1, 1, 4, 5]);
    let concealed: Vec<_> = frames.iter().map(|f| f.flags().concealed).collect();
    assert_eq!(concealed, [false, false, true, true, false, false]);
    assert!(frames[2].pixels() == frames[1].pixels(), "the same picture");
}

#[test]
fn a_network_that_fails_once_costs_no_sample() {
    let voice = voice(20_000);
    for way in WAYS {
        let avatar = toy();
        let usual = speak(&avatar, &voice, way).0;
        avatar
            .data
            .faults
            .fail_runs(u64::MAX, u64::MAX, ErrorKind::Inference);
        speak(&avatar, &voice, way);
        let runs = avatar.data.faults.runs();
        assert!(runs > 20, "{way:?}: {runs} runs");
        for number in 0..runs {
            let what = format!("{way:?}, run {number}");
            avatar
                .data
                .faults
                .fail_runs(number, number + 1, ErrorKind::Inference);
            let (frames, session) = speak(&avatar, &voice, way);
            assert!(sound(&frames) == voice, "{what}: every sample, in order");
            assert_eq!(frames.len(), usual.len(), "{what}");
            let count = concealed(&frames);
            assert_eq!(session.statistics().concealed, count, "{what}");
            if matches!(way, Way::Slow) && count == 0 {
                // It was a picture that was dropped.
                continue;
            }
            assert_eq!(count, 1, "{what}");
            // The mouth held its shape for a frame, or the picture had none.
            let at = frames.iter().position(|f| f.flags().concealed).unwrap();
            let before = at.checked_sub(1).map_or(0.0, |at| width(&frames[at]));
            let shown = width(&frames[at]);
            // A dropped frame may lie between a slow consumer's pictures.
            assert!(
                matches!(way, Way::Slow) || shown == before || shown == width(&usual[at]),
                "{what}: {shown} after {before}"
            );
            for (frame, usual) in frames.iter().zip(&usual).skip(at + 4) {
                assert!(
                    (width(frame) - width(usual)).abs() < 1e-5,
                    "{what}: frame {}",
                    frame.index()
                );
            }
        }
    }
}

#[test]
fn networks_that_fail_for_ever_cost_no_sample() {
    let voice = voice(40_000);
    for way in WAYS {
        let avatar = toy();
        avatar
            .data
            .faults
            .fail_runs(12, u64::MAX, ErrorKind::Inference);
        let (frames, _) = speak(&avatar, &voice, way);
        assert!(sound(&frames) == voice, "{way:?}: every sample, in order");
        let mut failed = frames.iter().skip_while(|frame| !frame.flags().concealed);
        let held = failed.next().map(width).unwrap();
        assert!(held > 0.0, "{way:?}: the mouth holds its shape at first");
        let last = &frames[frames.len() - 1];
        assert_eq!(width(last), 0.0, "{way:?}: then it closes");
        assert!(last.flags().concealed, "{way:?}: and it is said");
    }
}

/// One session's input fails a run for four sessions: the other three have their mouths.
#[test]
fn a_run_that_fails_for_one_session_is_repeated_for_the_others() {
    let avatar = opened(Engine::builder(), "toy_failing.imx");
    let talks = [(); 4].map(|()| Talk::new(&avatar));
    let loud = voice(32_000);
    // Its mouth opens, but not so wide that the network fails.
    let quiet: Vec<f32> = loud.iter().map(|x| 0.02 * x).collect();
    for (index, talk) in talks.iter().enumerate() {
        talk.say(if index == 1 { &loud } else { &quiet });
        talk.tick();
    }
    let mut heard = [0; 4];
    for _ in 0..40 {
        let pieces = talks.each_ref().map(|talk| talk.piece(Duration::ZERO));
        Core::run_batch(&pieces, false);
        for (talk, heard) in talks.iter().zip(&mut heard) {
            *heard += talk.tick().audio().len();
        }
    }
    let concealed = talks
        .each_ref()
        .map(|talk| talk.session.statistics().concealed);
    assert!(
        concealed[1] > 5,
        "the loud one's network fails: {concealed:?}"
    );
    assert_eq!([concealed[0], concealed[2], concealed[3]], [0; 3]);
    assert_eq!(heard, [40 * 640; 4], "all of them speak");
}

/// The wait for a network was cancelled: the draw says so, and the sound waits in the queue.
#[test]
fn a_cancelled_draw_costs_no_sample() {
    let voice = voice(16_000);
    for way in WAYS {
        let avatar = toy();
        let usual = speak(&avatar, &voice, Way::OnTheSpot).0;
        avatar
            .data
            .faults
            .fail_runs(u64::MAX, u64::MAX, ErrorKind::Inference);
        speak(&avatar, &voice, way);
        let runs = avatar.data.faults.runs();
        for number in 0..runs {
            let what = format!("{way:?}, run {number}");
            avatar
                .data
                .faults
                .fail_runs(number, number + 1, ErrorKind::Cancelled);
            let (frames, session) = speak(&avatar, &voice, way);
            assert!(sound(&frames) == voice, "{what}: every sample, in order");
            assert_eq!(session.statistics().concealed, 0, "{what}");
            let periods: u64 = frames
                .iter()
                .map(|f| u64::from(f.flags().skipped) + 1)
                .sum();
            assert_eq!(periods, usual.len() as u64, "{what}");
            if matches!(way, Way::Slow) {
                continue;
            }
            for (frame, usual) in frames.iter().zip(&usual) {
                assert_eq!(frame.arkit(), usual.arkit(), "{what}: {frame:?}");
                assert_eq!(frame.audio(), usual.audio(), "{what}: {frame:?}");
            }
        }
    }
}

#[test]
fn what_fails_is_logged_once() {
    let messages = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&messages);
    let builder = Engine::builder().log(LogLevel::Warn, move |level, message: &str| {
        lock(&sink).push((level, message.to_owned()));
    });
    let avatar = opened(builder, "toy.imx");
    avatar.data.faults.damage([7, 8]);
    avatar
        .data
        .faults
        .fail_runs(0, u64::MAX, ErrorKind::Inference);
    speak(&avatar, &voice(40_000), Way::Unpaced);
    let messages = lock(&messages);
    let count = |part: &str| messages.iter().filter(|(_, m)| m.contains(part)).count();
    assert_eq!(count("base frame 7: damaged"), 1, "{messages:?}");
    assert_eq!(count("base frame 8: damaged"), 1, "{messages:?}");
    assert_eq!(count("fails on purpose"), 1, "{messages:?}");
    // Engines may have something to say about ONNX Runtime, too.
    assert_eq!(count("\"toy\": "), 3, "{messages:?}");
}
