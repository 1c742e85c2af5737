//! How long a conversation waits, on the system's clock.
//!
//! `cargo bench --package benches --bench latency -- [rounds]`. A line of CSV for each:
//!
//! - `push_to_moving_frame`: from the push of a sentence to the first frame that moves, at random
//!   moments between two frames;
//! - `interrupt_to_closed`: from an interruption to the closed mouth, likewise;
//! - `closure_to_its_frame`: a voice that is pushed 10 ms at a time, as it is spoken, and stops short
//!   as in a click: from the push of the closure's first sample to the frame that carries it;
//! - `closure_heard_to_seen`: from that frame to the first in which the mouth is a quarter as wide as it
//!   was at most; negative where that comes before. Rounds in which no frame shows it, since the machine
//!   stalled for longer than the closure, are left out of the count.
#![expect(clippy::print_stdout, reason = "prints a table")]

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use essence::{Frame, FrameRequest, Session, SessionOptions};

const RATE: u32 = 16_000;
const PIECE: Duration = Duration::from_millis(10);
/// Half a second of voice, a closure, half a second of voice: pieces of 10 ms.
const VOICE_PIECES: usize = 50;
const CLOSURE_PIECES: usize = 20;

fn main() {
    let rounds = match benches::numbers().first() {
        Some(&rounds) => rounds,
        None if benches::is_test() => 1,
        None => 40,
    };
    let avatar = benches::avatar();
    let session = avatar
        .session(SessionOptions::default())
        .expect("the options are valid");
    let voice = benches::voice(2 * RATE as usize, RATE);
    let mut frame = Frame::new();
    let (mut first, mut closed) = (Vec::new(), Vec::new());
    let (mut carried, mut seen) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        for _ in 0..12 {
            draw(&session, &mut frame);
        }
        // Somewhere between two frames; another place in every round.
        let phase = Duration::from_micros((round as u64 * 7_919) % 40_000);
        first.push(watch(
            &session,
            &mut frame,
            phase,
            |session| {
                session
                    .push_audio(&voice[..], RATE, 1)
                    .expect("the queue has room");
            },
            |frame| width(frame) > 0.02,
        ));
        for _ in 0..15 {
            draw(&session, &mut frame);
        }
        closed.push(watch(
            &session,
            &mut frame,
            phase,
            Session::interrupt,
            |frame| width(frame) == 0.0,
        ));
        for _ in 0..12 {
            draw(&session, &mut frame);
        }
        let (delay, shut) = closure(&session, &mut frame, phase);
        carried.push(delay);
        seen.extend(shut);
    }
    println!("{}", benches::CSV_HEAD);
    println!("what,rounds,p50_ms,p99_ms,worst_ms");
    for (what, times) in [
        ("push_to_moving_frame", &mut first),
        ("interrupt_to_closed", &mut closed),
        ("closure_to_its_frame", &mut carried),
    ] {
        let [p50, p99, worst] = benches::percentiles(times);
        println!("{what},{rounds},{p50:.1},{p99:.1},{worst:.1}");
    }
    // Whole frames, of either sign.
    seen.sort_unstable_by_key(|frames| frames.abs());
    assert!(!seen.is_empty(), "no closure was seen");
    let at = |share: f64| 40 * seen[((seen.len() - 1) as f64 * share) as usize];
    println!(
        "closure_heard_to_seen,{},{}.0,{}.0,{}.0",
        seen.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

/// Time from `act`, done `phase` after a frame by another thread, to the frame that is `reached`.
fn watch(
    session: &Session,
    frame: &mut Frame,
    phase: Duration,
    act: impl FnOnce(&Session) + Send,
    reached: impl Fn(&Frame) -> bool,
) -> Duration {
    thread::scope(|scope| {
        let acting = scope.spawn(move || {
            thread::sleep(phase);
            let begin = Instant::now();
            act(session);
            begin
        });
        let mut begin = None;
        let mut acting = Some(acting);
        loop {
            draw(session, frame);
            let now = Instant::now();
            if acting
                .as_ref()
                .is_some_and(thread::ScopedJoinHandle::is_finished)
            {
                begin = acting.take().and_then(|thread| thread.join().ok());
            }
            if let Some(begin) = begin.filter(|_| reached(frame)) {
                return now.saturating_duration_since(begin);
            }
        }
    })
}

/// Time from the push of a closure to the frame that carries its first sample, and frames from there
/// to the one in which the mouth is shut, if there is one.
fn closure(session: &Session, frame: &mut Frame, phase: Duration) -> (Duration, Option<i64>) {
    let piece = RATE as usize / 100;
    let voice = benches::voice(VOICE_PIECES * piece, RATE);
    let silence = vec![0.0; CLOSURE_PIECES * piece];
    let (send, pushed) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            let begin = Instant::now() + phase;
            let spoken = voice.chunks(piece).chain(silence.chunks(piece));
            for (number, samples) in spoken.chain(voice.chunks(piece)).enumerate() {
                // A piece is there when it has been spoken.
                let due = begin + PIECE * (number as u32 + 1);
                thread::sleep(due.saturating_duration_since(Instant::now()));
                if number == VOICE_PIECES {
                    // The closure began when its first sample was spoken.
                    let _ = send.send(due - PIECE);
                }
                session
                    .push_audio(samples, RATE, 1)
                    .expect("the queue has room");
            }
            session.flush();
        });
        let (mut heard, mut shut, mut samples, mut widest) = (None, None, 0, 0f32);
        loop {
            draw(session, frame);
            let now = Instant::now();
            samples += frame.audio().len();
            if heard.is_none() && samples > VOICE_PIECES * piece {
                heard = Some((now, frame.index().cast_signed()));
            }
            widest = widest.max(width(frame));
            let speaking = samples > VOICE_PIECES * piece / 2;
            if shut.is_none() && speaking && width(frame) < widest / 4.0 {
                shut = Some(frame.index().cast_signed());
            }
            if frame.flags().end_of_speech {
                break;
            }
        }
        let began = pushed.recv().expect("the closure was spoken");
        let (now, heard) = heard.expect("the closure was heard");
        let seen = shut.map(|shut: i64| shut - heard);
        (now.saturating_duration_since(began), seen)
    })
}

fn draw(session: &Session, frame: &mut Frame) {
    let next = session.draw(frame, FrameRequest::new());
    assert!(next.expect("rendering works").is_frame());
}

fn width(frame: &Frame) -> f32 {
    frame.arkit().iter().copied().fold(0.0, f32::max)
}
