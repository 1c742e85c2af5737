//! The cost of lesser vectors: our own runtime and the pictures' kernels with SSE4.1, AVX2 and all that the
//! processor has, in turn in one run.
//!
//! `cargo bench --package benches --bench vectors -- [rounds]`, by default 200. A line of CSV for each stage:
//! the least times, and their ratios to AVX2's.
#![expect(clippy::print_stdout, reason = "prints a table")]

use std::time::Instant;

use benches::Talk;
use essence::internals::{Picture, Width, limit};
use essence::{Engine, Provider};

const WIDTHS: [Width; 3] = [Width::Sse4, Width::Avx2, Width::Widest];

fn main() {
    let rounds = match benches::numbers().first() {
        Some(&rounds) => rounds,
        None if benches::is_test() => 3,
        None => 200,
    };
    let builtin = Engine::builder().provider(Provider::Builtin).threads(1);
    let engine = builtin.build().expect("it needs nothing");
    println!("{}", benches::CSV_HEAD);
    println!("what,sse4_ms,avx2_ms,widest_ms,sse4_ratio,widest_ratio");
    let avatars = WIDTHS.map(|width| {
        limit(width);
        engine
            .open(benches::avatar_path())
            .expect("the avatar opens")
    });
    let mut pictures = avatars
        .each_ref()
        .map(|avatar| Picture::new(avatar).expect("it draws"));
    compare("speech", rounds, &mut pictures, |picture| {
        picture.speech().expect("it runs");
    });
    compare("identity", rounds, &mut pictures, |picture| {
        picture.identity().expect("it runs");
    });
    let mut talks = [0, 1, 2].map(|index: usize| {
        limit(WIDTHS[index]);
        Talk::new(&avatars[index])
    });
    compare("frame", rounds.max(100), &mut talks, Talk::frame);
}

/// Times what all do, in turn.
fn compare<T>(what: &str, rounds: usize, all: &mut [T; 3], run: impl Fn(&mut T)) {
    let mut least = [f64::INFINITY; 3];
    for _ in 0..rounds {
        for ((one, width), least) in all.iter_mut().zip(WIDTHS).zip(&mut least) {
            limit(width);
            let begin = Instant::now();
            run(one);
            *least = least.min(begin.elapsed().as_secs_f64() * 1e3);
        }
    }
    let [sse4, avx2, widest] = least;
    println!(
        "{what},{sse4:.4},{avx2:.4},{widest:.4},{:.2},{:.2}",
        sse4 / avx2,
        widest / avx2
    );
}
