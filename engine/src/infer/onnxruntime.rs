//! A network that ONNX Runtime runs: its session and the tensors that are bound to it.

use std::sync::Arc;

use ort::logging::LogLevel;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{RunOptions, Session};

use super::batch::BATCH;
use super::binding::Binding;
use super::tensor::{Element, TensorSpec};
use super::{Provider, Runtime};
use crate::{Error, ErrorKind, Result};

pub(super) struct OrtNetwork<T: Element> {
    provider: Provider,
    session: Arc<Session>,
    inputs: Vec<TensorSpec>,
    output: TensorSpec,
    /// For batches of one, two and so on; made when they are first needed.
    bindings: [Option<Binding<T>>; BATCH],
}

impl<T: Element> OrtNetwork<T> {
    /// # Errors
    /// `ProviderUnavailable` if `provider` refuses to run it.
    pub(super) fn load(
        runtime: &Runtime,
        provider: Provider,
        what: &str,
        model: &[u8],
        inputs: &[TensorSpec],
        output: &TensorSpec,
    ) -> Result<Self> {
        let session = build(runtime, provider, model).map_err(|e| {
            let message = format!("{provider} cannot load {what}");
            Error::new(ErrorKind::ProviderUnavailable, message).with_source(e)
        })?;
        let mut network = Self {
            provider,
            session: Arc::new(session),
            inputs: inputs.to_vec(),
            output: output.clone(),
            bindings: [const { None }; BATCH],
        };
        network.hold(1)?;
        Ok(network)
    }

    /// The same network for another thread; None where the provider doesn't permit runs at the same
    /// time.
    pub(super) fn share(&self) -> Option<Self> {
        (self.provider == Provider::Cpu).then(|| Self {
            provider: self.provider,
            session: Arc::clone(&self.session),
            inputs: self.inputs.clone(),
            output: self.output.clone(),
            bindings: [const { None }; BATCH],
        })
    }

    /// Makes the tensors of a batch, unless they are there.
    ///
    /// # Errors
    /// `Inference` if ONNX Runtime fails.
    pub(super) fn hold(&mut self, size: usize) -> Result<()> {
        let binding = &mut self.bindings[size - 1];
        if binding.is_none() {
            let made = Binding::new(&self.session, &self.inputs, &self.output, size);
            *binding = Some(made.map_err(failed)?);
        }
        Ok(())
    }

    /// An input of an item in a batch that there [are tensors](Self::hold) for.
    pub(super) fn input(&mut self, size: usize, item: usize, index: usize) -> &mut [f32] {
        let length = self.inputs[index].len();
        let binding = self.bindings[size - 1].as_mut().expect("it is made");
        &mut binding.inputs[index].extract_tensor_mut().1[item * length..][..length]
    }

    /// The output for an item of the last run of a batch of `size`.
    pub(super) fn output(&self, size: usize, item: usize) -> &[T] {
        let length = self.output.len();
        let binding = self.bindings[size - 1].as_ref().expect("it has run");
        &binding.output.extract_tensor().1[item * length..][..length]
    }

    /// Runs a batch that there [are tensors](Self::hold) for.
    ///
    /// # Errors
    /// `Inference` if ONNX Runtime fails.
    pub(super) fn run(&mut self, size: usize, options: &RunOptions) -> Result<()> {
        // Providers with memory of their own copy an input when it is bound.
        let rebind = !matches!(self.provider, Provider::Cpu | Provider::OpenVino);
        let binding = self.bindings[size - 1].as_mut().expect("it is made");
        let run = binding.run(&self.session, &self.inputs, rebind, options);
        run.map_err(failed)
    }
}

/// Options to terminate a network's runs by.
///
/// # Errors
/// `Inference` if ONNX Runtime fails.
pub(super) fn run_options() -> Result<RunOptions> {
    RunOptions::new().map_err(failed)
}

#[cold]
fn failed(error: ort::Error) -> Error {
    Error::new(ErrorKind::Inference, "ONNX Runtime failed").with_source(error)
}

fn build(runtime: &Runtime, provider: Provider, model: &[u8]) -> ort::Result<Session> {
    let mut builder = Session::builder(runtime.environment())?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(1)?
        .with_inter_threads(1)?
        .with_intra_op_spinning(false)?
        // A failure is told by the call that failed, not on the host's stderr.
        .with_log_level(LogLevel::Fatal)?;
    if let Some(dispatch) = provider.dispatch() {
        builder = builder.with_execution_providers([dispatch])?;
    }
    builder.commit_from_memory(model)
}
