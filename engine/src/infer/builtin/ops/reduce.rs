//! Reductions: one number of several.

use super::strided::{Walk, strides};
use crate::infer::builtin::values::Run;
use crate::nearest;

/// The largest or the mean of elements along some axes.
#[derive(Debug)]
pub(in crate::infer::builtin) struct Reduce {
    /// Over the elements of the output, and over those that each is made of.
    kept: Walk<1>,
    reduced: Walk<1>,
    count: usize,
    mean: bool,
}

impl Reduce {
    pub(super) fn new(sizes: &[usize], over: &[bool], mean: bool) -> Self {
        let axes = |wanted: bool| -> Vec<(usize, [isize; 1])> {
            let all = sizes.iter().zip(strides(sizes)).zip(over);
            let of = all.filter(|(_, over)| **over == wanted);
            of.map(|((&size, step), _)| (size, [step])).collect()
        };
        Self {
            kept: Walk::new(&axes(false), [0]),
            reduced: Walk::new(&axes(true), [0]),
            count: axes(true).iter().map(|(size, _)| size).product(),
            mean,
        }
    }

    pub(super) fn run(&self, run: &mut Run<'_>) {
        let (output, inputs) = run.open::<f32>();
        let from = inputs.get::<f32>(0);
        let mut slots = output.iter_mut();
        self.kept.rows(|[first]| {
            for step in 0..self.kept.length {
                let begin = first + step * self.kept.steps[0].cast_unsigned();
                let Some(slot) = slots.next() else { return };
                *slot = if self.mean {
                    let mut sum = 0.0f64;
                    self.each(begin, |at| sum += f64::from(from[at]));
                    (sum / self.count as f64) as f32
                } else {
                    let mut most = f32::NEG_INFINITY;
                    self.each(begin, |at| most = most.max(from[at]));
                    most
                };
            }
        });
    }

    fn each(&self, begin: usize, mut of: impl FnMut(usize)) {
        let (length, step) = (self.reduced.length, self.reduced.steps[0].cast_unsigned());
        self.reduced.rows(|[row]| {
            for index in 0..length {
                of(begin + row + index * step);
            }
        });
    }
}

/// Softmax along an axis.
#[derive(Debug)]
pub(in crate::infer::builtin) struct Softmax {
    pub(super) count: usize,
    /// Elements from one of the axis to the next.
    pub(super) inner: usize,
}

impl Softmax {
    pub(super) fn run(&self, run: &mut Run<'_>) {
        let (output, inputs) = run.open::<f32>();
        output.copy_from_slice(inputs.get(0));
        for block in output.chunks_exact_mut(self.count * self.inner) {
            for first in 0..self.inner {
                let all = || (first..).step_by(self.inner).take(self.count);
                let most = all().map(|at| block[at]).fold(f32::NEG_INFINITY, f32::max);
                let mut sum = 0.0;
                for at in all() {
                    block[at] = nearest::exp(block[at] - most);
                    sum += block[at];
                }
                all().for_each(|at| block[at] /= sum);
            }
        }
    }
}
