//! The Flutter plugin: its raw layers from the headers, and its tests.

mod generate;
mod header;
mod vm;

use std::path::PathBuf;

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

use crate::stage::{Stage, has};
use crate::{bindings, root, runtime};
use header::Header;

const PLUGIN: &str = "bindings/flutter";
/// Documents whose programs in Dart are whole.
const DOCUMENTS: [&str; 2] = ["docs/flutter.md", "bindings/flutter/README.md"];
const WARNINGS: [&str; 6] = [
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wshadow",
    "-Wconversion",
    "-Werror",
];

/// A raw layer: its header, its class of functions and its file.
const LAYERS: [(&str, &str, &str); 2] = [
    (
        "include/essence.h",
        "EssenceBindings",
        "bindings/flutter/lib/src/essence.g.dart",
    ),
    (
        "bindings/flutter/src/bithuman_core.h",
        "CoreBindings",
        "bindings/flutter/lib/src/core.g.dart",
    ),
];

/// `bindings flutter`: the sources by parsers and against the headers, the native core against the
/// engine, the types by a Dart VM.
pub(crate) fn test(sh: &Shell) -> Result<()> {
    generate(sh, true)?;
    let programs = &programs(sh)?;
    if has(sh, "cc") {
        let lists = [root().join(PLUGIN).join("tool/requirements.txt")];
        let python = bindings::ready(sh, "flutter", &lists, |python| {
            let [list] = &lists;
            cmd!(
                sh,
                "{python} -m pip install --quiet --disable-pip-version-check --requirement {list}"
            )
            .run()?;
            Ok(())
        })?;
        cmd!(sh, "{python} {PLUGIN}/tool/check.py {programs...}").run()?;
        core(sh)?;
    } else {
        println!("flutter: no C compiler is here: the sources and the core are not checked");
    }
    let Some(vm) = vm::Vm::ensure(sh)? else {
        println!("flutter: types are not checked");
        return Ok(());
    };
    let packages = format!("--packages={PLUGIN}/test/stubs/package_config.json");
    println!(
        "{}",
        vm.dart(sh, &[&packages, &format!("{PLUGIN}/test/types.dart")])?
    );
    // A program that waits for an avatar would not end: its types are checked all the same.
    for program in programs {
        let checked = program.with_extension("types.dart");
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        sh.write_file(
            &checked,
            format!("import '{name}' as program;\nvoid main() => print('{name}: ${{program.main.runtimeType}}');\n"),
        )?;
        println!("{}", vm.dart(sh, &[&packages, &checked.to_string_lossy()])?);
    }
    Ok(())
}

/// `bindings flutter --run`: the plugin's tests on a Dart VM, over an engine of 32 bits.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    let Some(vm) = vm::Vm::ensure(sh)? else {
        bail!("no Dart VM can be had or run here");
    };
    let Some(libraries) = vm::libraries(sh)? else {
        bail!("no compiler for 32 bits can be had here");
    };
    let scratch = sh.create_temp_dir()?;
    let packages = format!("--packages={PLUGIN}/test/stubs/package_config.json");
    let (library, core) = (
        libraries.join("libessence.so"),
        libraries.join("libbithuman_core.so"),
    );
    for name in ["native", "plugin", "conformance"] {
        let arguments = [
            packages.clone(),
            format!("{PLUGIN}/test/{name}_test.dart"),
            library.display().to_string(),
            core.display().to_string(),
            "testdata".to_owned(),
            scratch.path().display().to_string(),
        ];
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        println!("{}", vm.dart(sh, &arguments)?);
    }
    Ok(())
}

/// The native core's tests, plain and under sanitizers where the compiler has them.
fn core(sh: &Shell) -> Result<()> {
    if !has(sh, "g++") {
        println!("flutter: g++ is not installed: the core is not tested");
        return Ok(());
    }
    let _runtime = sh.push_env("ORT_DYLIB_PATH", runtime::ensure(sh)?);
    cmd!(sh, "cargo build --locked --package essence-ffi").run()?;
    let stage = Stage::new(sh, "target/flutter/core", &root().join("target/debug"))?;
    let _path = stage.loaded(sh);
    let suppressions = root().join(PLUGIN).join("src/tsan.supp");
    let _options = sh.push_env(
        "TSAN_OPTIONS",
        format!("exitcode=66 suppressions={}", suppressions.display()),
    );
    for sanitizer in ["", "address,undefined", "thread"] {
        let sanitize = (!sanitizer.is_empty()).then(|| format!("-fsanitize={sanitizer}"));
        if let Some(flag) = &sanitize
            && !runs(sh, flag, &stage)
        {
            println!("flutter: g++ has no {sanitizer} sanitizer here, or it does not run");
            continue;
        }
        let sources =
            ["bithuman_core.cc", "core_test.cc"].map(|name| format!("{PLUGIN}/src/{name}"));
        let (program, libraries) = (stage.folder.join("core_test"), stage.folder.join("lib"));
        let run_path = format!("-Wl,-rpath,{}", libraries.display());
        let warnings = WARNINGS;
        cmd!(
            sh,
            "g++ -g -O1 -std=c++17 {sanitize...} {warnings...} -Iinclude {sources...} -o {program} -L{libraries} -lessence
             -lpthread {run_path}"
        )
        .quiet()
        .run()?;
        if !sanitizer.is_empty() {
            println!("core, under sanitizers ({sanitizer}):");
        }
        stage.run(sh, "core_test", &["testdata"])?;
    }
    Ok(())
}

/// Whether a program under a sanitizer can be linked and run here: some systems lay memory out otherwise.
fn runs(sh: &Shell, flag: &str, stage: &Stage) -> bool {
    let program = stage.folder.join("empty");
    let linked = cmd!(sh, "g++ {flag} -x c++ -o {program} -")
        .stdin("int main() {}")
        .quiet()
        .ignore_stderr();
    linked.run().is_ok() && cmd!(sh, "{program}").quiet().ignore_stderr().run().is_ok()
}

/// The programs in documents, each in a file of its own.
fn programs(sh: &Shell) -> Result<Vec<PathBuf>> {
    let folder = root().join("target/flutter/programs");
    sh.remove_path(&folder)?;
    sh.create_dir(&folder)?;
    let mut found = Vec::new();
    for document in DOCUMENTS {
        let text = sh.read_file(root().join(document))?;
        for program in text.split("```dart\n").skip(1) {
            let path = folder.join(format!("program_{}.dart", found.len()));
            sh.write_file(&path, program.split("```").next().unwrap_or_default())?;
            found.push(path);
        }
    }
    if found.is_empty() {
        bail!("{DOCUMENTS:?} have no programs in Dart");
    }
    Ok(found)
}

/// `bindings flutter --generate`: Dart's raw layers; with `verify` says whether they are up to date.
pub(crate) fn generate(sh: &Shell, verify: bool) -> Result<()> {
    let headers = LAYERS
        .iter()
        .map(|(path, ..)| Header::read(&sh.read_file(root().join(path))?))
        .collect::<Result<Vec<_>>>()?;
    for (index, (path, class, file)) in LAYERS.iter().enumerate() {
        let known = (index > 0).then(|| (&headers[0], "essence.g.dart"));
        let text = generate::dart(&headers[index], class, path, known)?;
        let file = root().join(file);
        if !verify {
            sh.write_file(&file, text)?;
        } else if sh.read_file(&file).unwrap_or_default() != text {
            bail!(
                "{} is not what {path} gives; run `cargo xtask bindings flutter --generate` and commit it",
                file.display()
            );
        }
    }
    Ok(())
}
