//! Products of matrices and convolutions, of floats.
//!
//! Sums are chains of fused products in the order of the inputs, as ONNX Runtime's kernels add: in matrix
//! products of [`CHAIN`] at most, added one after the other to what the product is added to.

use super::strided::{Walk, strides};
use crate::infer::builtin::kernels::CHAIN;
use crate::infer::builtin::values::Run;

/// `a * b + c`, rounded once. Not `f32::mul_add`, which is a slow call where the target's baseline has
/// no such instruction; here the sum is rounded twice, which is another number once in a billion.
pub(in crate::infer::builtin) fn fused(a: f32, b: f32, c: f32) -> f32 {
    (f64::from(a) * f64::from(b) + f64::from(c)) as f32
}

/// A matrix product: of `rows × summed` and `summed × columns`.
#[derive(Debug)]
pub(super) struct Matrices {
    pub(super) rows: usize,
    pub(super) summed: usize,
    pub(super) columns: usize,
    /// Elements from a row to the next and from a column to the next, left and right.
    pub(super) left: [usize; 2],
    pub(super) right: [usize; 2],
}

impl Matrices {
    /// Adds `factor` times the product to `output`.
    fn add(&self, factor: f32, left: &[f32], right: &[f32], output: &mut [f32]) {
        let [down, across] = self.right;
        // Several chains at a time: one would wait for itself, and weights may lie side by side.
        const BLOCK: usize = 32;
        for (row, output) in output.chunks_exact_mut(self.columns).enumerate() {
            for begin in (0..self.summed).step_by(CHAIN) {
                let chain = begin..self.summed.min(begin + CHAIN);
                for (block, output) in output.chunks_mut(BLOCK).enumerate() {
                    let mut sums = [0.0; BLOCK];
                    for k in chain.clone() {
                        let x = left[row * self.left[0] + k * self.left[1]];
                        let first = block * BLOCK * across + k * down;
                        for (i, sum) in sums[..output.len()].iter_mut().enumerate() {
                            *sum = fused(x, right[first + i * across], *sum);
                        }
                    }
                    let pairs = output.iter_mut().zip(sums);
                    pairs.for_each(|(to, sum)| *to += factor * sum);
                }
            }
        }
    }
}

/// `alpha a b + beta c`
#[derive(Debug)]
pub(in crate::infer::builtin) struct Gemm {
    pub(super) matrices: Matrices,
    pub(super) alpha: f32,
    pub(super) beta: f32,
    /// Strides of what is added, if anything is.
    pub(super) added: Option<[usize; 2]>,
}

impl Gemm {
    pub(super) fn run(&self, run: &mut Run<'_>) {
        let (output, inputs) = run.open::<f32>();
        output.fill(0.0);
        if let Some([down, across]) = self.added {
            let added = inputs.get::<f32>(2);
            for (row, output) in output.chunks_exact_mut(self.matrices.columns).enumerate() {
                for (column, x) in output.iter_mut().enumerate() {
                    *x = self.beta * added[row * down + column * across];
                }
            }
        }
        let (left, right) = (inputs.get(0), inputs.get(1));
        self.matrices.add(self.alpha, left, right, output);
    }
}

/// Products of stacks of matrices.
#[derive(Debug)]
pub(in crate::infer::builtin) struct MatMul {
    matrices: Matrices,
    /// Left, right, output.
    stack: Walk<3>,
}

impl MatMul {
    /// Of tensors of these sizes.
    pub(super) fn new(left: &[usize], right: &[usize], output: &[usize]) -> Self {
        let [rows, summed, columns] = [
            left[left.len() - 2],
            left[left.len() - 1],
            right[right.len() - 1],
        ];
        let matrices = Matrices {
            rows,
            summed,
            columns,
            left: [summed, 1],
            right: [columns, 1],
        };
        let stack = &output[..output.len() - 2];
        let of = |sizes: &[usize]| -> Vec<isize> {
            let (own, steps) = (&sizes[..sizes.len() - 2], strides(sizes));
            let own_steps = own.iter().zip(steps);
            let own_steps = own_steps.map(|(&size, step)| if size == 1 { 0 } else { step });
            std::iter::repeat_n(0, stack.len() - own.len())
                .chain(own_steps)
                .collect()
        };
        let (a, b, to) = (of(left), of(right), strides(output));
        let axes = stack.iter().enumerate();
        let axes: Vec<_> = axes.map(|(i, &size)| (size, [a[i], b[i], to[i]])).collect();
        Self {
            matrices,
            stack: Walk::new(&axes, [0; 3]),
        }
    }

    pub(super) fn run(&self, run: &mut Run<'_>) {
        let (output, inputs) = run.open::<f32>();
        let (left, right) = (inputs.get::<f32>(0), inputs.get::<f32>(1));
        let area = self.matrices.rows * self.matrices.columns;
        self.stack.rows(|[a, b, to]| {
            let steps = self.stack.steps.map(isize::cast_unsigned);
            for i in 0..self.stack.length {
                let output = &mut output[to + i * steps[2]..][..area];
                let (left, right) = (&left[a + i * steps[0]..], &right[b + i * steps[1]..]);
                output.fill(0.0);
                self.matrices.add(1.0, left, right, output);
            }
        });
    }
}

/// A convolution's window over pictures, all sizes known.
#[derive(Clone, Debug)]
pub(in crate::infer::builtin) struct Geometry {
    pub(super) pictures: usize,
    pub(super) groups: usize,
    /// Channels of the input and of the output.
    pub(super) channels: [usize; 2],
    /// Height and width of the input, the output, the kernel.
    pub(super) from: [usize; 2],
    pub(super) to: [usize; 2],
    pub(super) kernel: [usize; 2],
    pub(super) strides: [usize; 2],
    pub(super) dilations: [usize; 2],
    /// Above and at the left.
    pub(super) pads: [usize; 2],
}

impl Geometry {
    /// The place that a tap of an output's place along an axis lies at, if it is no pad.
    pub(super) fn tap(&self, axis: usize, place: usize, tap: usize) -> Option<usize> {
        let at = place * self.strides[axis] + tap * self.dilations[axis];
        let at = at.checked_sub(self.pads[axis])?;
        (at < self.from[axis]).then_some(at)
    }

    /// The outputs of a row whose tap in this column of the kernel is no pad.
    fn columns(&self, tap: usize) -> std::ops::Range<usize> {
        let inside = |place: &usize| self.tap(1, *place, tap).is_some();
        let first = (0..self.to[1]).find(inside).unwrap_or(0);
        let last = (0..self.to[1]).rev().find(inside);
        first..last.map_or(first, |last| last + 1)
    }
}

/// A convolution of floats, channels first.
#[derive(Debug)]
pub(in crate::infer::builtin) struct Conv {
    geometry: Geometry,
    /// The outputs of a row for each column of the kernel.
    columns: Vec<std::ops::Range<usize>>,
}

impl Conv {
    pub(super) fn new(geometry: Geometry) -> Self {
        let columns = (0..geometry.kernel[1]).map(|tap| geometry.columns(tap));
        Self {
            columns: columns.collect(),
            geometry,
        }
    }

    pub(super) fn run(&self, run: &mut Run<'_>) {
        let (output, inputs) = run.open::<f32>();
        let (from, weights) = (inputs.get::<f32>(0), inputs.get::<f32>(1));
        let bias = (inputs.count() > 2).then(|| inputs.get::<f32>(2));
        let Geometry {
            pictures,
            groups,
            channels: [inside, outside],
            from: [height, width],
            to: [to_height, to_width],
            kernel: [kernel_height, kernel_width],
            strides,
            ..
        } = self.geometry;
        let (inside_group, outside_group) = (inside / groups, outside / groups);
        let taps = kernel_height * kernel_width;
        let mut rows = output.chunks_exact_mut(to_width);
        for picture in 0..pictures {
            for channel in 0..outside {
                let first = channel / outside_group * inside_group;
                let weights = &weights[channel * inside_group * taps..][..inside_group * taps];
                for y in 0..to_height {
                    let Some(row) = rows.next() else { return };
                    row.fill(bias.map_or(0.0, |bias| bias[channel]));
                    for (index, &weight) in weights.iter().enumerate() {
                        let (plane, tap) = (first + index / taps, index % taps);
                        let Some(line) = self.geometry.tap(0, y, tap / kernel_width) else {
                            continue;
                        };
                        let column = tap % kernel_width;
                        let line = ((picture * inside + plane) * height + line) * width;
                        let places = self.columns[column].clone();
                        let Some(begin) = self.geometry.tap(1, places.start, column) else {
                            continue;
                        };
                        let pixels = &from[line + begin..line + width];
                        let row = &mut row[places];
                        if strides[1] == 1 {
                            let pairs = row.iter_mut().zip(pixels);
                            pairs.for_each(|(sum, &x)| *sum += weight * x);
                        } else {
                            let pairs = row.iter_mut().zip(pixels.iter().step_by(strides[1]));
                            pairs.for_each(|(sum, &x)| *sum += weight * x);
                        }
                    }
                }
            }
        }
    }
}
