//! `cargo xtask web`: the package for browsers, its demo page, and their tests.

mod browsers;
mod server;
pub(crate) mod toolchain;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::{command_line, live_test, root};
use toolchain::Toolchain;

/// The module's builds, with the features of each and the folder of what is compiled for it, below `target`.
const BUILDS: [(&str, &str, &str); 3] = [
    ("essence", "", ""),
    ("essence-relaxed", "relaxed-simd", ""),
    ("essence-portrait", "portrait", "web-portrait"),
];

/// Most bytes of a page's download beside the avatar, compressed as servers do.
const MOST_BYTES: u64 = 400 << 10;

/// Builds the package into `bindings/web/dist` and the page into `target/web/demo`. False where the
/// compiler or Node.js can't be had.
pub(crate) fn build(sh: &Shell) -> Result<bool> {
    let package = root().join("bindings/web");
    let Some(dist) = prepare(sh)? else {
        return Ok(false);
    };
    {
        let _dir = sh.push_dir(&package);
        cmd!(sh, "npm ci --no-audit --no-fund --silent").run()?;
        cmd!(sh, "npx tsc").run()?;
    }
    sizes(sh, &dist)?;
    demo(sh, &dist)?;
    Ok(true)
}

/// Brings the compiler and makes the modules, in the package's folder for what is built. None, and a line, where that can't
/// be.
pub(crate) fn prepare(sh: &Shell) -> Result<Option<PathBuf>> {
    if !has(sh, "node") || !has(sh, "npm") {
        println!("web: no node and npm on PATH: skipped");
        return Ok(None);
    }
    let Some(toolchain) = Toolchain::ensure(sh)? else {
        println!("web: no compiler for WebAssembly can be had: skipped");
        return Ok(None);
    };
    let dist = root().join("bindings/web/dist");
    sh.create_dir(&dist)?;
    modules(&toolchain, &dist)?;
    Ok(Some(dist))
}

/// Compiles the modules, in each folder one after the other: each keeps one processor busy.
fn modules(toolchain: &Toolchain, dist: &Path) -> Result<()> {
    let compile = |folder: &str| -> Result<()> {
        let sh = Shell::new()?;
        sh.change_dir(root());
        for (name, features, _) in BUILDS.iter().filter(|build| build.2 == folder) {
            let module = toolchain.build(&sh, features, &root().join("target").join(folder))?;
            sh.copy_file(&module, dist.join(format!("{name}.wasm")))?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let portraits = scope.spawn(|| compile(BUILDS[2].2));
        compile(BUILDS[0].2)?;
        let done = portraits.join();
        done.unwrap_or_else(|_| bail!("the thread has panicked"))
    })
}

/// Tests in Node.js, Chromium and Firefox.
pub(crate) fn test(sh: &Shell, pictures: Option<&str>) -> Result<()> {
    if !build(sh)? {
        return Ok(());
    }
    let program = command_line(sh)?;
    let portrait = root().join("target/web/portrait.imx");
    sh.remove_path(&portrait)?;
    cmd!(sh, "{program} create cli/data/juno.png --output {portrait}").run()?;
    {
        let _portrait = sh.push_env("PORTRAIT", &portrait);
        let _dir = sh.push_dir("bindings/web");
        let mut tests = sh.read_dir("test")?;
        tests.retain(|path| path.to_string_lossy().ends_with(".test.mjs"));
        cmd!(
            sh,
            "node --experimental-wasm-relaxed-simd --test {tests...}"
        )
        .run()?;
    }
    browsers::chromium(pictures)?;
    live_test::local::run(&program, pictures)?;
    browsers::firefox(pictures)
}

/// Milliseconds of a frame in Chromium, by build; half a minute in real time; loading.
pub(crate) fn figures(sh: &Shell) -> Result<()> {
    ensure!(build(sh)?, "nothing was built");
    browsers::figures()
}

/// The cases in which Firefox has stood still, again and again.
pub(crate) fn repeat(sh: &Shell, times: &str) -> Result<()> {
    let times = times.parse().context("how many times?")?;
    ensure!(build(sh)?, "nothing was built");
    browsers::repeat(times)
}

/// Memory in Chromium over minutes of speech.
pub(crate) fn soak(sh: &Shell, minutes: &str) -> Result<()> {
    let minutes = minutes.parse().context("how many minutes?")?;
    ensure!(build(sh)?, "nothing was built");
    browsers::soak(minutes)
}

/// Prints sizes and refuses a download that is too large.
fn sizes(sh: &Shell, dist: &Path) -> Result<()> {
    let script = "const z = require('zlib'), fs = require('fs'); let glue = 0; const size = f => \
        z.brotliCompressSync(fs.readFileSync(f)).length; for (const f of fs.readdirSync('.')) \
        if (f.endsWith('.js')) glue += size(f); console.log(glue); \
        for (const f of process.argv.slice(1)) console.log(f, fs.statSync(f).size, size(f))";
    let modules = BUILDS.map(|(name, ..)| format!("{name}.wasm"));
    let _dir = sh.push_dir(dist);
    let told = cmd!(sh, "node -e {script} -- {modules...}")
        .quiet()
        .read()?;
    let mut lines = told.lines();
    let glue: u64 = lines.next().context("no sizes")?.parse()?;
    println!("web: {glue} bytes of scripts, by brotli");
    for line in lines {
        println!("web: {line} bytes by brotli");
        let bytes: u64 = line.rsplit(' ').next().unwrap_or_default().parse()?;
        let is_portrait = line.starts_with("essence-portrait");
        ensure!(
            is_portrait || bytes + glue <= MOST_BYTES,
            "{line}: with scripts more than {MOST_BYTES} bytes"
        );
    }
    Ok(())
}

/// The page of `examples/web` with all that it needs, for any static server.
fn demo(sh: &Shell, dist: &Path) -> Result<()> {
    let to = root().join("target/web/demo");
    sh.remove_path(&to)?;
    sh.create_dir(to.join("libessence"))?;
    let copy = |files: Vec<PathBuf>, ending: &[&str], to: &Path| -> Result<()> {
        for file in files {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            if ending.iter().any(|ending| name.ends_with(ending)) {
                sh.copy_file(&file, to.join(&*name))?;
            }
        }
        Ok(())
    };
    let page = sh.read_dir(root().join("examples/web"))?;
    copy(page, &[".html", ".css", ".js"], &to)?;
    copy(
        sh.read_dir(dist)?,
        &[".js", ".wasm"],
        &to.join("libessence"),
    )?;
    let avatars = ["mika", "juno"].map(|name| format!("testdata/avatars/{name}.imx"));
    copy(avatars.map(|path| root().join(path)).into(), &[""], &to)?;
    println!("web: {}", to.display());
    Ok(())
}

fn has(sh: &Shell, program: &str) -> bool {
    let ask = cmd!(sh, "{program} --version").quiet();
    ask.ignore_stdout().ignore_stderr().run().is_ok()
}
