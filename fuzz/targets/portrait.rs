//! libFuzzer's side of the target `portrait`; what it does is in `bodies/`.
#![no_main]

#[path = "../bodies/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::portrait::run(data));
