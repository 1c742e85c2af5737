//! One network: loaded once, run in batches on tensors that every run reuses.

use std::sync::Arc;
use std::time::Duration;

use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::{PrimitiveTensorElementType, TensorElementType, ValueType};

use super::binding::Binding;
use super::watchdog::{Stopped, Terminator, Watched};
use super::{Provider, Runtime};
use crate::{Error, ErrorKind, Result};

/// Most items of a batch. Four take 0.65 (speech) and 0.75 (identity) of the time of four runs; from
/// there on little is gained, and the item that is due first waits for all.
pub(crate) const BATCH: usize = 4;

/// How long a run may take in a conversation: fifty times a frame's duration.
const RUN_LIMIT: Duration = Duration::from_secs(2);

/// What an output is made of.
pub(crate) trait Element:
    PrimitiveTensorElementType + Copy + Default + std::fmt::Debug
{
}
impl Element for f32 {}
impl Element for u8 {}

/// Name and shape (without the leading batch axis) of an input or output.
#[derive(Clone, Debug)]
pub(crate) struct TensorSpec {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
}

impl TensorSpec {
    pub(crate) fn new(name: &str, shape: &[usize]) -> Self {
        Self {
            name: name.to_owned(),
            shape: shape.to_vec(),
        }
    }

    /// Elements of one item.
    fn len(&self) -> usize {
        self.shape.iter().product()
    }

    pub(super) fn batch(&self, size: usize) -> Vec<i64> {
        let axes = std::iter::once(&size).chain(&self.shape);
        axes.map(|&x| i64::try_from(x).unwrap_or(i64::MAX))
            .collect()
    }
}

/// A loaded network, from floats to `T`, for batches of up to [`BATCH`].
pub(crate) struct Network<T: Element> {
    what: &'static str,
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
    /// `InvalidAvatar` if the network is damaged or its tensors differ; `ProviderUnavailable` if
    /// `provider` refuses to run it.
    pub(crate) fn load(
        runtime: &Runtime,
        provider: Provider,
        what: &'static str,
        model: &[u8],
        inputs: &[TensorSpec],
        output: &TensorSpec,
    ) -> Result<Self> {
        Self::load_unlimited(runtime, provider, what, model, inputs, output)
    }

    /// [`load`](Self::load) without limits on what the network may do.
    pub(super) fn load_unlimited(
        runtime: &Runtime,
        provider: Provider,
        what: &'static str,
        model: &[u8],
        inputs: &[TensorSpec],
        output: &TensorSpec,
    ) -> Result<Self> {
        let damaged = |e: ort::Error| {
            let kind = if provider == Provider::Cpu {
                ErrorKind::InvalidAvatar
            } else {
                ErrorKind::ProviderUnavailable
            };
            Error::new(kind, format!("{provider} cannot load {what}")).with_source(e)
        };
        let session = build(runtime, provider, model).map_err(damaged)?;
        check(
            &session,
            what,
            inputs,
            output,
            T::into_tensor_element_type(),
        )?;

        let mut network = Self::new(what, provider, Arc::new(session), inputs, output)?;
        network.binding(1)?;
        Ok(network)
    }

    fn new(
        what: &'static str,
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
        Self::new(self.what, self.provider, session, inputs, output).map(Some)
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

    /// What the network made of an item in its last run for a batch of `size`.
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

/// The network against the manifest: an avatar whose parts disagree is refused here and not in the
/// middle of a conversation.
fn check(
    session: &Session,
    what: &str,
    inputs: &[TensorSpec],
    output: &TensorSpec,
    output_type: TensorElementType,
) -> Result<()> {
    let refuse = |problem: String| {
        Err(Error::new(
            ErrorKind::InvalidAvatar,
            format!("{what}: {problem}"),
        ))
    };
    if let Some(unknown) = session
        .inputs()
        .iter()
        .find(|x| inputs.iter().all(|spec| spec.name != x.name()))
    {
        return refuse(format!(
            "the network wants an input `{}` that the manifest does not name",
            unknown.name()
        ));
    }
    let sides = [
        (
            "input",
            inputs,
            session.inputs(),
            TensorElementType::Float32,
        ),
        (
            "output",
            std::slice::from_ref(output),
            session.outputs(),
            output_type,
        ),
    ];
    for (side, specs, outlets, wanted) in sides {
        for spec in specs {
            let Some(outlet) = outlets.iter().find(|x| x.name() == spec.name) else {
                return refuse(format!("the network has no {side} `{}`", spec.name));
            };
            let ValueType::Tensor { ty, shape, .. } = outlet.dtype() else {
                return refuse(format!("{side} `{}` is not a tensor", spec.name));
            };
            // Axes without a fixed size are -1: the batch must be free (or 1), the others equal.
            let fits = shape.len() == spec.shape.len() + 1
                && shape[0] <= 1
                && shape[1..].iter().zip(&spec.shape).all(|(&has, &wants)| {
                    has < 0 || usize::try_from(has).is_ok_and(|has| has == wants)
                });
            if *ty != wanted || !fits {
                return refuse(format!(
                    "{side} `{}` is {ty} {shape}, but [N, {:?}] of {wanted} is expected",
                    spec.name, spec.shape
                ));
            }
        }
    }
    Ok(())
}
