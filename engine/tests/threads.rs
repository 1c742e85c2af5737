//! Content under threads: sound, mouth and motion of utterances that one thread pushes, interrupts, pauses,
//! mutes and gestures while others draw and prepare, compared with a new session's of the same audio.
//!
//! `ESSENCE_THREAD_ROUNDS` is the number of rounds for each rate; a round is an utterance.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use common::{toy, unpaced};
use essence::{Avatar, Frame, Pacing, PixelFormat, Session, SessionOptions};

const RATES: [u32; 4] = [8_000, 16_000, 44_100, 48_000];
/// Frames of speech over which the mouth is ramped, and may differ with where it came from.
const RAMP: u32 = 3;

/// Numbers that are the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    /// Lets a short time pass, up to some ten microseconds, or a frame's time now and then.
    fn spin(&mut self) {
        let rounds = match self.below(4) {
            0 => self.below(60_000),
            _ => self.below(3_000),
        };
        for _ in 0..rounds {
            std::hint::spin_loop();
        }
    }
}

/// Speech that gets louder and higher from frame to frame, so that a mouth shows where it belongs.
fn voice(rate: u32, frames: usize) -> Vec<f32> {
    (0..rate as usize * frames / 25)
        .map(|i| {
            let t = i as f32 / rate as f32;
            (0.08 + 0.5 * t) * (t * (900.0 + 400.0 * t)).sin()
        })
        .collect()
}

/// The utterance before, which is dropped.
fn junk(rate: u32) -> Vec<f32> {
    (0..rate as usize)
        .map(|i| 0.3 * (i as f32 * 0.05).sin())
        .collect()
}

/// An action of one thread on the session while another draws.
#[derive(Clone, Copy, Debug)]
enum Deed {
    /// Says something else first, and interrupts it. In every other round, at another rate.
    Interrupt,
    /// Interrupts, and requests a gesture for what follows.
    InterruptAndGesture,
    Pause,
    Mute,
    Gesture,
    /// Pauses, mutes and gestures after an interruption.
    All,
}

const DEEDS: [Deed; 6] = [
    Deed::Interrupt,
    Deed::InterruptAndGesture,
    Deed::Pause,
    Deed::Mute,
    Deed::Gesture,
    Deed::All,
];

/// One utterance at one rate, and the frames that a new session makes of it, with and without a gesture.
struct Case {
    rate: u32,
    voice: Vec<f32>,
    junk: Vec<f32>,
    other: (u32, Vec<f32>),
    plain: Vec<Frame>,
    waving: Vec<Frame>,
}

impl Case {
    fn new(avatar: &Avatar, rate: u32, frames: usize) -> Self {
        let voice = voice(rate, frames);
        let plain = common::speak(&unpaced(avatar), &voice, rate);
        let waving = unpaced(avatar);
        waving.perform("wave").unwrap();
        let waving = common::speak(&waving, &voice, rate);
        let moves = plain.windows(2).skip(4);
        assert!(
            moves.clone().all(|pair| pair[0].arkit() != pair[1].arkit()),
            "no two mouths are the same at {rate} Hz"
        );
        let other = RATES[(rate == RATES[0]) as usize];
        Self {
            rate,
            junk: junk(rate),
            other: (other, junk(other)),
            voice,
            plain,
            waving,
        }
    }
}

/// Does it, and pushes the utterance. `drawn` gets a message for each frame that the other thread draws.
fn act(session: &Session, case: &Case, deed: Deed, random: &mut Random, drawn: &Receiver<()>) {
    let interrupts = matches!(
        deed,
        Deed::Interrupt | Deed::InterruptAndGesture | Deed::All
    );
    if interrupts {
        let (rate, junk) = match random.below(2) {
            0 => (case.rate, &case.junk),
            _ => (case.other.0, &case.other.1),
        };
        session.push_audio(&junk[..], rate, 1).unwrap();
        for _ in 0..random.below(4) {
            drawn.recv().unwrap();
        }
        random.spin();
        session.interrupt();
        if matches!(deed, Deed::InterruptAndGesture) {
            session.perform("wave").unwrap();
        }
        if random.below(3) == 0 {
            random.spin();
        }
    }
    let mut rest = &case.voice[..];
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at((1 + random.below(rest.len())).min(rest.len()));
        session.push_audio(piece, case.rate, 1).unwrap();
        rest = behind;
        if random.below(2) == 0 {
            change(session, deed, random);
        }
    }
    if random.below(2) == 0 {
        session.flush();
        change(session, deed, random);
    } else {
        change(session, deed, random);
        session.flush();
    }
    session.set_paused(false);
    session.set_muted(false);
}

/// Pauses, mutes or gestures.
fn change(session: &Session, deed: Deed, random: &mut Random) {
    for _ in 0..random.below(3) {
        let flip = random.below(2) == 0;
        match deed {
            Deed::Pause => session.set_paused(flip),
            Deed::Mute => session.set_muted(flip),
            Deed::Gesture => session.perform_again("wave").unwrap(),
            Deed::All => match random.below(4) {
                0 => session.set_paused(flip),
                1 => session.set_muted(flip),
                2 => session.perform_again("nod").unwrap(),
                _ => session.set_loop(flip.then_some("talking")).unwrap(),
            },
            Deed::Interrupt | Deed::InterruptAndGesture => {}
        }
        random.spin();
    }
}

/// A round: what is wrong with it, if anything is.
fn round(avatar: &Avatar, case: &Case, pacing: Pacing, seed: u64) -> Result<(), String> {
    let mut random = Random(seed);
    let deed = DEEDS[random.below(DEEDS.len())];
    let options = SessionOptions::default()
        .pacing(pacing)
        .pixel_format(PixelFormat::Rgb8)
        // Most rounds are for sound and curves.
        .pictures(random.below(8) == 0);
    let session = avatar.session(options).unwrap();
    let interruptions = u64::from(!matches!(deed, Deed::Pause | Deed::Mute | Deed::Gesture));
    let (tell, drawn) = mpsc::channel();
    let frames = thread::scope(|threads| {
        let drawing = threads.spawn(|| {
            let mut frames = Vec::new();
            loop {
                let Some(frame) = session.next_frame().expect("drawing works") else {
                    thread::yield_now();
                    continue;
                };
                // The other thread doesn't wait for all of them.
                let _ = tell.send(());
                if frame.interruptions() == interruptions {
                    let last = frame.flags().end_of_speech;
                    frames.push(frame);
                    if last {
                        return frames;
                    }
                }
            }
        });
        act(&session, case, deed, &mut random, &drawn);
        drawing.join().unwrap()
    });
    let exact = pacing == Pacing::Unpaced;
    let compared = match deed {
        Deed::Interrupt if exact => whole(&frames, &case.plain),
        Deed::InterruptAndGesture if exact => whole(&frames, &case.waving),
        _ => content(&frames, case),
    };
    compared.map_err(|wrong| format!("{deed:?} at {} Hz, seed {seed}: {wrong}", case.rate))
}

/// All of an unpaced session's frames behind an interruption are those of a new session.
fn whole(frames: &[Frame], expected: &[Frame]) -> Result<(), String> {
    let frames: Vec<&Frame> = frames.iter().filter(|frame| frame.flags().speech).collect();
    if frames.len() != expected.len() {
        return Err(format!("{} frames, not {}", frames.len(), expected.len()));
    }
    for (index, (frame, expected)) in frames.iter().zip(expected).enumerate() {
        let same = [
            frame.audio() == expected.audio(),
            frame.audio_rate_hz() == expected.audio_rate_hz(),
            frame.arkit() == expected.arkit(),
            frame.base_frame() == expected.base_frame(),
            frame.pixels().is_empty() || frame.pixels() == expected.pixels(),
        ];
        if same.contains(&false) {
            return Err(format!("frame {index}: {same:?}"));
        }
    }
    Ok(())
}

/// Every sample comes back in its place, as a zero where it was muted, and every mouth belongs to its sound,
/// save where it is ramped. Pictures may be dropped.
fn content(frames: &[Frame], case: &Case) -> Result<(), String> {
    let (mut samples, mut periods) = (0, 0);
    // Frames of speech since the mouth came from elsewhere.
    let mut settled = 0;
    for frame in frames {
        let flags = frame.flags();
        if !flags.speech {
            if !frame.audio().is_empty() {
                return Err("sound without speech".to_owned());
            }
            settled = 0;
            continue;
        }
        let sound = frame.audio();
        let Some(expected) = case.voice.get(samples..samples + sound.len()) else {
            return Err(format!("{} samples too many", sound.len()));
        };
        let heard = |(x, y): (&f32, &f32)| x == y || *x == 0.0;
        let exact = sound == expected;
        // A dropped picture before a frame may have been muted, or before it was.
        let muted = sound.iter().zip(expected).all(heard) && (flags.muted || flags.skipped > 0);
        if !exact && !muted || frame.audio_rate_hz() != case.rate {
            return Err(format!("sound at sample {samples} of frame {periods}"));
        }
        samples += sound.len();
        periods += flags.skipped as usize + 1;
        // Skipped periods may have been silent ones.
        periods = periods.min((25 * samples).div_ceil(case.rate as usize));
        settled = match flags.muted || flags.skipped > 0 {
            true => 0,
            false => settled + 1,
        };
        let expected = &case.plain[periods - 1];
        let off = frame.arkit().iter().zip(expected.arkit());
        let off = off.map(|(x, y)| (x - y).abs()).fold(0.0, f32::max);
        if settled > RAMP && off > 1e-5 {
            return Err(format!("mouth of frame {}: off by {off}", periods - 1));
        }
    }
    if samples != case.voice.len() {
        return Err(format!("{samples} of {} samples", case.voice.len()));
    }
    Ok(())
}

/// Runs the rounds, so many at a time.
#[expect(clippy::print_stdout, reason = "the figure that a long run is for")]
fn run(pacing: Pacing, frames: usize, usual: usize, at_a_time: usize) {
    let rounds = std::env::var("ESSENCE_THREAD_ROUNDS").ok();
    let rounds = rounds.and_then(|rounds| rounds.parse().ok());
    let rounds: usize = rounds.unwrap_or(usual);
    let avatar = toy();
    let cases = RATES.map(|rate| Case::new(&avatar, rate, frames));
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    thread::scope(|threads| {
        for _ in 0..at_a_time.min(rounds * cases.len()) {
            threads.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= rounds * cases.len() {
                        return;
                    }
                    let case = &cases[number % cases.len()];
                    if let Err(error) = round(&avatar, case, pacing, number as u64) {
                        wrong.lock().unwrap().push(error);
                    }
                    if number % 4_000 == 3_999 {
                        let wrong = wrong.lock().unwrap().len();
                        println!("{pacing:?}: round {}, {wrong} are wrong", number + 1);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    println!(
        "{pacing:?}: {} of {} rounds are wrong",
        wrong.len(),
        rounds * cases.len()
    );
    let first = &wrong[..wrong.len().min(8)];
    assert!(wrong.is_empty(), "{} are wrong: {first:#?}", wrong.len());
}

#[test]
fn utterances_keep_sound_and_mouth_while_another_thread_draws() {
    run(Pacing::Unpaced, 12, 60, 2);
}

#[test]
fn utterances_keep_sound_and_mouth_while_the_pool_prepares() {
    run(Pacing::Realtime, 8, 24, 48);
}
