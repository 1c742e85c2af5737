//! Blending the mouth patch over the base frame, placed by its affine.
//!
//! The affine's inverse takes the centre of every covered pixel of the frame back into the patch
//! (16.16 fixed point). There the patch is sampled bilinearly, with weights of 1/256, and the sample
//! is blended over the frame by its alpha. A row of the frame samples the patch along a straight line,
//! so the pixels to work on are known before: those inside of the patch, as far as any patch row that
//! the line crosses has alpha.

use std::ops::Range;

use super::aligned::{AlignedBuffer, CacheAligned};
use super::arch::{self, BLOCK, CHUNK, Isa, SamplingPath};
use crate::geometry::Affine;

/// A mouth patch in 8 bits, interleaved R, G, B, alpha.
#[derive(Debug, Default)]
pub(crate) struct Patch {
    size: usize,
    pixels: AlignedBuffer<[u8; 4]>,
    /// For each row, the columns that have alpha.
    alpha_extents: Vec<Range<usize>>,
}

/// A row band: whole rows of a picture.
pub(crate) struct RowBand<'a> {
    /// Packed RGB.
    pub(crate) rgb: &'a mut [u8],
    /// Numbers of the rows.
    pub(crate) rows: Range<usize>,
    /// Width of the picture.
    pub(crate) width: usize,
}

const ONE: f64 = 65_536.0;

impl Patch {
    pub(crate) fn new(size: usize) -> Self {
        Self {
            size,
            pixels: AlignedBuffer::new(size * size),
            alpha_extents: vec![0..0; size],
        }
    }

    /// Width and height.
    #[cfg(feature = "gpu-compose")]
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Whether the patch has no pixels, as by default.
    pub(crate) fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// The pixels, row by row.
    pub(crate) fn pixels(&self) -> &[[u8; 4]] {
        &self.pixels
    }

    /// Red, green and blue at a place, bilinear between pixels; the edge's beyond it.
    #[cfg(feature = "portrait")]
    pub(crate) fn sample(&self, u: f32, v: f32) -> [f32; 3] {
        let last = (self.size.max(1) - 1) as f32;
        let (u, v) = ((u - 0.5).clamp(0.0, last), (v - 0.5).clamp(0.0, last));
        let (x, y) = (u as usize, v as usize);
        let (right, below) = ((x + 1).min(last as usize), (y + 1).min(last as usize));
        let (u, v) = (u - x as f32, v - y as f32);
        let mut sum = [0.0; 3];
        for (x, y, weight) in [
            (x, y, (1.0 - u) * (1.0 - v)),
            (right, y, u * (1.0 - v)),
            (x, below, (1.0 - u) * v),
            (right, below, u * v),
        ] {
            let pixel = self.pixels[y * self.size + x];
            for (sum, level) in sum.iter_mut().zip(pixel) {
                *sum += weight * f32::from(level);
            }
        }
        sum
    }

    /// Sets the pixels from the network's output `[4, S, S]`, alpha scaled by `opacity` in [0, 1].
    pub(crate) fn set(&mut self, isa: Isa, planes: &[f32], opacity: f32) {
        let area = self.size * self.size;
        let (red, rest) = planes.split_at(area);
        let (green, rest) = rest.split_at(area);
        let (blue, alpha) = rest.split_at(area);
        let planes = [red, green, blue, alpha];
        arch::quantize(
            isa,
            planes,
            opacity.clamp(0.0, 1.0),
            self.pixels.as_mut_slice(),
        );
        self.find_alpha_extents();
    }

    /// Sets the pixels from the 8-bit network's output `[S/4, S/4, 4, 4, 3]`, blocks of pixels, and from
    /// `alpha` `[S, S]` scaled by `opacity` in [0, 1].
    pub(crate) fn set_blocks(&mut self, isa: Isa, blocks: &[u8], alpha: &[u8], opacity: f32) {
        let opacity = (opacity.clamp(0.0, 1.0) * 256.0).round() as u16;
        let rows = blocks.chunks_exact(3 * BLOCK * self.size);
        let pixels = self
            .pixels
            .as_mut_slice()
            .chunks_exact_mut(BLOCK * self.size);
        let alphas = alpha.chunks_exact(BLOCK * self.size);
        for (blocks, (alphas, pixels)) in rows.zip(alphas.zip(pixels)) {
            arch::depth_to_space(isa, blocks, alphas, opacity, pixels);
        }
        self.find_alpha_extents();
    }

    fn find_alpha_extents(&mut self) {
        let rows = self.pixels.chunks_exact(self.size);
        for (extent, row) in self.alpha_extents.iter_mut().zip(rows) {
            let first = row.iter().position(|pixel| pixel[3] > 0);
            let last = row.iter().rposition(|pixel| pixel[3] > 0);
            *extent = first
                .zip(last)
                .map_or(0..0, |(first, last)| first..last + 1);
        }
    }

    /// Rows of a picture of `width` × `height` that the patch can touch.
    pub(crate) fn rows(&self, width: usize, height: usize, affine: &Affine) -> Range<usize> {
        affine.bounds(self.size, width, height).1
    }

    /// The scanlines of some rows of a picture of `width` × `height`: for each row the pixels that the
    /// patch covers, and the positions at which they sample the patch.
    pub(crate) fn scanlines(
        &self,
        rows: Range<usize>,
        (width, height): (usize, usize),
        affine: &Affine,
    ) -> impl Iterator<Item = (Range<usize>, Scanline)> {
        let (columns, _) = affine.bounds(self.size, width, height);
        affine.inverse().into_iter().flat_map(move |inverse| {
            let step = [inverse.a, inverse.d].map(|x| (x * ONE).round() as i64);
            let columns = columns.clone();
            rows.clone().map(move |y| {
                // The centre of this row's first pixel, in patch coordinates counted from pixel
                // centres.
                let (u, v) = inverse.apply(columns.start as f64 + 0.5, y as f64 + 0.5);
                let start = [u, v].map(|x| ((x - 0.5) * ONE).round() as i64);
                let scanline = Scanline { start, step };
                let span = self.span(&scanline, columns.len());
                let start = scanline.at(span.start);
                let pixels = columns.start + span.start..columns.start + span.end;
                (pixels, Scanline { start, step })
            })
        })
    }

    /// Blends the patch over a row band of a picture of `height` rows.
    pub(crate) fn blend_into(&self, isa: Isa, band: RowBand<'_>, height: usize, affine: &Affine) {
        let mut over = CacheAligned([[0; 4]; CHUNK]);
        let scanlines = self.scanlines(band.rows, (band.width, height), affine);
        for ((pixels, scanline), row) in scanlines.zip(band.rgb.chunks_exact_mut(3 * band.width)) {
            let row = &mut row[3 * pixels.start..3 * pixels.end];
            for (chunk, rgb) in row.chunks_mut(3 * CHUNK).enumerate() {
                let path = SamplingPath {
                    // Inside of the patch, 32 bits hold 16.16.
                    start: scanline.at(chunk * CHUNK).map(|x| x as i32),
                    step: scanline.step.map(|x| x as i32),
                };
                let patch = (&*self.pixels, self.size);
                arch::sample(isa, patch, path, rgb.len() / 3, &mut over.0);
                arch::blend(isa, &over.0, rgb);
            }
        }
    }

    /// The steps of a scanline, out of `count`, that can meet alpha. All of them lie inside of the
    /// patch, with a neighbour to the right and below.
    fn span(&self, scanline: &Scanline, count: usize) -> Range<usize> {
        let most = self.size.saturating_sub(1) as i64;
        let down = scanline.within(1, 0..most, 0..count);
        if down.is_empty() {
            return down;
        }
        let ends = [down.start, down.end - 1].map(|step| (scanline.at(step)[1] >> 16) as usize);
        let crossed = ends[0].min(ends[1])..=ends[0].max(ends[1]) + 1;
        let extents = self.alpha_extents[crossed]
            .iter()
            .filter(|extent| !extent.is_empty());
        let alpha = extents.fold(self.size..0, |all, extent| {
            all.start.min(extent.start)..all.end.max(extent.end)
        });
        // A pixel left of the first one with alpha has it as its neighbour.
        let across = alpha.start.saturating_sub(1) as i64..most.min(alpha.end as i64);
        scanline.within(0, across, down)
    }
}

/// The positions at which a row of the frame samples the patch, in 16.16 fixed point.
pub(crate) struct Scanline {
    pub(crate) start: [i64; 2],
    pub(crate) step: [i64; 2],
}

impl Scanline {
    fn at(&self, step: usize) -> [i64; 2] {
        [0, 1].map(|axis| self.start[axis] + step as i64 * self.step[axis])
    }

    /// The steps out of `steps` at which the position is inside of `range` on one axis.
    fn within(&self, axis: usize, range: Range<i64>, steps: Range<usize>) -> Range<usize> {
        let (start, step) = (self.start[axis], self.step[axis]);
        let (low, high) = (range.start << 16, range.end << 16);
        // The first step at which the position is at `bound` or beyond, in its direction.
        let reaches = |bound: i64, step: i64, start: i64| {
            let steps = (bound - start + step - 1).div_euclid(step);
            usize::try_from(steps).unwrap_or(0)
        };
        let (first, end) = match step.signum() {
            1 => (reaches(low, step, start), reaches(high, step, start)),
            -1 => (
                reaches(1 - high, -step, -start),
                reaches(1 - low, -step, -start),
            ),
            _ if low <= start && start < high => (0, usize::MAX),
            _ => (0, 0),
        };
        let first = first.clamp(steps.start, steps.end);
        first..end.clamp(first, steps.end)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::compose::arch::tests::Random;

    /// A patch at a whole-pixel position is copied where it is opaque, and nowhere else.
    #[test]
    fn an_opaque_patch_lands_where_its_affine_says() {
        let size = 8;
        let mut planes = vec![0.0; 4 * 64];
        for y in 2..6 {
            for x in 2..6 {
                planes[y * 8 + x] = 1.0;
                planes[3 * 64 + y * 8 + x] = 1.0;
            }
        }
        let mut patch = Patch::new(size);
        patch.set(Isa::best(), &planes, 1.0);
        let mut rgb = vec![10; 16 * 16 * 3];
        let band = RowBand {
            rgb: &mut rgb,
            rows: 0..16,
            width: 16,
        };
        patch.blend_into(
            Isa::best(),
            band,
            16,
            &Affine {
                a: 1.0,
                b: 0.0,
                c: 5.0,
                d: 0.0,
                e: 1.0,
                f: 3.0,
            },
        );
        for y in 0..16 {
            for x in 0..16 {
                let inside = (7..11).contains(&x) && (5..9).contains(&y);
                let expected = if inside { [255, 0, 0] } else { [10; 3] };
                assert_eq!(rgb[(y * 16 + x) * 3..][..3], expected, "at {x}, {y}");
            }
        }
    }

    /// Every pixel of the patch's outline, one after the other, alpha or not.
    fn oracle(patch: &Patch, rgb: &mut [u8], (width, height): (usize, usize), affine: &Affine) {
        let inverse = affine.inverse().unwrap();
        let (columns, rows) = affine.bounds(patch.size, width, height);
        let fixed = |x: f64| (x * ONE).round() as i64;
        for y in rows {
            let (u, v) = inverse.apply(columns.start as f64 + 0.5, y as f64 + 0.5);
            for (i, x) in columns.clone().enumerate() {
                let u = fixed(u - 0.5) + i as i64 * fixed(inverse.a);
                let v = fixed(v - 0.5) + i as i64 * fixed(inverse.d);
                let inside = 0..patch.size as i64 - 1;
                if !inside.contains(&(u >> 16)) || !inside.contains(&(v >> 16)) {
                    continue;
                }
                let at = (v >> 16) as usize * patch.size + (u >> 16) as usize;
                let (fu, fv) = ((u >> 8 & 255) as u32, (v >> 8 & 255) as u32);
                let neighbours = [
                    (0, (256 - fu) * (256 - fv)),
                    (1, fu * (256 - fv)),
                    (patch.size, (256 - fu) * fv),
                    (patch.size + 1, fu * fv),
                ];
                let [r, g, b, a] = [0, 1, 2, 3].map(|c| {
                    let weighted = neighbours.map(|(d, w)| u32::from(patch.pixels[at + d][c]) * w);
                    (weighted.iter().sum::<u32>() + 0x8000) >> 16
                });
                for (under, over) in rgb[(y * width + x) * 3..].iter_mut().zip([r, g, b]) {
                    let sum = over * a + u32::from(*under) * (255 - a);
                    *under = ((2 * sum + 255) / 510) as u8;
                }
            }
        }
    }

    #[test]
    fn every_instruction_set_blends_like_the_oracle() {
        let mut random = Random(11);
        for round in 0..200 {
            let size = 8 * (random.below(12) + 1);
            let picture = (random.below(150) + 16, random.below(150) + 16);
            // Alpha in a disc that may reach the edge or be nowhere.
            let radius = random.float() * size as f32 * 0.7;
            let mut planes: Vec<f32> = (0..4 * size * size).map(|_| random.float()).collect();
            for (i, alpha) in planes[3 * size * size..].iter_mut().enumerate() {
                let middle = |x: usize| x as f32 - size as f32 / 2.0;
                if middle(i % size).hypot(middle(i / size)) > radius {
                    *alpha = 0.0;
                }
            }
            let (turn, scale) = match round % 4 {
                // Upright, as most patches are.
                0 => (0.0, 1.0),
                1 => (std::f64::consts::FRAC_PI_2, 1.0),
                _ => (
                    f64::from(random.float()) * 7.0,
                    0.3 + f64::from(random.float()),
                ),
            };
            let (sin, cos) = f64::sin_cos(turn);
            let affine = Affine {
                a: scale * cos,
                b: -scale * sin,
                c: f64::from(random.float()) * picture.0 as f64,
                d: scale * sin,
                e: scale * cos,
                f: f64::from(random.float()) * picture.1 as f64 - 20.0,
            };
            let base = random.bytes(3 * picture.0 * picture.1);
            for isa in Isa::all() {
                let mut patch = Patch::new(size);
                patch.set(isa, &planes, 0.9);
                let mut expected = base.clone();
                oracle(&patch, &mut expected, picture, &affine);
                let mut blended = base.clone();
                let rows = patch.rows(picture.0, picture.1, &affine);
                let band = RowBand {
                    rgb: &mut blended[3 * picture.0 * rows.start..3 * picture.0 * rows.end],
                    rows,
                    width: picture.0,
                };
                patch.blend_into(isa, band, picture.1, &affine);
                assert!(blended == expected, "{isa:?}, round {round}: {affine:?}");
            }
        }
    }
}
