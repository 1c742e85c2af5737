//! Another thread's calls, in between the steps of a frame.

use std::time::Instant;

use super::batch::{self, Work};
use super::plan::FrameKind;
use super::ring::PreparedFrame;
use super::*;
use crate::ErrorKind;
use crate::options::Pacing;

fn unpaced(avatar: &Avatar) -> Session {
    let options = SessionOptions::default().pacing(Pacing::Unpaced);
    avatar.session(options).unwrap()
}

fn utterance(session: &Session, voice: &[f32]) -> Vec<Frame> {
    session.push_audio(voice, RATE, 1).unwrap();
    session.flush();
    rest(session)
}

fn rest(session: &Session) -> Vec<Frame> {
    std::iter::from_fn(|| session.next_frame().unwrap()).collect()
}

/// Prepares a frame on the spot, with `between` after it is planned and before its networks run.
fn prepare(session: &Session, prepared: &mut PreparedFrame, between: impl FnOnce()) -> FrameKind {
    let core = &session.core;
    let mut renderer = lock(&core.renderer);
    let request = core.request(false, 0, Deadline::Whenever);
    let mut work = [Work::new(&mut renderer, &core.input, request, prepared)];
    between();
    batch::prepare(&core.avatar, &mut work, true);
    let [work] = work;
    work.finish().unwrap()
}

fn prepared_frame(avatar: &Avatar) -> PreparedFrame {
    PreparedFrame::new(avatar.info().coefficient_names.len())
}

/// The frame's audio is gone, and the utterance behind the interruption is whole.
#[test]
fn an_interruption_while_networks_run_takes_nothing_of_what_follows() {
    let avatar = toy();
    let (junk, voice) = (voice(9_000), voice(16_000));
    let fresh = utterance(&unpaced(&avatar), &voice);
    for drawn in [0, 5] {
        let session = unpaced(&avatar);
        session.push_audio(&junk[..], RATE, 1).unwrap();
        for _ in 0..drawn {
            session.next_frame().unwrap().unwrap();
        }
        let mut prepared = prepared_frame(&avatar);
        let kind = prepare(&session, &mut prepared, || {
            session.interrupt();
            session.push_audio(&voice[..], RATE, 1).unwrap();
            session.flush();
        });
        assert_eq!(kind, FrameKind::Idle, "no frame comes of it");
        assert!(prepared.audio.is_empty(), "nor any sound");
        let frames = rest(&session);
        assert_eq!(frames.len(), fresh.len());
        for (frame, fresh) in frames.iter().zip(&fresh) {
            assert_eq!(frame.interruptions(), 1);
            assert!(frame.audio() == fresh.audio(), "{frame:?}");
            assert_eq!(frame.arkit(), fresh.arkit(), "{frame:?}");
            assert_eq!(frame.base_frame(), fresh.base_frame(), "{frame:?}");
            assert!(frame.pixels() == fresh.pixels(), "{frame:?}");
        }
    }
}

/// The last frame of an utterance is prepared when an interruption comes: presenting it doesn't end the
/// utterance behind the interruption.
#[test]
fn an_interruption_before_a_last_frame_is_presented_leaves_what_follows() {
    let talk = Talk::new(&toy());
    talk.say(&voice(640));
    let mut prepared = prepared_frame(talk.session.avatar());
    let kind = prepare(&talk.session, &mut prepared, || {});
    assert_eq!(kind, FrameKind::LAST, "one frame");
    talk.session.interrupt();
    let voice = voice(6_400);
    talk.say(&voice);
    drop(talk.session.core.present_now(&prepared));
    talk.clock.advance(TICK);
    let heard: Vec<f32> = (0..12).flat_map(|_| talk.tick().audio().to_vec()).collect();
    assert!(heard == voice, "every sample of what follows");
}

/// A gesture that is requested behind an interruption plays behind it.
#[test]
fn a_gesture_behind_an_interruption_is_not_lost() {
    let avatar = toy();
    let voice = voice(16_000);
    let fresh = unpaced(&avatar);
    fresh.perform("wave").unwrap();
    let fresh = utterance(&fresh, &voice);
    for closing in 0..3 {
        let session = unpaced(&avatar);
        session.push_audio(&voice[..], RATE, 1).unwrap();
        for _ in 0..6 {
            session.next_frame().unwrap().unwrap();
        }
        let mut prepared = prepared_frame(&avatar);
        prepare(&session, &mut prepared, || {
            session.interrupt();
            session.perform("wave").unwrap();
        });
        for _ in 0..closing {
            let frame = session.next_frame().unwrap().unwrap();
            assert!(!frame.flags().speech, "the mouth closes");
        }
        let frames = utterance(&session, &voice);
        let shown = |frames: &[Frame]| frames.iter().map(Frame::base_frame).collect::<Vec<_>>();
        assert_eq!(shown(&frames), shown(&fresh), "after {closing} frames");
    }
}

/// A frame takes a gesture together with its audio: one that is requested after that is for a later frame,
/// though this frame is dropped.
#[test]
fn a_gesture_is_taken_with_the_audio_or_not_at_all() {
    let talk = Talk::new(&toy());
    talk.say(&voice(16_000));
    talk.tick();
    let core = &talk.session.core;
    let mut prepared = prepared_frame(talk.session.avatar());
    let mut renderer = lock(&core.renderer);
    let request = core.request(true, 0, Deadline::Whenever);
    let plan = renderer.plan(&core.input, request, &mut prepared);
    let kind = renderer.take_audio(&core.input, plan, &mut prepared);
    assert_eq!(kind, FrameKind::Speech { last: false });
    talk.session.interrupt();
    talk.session.perform("wave").unwrap();
    renderer.advance(&core.input, kind, &mut prepared);
    assert_eq!(prepared.gesture, None, "it is not this frame's");
    assert!(lock(&core.input).gesture.is_some(), "it waits");
}

/// A gesture of a frame that was prepared ahead plays though the frame is prepared anew.
#[test]
fn a_gesture_of_a_frame_that_is_taken_back_is_not_lost() {
    let talk = Talk::new(&toy());
    talk.say(&voice(64_000));
    for _ in 0..12 {
        talk.tick();
    }
    talk.session.perform("wave").unwrap();
    assert!(talk.prepare() > 0, "a frame takes it");
    talk.session.set_muted(true);
    let shown: Vec<_> = (0..20).map(|_| talk.tick().base_frame()).collect();
    assert!(shown.iter().any(|frame| *frame < 6), "{shown:?}");
}

/// Muting while a frame's networks run is for the next one: sound and mouth of a frame agree.
#[test]
fn a_frame_is_muted_with_its_mouth_or_not_at_all() {
    let talk = Talk::new(&toy());
    talk.say(&voice(32_000));
    for _ in 0..6 {
        talk.tick();
    }
    for muted in [true, false] {
        let mut prepared = prepared_frame(talk.session.avatar());
        prepare(&talk.session, &mut prepared, || {
            talk.session.set_muted(muted);
        });
        assert_eq!(prepared.muted, !muted, "as it was planned");
        drop(talk.session.core.present_now(&prepared));
        talk.clock.advance(TICK);
        let frame = talk.tick();
        assert_eq!(frame.flags().muted, muted, "the next one");
        for _ in 0..4 {
            talk.tick();
        }
        assert_eq!(width(&talk.tick()) == 0.0, muted, "so does the mouth");
    }
}

/// If an utterance waits already, the closing frames of an interruption give way to it.
#[test]
fn what_is_pushed_after_an_interruption_comes_at_once() {
    let avatar = toy();
    let voice = voice(16_000);
    let fresh = utterance(&unpaced(&avatar), &voice);
    let session = unpaced(&avatar);
    session.push_audio(&voice[..], RATE, 1).unwrap();
    for _ in 0..8 {
        session.next_frame().unwrap().unwrap();
    }
    session.interrupt();
    let frames = utterance(&session, &voice);
    assert_eq!(frames.len(), fresh.len(), "no frame without sound");
    for (frame, fresh) in frames.iter().zip(&fresh) {
        assert!(frame.pixels() == fresh.pixels(), "{frame:?}");
        assert_eq!(frame.arkit(), fresh.arkit(), "{frame:?}");
    }
}

/// A draw that waits for a frame far away, before which pictures are dropped, goes on at once where that
/// frame is no longer valid.
#[test]
fn a_waiting_draw_goes_on_where_its_frame_is_overtaken() {
    let avatar = toy();
    let deeds: [fn(&Session); 3] = [
        Session::interrupt,
        |session| session.set_muted(true),
        |session| session.set_paused(true),
    ];
    for deed in deeds {
        let session = avatar.session(SessionOptions::default()).unwrap();
        session.next_frame().unwrap().unwrap();
        let mut far = prepared_frame(&avatar);
        // Two minutes away.
        far.dropped = 3_000;
        lock(&session.core.ring).push(far);
        let mut begin = Instant::now();
        std::thread::scope(|threads| {
            let drawing = threads.spawn(|| session.next_frame().unwrap().unwrap());
            // It holds this lock while it draws, waiting for its time included.
            while session.core.drawer.try_lock().is_ok() {
                std::thread::yield_now();
            }
            for _ in 0..20 {
                std::thread::yield_now();
            }
            begin = Instant::now();
            deed(&session);
            drawing.join().unwrap();
        });
        assert!(begin.elapsed() < Duration::from_secs(60), "it waited");
    }
}

/// A frame that is taken back behind an interruption leaves the new utterance alone.
#[test]
fn nothing_is_taken_back_across_an_interruption() {
    let talk = Talk::new(&toy());
    let voice = voice(6_400);
    talk.say(&voice);
    talk.tick();
    let mut prepared = prepared_frame(talk.session.avatar());
    let kind = prepare(&talk.session, &mut prepared, || {});
    assert_eq!(kind, FrameKind::Speech { last: false });
    talk.session.interrupt();
    talk.session.perform("wave").unwrap();
    talk.say(&voice);
    {
        let core = &talk.session.core;
        let request = core.request(false, 0, Deadline::Whenever);
        lock(&core.renderer).undo(&core.input, request, &prepared);
    }
    let heard: Vec<f32> = (0..12).flat_map(|_| talk.tick().audio().to_vec()).collect();
    assert!(heard == voice, "the new utterance alone");
}

/// A draw that is late takes the sound of several frames: behind an interruption, none from before it.
#[test]
fn a_frame_across_an_interruption_has_the_sound_behind_it() {
    let mut prepared = prepared_frame(&toy());
    let mut frame = Frame::new();
    let frames = [(0, 48_000, 0.1, 2), (0, 48_000, 0.2, 4), (1, 8_000, 0.3, 2)];
    for (interruptions, rate, level, length) in frames {
        prepared.interruptions = interruptions;
        prepared.audio_rate_hz = rate;
        prepared.audio = vec![level; 2];
        draw::hand_out(&prepared, &mut frame);
        assert_eq!(frame.audio().len(), length, "at {level}");
        assert_eq!(frame.audio_rate_hz(), rate, "at {level}");
    }
    assert_eq!(frame.audio(), [0.3; 2]);
}

/// Only a frame that is due ends an utterance: until then its audio may arrive.
#[test]
fn the_pool_ends_no_utterance() {
    let talk = Talk::new(&toy());
    let voice = voice(12_800);
    let (first, rest) = voice.split_at(6_400);
    talk.session.push_audio(first, RATE, 1).unwrap();
    let mut heard = Vec::new();
    let mut waits = 0;
    while waits < 15 {
        let frame = talk.tick();
        heard.extend_from_slice(frame.audio());
        waits += u32::from(frame.flags().underrun);
    }
    assert!(talk.work().is_none(), "nothing to prepare");
    talk.say(rest);
    for _ in 0..16 {
        let frame = talk.tick();
        heard.extend_from_slice(frame.audio());
        let last = heard.len() == voice.len();
        assert_eq!(frame.flags().end_of_speech, last, "one utterance");
        if last {
            break;
        }
    }
    assert!(heard == voice, "every sample");
}

/// A draw that is late takes two frames from the ring and is cancelled at the third: it gives what it has.
#[test]
fn a_draw_that_is_cancelled_late_keeps_the_sound_it_has_taken() {
    let talk = Talk::new(&toy());
    let voice = voice(16_000);
    talk.say(&voice);
    let mut heard = talk.tick().audio().to_vec();
    assert!(talk.work().is_some() && talk.work().is_some(), "two frames");
    let core = &talk.session.core;
    core.avatar.faults.fail_runs(0, 1, ErrorKind::Cancelled);
    let mut frame = Frame::new();
    let drawn = core.take_paced(8, 8, &mut lock(&core.drawer), &mut frame);
    assert!(drawn.unwrap(), "no error yet");
    assert_eq!(frame.audio().len(), 2 * 640);
    heard.extend_from_slice(frame.audio());
    talk.clock.advance(2 * TICK);
    while heard.len() < voice.len() {
        heard.extend_from_slice(talk.tick().audio());
    }
    assert!(heard == voice, "every sample, in order");
}

/// Frames that were prepared before an interruption take no room from those behind it.
#[test]
fn an_interruption_makes_room_in_the_ring() {
    let talk = Talk::new(&toy());
    talk.say(&voice(32_000));
    talk.tick();
    assert_eq!(talk.prepare(), RING_FRAMES, "the ring is full");
    talk.session.interrupt();
    talk.say(&voice(32_000));
    // A draw follows the interruption, and one frame of the new utterance is shown.
    talk.tick();
    assert_eq!(talk.prepare(), RING_FRAMES, "of the new utterance");
}
