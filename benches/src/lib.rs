//! Shared by the benchmarks: the shipped avatar and a steady voice.
//!
//! Run them with `cargo xtask bench`, which keeps to one core. Compare ratios within one run; times
//! of another machine, or of a busy one, say nothing.

mod talk;

use std::path::PathBuf;
use std::time::Duration;

use essence::{Avatar, Engine, Provider};
pub use talk::Talk;

/// The avatar that ships, on the [`provider`] that is measured.
///
/// # Panics
/// If ONNX Runtime or the avatar is missing.
pub fn avatar() -> Avatar {
    open(avatar_path())
}

/// The tests' tiny avatar.
///
/// # Panics
/// If ONNX Runtime or the avatar is missing.
pub fn toy() -> Avatar {
    open(avatar_path().with_file_name("toy.imx"))
}

fn open(path: PathBuf) -> Avatar {
    Engine::builder()
        .provider(provider())
        .build()
        .expect("run `cargo xtask runtime` first")
        .open(path)
        .expect("the avatar opens")
}

/// The provider that is measured: our own runtime, or the one that `ESSENCE_PROVIDER` names.
///
/// # Panics
/// If there is none of that name.
pub fn provider() -> Provider {
    match std::env::var("ESSENCE_PROVIDER") {
        Ok(name) => name.parse().expect("a provider's name"),
        Err(_) => Provider::Builtin,
    }
}

/// Path of the shipped avatar, or of the one that `ESSENCE_AVATAR` names.
pub fn avatar_path() -> PathBuf {
    if let Some(path) = std::env::var_os("ESSENCE_AVATAR") {
        return path.into();
    }
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

/// The head of a table of results; `cargo xtask record` adds the machine.
pub const CSV_HEAD: &str = concat!("# essence ", env!("CARGO_PKG_VERSION"));

/// Whether this is `cargo bench -- --test`, which wants to know only whether it runs.
pub fn is_test() -> bool {
    std::env::args().any(|word| word == "--test")
}

/// Half, 99 of 100 and all of the times are at most so many milliseconds. Sorts them.
///
/// # Panics
/// If there are no times.
pub fn percentiles(times: &mut [Duration]) -> [f64; 3] {
    times.sort_unstable();
    [0.5, 0.99, 1.0].map(|share| {
        let index = ((times.len() as f64 * share) as usize).min(times.len() - 1);
        times[index].as_secs_f64() * 1e3
    })
}

/// The numbers on the command line; what cargo puts there is passed over.
pub fn numbers() -> Vec<usize> {
    std::env::args()
        .skip(1)
        .filter_map(|argument| argument.parse().ok())
        .collect()
}

/// A small generator of numbers, the same on every run.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// A number from `low` to `high`, `high` left out.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        low + (self.0 >> 33) as usize % (high - low)
    }
}

/// Processor time of this process's threads so far, the system's part included; zero where the system
/// doesn't say.
pub fn processor_time() -> Duration {
    // In ticks of 10 ms, in fields 14 and 15 behind the name in brackets (`proc_pid_stat(5)`).
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * ticks)
}

/// The system's figures of this process; zeros where it has none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Process {
    /// Memory in use, in KiB.
    pub resident_kib: u64,
    /// Open files.
    pub handles: usize,
    /// Threads.
    pub threads: usize,
}

impl Process {
    /// As it is now.
    pub fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let value = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            let number = line.and_then(|line| line.split_whitespace().next());
            number.and_then(|number| number.parse().ok()).unwrap_or(0)
        };
        Self {
            resident_kib: value("VmRSS:"),
            handles: std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count),
            threads: usize::try_from(value("Threads:")).unwrap_or(0),
        }
    }
}
