//! Tensors of a batch, bound to a network's inputs and output once and used by every run.

use ort::memory::Allocator;
use ort::session::{IoBinding, RunOptions, Session};
use ort::value::Tensor;
use ort::{AsPointer as _, ortsys};

use crate::infer::tensor::{Element, TensorSpec};

/// Input and output tensors of a batch of one size, and ONNX Runtime's binding to them.
pub(super) struct Binding<T: Element> {
    binding: IoBinding,
    pub(super) inputs: Vec<Tensor<f32>>,
    pub(super) output: Tensor<T>,
}

impl<T: Element> Binding<T> {
    pub(super) fn new(
        session: &Session,
        inputs: &[TensorSpec],
        output: &TensorSpec,
        size: usize,
    ) -> ort::Result<Self> {
        let mut binding = session.create_binding()?;
        let mut tensors = Vec::with_capacity(inputs.len());
        for spec in inputs {
            let mut tensor = Tensor::<f32>::new(&Allocator::default(), shape(spec, size))?;
            tensor.extract_tensor_mut().1.fill(0.0);
            binding.bind_input(spec.name.as_str(), &tensor)?;
            tensors.push(tensor);
        }
        let mut result = Tensor::<T>::new(&Allocator::default(), shape(output, size))?;
        result.extract_tensor_mut().1.fill(T::default());
        binding.bind_output(output.name.as_str(), &mut result)?;
        Ok(Self {
            binding,
            inputs: tensors,
            output: result,
        })
    }

    /// Runs the network. `rebind` binds the inputs anew, for providers that copied them when they were
    /// bound. As `Session::run_binding_with_options`, without the list of outputs that it allocates.
    pub(super) fn run(
        &mut self,
        session: &Session,
        inputs: &[TensorSpec],
        rebind: bool,
        options: &RunOptions,
    ) -> ort::Result<()> {
        if rebind {
            for (spec, tensor) in inputs.iter().zip(&self.inputs) {
                self.binding.bind_input(spec.name.as_str(), tensor)?;
            }
        }
        let session = session.ptr().cast_mut();
        let (options, binding) = (options.ptr(), self.binding.ptr());
        // SAFETY: the binding was made for this session and the tensors that are bound live in `self`;
        // `&mut` keeps both, and the options' one user keeps those, from other threads' runs. Where
        // other threads run the same session with bindings of their own, it is one of the CPU's
        // (`Network::share`): "multiple threads can invoke the Run() method on the same session
        // object" (ONNX Runtime, C API).
        ortsys![unsafe RunWithBinding(session, options, binding)?];
        Ok(())
    }
}

/// The shape of a batch, as ONNX Runtime takes it.
fn shape(spec: &TensorSpec, size: usize) -> Vec<i64> {
    let axes = std::iter::once(&size).chain(&spec.shape);
    axes.map(|&x| i64::try_from(x).unwrap_or(i64::MAX))
        .collect()
}
