//! One network, its inputs and outputs bound to buffers that every run reuses; for one item, or for
//! a few at a time.

use ort::memory::Allocator;
use ort::session::IoBinding;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::{PrimitiveTensorElementType, Tensor};
use ort::{AsPointer as _, ortsys};

use super::model::{ElementType, Model};
use super::{Provider, Runtime};
use crate::{Error, ErrorKind, Result};

/// Most items of a batch. Four take 0.65 (speech) and 0.75 (identity) of the time of four runs; from
/// there on little is gained, and whoever is first waits for all.
pub(crate) const BATCH: usize = 4;

/// What an output is made of.
pub(crate) trait Element: PrimitiveTensorElementType + Copy + std::fmt::Debug {
    const ELEMENT: ElementType;
}
impl Element for f32 {
    const ELEMENT: ElementType = ElementType::F32;
}
impl Element for u8 {
    const ELEMENT: ElementType = ElementType::U8;
}

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
    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    fn batch(&self, size: usize) -> Vec<i64> {
        let axes = std::iter::once(&size).chain(&self.shape);
        axes.map(|&x| i64::try_from(x).unwrap_or(i64::MAX))
            .collect()
    }
}

/// A loaded network, from floats to `T`, for batches of up to [`BATCH`].
pub(crate) struct Network<T: Element> {
    session: Session,
    inputs: Vec<TensorSpec>,
    output: TensorSpec,
    /// For batches of one, two and so on; made when they are first needed.
    bound: [Option<Bound<T>>; BATCH],
    /// Providers with memory of their own take a copy when an input is bound, so it is bound anew
    /// for each run.
    rebind: bool,
}

/// Buffers for a batch, and what ONNX Runtime knows of them.
struct Bound<T: Element> {
    binding: IoBinding,
    inputs: Vec<Tensor<f32>>,
    output: Tensor<T>,
}

// SAFETY: an ONNX Runtime binding has no ties to the thread that made it; `&mut self` keeps it to
// one thread at a time.
#[expect(unsafe_code, reason = "`ort` does not mark IoBinding as Send")]
unsafe impl<T: Element> Send for Bound<T> {}

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
        let session = build(runtime, provider, model.bytes()).map_err(|e| {
            let message = format!("{provider} cannot load {what}");
            Error::new(ErrorKind::ProviderUnavailable, message).with_source(e)
        })?;

        let rebind = !matches!(provider, Provider::Cpu | Provider::OpenVino);
        let mut network = Self {
            session,
            inputs: inputs.to_vec(),
            output: output.clone(),
            bound: [const { None }; BATCH],
            rebind,
        };
        network.batch(1)?;
        Ok(network)
    }

    /// Runs the network on one item alone, its inputs in the order given to [`load`](Self::load), and gives
    /// its output.
    ///
    /// # Errors
    /// `Inference` if ONNX Runtime fails.
    #[cfg(any(test, feature = "internals"))]
    pub(crate) fn run(&mut self, item: &[&[f32]]) -> Result<&[T]> {
        self.set(1, 0, item)?;
        self.run_batch(1)?;
        Ok(self.output(1, 0))
    }

    /// Puts the inputs of an item into a batch of `size` items, up to [`BATCH`].
    ///
    /// # Errors
    /// `Inference` if ONNX Runtime fails.
    pub(crate) fn set(&mut self, size: usize, index: usize, item: &[&[f32]]) -> Result<()> {
        debug_assert_eq!(item.len(), self.inputs.len(), "one slice per input");
        let batch = self.batch(size)?;
        for (tensor, data) in batch.inputs.iter_mut().zip(item) {
            tensor.extract_tensor_mut().1[index * data.len()..][..data.len()].copy_from_slice(data);
        }
        Ok(())
    }

    /// Runs the network on a batch, all of whose items were [set](Self::set).
    ///
    /// # Errors
    /// `Inference` if ONNX Runtime fails.
    pub(crate) fn run_batch(&mut self, size: usize) -> Result<()> {
        self.batch(size)?;
        let Self {
            session,
            inputs,
            bound,
            rebind,
            ..
        } = self;
        let batch = bound[size - 1].as_mut().expect("it is made");
        batch.run(session, inputs, *rebind).map_err(failed)
    }

    /// What the network made of an item in its last run for a batch of `size`.
    pub(crate) fn output(&self, size: usize, index: usize) -> &[T] {
        let length = self.output.len();
        let batch = self.bound[size - 1].as_ref().expect("it has run");
        &batch.output.extract_tensor().1[index * length..][..length]
    }

    fn batch(&mut self, size: usize) -> Result<&mut Bound<T>> {
        let bound = &mut self.bound[size - 1];
        if bound.is_none() {
            let made = Bound::new(&self.session, &self.inputs, &self.output, size);
            *bound = Some(made.map_err(failed)?);
        }
        Ok(bound.as_mut().expect("it is made"))
    }
}

impl<T: Element> Bound<T> {
    fn new(
        session: &Session,
        inputs: &[TensorSpec],
        output: &TensorSpec,
        size: usize,
    ) -> ort::Result<Self> {
        let mut binding = session.create_binding()?;
        let mut tensors = Vec::with_capacity(inputs.len());
        for spec in inputs {
            let mut tensor = Tensor::<f32>::new(&Allocator::default(), spec.batch(size))?;
            tensor.extract_tensor_mut().1.fill(0.0);
            binding.bind_input(spec.name.as_str(), &tensor)?;
            tensors.push(tensor);
        }
        let mut result = Tensor::<T>::new(&Allocator::default(), output.batch(size))?;
        binding.bind_output(output.name.as_str(), &mut result)?;
        Ok(Self {
            binding,
            inputs: tensors,
            output: result,
        })
    }

    /// `Session::run_binding` without the list of outputs that it allocates: the output is ours.
    fn run(
        &mut self,
        session: &mut Session,
        inputs: &[TensorSpec],
        rebind: bool,
    ) -> ort::Result<()> {
        if rebind {
            for (spec, tensor) in inputs.iter().zip(&self.inputs) {
                self.binding.bind_input(spec.name.as_str(), tensor)?;
            }
        }
        let session = session.ptr().cast_mut();
        // SAFETY: the binding was made for this session, `&mut` keeps both from other threads, and
        // the tensors that are bound live in `self`. No options are the default ones.
        ortsys![unsafe RunWithBinding(session, std::ptr::null(), self.binding.ptr())?];
        Ok(())
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
        .with_intra_op_spinning(false)?;
    if let Some(dispatch) = provider.dispatch() {
        builder = builder.with_execution_providers([dispatch])?;
    }
    builder.commit_from_memory(model)
}
