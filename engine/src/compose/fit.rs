//! Scaling the avatar's picture into an output of other proportions, with bars where it does not
//! reach.
//!
//! Separable: rows are scaled in width, then columns in height, by a Catmull-Rom kernel that is
//! widened where the picture shrinks, so that it neither blurs when growing nor aliases when
//! shrinking. Weights are 14-bit fixed point and sum to one exactly.

use std::ops::Range;

use crate::options::OutputSize;

/// Fraction bits of the weights.
const BITS: u32 = 14;

/// A scaling of fixed sizes, with its buffers.
#[derive(Debug)]
pub(crate) struct Fit {
    source_width: usize,
    output: OutputSize,
    /// Where the scaled picture lies in the output.
    columns: Range<usize>,
    rows: Range<usize>,
    horizontal: Vec<Taps>,
    vertical: Vec<Taps>,
    /// The source, scaled in width only.
    narrowed: Vec<u8>,
    /// Sums of one row of the output.
    sums: Vec<i32>,
    /// The output, its bars painted once.
    picture: Vec<u8>,
}

/// The source pixels that make one output pixel, in one direction.
#[derive(Debug)]
struct Taps {
    first: usize,
    weights: Vec<i32>,
}

impl Fit {
    pub(crate) fn new(source: (usize, usize), output: OutputSize, letterbox: [u8; 3]) -> Self {
        let (width, height) = fitted(source, output);
        let left = (output.width - width) / 2;
        let top = (output.height - height) / 2;
        Self {
            source_width: source.0,
            output,
            columns: left..left + width,
            rows: top..top + height,
            horizontal: taps(source.0, width),
            vertical: taps(source.1, height),
            narrowed: vec![0; width * source.1 * 3],
            sums: vec![0; width * 3],
            picture: letterbox.repeat(output.width * output.height),
        }
    }

    pub(crate) fn output_size(&self) -> (usize, usize) {
        (self.output.width, self.output.height)
    }

    /// The RGB picture `rgb`, scaled and placed.
    pub(crate) fn apply(&mut self, rgb: &[u8]) -> &[u8] {
        let row_bytes = self.columns.len() * 3;
        let source_rows = rgb.chunks_exact(self.source_width * 3);
        for (out, source) in self.narrowed.chunks_exact_mut(row_bytes).zip(source_rows) {
            for (pixel, taps) in out.chunks_exact_mut(3).zip(&self.horizontal) {
                let mut sum = [1 << (BITS - 1); 3];
                for (source, weight) in source[taps.first * 3..].chunks_exact(3).zip(&taps.weights)
                {
                    for (sum, &x) in sum.iter_mut().zip(source) {
                        *sum += i32::from(x) * weight;
                    }
                }
                for (out, sum) in pixel.iter_mut().zip(sum) {
                    *out = (sum >> BITS).clamp(0, 255) as u8;
                }
            }
        }
        for (y, taps) in self.rows.clone().zip(&self.vertical) {
            // Row by row, so that neighbouring sums grow side by side in vector registers.
            self.sums.fill(1 << (BITS - 1));
            let rows = self.narrowed[taps.first * row_bytes..].chunks_exact(row_bytes);
            for (row, weight) in rows.zip(&taps.weights) {
                for (sum, &x) in self.sums.iter_mut().zip(row) {
                    *sum += i32::from(x) * weight;
                }
            }
            let start = (y * self.output.width + self.columns.start) * 3;
            let out = &mut self.picture[start..start + row_bytes];
            for (out, sum) in out.iter_mut().zip(&self.sums) {
                *out = (sum >> BITS).clamp(0, 255) as u8;
            }
        }
        &self.picture
    }
}

/// The largest size of the source's proportions that fits into the output.
fn fitted((width, height): (usize, usize), output: OutputSize) -> (usize, usize) {
    if width * output.height >= height * output.width {
        let scaled = (height * output.width + width / 2) / width;
        (output.width, scaled.clamp(1, output.height))
    } else {
        let scaled = (width * output.height + height / 2) / height;
        (scaled.clamp(1, output.width), output.height)
    }
}

/// The taps of every output pixel of a line that goes from `source` to `output` pixels.
fn taps(source: usize, output: usize) -> Vec<Taps> {
    let step = source as f64 / output as f64;
    let widening = step.max(1.0);
    (0..output)
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
            // What rounding left over goes to the middle.
            let rest = (1 << BITS) - weights.iter().sum::<i32>();
            let middle = weights.len() / 2;
            weights[middle] += rest;
            Taps { first, weights }
        })
        .collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    const fn size(width: usize, height: usize) -> OutputSize {
        OutputSize { width, height }
    }

    #[test]
    fn pictures_fit_and_bars_stay() {
        assert_eq!(
            fitted((512, 512), size(1280, 720)),
            (720, 720),
            "square into wide"
        );
        assert_eq!(
            fitted((640, 480), size(320, 320)),
            (320, 240),
            "4:3 into square"
        );
        let mut fit = Fit::new((4, 4), size(16, 8), [1, 2, 3]);
        let picture = fit.apply(&[200; 48]);
        assert_eq!(picture[..3], [1, 2, 3], "left bar");
        assert_eq!(
            picture[8 * 3..9 * 3],
            [200; 3],
            "middle: flat areas stay flat"
        );
        assert_eq!(picture[15 * 3..16 * 3], [1, 2, 3], "right bar");
    }

    /// A ramp stays a ramp at any scale: nothing is shifted.
    #[test]
    fn gradients_keep_their_place() {
        let ramp: Vec<u8> = (0..64)
            .flat_map(|_| (0..64).flat_map(|x| [3 * x as u8 + 20; 3]))
            .collect();
        for side in [16, 33, 64, 100, 256] {
            let mut fit = Fit::new((64, 64), size(side, side), [0; 3]);
            let picture = fit.apply(&ramp);
            for x in side / 8..side - side / 8 {
                let exact = 3.0 * ((x as f64 + 0.5) * 64.0 / side as f64 - 0.5) + 20.0;
                let pixel = f64::from(picture[(side / 2 * side + x) * 3]);
                assert!(
                    (pixel - exact).abs() <= 1.0,
                    "{side} px, column {x}: {pixel}, not {exact}"
                );
            }
        }
    }
}
