//! One network, its inputs and outputs bound to buffers that every run reuses.

use ort::memory::Allocator;
use ort::session::IoBinding;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::{PrimitiveTensorElementType, Tensor, TensorElementType, ValueType};
use ort::{AsPointer as _, ortsys};

use super::{Provider, Runtime};
use crate::{Error, ErrorKind, Result};

/// What an output is made of.
pub(crate) trait Element: PrimitiveTensorElementType + Copy + std::fmt::Debug {}
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

    fn batch_of_one(&self) -> Vec<i64> {
        let axes = self
            .shape
            .iter()
            .map(|&x| i64::try_from(x).unwrap_or(i64::MAX));
        std::iter::once(1).chain(axes).collect()
    }
}

/// A loaded network for a batch of one, from floats to `T`.
pub(crate) struct Network<T: Element> {
    session: Session,
    binding: IoBinding,
    inputs: Vec<(String, Tensor<f32>)>,
    output: Tensor<T>,
    /// Providers with memory of their own take a copy when an input is bound, so it is bound anew
    /// for each run.
    rebind: bool,
}

// SAFETY: an ONNX Runtime binding has no ties to the thread that made it; `&mut self` keeps it to
// one thread at a time.
#[expect(unsafe_code, reason = "`ort` does not mark IoBinding as Send")]
unsafe impl<T: Element> Send for Network<T> {}

impl<T: Element> Network<T> {
    /// Loads `model`, which must have exactly these float inputs and (at least) this output.
    ///
    /// # Errors
    /// `InvalidAvatar` if the network is damaged or its tensors differ; `ProviderUnavailable` if
    /// `provider` refuses to run it.
    pub(crate) fn load(
        runtime: &Runtime,
        provider: Provider,
        what: &str,
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

        let failed = |e: ort::Error| {
            Error::new(
                ErrorKind::Inference,
                format!("{what}: binding tensors failed"),
            )
            .with_source(e)
        };
        let mut binding = session.create_binding().map_err(failed)?;
        let mut bound = Vec::with_capacity(inputs.len());
        for spec in inputs {
            let mut value =
                Tensor::<f32>::new(&Allocator::default(), spec.batch_of_one()).map_err(failed)?;
            value.extract_tensor_mut().1.fill(0.0);
            binding
                .bind_input(spec.name.as_str(), &value)
                .map_err(failed)?;
            bound.push((spec.name.clone(), value));
        }
        let mut result =
            Tensor::<T>::new(&Allocator::default(), output.batch_of_one()).map_err(failed)?;
        binding
            .bind_output(output.name.as_str(), &mut result)
            .map_err(failed)?;
        let rebind = !matches!(provider, Provider::Cpu | Provider::OpenVino);
        Ok(Self {
            session,
            binding,
            inputs: bound,
            output: result,
            rebind,
        })
    }

    /// Runs the network on `inputs` (in the order given to [`load`](Self::load)) and gives its
    /// output.
    pub(crate) fn run<const N: usize>(&mut self, inputs: [&[f32]; N]) -> Result<&[T]> {
        debug_assert_eq!(N, self.inputs.len(), "one slice per input");
        let failed =
            |e: ort::Error| Error::new(ErrorKind::Inference, "ONNX Runtime failed").with_source(e);
        for ((name, tensor), data) in self.inputs.iter_mut().zip(inputs) {
            tensor.extract_tensor_mut().1.copy_from_slice(data);
            if self.rebind {
                self.binding
                    .bind_input(name.as_str(), tensor)
                    .map_err(failed)?;
            }
        }
        self.run_bound().map_err(failed)?;
        Ok(self.output.extract_tensor().1)
    }

    /// `Session::run_binding` without the list of outputs that it allocates: the output is ours.
    fn run_bound(&mut self) -> ort::Result<()> {
        let session = self.session.ptr().cast_mut();
        // SAFETY: the binding was made for this session, `&mut self` keeps both from other threads,
        // and the tensors that are bound live in `self`. No options are the default ones.
        ortsys![unsafe RunWithBinding(session, std::ptr::null(), self.binding.ptr())?];
        Ok(())
    }
}

fn build(runtime: &Runtime, provider: Provider, model: &[u8]) -> ort::Result<Session> {
    let mut builder = Session::builder(runtime.environment())?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(1)?
        .with_inter_threads(1)?
        .with_intra_op_spinning(false)?;
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
