//! A compiler for WebAssembly: Debian's `rustc-web`, taken apart into a folder instead of installed,
//! since it conflicts with `rustc`; and the standard library, which is compiled for it once.
//!
//! Neither Debian nor this repository's toolchain has that library for this target. Compiled once and
//! put beside the compiler, it serves plain builds; they have no LTO, since it has no bitcode.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use xshell::{Shell, cmd};

use crate::{cache, debian};

const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's packages: compiler, its libraries, the sources of the standard library.
const PACKAGES: [&str; 5] = [
    "rustc-web",
    "libstd-rust-web-1.96",
    "libstd-rust-web-dev",
    "rust-web-src",
    "libllvm22",
];

/// The compiler, ready to be used.
pub(crate) struct Toolchain {
    folder: PathBuf,
    linker: PathBuf,
}

impl Toolchain {
    /// The compiler, in the user's cache; brought there unless it is. None, and a line, where it can't be had.
    pub(crate) fn ensure(sh: &Shell) -> Result<Option<Self>> {
        let folder = cache::folder().join("rustc-web-1.96");
        let sysroot = cmd!(sh, "rustc --print sysroot").quiet().read()?;
        let linker = linker(Path::new(sysroot.trim()));
        let toolchain = Self { folder, linker };
        if toolchain.folder.join("ready").is_file() {
            return Ok(Some(toolchain));
        }
        println!(
            "web: brings the compiler into {}",
            toolchain.folder.display()
        );
        sh.remove_path(&toolchain.folder)?;
        sh.create_dir(&toolchain.folder)?;
        if let Err(error) = toolchain.unpack(sh) {
            println!("web: {error:#}");
            return Ok(None);
        }
        toolchain.compile_library(sh)?;
        sh.write_file(toolchain.folder.join("ready"), "")?;
        Ok(Some(toolchain))
    }

    /// The program, for builds that have their standard library compiled with them.
    pub(crate) fn rustc(&self) -> PathBuf {
        self.folder.join("rustc")
    }

    /// The module, with these features of `essence-web`, compiled into a folder.
    pub(super) fn build(&self, sh: &Shell, features: &str, into: &Path) -> Result<PathBuf> {
        let _rustc = sh.push_env("RUSTC", self.rustc());
        let _linker = sh.push_env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", &self.linker);
        let _flags = sh.push_env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
            "-Ctarget-feature=+simd128",
        );
        cmd!(
            sh,
            "cargo build --locked --profile web --package essence-web --features={features} --target {TARGET} --target-dir {into}"
        )
        .run()?;
        Ok(into.join(TARGET).join("web/essence_web.wasm"))
    }

    fn unpack(&self, sh: &Shell) -> Result<()> {
        let root = self.folder.join("root");
        debian::take_apart(sh, &PACKAGES, &root)?;
        let wrapper = self.folder.join("rustc");
        let (library, program) = (
            root.join("usr/lib/x86_64-linux-gnu"),
            root.join("usr/bin/rustc"),
        );
        let [library, program] = [&library, &program].map(|path| path.display());
        sh.write_file(
            &wrapper,
            format!("#!/bin/sh\nLD_LIBRARY_PATH='{library}' exec '{program}' \"$@\"\n"),
        )?;
        cmd!(sh, "chmod +x {wrapper}").quiet().run()?;
        // LLVM's own libraries come with Debian's clang.
        cmd!(sh, "{wrapper} --version").quiet().run()?;
        Ok(())
    }

    /// Compiles an empty crate with the standard library, and keeps that.
    fn compile_library(&self, sh: &Shell) -> Result<()> {
        let folder = self.folder.join("library");
        sh.write_file(
            folder.join("Cargo.toml"),
            "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n",
        )?;
        sh.write_file(folder.join("src/lib.rs"), "")?;
        {
            let _dir = sh.push_dir(&folder);
            let _rustc = sh.push_env("RUSTC", self.rustc());
            // Stable compilers refuse to build the standard library unless they are told to.
            let _bootstrap = sh.push_env("RUSTC_BOOTSTRAP", "1");
            let _panic = sh.push_env("CARGO_PROFILE_RELEASE_PANIC", "abort");
            let _target = sh.push_env("CARGO_TARGET_DIR", folder.join("target"));
            cmd!(
                sh,
                "cargo build --release -Zbuild-std=std,panic_abort --target {TARGET}"
            )
            .run()?;
        }
        let to = self
            .folder
            .join("root/usr/lib/rustlib")
            .join(TARGET)
            .join("lib");
        sh.create_dir(&to)?;
        let built = folder.join("target").join(TARGET).join("release/deps");
        let mut count = 0;
        for file in sh.read_dir(built)? {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            if name.ends_with(".rlib") && !name.starts_with("libempty") {
                sh.copy_file(&file, to.join(&*name))?;
                count += 1;
            }
        }
        ensure!(count > 0, "no standard library was compiled");
        sh.remove_path(folder.join("target"))
            .context("the standard library's intermediate files")
    }
}

/// The linker of the repository's own toolchain; else Debian's `lld`.
fn linker(sysroot: &Path) -> PathBuf {
    let own = sysroot.join("lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld");
    if own.is_file() { own } else { "wasm-ld".into() }
}
