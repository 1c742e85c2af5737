//! Networks: what they may be (`model/`), and what runs them: our own runtime (`builtin/`) or ONNX
//! Runtime (`onnxruntime/`).

mod batch;
mod builtin;
mod model;
mod network;
#[cfg_attr(target_family = "wasm", path = "onnxruntime/absent.rs")]
mod onnxruntime;
mod plain;
mod provider;
mod runtime_info;
mod tensor;
mod time_limit;
mod watchdog;

pub(crate) use batch::{BATCH, TRIED_BATCH};
#[cfg(feature = "internals")]
pub(crate) use model::{ElementType, Model, TensorId};
pub(crate) use network::Network;
pub(crate) use onnxruntime::Runtime;
#[cfg(feature = "onnx")]
pub(crate) use onnxruntime::foreign;
pub use provider::{Provider, ProviderReport};
pub(crate) use runtime_info::TELEMETRY_SWITCH;
pub use runtime_info::{RUNTIME_WANTED, RuntimeInfo};
#[cfg(feature = "internals")]
pub(crate) use tensor::Element;
pub(crate) use tensor::TensorSpec;
pub(crate) use time_limit::TimeLimit;
pub(crate) use watchdog::{Terminator, WatchdogLease};
