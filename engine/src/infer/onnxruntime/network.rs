//! A network that ONNX Runtime runs: its session and the tensors that are bound to it.

use std::sync::Arc;

use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;

use super::binding::Binding;
use super::{RunOptions, Runtime, dispatch, failed};
use crate::infer::Provider;
use crate::infer::batch::BATCH;
use crate::infer::tensor::{Element, TensorSpec};
use crate::{Error, ErrorKind, Result};

pub(in crate::infer) struct OrtNetwork<T: Element> {
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
    pub(in crate::infer) fn load(
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
    pub(in crate::infer) fn share(&self) -> Option<Self> {
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
    pub(in crate::infer) fn hold(&mut self, size: usize) -> Result<()> {
        let binding = &mut self.bindings[size - 1];
        if binding.is_none() {
            let made = Binding::new(&self.session, &self.inputs, &self.output, size);
            *binding = Some(made.map_err(failed)?);
        }
        Ok(())
    }

    /// An input of an item in a batch that there [are tensors](Self::hold) for.
    pub(in crate::infer) fn input(&mut self, size: usize, item: usize, index: usize) -> &mut [f32] {
        let length = elements(&self.inputs[index]);
        let binding = self.bindings[size - 1].as_mut().expect("it is made");
        &mut binding.inputs[index].extract_tensor_mut().1[item * length..][..length]
    }

    /// The output for an item of the last run of a batch of `size`.
    pub(in crate::infer) fn output(&self, size: usize, item: usize) -> &[T] {
        let length = elements(&self.output);
        let binding = self.bindings[size - 1].as_ref().expect("it has run");
        &binding.output.extract_tensor().1[item * length..][..length]
    }

    /// Runs a batch that there [are tensors](Self::hold) for.
    ///
    /// # Errors
    /// `Inference` if ONNX Runtime fails.
    pub(in crate::infer) fn run(&mut self, size: usize, options: &RunOptions) -> Result<()> {
        // Providers with memory of their own copy an input when it is bound.
        let rebind = !matches!(self.provider, Provider::Cpu | Provider::OpenVino);
        let binding = self.bindings[size - 1].as_mut().expect("it is made");
        let run = binding.run(&self.session, &self.inputs, rebind, &options.0);
        run.map_err(failed)
    }
}

fn build(runtime: &Runtime, provider: Provider, model: &[u8]) -> ort::Result<Session> {
    let mut builder = Session::builder(runtime.environment())?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(1)?
        .with_inter_threads(1)?
        .with_intra_op_spinning(false)?
        // A failure is told by the call that failed, not on the host's stderr.
        .with_log_level(LogLevel::Fatal)?;
    if let Some(dispatch) = dispatch(provider) {
        builder = builder.with_execution_providers([dispatch])?;
    }
    builder.commit_from_memory(model)
}

/// Elements of one item.
fn elements(tensor: &TensorSpec) -> usize {
    tensor.shape.iter().product()
}
