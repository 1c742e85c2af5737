//! Products of many rows with a constant matrix, in floats: convolutions in time. A row is a few pieces
//! of memory (its taps), which are read where they lie. Chains of [`CHAIN`] products, fused from AVX2 on, are
//! added to the bias one after the other: ONNX Runtime's order, to the bit. Lesser instruction sets give
//! other numbers, by 1e-8.

use std::ops::Range;

use super::simd::{Simd, Work, floats};

#[derive(Debug)]
pub(in crate::infer::builtin) struct Rows {
    /// The place of each row's first tap, in floats.
    pub(in crate::infer::builtin) rows: Vec<usize>,
    /// Pieces of a row: how many, floats in each, floats from one to the next.
    pub(in crate::infer::builtin) pieces: [usize; 3],
    pub(in crate::infer::builtin) outputs: usize,
    vectors: usize,
    /// `[outputs / (vectors * LANES)][inputs][vectors][LANES]`
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Rows {
    /// Of `weights[output, input]`; None where no kernel fits the number of outputs.
    pub(in crate::infer::builtin) fn pack<S: Simd>(
        rows: Vec<usize>,
        pieces: [usize; 3],
        weights: &[f32],
        bias: Vec<f32>,
    ) -> Option<Self> {
        let (inputs, outputs) = (pieces[0] * pieces[1], bias.len());
        let fits = |c: &usize| S::ROWS[c - 1] > 0 && outputs.is_multiple_of(c * S::LANES);
        let vectors = (1..=3).rev().find(fits)?;
        if weights.len() != inputs * outputs {
            return None;
        }
        let width = vectors * S::LANES;
        let mut packed = Vec::with_capacity(weights.len());
        for first in (0..outputs).step_by(width) {
            for input in 0..inputs {
                let column = first..first + width;
                packed.extend(column.map(|output| weights[output * inputs + input]));
            }
        }
        Some(Self {
            rows,
            pieces,
            outputs,
            vectors,
            weights: packed,
            bias,
        })
    }
}

/// Inputs whose products are added up before they are added to what came before.
pub(in crate::infer::builtin) const CHAIN: usize = 256;
/// How far ahead weights are fetched, in floats: they come from behind the second cache, faster than it
/// would ask for them by itself.
const AHEAD: usize = 1024;

/// The product and a `Relu`, for several items, `item` bytes apart.
pub(in crate::infer::builtin) struct Multiply<'a> {
    pub(in crate::infer::builtin) layer: &'a Rows,
    pub(in crate::infer::builtin) from: *const f32,
    pub(in crate::infer::builtin) to: *mut f32,
    pub(in crate::infer::builtin) items: usize,
    pub(in crate::infer::builtin) item: usize,
}

impl Work for Multiply<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        unsafe {
            match self.layer.vectors {
                1 => self.blocks::<S, 1>(),
                2 => self.blocks::<S, 2>(),
                _ => self.blocks::<S, 3>(),
            }
        }
    }
}

impl Multiply<'_> {
    #[inline(always)]
    unsafe fn blocks<S: Simd, const C: usize>(&self) {
        let layer = self.layer;
        let [pieces, length, _] = layer.pieces;
        // A chain's weights for all rows, while they are in the nearest cache; sums wait in the output meanwhile.
        let inputs = pieces * length;
        let rows = layer.rows.len() * self.items;
        let tiles = rows.div_ceil(S::ROWS[C - 1]);
        for first in (0..layer.outputs).step_by(C * S::LANES) {
            for begin in (0..inputs).step_by(CHAIN) {
                let taps = Taps {
                    first,
                    weights: unsafe {
                        layer
                            .weights
                            .as_ptr()
                            .add(first * inputs + begin * C * S::LANES)
                    },
                    inputs: begin..inputs.min(begin + CHAIN),
                    starts: begin == 0,
                    ends: begin + CHAIN >= inputs,
                };
                // Tiles go on from one item to the next.
                let mut row = 0;
                for tile in 0..tiles {
                    let count = rows / tiles + usize::from(tile < rows % tiles);
                    macro_rules! tiles {
                        ($($rows:literal)*) => {
                            match count {
                                $($rows if const { $rows <= S::ROWS[C - 1] } => unsafe { self.tile::<S, $rows, C>(row, &taps) },)*
                                _ => {}
                            }
                        };
                    }
                    tiles!(1 2 3 4 5 6 7 8 9);
                    row += count;
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn tile<S: Simd, const R: usize, const C: usize>(&self, row: usize, taps: &Taps) {
        let layer = self.layer;
        let [_, length, apart] = layer.pieces;
        unsafe {
            let place = |r: usize| ((row + r) / layer.rows.len(), (row + r) % layer.rows.len());
            let from: [*const f32; R] = std::array::from_fn(|r| {
                let (item, row) = place(r);
                let row = *layer.rows.get_unchecked(row);
                self.from.byte_add(item * self.item).add(row)
            });
            let to: [*mut f32; R] = std::array::from_fn(|r| {
                let (item, row) = place(r);
                self.to
                    .byte_add(item * self.item)
                    .add(row * layer.outputs + taps.first)
            });
            let mut sums = [[S::splat_float(0.0); C]; R];
            let mut weights = taps.weights;
            // One loop over all pieces: sums of two loops, one in the other, would not stay in registers.
            let begin = taps.inputs.start;
            let mut at = begin / length * apart + begin % length;
            let mut left = length - begin % length;
            for _ in taps.inputs.clone() {
                for line in 0..(C * S::LANES).div_ceil(16) {
                    S::fetch(weights.wrapping_add(AHEAD + 16 * line).cast());
                }
                let column = floats::<S, C>(weights);
                for (sums, from) in sums.iter_mut().zip(from) {
                    let x = S::splat_float(*from.add(at));
                    for c in 0..C {
                        sums[c] = S::quick(x, column[c], sums[c]);
                    }
                }
                weights = weights.add(C * S::LANES);
                at += 1;
                left -= 1;
                if left == 0 {
                    at = at.wrapping_add(apart).wrapping_sub(length);
                    left = length;
                }
            }
            let bias = layer.bias.as_ptr().add(taps.first);
            for (sums, to) in sums.iter().zip(to) {
                let before = floats::<S, C>(if taps.starts { bias } else { to });
                for (c, &sum) in sums.iter().enumerate() {
                    let mut sum = S::plus(before[c], sum);
                    if taps.ends {
                        sum = S::largest(sum, S::splat_float(0.0));
                    }
                    S::store_floats(sum, to.add(c * S::LANES));
                }
            }
        }
    }
}

/// Inputs of a tile's rows and their weights for a block of outputs.
struct Taps {
    /// The first output.
    first: usize,
    weights: *const f32,
    inputs: Range<usize>,
    /// Whether they are the first and the last of their rows.
    starts: bool,
    ends: bool,
}
