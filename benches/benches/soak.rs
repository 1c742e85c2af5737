//! Hours of conversation under a clock that is moved by hand: every sample handed back exactly once and
//! in order, no drift, no growth. Fails if one of them doesn't hold.
//!
//! `cargo bench --package benches --bench soak -- [minutes] [shipped] [pictures] [toy]`, by default 480
//! simulated minutes of the shipped avatar without pictures, then as many of the toy avatar with
//! them. A line of CSV for every simulated half hour.
#![expect(clippy::print_stdout, reason = "prints a table")]

use std::time::Duration;

use essence::clock::{Clock, ManualClock};
use essence::{Avatar, Frame, FrameRequest, Session, SessionOptions};

const TICK: Duration = Duration::from_millis(40);
const TICKS_PER_MINUTE: u64 = 60 * 25;
/// Memory may grow by this much after the first simulated half hour.
const GROWTH_KIB: u64 = 1024;
const RATES: [u32; 4] = [16_000, 24_000, 44_100, 48_000];

fn main() {
    let minutes = match benches::numbers().first() {
        Some(&minutes) => minutes as u64,
        None if benches::is_test() => 1,
        None => 480,
    };
    let has = |name: &str| std::env::args().any(|word| word == name);
    println!("{}", benches::CSV_HEAD);
    println!(
        "avatar,pictures,minute,utterances,interruptions,samples_pushed,samples_heard,samples_dropped,resident_kib,handles,threads"
    );
    if has("shipped") || !has("toy") {
        let what = ("shipped", has("pictures"));
        soak(&benches::avatar(), what, minutes);
    }
    if has("toy") || !has("shipped") {
        soak(&benches::toy(), ("toy", true), minutes);
    }
}

/// A conversation: somebody who speaks, is interrupted now and then, and is quiet for a while.
struct Talk<'a> {
    session: &'a Session,
    voices: [Vec<f32>; 4],
    random: benches::Random,
    /// The utterance: which voice, how many samples are pushed and still to push.
    voice: usize,
    said: usize,
    left: usize,
    /// Samples of the utterance that came out.
    heard: usize,
    quiet_until: u64,
    utterances: u64,
    interruptions: u64,
    ended: u64,
    pushed: u64,
    dropped: u64,
    /// Samples that came out in all.
    out: u64,
}

impl Talk<'_> {
    /// Acts before the frame of this tick.
    fn act(&mut self, tick: u64) {
        let rate = RATES[self.voice] as usize;
        if self.left > 0 {
            // In pieces of 10 to 200 ms.
            let from = self.said % rate;
            let piece = rate * self.random.between(10, 200) / 1000;
            let piece = piece.min(self.left).min(rate - from);
            let samples = &self.voices[self.voice][from..from + piece];
            self.session
                .push_audio(samples, RATES[self.voice], 1)
                .expect("the queue has room");
            self.said += piece;
            self.left -= piece;
            self.pushed += piece as u64;
            if self.left == 0 {
                self.session.flush();
            }
            if self.random.between(0, 2_000) == 0 {
                self.session.interrupt();
                self.dropped += (self.said - self.heard) as u64;
                (self.said, self.heard, self.left) = (0, 0, 0);
                self.interruptions += 1;
                self.quiet_until = tick + self.random.between(0, 50) as u64;
            }
        } else if self.said == self.heard && tick >= self.quiet_until {
            self.voice = self.random.between(0, RATES.len());
            let rate = RATES[self.voice] as usize;
            (self.said, self.heard) = (0, 0);
            self.left = rate * self.random.between(300, 9_000) / 1000;
            self.utterances += 1;
        }
    }

    /// The sound of a frame: the next samples of what was pushed, and no others.
    fn hear(&mut self, frame: &Frame, tick: u64) {
        let voice = &self.voices[self.voice];
        for &sample in frame.audio() {
            let expected = voice[self.heard % voice.len()];
            assert!(sample == expected, "tick {tick}: another sample is next");
            self.heard += 1;
        }
        self.out += frame.audio().len() as u64;
        assert!(
            self.heard <= self.said,
            "tick {tick}: more than was pushed came out"
        );
        if frame.flags().end_of_speech {
            assert_eq!(
                (self.heard, self.left),
                (self.said, 0),
                "an utterance ends when all of it was heard"
            );
            self.ended += 1;
            self.quiet_until = tick + self.random.between(0, 150) as u64;
        }
    }
}

fn soak(avatar: &Avatar, (name, pictures): (&str, bool), minutes: u64) {
    let clock = ManualClock::new();
    let options = SessionOptions::default()
        .clock(Clock::Manual(clock.clone()))
        .pictures(pictures);
    let session = avatar.session(options).expect("the options are valid");
    let mut talk = Talk {
        session: &session,
        voices: RATES.map(|rate| benches::voice(rate as usize, rate)),
        random: benches::Random(2026),
        voice: 0,
        said: 0,
        left: 0,
        heard: 0,
        quiet_until: 0,
        utterances: 0,
        interruptions: 0,
        ended: 0,
        pushed: 0,
        dropped: 0,
        out: 0,
    };
    let mut frame = Frame::new();
    let mut start = None;
    for tick in 0..minutes * TICKS_PER_MINUTE {
        talk.act(tick);
        let drawn = session
            .draw(&mut frame, FrameRequest::new())
            .expect("rendering works")
            .is_frame();
        assert!(drawn, "a frame is due in every tick");
        assert_eq!(frame.index(), tick, "no frame too many and none too few");
        clock.advance(TICK);
        talk.hear(&frame, tick);
        if (tick + 1) % (30 * TICKS_PER_MINUTE) == 0 || tick + 1 == minutes * TICKS_PER_MINUTE {
            let process = benches::Process::now();
            println!(
                "{name},{pictures},{},{},{},{},{},{},{},{},{}",
                (tick + 1) / TICKS_PER_MINUTE,
                talk.utterances,
                talk.interruptions,
                talk.pushed,
                talk.out,
                talk.dropped,
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
    let waiting = (talk.said - talk.heard) as u64;
    assert_eq!(
        talk.pushed,
        talk.out + talk.dropped + waiting,
        "every sample exactly once"
    );
    assert!(talk.ended > 0, "something was said");
}
