//! The C library's Rust for systems that are not at hand, type-checked: iOS, Android, Windows.
//!
//! The standard library is compiled from its source for each; C and C++ is not compiled at all, since
//! nothing is linked.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::root;
use crate::web::toolchain::Toolchain;

const TARGETS: [&str; 3] = [
    "aarch64-apple-ios",
    "aarch64-linux-android",
    "x86_64-pc-windows-msvc",
];

/// Archives nothing; for Windows a file has to be there all the same.
const ARCHIVER: &str = "#!/bin/sh
for word; do
    case $word in -out:*) : > \"${word#-out:}\" ;; esac
done
";

/// `cargo xtask targets`
pub(crate) fn check(sh: &Shell) -> Result<()> {
    let Some(toolchain) = Toolchain::ensure(sh)? else {
        println!(
            "targets: there is no apt-get to bring a compiler with its library's source: skipped"
        );
        return Ok(());
    };
    let folder = root().join("target/targets");
    let archiver = folder.join("archiver");
    sh.write_file(&archiver, ARCHIVER)?;
    cmd!(sh, "chmod 755 {archiver}").run()?;
    for target in TARGETS {
        let name = target.replace('-', "_");
        cmd!(
            sh,
            "cargo check -Zbuild-std --locked --package essence-ffi --lib --target {target}"
        )
        .env("RUSTC", toolchain.rustc())
        // Stable compilers refuse to build the standard library unless they are told to.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", &folder)
        // Nor are the systems' own files looked for.
        .env("CRATE_CC_NO_DEFAULTS", "1")
        .env("SDKROOT", "/")
        .env(format!("CC_{name}"), "true")
        .env(format!("CXX_{name}"), "true")
        .env(format!("AR_{name}"), &archiver)
        .run()?;
        println!("targets: {target}");
    }
    Ok(())
}
