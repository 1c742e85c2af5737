//! Many sessions in real time, on the system's clock and the engine's threads. These tests take the
//! time that they watch; what a loaded machine may do to it is allowed for.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use common::{buzz, testdata, toy};
use essence::clock::{Clock, ManualClock};
use essence::{
    Engine, ErrorKind, Frame, FrameRequest, Next, Provider, Session, SessionOptions, Wait,
};

const RATE: u32 = 16_000;

/// The frames of an utterance of `voice`, from its first frame of speech on.
fn speak(session: &Session, voice: &[f32], after: impl Fn()) -> Vec<Frame> {
    session.push_audio(voice, RATE, 1).unwrap();
    session.flush();
    let mut frames = Vec::new();
    loop {
        let frame = session.next_frame().unwrap().expect("there always is one");
        after();
        let last = frame.flags().end_of_speech;
        if frame.flags().speech {
            frames.push(frame);
        }
        if last {
            return frames;
        }
    }
}

/// Frames that the pool prepared are those that are made on the spot, and no sample is lost where
/// pictures had to be left out.
#[test]
fn the_pool_prepares_the_same_frames() {
    let avatar = toy();
    let voices: Vec<Vec<f32>> = (0..6).map(|i| buzz(20_000 + 999 * i, RATE)).collect();
    thread::scope(|scope| {
        for voice in &voices {
            let avatar = &avatar;
            scope.spawn(move || {
                let session = avatar.session(SessionOptions::default()).unwrap();
                let drawn = speak(&session, voice, || {});
                let clock = ManualClock::new();
                let options = SessionOptions::default().clock(Clock::Manual(clock.clone()));
                let alone = avatar.session(options).unwrap();
                let expected = speak(&alone, voice, || clock.advance(Duration::from_millis(40)));

                let heard: Vec<f32> = drawn.iter().flat_map(Frame::audio).copied().collect();
                assert!(heard == *voice, "every sample");
                let offset = drawn[0].index() - u64::from(drawn[0].flags().skipped);
                let mut compared = 0;
                let mut untouched = true;
                for frame in &drawn {
                    // Mouths of pictures that were left out are not heard of, so ramps may differ
                    // behind them.
                    untouched &= frame.flags().skipped == 0;
                    let expected = &expected[usize::try_from(frame.index() - offset).unwrap()];
                    if untouched {
                        assert!(frame.pixels() == expected.pixels(), "{frame:?}");
                        assert_eq!(frame.arkit(), expected.arkit(), "{frame:?}");
                        compared += 1;
                    }
                }
                assert!(compared > 0, "some frames were compared");
                assert_eq!(
                    drawn.last().unwrap().index() - offset + 1,
                    expected.len() as u64,
                    "left out or not, all are counted"
                );
            });
        }
    });
}

/// Frames don't come before their time.
#[test]
fn prepared_frames_wait_for_their_time() {
    let session = toy().session(SessionOptions::default()).unwrap();
    session
        .push_audio(&buzz(16_000, RATE)[..], RATE, 1)
        .unwrap();
    let begin = Instant::now();
    for _ in 0..15 {
        let frame = session.next_frame().unwrap().unwrap();
        let due = Duration::from_millis(40 * frame.index());
        assert!(begin.elapsed() >= due, "frame {} came early", frame.index());
    }
    let mut frame = Frame::new();
    let now = || FrameRequest::new().wait(Wait::Never);
    while session.draw(&mut frame, now()).unwrap().is_frame() {}
    let next = session.draw(&mut frame, now()).unwrap();
    assert_eq!(next, Next::Pending, "not yet");
}

#[test]
fn cancelling_wakes_who_waits() {
    let session = toy().session(SessionOptions::default()).unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            loop {
                if let Err(error) = session.next_frame() {
                    return error.kind();
                }
            }
        });
        session.cancel();
        assert_eq!(waiting.join().unwrap(), ErrorKind::Cancelled);
    });
}

#[test]
fn sessions_beyond_the_limit_are_refused() {
    let engine = Engine::builder()
        .provider(Provider::Cpu)
        .max_sessions(2)
        .build()
        .unwrap();
    let avatar = engine.open(testdata("avatars/toy.imx")).unwrap();
    let session = || avatar.session(SessionOptions::default());
    let (_first, second) = (session().unwrap(), session().unwrap());
    assert_eq!(session().unwrap_err().kind(), ErrorKind::LimitExceeded);
    assert_eq!(engine.sessions(), 2);
    drop(second);
    let _third = session().unwrap();
    engine.set_max_sessions(None);
    assert!(session().is_ok(), "no limit");
    let manual = SessionOptions::default().clock(Clock::Manual(ManualClock::new()));
    engine.set_max_sessions(0);
    assert!(avatar.session(manual).is_ok(), "not served in real time");
    assert!(avatar.capacity().unwrap() > 0, "any machine can serve toys");
}

/// 64 sessions that push, interrupt and draw at random get through it: after the time that it takes, all
/// of them come to their end. `ESSENCE_STRESS_S` makes it longer.
#[test]
fn many_sessions_interrupting_at_random_do_not_hang() {
    const SESSIONS: u64 = 64;
    // How long the slowest may take to end on a machine that is busy with other things.
    const PATIENCE: Duration = Duration::from_secs(60);
    let seconds = std::env::var("ESSENCE_STRESS_S")
        .ok()
        .and_then(|s| s.parse().ok());
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(2));
    let avatar = toy();
    let voice: Arc<[f32]> = buzz(64_000, RATE).into();
    let (ended, endings) = mpsc::channel();
    for seed in 0..SESSIONS {
        let session = avatar
            .session(SessionOptions::default().pictures(seed % 2 == 0))
            .unwrap();
        let (voice, ended) = (Arc::clone(&voice), ended.clone());
        thread::spawn(move || {
            let drawn = behave_at_random(&session, &voice, seed, end);
            // Nobody listens where the test has failed already.
            let _ = ended.send(drawn);
        });
    }
    drop(ended);
    let patience = end + PATIENCE;
    for number in 0..SESSIONS {
        let left = patience.saturating_duration_since(Instant::now());
        let drawn = endings.recv_timeout(left);
        let drawn = drawn.unwrap_or_else(|_| panic!("only {number} sessions came to their end"));
        assert!(drawn > 0, "a session that drew nothing");
    }
}

/// Until `end`; gives the number of frames drawn.
fn behave_at_random(session: &Session, voice: &[f32], seed: u64, end: Instant) -> usize {
    let mut random = seed;
    let mut frame = Frame::new();
    let mut drawn = 0;
    while drawn == 0 || Instant::now() < end {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let flip = random >> 59 & 1 == 1;
        match random >> 60 {
            0..=3 => {
                let piece = &voice[..(random >> 40) as usize % voice.len()];
                // Too much may wait; that is refused, as it should be.
                let _ = session.push_audio(piece, RATE, 1);
            }
            4 => session.flush(),
            5 => session.interrupt(),
            6 => session.set_paused(flip),
            7 => session.set_muted(flip),
            8 => session.perform("wave").unwrap(),
            9 => session.set_loop(flip.then_some("talking")).unwrap(),
            10 => session.restart_clock(),
            _ => {
                let next = session.draw(&mut frame, FrameRequest::new());
                assert!(next.unwrap().is_frame());
                drawn += 1;
            }
        }
    }
    drawn
}
