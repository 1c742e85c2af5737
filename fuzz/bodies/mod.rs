//! What the targets do with their bytes. Each body is a function that must come back, whatever it
//! is given.
#![allow(dead_code, reason = "each target uses one of them")]

pub(crate) mod audio_chunks;
pub(crate) mod ffi_calls;
pub(crate) mod imx;

use std::path::PathBuf;

/// Where test data lies.
pub(crate) fn testdata(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../testdata")
        .join(path)
}
