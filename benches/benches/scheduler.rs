//! The cost of scheduling as sessions grow in number.
//!
//! `cargo bench --package benches --bench scheduler -- [seconds] [sessions …]`, by default 10 s of 10,
//! 100, 300 and 1,000. One line of CSV per number.
//!
//! `queue_ns` is what the scheduler's queue alone takes for a frame of a task: announcing it, taking it
//! out in a batch and putting it back. `frame_us` is the processor time of a drawn frame: real-time
//! sessions of the toy avatar all speak, without pictures, each drawn by a thread of its own.
//! `dropped_percent` says for how many frames the machine had no time; `frame_us` includes their sound.
//! `ratio` compares `frame_us` with the first line's.
#![expect(clippy::print_stdout, reason = "prints a table")]

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use essence::internals::TaskQueue;
use essence::{Avatar, Frame, FrameRequest, SessionOptions};

const RATE: u32 = 16_000;
/// Rounds of the queue, in each of which every task has a frame.
const ROUNDS: usize = 200;

fn main() {
    let mut numbers = benches::numbers();
    let seconds = match numbers.is_empty() {
        true => 10,
        false => numbers.remove(0),
    };
    let seconds = if benches::is_test() { 1 } else { seconds };
    if numbers.is_empty() {
        numbers = match benches::is_test() {
            true => vec![2],
            false => vec![10, 100, 300, 1_000],
        };
    }
    let avatar = benches::toy();
    println!("{}", benches::CSV_HEAD);
    println!("sessions,queue_ns,frames,dropped_percent,frame_us,ratio");
    let mut first = None;
    for count in numbers {
        let queue = queue(count);
        let (frames, dropped, time) = speak(&avatar, count, Duration::from_secs(seconds as u64));
        let each = time.as_secs_f64() * 1e6 / frames as f64;
        println!(
            "{count},{queue:.0},{frames},{:.2},{each:.1},{:.2}",
            100.0 * dropped as f64 / (frames + dropped) as f64,
            each / *first.get_or_insert(each),
        );
    }
}

/// Nanoseconds that the queue takes for a frame.
fn queue(count: usize) -> f64 {
    let mut queue = TaskQueue::new(2, count);
    queue.run(10);
    let begin = Instant::now();
    let frames = queue.run(ROUNDS);
    begin.elapsed().as_secs_f64() * 1e9 / frames as f64
}

/// Frames drawn and dropped by `count` sessions, and the processor time they took.
fn speak(avatar: &Avatar, count: usize, length: Duration) -> (u64, u64, Duration) {
    let voice = benches::voice(RATE as usize, RATE);
    let ready = Barrier::new(count + 1);
    thread::scope(|scope| {
        let sessions: Vec<_> = (0..count)
            .map(|index| {
                let (voice, ready) = (&voice, &ready);
                let session = avatar.session(SessionOptions::default().pictures(false));
                let session = session.expect("the options are valid");
                let draws = move || {
                    let mut frame = Frame::new();
                    // Sessions begin at different times.
                    let offset = index * voice.len() / count;
                    session
                        .push_audio(&voice[offset..], RATE, 1)
                        .expect("there is room");
                    ready.wait();
                    let begin = Instant::now();
                    let mut pushed = Duration::ZERO;
                    while begin.elapsed() < length {
                        if pushed < begin.elapsed() + Duration::from_millis(500) {
                            session
                                .push_audio(&voice[..], RATE, 1)
                                .expect("there is room");
                            pushed += Duration::from_secs(1);
                        }
                        session
                            .draw(&mut frame, FrameRequest::new())
                            .expect("it draws");
                    }
                    let statistics = session.statistics();
                    (statistics.frames, statistics.skipped)
                };
                let builder = thread::Builder::new().stack_size(256 << 10);
                builder
                    .spawn_scoped(scope, draws)
                    .expect("the system starts threads")
            })
            .collect();
        ready.wait();
        let before = benches::processor_time();
        let counts = sessions.into_iter().map(|thread| {
            let counts = thread.join();
            counts.expect("no session fails")
        });
        let (frames, dropped) = counts.fold((0, 0), |sum, (frames, dropped)| {
            (sum.0 + frames, sum.1 + dropped)
        });
        (frames, dropped, benches::processor_time() - before)
    })
}
