//! A step: the computation at one place of a network's order.

use super::arena::{Arena, Place};
use super::kernels::{Batch, Layer};
use super::ops::Kernel;
use super::values::{Run, Source};
use crate::Result;

/// How a step computes.
#[derive(Debug)]
pub(super) enum Work {
    /// For all items together.
    All(Box<dyn Layer>),
    /// For one item after the other.
    Each(Box<Kernel>),
}

/// The computation at one place of the order, for all items.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) work: Work,
    pub(super) inputs: Vec<Source>,
    /// The value that it makes.
    pub(super) output: usize,
}

impl Step {
    /// Makes the output of each of the first items.
    ///
    /// # Errors
    /// The errors of [`Kernel::run`].
    pub(super) fn run(&self, arena: &mut Arena, places: &[Place], items: usize) -> Result<()> {
        let kernel = match &self.work {
            Work::All(layer) => {
                layer.run(&mut Batch {
                    arena,
                    places,
                    inputs: &self.inputs,
                    output: self.output,
                    items,
                });
                return Ok(());
            }
            Work::Each(kernel) => kernel,
        };
        for item in 0..items {
            kernel.run(&mut Run {
                arena,
                item,
                places,
                inputs: &self.inputs,
                output: self.output,
            })?;
        }
        Ok(())
    }
}
