//! Elementwise operators, of one tensor or two.

use super::strided::{Walk, strides};
use crate::infer::builtin::values::Run;
use crate::infer::model::ElementType;
use crate::nearest;

/// A function of one number.
#[derive(Clone, Copy, Debug)]
pub(in crate::infer::builtin) enum Map {
    Cast(ElementType, ElementType),
    Clip(f32, f32),
    Exp,
    Log,
    Neg,
    Quantize { scale: f32, zero: u8 },
    Relu,
    Sigmoid,
}

impl Map {
    pub(super) fn run(self, run: &mut Run<'_>) {
        match self {
            Self::Cast(ElementType::F32, ElementType::I64) => {
                let (output, inputs) = run.open::<i64>();
                let pairs = output.iter_mut().zip(inputs.get::<f32>(0));
                pairs.for_each(|(to, &x)| *to = x as i64);
            }
            Self::Cast(ElementType::U8, ElementType::I64) => {
                let (output, inputs) = run.open::<i64>();
                let pairs = output.iter_mut().zip(inputs.get::<u8>(0));
                pairs.for_each(|(to, &x)| *to = x.into());
            }
            Self::Cast(ElementType::I64, ElementType::I64) => {
                let (output, inputs) = run.open::<i64>();
                output.copy_from_slice(inputs.get(0));
            }
            Self::Cast(ElementType::I64, _) => {
                let (output, inputs) = run.open::<f32>();
                let pairs = output.iter_mut().zip(inputs.get::<i64>(0));
                pairs.for_each(|(to, &x)| *to = x as f32);
            }
            Self::Cast(ElementType::U8, _) => {
                let (output, inputs) = run.open::<f32>();
                let pairs = output.iter_mut().zip(inputs.get::<u8>(0));
                pairs.for_each(|(to, &x)| *to = x.into());
            }
            Self::Cast(..) => floats(run, |x| x),
            // Not `f32::clamp`: it panics on bounds the wrong way round, which a file may have.
            Self::Clip(low, high) => floats(run, |x| x.max(low).min(high)),
            Self::Exp => floats(run, nearest::exp),
            Self::Log => floats(run, logarithm),
            Self::Neg => floats(run, |x| -x),
            Self::Quantize { scale, zero } => {
                let (output, inputs) = run.open::<u8>();
                let pairs = output.iter_mut().zip(inputs.get::<f32>(0));
                // A division, since a product with the reciprocal rounds to other levels near a half.
                pairs.for_each(|(to, &x)| *to = level(x / scale, zero));
            }
            Self::Relu => floats(run, |x| x.max(0.0)),
            Self::Sigmoid => floats(run, nearest::logistic),
        }
    }
}

fn floats(run: &mut Run<'_>, of: impl Fn(f32) -> f32) {
    let (output, inputs) = run.open::<f32>();
    let pairs = output.iter_mut().zip(inputs.get::<f32>(0));
    pairs.for_each(|(to, &x)| *to = of(x));
}

/// The natural logarithm, wrong by little more than two units in the last place at most: to the bit that of ONNX
/// Runtime on x86. Its operations and their order are Eigen's (`plog_impl_float` in `GenericPacketMathFunctions.h`),
/// with no product fused into a sum, so that all processors round alike.
fn logarithm(x: f32) -> f32 {
    // Floats below the normal ones have no exponent of their own.
    let (normal, exponent) = match x < f32::MIN_POSITIVE {
        true => (x * (1u32 << 23) as f32, -23),
        false => (x, 0),
    };
    // x = 2^n (1 + r), the latter from √½ to √2.
    let bits = normal.to_bits();
    let above_least = bits.wrapping_sub(std::f32::consts::FRAC_1_SQRT_2.to_bits());
    let n = above_least.cast_signed() >> 23;
    let r = f32::from_bits(bits.wrapping_sub(n.cast_unsigned() << 23)) - 1.0;
    // ln(1 + r), fitted to these r.
    let over = r * (r * (r * 0.182_562_96 + 1.0) + 1.0);
    let under = r * (r * (r * 0.049_616_247 + 0.599_232_5) + 1.5) + 1.0;
    let made = (exponent + n) as f32 * std::f32::consts::LN_2 + over / under;
    if x == 0.0 {
        f32::NEG_INFINITY
    } else if x == f32::INFINITY {
        x
    } else if x > 0.0 {
        made
    } else {
        f32::NAN
    }
}

/// To the nearest level, ties to even.
pub(super) fn level(x: f32, zero: u8) -> u8 {
    let rounded = x.round_ties_even() as i32;
    rounded.saturating_add(zero.into()).clamp(0, 255) as u8
}

/// A function of two numbers.
#[derive(Clone, Copy, Debug)]
pub(in crate::infer::builtin) enum Pair {
    Add,
    Max,
    Mul,
    Sub,
}

/// A function of the elements of two tensors, repeated to one shape.
#[derive(Debug)]
pub(in crate::infer::builtin) struct Zip {
    /// Left, right, output.
    walk: Walk<3>,
}

impl Zip {
    /// Tensors of these sizes.
    pub(super) fn new(left: &[usize], right: &[usize], output: &[usize]) -> Self {
        // Axes of size 1, and those that are missing in front, stay where they are.
        let of = |sizes: &[usize]| -> Vec<isize> {
            let steps = strides(sizes);
            let missing = output.len() - sizes.len();
            let own = sizes.iter().zip(steps);
            let own = own.map(|(&size, step)| if size == 1 { 0 } else { step });
            std::iter::repeat_n(0, missing).chain(own).collect()
        };
        let (left, right, steps) = (of(left), of(right), strides(output));
        let axes = output.iter().enumerate();
        let axes: Vec<_> = axes
            .map(|(i, &size)| (size, [left[i], right[i], steps[i]]))
            .collect();
        Self {
            walk: Walk::new(&axes, [0; 3]),
        }
    }

    pub(super) fn run(&self, pair: Pair, run: &mut Run<'_>) {
        match pair {
            Pair::Add => self.floats(run, |a, b| a + b),
            Pair::Max => self.floats(run, f32::max),
            Pair::Mul => self.floats(run, |a, b| a * b),
            Pair::Sub => self.floats(run, |a, b| a - b),
        }
    }

    fn floats(&self, run: &mut Run<'_>, of: impl Fn(f32, f32) -> f32) {
        let (output, inputs) = run.open::<f32>();
        self.zip(inputs.get(0), inputs.get(1), output, of);
    }

    pub(super) fn zip<T: Copy>(
        &self,
        left: &[T],
        right: &[T],
        output: &mut [T],
        of: impl Fn(T, T) -> T,
    ) {
        let length = self.walk.length;
        self.walk.rows(|[a, b, to]| {
            let output = &mut output[to..to + length];
            match self.walk.steps {
                [1, 1, _] => {
                    let pairs = left[a..a + length].iter().zip(&right[b..b + length]);
                    let all = output.iter_mut().zip(pairs);
                    all.for_each(|(to, (&a, &b))| *to = of(a, b));
                }
                [1, 0, _] => {
                    let (left, b) = (&left[a..a + length], right[b]);
                    let all = output.iter_mut().zip(left);
                    all.for_each(|(to, &a)| *to = of(a, b));
                }
                [0, 1, _] => {
                    let (a, right) = (left[a], &right[b..b + length]);
                    let all = output.iter_mut().zip(right);
                    all.for_each(|(to, &b)| *to = of(a, b));
                }
                [a_step, b_step, _] => {
                    let (mut a, mut b) = (a, b);
                    for to in output {
                        *to = of(left[a], right[b]);
                        a = a.wrapping_add_signed(a_step);
                        b = b.wrapping_add_signed(b_step);
                    }
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_have_the_bits_of_onnx_runtime_on_every_processor() {
        let all = (1..f32::INFINITY.to_bits()).step_by(9_973);
        // FNV-1a over the bits of ONNX Runtime 1.31.1's `Log` of these numbers, on x86-64.
        let hash = all.clone().fold(0xCBF2_9CE4_8422_2325u64, |hash, bits| {
            let made = logarithm(f32::from_bits(bits)).to_bits();
            (hash ^ u64::from(made)).wrapping_mul(0x0100_0000_01B3)
        });
        assert_eq!(hash, 0x83C1_A6BB_E691_99A6);
        for x in all.map(f32::from_bits) {
            let right = f64::from(x).ln();
            let apart = (f64::from(logarithm(x)) - right).abs();
            assert!(apart < 3e-7 * right.abs(), "{x:e}");
        }
    }

    #[test]
    fn logarithms_of_what_has_none_are_as_in_the_c_library() {
        assert_eq!([0.0, -0.0].map(logarithm), [f32::NEG_INFINITY; 2]);
        assert_eq!(logarithm(f32::INFINITY), f32::INFINITY);
        assert_eq!(logarithm(1.0).to_bits(), 0);
        for x in [-1.0, -f32::MIN_POSITIVE / 2.0, f32::NEG_INFINITY, f32::NAN] {
            assert!(logarithm(x).is_nan(), "{x}");
        }
    }
}
