//! The recorded binary interface, `ffi/abi/essence.abi`, against the header of today.
//!
//! abigail's tools read it from a library of empty functions that is compiled from the header: so the
//! record holds what C sees and nothing of what lies behind the opaque pointers. That the real
//! library exports the same functions is `c-test`'s to check.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

use crate::{header, root, stage};

const RECORD: &str = "ffi/abi/essence.abi";

/// `abidiff`'s exit status, bit by bit.
const CHANGED: i32 = 4;
const INCOMPATIBLE: i32 = 8;

/// `cargo xtask abi`: fails on a change that breaks programs. With `accept`, records the interface.
pub(crate) fn abi(sh: &Shell, accept: bool) -> Result<()> {
    if !stage::has(sh, "abidiff") || !stage::has(sh, "gcc") {
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

/// Whether a report names nothing but functions that were added and structs that grew at their end,
/// which `struct_size` allows. A line that is not known here is a break.
fn added_only(report: &str) -> bool {
    // Bits that the struct in question had.
    let mut had = u64::MAX;
    report
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .all(|line| {
            let number = |words: &str| {
                let rest = line.split(words).nth(1)?;
                rest.split_whitespace().next()?.parse::<u64>().ok()
            };
            if line.contains("changes summary:") {
                line.contains("0 Removed")
            } else if line.starts_with("type size changed from ") {
                had = number("from ").unwrap_or(u64::MAX);
                number("to ") > Some(had)
            } else if line.starts_with('\'') {
                number("at offset ") >= Some(had)
            } else {
                line.starts_with("[A] 'function ")
                    || line.starts_with("[C] 'function ")
                    || line.starts_with("parameter ") && line.ends_with(" has sub-type changes:")
                    || line.starts_with("in pointed to type ") && line.contains("'struct essence_")
                    || line.starts_with("in pointed to type 'const essence_")
                    || line.starts_with("in unqualified underlying type 'struct essence_")
                    || line.ends_with(" with some indirect sub-type change:")
                    || line.contains(" data member insertion")
                    || line.ends_with("Added function:")
                    || line.ends_with("Added functions:")
            }
        })
}

/// The check is worth something only if it fails when it has to.
fn notices_breaks(sh: &Shell, text: &str) -> Result<()> {
    let breaks = [
        (
            "a struct's field moved",
            "    essence_pixel_format format;\n    /**\n     * Width in pixels.",
            "    /**\n     * Width in pixels.",
        ),
        ("a function gone", "uint32_t essence_abi_version(void);", ""),
        (
            "a parameter widened",
            "uint32_t rate_hz,",
            "uint64_t rate_hz,",
        ),
        ("a struct that shrank", "    uint64_t file_bytes;\n", ""),
        (
            "a field among others",
            "    essence_provider provider;\n    /**\n     * ONNX",
            "    essence_provider provider;\n    uint64_t more;\n    /**\n     * ONNX",
        ),
    ];
    for (what, from, to) in breaks {
        if !text.contains(from) {
            bail!("the header has no {from:?} to break");
        }
        let broken = stub(sh, &text.replace(from, to), "broken")?;
        if !matches!(differ(sh, &broken)?, Difference::Incompatible(_)) {
            bail!("abidiff did not notice: {what}");
        }
    }
    let growths = [
        (
            "a struct that grew",
            "} essence_avatar_info;",
            "    uint64_t more;\n} essence_avatar_info;",
        ),
        (
            "options that grew",
            "} essence_session_options;",
            "    uint64_t more;\n} essence_session_options;",
        ),
        (
            "a function more",
            "uint32_t essence_abi_version(void);",
            "uint32_t essence_abi_version(void);\n/** More. */\nuint32_t essence_more(void);",
        ),
    ];
    for (what, from, to) in growths {
        let grown = stub(sh, &text.replace(from, to), "grown")?;
        if !matches!(differ(sh, &grown)?, Difference::Compatible(_)) {
            bail!("this is no break: {what}");
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
