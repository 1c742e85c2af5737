//! Voice activity: the crate earshot's network or a responder's own, a gate of loudness, and a test of
//! steadiness.
//!
//! Earshot's network alone takes white noise and humming machines for voices. Their loudness stays the same,
//! though, while that of speech never does for the length of a syllable.

use std::collections::VecDeque;

/// Samples of a frame of voice activity, 16 ms.
pub(crate) const FRAME: usize = 256;

/// Milliseconds of a frame.
pub(crate) const FRAME_MS: u64 = 16;

/// Loudness below which nothing is a voice, dBFS: hiss of microphones, rooms at rest.
const GATE_DBFS: f32 = -55.0;

/// The addition to the gate while the avatar's own voice may still be in the microphone.
const ECHO_MARGIN_DB: f32 = 8.0;

/// The probability at which a voice begins, and below which it has ended (hysteresis).
const BEGIN: f32 = 0.5;
const END: f32 = 0.35;

/// Frames, and decibels between the softest and the loudest of them, by which a sound is steady. Sixteen
/// milliseconds of white noise vary by 0.4 dB, so that eight frames of it stay within 2 dB.
const STEADY_FRAMES: usize = 8;
const STEADY_DB: f32 = 2.0;

/// Knows voices better than the network inside the program: one stream of sound.
pub trait VoiceActivity: Send {
    /// The probability of a voice, **0 to 1**, in the next 256 samples of the stream, 16 ms at 16 kHz. None:
    /// it has failed, and isn't asked any more.
    fn probability(&mut self, frame: &[f32]) -> Option<f32>;
}

/// Tells voice from everything else, frame by frame.
pub(crate) struct VoiceDetector {
    network: Box<earshot::Detector>,
    /// Asked instead of the network, until it fails.
    activity: Option<Box<dyn VoiceActivity>>,
    pending: Vec<f32>,
    /// Loudness of the latest frames, dBFS.
    levels: VecDeque<f32>,
    voiced: bool,
}

impl VoiceDetector {
    pub(crate) fn new(activity: Option<Box<dyn VoiceActivity>>) -> Self {
        Self {
            network: Box::default(),
            activity,
            pending: Vec::with_capacity(FRAME),
            levels: VecDeque::with_capacity(STEADY_FRAMES + 1),
            voiced: false,
        }
    }

    /// Cuts sound into frames and tells of each whether it is voice. `wary` says whether the echo
    /// canceller may not have settled yet. A sample that is no finite number counts as silence.
    pub(crate) fn push(
        &mut self,
        samples: &[f32],
        wary: bool,
        mut frame: impl FnMut(&[f32], bool),
    ) {
        for &sample in samples {
            let sample = if sample.is_finite() { sample } else { 0.0 };
            self.pending.push(sample.clamp(-1.0, 1.0));
            if self.pending.len() == FRAME {
                let voiced = self.judge(wary);
                frame(&self.pending, voiced);
                self.pending.clear();
            }
        }
    }

    fn judge(&mut self, wary: bool) -> bool {
        let probability = self.probability();
        let power = self.pending.iter().map(|x| x * x).sum::<f32>() / FRAME as f32;
        let gate = GATE_DBFS + if wary { ECHO_MARGIN_DB } else { 0.0 };
        let level = 10.0 * power.max(1e-12).log10();
        self.levels.push_back(level);
        if self.levels.len() > STEADY_FRAMES {
            self.levels.pop_front();
        }
        self.voiced = level > gate
            && !self.is_steady()
            && probability >= if self.voiced { END } else { BEGIN };
        self.voiced
    }

    fn probability(&mut self) -> f32 {
        if let Some(activity) = &mut self.activity {
            match activity.probability(&self.pending) {
                Some(probability) => return probability,
                None => self.activity = None,
            }
        }
        let mut integers = [0i16; FRAME];
        for (integer, sample) in integers.iter_mut().zip(&self.pending) {
            *integer = (sample * 32_767.0) as i16;
        }
        self.network.predict_i16(&integers)
    }

    fn is_steady(&self) -> bool {
        let levels = || self.levels.iter().copied();
        let softest = levels().fold(f32::INFINITY, f32::min);
        let loudest = levels().fold(f32::NEG_INFINITY, f32::max);
        self.levels.len() == STEADY_FRAMES && loudest - softest < STEADY_DB
    }
}
