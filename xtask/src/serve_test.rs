//! `cargo xtask serve-test`: `bithuman serve` as the programs meet it that were written for the platform.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use xshell::{Shell, cmd};

use crate::{bindings, command_line, root, runtime};

/// The test files, by the names of their verbs.
const PARTS: [&str; 8] = [
    "attacks", "bucket", "contract", "images", "jobs", "mcp", "snippets", "story",
];

/// All of them, briefly: what CI runs.
pub(crate) fn run(sh: &Shell, pictures: Option<&str>) -> Result<()> {
    let python = match python(sh) {
        Ok(python) => python,
        Err(error) => {
            println!("serve-test: its packages can't be had: skipped ({error})");
            return Ok(());
        }
    };
    command_line(sh)?;
    if let Some(pictures) = pictures {
        fs::create_dir_all(pictures)?;
    }
    let program = root().join("target/debug/bithuman");
    let pictures = pictures.map(fs::canonicalize).transpose()?;
    let _pictures = pictures.map(|folder| sh.push_env("SERVE_TEST_PICTURES", folder));
    test(sh, &python, &program, &["."])
}

/// One of them, thoroughly.
///
/// # Errors
/// There is no such part, or it fails.
pub(crate) fn part(sh: &Shell, part: &str) -> Result<()> {
    ensure!(PARTS.contains(&part), "parts are {}", PARTS.join(", "));
    let python = python(sh)?;
    let program = command_line(sh)?;
    let _examples = sh.push_env("SERVE_TEST_EXAMPLES", "150");
    let _least = sh.push_env("SERVE_TEST_LEAST", "5000");
    let _kills = sh.push_env("SERVE_TEST_KILLS", "20");
    test(sh, &python, &program, &[&format!("test_{part}.py")])
}

/// Reads beside a speaking avatar, of the program as it is shipped.
pub(crate) fn load(sh: &Shell, seconds: &str) -> Result<()> {
    let python = python(sh)?;
    cmd!(sh, "cargo build --release --locked --package bithuman-cli").run()?;
    let program = root().join("target/release/bithuman");
    let library = runtime::ensure(sh)?;
    let _dir = sh.push_dir(folder());
    cmd!(sh, "{python} load.py {seconds}")
        .env("BITHUMAN", program)
        .env("ORT_DYLIB_PATH", library)
        .run()?;
    Ok(())
}

fn folder() -> PathBuf {
    root().join("server/tests/platform")
}

fn python(sh: &Shell) -> Result<PathBuf> {
    let list = folder().join("requirements.txt");
    let lists = [list.clone()];
    bindings::ready(sh, "platform", &lists, |python| {
        cmd!(
            sh,
            "{python} -m pip install --quiet --disable-pip-version-check --requirement {list}"
        )
        .run()?;
        Ok(())
    })
    .context("the packages of server/tests/platform/requirements.txt")
}

fn test(sh: &Shell, python: &Path, program: &Path, files: &[&str]) -> Result<()> {
    let library = runtime::ensure(sh)?;
    let _dir = sh.push_dir(folder());
    cmd!(
        sh,
        "{python} -m pytest --quiet -rs --capture=tee-sys -p no:cacheprovider {files...}"
    )
    .env("BITHUMAN", program)
    .env("ORT_DYLIB_PATH", library)
    .env("PYTHONDONTWRITEBYTECODE", "1")
    .run()?;
    Ok(())
}
