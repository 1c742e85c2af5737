//! The C interface from the outside: its header in every version of C and C++, its exports, and
//! programs that use it. `sanitize.rs` has the same programs under memory and thread checkers.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

use crate::stage::{PROGRAMS, Stage, has};
use crate::{header, root, runtime, sanitize, tsan};

const C_VERSIONS: [&str; 4] = ["c99", "c11", "c17", "c2x"];
/// C++23 by the name that older compilers know, too.
const CPP_VERSIONS: [&str; 5] = ["c++11", "c++14", "c++17", "c++20", "c++2b"];
const WARNINGS: [&str; 10] = [
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Werror",
    "-Wconversion",
    "-Wsign-conversion",
    "-Wshadow",
    "-Wundef",
    "-Wcast-qual",
    "-Wwrite-strings",
];

/// `cargo xtask c-test`
pub(crate) fn c_test(sh: &Shell) -> Result<()> {
    let _runtime = sh.push_env("ORT_DYLIB_PATH", runtime::ensure(sh)?);
    header::header(sh, true)?;
    if !has(sh, "gcc") || !has(sh, "g++") {
        println!(
            "gcc and g++ are not installed: the header's and the C programs' tests are skipped"
        );
        return Ok(());
    }
    let stage = Stage::new(sh, "target/c-test", &library(sh)?)?;
    let _path = stage.loaded(sh);
    header_compiles(sh, &stage)?;
    exports(sh, &stage)?;
    for program in PROGRAMS {
        stage.compile(
            sh,
            "gcc",
            &format!("ffi/tests/c/{program}.c"),
            program,
            &["-std=gnu11"],
        )?;
    }
    // Once more as C++.
    stage.compile(
        sh,
        "g++",
        "ffi/tests/c/smoke.c",
        "smoke_cpp",
        &["-x", "c++", "-std=c++17"],
    )?;
    for example in ["render_wav", "live"] {
        stage.compile(
            sh,
            "gcc",
            &format!("ffi/examples/{example}.c"),
            example,
            &["-std=gnu99"],
        )?;
    }
    leaves_nothing_at_home(sh, &stage)?;
    stage.run(sh, "smoke_cpp", &["testdata", &stage.text()])?;
    {
        // The library prints nothing, ONNX Runtime inside it neither.
        let (program, scratch) = (stage.folder.join("errors"), stage.text());
        let output = cmd!(sh, "{program} testdata {scratch}")
            .quiet()
            .ignore_status()
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() || !said.is_empty() {
            bail!("errors: {}; on stderr: {said:?}", output.status);
        }
    }
    {
        // Nothing that the search would find.
        let _none = sh.push_env("ORT_DYLIB_PATH", "");
        stage.run(sh, "errors", &["testdata", &stage.text(), "runtime"])?;
    }
    stage.run(sh, "threads", &["testdata", "2000"])?;
    stage.run(sh, "threads", &["testdata", "60", "realtime"])?;
    stage.run(sh, "sessions", &["testdata", "1000"])?;
    stage.run(sh, "control", &["testdata"])?;
    render(sh, &stage)?;
    documented(sh, &stage)?;
    link_lines(sh, &stage)
}

/// The libraries, built.
fn library(sh: &Shell) -> Result<PathBuf> {
    cmd!(sh, "cargo build --locked --package essence-ffi").run()?;
    Ok(root().join("target/debug"))
}

/// Compiles the header alone, twice, in every version of both languages, by every compiler that is
/// here.
fn header_compiles(sh: &Shell, stage: &Stage) -> Result<()> {
    let out = stage.folder.join("header.o");
    let mut compiled = 0;
    for (compiler, language, versions) in [
        ("gcc", "c", &C_VERSIONS[..]),
        ("g++", "c++", &CPP_VERSIONS[..]),
        ("clang", "c", &C_VERSIONS[..]),
        ("clang++", "c++", &CPP_VERSIONS[..]),
    ] {
        if !has(sh, compiler) {
            println!("{compiler} is not installed: skipped");
            continue;
        }
        let everything = compiler.starts_with("clang").then_some("-Weverything");
        // What -Weverything says of any C++ or of any older C.
        let but: &[&str] = if everything.is_some() {
            &[
                "-Wno-unknown-warning-option",
                "-Wno-c++98-compat",
                "-Wno-c++98-compat-pedantic",
                "-Wno-padded",
                "-Wno-pre-c2x-compat",
                "-Wno-declaration-after-statement",
                "-Wno-unsafe-buffer-usage",
            ]
        } else {
            &[]
        };
        for version in versions {
            let warnings = WARNINGS.iter().copied();
            let but = but.iter().copied();
            cmd!(
                sh,
                "{compiler} -x {language} -std={version} {warnings...} {everything...} {but...} -Iinclude -c
                 ffi/tests/c/header.c -o {out}"
            )
            .quiet()
            .run()
            .with_context(|| format!("the header as {version} by {compiler}"))?;
            compiled += 1;
        }
    }
    println!("header: compiles in {compiled} versions");
    Ok(())
}

/// The shared library exports what the header declares, and nothing else.
fn exports(sh: &Shell, stage: &Stage) -> Result<()> {
    let library = stage.library();
    let text = cmd!(sh, "nm -D --defined-only {library}").quiet().read()?;
    let exported: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2))
        .collect();
    let header = sh.read_file(root().join("include/essence.h"))?;
    let declared: BTreeSet<&str> = header::functions(&header).map(|f| f.name).collect();
    if exported != declared {
        bail!(
            "declared, but not exported: {:?}; exported, but not declared: {:?}",
            declared.difference(&exported).collect::<Vec<_>>(),
            exported.difference(&declared).collect::<Vec<_>>()
        );
    }
    println!("exports: {} functions, as the header says", declared.len());
    Ok(())
}

/// A program that uses the library writes nothing into the user's folders, where it switches ONNX
/// Runtime's telemetry off.
fn leaves_nothing_at_home(sh: &Shell, stage: &Stage) -> Result<()> {
    let home = stage.folder.join("home");
    sh.remove_path(&home)?;
    sh.create_dir(&home)?;
    let _environment = [
        sh.push_env("HOME", &home),
        sh.push_env("XDG_CACHE_HOME", ""),
        sh.push_env("ORT_DISABLE_TELEMETRY", "1"),
    ];
    stage.run(sh, "smoke", &["testdata", &stage.text(), "2"])?;
    let left = sh.read_dir(&home)?;
    if !left.is_empty() {
        bail!("the program left {left:?}");
    }
    Ok(())
}

/// The example writes a video that holds what it should.
fn render(sh: &Shell, stage: &Stage) -> Result<()> {
    let output = stage.folder.join("speech.mp4");
    sh.remove_path(&output)?;
    let program = stage.folder.join("render_wav");
    let (avatar, speech) = (
        "testdata/avatars/toy.imx",
        "testdata/audio/speech_16000.wav",
    );
    let said = cmd!(sh, "{program} {avatar} {speech} {output}")
        .quiet()
        .read()?;
    if !said.contains("276 frames of 64 x 48") || !output.is_file() {
        bail!("render_wav said {said:?}");
    }
    println!("{said}");
    Ok(())
}

/// The programs in the documents compile and run.
fn documented(sh: &Shell, stage: &Stage) -> Result<()> {
    let mut programs = 0;
    for document in ["README.md", "docs/c.md"] {
        let text = sh.read_file(root().join(document))?;
        for block in text.split("\n```c\n").skip(1) {
            let code = block.split("\n```").next().unwrap_or_default();
            if !code.contains("int main(") {
                continue;
            }
            let source = stage.folder.join(format!("documented_{programs}.c"));
            sh.write_file(&source, code)?;
            let name = format!("documented_{programs}");
            let path = source.to_string_lossy();
            // Calls whose status is left to the reader are fine in an example.
            stage
                .compile(sh, "gcc", &path, &name, &["-std=gnu11"])
                .and_then(|()| {
                    let program = stage.folder.join(&name);
                    let _output = cmd!(sh, "{program}").quiet().read()?;
                    Ok(())
                })
                .with_context(|| format!("program {programs} of the documents, in {document}"))?;
            programs += 1;
        }
    }
    println!("documents: {programs} C programs run");
    Ok(())
}

/// The README's lines for linking do what they say.
fn link_lines(sh: &Shell, stage: &Stage) -> Result<()> {
    let readme = sh.read_file(root().join("README.md"))?;
    let lines: Vec<&str> = readme
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("cc "))
        .collect();
    if lines.len() != 2 {
        bail!(
            "README.md has {} lines that begin with `cc `, not 2",
            lines.len()
        );
    }
    let library = stage.folder.join("lib");
    for (index, line) in lines.iter().enumerate() {
        let program = stage.folder.join(format!("linked_{index}"));
        let static_library = library.join("libessence.a");
        let line = line.split('#').next().unwrap_or(line);
        let mut words = Vec::new();
        for word in line.split_whitespace() {
            words.push(match word {
                "program.c" => "ffi/examples/render_wav.c".to_owned(),
                "program" => program.display().to_string(),
                "$PREFIX/lib/libessence.a" => static_library.display().to_string(),
                "-I$PREFIX/include" => "-Iinclude".to_owned(),
                _ => word.replace("$PREFIX/lib", &library.display().to_string()),
            });
        }
        cmd!(sh, "cc {words...}")
            .quiet()
            .run()
            .with_context(|| format!("README.md: cc {line}"))?;
        let _path = sh.push_env("LD_LIBRARY_PATH", &library);
        // Without arguments it says how to use it.
        let said = cmd!(sh, "{program}")
            .quiet()
            .ignore_status()
            .read_stderr()?;
        if !said.starts_with("usage:") {
            bail!("README.md: the program of `cc {line}` said {said:?}");
        }
    }
    println!("README.md: {} lines link", lines.len());
    Ok(())
}

/// `cargo xtask c-test tsan [SECONDS]`
pub(crate) fn threads(sh: &Shell, seconds: &str) -> Result<()> {
    let _runtime = sh.push_env("ORT_DYLIB_PATH", runtime::ensure(sh)?);
    tsan::check(sh, seconds)
}

/// `cargo xtask c-test asan|valgrind`
pub(crate) fn checked(sh: &Shell, checker: &str) -> Result<()> {
    let _runtime = sh.push_env("ORT_DYLIB_PATH", runtime::ensure(sh)?);
    match checker {
        "asan" => sanitize::address(sh),
        "valgrind" => sanitize::valgrind(sh, &Stage::new(sh, "target/c-test", &library(sh)?)?),
        _ => bail!("`{checker}` is not a checker; choose asan, tsan or valgrind"),
    }
}
