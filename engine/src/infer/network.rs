//! One network: loaded once, run in batches on tensors that every run reuses.

use std::sync::Arc;
use std::time::Duration;

use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;

use super::binding::Binding;
use super::model::Model;
use super::tensor::{Element, TensorSpec};
use super::watchdog::{Stopped, Terminator, Watched};
use super::{Provider, Runtime};
use crate::{Error, ErrorKind, Result};

/// Most items of a batch. Four take 0.65 (speech) and 0.75 (identity) of the time of four runs; from
/// there on little is gained, and the item that is due first waits for all.
pub(crate) const BATCH: usize = 4;

/// Size of the batch that self-tests try besides one item. Shapes of every size were inferred from the
/// same ones (`model/`), so that one size stands for all; four would take 3 ms more of 60.
pub(crate) const TRIED_BATCH: usize = 2;

/// How long a run may take in a conversation: fifty times a frame's duration.
const RUN_LIMIT: Duration = Duration::from_secs(2);

/// A loaded network, from floats to `T`, for batches of up to [`BATCH`].
pub(crate) struct Network<T: Element> {
    what: Arc<str>,
    provider: Provider,
    session: Arc<Session>,
    inputs: Vec<TensorSpec>,
    output: TensorSpec,
    /// For batches of one, two and so on; made when they are first needed.
    bindings: [Option<Binding<T>>; BATCH],
    watched: Watched,
    limit: Duration,
}

impl<T: Element> Network<T> {
    /// Loads `model`, which must have exactly these float inputs and (at least) this output.
    ///
    /// # Errors
    /// `InvalidAvatar` if the network is damaged, not allowed (`model/`), or has other tensors;
    /// `ProviderUnavailable` if `provider` refuses to run it.
    pub(crate) fn load(
        runtime: &Runtime,
        provider: Provider,
        what: &str,
        model: &[u8],
        inputs: &[TensorSpec],
        output: &TensorSpec,
    ) -> Result<Self> {
        let model = Model::read(what, model)?;
        model.expect(what, inputs, output, T::ELEMENT)?;
        Self::load_unchecked(runtime, provider, what, model.bytes(), inputs, output)
    }

    /// [`load`](Self::load) of a model that was read before, or that a test trusts.
    pub(super) fn load_unchecked(
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
        let mut network = Self::new(what.into(), provider, Arc::new(session), inputs, output)?;
        network.binding(1)?;
        Ok(network)
    }

    fn new(
        what: Arc<str>,
        provider: Provider,
        session: Arc<Session>,
        inputs: &[TensorSpec],
        output: &TensorSpec,
    ) -> Result<Self> {
        Ok(Self {
            what,
            provider,
            session,
            inputs: inputs.to_vec(),
            output: output.clone(),
            bindings: [const { None }; BATCH],
            watched: Watched::new()?,
            limit: RUN_LIMIT,
        })
    }

    /// The same network for another thread: the weights are shared, the tensors are not. None where
    /// the provider doesn't permit runs at the same time; such a network is loaded once more.
    ///
    /// # Errors
    /// `Inference` if ONNX Runtime fails, `Io` if the system starts no thread for the watchdog.
    pub(crate) fn share(&self) -> Result<Option<Self>> {
        if self.provider != Provider::Cpu {
            return Ok(None);
        }
        let session = Arc::clone(&self.session);
        let (inputs, output) = (&self.inputs, &self.output);
        let what = Arc::clone(&self.what);
        Self::new(what, self.provider, session, inputs, output).map(Some)
    }

    /// How long each run may take from now on; None goes back to what it may in a conversation.
    pub(crate) fn set_limit(&mut self, limit: Option<Duration>) {
        self.limit = limit.unwrap_or(RUN_LIMIT);
    }

    /// Runs the network on one item alone, its inputs in the order given to [`load`](Self::load), and gives
    /// its output.
    ///
    /// # Errors
    /// `Inference` if ONNX Runtime fails.
    pub(crate) fn run(&mut self, item: &[&[f32]]) -> Result<&[T]> {
        self.set(1, 0, item)?;
        self.run_batch(1, None)?;
        Ok(self.output(1, 0))
    }

    /// Puts the inputs of an item into a batch of `size` items, up to [`BATCH`].
    ///
    /// # Errors
    /// `Inference` if ONNX Runtime fails.
    pub(crate) fn set(&mut self, size: usize, index: usize, item: &[&[f32]]) -> Result<()> {
        debug_assert_eq!(item.len(), self.inputs.len(), "one slice per input");
        let binding = self.binding(size)?;
        for (tensor, data) in binding.inputs.iter_mut().zip(item) {
            tensor.extract_tensor_mut().1[index * data.len()..][..data.len()].copy_from_slice(data);
        }
        Ok(())
    }

    /// Runs the network on a batch, all of whose items were [set](Self::set), until `terminator` ends
    /// it.
    ///
    /// # Errors
    /// - `Inference` if ONNX Runtime fails, or if the run goes beyond its limit.
    /// - `Cancelled` if `terminator` ended it.
    pub(crate) fn run_batch(&mut self, size: usize, terminator: Option<&Terminator>) -> Result<()> {
        self.binding(size)?;
        let Self {
            session,
            inputs,
            bindings,
            watched,
            ..
        } = self;
        // Providers with memory of their own copy an input when it is bound.
        let rebind = !matches!(self.provider, Provider::Cpu | Provider::OpenVino);
        let binding = bindings[size - 1].as_mut().expect("it is made");
        let result = watched.run(self.limit, terminator, |options| {
            binding.run(session, inputs, rebind, options)
        });
        result.map_err(|stopped| match stopped {
            Stopped::Cancelled => Error::new(ErrorKind::Cancelled, "the session was cancelled"),
            Stopped::Failed(error) => failed(error),
            Stopped::Overdue => Error::new(
                ErrorKind::Inference,
                format!(
                    "{} ran for more than {:.1} s and was terminated",
                    self.what,
                    self.limit.as_secs_f64()
                ),
            ),
        })
    }

    /// The output for an item of the last run of a batch of `size`.
    pub(crate) fn output(&self, size: usize, index: usize) -> &[T] {
        let length = self.output.len();
        let binding = self.bindings[size - 1].as_ref().expect("it has run");
        &binding.output.extract_tensor().1[index * length..][..length]
    }

    fn binding(&mut self, size: usize) -> Result<&mut Binding<T>> {
        let binding = &mut self.bindings[size - 1];
        if binding.is_none() {
            let made = Binding::new(&self.session, &self.inputs, &self.output, size);
            *binding = Some(made.map_err(failed)?);
        }
        Ok(binding.as_mut().expect("it is made"))
    }
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
        // What fails is told by the call that failed, not on the host's stderr.
        .with_log_level(LogLevel::Fatal)?;
    if let Some(dispatch) = provider.dispatch() {
        builder = builder.with_execution_providers([dispatch])?;
    }
    builder.commit_from_memory(model)
}
