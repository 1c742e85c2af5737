//! Scaling the avatar's picture into an output of other proportions, with bars where it does not
//! reach.
//!
//! Separable: rows are scaled in width, then columns in height, by a Catmull-Rom kernel that is
//! widened where the picture shrinks, so that it neither blurs when growing nor aliases when
//! shrinking. Weights are 14-bit fixed point and sum to one exactly. Rows that are scaled in width
//! wait in a ring that is as long as the kernel is high.

use std::ops::Range;

use super::aligned::{Aligned, LINE};
use super::arch::{self, BITS, FourTaps, Isa, Line};
use super::convert;
use crate::PictureMut;
use crate::options::OutputSize;

/// Where the picture to be scaled comes from: packed RGB, asked for from above to below.
pub(crate) trait Source {
    fn row(&mut self, y: usize) -> &[u8];
}

/// A whole picture, with the bytes of a row.
#[cfg(any(test, feature = "internals"))]
pub(crate) struct Whole<'a>(pub(crate) &'a [u8], pub(crate) usize);

#[cfg(any(test, feature = "internals"))]
impl Source for Whole<'_> {
    fn row(&mut self, y: usize) -> &[u8] {
        &self.0[y * self.1..][..self.1]
    }
}

/// A scaling of fixed sizes, with its buffers.
#[derive(Debug)]
pub(crate) struct Fit {
    output: OutputSize,
    /// Where the scaled picture lies in the output.
    columns: Range<usize>,
    rows: Range<usize>,
    horizontal: Vec<Taps>,
    /// The same in the form of the fast kernel, where four taps are enough: always when growing.
    four: Option<Line>,
    vertical: Vec<Taps>,
    /// The last rows of the source, scaled in width only: row `y` in place `y % ring_rows`.
    ring: Aligned<u8>,
    ring_rows: usize,
    /// From one of them to the next.
    ring_stride: usize,
    /// Sums of one row of the output.
    sums: Vec<i32>,
    /// Two rows of the output with their bars to the left and right, and one that is all bar.
    pair: [Vec<u8>; 2],
    bar: Vec<u8>,
}

/// The source pixels that make one output pixel, in one direction.
#[derive(Debug)]
struct Taps {
    /// Never less than that of the pixel before.
    first: usize,
    weights: Vec<i32>,
}

impl Taps {
    /// In the form of the fast kernels: four 16-bit weights.
    fn four(&self) -> Option<FourTaps> {
        let mut weights = [0; 4];
        for (i, &weight) in self.weights.iter().enumerate() {
            *weights.get_mut(i)? = i16::try_from(weight).ok()?;
        }
        let first = u32::try_from(self.first).ok()?;
        Some(FourTaps { first, weights })
    }

    fn end(&self) -> usize {
        self.first + self.weights.len()
    }
}

impl Fit {
    pub(crate) fn new(source: (usize, usize), output: OutputSize, letterbox: [u8; 3]) -> Self {
        let (width, height) = fitted(source, output);
        let left = (output.width - width) / 2;
        let top = (output.height - height) / 2;
        let horizontal = taps(source.0, width);
        let vertical = taps(source.1, height);
        // A row may need fewer rows than the one above it has fetched.
        let mut fetched = 0;
        let ring_rows = vertical.iter().map(|taps| {
            fetched = taps.end().max(fetched);
            fetched - taps.first
        });
        let ring_rows = ring_rows.max().unwrap_or(1);
        let ring_stride = (3 * width).next_multiple_of(LINE);
        let bar = letterbox.repeat(output.width);
        Self {
            output,
            columns: left..left + width,
            rows: top..top + height,
            four: horizontal
                .iter()
                .map(Taps::four)
                .collect::<Option<_>>()
                .map(Line::new),
            horizontal,
            vertical,
            ring: Aligned::new(ring_rows * ring_stride),
            ring_rows,
            ring_stride,
            sums: vec![0; width * 3],
            pair: [bar.clone(), bar.clone()],
            bar,
        }
    }

    pub(crate) fn output_size(&self) -> (usize, usize) {
        (self.output.width, self.output.height)
    }

    /// Scales the picture whose rows `source` gives, places and converts it.
    pub(crate) fn apply(&mut self, isa: Isa, source: &mut impl Source, out: &mut PictureMut<'_>) {
        // The next row of the source to be scaled in width.
        let mut next = 0;
        for y in (0..self.output.height).step_by(2) {
            for y in y..(y + 2).min(self.output.height) {
                if let Some(row) = y.checked_sub(self.rows.start)
                    && row < self.rows.len()
                {
                    for line in next.max(self.vertical[row].first)..self.vertical[row].end() {
                        self.narrow(isa, source.row(line), line);
                        next = line + 1;
                    }
                    self.mix(isa, row, y % 2);
                }
            }
            let row = |y: usize| match self.rows.contains(&y) {
                true => &self.pair[y % 2],
                false => &self.bar,
            };
            let below = (y + 1 < self.output.height).then(|| row(y + 1).as_slice());
            convert::put_rows(isa, y, row(y), below, out);
        }
    }

    /// Scales a row of the source in width, into its place in the ring.
    fn narrow(&mut self, isa: Isa, source: &[u8], line: usize) {
        let row_bytes = 3 * self.columns.len();
        let place = line % self.ring_rows * self.ring_stride;
        let out = &mut self.ring.all()[place..][..row_bytes];
        if let Some(line) = &self.four {
            arch::columns(isa, source, line, out);
            return;
        }
        for (pixel, taps) in out.as_chunks_mut::<3>().0.iter_mut().zip(&self.horizontal) {
            let mut sums = [1 << (BITS - 1); 3];
            let pixels = source[3 * taps.first..].as_chunks::<3>().0;
            for (source, weight) in pixels.iter().zip(&taps.weights) {
                for (sum, &x) in sums.iter_mut().zip(source) {
                    *sum += i32::from(x) * weight;
                }
            }
            *pixel = sums.map(|sum| (sum >> BITS).clamp(0, 255) as u8);
        }
    }

    /// Makes a row of the scaled picture out of the ring.
    fn mix(&mut self, isa: Isa, row: usize, place: usize) {
        let row_bytes = 3 * self.columns.len();
        let taps = &self.vertical[row];
        let line = |y: usize| &self.ring[y % self.ring_rows * self.ring_stride..][..row_bytes];
        let out = &mut self.pair[place][3 * self.columns.start..3 * self.columns.end];
        if let Some(FourTaps { weights, .. }) = taps.four() {
            // Missing taps have no weight: any line will do.
            let last = taps.end() - 1;
            let lines = [0, 1, 2, 3].map(|i| line((taps.first + i).min(last)));
            arch::rows(isa, lines, weights, out);
            return;
        }
        // Row by row, so that neighbouring sums grow side by side in vector registers.
        self.sums.fill(1 << (BITS - 1));
        for (y, weight) in (taps.first..).zip(&taps.weights) {
            for (sum, &x) in self.sums.iter_mut().zip(line(y)) {
                *sum += i32::from(x) * weight;
            }
        }
        for (out, sum) in out.iter_mut().zip(&self.sums) {
            *out = (sum >> BITS).clamp(0, 255) as u8;
        }
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
    let mut taps: Vec<Taps> = (0..output)
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
        .collect();
    // Those at the ends that count for nothing go; but a pixel begins no later than the next.
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::PixelFormat;
    use crate::compose::arch::tests::Random;

    const fn size(width: usize, height: usize) -> OutputSize {
        OutputSize { width, height }
    }

    /// The picture in RGB.
    fn apply(fit: &mut Fit, isa: Isa, rgb: &[u8], width: usize) -> Vec<u8> {
        let (output, row) = (fit.output_size(), 3 * width);
        let mut bytes = vec![0; PixelFormat::Rgb8.buffer_len(output.0, output.1)];
        let mut picture = PictureMut::packed(PixelFormat::Rgb8, output, &mut bytes).unwrap();
        fit.apply(isa, &mut Whole(rgb, row), &mut picture);
        bytes
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
        let picture = apply(&mut fit, Isa::best(), &[200; 48], 4);
        assert_eq!(picture[..3], [1, 2, 3], "left bar");
        assert_eq!(
            picture[8 * 3..9 * 3],
            [200; 3],
            "middle: flat areas stay flat"
        );
        assert_eq!(picture[15 * 3..16 * 3], [1, 2, 3], "right bar");
        let mut fit = Fit::new((4, 4), size(4, 16), [1, 2, 3]);
        let picture = apply(&mut fit, Isa::best(), &[200; 48], 4);
        assert_eq!(picture[5 * 12..5 * 12 + 3], [1, 2, 3], "upper bar");
        assert_eq!(picture[6 * 12..6 * 12 + 3], [200; 3], "first row");
        assert_eq!(picture[10 * 12..10 * 12 + 3], [1, 2, 3], "lower bar");
    }

    /// A ramp stays a ramp at any scale: nothing is shifted.
    #[test]
    fn gradients_keep_their_place() {
        let ramp: Vec<u8> = (0..64)
            .flat_map(|_| (0..64).flat_map(|x| [3 * x as u8 + 20; 3]))
            .collect();
        for side in [16, 33, 64, 100, 256] {
            let mut fit = Fit::new((64, 64), size(side, side), [0; 3]);
            let picture = apply(&mut fit, Isa::best(), &ramp, 64);
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

    /// Pixel by pixel, both directions over whole pictures, from the taps alone.
    fn oracle(fit: &Fit, rgb: &[u8], width: usize) -> Vec<u8> {
        let height = rgb.len() / (3 * width);
        let sum = |taps: &Taps, at: &dyn Fn(usize) -> u8| {
            let half = 1 << (BITS - 1);
            let weighted = taps.weights.iter().zip(taps.first..);
            let sum = weighted.fold(half, |sum, (w, i)| sum + w * i32::from(at(i)));
            (sum >> BITS).clamp(0, 255) as u8
        };
        let narrow = |x: usize, y: usize, c: usize| {
            sum(&fit.horizontal[x], &|i| rgb[(y * width + i) * 3 + c])
        };
        let narrowed: Vec<Vec<[u8; 3]>> = (0..height)
            .map(|y| {
                let row = 0..fit.columns.len();
                row.map(|x| [0, 1, 2].map(|c| narrow(x, y, c))).collect()
            })
            .collect();
        let mut picture = fit.bar.repeat(fit.output.height);
        for (row, y) in fit.rows.clone().enumerate() {
            for (column, x) in fit.columns.clone().enumerate() {
                for c in 0..3 {
                    picture[(y * fit.output.width + x) * 3 + c] =
                        sum(&fit.vertical[row], &|i| narrowed[i][column][c]);
                }
            }
        }
        picture
    }

    #[test]
    fn every_instruction_set_scales_alike() {
        let mut random = Random(7);
        for _ in 0..40 {
            let source = (random.below(70) + 16, random.below(70) + 16);
            let output = size(random.below(200) + 16, random.below(200) + 16);
            let rgb = random.bytes(3 * source.0 * source.1);
            let mut fit = Fit::new(source, output, [9, 8, 7]);
            let expected = oracle(&fit, &rgb, source.0);
            for isa in Isa::all() {
                // Twice: nothing of one picture may be left in the next.
                for round in 0..2 {
                    assert!(
                        apply(&mut fit, isa, &rgb, source.0) == expected,
                        "{isa:?}, {source:?} to {output:?}, round {round}"
                    );
                }
            }
        }
    }
}
