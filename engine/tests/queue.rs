//! The queue of a session: its limits, and how it is filled.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{buzz, drain, toy, unpaced};
use essence::{ErrorKind, Frame, Pacing, Session, SessionOptions};

const RATE: u32 = 16_000;

fn session(limit: impl FnOnce(&mut SessionOptions)) -> Session {
    let mut options = SessionOptions::default().pacing(Pacing::Unpaced);
    limit(&mut options);
    toy().session(options).unwrap()
}

/// Pushes a second at a time until that is refused; gives what was taken and the message.
fn fill(session: &Session, flush: bool) -> (Vec<f32>, String) {
    let second = buzz(RATE as usize, RATE);
    let mut taken = Vec::new();
    for _ in 0..100 {
        if let Err(error) = session.push_audio(&second[..], RATE, 1) {
            assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
            return (taken, error.to_string());
        }
        taken.extend_from_slice(&second);
        if flush {
            session.flush();
        }
    }
    panic!("100 s are no limit");
}

/// Each limit refuses a push by name; what was taken comes out, and then there is room again.
#[test]
fn the_queue_is_bounded_in_time_memory_and_utterances() {
    let by_time = session(|options| options.queue_limit_s = 5);
    let by_memory = session(|options| options.queue_limit_bytes = 5 * 4 * RATE as usize);
    let by_count = session(|options| options.queue_limit_utterances = 5);
    let cases = [
        (&by_time, false, "exceed the limit of 5 s"),
        (&by_memory, false, "exceed the limit of 320000 bytes"),
        (&by_count, true, "5 utterances wait to be rendered"),
    ];
    for (session, flush, named) in cases {
        for _ in 0..2 {
            let (taken, message) = fill(session, flush);
            assert_eq!(taken.len(), 5 * RATE as usize, "{named}");
            assert!(message.contains(named), "`{message}` does not say {named}");
            session.flush();
            let frames = drain(session);
            let heard: Vec<f32> = frames.iter().flat_map(Frame::audio).copied().collect();
            assert!(heard == taken, "{named}: what was taken, and no more");
        }
        fill(session, flush);
        session.interrupt();
        drain(session);
        let (taken, _) = fill(session, flush);
        assert_eq!(taken.len(), 5 * RATE as usize, "room after an interruption");
    }
}

/// By default, 600 s at 48 kHz may wait, and 1,000 utterances.
#[test]
fn the_usual_limits_hold_a_long_reading() {
    let session = session(|_| {});
    let minute = vec![0i16; 48_000 * 60];
    for _ in 0..10 {
        session.push_audio(&minute, 48_000, 1).unwrap();
    }
    session.interrupt();
    for _ in 0..1_000 {
        session.push_audio(&[0.5f32], 192_000, 1).unwrap();
        session.flush();
    }
    let error = session.push_audio(&[0.5f32], 8_000, 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
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
