//! ONNX Runtime: found, loaded, and asked to run networks. The only module that names `ort`.

mod binding;
#[cfg(feature = "onnx")]
pub(crate) mod foreign;
mod library_file;
mod location;
mod network;
mod runtime;

use ort::ep::{self, ExecutionProvider as _, ExecutionProviderDispatch};
/// Type of a tensor's elements.
pub(super) use ort::value::PrimitiveTensorElementType as TensorElement;

use super::Provider;
use crate::{Error, ErrorKind, Result};
pub(super) use network::OrtNetwork;
pub(crate) use runtime::Runtime;

/// The switch that ends a run.
pub(super) struct RunOptions(ort::session::RunOptions);

impl RunOptions {
    /// # Errors
    /// `Inference` if ONNX Runtime fails.
    pub(in crate::infer) fn new() -> Result<Self> {
        ort::session::RunOptions::new().map(Self).map_err(failed)
    }

    pub(in crate::infer) fn terminate(&self) {
        // Sets a flag; it has no way to fail.
        let _ = self.0.terminate();
    }

    pub(in crate::infer) fn unterminate(&self) {
        // Clears a flag; it has no way to fail.
        let _ = self.0.unterminate();
    }
}

/// Whether the loaded library was built with a provider.
pub(super) fn has(provider: Provider) -> bool {
    match provider {
        Provider::Auto | Provider::Builtin | Provider::Cpu => true,
        Provider::CoreMl => ep::CoreML::is_available().unwrap_or(false),
        Provider::Cuda => ep::CUDA::is_available().unwrap_or(false),
        Provider::OpenVino => ep::OpenVINO::is_available().unwrap_or(false),
        Provider::WebGpu => ep::WebGPU::is_available().unwrap_or(false),
    }
}

/// The provider to register with a session; none for the CPU, which is always there.
fn dispatch(provider: Provider) -> Option<ExecutionProviderDispatch> {
    let dispatch = match provider {
        Provider::Auto | Provider::Builtin | Provider::Cpu => return None,
        Provider::CoreMl => ep::CoreML::default().build(),
        Provider::Cuda => ep::CUDA::default().build(),
        Provider::OpenVino => ep::OpenVINO::default()
            .with_device_type("CPU")
            .with_num_threads(1)
            .build(),
        Provider::WebGpu => ep::WebGPU::default().build(),
    };
    Some(dispatch.error_on_failure())
}

#[cold]
fn failed(error: ort::Error) -> Error {
    Error::new(ErrorKind::Inference, "ONNX Runtime failed").with_source(error)
}
