//! Operators in 8 bits.
//!
//! Sums are whole numbers of 32 bits that wrap, as ONNX Runtime's do; they become levels by one product
//! in floats and one rounding, ties to even.

use super::elementwise::{Zip, level};
use super::products::{Geometry, fused};
use crate::infer::builtin::values::Run;

/// A convolution of levels, channels last. Its weights are its own.
#[derive(Debug)]
pub(in crate::infer::builtin) struct QuantisedConv {
    pub(super) geometry: Geometry,
    /// `[outputs, kernel height, kernel width, channels of a group]`, zero points taken out.
    pub(super) weights: Vec<i16>,
    pub(super) bias: Vec<i32>,
    /// Scale of the input times that of the weights over that of the output.
    pub(super) scales: Vec<f32>,
    pub(super) input_zero: u8,
    pub(super) zero: u8,
}

impl QuantisedConv {
    pub(super) fn run(&self, run: &mut Run<'_>) {
        let (output, inputs) = run.open::<u8>();
        let from = inputs.get::<u8>(0);
        let Geometry {
            groups,
            channels: [inside, outside],
            from: [height, width],
            to: [to_height, to_width],
            kernel: [kernel_height, kernel_width],
            ..
        } = self.geometry;
        let (inside_group, outside_group) = (inside / groups, outside / groups);
        let depth = kernel_height * kernel_width * inside_group;
        for (place, pixel) in output.chunks_exact_mut(outside).enumerate() {
            let (picture, x) = (place / (to_height * to_width), place % to_width);
            let y = place / to_width % to_height;
            for (channel, to) in pixel.iter_mut().enumerate() {
                let first = channel / outside_group * inside_group;
                let weights = &self.weights[channel * depth..][..depth];
                let mut sum = self.bias[channel];
                for (tap, weights) in weights.chunks_exact(inside_group).enumerate() {
                    // Pads are the zero point: they add nothing.
                    let (row, column) = (tap / kernel_width, tap % kernel_width);
                    let taps = (
                        self.geometry.tap(0, y, row),
                        self.geometry.tap(1, x, column),
                    );
                    let (Some(line), Some(column)) = taps else {
                        continue;
                    };
                    let at = ((picture * height + line) * width + column) * inside + first;
                    let pairs = from[at..at + inside_group].iter().zip(weights);
                    sum = pairs.fold(sum, |sum, (&x, &weight)| {
                        let x = i32::from(x) - i32::from(self.input_zero);
                        sum.wrapping_add(x * i32::from(weight))
                    });
                }
                *to = level(sum as f32 * self.scales[channel], self.zero);
            }
        }
    }
}

/// The sum of two tensors of levels.
#[derive(Debug)]
pub(in crate::infer::builtin) struct QuantisedAdd {
    zip: Zip,
    /// Scales of left and right over that of the output, and all zero points in one.
    ratios: [f32; 2],
    fixed: f32,
}

impl QuantisedAdd {
    /// Of scale and zero point of left, right and output.
    pub(super) fn new(zip: Zip, [left, right, output]: [(f32, u8); 3]) -> Self {
        let ratios = [left.0 / output.0, right.0 / output.0];
        let zeros = ratios[0] * f32::from(left.1) + ratios[1] * f32::from(right.1);
        Self {
            zip,
            ratios,
            fixed: f32::from(output.1) - zeros,
        }
    }

    pub(super) fn run(&self, run: &mut Run<'_>) {
        let (output, inputs) = run.open::<u8>();
        let [left, right] = self.ratios;
        self.zip.zip(inputs.get(0), inputs.get(1), output, |a, b| {
            let right = fused(f32::from(b), right, self.fixed);
            level(fused(f32::from(a), left, right), 0)
        });
    }
}
