//! How a conversation behaves, on a clock that the tests move: whatever the source of the audio does,
//! frames come every 40 ms, no sample is lost, and what went wrong is said.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::time::Duration;

use common::{TICK, buzz, paced, tick, toy};
use essence::clock::{Clock, ManualClock};
use essence::{Emotion, ErrorKind, Frame, Pacing, SessionOptions};

const RATE: u32 = 16_000;

fn width(frame: &Frame) -> f32 {
    frame.arkit().iter().copied().fold(0.0, f32::max)
}

/// The frames of a source that pushes pieces of a voice at times of its own.
struct Heard {
    samples: Vec<f32>,
    /// Ticks at which the utterance was under way and its audio was not there.
    underruns: Vec<u64>,
    first: u64,
}

/// Runs pieces of `piece` samples that arrive at `arrival` (in microseconds, by their number).
fn listen(voice: &[f32], piece: usize, arrival: impl Fn(usize) -> u64) -> Heard {
    let clock = ManualClock::new();
    let options = SessionOptions::default()
        .clock(Clock::Manual(clock.clone()))
        .pictures(false);
    let session = toy().session(options).unwrap();
    let mut pieces = voice.chunks(piece).enumerate().peekable();
    let mut heard = Heard {
        samples: Vec::new(),
        underruns: Vec::new(),
        first: 0,
    };
    for index in 0.. {
        while let Some((_, samples)) = pieces.next_if(|(i, _)| arrival(*i) <= index * 40_000) {
            session.push_audio(samples, RATE, 1).unwrap();
            if pieces.peek().is_none() {
                session.flush();
            }
        }
        let frame = tick(&clock, &session);
        assert_eq!(frame.index(), index, "no picture is dropped");
        assert!(!frame.flags().late, "frame {index} is in time");
        if frame.flags().speech && heard.samples.is_empty() {
            heard.first = index;
        }
        if frame.flags().underrun {
            heard.underruns.push(index);
        }
        heard.samples.extend_from_slice(frame.audio());
        if frame.flags().end_of_speech {
            return heard;
        }
    }
    unreachable!("an utterance ends")
}

/// A sentence that comes at once speaks from the next frame on, without a gap.
#[test]
fn a_burst_plays_at_once_and_without_gaps() {
    let voice = buzz(48_000, RATE);
    let heard = listen(&voice, voice.len(), |_| 40_000);
    assert_eq!(heard.first, 1, "the first frame after the push");
    assert!(heard.underruns.is_empty(), "{:?}", heard.underruns);
    assert!(heard.samples == voice, "every sample");
}

/// Ten milliseconds at a time, as they are spoken: the first frame 160 ms after the first sample
/// began, then one after the other.
#[test]
fn a_trickle_plays_without_gaps() {
    let voice = buzz(48_000, RATE);
    let heard = listen(&voice, 160, |i| 10_000 * (i as u64 + 1));
    assert_eq!(heard.first, 4, "160 ms");
    assert!(heard.underruns.is_empty(), "{:?}", heard.underruns);
    assert!(heard.samples == voice, "every sample");
}

/// Pieces that come up to 80 ms early or late: the queue takes it up after the first few gaps.
#[test]
fn jitter_is_taken_up() {
    let voice = buzz(20 * RATE as usize, RATE);
    let arrival = |i: usize| {
        // Spread over ±80 ms; pieces of a stream don't overtake each other.
        let late = |i: usize| 40_000 * i as u64 + (i as u64 * 7_919) % 160_000;
        (0..=i).map(late).max().unwrap_or(0)
    };
    let heard = listen(&voice, 640, arrival);
    assert!(
        heard.underruns.len() <= 4,
        "160 ms of waiting at most: {:?}",
        heard.underruns
    );
    let settled = heard.underruns.iter().all(|&index| index < 60);
    assert!(settled, "all of it early on: {:?}", heard.underruns);
    assert!(heard.samples == voice, "every sample");
}

/// A source whose clock is off by 200 parts in a million, for two minutes: 24 ms, which is one frame
/// to wait for at most.
#[test]
fn a_source_that_drifts_costs_a_frame_at_most() {
    let voice = buzz(120 * RATE as usize, RATE);
    for per_million in [999_800, 1_000_200] {
        let heard = listen(&voice, 640, |i| {
            40_000 * (i as u64 + 1) * per_million / 1_000_000
        });
        assert!(heard.underruns.len() <= 1, "{:?}", heard.underruns);
        assert!(heard.samples == voice, "every sample");
    }
}

/// Silence within speech lets the mouth rest; the patch leaves it and comes back without a jump.
#[test]
fn the_mouth_rests_within_an_utterance() {
    let (clock, session) = paced();
    let mut voice = buzz(12_000, RATE);
    voice.extend_from_slice(&[0.0; 16_000]);
    voice.extend(buzz(12_000, RATE));
    session.push_audio(&voice[..], RATE, 1).unwrap();
    session.flush();
    let frames: Vec<Frame> = (0..63).map(|_| tick(&clock, &session)).collect();
    assert!(
        frames.iter().all(|frame| frame.flags().speech),
        "one utterance"
    );
    assert!(
        frames[25..40].iter().all(|frame| width(frame) == 0.0),
        "rest"
    );
    let open = |frames: &[Frame]| frames.iter().map(width).fold(0.0, f32::max);
    assert!(
        open(&frames[..19]) > 0.1 && open(&frames[44..]) > 0.1,
        "speech"
    );
    let largest = frames
        .windows(2)
        .map(|pair| (width(&pair[0]) - width(&pair[1])).abs())
        .fold(0.0, f32::max);
    assert!(largest < 0.7, "from frame to frame by {largest} at most");
}

/// Channels in antiphase cancel in the sound that comes back, but not for the networks; others are heard as
/// their mean. However the audio is cut.
#[test]
fn the_mouth_follows_stereo_in_antiphase() {
    let voice = buzz(24_000, RATE);
    let curves = |left: f32, right: f32, cut: usize| -> Vec<Vec<f32>> {
        let stereo: Vec<f32> = voice.iter().flat_map(|x| [left * x, right * x]).collect();
        let options = SessionOptions::default().pacing(Pacing::Unpaced);
        let session = toy().session(options).unwrap();
        for piece in stereo.chunks(2 * cut) {
            session.push_audio(piece, RATE, 2).unwrap();
        }
        session.flush();
        let frames = std::iter::from_fn(|| session.next_frame().unwrap());
        let frames = frames.inspect(|frame| {
            let mean = (left + right) / 2.0;
            let silent = frame.audio().iter().all(|&x| x == 0.0);
            assert!(mean != 0.0 || silent, "the mean comes back");
        });
        frames.map(|frame| frame.arkit().to_vec()).collect()
    };
    let (mono, antiphase) = (curves(1.0, 1.0, 24_000), curves(1.0, -1.0, 24_000));
    let open = |curves: &[Vec<f32>]| curves.iter().flatten().copied().fold(0.0, f32::max);
    assert!(open(&antiphase) > 0.9 * open(&mono), "it opens");
    assert!(
        open(&curves(0.5, 0.5, 24_000)) < open(&mono),
        "as loud as it is"
    );
    for cut in [1, 160, 7_001] {
        assert!(curves(1.0, -1.0, cut) == antiphase, "in pieces of {cut}");
    }
}

#[test]
fn muted_speech_takes_its_time_in_silence() {
    let (clock, session) = paced();
    let voice = buzz(48_000, RATE);
    session.push_audio(&voice[..], RATE, 1).unwrap();
    session.flush();
    let mut heard = Vec::new();
    for index in 0..75 {
        match index {
            20 => session.set_muted(true),
            50 => session.set_muted(false),
            _ => {}
        }
        let frame = tick(&clock, &session);
        let muted = (20..50).contains(&index);
        assert_eq!(frame.flags().muted, muted, "frame {index}");
        assert_eq!(frame.flags().end_of_speech, index == 74, "frame {index}");
        if (23..50).contains(&index) {
            assert_eq!(width(&frame), 0.0, "frame {index}: the mouth rests");
        }
        heard.extend_from_slice(frame.audio());
    }
    assert_eq!(heard.len(), voice.len(), "as long as what was pushed");
    assert!(heard[..12_800] == voice[..12_800], "before");
    assert!(heard[12_800..32_000].iter().all(|&x| x == 0.0), "muted");
    assert!(heard[32_000..] == voice[32_000..], "after");
}

#[test]
fn paused_speech_goes_on_where_it_was_held() {
    let (clock, session) = paced();
    let voice = buzz(32_000, RATE);
    session.push_audio(&voice[..], RATE, 1).unwrap();
    session.flush();
    let mut heard: Vec<f32> = (0..10)
        .flat_map(|_| tick(&clock, &session).audio().to_vec())
        .collect();
    session.set_paused(true);
    for index in 0..30 {
        let frame = tick(&clock, &session);
        let flags = frame.flags();
        assert!(!flags.speech && !flags.underrun, "frame {index}: {flags:?}");
        assert!(frame.audio().is_empty(), "frame {index} is silent");
        if index >= 3 {
            assert_eq!(width(&frame), 0.0, "frame {index}: closed");
        }
    }
    session.set_paused(false);
    heard.extend((0..40).flat_map(|_| tick(&clock, &session).audio().to_vec()));
    assert!(heard == voice, "nothing lost, nothing twice");
    assert_eq!(session.statistics().underruns, 0, "a pause is no underrun");
}

/// A consumer that was delayed gets every picture, one at once after the other.
#[test]
fn delays_cost_no_picture() {
    for (spoken, late) in [(false, 1), (true, 1), (false, 20), (true, 20)] {
        let (clock, session) = paced();
        if spoken {
            session
                .push_audio(&buzz(48_000, 16_000)[..], 16_000, 1)
                .unwrap();
        }
        tick(&clock, &session);
        clock.advance(late * TICK + Duration::from_millis(5));
        for index in 1..=u64::from(late) + 1 {
            let frame = session.next_frame().unwrap().expect("it is due");
            let flags = frame.flags();
            assert_eq!((frame.index(), flags.skipped), (index, 0), "of {late} late");
            assert_eq!(flags.late, index <= u64::from(late), "frame {index}");
        }
        assert!(session.next_frame().unwrap().is_none(), "all is drawn");
    }
}

/// A consumer that takes longer for each frame than it lasts loses pictures evenly, and never lags far behind.
#[test]
fn a_slow_consumer_loses_pictures_evenly() {
    for work in [42, 50, 60, 85, 130] {
        let (clock, session) = paced();
        session
            .push_audio(&buzz(160_000, 16_000)[..], 16_000, 1)
            .unwrap();
        let mut time = 0;
        let mut most = 0;
        while let Some(frame) = session.next_frame().unwrap() {
            if !frame.flags().speech && time > 1_000 {
                break;
            }
            most = most.max(time - 40 * frame.index());
            clock.advance(Duration::from_millis(work));
            time += work;
            while time < 40 * (frame.index() + 1) {
                clock.advance(Duration::from_millis(1));
                time += 1;
            }
        }
        let statistics = session.statistics();
        let share = statistics.skipped as f64 / (statistics.frames + statistics.skipped) as f64;
        let expected = 1.0 - 40.0 / work as f64;
        assert!(
            (share - expected).abs() < 0.03,
            "{work} ms: {share} dropped"
        );
        // That is when it shows.
        assert!(most <= 60 + 4 * (work - 40), "{work} ms: {most} ms late");
    }
}

/// Delays are flagged and counted; a consumer that was away for a minute finds nothing late.
#[test]
fn delays_are_counted_and_absences_are_not() {
    let (clock, session) = paced();
    tick(&clock, &session);
    clock.advance(Duration::from_millis(25));
    assert!(tick(&clock, &session).flags().late, "25 ms");
    clock.advance(Duration::from_millis(2 * 40 - 25));
    let frame = tick(&clock, &session);
    assert_eq!((frame.index(), frame.flags().skipped), (2, 0), "80 ms");
    clock.advance(TICK);
    let frame = tick(&clock, &session);
    assert_eq!((frame.index(), frame.flags().skipped), (3, 0), "120 ms");
    clock.advance(TICK);
    let frame = tick(&clock, &session);
    assert_eq!((frame.index(), frame.flags().skipped), (8, 4), "too slow");
    clock.advance(Duration::from_secs(60));
    let frame = tick(&clock, &session);
    assert_eq!((frame.index(), frame.flags().skipped), (9, 0), "a minute");
    assert!(!frame.flags().late, "time begins anew");
    let statistics = session.statistics();
    assert_eq!(
        (
            statistics.frames,
            statistics.late,
            statistics.skipped,
            statistics.restarts
        ),
        (6, 3, 4, 1),
        "{statistics:?}"
    );
}

#[test]
fn a_cancelled_session_draws_no_more_until_it_is_restarted() {
    let (clock, session) = paced();
    tick(&clock, &session);
    session.cancel();
    for _ in 0..2 {
        let error = session.next_frame().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    }
    session.restart_clock();
    assert_eq!(tick(&clock, &session).index(), 1, "on it goes");
}

/// Sound and curves without pictures are the same sound and curves.
#[test]
fn pictures_can_be_left_out() {
    let (clock, session) = paced();
    let options = SessionOptions::default()
        .clock(Clock::Manual(clock.clone()))
        .pictures(false);
    let blind = toy().session(options).unwrap();
    for session in [&session, &blind] {
        session
            .push_audio(&buzz(32_000, RATE)[..], RATE, 1)
            .unwrap();
        session.flush();
    }
    for index in 0..60 {
        let frame = session.next_frame().unwrap().unwrap();
        let without = tick(&clock, &blind);
        assert!(
            without.pixels().is_empty() && !frame.pixels().is_empty(),
            "{index}"
        );
        assert_eq!(without.arkit(), frame.arkit(), "{index}");
        assert_eq!(without.audio(), frame.audio(), "{index}");
        assert_eq!(without.base_frame(), frame.base_frame(), "{index}");
    }
}

#[test]
fn an_avatar_that_was_filmed_refuses_emotions_but_neutral() {
    let avatar = toy();
    assert_eq!(avatar.info().emotions, [Emotion::Neutral]);
    let session = avatar.session(SessionOptions::default()).unwrap();
    session.set_emotion(Emotion::Neutral, 1.0).unwrap();
    let error = session.set_emotion(Emotion::Joy, 0.5).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let message = error.to_string();
    assert!(
        message.contains("joy") && message.contains("neutral"),
        "{message}"
    );
    for strength in [-0.1, 1.01, f32::NAN, f32::INFINITY] {
        let error = session.set_emotion(Emotion::Neutral, strength).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    }
}
