//! ONNX Runtime: the only module that names `ort`.

mod location;
mod network;
mod pool;
mod provider;
mod runtime;

pub(crate) use network::{BATCH, Network, TensorSpec};
pub(crate) use pool::{Networks, Pool};
pub use provider::Provider;
pub(crate) use runtime::Runtime;
pub use runtime::{RUNTIME_WANTED, RuntimeInfo};
