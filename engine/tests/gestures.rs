//! Gestures and motions: when they play, how they follow one another, what frames tell of them.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{buzz, paced, speak, tick, toy, unpaced};
use essence::clock::{Clock, ManualClock};
use essence::{ErrorKind, Frame, PixelFormat, SessionOptions};

const RATE: u32 = 16_000;

/// One gesture plays once per utterance, unless it is asked for again.
#[test]
fn a_gesture_plays_once_per_utterance() {
    // The toy's wave is base frames 2 to 6, talking 6 to 9.
    let waves = |again: bool, utterances: usize| {
        let (clock, session) = paced();
        let mut count = 0;
        for _ in 0..utterances {
            session
                .push_audio(&buzz(64_000, RATE)[..], RATE, 1)
                .unwrap();
            session.flush();
            let mut before = false;
            for index in 0..100 {
                if index == 5 || index == 50 {
                    match again {
                        true => session.perform_again("wave").unwrap(),
                        false => session.perform("wave").unwrap(),
                    }
                }
                let waving = tick(&clock, &session).base_frame() < 6;
                count += usize::from(waving && !before);
                before = waving;
            }
        }
        count
    };
    assert_eq!(waves(false, 1), 1, "once");
    assert_eq!(waves(false, 2), 2, "once in each");
    assert_eq!(waves(true, 1), 2, "again");
}

#[test]
fn another_loop_plays_until_it_is_taken_back() {
    let (clock, session) = paced();
    let base = |ticks: usize| -> Vec<usize> {
        (0..ticks)
            .map(|_| tick(&clock, &session).base_frame())
            .collect()
    };
    base(12);
    session.set_loop("talking").unwrap();
    let talking = base(30);
    assert!(
        talking[12..].iter().all(|frame| (6..10).contains(frame)),
        "without speech: {talking:?}"
    );
    session.set_loop(None).unwrap();
    let idle = base(30);
    assert!(idle[12..].iter().all(|frame| *frame < 6), "{idle:?}");
    let error = session.set_loop("somersault").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

/// If one motion follows another that was not filmed before it, the old base frame fades over three
/// frames; else nothing fades.
#[test]
fn base_frames_fade_where_motions_do_not_fit() {
    let clock = ManualClock::new();
    let options = SessionOptions::default()
        .clock(Clock::Manual(clock.clone()))
        .pixel_format(PixelFormat::Rgb8);
    let session = toy().session(options).unwrap();
    let mut alone: Vec<Option<Vec<u8>>> = vec![None; toy().info().frame_count];
    let mut frames = Vec::new();
    // Idle, base frames 0 to 5, and talking, 6 to 9, both at rest; back and forth, twice.
    for round in 0..4 {
        session
            .set_loop((round % 2 == 1).then_some("talking"))
            .unwrap();
        for index in 0..24 {
            let frame = tick(&clock, &session);
            // By then the motion has changed and the fade is over.
            if index >= 16 {
                alone[frame.base_frame()] = Some(frame.pixels().to_vec());
            }
            frames.push(frame);
        }
    }
    let alone = |frame: usize| alone[frame].as_ref().expect("seen in every round");
    let mut leaving = None;
    let (mut cuts, mut fades) = (0, 0);
    for (before, frame) in frames.iter().zip(&frames[1..]) {
        let (last, now) = (before.base_frame(), frame.base_frame());
        if (last < 6) != (now < 6) {
            let fits = now == last + 1;
            cuts += usize::from(fits);
            leaving = (!fits).then_some((last, 192));
        }
        let expected: Vec<u8> = match leaving {
            None => alone(now).clone(),
            Some((from, weight)) => {
                fades += 1;
                leaving = (weight > 64).then_some((from, weight - 64));
                let pairs = alone(from).iter().zip(alone(now));
                let mix = |(&a, &b): (&u8, &u8)| {
                    (u32::from(a) * weight + u32::from(b) * (256 - weight) + 128) >> 8
                };
                pairs.map(|pair| mix(pair) as u8).collect()
            }
        };
        assert!(
            frame.pixels() == expected,
            "frame {}: {last} to {now}, {leaving:?}",
            frame.index()
        );
    }
    // From 2 to 6 and from 9 back to idle nothing fits; 6 was filmed after 5.
    assert_eq!((cuts, fades), (1, 6), "one that fits and two that don't");
}

#[test]
fn frames_tell_when_a_gesture_begins_and_ends() {
    let avatar = toy();
    let session = unpaced(&avatar);
    let motion = |name: &str| avatar.info().motions.iter().position(|known| known == name);
    session.perform("wave").unwrap();
    let frames = speak(&session, &buzz(2 * RATE as usize, RATE), RATE);
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
    let after = speak(&session, &buzz(RATE as usize / 2, RATE), RATE);
    assert_eq!(after[0].gesture_ended(), motion("wave"), "cut off");
    assert_eq!(events(&after).len(), 1, "and no more");
}
