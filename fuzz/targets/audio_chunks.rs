//! libFuzzer's side of the target `audio_chunks`; what it does is in `bodies/`.
#![no_main]

#[path = "../bodies/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::audio_chunks::run(data));
