//! Hours of conversation under a clock that is moved by hand: every sample handed back exactly once,
//! no drift, no growth. Fails if one of them doesn't hold.
//!
//! `cargo bench --package benches --bench soak -- [minutes]`, by default 480 simulated minutes. A line
//! of CSV for every simulated half hour. Without pictures: what grows or drifts is sound and time.
#![expect(clippy::print_stdout, reason = "prints a table")]

use std::time::Duration;

use essence::clock::{Clock, ManualClock};
use essence::{Frame, SessionOptions};

const TICK: Duration = Duration::from_millis(40);
const TICKS_PER_MINUTE: u64 = 60 * 25;
/// Memory may grow by this much after the first simulated half hour.
const GROWTH_KIB: u64 = 1024;

fn main() {
    let minutes = benches::numbers().first().copied().unwrap_or(480) as u64;
    let avatar = benches::avatar();
    let clock = ManualClock::new();
    let options = SessionOptions::default()
        .clock(Clock::Manual(clock.clone()))
        .pictures(false);
    let session = avatar.session(options).expect("the options are valid");
    let mut random = benches::Random(2026);
    let mut frame = Frame::new();
    let rates = [16_000, 24_000, 44_100, 48_000];
    let voices = rates.map(|rate| benches::voice(rate as usize, rate));

    // What is being said: the voice and its position, samples still to push.
    let (mut voice, mut at, mut left) = (0, 0, 0);
    let mut quiet_until = 0;
    let (mut pushed, mut heard, mut dropped) = (0u64, 0u64, 0u64);
    let (mut waiting, mut utterances, mut ended, mut interrupted) = (0u64, 0u64, 0u64, 0u64);
    let mut start = None;
    println!("{}", benches::CSV_HEAD);
    println!(
        "minute,utterances,interruptions,samples_pushed,samples_heard,samples_dropped,resident_kib,handles,threads"
    );
    for tick in 0..minutes * TICKS_PER_MINUTE {
        if left > 0 {
            // In pieces of 10 to 200 ms.
            let rate = rates[voice] as usize;
            let piece = (rate * random.between(10, 200) / 1000).min(left);
            let samples = &voices[voice][at % rate..];
            let samples = &samples[..piece.min(samples.len())];
            session
                .push_audio(samples, rates[voice], 1)
                .expect("the queue has room");
            (at, left) = (at + samples.len(), left - samples.len());
            (pushed, waiting) = (
                pushed + samples.len() as u64,
                waiting + samples.len() as u64,
            );
            if left == 0 {
                session.flush();
            }
            if random.between(0, 2_000) == 0 {
                session.interrupt();
                (dropped, waiting, left) = (dropped + waiting, 0, 0);
                interrupted += 1;
                quiet_until = tick + random.between(0, 50) as u64;
            }
        } else if waiting == 0 && tick >= quiet_until {
            voice = random.between(0, rates.len());
            (at, left) = (0, rates[voice] as usize * random.between(300, 9_000) / 1000);
            utterances += 1;
        }

        let drawn = session
            .next_frame_into(&mut frame)
            .expect("rendering works");
        assert!(drawn, "a frame is due in every tick");
        assert_eq!(frame.index(), tick, "no frame too many and none too few");
        clock.advance(TICK);
        let samples = frame.audio().len() as u64;
        (heard, waiting) = (heard + samples, waiting - samples);
        if frame.flags().end_of_speech {
            assert_eq!(waiting, 0, "an utterance ends when all of it was heard");
            ended += 1;
            quiet_until = tick + random.between(0, 150) as u64;
        }
        if (tick + 1) % (30 * TICKS_PER_MINUTE) == 0 || tick + 1 == minutes * TICKS_PER_MINUTE {
            let process = benches::Process::now();
            println!(
                "{},{utterances},{interrupted},{pushed},{heard},{dropped},{},{},{}",
                (tick + 1) / TICKS_PER_MINUTE,
                process.resident_kib,
                process.handles,
                process.threads
            );
            let first = *start.get_or_insert(process);
            assert!(
                process.resident_kib <= first.resident_kib + GROWTH_KIB,
                "memory grew from {} to {} KiB",
                first.resident_kib,
                process.resident_kib
            );
            assert_eq!(process.handles, first.handles, "open files");
            assert_eq!(process.threads, first.threads, "threads");
        }
    }
    assert_eq!(
        pushed,
        heard + dropped + waiting,
        "every sample exactly once"
    );
    assert!(ended > 0, "something was said");
}
