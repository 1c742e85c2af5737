//! From 16 kHz audio to the window of mel frames that the speech network sees for a video frame.
//!
//! The window of frame `k` ends with mel frame `4k + 13`: 107.5 ms of audio past the frame's end.
//! With the resampler's delay and block that stays under the 120 ms of look-ahead which the latency
//! promises.

mod self_test;

use crate::audio::mel::{BANDS, MelStream, silence};
use crate::clock::FRAME_HOPS;
use crate::nearest;
pub(crate) use self_test::self_test;

/// Mel frames from a video frame's first one to the last one of its window.
const LOOKAHEAD: i64 = 13;
/// Mel frame of the stream's first samples (its window begins before them).
const FIRST_MEL: i64 = -1;
/// Windows are moved to the buffer's front when this many mel frames lie behind them.
const SLACK: usize = 256;

/// Hops around a frame whose loudness opens the gate: from 40 ms before the frame to 80 ms behind
/// it.
const GATE_HOPS: std::ops::RangeInclusive<i64> = -4..=11;
/// Level in dBFS under which the mouth rests, and over which it is free.
const GATE_DB: (f32, f32) = (-62.0, -52.0);

/// The mel frames around the video frame that comes next.
pub(crate) struct SpeechWindow {
    mel: MelStream,
    /// Mel frames in a window.
    length: usize,
    frames: Vec<f32>,
    /// Mean square per mel frame.
    powers: Vec<f32>,
    /// Number of the first mel frame in the buffers.
    first: i64,
}

impl std::fmt::Debug for SpeechWindow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SpeechWindow")
            .field("first", &self.first)
            .finish_non_exhaustive()
    }
}

impl SpeechWindow {
    pub(crate) fn new(length: usize) -> Self {
        let capacity = 2 * (length + SLACK);
        let mut window = Self {
            mel: MelStream::new(),
            length,
            frames: Vec::with_capacity(capacity * BANDS),
            powers: Vec::with_capacity(capacity),
            first: 0,
        };
        window.reset();
        window
    }

    /// Back to the start of an utterance: silence behind, nothing ahead.
    pub(crate) fn reset(&mut self) {
        self.mel.reset();
        self.frames.clear();
        self.frames.resize(self.length * BANDS, silence());
        self.powers.clear();
        self.powers.resize(self.length, 0.0);
        self.first = FIRST_MEL - self.length as i64;
    }

    /// Takes 16 kHz samples.
    pub(crate) fn push(&mut self, samples: &[f32]) {
        self.mel.push(samples, |frame| {
            self.frames.extend_from_slice(&frame.bands);
            self.powers.push(frame.power);
        });
    }

    /// Whether the window of video frame `frame` is complete.
    pub(crate) fn is_ready(&self, frame: u64) -> bool {
        self.first + self.powers.len() as i64 > hop(frame) + LOOKAHEAD
    }

    /// The window `[T, 80]` of a video frame that is ready, and how far the gate is open, in [0,
    /// 1].
    pub(crate) fn view(&mut self, frame: u64) -> (&[f32], f32) {
        let start = hop(frame) + LOOKAHEAD + 1 - self.length as i64;
        // Frames are asked for in order, so what lies before this window is done with, save the
        // gate's few hops.
        let behind = usize::try_from(start - self.first).unwrap_or(0);
        if behind > SLACK {
            let done = behind - SLACK / 2;
            self.frames.drain(..done * BANDS);
            self.powers.drain(..done);
            self.first += done as i64;
        }
        let at = |mel: i64| usize::try_from(mel - self.first).unwrap_or(0);
        let gate = at(hop(frame) + GATE_HOPS.start())..=at(hop(frame) + GATE_HOPS.end());
        let loudest = self.powers[gate].iter().copied().fold(0.0, f32::max);
        let window = at(start)..at(start) + self.length;
        (
            &self.frames[window.start * BANDS..window.end * BANDS],
            openness(loudest),
        )
    }
}

/// The first hop of a video frame.
fn hop(frame: u64) -> i64 {
    (frame * FRAME_HOPS).cast_signed()
}

/// A smooth step over the gate's range of levels.
fn openness(power: f32) -> f32 {
    let db = 10.0 * nearest::log10(power.max(1e-12));
    let x = ((db - GATE_DB.0) / (GATE_DB.1 - GATE_DB.0)).clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::schedule::Deadline;
    use crate::vectors::vector;

    #[test]
    fn readiness_is_the_promised_look_ahead() {
        let mut window = SpeechWindow::new(36);
        // Mel frame 13 covers samples up to 13 · 160 + 280: 1720 past the first frame's 640.
        window.push(&[0.1; 640 + 1719]);
        assert!(!window.is_ready(0), "one sample is missing");
        window.push(&[0.1]);
        assert!(window.is_ready(0), "all is there");
        assert!(!window.is_ready(1), "the next frame needs 640 more");
    }

    #[test]
    fn views_do_not_depend_on_how_much_is_buffered() {
        let samples: Vec<f32> = (0..160_000)
            .map(|i| (i as f32 * 0.05).sin() * 0.1)
            .collect();
        let (mut eager, mut late) = (SpeechWindow::new(36), SpeechWindow::new(36));
        late.push(&samples);
        let mut fed = 0;
        for frame in 0..240 {
            while !eager.is_ready(frame) {
                eager.push(&samples[fed..fed + 40]);
                fed += 40;
            }
            assert_eq!(eager.view(frame), late.view(frame), "frame {frame}");
        }
    }

    /// Mel, window and network give what they gave in the studio.
    #[test]
    fn the_network_answers_as_in_the_studio() {
        let path = format!(
            "{}/../testdata/avatars/mika.imx",
            env!("CARGO_MANIFEST_DIR")
        );
        let engine = crate::Engine::builder()
            .provider(crate::Provider::Cpu)
            .build()
            .unwrap();
        let avatar = engine.open(path).unwrap();
        let mut window = SpeechWindow::new(avatar.data.window);
        window.push(&vector("mel_input.f32"));
        window.push(&[0.0; 4_000]);
        let expected = vector("speech_expected.f32");
        for (frame, expected) in expected
            .chunks(avatar.info().coefficient_names.len())
            .enumerate()
        {
            let (mel, _) = window.view(frame as u64);
            let mut networks = avatar.data.networks(Deadline::Whenever, None).unwrap();
            let ours = networks.speech.run(&[mel]).unwrap();
            let worst = ours
                .iter()
                .zip(expected)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f32::max);
            assert!(worst < 1e-4, "frame {frame}: off by {worst}");
        }
    }
}
