//! The C interface of the engine. `include/essence.h`, generated from this crate, is its
//! documentation.
//!
//! - [`boundary`]: the one macro that defines every exported function; panics end there.
//! - [`handle`]: what lies behind the opaque pointers.
//! - [`sized`]: structs that may grow, `struct_size` in front.
//! - the rest: one file per object of the header.
#![allow(
    non_camel_case_types,
    reason = "types have the names that C knows them by"
)]
#![allow(
    unreachable_pub,
    reason = "what is exported is public to C, and to the fuzzer, which links this crate as Rust"
)]
#![allow(
    clippy::doc_markdown,
    missing_debug_implementations,
    reason = "the documentation is the header's, and C prints nothing"
)]

mod audio;
mod avatar;
mod boundary;
mod callback;
mod clock;
mod constants;
mod draw;
mod driven;
mod emotion;
mod engine_handle;
mod error;
mod frame;
mod handle;
mod log;
mod mp4;
mod names;
mod picture;
mod session;
mod session_options;
mod sized;
mod statistics;
mod status;
mod status_names;
mod text;
mod version;
mod wakeup;

pub use audio::*;
pub use avatar::*;
pub use callback::*;
pub use clock::*;
pub use draw::*;
pub use driven::*;
pub use emotion::*;
pub use engine_handle::*;
pub use error::*;
pub use frame::*;
pub use log::*;
pub use mp4::*;
pub use names::*;
pub use picture::*;
pub use session::*;
pub use session_options::*;
pub use statistics::*;
pub use status::*;
pub use status_names::*;
pub use version::*;
pub use wakeup::*;
