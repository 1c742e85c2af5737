//! Networks: what they may be (`model/`), and ONNX Runtime, which runs them: the only module that names
//! `ort`.

mod location;
mod model;
mod network;
mod pool;
mod provider;
mod runtime;

pub(crate) use network::{BATCH, Network, TensorSpec};
pub(crate) use pool::{Networks, Pool};
pub use provider::Provider;
pub(crate) use runtime::Runtime;
pub use runtime::{RUNTIME_WANTED, RuntimeInfo};
