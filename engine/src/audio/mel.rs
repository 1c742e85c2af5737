//! The log-mel spectrogram, hop by hop: constant work per hop however long the speech.
//!
//! The numbers are part of the file format's contract (docs/imx.md, "Mel"): `studio` computes
//! the same in Python, and the tests of both compare with `testdata/vectors`.

use microfft::real::rfft_512;

use crate::nearest;

/// Mel bands of a frame.
pub(crate) const BANDS: usize = 80;
const WINDOW: usize = 400;
const HOP: usize = 160;
const FFT: usize = 512;
const BINS: usize = FFT / 2;
const LOW_HZ: f64 = 50.0;
const HIGH_HZ: f64 = 7_000.0;
const RATE_HZ: f64 = 16_000.0;
/// Added to a band's energy before the logarithm; far below 16-bit quantisation noise.
const FLOOR: f32 = 1e-6;
/// Samples of silence in front of the first window, which belongs to mel frame -1: `[-280, 120)`.
const LEAD: usize = 280;

/// A mel frame of silence is this in every band.
pub(crate) fn silence() -> f32 {
    nearest::ln(FLOOR)
}

/// One hop's worth of features.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MelFrame {
    /// Natural logarithm of the band energies.
    pub(crate) bands: [f32; BANDS],
    /// Mean square of the frame's samples, in [0, 1] for full-scale audio.
    pub(crate) power: f32,
}

/// Turns 16 kHz samples into mel frames -1, 0, 1, …
pub(crate) struct MelStream {
    window: [f32; WINDOW],
    filters: Vec<Filter>,
    pending: Vec<f32>,
    /// The windowed samples; the FFT works in place.
    buffer: [f32; FFT],
}

/// The part of a triangular filter that is not zero.
struct Filter {
    first_bin: usize,
    weights: Vec<f32>,
}

impl MelStream {
    pub(crate) fn new() -> Self {
        let window = std::array::from_fn(|i| {
            let phase = std::f64::consts::TAU * i as f64 / WINDOW as f64;
            (0.5 - 0.5 * phase.cos()) as f32
        });
        let mut pending = Vec::with_capacity(8 * WINDOW);
        pending.resize(LEAD, 0.0);
        Self {
            window,
            filters: filters(),
            pending,
            buffer: [0.0; FFT],
        }
    }

    /// Back to the start of a stream.
    pub(crate) fn reset(&mut self) {
        self.pending.clear();
        self.pending.resize(LEAD, 0.0);
    }

    /// Takes samples and hands every mel frame that they complete to `sink`.
    pub(crate) fn push(&mut self, samples: &[f32], mut sink: impl FnMut(&MelFrame)) {
        let mut rest = samples;
        while !rest.is_empty() {
            let take = rest.len().min(WINDOW.saturating_sub(self.pending.len()));
            self.pending.extend_from_slice(&rest[..take]);
            rest = &rest[take..];
            if self.pending.len() == WINDOW {
                sink(&self.frame());
                self.pending.drain(..HOP);
            }
        }
    }

    fn frame(&mut self) -> MelFrame {
        let mut power = 0.0;
        self.buffer[WINDOW..].fill(0.0);
        for ((out, &x), &w) in self.buffer.iter_mut().zip(&self.pending).zip(&self.window) {
            *out = x * w;
            power += x * x;
        }
        let spectrum = rfft_512(&mut self.buffer);
        // The first value holds two real ones, those of 0 Hz and 8 kHz; no filter reaches either.
        spectrum[0] = Default::default();
        let mut bands = [0.0; BANDS];
        for (band, filter) in bands.iter_mut().zip(&self.filters) {
            let bins = &spectrum[filter.first_bin..];
            let energy: f32 = filter
                .weights
                .iter()
                .zip(bins)
                .map(|(w, x)| w * x.norm_sqr())
                .sum();
            *band = nearest::ln(energy + FLOOR);
        }
        MelFrame {
            bands,
            power: power / WINDOW as f32,
        }
    }
}

/// Triangles of peak 1, evenly spaced on the HTK mel scale, with weights linear in Hz.
fn filters() -> Vec<Filter> {
    let mel = |hz: f64| 2595.0 * (1.0 + hz / 700.0).log10();
    let hz = |mel: f64| 700.0 * (10f64.powf(mel / 2595.0) - 1.0);
    let step = (mel(HIGH_HZ) - mel(LOW_HZ)) / (BANDS + 1) as f64;
    let edge = |i: usize| hz(mel(LOW_HZ) + step * i as f64);
    (0..BANDS)
        .map(|band| {
            let (low, peak, high) = (edge(band), edge(band + 1), edge(band + 2));
            let weight = |bin: usize| {
                let f = bin as f64 * RATE_HZ / FFT as f64;
                ((f - low) / (peak - low))
                    .min((high - f) / (high - peak))
                    .max(0.0) as f32
            };
            let first_bin = (0..BINS).find(|&bin| weight(bin) > 0.0).unwrap_or(0);
            let weights = (first_bin..BINS)
                .map(weight)
                .take_while(|&w| w > 0.0)
                .collect();
            Filter { first_bin, weights }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::vector;

    /// The studio trained the speech network on these very numbers.
    #[test]
    fn mel_agrees_with_the_studio() {
        let (input, expected) = (vector("mel_input.f32"), vector("mel_expected.f32"));
        for chunk in [1, 160, 1_000, input.len()] {
            let mut stream = MelStream::new();
            let mut bands = Vec::new();
            for samples in input.chunks(chunk).chain([&[0.0; 400][..]]) {
                stream.push(samples, |frame| bands.extend_from_slice(&frame.bands));
            }
            // The studio's first frame is 0, the stream's is -1.
            let frames = bands[BANDS..].chunks(BANDS).zip(expected.chunks(BANDS));
            assert!(
                bands.len() > expected.len(),
                "{} of {} frames",
                bands.len() / BANDS,
                expected.len() / BANDS
            );
            for (index, (ours, theirs)) in frames.enumerate() {
                let worst = ours
                    .iter()
                    .zip(theirs)
                    .map(|(a, b)| (a - b).abs())
                    .fold(0.0, f32::max);
                assert!(
                    worst < 1e-3,
                    "mel frame {index} in chunks of {chunk}: off by {worst}"
                );
            }
        }
    }
}
