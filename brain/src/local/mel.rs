//! Whisper's spectrogram of eight seconds: 80 bands of Slaney's mel scale, 10 ms apart, their decimal logarithms
//! within eight of the loudest.

use std::sync::Arc;

use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftPlanner};

/// Samples at 16 kHz that a spectrogram is made of.
pub(super) const SAMPLES: usize = 8 * 16_000;

/// Bands, and times.
pub(super) const BANDS: usize = 80;
pub(super) const FRAMES: usize = SAMPLES / HOP;

const RATE_HZ: f64 = 16_000.0;

/// Samples of a window, and from one to the next.
const WINDOW: usize = 400;
const HOP: usize = 160;

/// Frequencies of a window.
const BINS: usize = WINDOW / 2 + 1;

/// Least power of a band.
const FLOOR: f32 = 1e-10;

/// The transform and its tables.
pub(super) struct Mel {
    fft: Arc<dyn Fft<f32>>,
    window: Vec<f32>,
    /// For each band its first frequency, and the weights from there on.
    bands: Vec<(usize, Vec<f32>)>,
}

impl std::fmt::Debug for Mel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mel").finish_non_exhaustive()
    }
}

impl Mel {
    pub(super) fn new() -> Self {
        let turn = 2.0 * std::f64::consts::PI / WINDOW as f64;
        let hann = |i: usize| 0.5 - 0.5 * (turn * i as f64).cos();
        Self {
            fft: FftPlanner::new().plan_fft_forward(WINDOW),
            window: (0..WINDOW).map(|i| hann(i) as f32).collect(),
            bands: bands(),
        }
    }

    /// The spectrogram of [`SAMPLES`] samples, band by band: `[BANDS, FRAMES]`.
    pub(super) fn of(&self, sound: &[f32]) -> Vec<f32> {
        // Mirrored at both ends, so that the first window has its middle at the first sample.
        let last = sound.len() as isize - 1;
        let at = |i: isize| sound[(last - (last - i.abs()).abs()) as usize];
        let mut spectrogram = vec![0.0; BANDS * FRAMES];
        let mut spectrum = vec![Complex32::default(); WINDOW];
        let mut scratch = vec![Complex32::default(); self.fft.get_inplace_scratch_len()];
        let mut loudest = f32::NEG_INFINITY;
        for frame in 0..FRAMES {
            let begin = (frame * HOP) as isize - (WINDOW / 2) as isize;
            for (i, (value, window)) in spectrum.iter_mut().zip(&self.window).enumerate() {
                *value = Complex32::new(at(begin + i as isize) * window, 0.0);
            }
            self.fft.process_with_scratch(&mut spectrum, &mut scratch);
            for (band, (first, weights)) in self.bands.iter().enumerate() {
                let powers = spectrum[*first..].iter().map(|value| value.norm_sqr());
                let power: f32 = weights.iter().zip(powers).map(|(w, p)| w * p).sum();
                let level = power.max(FLOOR).log10();
                loudest = loudest.max(level);
                spectrogram[band * FRAMES + frame] = level;
            }
        }
        for level in &mut spectrogram {
            *level = (level.max(loudest - 8.0) + 4.0) / 4.0;
        }
        spectrogram
    }
}

/// Triangles over the frequencies, of equal areas.
fn bands() -> Vec<(usize, Vec<f32>)> {
    let most = mel(RATE_HZ / 2.0);
    let edge = |i: usize| hertz(most * i as f64 / (BANDS + 1) as f64);
    let frequency = |bin: usize| RATE_HZ / WINDOW as f64 * bin as f64;
    let triangle = |band: usize| {
        let [low, middle, high] = [band, band + 1, band + 2].map(edge);
        let weight = |bin: usize| {
            let rising = (frequency(bin) - low) / (middle - low);
            let falling = (high - frequency(bin)) / (high - middle);
            rising.min(falling).max(0.0) * 2.0 / (high - low)
        };
        let first = (0..BINS).find(|&bin| weight(bin) > 0.0).unwrap_or(0);
        let weights = (first..BINS).map(weight).take_while(|&w| w > 0.0);
        (first, weights.map(|w| w as f32).collect())
    };
    (0..BANDS).map(triangle).collect()
}

/// Mels that are even up to 1 kHz, and logarithmic from there on.
const EVEN_HZ: f64 = 1_000.0;
const EVEN: f64 = 15.0;
const HZ_PER_MEL: f64 = EVEN_HZ / EVEN;

/// Mels of a factor of 6.4.
const LOGARITHMIC: (f64, f64) = (27.0, 6.4);

fn mel(hertz: f64) -> f64 {
    match hertz < EVEN_HZ {
        true => hertz / HZ_PER_MEL,
        false => EVEN + (hertz / EVEN_HZ).ln() * LOGARITHMIC.0 / LOGARITHMIC.1.ln(),
    }
}

fn hertz(mel: f64) -> f64 {
    match mel < EVEN {
        true => mel * HZ_PER_MEL,
        false => EVEN_HZ * ((mel - EVEN) * LOGARITHMIC.1.ln() / LOGARITHMIC.0).exp(),
    }
}

#[cfg(test)]
mod tests {
    use super::{BANDS, FRAMES, Mel, SAMPLES};

    /// The numbers are those of Whisper's own arithmetic in double precision (`WhisperFeatureExtractor`, as
    /// smart-turn's makers run it).
    #[test]
    fn a_rising_tone_has_the_spectrogram_that_whisper_gives_it() {
        let tone = |i: usize| {
            let t = (i as f64 - 80_000.0).max(0.0) / 16_000.0;
            let phase = 200.0 * t + 400.0 * t * t;
            (0.3 * (2.0 * std::f64::consts::PI * phase).sin()) as f32
        };
        let sound: Vec<f32> = (0..SAMPLES).map(tone).collect();
        let spectrogram = Mel::new().of(&sound);
        for (band, frame, level) in [
            (0, 0, -0.6586),
            (3, 500, 1.1293),
            (10, 520, 1.1634),
            (20, 560, 0.4447),
            (24, 600, 1.0326),
            (79, 799, -0.4277),
        ] {
            let found = spectrogram[band * FRAMES + frame];
            assert!((found - level).abs() < 2e-3, "{band}, {frame}: {found}");
        }
        let mean = spectrogram.iter().sum::<f32>() / (BANDS * FRAMES) as f32;
        assert!((mean + 0.594_527).abs() < 1e-3, "{mean}");
    }
}
