//! How long a conversation waits: from a push to the first frame that moves, and from an interruption
//! to the closed mouth, at random moments between two frames.
//!
//! `cargo bench --package benches --bench latency -- [rounds]`. A line of CSV for each of the two.
#![expect(clippy::print_stdout, reason = "prints a table")]

use std::thread;
use std::time::{Duration, Instant};

use essence::{Frame, Session, SessionOptions};

const RATE: u32 = 16_000;

fn main() {
    let rounds = benches::numbers().first().copied().unwrap_or(40);
    let avatar = benches::avatar();
    let session = avatar
        .session(SessionOptions::default())
        .expect("the options are valid");
    let voice = benches::voice(2 * RATE as usize, RATE);
    let mut frame = Frame::new();
    let (mut first, mut closed) = (Vec::new(), Vec::new());
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
    }
    println!("{}", benches::CSV_HEAD);
    println!("what,rounds,p50_ms,p99_ms,worst_ms");
    for (what, mut times) in [
        ("push_to_moving_frame", first),
        ("interrupt_to_closed", closed),
    ] {
        times.sort_unstable();
        let at = |share: f64| {
            let index = (times.len() as f64 * share) as usize;
            times[index.min(times.len() - 1)].as_secs_f64() * 1e3
        };
        println!(
            "{what},{rounds},{:.1},{:.1},{:.1}",
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }
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

fn draw(session: &Session, frame: &mut Frame) {
    assert!(session.next_frame_into(frame).expect("rendering works"));
}

fn width(frame: &Frame) -> f32 {
    frame.arkit().iter().copied().fold(0.0, f32::max)
}
