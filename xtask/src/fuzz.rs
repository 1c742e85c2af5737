//! Fuzzing: libFuzzer where a nightly compiler is at hand, mutations of the corpus where not.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

use crate::{root, runtime};

/// The targets, and how long an input may get: longer ones only take longer.
const TARGETS: [(&str, &str); 7] = [
    ("imx", "4096"),
    ("audio_chunks", "256"),
    ("audio_file", "4096"),
    ("ffi_calls", "512"),
    ("models", "8192"),
    ("network", "8192"),
    ("portrait", "16384"),
];
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// Flags that make a compiler leave libFuzzer its traces.
const TRACES: &str = "--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table";

/// How a target is built.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Build {
    /// With memory checked and comparisons traced.
    Checked,
    /// With coverage alone, several times as fast.
    Fast,
}

impl Build {
    fn flags(self) -> String {
        match self {
            Self::Checked => format!(
                "{TRACES} -Cllvm-args=-sanitizer-coverage-trace-compares -Zsanitizer=address \
                    -Cunsafe-allow-abi-mismatch=sanitizer"
            ),
            Self::Fast => TRACES.to_owned(),
        }
    }

    fn folder(self) -> PathBuf {
        root().join(match self {
            Self::Checked => "target/fuzz",
            Self::Fast => "target/fuzz-fast",
        })
    }
}

/// `cargo xtask fuzz TARGET [--fast] [SECONDS]`: libFuzzer on one target, from the committed corpus.
/// Inputs that it finds are kept in `target/fuzz/corpus`, what crashes in `target/fuzz/artifacts`.
pub(crate) fn fuzz(sh: &Shell, target: &str, build: Build, seconds: &str) -> Result<()> {
    let (program, longest) = compile(sh, target, build)?;
    let (seed, corpus, artifacts) = (
        root().join("fuzz/corpus").join(target),
        root().join("target/fuzz/corpus").join(target),
        root().join("target/fuzz/artifacts"),
    );
    sh.create_dir(&corpus)?;
    sh.create_dir(&artifacts)?;
    let _environment = environment(sh)?;
    let prefix = format!("{}/{target}-", artifacts.display());
    cmd!(
        sh,
        "{program} {corpus} {seed} -max_total_time={seconds} -artifact_prefix={prefix} -timeout=20 -rss_limit_mb=2048
         -max_len={longest} -entropic_scale_per_exec_time=1 -print_final_stats=1"
    )
    .run()?;
    Ok(())
}

/// `cargo xtask fuzz TARGET --minimize`: brings what was found into the committed corpus, as few and
/// small files as cover the same.
pub(crate) fn minimize(sh: &Shell, target: &str) -> Result<()> {
    let (program, longest) = compile(sh, target, Build::Fast)?;
    let (seed, found) = (
        root().join("fuzz/corpus").join(target),
        root().join("target/fuzz/corpus").join(target),
    );
    let fresh = root().join("target/fuzz/minimized").join(target);
    sh.remove_path(&fresh)?;
    sh.create_dir(&fresh)?;
    let _environment = environment(sh)?;
    cmd!(
        sh,
        "{program} -merge=1 -max_len={longest} {fresh} {seed} {found}"
    )
    .run()?;
    sh.remove_path(&seed)?;
    sh.create_dir(&seed)?;
    for file in sh.read_dir(&fresh)? {
        sh.copy_file(&file, &seed)?;
    }
    Ok(())
}

/// `cargo xtask fuzz replay [SECONDS]`: the committed corpus and mutations of it, with the stable
/// compiler.
pub(crate) fn replay(sh: &Shell, seconds: &str) -> Result<()> {
    let _runtime = sh.push_env("ORT_DYLIB_PATH", runtime::ensure(sh)?);
    let folder = root().join("target");
    cmd!(
        sh,
        "cargo run --quiet --locked --manifest-path fuzz/Cargo.toml --target-dir {folder} --bin replay -- {seconds}"
    )
    .run()?;
    Ok(())
}

fn environment(sh: &Shell) -> Result<Vec<xshell::PushEnv<'_>>> {
    let suppressions = root().join("ffi/tests/lsan.supp");
    let leaks = format!(
        "suppressions={}:print_suppressions=0",
        suppressions.display()
    );
    let mut environment = vec![
        sh.push_env("ORT_DYLIB_PATH", runtime::ensure(sh)?),
        sh.push_env("LSAN_OPTIONS", leaks),
        // OpenH264's tables are linked twice, as a program's and as a library's.
        sh.push_env("ASAN_OPTIONS", "detect_odr_violation=0"),
    ];
    // Where videos are written: memory, if there is such a folder.
    if Path::new("/dev/shm").is_dir() {
        environment.push(sh.push_env("TMPDIR", "/dev/shm"));
    }
    Ok(environment)
}

/// The target's program, and its longest input.
fn compile(sh: &Shell, target: &str, build: Build) -> Result<(PathBuf, &'static str)> {
    let Some(&(_, longest)) = TARGETS.iter().find(|(name, _)| *name == target) else {
        bail!(
            "`{target}` is not a target; choose one of {}",
            TARGETS.map(|(name, _)| name).join(", ")
        );
    };
    let folder = build.folder();
    let _flags = sh.push_env("RUSTFLAGS", build.flags());
    cmd!(
        sh,
        "cargo +nightly build --release --locked --manifest-path fuzz/Cargo.toml --features libfuzzer --target {PLATFORM}
         --target-dir {folder} --bin {target}"
    )
    .run()?;
    let program = folder.join(PLATFORM).join("release").join(target);
    Ok((program, longest))
}
