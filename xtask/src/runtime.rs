//! ONNX Runtime for development, and a Python for the studio's tests: both by the ordinary package
//! client of the Python registry.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};
use xshell::{Shell, cmd};

use crate::root;

const VERSION: &str = "1.31.1";

/// A build of the library: the wheel's platform tag, the file in it, and the file's hash.
struct Build {
    platform: &'static str,
    file: &'static str,
    sha256: &'static str,
}

/// The build for this machine.
fn build() -> Result<Build> {
    let (platform, file, sha256) = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => (
            "manylinux_2_28_x86_64",
            "libonnxruntime.so.1.31.1",
            "fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3",
        ),
        ("linux", "aarch64") => (
            "manylinux_2_28_aarch64",
            "libonnxruntime.so.1.31.1",
            "8aa3b76b28c778a2b1dd660d34161adb1d508c9ccd04ff9dc80e26eca5df8467",
        ),
        ("macos", "aarch64") => (
            "macosx_14_0_arm64",
            "libonnxruntime.1.31.1.dylib",
            "d586cbe89effc085a09d3341b3cfbd5c322517f9d397aeb20814af21433f2b36",
        ),
        ("windows", "x86_64") => (
            "win_amd64",
            "onnxruntime.dll",
            "e45f61e50d8650885452be538a00bb14a715e46a1bc3691000ce947e89ed0306",
        ),
        ("windows", "aarch64") => (
            "win_arm64",
            "onnxruntime.dll",
            "dc9e2fe646a72829386a24ac9185a7a4e26d7dbe5dc433d41df063603c00bbc7",
        ),
        (os, arch) => {
            bail!("no ONNX Runtime {VERSION} is packaged for {os} on {arch}. {ELSEWHERE}")
        }
    };
    Ok(Build {
        platform,
        file,
        sha256,
    })
}

const ELSEWHERE: &str =
    "Get ONNX Runtime 1.19 or newer by other means and set ORT_DYLIB_PATH to its shared library";

/// The library, downloaded unless it is there. A library that `ORT_DYLIB_PATH` names is taken as it
/// is.
///
/// It lies under one name on every system, because `.cargo/config.toml` can name but one.
pub(crate) fn ensure(sh: &Shell) -> Result<PathBuf> {
    let library = root().join("target/onnxruntime/libonnxruntime.so");
    if let Some(own) = std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from)
        && own != library
        && own.is_file()
    {
        return Ok(own);
    }
    let build = build()?;
    if sh
        .read_binary_file(&library)
        .is_ok_and(|bytes| sha256(&bytes) == build.sha256)
    {
        return Ok(library);
    }
    let python = python()?;
    let download = sh.create_temp_dir()?;
    let (platform, to) = (build.platform, download.path());
    cmd!(
        sh,
        "{python} -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.12
         --platform {platform} --dest {to} onnxruntime=={VERSION}"
    )
    .run()
    .with_context(|| format!("pip could not download onnxruntime {VERSION}. {ELSEWHERE}"))?;
    let wheel = sh.read_dir(to)?.pop().context("pip downloaded nothing")?;
    cmd!(sh, "{python} -m zipfile --extract {wheel} {to}").run()?;
    let bytes = sh.read_binary_file(to.join("onnxruntime/capi").join(build.file))?;
    if sha256(&bytes) != build.sha256 {
        bail!(
            "{} of onnxruntime {VERSION} has the hash {}, not {}",
            build.file,
            sha256(&bytes),
            build.sha256
        );
    }
    // Written beside and renamed, so that a process that has the old one mapped keeps it.
    let part = library.with_extension("part");
    sh.write_file(&part, bytes)?;
    std::fs::rename(&part, &library)?;
    Ok(library)
}

/// A Python interpreter in `target/venv` that has `packages`.
pub(crate) fn python_with(sh: &Shell, packages: &[&str]) -> Result<PathBuf> {
    let venv = root().join("target/venv");
    let interpreter = venv.join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    });
    if !interpreter.is_file() {
        let python = python()?;
        cmd!(sh, "{python} -m venv {venv}").run()?;
    }
    cmd!(
        sh,
        "{interpreter} -m pip install --quiet --disable-pip-version-check {packages...}"
    )
    .run()?;
    Ok(interpreter)
}

/// The system's Python, if it has pip.
pub(crate) fn python() -> Result<&'static str> {
    // Asked from a shell of its own, so that a failure prints nothing.
    let quiet = Shell::new()?;
    for name in ["python3", "python"] {
        if cmd!(quiet, "{name} -m pip --version")
            .quiet()
            .ignore_stdout()
            .ignore_stderr()
            .run()
            .is_ok()
        {
            return Ok(name);
        }
    }
    bail!(
        "ONNX Runtime comes through python3 and pip, and one of them is missing here. {ELSEWHERE}"
    )
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
