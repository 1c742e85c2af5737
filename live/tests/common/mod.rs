//! Shared by the tests: an avatar, a recording, a watcher that keeps what it gets, and decoders.
#![allow(dead_code, reason = "each test file uses a part")]
#![expect(clippy::unwrap_used, reason = "tests")]

pub(crate) mod browser;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use essence::clock::{Clock, ManualClock};
use essence::{Avatar, Engine, Provider, SessionOptions};
use essence_live::{Demand, Encoded, Event, FRAME_SAMPLES, Pipeline, PublisherOptions, Sink};
use openh264::decoder::Decoder;
use openh264::formats::YUVSource;
use opus_decoder::OpusDecoder;

pub(crate) const TICK: Duration = Duration::from_millis(40);

fn testdata(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../testdata")
        .join(path)
}

pub(crate) fn avatar(name: &str) -> Avatar {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let engine = ENGINE.get_or_init(|| {
        Engine::builder()
            .provider(Provider::Cpu)
            .build()
            .expect("run `cargo xtask runtime` first")
    });
    engine.open(testdata("avatars").join(name)).unwrap()
}

/// The test recording at one of its rates.
pub(crate) fn recording(rate_hz: u32) -> Vec<i16> {
    let path = testdata("audio").join(format!("speech_{rate_hz}.wav"));
    let mut reader = hound::WavReader::open(path).unwrap();
    reader.samples().map(Result::unwrap).collect()
}

pub(crate) fn floats(samples: &[i16]) -> Vec<f32> {
    samples.iter().map(|&x| f32::from(x) / 32768.0).collect()
}

/// A watcher that keeps every frame and wants what it is told to want.
#[derive(Clone)]
pub(crate) struct Recorder {
    frames: Arc<Mutex<Vec<Arc<Encoded>>>>,
    demand: Arc<Mutex<Demand>>,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self {
            frames: Arc::default(),
            demand: Arc::new(Mutex::new(Demand::ALL)),
        }
    }

    pub(crate) fn want(&self, change: impl FnOnce(&mut Demand)) {
        change(&mut self.demand.lock().unwrap());
    }

    pub(crate) fn frames(&self) -> Vec<Arc<Encoded>> {
        self.frames.lock().unwrap().clone()
    }

    pub(crate) fn take(&self) -> Vec<Arc<Encoded>> {
        std::mem::take(&mut self.frames.lock().unwrap())
    }
}

impl Sink for Recorder {
    fn demand(&mut self) -> Demand {
        *self.demand.lock().unwrap()
    }

    fn send(&mut self, frame: &Arc<Encoded>) {
        self.frames.lock().unwrap().push(frame.clone());
    }
}

/// A conversation on a clock that the test moves.
pub(crate) struct Conversation {
    pub(crate) pipeline: Pipeline,
    pub(crate) clock: ManualClock,
    pub(crate) events: Vec<Event>,
}

impl Conversation {
    pub(crate) fn new(avatar_name: &str) -> Self {
        Self::with(avatar_name, PublisherOptions::default())
    }

    pub(crate) fn with(avatar_name: &str, mut options: PublisherOptions) -> Self {
        let clock = ManualClock::new();
        options.session = SessionOptions::default().clock(Clock::Manual(clock.clone()));
        Self {
            pipeline: Pipeline::new(&avatar(avatar_name), options).unwrap(),
            clock,
            events: Vec::new(),
        }
    }

    pub(crate) fn say(&self, samples: &[i16], rate_hz: u32, reply: u64) {
        let session = self.pipeline.session();
        session
            .push_audio_tagged(samples, rate_hz, 1, reply)
            .unwrap();
        session.flush();
    }

    /// Draws `frames` frames, one each 40 ms.
    pub(crate) fn run(&mut self, frames: usize) {
        for _ in 0..frames {
            let events = &mut self.events;
            assert!(self.pipeline.step(&mut |event| events.push(event)).unwrap());
            self.clock.advance(TICK);
        }
    }
}

/// Decodes H.264 pictures one by one.
pub(crate) struct PictureDecoder(Decoder);

impl PictureDecoder {
    pub(crate) fn new() -> Self {
        Self(Decoder::new().unwrap())
    }

    /// Width, height and luma of the picture, if one comes out.
    pub(crate) fn decode(&mut self, data: &[u8]) -> Option<(usize, usize, Vec<u8>)> {
        let picture = self.0.decode(data).ok()??;
        let (width, height) = picture.dimensions();
        let stride = picture.strides().0;
        let rows = (0..height).flat_map(|y| &picture.y()[y * stride..y * stride + width]);
        Some((width, height, rows.copied().collect()))
    }
}

/// Decodes Opus packets to 48 kHz.
pub(crate) struct SoundDecoder(OpusDecoder);

impl SoundDecoder {
    pub(crate) fn new() -> Self {
        Self(OpusDecoder::new(48_000, 1).unwrap())
    }

    pub(crate) fn decode(&mut self, packet: &[u8]) -> Vec<f32> {
        let mut samples = vec![0.0; 5_760];
        let count = self.0.decode_float(packet, &mut samples, false).unwrap();
        samples.truncate(count);
        samples
    }
}

/// All sound of `frames` at 48 kHz: what was encoded, and what comes out of a decoder.
pub(crate) fn sound(frames: &[Arc<Encoded>]) -> (Vec<f32>, Vec<f32>) {
    let mut decoder = SoundDecoder::new();
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for sound in frames.iter().flat_map(|frame| &frame.sound) {
        assert_eq!(sound.pcm.len(), FRAME_SAMPLES);
        before.extend(floats(&sound.pcm));
        after.extend(decoder.decode(&sound.opus));
    }
    (before, after)
}

/// The lag in samples, 0 to `most`, at which `heard` is most like `said`, and the correlation there (1:
/// the same but for loudness).
pub(crate) fn correlate(said: &[f32], heard: &[f32], most: usize) -> (usize, f64) {
    let mut best = (0, 0.0);
    for lag in 0..=most.min(heard.len()) {
        let (mut sh, mut ss, mut hh) = (0.0f64, 0.0f64, 0.0f64);
        for (&s, &h) in said.iter().zip(&heard[lag..]) {
            let (s, h) = (f64::from(s), f64::from(h));
            sh += s * h;
            ss += s * s;
            hh += h * h;
        }
        let correlation = sh / (ss * hh).sqrt().max(1e-9);
        if correlation > best.1 {
            best = (lag, correlation);
        }
    }
    best
}
