//! The last layer: a convolution of 3 x 3 and the picture's textures, as levels, added.

use super::conv::Conv;
use super::simd::{Simd, Work};

/// The picture's textures, and how they and a convolution's levels add up.
#[derive(Debug)]
pub(in crate::infer::builtin) struct Textures {
    pub(in crate::infer::builtin) count: usize,
    pub(in crate::infer::builtin) pixels: usize,
    /// `[count][pixels]`
    pub(in crate::infer::builtin) moving: Vec<i8>,
    /// The constant one, halves.
    pub(in crate::infer::builtin) still: Vec<u16>,
    pub(in crate::infer::builtin) scale: f32,
    pub(in crate::infer::builtin) zero: i32,
    /// Scales of convolution and textures over that of the sum, and all zeros in one.
    pub(in crate::infer::builtin) ratios: [f32; 2],
    pub(in crate::infer::builtin) fixed: f32,
}

pub(in crate::infer::builtin) struct Finish<'a> {
    pub(in crate::infer::builtin) conv: &'a Conv,
    pub(in crate::infer::builtin) textures: &'a Textures,
    pub(in crate::infer::builtin) side: usize,
    /// The picture with its border; further ones lie `item` bytes behind, as all else of an item.
    pub(in crate::infer::builtin) from: *const u8,
    /// The textures' weights.
    pub(in crate::infer::builtin) weights: *const f32,
    /// For a row of the convolution's levels.
    pub(in crate::infer::builtin) row: *mut u8,
    pub(in crate::infer::builtin) to: *mut u8,
    pub(in crate::infer::builtin) items: usize,
    pub(in crate::infer::builtin) item: usize,
}

impl Work for Finish<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let (conv, border) = (self.conv, self.conv.kernel[1] - 1);
        let stride = (self.side + border) * conv.channels;
        for row in 0..self.side {
            // All items, while the row's textures are in the cache.
            for item in 0..self.items {
                unsafe {
                    let from = self.from.add(item * self.item + row * stride);
                    for block in 0..conv.blocks() {
                        let to = self.row.add(block * conv.outputs / conv.blocks());
                        conv.row::<S>(block, from, stride, self.side, to, conv.outputs);
                    }
                    let weights = self.weights.byte_add(item * self.item);
                    if self.textures.count == 4 {
                        self.blend::<S>(row, weights, 4, self.to.add(item * self.item));
                    } else {
                        self.blend::<S>(
                            row,
                            weights,
                            self.textures.count,
                            self.to.add(item * self.item),
                        );
                    }
                }
            }
        }
    }
}

/// Added to a number below 2^22, it rounds it to the nearest whole one, ties to even.
const MAGIC: f32 = 12_582_912.0;

impl Finish<'_> {
    /// The textures' sum for a vector of numbers from `at` on.
    #[inline(always)]
    unsafe fn sum<S: Simd>(&self, at: usize, weights: *const f32, count: usize) -> S::F {
        let textures = self.textures;
        unsafe {
            let mut sum = S::splat_float(0.0);
            for k in 0..count {
                let level =
                    S::load_signed_bytes(textures.moving.as_ptr().add(k * textures.pixels + at));
                sum = S::fused(level, S::splat_float(*weights.add(k)), sum);
            }
            S::plus(sum, S::load_halves(textures.still.as_ptr().add(at)))
        }
    }

    /// A row's levels (in `row`) and its textures, added.
    #[inline(always)]
    unsafe fn blend<S: Simd>(&self, row: usize, weights: *const f32, count: usize, to: *mut u8) {
        let textures = self.textures;
        let length = self.side * self.conv.outputs;
        unsafe {
            let [magic, unmagic] =
                [0, textures.zero].map(|zero| S::splat_float(MAGIC - zero as f32));
            let (step, per_step) = (
                S::splat_float(textures.scale),
                S::splat_float(1.0 / textures.scale),
            );
            let ratios = textures.ratios.map(|ratio| S::splat_float(ratio));
            for first in (0..length).step_by(4 * S::LANES) {
                let at = |i: usize| row * length + first + i * S::LANES;
                let (mut rounded, mut off) = ([magic; 4], [magic; 4]);
                for i in 0..4 {
                    let quotient = S::multiply(self.sum::<S>(at(i), weights, count), per_step);
                    rounded[i] = S::plus(quotient, magic);
                    off[i] = S::minus(quotient, S::minus(rounded[i], magic));
                }
                // The product with the reciprocal differs from the quotient by 1e-7 of it: it is divided
                // only near a half.
                if S::any_above(off, 0.4999) {
                    for (i, rounded) in rounded.iter_mut().enumerate() {
                        *rounded =
                            S::plus(S::divide(self.sum::<S>(at(i), weights, count), step), magic);
                    }
                }
                let mut made = [S::splat(0); 4];
                for (i, (made, rounded)) in made.iter_mut().zip(rounded).enumerate() {
                    let texture = S::least(
                        S::largest(S::minus(rounded, unmagic), S::splat_float(0.0)),
                        S::splat_float(255.0),
                    );
                    let picture = S::load_bytes(self.row.add(first + i * S::LANES));
                    *made = S::round(S::fused(
                        picture,
                        ratios[0],
                        S::fused(texture, ratios[1], S::splat_float(textures.fixed)),
                    ));
                }
                S::store_four(made, to.add(row * length + first));
            }
        }
    }
}
