//! Networks: what they may be (`model/`), and what runs them: our own runtime (`builtin/`) or ONNX
//! Runtime. The only module that names `ort`.

mod batch;
mod binding;
mod builtin;
#[cfg(feature = "onnx")]
pub(crate) mod foreign;
mod library_file;
mod location;
mod model;
mod network;
mod onnxruntime;
mod plain;
mod provider;
mod runtime;
mod tensor;
mod time_limit;
mod watchdog;

pub(crate) use batch::{BATCH, TRIED_BATCH};
#[cfg(feature = "internals")]
pub(crate) use model::{ElementType, Model, TensorId};
pub(crate) use network::Network;
pub use provider::{Provider, ProviderReport};
pub use runtime::{RUNTIME_WANTED, RuntimeInfo};
pub(crate) use runtime::{Runtime, TELEMETRY_SWITCH};
#[cfg(feature = "internals")]
pub(crate) use tensor::Element;
pub(crate) use tensor::TensorSpec;
pub(crate) use time_limit::TimeLimit;
pub(crate) use watchdog::{Terminator, WatchdogLease};
