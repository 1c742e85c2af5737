//! A sound card as the clock: frames follow what it has played, not the system's time.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::time::Duration;

use common::{buzz, toy};
use essence::clock::{Clock, HostClock, ManualClock};
use essence::{Frame, FrameRequest, Session, SessionOptions, Wait};

const RATE: u32 = 16_000;
/// Time between two callbacks of a card, in nanoseconds of a clock without fault.
const CALLBACK_NS: u64 = 10_000_000;

fn session(clock: Clock, voice: &[f32]) -> Session {
    let session = toy()
        .session(SessionOptions::default().clock(clock))
        .unwrap();
    session.push_audio(voice, RATE, 1).unwrap();
    session.flush();
    session
}

/// The frames of an utterance on a card that is off by some per mille, asked for in its callbacks, and
/// the callbacks that each came with.
fn played(voice: &[f32], per_mille: u64) -> (Vec<Frame>, Vec<u64>) {
    let clock = HostClock::new();
    let session = session(Clock::Host(clock.clone()), voice);
    let (mut frames, mut callbacks) = (Vec::new(), Vec::new());
    for callback in 0.. {
        clock.set_position(Duration::from_nanos(
            callback * CALLBACK_NS * per_mille / 1_000,
        ));
        let mut frame = Frame::new();
        while session
            .draw(&mut frame, FrameRequest::new().wait(Wait::Never))
            .unwrap()
            .is_frame()
        {
            let ended = frame.flags().end_of_speech;
            frames.push(std::mem::take(&mut frame));
            callbacks.push(callback);
            if ended {
                return (frames, callbacks);
            }
        }
    }
    unreachable!("the utterance ends")
}

/// Frames are those of a clock that is moved by hand, in order, with every sample; a frame never comes
/// before the card has played as far.
#[test]
fn frames_follow_a_card_that_is_slow_or_fast() {
    let voice = buzz(20 * RATE as usize, RATE);
    let hand = ManualClock::new();
    let by_hand = session(Clock::Manual(hand.clone()), &voice);
    let expected: Vec<Frame> = (0..500)
        .map(|_| {
            let frame = by_hand.next_frame().unwrap().unwrap();
            hand.advance(Duration::from_millis(40));
            frame
        })
        .collect();
    for per_mille in [999, 1_000, 1_001] {
        let (frames, callbacks) = played(&voice, per_mille);
        let heard: Vec<f32> = frames.iter().flat_map(|f| f.audio().to_vec()).collect();
        assert!(heard == voice, "{per_mille}: every sample, in order");
        let dropped: u32 = frames.iter().map(|frame| frame.flags().skipped).sum();
        assert_eq!(frames.len() + dropped as usize, 500, "{per_mille}");
        for pair in frames.windows(2) {
            let step = pair[1].index() - pair[0].index();
            assert_eq!(step, 1 + u64::from(pair[1].flags().skipped), "{per_mille}");
        }
        // A picture that was dropped changes the mouths behind it.
        let same = frames
            .iter()
            .zip(&expected)
            .take_while(|(frame, _)| frame.flags().skipped == 0);
        for (frame, expected) in same {
            assert_eq!(frame.index(), expected.index());
            assert_eq!(frame.arkit(), expected.arkit());
            assert!(
                frame.pixels() == expected.pixels(),
                "frame {}",
                frame.index()
            );
        }
        for (frame, callback) in frames.iter().zip(callbacks) {
            // It goes on by itself between callbacks, for as long as the test takes.
            let position = callback * CALLBACK_NS * per_mille / 1_000 + 200_000_000;
            assert!(
                frame.pts_ns() <= position,
                "frame {} is early",
                frame.index()
            );
        }
    }
}

#[test]
fn a_draw_waits_for_the_card() {
    let clock = HostClock::new();
    let session = session(Clock::Host(clock.clone()), &buzz(RATE as usize, RATE));
    clock.set_position(Duration::from_secs(5));
    assert_eq!(session.next_frame().unwrap().unwrap().index(), 0);
    // Far ahead: what is due is not waited for.
    clock.set_position(Duration::from_millis(5_600));
    for index in 1..=15 {
        assert_eq!(session.next_frame().unwrap().unwrap().index(), index);
    }
    // A card that has stopped stops the frames after what it may go on by itself.
    let mut drawn = 0;
    let mut frame = Frame::new();
    let wait = Wait::AtMost(Duration::from_millis(60));
    while session
        .draw(&mut frame, FrameRequest::new().wait(wait))
        .unwrap()
        .is_frame()
    {
        drawn += 1;
    }
    assert!(drawn <= 5, "{drawn} frames of a card that has stopped");
}
