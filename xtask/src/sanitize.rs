//! The C programs of `ffi/tests/c` under `AddressSanitizer` with `UBSan`, and under valgrind. `tsan.rs`
//! has `ThreadSanitizer`.
//!
//! Sanitizers need a nightly compiler for the Rust side; its own runtime serves both sides. The one
//! for undefined behaviour instruments the C side; Rust's own checks (overflow, bounds) are on
//! anyway. The standard library and ONNX Runtime come uninstrumented.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

use crate::root;
use crate::stage::{PROGRAMS, Stage};

const TARGET: &str = "x86_64-unknown-linux-gnu";

pub(crate) fn address(sh: &Shell) -> Result<()> {
    let Some(stage) = build(sh, "address", "asan", "__asan_report_load")? else {
        return Ok(());
    };
    compile(sh, &stage, "asan", "-fsanitize=address,undefined")?;
    let _path = stage.loaded(sh);
    let _options = sh.push_env(
        "ASAN_OPTIONS",
        "detect_stack_use_after_return=1:detect_leaks=1:detect_odr_violation=0",
    );
    let suppressions = root().join("ffi/tests/lsan.supp");
    let _leaks = sh.push_env(
        "LSAN_OPTIONS",
        format!("suppressions={}", suppressions.display()),
    );
    let _undefined = sh.push_env("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1");
    let scratch = stage.text();
    stage.run(sh, "smoke", &["testdata", &scratch, "3"])?;
    stage.run(sh, "errors", &["testdata", &scratch])?;
    stage.run(sh, "threads", &["testdata", "1500"])
}

/// The library with `-Zsanitizer`, proved to be instrumented; None where there is no nightly
/// compiler.
fn build(sh: &Shell, sanitizer: &str, short: &str, proof: &str) -> Result<Option<Stage>> {
    if cmd!(sh, "rustc +nightly --version")
        .quiet()
        .ignore_stdout()
        .ignore_stderr()
        .run()
        .is_err()
    {
        println!("no nightly compiler is installed: {short} is skipped");
        return Ok(None);
    }
    // One folder for all: what is compiled from C and C++ is the same.
    let folder = root().join("target/sanitize");
    let _flags = sh.push_env(
        "RUSTFLAGS",
        format!("-Zsanitizer={sanitizer} -Cunsafe-allow-abi-mismatch=sanitizer"),
    );
    cmd!(sh, "cargo +nightly build --locked --package essence-ffi --target {TARGET} --target-dir {folder}").run()?;
    let stage = Stage::new(
        sh,
        &format!("target/sanitize/{short}"),
        &folder.join(TARGET).join("debug"),
    )?;
    let library = stage.library();
    let symbols = cmd!(sh, "nm -D {library}").quiet().read()?;
    let calls = symbols.lines().filter(|line| line.contains(proof)).count();
    if calls == 0 {
        bail!("libessence.so calls no {proof}*: it is not instrumented");
    }
    println!("{short}: libessence.so is instrumented ({calls} kinds of {proof}* called)");
    Ok(Some(stage))
}

/// The programs, instrumented, with the sanitizer's runtime of the Rust compiler.
fn compile(sh: &Shell, stage: &Stage, short: &str, flag: &str) -> Result<()> {
    let sysroot = cmd!(sh, "rustc +nightly --print sysroot").quiet().read()?;
    let runtime = PathBuf::from(sysroot)
        .join("lib/rustlib")
        .join(TARGET)
        .join(format!("lib/librustc-nightly_rt.{short}.a"));
    let runtime = runtime.to_str().context("the path is not UTF-8")?;
    let libraries = stage.folder.join("lib");
    let run_path = format!("-Wl,-rpath,{}", libraries.display());
    for name in PROGRAMS {
        let (object, program) = (
            stage.folder.join(format!("{name}.o")),
            stage.folder.join(name),
        );
        cmd!(
            sh,
            "gcc -std=gnu11 -g -O1 {flag} -Iinclude -c ffi/tests/c/{name}.c -o {object}"
        )
        .quiet()
        .run()?;
        let symbols = cmd!(sh, "nm {object}").quiet().read()?;
        if !symbols.contains(&format!("__{short}_")) {
            bail!("{name}.o is not instrumented");
        }
        // UBSan's runtime is a part of the others'.
        cmd!(
            sh,
            "gcc {object} -o {program} -Wl,--whole-archive {runtime} -Wl,--no-whole-archive -Wl,--export-dynamic -L{libraries}
             -lessence -lpthread -ldl -lm -lrt -lstdc++ {run_path}"
        )
        .quiet()
        .run()?;
    }
    Ok(())
}

/// Opens and closes everything, a few times and more times: nothing is lost, and what is still
/// reachable at the end doesn't grow.
pub(crate) fn valgrind(sh: &Shell, stage: &Stage) -> Result<()> {
    if !crate::stage::has(sh, "valgrind") {
        println!("valgrind is not installed: skipped");
        return Ok(());
    }
    stage.compile(sh, "gcc", "ffi/tests/c/smoke.c", "smoke", &["-std=gnu11"])?;
    let _path = stage.loaded(sh);
    let few = leaks(sh, stage, "1")?;
    let more = leaks(sh, stage, "3")?;
    println!("valgrind: after 1 and after 3 cycles {few:?} and {more:?}");
    if few.definitely_bytes > 0
        || more.definitely_bytes > 0
        || more.reachable_blocks > few.reachable_blocks
    {
        bail!("memory is lost");
    }
    Ok(())
}

#[derive(Debug)]
struct Leaks {
    definitely_bytes: u64,
    reachable_blocks: u64,
}

fn leaks(sh: &Shell, stage: &Stage, times: &str) -> Result<Leaks> {
    let (program, scratch) = (stage.folder.join("smoke"), stage.text());
    let suppressions = root().join("ffi/tests/valgrind.supp");
    let suppressions = suppressions.display().to_string();
    let said = cmd!(
        sh,
        "valgrind --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite --error-exitcode=9
         --suppressions={suppressions} {program} testdata {scratch} {times}"
    )
    .quiet()
    .read_stderr()?;
    // "definitely lost: 1,024 bytes in 3 blocks"; a line is missing where there is nothing.
    let number = |what: &str, word: usize| {
        let line = said.lines().find_map(|line| line.split(what).nth(1));
        let digits = line.and_then(|line| line.split_whitespace().nth(word));
        digits.map_or(Ok(0), |digits| digits.replace(',', "").parse::<u64>())
    };
    if !said.contains("LEAK SUMMARY") && !said.contains("no leaks are possible") {
        bail!("valgrind said no summary:\n{said}");
    }
    Ok(Leaks {
        definitely_bytes: number("definitely lost:", 0)?,
        reachable_blocks: number("still reachable:", 3)?,
    })
}
