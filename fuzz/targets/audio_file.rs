//! libFuzzer's side of the target `audio_file`; what it does is in `bodies/`.
#![no_main]

#[path = "../bodies/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::audio_file::run(data));
