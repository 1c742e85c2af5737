//! Our own runtime against ONNX Runtime's CPU provider, in turn in one run.
//!
//! `cargo bench --package benches --bench runtimes -- [rounds]`, by default 400. A line of CSV for each
//! stage: the least and the middle time by each, and the ratio of the least ones.
#![expect(clippy::print_stdout, reason = "prints a table")]

use std::time::{Duration, Instant};

use benches::Talk;
use essence::internals::Picture;
use essence::{Avatar, Engine, Provider};

/// Bytes that are written before each round: about what a frame's other stages touch.
const OTHER_BYTES: usize = 3 << 20;

fn main() {
    let rounds = match benches::numbers().first() {
        Some(&rounds) => rounds,
        None if benches::is_test() => 3,
        None => 400,
    };
    let engines = [Provider::Builtin, Provider::Cpu].map(|provider| {
        let engine = Engine::builder().provider(provider).threads(1).build();
        engine.expect("run `cargo xtask runtime` first")
    });
    let open = |engine: &Engine| {
        engine
            .open(benches::avatar_path())
            .expect("the avatar opens")
    };
    let avatars = [open(&engines[0]), open(&engines[1])];
    println!("{}", benches::CSV_HEAD);
    println!("what,builtin_least_ms,cpu_least_ms,builtin_p50_ms,cpu_p50_ms,ratio");
    let picture = |avatar: &Avatar| Picture::new(avatar).expect("it draws");
    let mut pictures = [picture(&avatars[0]), picture(&avatars[1])];
    let speech = |picture: &mut Picture| {
        picture.speech().expect("it runs");
    };
    let identity = |picture: &mut Picture| picture.identity().expect("it runs");
    compare("speech", rounds, 0, &mut pictures, speech);
    compare("identity", rounds, 0, &mut pictures, identity);
    compare(
        "both_in_a_frame",
        rounds,
        OTHER_BYTES,
        &mut pictures,
        |picture| {
            speech(picture);
            identity(picture);
        },
    );
    let mut talks = [Talk::new(&avatars[0]), Talk::new(&avatars[1])];
    compare("frame", rounds.max(100), 0, &mut talks, Talk::frame);
    let mut reopened = engines;
    let opening = |engine: &mut Engine| Talk::new(&open(engine)).frame();
    compare(
        "open_to_first_frame",
        rounds.div_ceil(20),
        0,
        &mut reopened,
        opening,
    );
}

/// Times what both do, in turn.
fn compare<T>(what: &str, rounds: usize, other: usize, both: &mut [T; 2], run: impl Fn(&mut T)) {
    let mut times = [Vec::new(), Vec::new()];
    let mut memory = vec![0u8; other];
    for _ in 0..rounds {
        for (one, times) in both.iter_mut().zip(&mut times) {
            memory.iter_mut().for_each(|x| *x = x.wrapping_add(1));
            std::hint::black_box(&mut memory);
            let begin = Instant::now();
            run(one);
            times.push(begin.elapsed());
        }
    }
    let middle = times.each_mut().map(|times| benches::percentiles(times)[0]);
    let least = times.map(|times: Vec<Duration>| times[0].as_secs_f64() * 1e3);
    let ratio = least[0] / least[1];
    println!(
        "{what},{:.4},{:.4},{:.4},{:.4},{ratio:.3}",
        least[0], least[1], middle[0], middle[1]
    );
}
