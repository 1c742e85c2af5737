//! Taps of a resampled line: which source pixels make an output pixel, and their weights.

use std::ops::Range;

use super::arch::{BITS, FourTaps};

/// The source pixels that make one output pixel, in one direction.
#[derive(Debug)]
pub(super) struct Taps {
    /// No less than that of the pixel before.
    pub(super) first: usize,
    pub(super) weights: Vec<i32>,
}

impl Taps {
    /// The taps for the fast kernels: four 16-bit weights.
    pub(super) fn four(&self) -> Option<FourTaps> {
        let mut weights = [0; 4];
        for (i, &weight) in self.weights.iter().enumerate() {
            *weights.get_mut(i)? = i16::try_from(weight).ok()?;
        }
        let first = u32::try_from(self.first).ok()?;
        Some(FourTaps { first, weights })
    }

    pub(super) fn end(&self) -> usize {
        self.first + self.weights.len()
    }
}

/// The taps of some output pixels, `shown`, of a line that is resampled from `source` to `scaled`
/// pixels.
pub(super) fn taps(source: usize, scaled: usize, shown: Range<usize>) -> Vec<Taps> {
    let step = source as f64 / scaled as f64;
    let widening = step.max(1.0);
    let mut taps: Vec<Taps> = shown
        .map(|i| {
            let centre = (i as f64 + 0.5) * step - 0.5;
            let reach = 2.0 * widening;
            let first = (centre - reach).ceil().max(0.0) as usize;
            let last = ((centre + reach).floor() as usize).min(source - 1);
            let kernel: Vec<f64> = (first..=last)
                .map(|x| catmull_rom((x as f64 - centre) / widening))
                .collect();
            let sum: f64 = kernel.iter().sum();
            let one = f64::from(1 << BITS);
            let mut weights: Vec<i32> = kernel
                .iter()
                .map(|w| (w / sum * one).round() as i32)
                .collect();
            // The middle tap takes what rounding leaves over.
            let rest = (1 << BITS) - weights.iter().sum::<i32>();
            let middle = weights.len() / 2;
            weights[middle] += rest;
            Taps { first, weights }
        })
        .collect();
    // Taps of weight 0 at the ends go; but a pixel begins no later than the next.
    let mut latest = usize::MAX;
    for taps in taps.iter_mut().rev() {
        let used = |w: &i32| *w != 0;
        let end = taps
            .weights
            .iter()
            .rposition(used)
            .map_or(0, |last| last + 1);
        taps.weights.truncate(end);
        let unused = taps.weights.iter().position(used).unwrap_or(0);
        let skipped = unused.min(latest.saturating_sub(taps.first));
        taps.weights.drain(..skipped);
        taps.first += skipped;
        latest = taps.first;
    }
    taps
}

/// The Catmull-Rom cubic (Keys 1981, a = -1/2).
fn catmull_rom(x: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        (1.5 * x - 2.5) * x * x + 1.0
    } else if x < 2.0 {
        ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    } else {
        0.0
    }
}

/// Resamples a row of any number of channels in width.
pub(super) fn resample_row<const CHANNELS: usize>(taps: &[Taps], source: &[u8], out: &mut [u8]) {
    let out = out.as_chunks_mut::<CHANNELS>().0.iter_mut();
    for (pixel, taps) in out.zip(taps) {
        let mut sums = [1 << (BITS - 1); CHANNELS];
        let pixels = source[CHANNELS * taps.first..].as_chunks::<CHANNELS>().0;
        for (source, weight) in pixels.iter().zip(&taps.weights) {
            for (sum, &x) in sums.iter_mut().zip(source) {
                *sum += i32::from(x) * weight;
            }
        }
        *pixel = sums.map(|sum| (sum >> BITS).clamp(0, 255) as u8);
    }
}
