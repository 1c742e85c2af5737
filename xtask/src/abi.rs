//! The recorded binary interface, `ffi/abi/essence.abi`, against the header of today.
//!
//! abigail's tools read it from a library of empty functions that is compiled from the header: so the
//! record holds what C sees and nothing of what lies behind the opaque pointers. That the real
//! library exports the same functions is `c-test`'s to check.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

use crate::{c_test, header, root};

const RECORD: &str = "ffi/abi/essence.abi";

/// `abidiff`'s exit status, bit by bit.
const CHANGED: i32 = 4;
const INCOMPATIBLE: i32 = 8;

/// `cargo xtask abi`: fails on a change that breaks programs. With `accept`, records the interface.
pub(crate) fn abi(sh: &Shell, accept: bool) -> Result<()> {
    if !c_test::has(sh, "abidiff") || !c_test::has(sh, "gcc") {
        println!(
            "abidiff (abigail-tools) and gcc are not both installed: the ABI's check is skipped"
        );
        return Ok(());
    }
    let text = sh.read_file(root().join("include/essence.h"))?;
    let stub = stub(sh, &text, "today")?;
    if accept {
        sh.create_dir(root().join("ffi/abi"))?;
        cmd!(
            sh,
            "abidw --no-corpus-path --no-comp-dir-path --no-show-locs --out-file {RECORD} {stub}"
        )
        .run()?;
        println!("{RECORD} is written; it belongs into the commit that changes the interface");
        return Ok(());
    }
    match differ(sh, &stub)? {
        Difference::None => println!("abi: as recorded"),
        Difference::Compatible(report) => {
            bail!(
                "{report}\nthe interface has grown; `cargo xtask abi --accept`, and raise ESSENCE_ABI_VERSION_MINOR"
            )
        }
        Difference::Incompatible(report) => {
            bail!(
                "{report}\nthis breaks programs that were built before; it needs a new ESSENCE_ABI_VERSION_MAJOR"
            )
        }
    }
    notices_breaks(sh, &text)
}

enum Difference {
    None,
    Compatible(String),
    Incompatible(String),
}

fn differ(sh: &Shell, stub: &PathBuf) -> Result<Difference> {
    let output = cmd!(sh, "abidiff --no-show-locs {RECORD} {stub}")
        .quiet()
        .ignore_status()
        .output()?;
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    match output.status.code() {
        Some(0) => Ok(Difference::None),
        Some(code) if code & INCOMPATIBLE != 0 => Ok(Difference::Incompatible(report)),
        Some(code) if code & CHANGED != 0 && added_only(&report) => {
            Ok(Difference::Compatible(report))
        }
        Some(code) if code & CHANGED != 0 => Ok(Difference::Incompatible(report)),
        code => bail!(
            "abidiff failed ({code:?}): {}",
            String::from_utf8_lossy(&output.stderr)
        ),
    }
}

/// Whether a report names nothing but functions that were added.
fn added_only(report: &str) -> bool {
    report
        .lines()
        .filter(|line| line.contains("changes summary"))
        .all(|line| {
            line.contains("0 Removed") && line.contains("0 Changed")
                || line.starts_with("Variables")
        })
}

/// The check is worth something only if it fails when it has to.
fn notices_breaks(sh: &Shell, text: &str) -> Result<()> {
    let breaks = [
        (
            "a struct's field moved",
            "    essence_pixel_format format;\n    /**\n     * Width in pixels.",
            "",
        ),
        ("a function gone", "uint32_t essence_abi_version(void);", ""),
        (
            "a parameter widened",
            "uint32_t rate_hz,",
            "uint64_t rate_hz,",
        ),
    ];
    for (what, from, to) in breaks {
        if !text.contains(from) {
            bail!("the header has no {from:?} to break");
        }
        let to = if to.is_empty() && from.contains('\n') {
            "    /**\n     * Width in pixels."
        } else {
            to
        };
        let broken = stub(sh, &text.replace(from, to), "broken")?;
        if !matches!(differ(sh, &broken)?, Difference::Incompatible(_)) {
            bail!("abidiff did not notice: {what}");
        }
    }
    println!(
        "abi: {} incompatible changes would be noticed",
        breaks.len()
    );
    Ok(())
}

/// A library of empty functions with the types of a header.
fn stub(sh: &Shell, text: &str, name: &str) -> Result<PathBuf> {
    let folder = root().join("target/abi").join(name);
    sh.create_dir(&folder)?;
    sh.write_file(folder.join("essence.h"), text)?;
    let mut code = "#include \"essence.h\"\n#include <stdlib.h>\n".to_owned();
    for function in header::functions(text) {
        let header::Function {
            result,
            name,
            parameters,
        } = function;
        let _ = writeln!(
            code,
            "{result} {name}({parameters})\n{{\n    abort();\n}}\n"
        );
    }
    let source = folder.join("stub.c");
    sh.write_file(&source, code)?;
    let library = folder.join("libessence.so");
    // No machine's paths in the record.
    let here = format!("-fdebug-prefix-map={}=.", root().display());
    cmd!(
        sh,
        "gcc {here} -shared -fPIC -g -gdwarf-4 -fno-eliminate-unused-debug-types -w {source} -o {library}"
    )
    .quiet()
    .run()
    .context("the header's stub")?;
    Ok(library)
}
