//! Sessions paced at 25 frames a second, on a clock that the tests move.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use common::{buzz, toy};
use essence::clock::{Clock, ManualClock};
use essence::{Frame, Pacing, Session, SessionOptions};

const TICK: Duration = Duration::from_millis(40);

fn paced() -> (ManualClock, Session) {
    let clock = ManualClock::new();
    let options = SessionOptions::default()
        .pacing(Pacing::Realtime)
        .clock(Clock::Manual(clock.clone()));
    (clock, toy().session(options).unwrap())
}

/// The frame of this tick; then the clock moves to the next.
fn tick(clock: &ManualClock, session: &Session) -> Frame {
    let frame = session.next_frame().unwrap().expect("a frame is due");
    clock.advance(TICK);
    frame
}

#[test]
fn there_is_a_frame_every_40_ms_and_none_early() {
    let (clock, session) = paced();
    for index in 0..10 {
        let frame = session.next_frame().unwrap().expect("a frame is due");
        assert_eq!(
            (frame.index(), frame.pts_samples()),
            (index, 640 * index),
            "numbering"
        );
        assert!(
            !frame.flags().speech && frame.audio().is_empty(),
            "nobody speaks"
        );
        clock.advance(TICK - Duration::from_nanos(1));
        assert!(session.next_frame().unwrap().is_none(), "not due yet");
        clock.advance(Duration::from_nanos(1));
    }
}

/// Audio that is pushed as it is spoken moves the mouth 160 ms later, at the fourth tick, at every
/// rate.
#[test]
fn the_first_speech_frame_comes_after_160_ms() {
    for rate in [
        8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000, 192_000,
    ] {
        let (clock, session) = paced();
        let voice = buzz(rate as usize, rate);
        assert_eq!(session.latency(), 4 * TICK, "what is promised");
        let mut first = None;
        for (index, chunk) in voice.chunks(rate as usize / 25).enumerate() {
            let frame = tick(&clock, &session);
            if frame.flags().speech && first.is_none() {
                first = Some(index);
            }
            // Spoken during this tick, there at its end.
            session.push_audio(chunk, rate, 1).unwrap();
        }
        assert_eq!(
            first,
            Some(4),
            "tick of the first frame of speech, {rate} Hz"
        );
    }
}

/// A draw that is late all the time drops pictures, never sound, and says how many.
#[test]
fn late_pictures_are_skipped_and_their_audio_kept() {
    let (clock, session) = paced();
    let voice = buzz(24_000, 16_000);
    session.push_audio(&voice[..], 16_000, 1).unwrap();
    session.flush();
    let mut heard = Vec::new();
    let mut skipped = 0;
    loop {
        let frame = tick(&clock, &session);
        heard.extend_from_slice(frame.audio());
        skipped += frame.flags().skipped;
        if frame.flags().end_of_speech {
            assert_eq!(
                frame.index(),
                37,
                "the last of ceil(1.5 s · 25) frames, skipped ones counted"
            );
            break;
        }
        clock.advance(TICK);
    }
    assert!(skipped >= 12, "{skipped} skipped");
    assert!(heard == voice, "every sample came out once");
}

/// A consumer that waits for room in a queue of sound, as players do, can't catch up after a delay. Delays
/// cost it no picture.
#[test]
fn a_consumer_that_waits_for_its_player_sees_every_picture() {
    let room = Duration::from_millis(100);
    let (clock, session) = paced();
    let voice = buzz(16_000 * 8, 16_000);
    session.push_audio(&voice[..], 16_000, 1).unwrap();
    session.flush();
    let mut queued = Duration::ZERO;
    let mut heard = Vec::new();
    for number in 0.. {
        let stalls = [(5, 70), (40, 500), (50, 60), (51, 60), (53, 80), (100, 900)];
        if let Some((_, stall)) = stalls.iter().find(|(at, _)| *at == number) {
            clock.advance(Duration::from_millis(*stall));
            queued = Duration::ZERO;
        }
        let frame = loop {
            if let Some(frame) = session.next_frame().unwrap() {
                break frame;
            }
            clock.advance(Duration::from_millis(1));
            queued = queued.saturating_sub(Duration::from_millis(1));
        };
        heard.extend_from_slice(frame.audio());
        queued += Duration::from_micros(frame.audio().len() as u64 * 1_000 / 16);
        clock.advance(queued.saturating_sub(room));
        queued = queued.min(room);
        assert_eq!(frame.flags().skipped, 0, "frame {number}");
        if frame.flags().end_of_speech {
            break;
        }
    }
    assert!(heard == voice, "every sample, in order");
}

/// A consumer that pauses on purpose, and says so, finds nothing late: speech goes on where it was left.
#[test]
fn a_pause_is_not_lateness_once_the_clock_is_restarted() {
    let (clock, session) = paced();
    let voice = buzz(16_000, 16_000);
    session.push_audio(&voice[..], 16_000, 1).unwrap();
    session.flush();
    let mut heard = tick(&clock, &session).audio().to_vec();
    clock.advance(Duration::from_secs(60));
    session.restart_clock();
    for index in 1..25 {
        let frame = tick(&clock, &session);
        let numbers = (frame.index(), frame.flags().skipped, frame.audio().len());
        assert_eq!(numbers, (index, 0, 640), "one frame after the other");
        heard.extend_from_slice(frame.audio());
    }
    assert!(heard == voice, "all of it");
}

/// 600 ms without audio end an utterance; before that the frames say that they wait.
#[test]
fn a_silent_source_ends_the_utterance() {
    let (clock, session) = paced();
    session
        .push_audio(&buzz(6_400, 16_000)[..], 16_000, 1)
        .unwrap();
    let frames: Vec<_> = (0..40).map(|_| tick(&clock, &session)).collect();
    let waits = frames.iter().filter(|frame| frame.flags().underrun).count();
    let spoken: usize = frames.iter().map(|frame| frame.audio().len()).sum();
    assert_eq!(waits, 15, "600 ms");
    assert_eq!(spoken, 6_400, "all that was pushed");
    assert_eq!(
        frames
            .iter()
            .filter(|frame| frame.flags().end_of_speech)
            .count(),
        1,
        "one end"
    );
}

/// After 15 frames that wait, an interruption: the new utterance has all of its time.
#[test]
fn an_interruption_restarts_the_endpoint_timeout() {
    let (clock, session) = paced();
    session
        .push_audio(&buzz(5_120, 16_000)[..], 16_000, 1)
        .unwrap();
    let mut waits = 0;
    while waits < 15 {
        waits += u32::from(tick(&clock, &session).flags().underrun);
    }
    session.interrupt();
    let voice = buzz(16_960, 16_000);
    let (first, rest) = voice.split_at(1_600);
    session.push_audio(first, 16_000, 1).unwrap();
    let mut heard = Vec::new();
    for piece in rest.chunks(640) {
        let frame = tick(&clock, &session);
        assert!(!frame.flags().end_of_speech, "frame {}", frame.index());
        heard.extend_from_slice(frame.audio());
        session.push_audio(piece, 16_000, 1).unwrap();
    }
    session.flush();
    while heard.len() < voice.len() {
        heard.extend_from_slice(tick(&clock, &session).audio());
    }
    assert!(heard == voice, "one utterance");
}

/// Audio that arrives in the very frame period of the limit continues the utterance; so does a trickle
/// that is too thin for a frame.
#[test]
fn audio_at_the_limit_of_the_endpoint_timeout_continues_the_utterance() {
    let (clock, session) = paced();
    let voice = buzz(16_000, 16_000);
    let (first, rest) = voice.split_at(6_400);
    session.push_audio(first, 16_000, 1).unwrap();
    let mut heard = Vec::new();
    let mut waits = 0;
    while waits < 15 {
        let frame = tick(&clock, &session);
        waits += u32::from(frame.flags().underrun);
        heard.extend_from_slice(frame.audio());
    }
    let (trickle, rest) = rest.split_at(40 * 20);
    let (at_once, rest) = rest.split_at(3_200);
    for piece in [at_once].into_iter().chain(trickle.chunks(20)) {
        session.push_audio(piece, 16_000, 1).unwrap();
        let frame = tick(&clock, &session);
        assert!(!frame.flags().end_of_speech, "frame {}", frame.index());
        heard.extend_from_slice(frame.audio());
    }
    session.push_audio(rest, 16_000, 1).unwrap();
    session.flush();
    let mut ends = 0;
    for _ in 0..25 {
        let frame = tick(&clock, &session);
        heard.extend_from_slice(frame.audio());
        ends += u32::from(frame.flags().end_of_speech);
    }
    let pushed: Vec<f32> = [first, at_once, trickle, rest].concat();
    assert!(heard == pushed, "every sample");
    assert_eq!(ends, 1, "one utterance");
}

/// An interruption takes effect on the next frame and the mouth is closed in the one after it.
#[test]
fn an_interruption_closes_the_mouth_over_two_frames() {
    let (clock, session) = paced();
    session
        .push_audio(&buzz(32_000, 16_000)[..], 16_000, 1)
        .unwrap();
    let mut open = 0f32;
    for _ in 0..6 {
        open = tick(&clock, &session)
            .arkit()
            .iter()
            .copied()
            .fold(0.0, f32::max);
    }
    assert!(open > 0.05, "the mouth is open: {open}");
    session.interrupt();
    let widths: Vec<f32> = (0..2)
        .map(|_| {
            tick(&clock, &session)
                .arkit()
                .iter()
                .copied()
                .fold(0.0, f32::max)
        })
        .collect();
    assert!(
        widths[0] > 0.0 && widths[0] < open,
        "no snap: {open} then {widths:?}"
    );
    assert_eq!(widths[1], 0.0, "closed: {widths:?}");
    session
        .push_audio(&buzz(6_400, 16_000)[..], 16_000, 1)
        .unwrap();
    session.flush();
    let spoken: usize = (0..12).map(|_| tick(&clock, &session).audio().len()).sum();
    assert_eq!(spoken, 6_400, "the next utterance is whole");
}

/// While one thread interrupts and pushes anew, each frame that another draws says on which side of the
/// interruption it is, as its audio proves.
#[test]
fn frames_tell_the_interruptions_before_them() {
    for (pacing, interruptions) in [(Pacing::Unpaced, 200), (Pacing::Realtime, 12)] {
        let session = toy()
            .session(SessionOptions::default().pacing(pacing))
            .unwrap();
        let over = AtomicBool::new(false);
        let level = |interruptions: u64| interruptions as f32 / 256.0;
        let (tell, drawn) = mpsc::channel();
        let seen = std::thread::scope(|threads| {
            let (session, over) = (&session, &over);
            let drawing = threads.spawn(move || {
                let mut seen = 0;
                while !over.load(Ordering::Relaxed) {
                    let Some(frame) = session.next_frame().unwrap() else {
                        std::thread::yield_now();
                        continue;
                    };
                    let expected = level(frame.interruptions());
                    let audio = frame.audio();
                    assert!(
                        audio.iter().all(|&x| x == expected),
                        "frame {}",
                        frame.index()
                    );
                    if !audio.is_empty() {
                        seen += usize::from(frame.interruptions() > 0);
                        // Nobody listens any more at the end.
                        let _ = tell.send(());
                    }
                }
                seen
            });
            for count in 0..=interruptions {
                let said = vec![level(count); 16_000];
                session.push_audio(&said[..], 16_000, 1).unwrap();
                // While the next frame is being drawn, which is anywhere.
                for _ in 0..=count % 3 {
                    drawn.recv().unwrap();
                }
                session.interrupt();
            }
            over.store(true, Ordering::Relaxed);
            drop(drawn);
            drawing.join().unwrap()
        });
        assert!(seen > 10, "{pacing:?}: {seen} frames of speech were drawn");
    }
}

/// Talking and gestures have base frames of their own.
#[test]
fn motions_follow_speech_and_perform() {
    let (clock, session) = paced();
    let base = |session: &Session, ticks: usize| -> Vec<usize> {
        (0..ticks)
            .map(|_| tick(&clock, session).base_frame())
            .collect()
    };
    let idle = base(&session, 12);
    assert!(
        idle.iter().all(|frame| (0..6).contains(frame)),
        "idle frames: {idle:?}"
    );
    session
        .push_audio(&buzz(48_000, 16_000)[..], 16_000, 1)
        .unwrap();
    let talking = base(&session, 20);
    assert!(
        talking[12..].iter().all(|frame| (6..10).contains(frame)),
        "talking frames: {talking:?}"
    );
    session.interrupt();
    base(&session, 20);
    session.perform("wave").unwrap();
    let gesture = base(&session, 20);
    assert!(
        gesture != idle && gesture[14..].iter().all(|frame| (0..6).contains(frame)),
        "and back: {gesture:?}"
    );
}
