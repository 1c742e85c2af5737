//! The facts about ONNX Runtime that are the same where there is none.

use std::path::PathBuf;

/// The oldest ONNX Runtime that will do.
pub const RUNTIME_WANTED: &str = "1.19";

/// Environment variable that keeps ONNX Runtime from collecting data for its maker, if it is 1.
pub(crate) const TELEMETRY_SWITCH: &str = "ORT_DISABLE_TELEMETRY";

/// The ONNX Runtime library that this process uses.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RuntimeInfo {
    /// The library's file.
    pub path: PathBuf,
    /// Its version, such as `1.31.1`.
    pub version: String,
    /// The places that were looked at before, with what was found there.
    pub tried: Vec<String>,
}
