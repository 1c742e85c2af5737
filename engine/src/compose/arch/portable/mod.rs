//! Every kernel in plain Rust. Functions are inlined into the callers that are compiled for an
//! instruction set.

pub(crate) mod color;
pub(crate) mod patch;
pub(crate) mod scale;
