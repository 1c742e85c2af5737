//! libFuzzer's side of the target `ffi_calls`; what it does is in `bodies/`.
#![no_main]

// Bodies hold modules of crates that call it so.
extern crate engine as essence;

#[path = "../bodies/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::ffi_calls::run(data));
