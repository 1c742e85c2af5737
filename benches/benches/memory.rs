//! Memory of an engine, an avatar, a first session and each further one.
//!
//! `cargo bench --package benches --bench memory -- [sessions]`. Resident memory after each step, and
//! what the step added. Linux only.
#![expect(clippy::print_stdout, reason = "prints a table")]

use essence::clock::{Clock, ManualClock};
use essence::{Engine, Frame, FrameRequest, Session, SessionOptions};
use std::time::Duration;

fn main() {
    let further = benches::numbers().first().copied().unwrap_or(8);
    let mut before = benches::Process::now().resident_kib;
    println!("{}", benches::CSV_HEAD);
    println!("step,resident_kib,added_kib");
    let mut step = |name: &str| {
        let now = benches::Process::now().resident_kib;
        println!("{name},{now},{}", now.cast_signed() - before.cast_signed());
        before = now;
    };
    step("program");
    let engine = Engine::builder()
        .provider(benches::provider())
        .threads(1)
        .build()
        .expect("run `cargo xtask runtime` first");
    step("onnx_runtime");
    let avatar = engine
        .open(benches::avatar_path())
        .expect("the shipped avatar opens");
    step("avatar");
    let mut sessions = Vec::new();
    for index in 0..=further {
        let clock = ManualClock::new();
        let options = SessionOptions::default().clock(Clock::Manual(clock.clone()));
        let session = avatar.session(options).expect("the options are valid");
        let frame = talk(&session, &clock, 2 * avatar.info().frame_count);
        sessions.push((session, frame));
        step(&format!("session_{index}"));
    }
}

/// Speech and rest until every base frame has been seen; the frame that it filled.
fn talk(session: &Session, clock: &ManualClock, frames: usize) -> Frame {
    let voice = benches::voice(24_000 / 25, 24_000);
    let mut frame = Frame::new();
    for index in 0..3 * frames {
        if index < frames {
            session
                .push_audio(&voice[..], 24_000, 1)
                .expect("the queue has room");
        }
        assert!(
            session
                .draw(&mut frame, FrameRequest::new())
                .expect("rendering works")
                .is_frame()
        );
        clock.advance(Duration::from_millis(40));
    }
    frame
}
