//! Our own runtime: runs the networks of an avatar with nothing else installed.
//!
//! A network is compiled once, from the checked graph of `model/` to steps with fixed places in one
//! block of memory ([`Program`]); threads share that and have memory of their own ([`Machine`]). Items
//! of a batch are independent of each other (the reader refuses what works across the batch), so there
//! is one plan for all sizes. `ops/` has all operators in plain Rust; `fuse/` finds the layers that take
//! the time, for which `kernels/` has vectors.

mod arena;
mod constants;
mod fuse;
mod kernels;
mod ops;
mod place;
mod program;
mod step;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
mod values;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arena::Arena;
pub(crate) use arena::Plain;
use kernels::Level;
use program::Program;

use super::model::Model;
use super::tensor::TensorSpec;
use crate::{Error, ErrorKind, Result};

/// A network on one thread.
pub(super) struct Machine {
    program: Arc<Program>,
    arena: Arena,
}

impl Machine {
    /// Compiles a network for the best instruction set that the processor has.
    ///
    /// # Errors
    /// `ProviderUnavailable` with what can't be run.
    pub(super) fn load(
        what: &str,
        model: &Model<'_>,
        inputs: &[TensorSpec],
        output: &TensorSpec,
    ) -> Result<Self> {
        Self::compile(Level::best(), what, model, inputs, output)
    }

    fn compile(
        level: Level,
        what: &str,
        model: &Model<'_>,
        inputs: &[TensorSpec],
        output: &TensorSpec,
    ) -> Result<Self> {
        let program = Program::compile(level, model, inputs, output).map_err(|reason| {
            let message = format!("builtin cannot run {what}: {reason}");
            Error::new(ErrorKind::ProviderUnavailable, message)
        })?;
        let mut machine = Self::new(Arc::new(program));
        machine.arena.hold(1);
        Ok(machine)
    }

    fn new(program: Arc<Program>) -> Self {
        Self {
            arena: Arena::new(program.item_bytes),
            program,
        }
    }

    /// Whether it is as fast as with ONNX Runtime.
    pub(super) fn is_fast(&self) -> bool {
        self.program.is_fast
    }

    /// The same network for another thread.
    pub(super) fn share(&self) -> Self {
        Self::new(Arc::clone(&self.program))
    }

    /// Has memory for a batch of this size.
    pub(super) fn hold(&mut self, items: usize) {
        self.arena.hold(items);
    }

    /// An input of an item, to be written.
    pub(super) fn input(&mut self, item: usize, index: usize) -> &mut [f32] {
        self.arena.get_mut(item, self.program.inputs[index])
    }

    /// The output for an item of the last run.
    pub(super) fn output<T: Plain>(&self, item: usize) -> &[T] {
        self.arena.get(item, self.program.output)
    }

    /// Runs the network on the first items, until `stop` is raised.
    ///
    /// # Errors
    /// `Inference` if an index that is computed lies outside, or if it was stopped.
    pub(super) fn run(&mut self, items: usize, stop: &AtomicBool) -> Result<()> {
        self.arena.hold(items);
        for step in &self.program.steps {
            if stop.load(Ordering::Relaxed) {
                return Err(Error::new(ErrorKind::Inference, "the run was terminated"));
            }
            step.run(&mut self.arena, &self.program.places, items)?;
        }
        Ok(())
    }
}
