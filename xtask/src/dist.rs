//! `cargo xtask dist`: everything of a release that can be made on this machine, in `target/dist`, with its
//! checksums and a list of what is inside.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use sha2::{Digest as _, Sha256};
use xshell::{Shell, cmd};

use crate::{arm, bindings, brain, command_line, install, root};

/// Makes the Debian package, and lists of components.
const TOOLS: [&str; 2] = ["cargo-deb@3.8.0", "cargo-cyclonedx@0.5.9"];

/// Files that go with the command.
const PAPERS: [&str; 5] = [
    "README.md",
    "NOTICES.md",
    "LICENSE",
    "LICENSE-MIT",
    "LICENSE-APACHE",
];

/// A build of the command wants to be no larger, stripped.
const COMMAND_BYTES: u64 = 30 << 20;

pub(crate) fn dist(sh: &Shell) -> Result<()> {
    let folder = root().join("target/dist");
    sh.remove_path(&folder)?;
    sh.create_dir(&folder)?;
    let tools = tools(sh)?;
    let [_, wheel] = wheels(sh, &folder, None)?;
    let brain = brain::for_packages(sh)?;
    if let Some(library) = &brain {
        brain::wheel(sh, library, &folder)?;
    }
    let here = std::env::consts::ARCH;
    let program = command(sh, &folder, &wheel, here, brain.as_deref(), None)?;
    debian(sh, &tools, &folder, brain.is_some(), None)?;
    // The next command is made in the same place.
    let kept = sh.create_temp_dir()?;
    sh.copy_file(program, kept.path())?;
    for_arm(sh, &tools, &folder, &kept.path().join("bithuman"))?;
    library(sh, &folder)?;
    crates(sh, &folder)?;
    components(sh, &tools, &folder)?;
    sh.remove_path(folder.join("bithuman"))?;
    source(sh, &folder)?;
    sh.copy_file(root().join("packaging/install.sh"), &folder)?;
    formula(sh, &folder)?;
    checksums(sh, &folder)
}

/// `cargo xtask dist arm`: of all that, what is for ARM, beside the development build of this machine's command.
pub(crate) fn dist_arm(sh: &Shell) -> Result<()> {
    let folder = root().join("target/dist");
    sh.create_dir(&folder)?;
    for_arm(sh, &tools(sh)?, &folder, &command_line(sh)?)?;
    sh.remove_path(folder.join("bithuman"))?;
    checksums(sh, &folder)
}

/// The folder of [`TOOLS`], which are built where they are missing.
fn tools(sh: &Shell) -> Result<PathBuf> {
    let at = root().join("target/tools");
    cmd!(sh, "cargo install --quiet --locked --root {at} {TOOLS...}").run()?;
    Ok(at.join("bin"))
}

/// The Python package and the command as wheels; for another `target` if one is given.
fn wheels(sh: &Shell, folder: &Path, target: Option<&str>) -> Result<[PathBuf; 2]> {
    let tools = bindings::tools(sh, true)?;
    let wheel = |package| -> Result<PathBuf> {
        let made = bindings::wheel(sh, &tools, package, true, target)?;
        let kept = folder.join(made.file_name().context("a wheel has a name")?);
        sh.copy_file(&made, &kept)?;
        Ok(kept)
    };
    Ok([wheel("bindings/python")?, wheel("packaging/command")?])
}

/// The command out of its wheel, which runs with any glibc from 2.28 on, in `folder/bithuman`, and an archive of
/// it; the library of a local brain lies beside it, which asks for a glibc as new as this machine's. `ours`: this
/// machine's command, where the one in the wheel is for another.
fn command(
    sh: &Shell,
    folder: &Path,
    wheel: &Path,
    processor: &str,
    brain: Option<&Path>,
    ours: Option<&Path>,
) -> Result<PathBuf> {
    let kept = folder.join("bithuman");
    sh.remove_path(&kept)?;
    sh.create_dir(&kept)?;
    let python = bindings::tools(sh, true)?;
    let unpacked = sh.create_temp_dir()?;
    let to = unpacked.path();
    cmd!(sh, "{python} -m zipfile --extract {wheel} {to}").run()?;
    let scripts = one(sh, to, "bithuman_cli-")?;
    let program = kept.join("bithuman");
    sh.copy_file(to.join(scripts).join("scripts/bithuman"), &program)?;
    cmd!(sh, "chmod 755 {program}").run()?;
    let bytes = std::fs::metadata(&program)?.len();
    println!("bithuman for {processor}: {:.1} MB", bytes as f64 / 1e6);
    ensure!(
        bytes <= COMMAND_BYTES,
        "the command has {bytes} bytes, more than {COMMAND_BYTES}"
    );
    for paper in PAPERS {
        sh.copy_file(root().join(paper), &kept)?;
    }
    if let Some(library) = brain {
        sh.copy_file(library, &kept)?;
    }
    // It says the same on every processor.
    let asked = ours.unwrap_or(&program);
    let completion = cmd!(sh, "{asked} completion bash").read()?;
    sh.write_file(kept.join("bithuman.bash"), completion)?;
    let name = format!("bithuman-{}", suffix(processor));
    archive(sh, folder, "bithuman", &name)?;
    Ok(program)
}

/// The same for Linux on ARM, tried by qemu beside `program`, this machine's.
fn for_arm(sh: &Shell, tools: &Path, folder: &Path, program: &Path) -> Result<()> {
    if std::env::consts::ARCH == "aarch64" {
        return Ok(());
    }
    if !arm::has_library(sh) {
        println!("dist: nothing for ARM, whose standard library rustup has not");
        return Ok(());
    }
    let [package, wheel] = wheels(sh, folder, Some(arm::TARGET))?;
    let other = command(sh, folder, &wheel, "aarch64", None, Some(program))?;
    debian(sh, tools, folder, false, Some(arm::TARGET))?;
    arm::try_packages(sh, program, &other, &package)
}

/// `name` of `folder` as `NAME.tar.gz`; the same files give the same archive.
fn archive(sh: &Shell, folder: &Path, name: &str, archive: &str) -> Result<()> {
    let to = folder.join(format!("{archive}.tar.gz"));
    let rename = format!("s,^{name},{archive},");
    let same = [
        "--sort=name",
        "--owner=0",
        "--group=0",
        "--numeric-owner",
        "--mtime=@0",
    ];
    cmd!(
        sh,
        "tar --create --gzip {same...} --transform {rename} --directory {folder} --file {to} {name}"
    )
    .run()?;
    Ok(())
}

/// Version, processor and system.
fn suffix(processor: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!("{version}-{processor}-{}", std::env::consts::OS)
}

/// The Debian package; `brain`: the one with the library of a local brain.
fn debian(
    sh: &Shell,
    tools: &Path,
    folder: &Path,
    brain: bool,
    target: Option<&str>,
) -> Result<()> {
    let program = tools.join("cargo-deb");
    let target = target.map(|target| ["--target", target]);
    let target = target.into_iter().flatten();
    let variant: &[&str] = if brain { &["--variant", "local"] } else { &[] };
    cmd!(
        sh,
        "{program} --package bithuman-cli {variant...} {target...} --no-build --no-strip --locked --output {folder}"
    )
    .run()?;
    Ok(())
}

/// The library for C as `cargo xtask install` lays it out. It needs a glibc as new as this machine's.
fn library(sh: &Shell, folder: &Path) -> Result<()> {
    let name = "libessence";
    let destdir = folder.join(name);
    let at = destdir.display().to_string();
    install::install(sh, &["--prefix", "/usr/local", "--destdir", &at])?;
    for paper in PAPERS {
        sh.copy_file(root().join(paper), &destdir)?;
    }
    archive(
        sh,
        folder,
        name,
        &format!("libessence-{}", suffix(std::env::consts::ARCH)),
    )?;
    sh.remove_path(destdir)?;
    Ok(())
}

/// The crates. `cargo xtask package` also builds each from what is in it.
fn crates(sh: &Shell, folder: &Path) -> Result<()> {
    crate::package(sh, &["--no-verify", "--allow-dirty"])?;
    for file in sh.read_dir("target/package")? {
        if file.extension().is_some_and(|name| name == "crate") {
            sh.copy_file(&file, folder)?;
        }
    }
    Ok(())
}

/// All crates in the command and in the library, with versions, licences and hashes, as `CycloneDX`. The tool
/// writes beside each manifest, so it gets a copy of what is committed.
fn components(sh: &Shell, tools: &Path, folder: &Path) -> Result<()> {
    let program = tools.join("cargo-cyclonedx");
    let (temporary, repository) = (sh.create_temp_dir()?, root());
    let copy = temporary.path().join("libessence");
    cmd!(sh, "git clone --quiet {repository} {copy}").run()?;
    let manifest = copy.join("cli/Cargo.toml");
    cmd!(
        sh,
        "{program} cyclonedx --quiet --format json --manifest-path {manifest}"
    )
    .run()?;
    for (made, name) in [
        ("cli/bithuman-cli.cdx.json", "bithuman.cdx.json"),
        ("ffi/essence-ffi.cdx.json", "libessence.cdx.json"),
    ] {
        sh.copy_file(copy.join(made), folder.join(name))?;
    }
    Ok(())
}

/// The archive of the committed source, to build from.
fn source(sh: &Shell, folder: &Path) -> Result<()> {
    let name = format!("libessence-{}", env!("CARGO_PKG_VERSION"));
    let to = folder.join(format!("{name}.tar.gz"));
    cmd!(sh, "git archive --prefix {name}/ --output {to} HEAD").run()?;
    Ok(())
}

/// Homebrew's formula, for the archives of the folder; none where one of them was not made.
fn formula(sh: &Shell, folder: &Path) -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let repository = env!("CARGO_PKG_REPOSITORY");
    let release = format!("{repository}/releases/download/v{version}");
    let mut text = sh.read_file(root().join("packaging/homebrew/bithuman.rb.in"))?;
    for (place, value) in [
        ("@REPOSITORY@", repository),
        ("@RELEASE@", &release),
        ("@VERSION@", version),
    ] {
        text = text.replace(place, value);
    }
    for (place, name) in [
        ("@SOURCE_SHA256@", format!("libessence-{version}")),
        (
            "@X86_64_SHA256@",
            format!("bithuman-{version}-x86_64-linux"),
        ),
        (
            "@AARCH64_SHA256@",
            format!("bithuman-{version}-aarch64-linux"),
        ),
    ] {
        let archive = folder.join(format!("{name}.tar.gz"));
        if !archive.is_file() {
            println!("dist: no {name}.tar.gz, so no formula of Homebrew's");
            return Ok(());
        }
        text = text.replace(place, &sha256(&sh.read_binary_file(archive)?)?);
    }
    sh.write_file(folder.join("bithuman.rb"), text)?;
    Ok(())
}

fn sha256(bytes: &[u8]) -> Result<String> {
    let mut sum = String::new();
    for byte in Sha256::digest(bytes) {
        write!(sum, "{byte:02x}")?;
    }
    Ok(sum)
}

/// `SHA256SUMS`, as `sha256sum --check` reads it.
fn checksums(sh: &Shell, folder: &Path) -> Result<()> {
    let mut text = String::new();
    let mut files = sh.read_dir(folder)?;
    files.sort();
    for file in files {
        let name = file
            .file_name()
            .context("a file has a name")?
            .to_string_lossy();
        let bytes = sh.read_binary_file(&file)?;
        let sum = sha256(&bytes)?;
        writeln!(text, "{sum}  {name}")?;
        println!("{name}: {:.2} MB", bytes.len() as f64 / 1e6);
    }
    sh.write_file(folder.join("SHA256SUMS"), text)?;
    Ok(())
}

/// The only file or folder whose name begins so and that is no list of metadata.
fn one(sh: &Shell, folder: &Path, prefix: &str) -> Result<PathBuf> {
    let begins = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(prefix) && !name.ends_with(".dist-info")
    };
    let mut found = sh.read_dir(folder)?.into_iter().filter(begins);
    found
        .next()
        .with_context(|| format!("{} holds no {prefix}…", folder.display()))
}
