//! Networks: what they may be (`model/`), and ONNX Runtime, which runs them: the only module that names
//! `ort`.

mod location;
mod model;
mod network;
mod pool;
mod provider;
mod runtime;

#[cfg(feature = "internals")]
pub(crate) use model::{ElementType, Model, TensorId};
#[cfg(feature = "internals")]
pub(crate) use network::Element;
pub(crate) use network::{BATCH, Network, TensorSpec};
pub(crate) use pool::{Networks, Pool};
pub use provider::Provider;
pub(crate) use runtime::Runtime;
pub use runtime::{RUNTIME_WANTED, RuntimeInfo};
