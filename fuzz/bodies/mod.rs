//! Bodies of the targets. Each body is a function that must come back, whatever it
//! is given.
#![allow(dead_code, reason = "each target uses one of them")]

pub(crate) mod audio_chunks;
pub(crate) mod audio_file;
pub(crate) mod ffi_calls;
pub(crate) mod imx;
pub(crate) mod models;
pub(crate) mod network;
pub(crate) mod portrait;

use std::path::PathBuf;

/// Path of test data.
pub(crate) fn testdata(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../testdata")
        .join(path)
}

/// FNV-1a: chance that an input tells.
pub(crate) fn hash(data: &[u8]) -> u64 {
    data.iter().fold(0xCBF2_9CE4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
    })
}
