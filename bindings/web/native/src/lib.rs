//! The engine for browsers: a WebAssembly module whose exports take and give numbers alone.
//!
//! The page copies bytes into buffers of the module and gives their addresses;
//! results lie in the module's memory, at addresses that exports give, until the next call. Avatars,
//! sessions and loaders have numbers as handles, which are never used again.
//!
//! # Trust
//! Callers are not trusted: an address counts only if it is a buffer's and the length is within, a
//! handle only if it is of the kind that is wanted, and every other number is checked by the engine.
//! A call that fails gives [`FAILED`] and leaves an error (`error`). A panic ends the module; what it
//! said can be read still.
//!
//! # One at a time
//! There are no threads: a call ends before the next begins.

#![expect(unreachable_pub, reason = "exports are the page's")]

mod avatar;
mod drive;
mod error;
mod loader;
mod memory;
mod session;
#[cfg(test)]
mod tests;
mod world;

/// The answer of a call that fails.
pub const FAILED: i32 = -1;

/// The version of this interface; the page's code refuses another one.
pub const VERSION: u32 = 1;

/// [`VERSION`], for the page.
#[unsafe(no_mangle)]
pub extern "C" fn web_version() -> u32 {
    VERSION
}
