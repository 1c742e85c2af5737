//! How many real-time sessions hold: N of them speak at once for a while, each drawn by a thread of
//! its own, on the engine's threads.
//!
//! `cargo bench --package benches --bench sessions -- [seconds] [sessions …]`, by default 20 s of 1
//! and so on up to what `Avatar::capacity` says and half as many again. One line of CSV per N: how
//! long after their due time frames left, how many pictures were left out, and how evenly: the
//! session that left out the smallest share of its pictures, and the one with the largest. How often
//! one was kept for more than a second, so that its clock began anew. And what the machine did
//! meanwhile: how often a thread that has nothing to do but wake up every few milliseconds woke more
//! than 20 ms late, and how late at worst. Where a virtual machine is taken off its core, nobody draws.
#![expect(clippy::print_stdout, reason = "prints a table")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use essence::{Avatar, Frame, FrameRequest, SessionOptions};

const RATE: u32 = 24_000;
const TICK: Duration = Duration::from_millis(40);
/// How often the machine is looked at, and what counts as a stall.
const PERIOD: Duration = Duration::from_millis(5);
const STALL: Duration = Duration::from_millis(20);

/// The measurements of one session.
struct Seen {
    delays: Vec<Duration>,
    skipped: u64,
    frames: u64,
    /// How often it came so late that time began anew.
    restarts: u64,
}

fn main() {
    let mut numbers = benches::numbers();
    let avatar = benches::avatar();
    let capacity = avatar.capacity().expect("the networks run");
    let seconds = if numbers.is_empty() {
        20
    } else {
        numbers.remove(0)
    };
    let seconds = if benches::is_test() { 1 } else { seconds };
    if numbers.is_empty() {
        numbers = if benches::is_test() {
            vec![2]
        } else {
            vec![
                1,
                capacity / 2,
                capacity * 4 / 5,
                capacity,
                capacity * 3 / 2,
            ]
        };
        numbers.retain(|&n| n > 0);
        numbers.dedup();
    }
    println!("{}", benches::CSV_HEAD);
    println!(
        "sessions,seconds,threads,frames,p50_ms,p99_ms,worst_ms,skipped_percent,least_skipped_percent,most_skipped_percent,capacity,restarts,stalls,worst_stall_ms"
    );
    for count in numbers {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let speaking = || speak(&avatar, count, Duration::from_secs(seconds as u64));
        let (seen, stalls) = watched(speaking);
        let mut delays: Vec<Duration> = seen.iter().flat_map(|seen| seen.delays.clone()).collect();
        let [p50, p99, worst] = benches::percentiles(&mut delays);
        let frames: u64 = seen.iter().map(|seen| seen.frames).sum();
        let skipped: u64 = seen.iter().map(|seen| seen.skipped).sum();
        let restarts: u64 = seen.iter().map(|seen| seen.restarts).sum();
        let percent =
            |skipped: u64, frames: u64| 100.0 * skipped as f64 / (frames + skipped) as f64;
        let each = || seen.iter().map(|seen| percent(seen.skipped, seen.frames));
        println!(
            "{count},{seconds},{threads},{frames},{p50:.2},{p99:.2},{worst:.2},{:.3},{:.3},{:.3},{capacity},{restarts},{},{:.2}",
            percent(skipped, frames),
            each().fold(f64::INFINITY, f64::min),
            each().fold(0.0, f64::max),
            stalls.len(),
            stalls
                .iter()
                .max()
                .map_or(0.0, |worst| worst.as_secs_f64() * 1e3),
        );
    }
}

/// The result of `work`, and by how much a thread that sleeps woke too late meanwhile, if by more than
/// [`STALL`].
fn watched<T>(work: impl FnOnce() -> T) -> (T, Vec<Duration>) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut stalls = Vec::new();
            while !done.load(Ordering::Relaxed) {
                let asleep = Instant::now();
                thread::sleep(PERIOD);
                let late = asleep.elapsed().saturating_sub(PERIOD);
                if late > STALL {
                    stalls.push(late);
                }
            }
            stalls
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        (result, watch.join().expect("sleeping doesn't fail"))
    })
}

fn speak(avatar: &Avatar, count: usize, length: Duration) -> Vec<Seen> {
    let voice = benches::voice(RATE as usize, RATE);
    thread::scope(|scope| {
        let sessions: Vec<_> = (0..count)
            .map(|index| {
                let voice = &voice;
                scope.spawn(move || {
                    // Spread over a frame's time, as conversations are.
                    thread::sleep(TICK * u32::try_from(index).unwrap_or(0) / count as u32);
                    one(avatar, voice, length)
                })
            })
            .collect();
        let joined = sessions.into_iter().map(thread::ScopedJoinHandle::join);
        joined.map(|seen| seen.expect("no session fails")).collect()
    })
}

fn one(avatar: &Avatar, voice: &[f32], length: Duration) -> Seen {
    let session = avatar
        .session(SessionOptions::default())
        .expect("the options are valid");
    let mut frame = Frame::new();
    let draw = |frame: &mut Frame| {
        let next = session.draw(frame, FrameRequest::new());
        assert!(next.expect("rendering works").is_frame());
    };
    // A synthesizer's pace: a second at a time, ahead of need.
    let mut pushed = Duration::ZERO;
    let mut push = |until: Duration| {
        while pushed < until + Duration::from_secs(1) {
            session
                .push_audio(voice, RATE, 1)
                .expect("the queue has room");
            pushed += Duration::from_secs(1);
        }
    };
    push(Duration::ZERO);
    draw(&mut frame);
    // The first frame is due when it is asked for; base frames are decoded in the first seconds.
    let begin = Instant::now();
    let warm = Duration::from_secs(6).min(length / 3);
    let mut seen = Seen {
        delays: Vec::new(),
        skipped: 0,
        frames: 0,
        restarts: 0,
    };
    let mut earliest = i128::MAX;
    let mut times = Vec::new();
    let mut last = begin.elapsed();
    while begin.elapsed() < length {
        push(begin.elapsed());
        draw(&mut frame);
        let now = begin.elapsed();
        let offset =
            now.as_nanos().cast_signed() - (TICK.as_nanos() as i128) * i128::from(frame.index());
        let restarts = session.statistics().restarts;
        if restarts > seen.restarts {
            settle(&mut seen.delays, &mut times, earliest);
            (seen.restarts, earliest) = (restarts, i128::MAX);
            // This frame is late by all that it came after the last; the others follow from it.
            seen.delays.push((now - last).saturating_sub(TICK));
        } else if now >= warm {
            times.push(offset);
        }
        (last, earliest) = (now, earliest.min(offset));
        if now >= warm {
            seen.frames += 1;
            seen.skipped += u64::from(frame.flags().skipped);
        }
    }
    settle(&mut seen.delays, &mut times, earliest);
    seen
}

/// Turns times after those when frames were due by a clock into delays: the frame that came least late came
/// in time.
fn settle(delays: &mut Vec<Duration>, times: &mut Vec<i128>, earliest: i128) {
    let late = |offset| u64::try_from(offset - earliest).unwrap_or(0);
    delays.extend(
        times
            .drain(..)
            .map(|offset| Duration::from_nanos(late(offset))),
    );
}
