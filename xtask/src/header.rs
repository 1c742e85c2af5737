//! `include/essence.h` from the sources of `ffi/`.
//!
//! cbindgen sees neither what macros expand to nor how constants belong together. So the few macros
//! of `ffi/` are read here: exports become plain functions and opaque types plain structs for
//! cbindgen; constants become anonymous enumerations behind their `typedef`; defaults become INIT
//! macros. What has no documentation is refused.

mod read;

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
use xshell::Shell;

use crate::root;
use read::{Constants, Source};

/// The sources in the order of the header.
const SOURCES: [&str; 20] = [
    "version",
    "status",
    "status_names",
    "error",
    "log",
    "names",
    "engine_handle",
    "avatar",
    "clock",
    "picture",
    "session_options",
    "session",
    "statistics",
    "emotion",
    "driven",
    "draw",
    "callback",
    "wakeup",
    "frame",
    "audio",
];
const LAST_SOURCE: &str = "mp4";

/// Writes the header, or with `verify` says whether it is up to date.
pub(crate) fn header(sh: &Shell, verify: bool) -> Result<()> {
    let path = root().join("include/essence.h");
    let generated = generate(sh)?;
    if !verify {
        sh.write_file(&path, generated)?;
        return Ok(());
    }
    if sh.read_file(&path).unwrap_or_default() != generated {
        bail!("include/essence.h is not what ffi/ says; run `cargo xtask header` and commit it");
    }
    Ok(())
}

fn generate(sh: &Shell) -> Result<String> {
    let mut source = Source::default();
    for name in SOURCES.iter().chain([&LAST_SOURCE]) {
        let path = root().join(format!("ffi/src/{name}.rs"));
        source
            .add(&sh.read_file(&path)?)
            .with_context(|| format!("{}", path.display()))?;
    }
    let folder = sh.create_temp_dir()?;
    let plain = folder.path().join("essence.rs");
    sh.write_file(&plain, &source.rust)?;

    let mut config = cbindgen::Config {
        language: cbindgen::Language::C,
        header: Some(sh.read_file(root().join("ffi/preamble.h"))?),
        include_guard: Some("ESSENCE_H".to_owned()),
        no_includes: true,
        sys_includes: vec!["stddef.h".to_owned(), "stdint.h".to_owned()],
        after_includes: Some(enumerations(&source.constants)),
        cpp_compat: true,
        usize_is_size_t: true,
        documentation_style: cbindgen::DocumentationStyle::Doxy,
        style: cbindgen::Style::Both,
        tab_width: 4,
        line_length: 120,
        ..cbindgen::Config::default()
    };
    config.function.args = cbindgen::Layout::Auto;
    let mut out = Vec::new();
    cbindgen::Builder::new()
        .with_config(config)
        .with_src(&plain)
        .generate()
        .context("cbindgen failed")?
        .write(&mut out);
    let mut text = String::from_utf8(out)?;

    // The INIT macros come behind the types and before the functions.
    let functions = text
        .find("#ifdef __cplusplus\nextern \"C\"")
        .context("cbindgen's header has no functions")?;
    text.insert_str(functions, &source.init_macros);
    Ok(text)
}

/// The constants: a `typedef` for the type and an anonymous enumeration for the values, so that they
/// are constants of the language (and not of the preprocessor alone) in C, C++ and every binding.
fn enumerations(all: &[Constants]) -> String {
    let mut text = String::new();
    for constants in all {
        let _ = write!(
            text,
            "\n{}typedef {} {};\n\nenum {{\n",
            comment(&constants.docs, ""),
            constants.c_type,
            constants.name
        );
        for (index, value) in constants.values.iter().enumerate() {
            let comma = if index + 1 == constants.values.len() {
                ""
            } else {
                ","
            };
            let _ = writeln!(
                text,
                "{}    {} = {}{comma}",
                comment(&value.docs, "    "),
                value.name,
                value.number
            );
        }
        text.push_str("};\n");
    }
    text
}

/// Lines of documentation as a C comment, indented.
fn comment(lines: &[String], indent: &str) -> String {
    let mut text = format!("{indent}/**\n");
    for line in lines {
        let _ = writeln!(text, "{}", format!("{indent} *{line}").trim_end());
    }
    let _ = writeln!(text, "{indent} */");
    text
}

/// A function as the header declares it.
pub(crate) struct Function<'a> {
    /// Its result, such as `const char *`.
    pub(crate) result: &'a str,
    pub(crate) name: &'a str,
    /// Between the parentheses.
    pub(crate) parameters: &'a str,
}

/// The functions of a header that [`header`] wrote.
pub(crate) fn functions(header: &str) -> impl Iterator<Item = Function<'_>> {
    let declarations = header
        .split_once("extern \"C\"")
        .map_or("", |(_, rest)| rest);
    declarations.split("*/").filter_map(|after_comment| {
        let (declaration, _) = after_comment.split_once(");")?;
        let (head, parameters) = declaration.trim_start().split_once('(')?;
        let name = head.rfind("essence_")?;
        // `essence_status essence_…`: the last one is the name.
        Some(Function {
            result: head[..name].trim(),
            name: &head[name..],
            parameters,
        })
    })
}
