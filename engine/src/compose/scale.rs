//! Scaling of the avatar's picture to another size.
//!
//! Separable: rows are resampled in width, then columns in height, by a Catmull-Rom kernel. The kernel
//! is widened where the picture shrinks, so that it neither blurs an enlarged picture nor aliases a
//! shrunk one. Weights are 14-bit fixed point and sum to one exactly. Rows that are resampled in width
//! wait in a ring as long as the kernel is high.
//!
//! Color and alpha are resampled apart: a keyed picture's color goes on beyond the edge of its matte,
//! so no other color bleeds in.

use std::ops::Range;

use super::aligned::{AlignedBuffer, CACHE_LINE};
use super::arch::{self, BITS, FourTaps, HorizontalTaps, Isa};
use super::convert::Row;
use super::fit::Placement;
use super::output::Output;
use super::taps::{Taps, resample_row, taps};
use crate::PictureMut;

/// Rows of a picture, asked for from top to bottom.
pub(crate) trait RowSource {
    fn row(&mut self, y: usize) -> Row<'_>;
}

/// A whole picture in packed RGB, with the bytes of a row.
pub(crate) struct WholePicture<'a>(pub(crate) &'a [u8], pub(crate) usize);

impl RowSource for WholePicture<'_> {
    fn row(&mut self, y: usize) -> Row<'_> {
        let rgb = &self.0[y * self.1..][..self.1];
        Row { rgb, alpha: None }
    }
}

/// A scaling of fixed sizes, with its buffers.
#[derive(Debug)]
pub(crate) struct Scaler {
    placement: Placement,
    horizontal: Vec<Taps>,
    /// The same for the fast kernel, where four taps are enough: always when enlarging.
    four: Option<HorizontalTaps>,
    vertical: Vec<Taps>,
    color: Plane,
    /// None: the output has no alpha.
    alpha: Option<Plane>,
}

/// The rows on their way through the scaler, of color or of alpha.
#[derive(Debug)]
struct Plane {
    /// The last rows of the source, resampled in width only: row `y` in place `y % ring_rows`.
    ring: AlignedBuffer<u8>,
    ring_rows: usize,
    /// From one of them to the next.
    ring_stride: usize,
    /// Bytes of a resampled row.
    row_bytes: usize,
    /// Sums of one row of the output.
    sums: Vec<i32>,
    /// Two rows of the output with their bars to the left and right, and one that is all bar.
    pair: [Vec<u8>; 2],
    bar: Vec<u8>,
    /// Bytes to the left of the picture.
    left: usize,
}

impl Plane {
    /// `bar` is a row of the output that is all bar.
    fn new(placement: &Placement, ring_rows: usize, bar: Vec<u8>) -> Self {
        let channels = bar.len() / placement.output.width;
        let row_bytes = channels * placement.columns.len();
        let ring_stride = row_bytes.next_multiple_of(CACHE_LINE);
        Self {
            ring: AlignedBuffer::new(ring_rows * ring_stride),
            ring_rows,
            ring_stride,
            row_bytes,
            sums: vec![0; row_bytes],
            pair: [bar.clone(), bar.clone()],
            bar,
            left: channels * placement.columns.start,
        }
    }

    /// The place of row `y` of the source in the ring.
    fn ring_row(&mut self, y: usize) -> &mut [u8] {
        let start = y % self.ring_rows * self.ring_stride;
        &mut self.ring.as_mut_slice()[start..][..self.row_bytes]
    }

    /// Resamples rows of the ring into a row of the output.
    fn resample_vertically(&mut self, isa: Isa, taps: &Taps, place: usize) {
        let row = |y: usize| &self.ring[y % self.ring_rows * self.ring_stride..][..self.row_bytes];
        let out = &mut self.pair[place][self.left..][..self.row_bytes];
        if let Some(FourTaps { weights, .. }) = taps.four() {
            // Missing taps have no weight: any row will do.
            let last = taps.end() - 1;
            let rows = [0, 1, 2, 3].map(|i| row((taps.first + i).min(last)));
            arch::resample_vertically(isa, rows, weights, out);
            return;
        }
        // Row by row, so that neighbouring sums grow side by side in vector registers.
        self.sums.fill(1 << (BITS - 1));
        for (y, weight) in (taps.first..).zip(&taps.weights) {
            for (sum, &x) in self.sums.iter_mut().zip(row(y)) {
                *sum += i32::from(x) * weight;
            }
        }
        for (out, sum) in out.iter_mut().zip(&self.sums) {
            *out = (sum >> BITS).clamp(0, 255) as u8;
        }
    }

    /// The row of the output in one of the two places, or the bar.
    fn row(&self, place: usize, is_bar: bool) -> &[u8] {
        if is_bar { &self.bar } else { &self.pair[place] }
    }
}

impl Scaler {
    /// A scaler from `source`, width and height. Bars are of the color `bars`, and transparent where
    /// the output `has_alpha`.
    pub(crate) fn new(
        source: (usize, usize),
        placement: Placement,
        bars: [u8; 3],
        has_alpha: bool,
    ) -> Self {
        let shown = |offset: usize, range: &Range<usize>| offset..offset + range.len();
        let (columns, rows) = (
            shown(placement.offset.0, &placement.columns),
            shown(placement.offset.1, &placement.rows),
        );
        let horizontal = taps(source.0, placement.scaled.0, columns);
        let vertical = taps(source.1, placement.scaled.1, rows);
        // A row may need fewer rows than the one above it has fetched.
        let mut fetched = 0;
        let ring_rows = vertical.iter().map(|taps| {
            fetched = taps.end().max(fetched);
            fetched - taps.first
        });
        let ring_rows = ring_rows.max().unwrap_or(1);
        let four: Option<_> = horizontal.iter().map(Taps::four).collect();
        let width = placement.output.width;
        Self {
            four: four.map(HorizontalTaps::new),
            horizontal,
            vertical,
            color: Plane::new(&placement, ring_rows, bars.repeat(width)),
            alpha: has_alpha.then(|| Plane::new(&placement, ring_rows, vec![0; width])),
            placement,
        }
    }

    /// Scales the picture of `source` into `out`.
    pub(crate) fn apply(
        &mut self,
        isa: Isa,
        source: &mut impl RowSource,
        output: &mut Output,
        out: &mut PictureMut<'_>,
    ) {
        let (height, rows) = (self.placement.output.height, self.placement.rows.clone());
        // The next row of the source to be resampled in width.
        let mut next = 0;
        for y in (0..height).step_by(2) {
            for y in y..(y + 2).min(height) {
                if rows.contains(&y) {
                    let row = y - rows.start;
                    let needed = self.vertical[row].first..self.vertical[row].end();
                    for y in next.max(needed.start)..needed.end {
                        self.resample_horizontally(isa, source.row(y), y);
                        next = y + 1;
                    }
                    let taps = &self.vertical[row];
                    self.color.resample_vertically(isa, taps, y % 2);
                    if let Some(alpha) = &mut self.alpha {
                        alpha.resample_vertically(isa, taps, y % 2);
                    }
                }
            }
            let row = |y: usize| {
                let is_bar = !rows.contains(&y);
                let alpha = self.alpha.as_ref();
                Row {
                    rgb: self.color.row(y % 2, is_bar),
                    alpha: alpha.map(|alpha| alpha.row(y % 2, is_bar)),
                }
            };
            let bottom = (y + 1 < height).then(|| row(y + 1));
            output.put(isa, y, (row(y), bottom), out);
        }
    }

    /// Resamples row `y` of the source in width, into its place in the ring.
    fn resample_horizontally(&mut self, isa: Isa, source: Row<'_>, y: usize) {
        let out = self.color.ring_row(y);
        match &self.four {
            Some(taps) => arch::resample_horizontally(isa, source.rgb, taps, out),
            None => resample_row::<3>(&self.horizontal, source.rgb, out),
        }
        if let Some(plane) = &mut self.alpha {
            match source.alpha {
                Some(alpha) => resample_row::<1>(&self.horizontal, alpha, plane.ring_row(y)),
                // A picture without a matte is opaque.
                None => plane.ring_row(y).fill(255),
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::compose::arch::tests::Random;
    use crate::{Fit, OutputSize, PixelFormat, YuvColor};

    const fn size(width: usize, height: usize) -> OutputSize {
        OutputSize { width, height }
    }

    fn contain(source: (usize, usize), output: OutputSize, bars: [u8; 3]) -> Scaler {
        let placement = Placement::new(source, output, Fit::Contain);
        Scaler::new(source, placement, bars, false)
    }

    /// The picture in RGB.
    fn apply(scaler: &mut Scaler, isa: Isa, rgb: &[u8], width: usize) -> Vec<u8> {
        let size = scaler.placement.output;
        let size = (size.width, size.height);
        let mut bytes = vec![0; PixelFormat::Rgb8.buffer_len(size.0, size.1)];
        let mut picture = PictureMut::packed(PixelFormat::Rgb8, size, &mut bytes).unwrap();
        let mut source = WholePicture(rgb, 3 * width);
        scaler.apply(
            isa,
            &mut source,
            &mut Output::opaque(YuvColor::default()),
            &mut picture,
        );
        bytes
    }

    #[test]
    fn pictures_fit_and_bars_stay() {
        let mut wide = contain((4, 4), size(16, 8), [1, 2, 3]);
        let picture = apply(&mut wide, Isa::best(), &[200; 48], 4);
        assert_eq!(picture[..3], [1, 2, 3], "left bar");
        assert_eq!(
            picture[8 * 3..9 * 3],
            [200; 3],
            "middle: flat areas stay flat"
        );
        assert_eq!(picture[15 * 3..16 * 3], [1, 2, 3], "right bar");
        let mut tall = contain((4, 4), size(4, 16), [1, 2, 3]);
        let picture = apply(&mut tall, Isa::best(), &[200; 48], 4);
        assert_eq!(picture[5 * 12..5 * 12 + 3], [1, 2, 3], "upper bar");
        assert_eq!(picture[6 * 12..6 * 12 + 3], [200; 3], "first row");
        assert_eq!(picture[10 * 12..10 * 12 + 3], [1, 2, 3], "lower bar");
    }

    /// A covered output is the middle of the same picture, scaled into an output of its proportions.
    #[test]
    fn cover_is_the_middle_of_the_scaled_picture() {
        let mut random = Random(12);
        for _ in 0..20 {
            let source = (random.below(60) + 16, random.below(60) + 16);
            let output = size(random.below(90) + 16, random.below(90) + 16);
            let rgb = random.bytes(3 * source.0 * source.1);
            let placement = Placement::new(source, output, Fit::Cover);
            let (scaled, (left, top)) = (placement.scaled, placement.offset);
            let mut cover = Scaler::new(source, placement, [0; 3], false);
            let covered = apply(&mut cover, Isa::best(), &rgb, source.0);
            let whole = Placement {
                output: size(scaled.0, scaled.1),
                scaled,
                offset: (0, 0),
                columns: 0..scaled.0,
                rows: 0..scaled.1,
            };
            let mut whole = Scaler::new(source, whole, [0; 3], false);
            let whole = apply(&mut whole, Isa::best(), &rgb, source.0);
            for (y, row) in covered.chunks_exact(3 * output.width).enumerate() {
                let expected = &whole[3 * ((top + y) * scaled.0 + left)..][..3 * output.width];
                assert!(row == expected, "row {y}: {source:?} over {output:?}");
            }
        }
    }

    /// A ramp stays a ramp at any scale: nothing is shifted.
    #[test]
    fn gradients_keep_their_place() {
        let ramp: Vec<u8> = (0..64)
            .flat_map(|_| (0..64).flat_map(|x| [3 * x as u8 + 20; 3]))
            .collect();
        for side in [16, 33, 64, 100, 256] {
            let mut square = contain((64, 64), size(side, side), [0; 3]);
            let picture = apply(&mut square, Isa::best(), &ramp, 64);
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
    fn oracle(scaler: &Scaler, rgb: &[u8], width: usize) -> Vec<u8> {
        let height = rgb.len() / (3 * width);
        let sum = |taps: &Taps, at: &dyn Fn(usize) -> u8| {
            let half = 1 << (BITS - 1);
            let weighted = taps.weights.iter().zip(taps.first..);
            let sum = weighted.fold(half, |sum, (w, i)| sum + w * i32::from(at(i)));
            (sum >> BITS).clamp(0, 255) as u8
        };
        let in_width = |x: usize, y: usize, c: usize| {
            sum(&scaler.horizontal[x], &|i| rgb[(y * width + i) * 3 + c])
        };
        let placement = &scaler.placement;
        let rows: Vec<Vec<[u8; 3]>> = (0..height)
            .map(|y| {
                let row = 0..placement.columns.len();
                row.map(|x| [0, 1, 2].map(|c| in_width(x, y, c))).collect()
            })
            .collect();
        let mut picture = scaler.color.bar.repeat(placement.output.height);
        for (row, y) in placement.rows.clone().enumerate() {
            for (column, x) in placement.columns.clone().enumerate() {
                for c in 0..3 {
                    picture[(y * placement.output.width + x) * 3 + c] =
                        sum(&scaler.vertical[row], &|i| rows[i][column][c]);
                }
            }
        }
        picture
    }

    #[test]
    fn every_instruction_set_resamples_alike() {
        let mut random = Random(7);
        for _ in 0..40 {
            let source = (random.below(70) + 16, random.below(70) + 16);
            let output = size(random.below(200) + 16, random.below(200) + 16);
            let rgb = random.bytes(3 * source.0 * source.1);
            let mut scaler = contain(source, output, [9, 8, 7]);
            let expected = oracle(&scaler, &rgb, source.0);
            for isa in Isa::all() {
                // Twice: one picture leaves nothing in the next.
                for round in 0..2 {
                    assert!(
                        apply(&mut scaler, isa, &rgb, source.0) == expected,
                        "{isa:?}, {source:?} to {output:?}, round {round}"
                    );
                }
            }
        }
    }
}
