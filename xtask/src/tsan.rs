//! `ThreadSanitizer`: the C programs that share a session between threads, and the engine's own tests
//! under threads. It sees only what is instrumented, so the standard library is compiled with it, from its
//! source; ONNX Runtime is not, and is left out of account (`ffi/tests/tsan.supp`).

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::root;
use crate::stage::Stage;

const TARGET: &str = "x86_64-unknown-linux-gnu";
/// Programs of `ffi/tests/c`.
const PROGRAMS: [&str; 2] = ["threads", "race"];
/// Rounds of `engine/tests/threads.rs` for each rate.
const THREAD_ROUNDS: &str = "100";
/// The exit code of `ThreadSanitizer`'s runtime after a report.
const REPORTED: i32 = 66;
const WANTED: &str = "ThreadSanitizer needs a Rust compiler with its standard library's source: `rustup component add rust-src \
    --toolchain nightly`, or Debian's rustc-web, cargo-web and rust-web-src";

/// A compiler that has the standard library's source, and the sanitizer's runtime.
struct Toolchain {
    cargo: PathBuf,
    rustc: PathBuf,
    runtime: PathBuf,
}

/// `cargo xtask c-test tsan [SECONDS]`
pub(crate) fn check(sh: &Shell, seconds: &str) -> Result<()> {
    let Some(toolchain) = find(sh)? else {
        println!("{WANTED}; skipped");
        return Ok(());
    };
    println!(
        "tsan: {} with {}",
        toolchain.rustc.display(),
        toolchain.runtime.display()
    );
    let stage = library(sh, &toolchain)?;
    for name in PROGRAMS {
        compile(sh, &stage, &toolchain, name)?;
    }
    let suppressions = root().join("ffi/tests/tsan.supp");
    let _options = sh.push_env(
        "TSAN_OPTIONS",
        format!(
            "halt_on_error=1:second_deadlock_stack=1:exitcode={REPORTED}:suppressions={}",
            suppressions.display()
        ),
    );
    {
        let _path = stage.loaded(sh);
        it_can_fail(sh, &stage)?;
        stage.run(sh, "threads", &["testdata", "1500"])?;
        stage.run(sh, "threads", &["testdata", "200", "realtime"])?;
    }
    stress(sh, &toolchain, seconds)
}

/// The nightly compiler, if it has the source, or the system's.
fn find(sh: &Shell) -> Result<Option<Toolchain>> {
    let sysroot = |rustc: &[&str]| {
        let [program, arguments @ ..] = rustc else {
            return None;
        };
        let said = cmd!(sh, "{program} {arguments...} --print sysroot")
            .quiet()
            .ignore_stderr()
            .read();
        said.ok().map(PathBuf::from)
    };
    let nightly = sysroot(&["rustc", "+nightly"]);
    let system = Path::new("/usr/bin/rustc")
        .is_file()
        .then(|| sysroot(&["/usr/bin/rustc"]))
        .flatten();
    let candidates = [&nightly, &system];
    let has_source = |sysroot: &&PathBuf| {
        sysroot
            .join("lib/rustlib/src/rust/library/Cargo.lock")
            .is_file()
    };
    let Some(chosen) = candidates.into_iter().flatten().find(has_source) else {
        return Ok(None);
    };
    // Any compiler's runtime will do: its interface has been the same for years.
    let library = |sysroot: &PathBuf| {
        sysroot
            .join("lib/rustlib")
            .join(TARGET)
            .join("lib/librustc-nightly_rt.tsan.a")
    };
    let runtimes = [nightly.as_ref().map(library), clang_runtime(sh)];
    let runtime = runtimes.into_iter().flatten().find(|path| path.is_file());
    Ok(Some(Toolchain {
        cargo: chosen.join("bin/cargo"),
        rustc: chosen.join("bin/rustc"),
        runtime: runtime.context(
            "no runtime of ThreadSanitizer: install a nightly compiler or clang with libclang-rt-dev",
        )?,
    }))
}

fn clang_runtime(sh: &Shell) -> Option<PathBuf> {
    let said = cmd!(sh, "clang -print-file-name=libclang_rt.tsan-x86_64.a");
    said.quiet().ignore_stderr().read().ok().map(PathBuf::from)
}

/// Cargo of the toolchain, told to instrument everything.
fn cargo<'a>(sh: &'a Shell, toolchain: &Toolchain) -> xshell::Cmd<'a> {
    let Toolchain { cargo, rustc, .. } = toolchain;
    let folder = root().join("target/sanitize-thread");
    cmd!(sh, "{cargo} -Zbuild-std")
        .env("RUSTC", rustc)
        // -Z is for those who know what they do.
        .env("RUSTC_BOOTSTRAP", "1")
        .env_remove("RUSTUP_TOOLCHAIN")
        .env("RUSTFLAGS", "-Zsanitizer=thread -Zexternal-clangrt")
        .env("CARGO_TARGET_DIR", folder)
        .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only")
}

/// The library, proved to be instrumented down to the standard library.
fn library(sh: &Shell, toolchain: &Toolchain) -> Result<Stage> {
    cargo(sh, toolchain)
        .args(["build", "--locked", "--package", "essence-ffi"])
        .args(["--target", TARGET])
        .run()?;
    let built = root()
        .join("target/sanitize-thread")
        .join(TARGET)
        .join("debug");
    let stage = Stage::new(sh, "target/sanitize-thread/stage", &built)?;
    let library = stage.library();
    let own = instrumented(sh, &library, "renderer")?;
    let standard = instrumented(sh, &library, "std..sys..sync")?;
    println!(
        "tsan: libessence.so is instrumented, in its renderer ({own} functions looked at) and in the standard library's locks ({standard})"
    );
    Ok(stage)
}

/// How many functions whose names hold `part` call `ThreadSanitizer`; an error if none does.
fn instrumented(sh: &Shell, library: &Path, part: &str) -> Result<usize> {
    let symbols = cmd!(sh, "nm {library}").quiet().read()?;
    let parts: Vec<&str> = part.split("..").collect();
    let names = symbols.lines().filter_map(|line| {
        let name = line.split_whitespace().nth(2)?;
        parts.iter().all(|part| name.contains(part)).then_some(name)
    });
    let mut count = 0;
    for name in names.take(8) {
        let code = cmd!(
            sh,
            "objdump --no-show-raw-insn --disassemble={name} {library}"
        )
        .quiet()
        .read()?;
        count += usize::from(code.contains("<__tsan_"));
    }
    ensure!(
        count > 0,
        "no function of {} in libessence.so calls ThreadSanitizer: it is not instrumented",
        parts.join("::")
    );
    Ok(count)
}

fn compile(sh: &Shell, stage: &Stage, toolchain: &Toolchain, name: &str) -> Result<()> {
    let (object, program) = (
        stage.folder.join(format!("{name}.o")),
        stage.folder.join(name),
    );
    cmd!(
        sh,
        "gcc -std=gnu11 -g -O1 -fsanitize=thread -Iinclude -c ffi/tests/c/{name}.c -o {object}"
    )
    .quiet()
    .run()?;
    let symbols = cmd!(sh, "nm {object}").quiet().read()?;
    ensure!(symbols.contains("__tsan_"), "{name}.o is not instrumented");
    let libraries = stage.folder.join("lib");
    let run_path = format!("-Wl,-rpath,{}", libraries.display());
    let runtime = &toolchain.runtime;
    cmd!(
        sh,
        "gcc {object} -o {program} -Wl,--whole-archive {runtime} -Wl,--no-whole-archive -Wl,--export-dynamic -L{libraries}
         -lessence -lpthread -ldl -lm -lrt -lstdc++ {run_path}"
    )
    .quiet()
    .run()?;
    Ok(())
}

/// A race that is there on purpose, in memory that the library writes, is reported.
fn it_can_fail(sh: &Shell, stage: &Stage) -> Result<()> {
    let program = stage.folder.join("race");
    let output = cmd!(sh, "{program} testdata")
        .quiet()
        .ignore_status()
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    // What only instrumented code calls, for the library.
    let named = said.contains("WARNING: ThreadSanitizer: data race")
        && said.contains("__tsan_memcpy")
        && said.contains("essence::sized");
    if output.status.code() != Some(REPORTED) || !named {
        bail!("a race on purpose was not seen: {}\n{said}", output.status);
    }
    println!("tsan: a race on purpose is reported");
    Ok(())
}

/// The engine's tests under threads: 64 sessions in real time on the pool, interrupting at random, and the
/// content of utterances while other threads draw and prepare.
fn stress(sh: &Shell, toolchain: &Toolchain, seconds: &str) -> Result<()> {
    let pool = test_program(sh, toolchain, "pool")?;
    cmd!(sh, "{pool} many_sessions --nocapture")
        .env("ESSENCE_STRESS_S", seconds)
        .run()?;
    println!("tsan: 64 sessions interrupted at random for {seconds} s");
    let threads = test_program(sh, toolchain, "threads")?;
    cmd!(sh, "{threads} --nocapture")
        .env("ESSENCE_THREAD_ROUNDS", THREAD_ROUNDS)
        .run()?;
    println!("tsan: {THREAD_ROUNDS} rounds of utterances for each rate, unpaced and in real time");
    Ok(())
}

/// Builds one of the engine's test programs, and says where it is.
fn test_program(sh: &Shell, toolchain: &Toolchain, test: &str) -> Result<String> {
    let runtime = toolchain.runtime.display();
    // The runtime belongs into the program alone, in front of the C library, of which it needs more
    // than is linked otherwise.
    let said = cargo(sh, toolchain)
        .args(["rustc", "--locked", "--package", "essence"])
        .args(["--test", test, "--target", TARGET])
        .args(["--message-format", "json-render-diagnostics", "--"])
        .arg("-Zpre-link-arg=-Wl,--whole-archive")
        .arg(format!("-Zpre-link-arg={runtime}"))
        .arg("-Zpre-link-arg=-Wl,--no-whole-archive")
        .args(["-Clink-arg=-Wl,--export-dynamic", "-Clink-arg=-lstdc++"])
        .read()?;
    let program = said
        .split("\"executable\":\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .context("cargo did not say where the test is")?;
    Ok(program.to_owned())
}
