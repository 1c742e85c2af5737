//! Real-time talking avatars on the user's own machine.
#![deny(unsafe_code)]

mod error;
pub mod imx;

pub use error::{Error, ErrorKind, Result};
