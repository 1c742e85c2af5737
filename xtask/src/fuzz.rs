//! Fuzzing: libFuzzer where a nightly compiler is at hand, mutations of the corpus where not.

use std::path::PathBuf;

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

use crate::{root, runtime};

const TARGETS: [&str; 3] = ["imx", "audio_chunks", "ffi_calls"];
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// What makes a compiler leave libFuzzer its traces, and check memory.
const FLAGS: &str = "--cfg fuzzing -Zsanitizer=address -Cunsafe-allow-abi-mismatch=sanitizer -Ccodegen-units=1 \
    -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// `cargo xtask fuzz TARGET [SECONDS]`: libFuzzer on one target, from the committed corpus. What it
/// finds is kept in `target/fuzz/corpus`, what crashes in `target/fuzz/artifacts`.
pub(crate) fn fuzz(sh: &Shell, target: &str, seconds: &str) -> Result<()> {
    let program = build(sh, target)?;
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
         -max_len=16384 -print_final_stats=1"
    )
    .run()?;
    Ok(())
}

/// `cargo xtask fuzz TARGET --minimize`: brings what was found into the committed corpus, as few and
/// small files as cover the same.
pub(crate) fn minimize(sh: &Shell, target: &str) -> Result<()> {
    let program = build(sh, target)?;
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
        "{program} -merge=1 -max_len=4096 {fresh} {seed} {found}"
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

fn environment(sh: &Shell) -> Result<[xshell::PushEnv<'_>; 2]> {
    let suppressions = root().join("ffi/tests/lsan.supp");
    Ok([
        sh.push_env("ORT_DYLIB_PATH", runtime::ensure(sh)?),
        sh.push_env(
            "LSAN_OPTIONS",
            format!(
                "suppressions={}:print_suppressions=0",
                suppressions.display()
            ),
        ),
    ])
}

fn build(sh: &Shell, target: &str) -> Result<PathBuf> {
    if !TARGETS.contains(&target) {
        bail!(
            "`{target}` is not a target; choose one of {}",
            TARGETS.join(", ")
        );
    }
    let folder = root().join("target/fuzz");
    let _flags = sh.push_env("RUSTFLAGS", FLAGS);
    cmd!(
        sh,
        "cargo +nightly build --release --locked --manifest-path fuzz/Cargo.toml --features libfuzzer --target {PLATFORM}
         --target-dir {folder} --bin {target}"
    )
    .run()?;
    Ok(folder.join(PLATFORM).join("release").join(target))
}
