//! Requests for frames: where the picture goes, how long to wait, and what the answer says.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::time::Duration;

use common::{buzz, toy, unpaced};
use essence::clock::{Clock, ManualClock};
use essence::{
    ErrorKind, Frame, FrameRequest, Next, PictureMut, PixelFormat, Session, SessionOptions, Wait,
};

const TICK: Duration = Duration::from_millis(40);

fn draw(session: &Session, frame: &mut Frame) -> Next {
    session.draw(frame, FrameRequest::new()).unwrap()
}

#[test]
fn more_audio_and_done_are_told_apart() {
    let session = unpaced(&toy());
    let frame = &mut Frame::new();
    assert_eq!(draw(&session, frame), Next::Done, "nothing was said");
    // The first frame wants its look-ahead, too.
    session
        .push_audio(&buzz(1_000, 16_000)[..], 16_000, 1)
        .unwrap();
    assert_eq!(draw(&session, frame), Next::NeedAudio, "the first frame");
    session
        .push_audio(&buzz(5_400, 16_000)[..], 16_000, 1)
        .unwrap();
    let mut frames = 0;
    while draw(&session, frame).is_frame() {
        frames += 1;
    }
    assert!((1..10).contains(&frames), "{frames} of ten");
    assert_eq!(draw(&session, frame), Next::NeedAudio, "a later frame");
    session.flush();
    while draw(&session, frame).is_frame() {
        frames += 1;
    }
    assert_eq!(frames, 10, "6,400 samples");
    assert_eq!(draw(&session, frame), Next::Done);
    assert_eq!(draw(&session, frame), Next::Done, "and again");
}

#[test]
fn a_pause_is_neither() {
    let session = unpaced(&toy());
    let frame = &mut Frame::new();
    session
        .push_audio(&buzz(16_000, 16_000)[..], 16_000, 1)
        .unwrap();
    session.flush();
    assert_eq!(draw(&session, frame), Next::Frame);
    session.set_paused(true);
    assert_eq!(draw(&session, frame), Next::Pending);
    session.set_paused(false);
    assert_eq!(draw(&session, frame), Next::Frame);
    assert_eq!(frame.index(), 1, "nothing was lost");
}

/// After an interruption the mouth closes, and then there is nothing left.
#[test]
fn an_interruption_ends_in_done() {
    let session = unpaced(&toy());
    let frame = &mut Frame::new();
    session
        .push_audio(&buzz(16_000, 16_000)[..], 16_000, 1)
        .unwrap();
    for _ in 0..10 {
        assert_eq!(draw(&session, frame), Next::Frame);
    }
    session.interrupt();
    let mut closing = 0;
    while draw(&session, frame).is_frame() {
        assert!(!frame.flags().speech, "it is over");
        closing += 1;
    }
    assert_eq!(closing, 2, "the mouth closes");
    assert_eq!(draw(&session, frame), Next::Done);
}

#[test]
fn a_frame_that_is_not_due_is_pending() {
    let clock = ManualClock::new();
    let options = SessionOptions::default().clock(Clock::Manual(clock.clone()));
    let session = toy().session(options).unwrap();
    let frame = &mut Frame::new();
    for index in 0..3 {
        assert_eq!(draw(&session, frame), Next::Frame);
        assert_eq!(frame.index(), index);
        assert_eq!(frame.pts_ns(), 40_000_000 * index);
        assert_eq!(frame.due(), None, "the clock is moved by hand");
        for wait in [Wait::Never, Wait::AtMost(TICK), Wait::UntilDue] {
            let next = session.draw(frame, FrameRequest::new().wait(wait));
            assert_eq!(next.unwrap(), Next::Pending, "{wait:?}");
        }
        clock.advance(TICK);
    }
}

#[test]
fn a_time_limit_gives_the_frame_or_pending() {
    let session = toy().session(SessionOptions::default()).unwrap();
    let frame = &mut Frame::new();
    let long = FrameRequest::new().wait(Wait::AtMost(Duration::from_secs(3600)));
    assert_eq!(session.draw(frame, long).unwrap(), Next::Frame);
    let first = (frame.index(), frame.due().unwrap());
    loop {
        let short = FrameRequest::new().wait(Wait::AtMost(Duration::from_millis(1)));
        match session.draw(frame, short).unwrap() {
            Next::Frame => break,
            other => assert_eq!(other, Next::Pending),
        }
    }
    // Due times are exact, however late the frame left. A session that was away starts anew.
    let ticks = frame.index() - first.0;
    let apart = frame.due().unwrap() - first.1;
    assert!(ticks > 0 && (apart == TICK * u32::try_from(ticks).unwrap() || apart > 25 * TICK));
}

#[test]
fn memory_and_frame_get_the_same_picture() {
    let sessions = [(); 2].map(|()| {
        let session = unpaced(&toy());
        session
            .push_audio(&buzz(16_000, 16_000)[..], 16_000, 1)
            .unwrap();
        session.flush();
        session
    });
    let (mut own, mut outside) = (Frame::new(), Frame::new());
    let mut bytes = vec![0; PixelFormat::Rgb8.buffer_len(64, 48)];
    while draw(&sessions[0], &mut own).is_frame() {
        let mut picture = PictureMut::packed(PixelFormat::Rgb8, (64, 48), &mut bytes).unwrap();
        let request = FrameRequest::into_memory(&mut picture);
        assert_eq!(
            sessions[1].draw(&mut outside, request).unwrap(),
            Next::Frame
        );
        assert!(
            outside.pixels().is_empty(),
            "they are in the caller's memory"
        );
        assert!(bytes == own.pixels() && outside.audio() == own.audio());
        assert_eq!(own.due(), None, "unpaced");
    }
    // Memory of another size is refused and uses up nothing.
    sessions[1]
        .push_audio(&buzz(16_000, 16_000)[..], 16_000, 1)
        .unwrap();
    let mut picture = PictureMut::packed(PixelFormat::Rgb8, (32, 48), &mut bytes).unwrap();
    let request = FrameRequest::into_memory(&mut picture);
    let error = sessions[1].draw(&mut outside, request).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert_eq!(draw(&sessions[1], &mut outside), Next::Frame);
    assert_eq!(outside.index(), own.index() + 1);
}
