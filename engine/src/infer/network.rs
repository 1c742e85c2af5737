//! One network: loaded once, run in batches on memory that every run reuses.

use std::sync::Arc;
use std::time::Duration;

use super::builtin::Machine;
use super::model::Model;
use super::onnxruntime::{OrtNetwork, RunOptions};
use super::tensor::{Element, TensorSpec};
use super::watchdog::{Stopped, Switch, Terminator, Watched};
use super::{Provider, Runtime};
use crate::{Error, ErrorKind, Result};

/// How long a run may take in a conversation: fifty times a frame's duration.
const RUN_LIMIT: Duration = Duration::from_secs(2);

/// A loaded network, from floats to `T`, for batches of up to [`BATCH`](super::BATCH).
pub(crate) struct Network<T: Element> {
    what: Arc<str>,
    backend: Backend<T>,
    watched: Watched,
    limit: Duration,
}

/// The runtime of a network.
enum Backend<T: Element> {
    Builtin(Machine),
    Ort(Box<OrtNetwork<T>>),
}

impl<T: Element> Backend<T> {
    fn hold(&mut self, size: usize) -> Result<()> {
        match self {
            Self::Builtin(machine) => {
                machine.hold(size);
                Ok(())
            }
            Self::Ort(network) => network.hold(size),
        }
    }

    /// The means by which runs are terminated.
    fn switch(&self) -> Result<Switch> {
        Ok(match self {
            Self::Builtin(_) => Switch::Flag(false.into()),
            Self::Ort(_) => Switch::Ort(RunOptions::new()?),
        })
    }
}

impl<T: Element> Network<T> {
    /// Loads `model`, which must have exactly these float inputs and (at least) this output.
    ///
    /// # Errors
    /// `InvalidAvatar` if the network is damaged, not allowed (`model/`), or has other tensors;
    /// `ProviderUnavailable` if `provider` refuses to run it; `RuntimeMissing` if it is one of ONNX
    /// Runtime's and that isn't there.
    pub(crate) fn load(
        runtime: Option<&Runtime>,
        provider: Provider,
        what: &str,
        model: &[u8],
        inputs: &[TensorSpec],
        output: &TensorSpec,
    ) -> Result<Self> {
        let model = Model::read(what, model)?;
        model.expect(what, inputs, output, T::ELEMENT)?;
        if provider == Provider::Builtin {
            let machine = Machine::load(what, &model, inputs, output)?;
            return Self::new(what.into(), Backend::Builtin(machine));
        }
        let Some(runtime) = runtime else {
            let message = format!("{provider} needs ONNX Runtime, which is not loaded");
            return Err(Error::new(ErrorKind::RuntimeMissing, message));
        };
        Self::load_unchecked(runtime, provider, what, model.bytes(), inputs, output)
    }

    /// [`load`](Self::load) of a model that was read before, or that a test trusts, on ONNX Runtime.
    pub(super) fn load_unchecked(
        runtime: &Runtime,
        provider: Provider,
        what: &str,
        model: &[u8],
        inputs: &[TensorSpec],
        output: &TensorSpec,
    ) -> Result<Self> {
        let network = OrtNetwork::load(runtime, provider, what, model, inputs, output)?;
        Self::new(what.into(), Backend::Ort(Box::new(network)))
    }

    fn new(what: Arc<str>, backend: Backend<T>) -> Result<Self> {
        Ok(Self {
            what,
            watched: Watched::new(backend.switch()?)?,
            backend,
            limit: RUN_LIMIT,
        })
    }

    /// The same network for another thread: the weights are shared, the memory is not. None where
    /// the provider doesn't permit runs at the same time; such a network is loaded once more.
    ///
    /// # Errors
    /// `Inference` if ONNX Runtime fails, `Io` if the system starts no thread for the watchdog.
    pub(crate) fn share(&self) -> Result<Option<Self>> {
        let backend = match &self.backend {
            Backend::Builtin(machine) => Backend::Builtin(machine.share()),
            Backend::Ort(network) => match network.share() {
                Some(network) => Backend::Ort(Box::new(network)),
                None => return Ok(None),
            },
        };
        Self::new(Arc::clone(&self.what), backend).map(Some)
    }

    /// Whether it runs as fast as on ONNX Runtime's CPU provider.
    pub(crate) fn is_fast(&self) -> bool {
        match &self.backend {
            Backend::Builtin(machine) => machine.is_fast(),
            Backend::Ort(_) => true,
        }
    }

    /// How long each run may take from now on; None goes back to what it may in a conversation.
    pub(crate) fn set_limit(&mut self, limit: Option<Duration>) {
        self.limit = limit.unwrap_or(RUN_LIMIT);
    }

    /// Runs the network on one item alone, its inputs in the order given to [`load`](Self::load), and gives
    /// its output.
    ///
    /// # Errors
    /// `Inference` if the run fails.
    pub(crate) fn run(&mut self, item: &[&[f32]]) -> Result<&[T]> {
        self.set(1, 0, item)?;
        self.run_batch(1, None)?;
        Ok(self.output(1, 0))
    }

    /// Puts the inputs of an item into a batch of `size` items, up to [`BATCH`](super::BATCH).
    ///
    /// # Errors
    /// `Inference` if ONNX Runtime fails.
    pub(crate) fn set(&mut self, size: usize, index: usize, item: &[&[f32]]) -> Result<()> {
        self.backend.hold(size)?;
        for (input, data) in item.iter().enumerate() {
            let tensor = match &mut self.backend {
                Backend::Builtin(machine) => machine.input(index, input),
                Backend::Ort(network) => network.input(size, index, input),
            };
            tensor.copy_from_slice(data);
        }
        Ok(())
    }

    /// Runs the network on a batch, all of whose items were [set](Self::set), until `terminator` ends
    /// it.
    ///
    /// # Errors
    /// - `Inference` if the run fails, or if it goes beyond its limit.
    /// - `Cancelled` if `terminator` ended it.
    pub(crate) fn run_batch(&mut self, size: usize, terminator: Option<&Terminator>) -> Result<()> {
        self.backend.hold(size)?;
        let backend = &mut self.backend;
        let result = self
            .watched
            .run(self.limit, terminator, |switch| match (backend, switch) {
                (Backend::Builtin(machine), Switch::Flag(stop)) => machine.run(size, stop),
                (Backend::Ort(network), Switch::Ort(options)) => network.run(size, options),
                _ => Err(Error::new(ErrorKind::Internal, "another runtime's switch")),
            });
        result.map_err(|stopped| match stopped {
            Stopped::Cancelled => Error::new(ErrorKind::Cancelled, "the session was cancelled"),
            Stopped::Failed(error) => error,
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
        match &self.backend {
            Backend::Builtin(machine) => machine.output(index),
            Backend::Ort(network) => network.output(size, index),
        }
    }
}
