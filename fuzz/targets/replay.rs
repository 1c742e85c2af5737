//! Runs the committed corpus through the targets, then mutations of it for a while: what can be done
//! with a stable compiler, where libFuzzer can't be built. It knows nothing of coverage.
//!
//!     replay SECONDS

// Bodies hold modules of crates that call it so.
extern crate engine as essence;

#[path = "../bodies/mod.rs"]
mod bodies;

use std::path::Path;
use std::time::{Duration, Instant};

type Body = fn(&[u8]);

const TARGETS: [(&str, Body); 7] = [
    ("imx", bodies::imx::run),
    ("audio_chunks", bodies::audio_chunks::run),
    ("audio_file", bodies::audio_file::run),
    ("ffi_calls", bodies::ffi_calls::run),
    ("models", bodies::models::run),
    ("network", bodies::network::run),
    ("portrait", bodies::portrait::run),
];

fn main() {
    let seconds: u64 = std::env::args()
        .nth(1)
        .and_then(|x| x.parse().ok())
        .unwrap_or(0);
    for (name, body) in TARGETS {
        let corpus = read(
            &Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("corpus")
                .join(name),
        );
        assert!(!corpus.is_empty(), "the corpus of {name} is there");
        corpus.iter().for_each(|input| body(input));
        let (start, budget) = (Instant::now(), Duration::from_secs(seconds));
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        let mut runs = corpus.len();
        while start.elapsed() < budget {
            let mut input = corpus[random.below(corpus.len())].clone();
            let other = &corpus[random.below(corpus.len())];
            random.mutate(&mut input, other);
            body(&input);
            runs += 1;
        }
        println!("{name}: {} files, {runs} runs", corpus.len());
    }
}

fn read(folder: &Path) -> Vec<Vec<u8>> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    files.sort();
    files
        .iter()
        .filter_map(|path| std::fs::read(path).ok())
        .collect()
}

/// Xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % end.max(1)
    }

    fn mutate(&mut self, input: &mut Vec<u8>, other: &[u8]) {
        for _ in 0..=self.below(8) {
            let at = self.below(input.len());
            match self.below(6) {
                0 if !input.is_empty() => input[at] = self.below(256) as u8,
                1 if !input.is_empty() => input[at] ^= 1 << self.below(8),
                2 => input.insert(at, self.below(256) as u8),
                3 if !input.is_empty() => {
                    input.remove(at);
                }
                4 => input.truncate(at),
                _ => {
                    let from = self.below(other.len());
                    let piece = &other[from..(from + 1 + self.below(32)).min(other.len())];
                    input.splice(at..at, piece.iter().copied());
                }
            }
            input.truncate(1 << 15);
        }
    }
}
