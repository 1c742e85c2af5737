//! ONNX Runtime: the only module that names `ort`.

mod binding;
mod library_file;
mod location;
mod network;
mod provider;
mod runtime;
mod time_limit;
mod watchdog;

pub(crate) use network::{BATCH, Network, TensorSpec};
pub use provider::{Provider, ProviderReport};
pub use runtime::{RUNTIME_WANTED, RuntimeInfo};
pub(crate) use runtime::{Runtime, TELEMETRY_SWITCH};
pub(crate) use time_limit::TimeLimit;
pub(crate) use watchdog::Terminator;
