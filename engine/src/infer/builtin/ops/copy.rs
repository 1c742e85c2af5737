//! Copies: operators that move elements and compute nothing.

use super::strided::{Walk, strides};
use crate::infer::builtin::values::{Number, Run};
use crate::infer::model::ElementType;
use crate::{Error, ErrorKind, Result};

/// Copies parts of inputs to parts of the output.
#[derive(Debug)]
pub(in crate::infer::builtin) struct Copy {
    /// For each input: from, to.
    parts: Vec<Walk<2>>,
    /// The rest of the output, where the parts leave any.
    fill: Option<f32>,
}

impl Copy {
    /// One input, axes of the output with their strides in the input, from its element `begin` on.
    pub(super) fn gathered(axes: &[(usize, isize)], begin: isize) -> Self {
        let sizes: Vec<usize> = axes.iter().map(|&(size, _)| size).collect();
        let to = strides(&sizes);
        let axes = axes.iter().zip(to);
        let axes: Vec<_> = axes.map(|(&(size, from), to)| (size, [from, to])).collect();
        Self {
            parts: vec![Walk::new(&axes, [begin, 0])],
            fill: None,
        }
    }

    /// Inputs of these sizes, each at the place of its first element in an output of sizes `to`.
    pub(super) fn placed<'s>(
        inputs: impl IntoIterator<Item = (&'s [usize], Vec<usize>)>,
        to: &[usize],
        fill: Option<f32>,
    ) -> Self {
        let output = strides(to);
        let part = |(sizes, first): (&[usize], Vec<usize>)| {
            let begin: isize = first
                .iter()
                .zip(&output)
                .map(|(&at, stride)| at.cast_signed() * stride)
                .sum();
            let axes = sizes.iter().zip(strides(sizes)).zip(&output);
            let axes: Vec<_> = axes
                .map(|((&size, from), &to)| (size, [from, to]))
                .collect();
            Walk::new(&axes, [0, begin])
        };
        Self {
            parts: inputs.into_iter().map(part).collect(),
            fill,
        }
    }

    pub(super) fn run(&self, element: ElementType, run: &mut Run<'_>) {
        match element {
            ElementType::U8 => self.copy::<u8>(run),
            ElementType::I64 => self.copy::<i64>(run),
            _ => {
                if let Some(value) = self.fill {
                    run.open::<f32>().0.fill(value);
                }
                self.copy::<f32>(run);
            }
        }
    }

    fn copy<T: Number>(&self, run: &mut Run<'_>) {
        let (output, inputs) = run.open::<T>();
        for (index, part) in self.parts.iter().enumerate() {
            let from = inputs.get::<T>(index);
            let length = part.length;
            part.rows(|[at, to]| match part.steps {
                [1, 1] => output[to..to + length].copy_from_slice(&from[at..at + length]),
                [step, 1] => {
                    let mut at = at;
                    for to in &mut output[to..to + length] {
                        *to = from[at];
                        at = at.wrapping_add_signed(step);
                    }
                }
                [step, to_step] => {
                    let (mut at, mut to) = (at, to);
                    for _ in 0..length {
                        output[to] = from[at];
                        at = at.wrapping_add_signed(step);
                        to = to.wrapping_add_signed(to_step);
                    }
                }
            });
        }
    }
}

/// Slices of the first input, which the second one names.
#[derive(Debug)]
pub(in crate::infer::builtin) struct Gather {
    /// Slices in a row, and elements in each.
    pub(super) count: usize,
    pub(super) inner: usize,
}

impl Gather {
    pub(super) fn run(&self, element: ElementType, run: &mut Run<'_>) -> Result<()> {
        match element {
            ElementType::U8 => self.gather::<u8>(run),
            ElementType::I64 => self.gather::<i64>(run),
            _ => self.gather::<f32>(run),
        }
    }

    fn gather<T: Number>(&self, run: &mut Run<'_>) -> Result<()> {
        let (output, inputs) = run.open::<T>();
        let (data, indices) = (inputs.get::<T>(0), inputs.get::<i64>(1));
        let rows = data.chunks_exact(self.count * self.inner);
        let slots = output.chunks_exact_mut(indices.len() * self.inner);
        for (row, slots) in rows.zip(slots) {
            for (&index, slot) in indices.iter().zip(slots.chunks_exact_mut(self.inner)) {
                let count = self.count.cast_signed() as i64;
                if !(-count..count).contains(&index) {
                    return Err(Error::new(
                        ErrorKind::Inference,
                        format!("Gather takes element {index} of {count}"),
                    ));
                }
                let index = index.rem_euclid(count) as usize;
                slot.copy_from_slice(&row[index * self.inner..][..self.inner]);
            }
        }
        Ok(())
    }
}
