//! Time and memory of a local brain, by part: `cargo xtask brain --figures`. An argument is a recorded question in
//! place of the voice's own.
#![expect(clippy::print_stdout, reason = "it prints its figures")]

use std::path::Path;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use essence::{Engine, Frame, FrameRequest, Pacing, Provider, Result, SessionOptions};
use essence_brain::{
    Brain, Cancel, Event, Hear as _, Input, Local, LocalSettings, Prompt, Responder as _, Settings,
    Speak as _, Speaker, Think as _, Turn,
};

/// A question of three seconds.
const QUESTION: &str = "Can you tell me something about the sun and the other planets?";

/// A clause, as the first of a reply is.
const CLAUSE: &str = "Well, that is a good question.";

fn main() -> Result<()> {
    let variable = |name: &str| std::env::var(name).ok();
    let settings = LocalSettings::from_variables("models", variable)?;
    println!("memory before: {} MB", memory("VmRSS"));
    let begin = Instant::now();
    let local = Local::open(settings)?;
    println!(
        "open: {:.2} s, memory {} MB, voice {}",
        begin.elapsed().as_secs_f64(),
        memory("VmRSS"),
        local.voice()
    );
    alone(&local)?;
    tell_memory();
    beside_an_avatar(local)?;
    tell_memory();
    Ok(())
}

fn tell_memory() {
    println!(
        "memory: {} MB, at most {} MB",
        memory("VmRSS"),
        memory("VmHWM")
    );
}

/// Each part by itself, three times: the best, in seconds of the clock and of the processor.
fn alone(local: &Local) -> Result<()> {
    let cancel = Cancel::default();
    let (rate_hz, samples) = spoken(local, QUESTION)?;
    let question = at_16_khz(rate_hz, &samples);
    let seconds = question.len() as f64 / 16_000.0;
    measure(&format!("hear {seconds:.1} s"), || {
        local.hearing().hear(&question, &cancel).map(drop)
    })?;
    let conversation = local.for_conversation();
    if let Some(mut activity) = conversation.and_then(|own| own.voice_activity()) {
        measure(&format!("tell voices in {seconds:.1} s"), || {
            for frame in question.as_chunks::<256>().0 {
                let _ = activity.probability(frame);
            }
            Ok(())
        })?;
    }
    measure(&format!("speak {CLAUSE:?}"), || {
        spoken(local, CLAUSE).map(drop)
    })?;
    let history = [Turn {
        speaker: Speaker::User,
        text: QUESTION.to_owned(),
    }];
    let thinking = local.thinking()?;
    let prompt = Prompt {
        history: &history,
        ..Prompt::default()
    };
    thinking.think(&prompt, &cancel, &mut |_| {})?;
    let begin = Instant::now();
    let (mut first, mut tokens) = (None, 0);
    thinking.think(&prompt, &cancel, &mut |_| {
        first.get_or_insert_with(|| begin.elapsed());
        tokens += 1;
    })?;
    let all = begin.elapsed();
    let first = first.unwrap_or_default();
    let rate = f64::from(tokens - 1) / (all - first).as_secs_f64();
    println!(
        "think: first token {:.3} s, {rate:.1} tokens/s",
        first.as_secs_f64()
    );
    Ok(())
}

/// A spoken question while the avatar speaks and is drawn in real time: what is lost, and how late.
fn beside_an_avatar(local: Local) -> Result<()> {
    let avatar = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/avatars/mika.imx");
    let engine = Engine::builder().provider(Provider::Auto).build()?;
    let session = engine
        .open(avatar)?
        .session(SessionOptions::default().pacing(Pacing::Realtime))?;
    let session = Arc::new(session);
    // A twin's voice says nothing that can be understood, so a recording can be given.
    let (rate_hz, samples) = match std::env::args().nth(1) {
        Some(recording) => recorded(Path::new(&recording))?,
        None => spoken(&local, QUESTION)?,
    };
    let mut question = at_16_khz(rate_hz, &samples);
    // The voices leave some silence at the end, which is none of the user's.
    let voiced = question.iter().rposition(|x| x.abs() > 0.01).unwrap_or(0);
    question.truncate(voiced);
    let (rate_hz, chatter) = spoken(&local, &"This goes on for a while. ".repeat(8))?;
    session.push_audio(essence::AudioData::F32(&chatter), rate_hz, 1)?;
    let counts = Arc::new(Mutex::new((0u32, 0u32, 0u32)));
    let drawing = {
        let (session, counts) = (Arc::clone(&session), Arc::clone(&counts));
        std::thread::spawn(move || {
            let mut frame = Frame::new();
            while session
                .draw(&mut frame, FrameRequest::new())
                .is_ok_and(|next| next.is_frame())
            {
                let mut counts = counts
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                counts.0 += 1;
                counts.1 += frame.flags().skipped;
                counts.2 += u32::from(frame.flags().late);
            }
        })
    };
    let (sender, events) = channel();
    let brain = Brain::start(Arc::new(local), Settings::default(), move |event| {
        let _ = sender.send((Instant::now(), event));
    })?;
    brain.send(Input::Begin);
    std::thread::sleep(Duration::from_secs(2));
    let mut end = Instant::now();
    // As a microphone gives it: 40 ms each 40 ms.
    let begin = Instant::now();
    let silence = vec![0.0; 32_000];
    let sound: Vec<f32> = question.iter().chain(&silence).copied().collect();
    for (i, block) in sound.chunks(640).enumerate() {
        let due = begin + Duration::from_millis(40 * (i as u64 + 1));
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        brain.send(Input::Microphone(block.to_vec()));
        if (i + 1) * 640 <= question.len() {
            end = Instant::now();
        }
    }
    let after = |at: Instant| at.saturating_duration_since(end).as_secs_f64();
    let (mut words, mut text) = (false, false);
    while let Ok((at, event)) = events.recv_timeout(Duration::from_secs(60)) {
        match event {
            Event::Caption(c) if c.speaker == Speaker::User && !words => {
                words = true;
                println!(
                    "words {:.2} s after the end of speech: {:?}",
                    after(at),
                    c.text
                );
            }
            Event::Caption(c) if c.speaker == Speaker::Avatar && !text => {
                text = true;
                println!("first clause {:.2} s after it: {:?}", after(at), c.text);
            }
            Event::Speech { .. } => {
                println!("first sound {:.2} s after it", after(at));
                break;
            }
            Event::Failure(message) => println!("failed: {message}"),
            _ => {}
        }
    }
    session.cancel();
    let _ = drawing.join();
    let (frames, skipped, late) = *counts
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    println!("avatar: {frames} pictures meanwhile, {skipped} dropped, {late} late");
    Ok(())
}

fn spoken(local: &Local, text: &str) -> Result<(u32, Vec<f32>)> {
    let (mut rate, mut all) = (16_000, Vec::new());
    local
        .speaking()
        .speak(text, &Cancel::default(), &mut |rate_hz, samples| {
            rate = rate_hz;
            all.extend_from_slice(samples);
        })?;
    Ok((rate, all))
}

fn recorded(path: &Path) -> Result<(u32, Vec<f32>)> {
    let mut reader = essence_media::AudioReader::open(path)?;
    let rate_hz = reader.sample_rate();
    let mut samples = Vec::new();
    while let Some(block) = reader.next_block()? {
        samples.extend_from_slice(block);
    }
    Ok((rate_hz, samples))
}

/// Every so many samples, averaged: well enough for words.
fn at_16_khz(rate_hz: u32, samples: &[f32]) -> Vec<f32> {
    let step = f64::from(rate_hz) / 16_000.0;
    let width = step.ceil() as usize;
    (0..(samples.len() as f64 / step) as usize)
        .map(|i| {
            let at = (i as f64 * step) as usize;
            let window = &samples[at..(at + width).min(samples.len())];
            window.iter().sum::<f32>() / window.len() as f32
        })
        .collect()
}

fn measure(what: &str, mut act: impl FnMut() -> Result<()>) -> Result<()> {
    let mut best = (f64::INFINITY, f64::INFINITY);
    for _ in 0..3 {
        let (begin, used) = (Instant::now(), processor_s());
        act()?;
        let clock = begin.elapsed().as_secs_f64();
        best = (best.0.min(clock), best.1.min(processor_s() - used));
    }
    println!(
        "{what}: {:.2} s of the clock, {:.2} s of a core",
        best.0, best.1
    );
    Ok(())
}

/// Seconds of a core that this process has used.
fn processor_s() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace();
    let ticks: Vec<f64> = fields
        .skip(11)
        .take(2)
        .filter_map(|n| n.parse().ok())
        .collect();
    ticks.iter().sum::<f64>() / 100.0
}

/// A size in `/proc/self/status`, in MB.
fn memory(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.and_then(|n| n.parse::<u64>().ok()).unwrap_or(0) / 1_000
}
