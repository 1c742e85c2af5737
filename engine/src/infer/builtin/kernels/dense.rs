//! Products of few rows with a constant matrix, in floats. Each output is one chain of fused products in the order of the inputs, then the
//! bias: as ONNX Runtime's kernels add (to the bit), whatever the processor.

use super::simd::{Simd, Work};
use crate::infer::builtin::values::Data;

#[derive(Debug)]
pub(in crate::infer::builtin) struct Dense {
    pub(in crate::infer::builtin) inputs: usize,
    /// `[outputs / LANES][inputs][LANES]`, the last outputs filled up with zeros.
    weights: Weights,
    bias: Vec<f32>,
    pub(in crate::infer::builtin) relu: bool,
}

#[derive(Debug)]
enum Weights {
    Floats(Vec<f32>),
    /// Half the memory, the same numbers, since the file has no more.
    Halves(Vec<u16>),
}

impl Dense {
    /// Of `weights[output, input]` if `across`, else `[input, output]`; None if they are of no type
    /// that is read here.
    pub(in crate::infer::builtin) fn pack<S: Simd>(
        inputs: usize,
        weights: &Data,
        across: bool,
        mut bias: Vec<f32>,
        relu: bool,
    ) -> Option<Self> {
        let outputs = bias.len();
        let padded = outputs.next_multiple_of(S::LANES);
        let weights = match weights {
            Data::F16(all) if all.len() == inputs * outputs => {
                Weights::Halves(order(all, [inputs, outputs], across, S::LANES))
            }
            Data::F32(all) if all.len() == inputs * outputs => {
                Weights::Floats(order(all, [inputs, outputs], across, S::LANES))
            }
            _ => return None,
        };
        bias.resize(padded, 0.0);
        Some(Self {
            inputs,
            weights,
            bias,
            relu,
        })
    }

    /// Outputs that are written: whole vectors.
    pub(in crate::infer::builtin) fn padded(&self) -> usize {
        self.bias.len()
    }
}

/// Weights in the order in which they are read.
fn order<T: Copy + Default>(
    from: &[T],
    [inputs, outputs]: [usize; 2],
    across: bool,
    lanes: usize,
) -> Vec<T> {
    let mut all = Vec::with_capacity(inputs * outputs.next_multiple_of(lanes));
    for first in (0..outputs).step_by(lanes) {
        for input in 0..inputs {
            for output in first..first + lanes {
                all.push(match () {
                    () if output >= outputs => T::default(),
                    () if across => from[output * inputs + input],
                    () => from[input * outputs + output],
                });
            }
        }
    }
    all
}

/// The product for several items, `item` bytes apart.
pub(in crate::infer::builtin) struct Product<'a> {
    pub(in crate::infer::builtin) dense: &'a Dense,
    pub(in crate::infer::builtin) from: *const f32,
    pub(in crate::infer::builtin) to: *mut f32,
    pub(in crate::infer::builtin) items: usize,
    pub(in crate::infer::builtin) item: usize,
}

impl Work for Product<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let vectors = self.dense.bias.len() / S::LANES;
        let mut vector = 0;
        while vector < vectors {
            unsafe {
                match (self.items, vectors - vector) {
                    (1, 8..) => vector += self.block::<S, 1, 8>(vector),
                    (1, 4..) => vector += self.block::<S, 1, 4>(vector),
                    (1, _) => vector += self.block::<S, 1, 1>(vector),
                    (2, 4..) => vector += self.block::<S, 2, 4>(vector),
                    (2, _) => vector += self.block::<S, 2, 1>(vector),
                    (3, 2..) => vector += self.block::<S, 3, 2>(vector),
                    (3, _) => vector += self.block::<S, 3, 1>(vector),
                    (_, 2..) => vector += self.block::<S, 4, 2>(vector),
                    (_, _) => vector += self.block::<S, 4, 1>(vector),
                }
            }
        }
    }
}

impl Product<'_> {
    #[inline(always)]
    unsafe fn block<S: Simd, const M: usize, const C: usize>(&self, vector: usize) -> usize {
        let dense = self.dense;
        let column = dense.inputs * S::LANES;
        unsafe {
            match &dense.weights {
                Weights::Floats(weights) => {
                    let weights = weights.as_ptr().add(vector * column);
                    self.sums::<S, _, M, C>(vector, FromFloats(weights));
                }
                Weights::Halves(weights) => {
                    let weights = weights.as_ptr().add(vector * column);
                    self.sums::<S, _, M, C>(vector, FromHalves(weights));
                }
            }
        }
        C
    }

    #[inline(always)]
    unsafe fn sums<S: Simd, L: Load, const M: usize, const C: usize>(
        &self,
        vector: usize,
        weights: L,
    ) {
        let dense = self.dense;
        let column = dense.inputs * S::LANES;
        unsafe {
            let mut sums = [[S::splat_float(0.0); C]; M];
            for input in 0..dense.inputs {
                let mut taps = [S::splat_float(0.0); C];
                for (c, tap) in taps.iter_mut().enumerate() {
                    let at = input * S::LANES + c * column;
                    weights.fetch::<S>(at + C * column);
                    *tap = weights.load::<S>(at);
                }
                for (m, sums) in sums.iter_mut().enumerate() {
                    let x = S::splat_float(*self.from.byte_add(m * self.item).add(input));
                    for c in 0..C {
                        sums[c] = S::fused(x, taps[c], sums[c]);
                    }
                }
            }
            for (m, sums) in sums.iter().enumerate() {
                for (c, &sum) in sums.iter().enumerate() {
                    let at = (vector + c) * S::LANES;
                    let mut sum = S::plus(sum, S::load_floats(dense.bias.as_ptr().add(at)));
                    if dense.relu {
                        sum = S::largest(sum, S::splat_float(0.0));
                    }
                    S::store_floats(sum, self.to.byte_add(m * self.item).add(at));
                }
            }
        }
    }
}

/// The source of weights. No closure: see [`super::simd::floats`].
trait Load: Copy {
    /// # Safety
    /// As for [`Simd`].
    unsafe fn load<S: Simd>(self, at: usize) -> S::F;
    /// Asks for what will be read.
    ///
    /// # Safety
    /// As for [`Simd`].
    unsafe fn fetch<S: Simd>(self, at: usize);
}

#[derive(Clone, Copy)]
struct FromFloats(*const f32);

impl Load for FromFloats {
    #[inline(always)]
    unsafe fn load<S: Simd>(self, at: usize) -> S::F {
        unsafe { S::load_floats(self.0.add(at)) }
    }

    #[inline(always)]
    unsafe fn fetch<S: Simd>(self, _: usize) {}
}

#[derive(Clone, Copy)]
struct FromHalves(*const u16);

impl Load for FromHalves {
    #[inline(always)]
    unsafe fn load<S: Simd>(self, at: usize) -> S::F {
        unsafe { S::load_halves(self.0.add(at)) }
    }

    /// They come from behind the second cache.
    #[inline(always)]
    unsafe fn fetch<S: Simd>(self, at: usize) {
        unsafe { S::fetch(self.0.wrapping_add(at).cast()) };
    }
}

/// Floats as levels, into a picture with a border.
pub(in crate::infer::builtin) struct Quantize {
    pub(in crate::infer::builtin) from: *const f32,
    pub(in crate::infer::builtin) to: *mut u8,
    pub(in crate::infer::builtin) side: usize,
    pub(in crate::infer::builtin) channels: usize,
    pub(in crate::infer::builtin) scale: f32,
    pub(in crate::infer::builtin) zero: i32,
}

impl Work for Quantize {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let line = self.side * self.channels;
        for row in 0..self.side {
            for at in (0..line).step_by(S::LANES) {
                unsafe {
                    let x = S::load_floats(self.from.add(row * line + at));
                    let x = S::divide(x, S::splat_float(self.scale));
                    // Within what becomes whole numbers; more is clipped anyway.
                    let x = S::least(S::largest(x, S::splat_float(-1e6)), S::splat_float(1e6));
                    let to = self
                        .to
                        .add(((row + 1) * (self.side + 2) + 1) * self.channels + at);
                    S::store_bytes(S::add(S::round(x), S::splat(self.zero)), to);
                }
            }
        }
    }
}
