//! What the benchmarks share: the shipped avatar and a steady voice.
//!
//! Run them with `cargo xtask bench`, which keeps to one core. Compare ratios within one run; times
//! of another machine, or of a busy one, say nothing.

use std::path::PathBuf;

use essence::{Avatar, Engine, Provider};

/// The avatar that ships, on the CPU provider.
///
/// # Panics
/// If ONNX Runtime or the avatar is missing.
pub fn avatar() -> Avatar {
    Engine::builder()
        .provider(Provider::Cpu)
        .build()
        .expect("run `cargo xtask runtime` first")
        .open(avatar_path())
        .expect("the shipped avatar opens")
}

/// Where the shipped avatar lies.
pub fn avatar_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testdata/avatars/mika.imx")
}

/// `samples` of something loud enough that the mouth never rests.
pub fn voice(samples: usize, rate_hz: u32) -> Vec<f32> {
    (0..samples)
        .map(|i| {
            let t = i as f32 / rate_hz as f32;
            let tone: f32 = (1..8)
                .map(|h| (t * 754.0 * h as f32).sin() / h as f32)
                .sum();
            0.15 * tone * (1.2 + (t * 25.0).sin())
        })
        .collect()
}
