//! `cargo xtask test`, which is what CI runs, and `cargo xtask check`, its first part.

use std::time::Instant;

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

use crate::{
    abi, bindings, c_test, documents, flutter, fuzz, imports, inlined, install, languages,
    live_test, livekit_test, plots, root, runtime, serve_test, surfaces, swift, web,
};

/// A part of `cargo xtask test`.
type Part = (&'static str, fn(&Shell) -> Result<()>);

/// The parts beside which compilers are brought, and those after them, some of which need these.
const BEFORE: [Part; 4] = [
    ("check", check),
    ("studio", studio_tests),
    ("c", c_interface),
    ("python", |sh| bindings::python(sh, false)),
];
const AFTER: [Part; 10] = [
    ("swift", swift::test),
    ("flutter", flutter::test),
    ("inlined", inlined::check),
    ("live-test", |sh| live_test::run(sh, None)),
    ("firefox", |sh| live_test::firefox::run(sh, None)),
    ("livekit-test", |sh| livekit_test::run(sh, None)),
    ("serve-test", |sh| serve_test::run(sh, None)),
    ("web", |sh| web::test(sh, None)),
    ("graphics", graphics),
    // Last, so that its closing lines are.
    ("rust", |sh| {
        Ok(cmd!(sh, "cargo test --workspace --locked").run()?)
    }),
];

/// `cargo xtask test`: all of them. Ends with the closing lines of the workspace's tests.
pub(crate) fn test(sh: &Shell) -> Result<()> {
    runtime::ensure(sh)?;
    std::thread::scope(|scope| {
        // Downloads and slow compilers beside the rest, much of which keeps one processor busy.
        let compilers = scope.spawn(|| {
            let sh = Shell::new()?;
            sh.change_dir(root());
            swift::prepare(&sh)?;
            web::prepare(&sh).map(drop)
        });
        parts(sh, &BEFORE)?;
        let brought = compilers.join();
        brought.unwrap_or_else(|_| bail!("the thread has panicked"))
    })?;
    parts(sh, &AFTER)
}

/// Runs parts one after the other, and says how long each took.
fn parts(sh: &Shell, parts: &[Part]) -> Result<()> {
    for (name, part) in parts {
        let begun = Instant::now();
        part(sh)?;
        // In the workspace's tests, cargo has the last word.
        if *name != "rust" {
            println!("xtask: {name} took {} s", begun.elapsed().as_secs());
        }
    }
    Ok(())
}

/// The pictures that a graphics processor composes: apart from the other tests, which do without the feature.
fn graphics(sh: &Shell) -> Result<()> {
    // Of the workspace, as in `command_line`; the C interface's tests know an engine without the feature.
    cmd!(
        sh,
        "cargo test --workspace --exclude essence-ffi --features essence/gpu-compose --test gpu --locked"
    )
    .run()?;
    Ok(())
}

/// `cargo xtask check`: what compilers and checkers say of the sources and documents.
pub(crate) fn check(sh: &Shell) -> Result<()> {
    cmd!(sh, "cargo fmt --all --check").run()?;
    cmd!(
        sh,
        "cargo clippy --workspace --all-targets --locked -- -D warnings"
    )
    .run()?;
    documents::check(sh)?;
    surfaces::check(sh)?;
    languages::check(sh)?;
    imports::check(sh)?;
    plots::verify(sh)?;
    let _flags = sh.push_env("RUSTDOCFLAGS", "-D warnings");
    cmd!(sh, "cargo doc --workspace --no-deps --locked").run()?;
    let typos = runtime::python_with(sh, &["typos==1.52.0"])?.with_file_name("typos");
    cmd!(sh, "{typos}").run()?;
    let deny = cmd!(sh, "cargo-deny --version").quiet();
    if deny.ignore_stdout().ignore_stderr().run().is_ok() {
        cmd!(sh, "cargo deny check").run()?;
    } else {
        println!("cargo-deny is not installed: skipped");
    }
    Ok(())
}

/// The studio's tests that need no PyTorch; the others skip themselves.
fn studio_tests(sh: &Shell) -> Result<()> {
    let python = runtime::python_with(
        sh,
        &[
            "numpy",
            "scipy",
            "soundfile",
            "opencv-python-headless<5",
            "pillow",
            "pytest",
            "onnx<2",
            "onnxruntime==1.31.1",
            "av",
        ],
    )?;
    let _dir = sh.push_dir("studio");
    cmd!(sh, "{python} -m pytest --quiet tests").run()?;
    Ok(())
}

/// The C interface from the outside. What this machine lacks is named and skipped.
fn c_interface(sh: &Shell) -> Result<()> {
    c_test::c_test(sh)?;
    c_test::checked(sh, "valgrind")?;
    abi::abi(sh, false)?;
    install::check(sh)?;
    fuzz::replay(sh, "3")
}
