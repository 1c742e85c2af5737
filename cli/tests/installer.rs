//! `packaging/install.sh` against releases made here: what it installs, what it refuses.
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::Folder;
use sha2::{Digest as _, Sha256};

/// A stand-in for the command, as an archive has it.
const PROGRAM: &str = "#!/bin/sh\necho \"bithuman 1.2.3\"\n";

/// A release whose archive holds `program`, in `release` of a folder.
fn release(folder: &Folder, program: &str) -> PathBuf {
    let release = folder.path("release");
    let name = format!("bithuman-1.2.3-{}-linux", std::env::consts::ARCH);
    let packed = folder.path("packed").join(&name);
    fs::create_dir_all(&release).expect("a folder");
    fs::create_dir_all(&packed).expect("a folder");
    for (file, text) in [
        ("bithuman", program),
        ("bithuman.bash", "complete bithuman\n"),
        ("libbithuman_brain.so", "a library"),
    ] {
        fs::write(packed.join(file), text).expect("a file");
    }
    let archive = release.join(format!("{name}.tar.gz"));
    let pack = "chmod 755 \"$1/$2/bithuman\" && tar -czf \"$3\" -C \"$1\" \"$2\"";
    let packed = Command::new("sh")
        .args(["-c", pack, "sh"])
        .arg(folder.path("packed"))
        .arg(&name)
        .arg(&archive)
        .status()
        .expect("sh runs");
    assert!(packed.success());
    let mut sums = String::from("0000  something-else.tar.gz\n");
    for byte in Sha256::digest(fs::read(&archive).expect("an archive")) {
        sums += &format!("{byte:02x}");
    }
    sums += &format!("  {name}.tar.gz\n");
    fs::write(release.join("SHA256SUMS"), sums).expect("sums");
    release
}

fn install(folder: &Folder, release: &Path, arguments: &[&str]) -> Output {
    let release = format!("file://{}", release.display());
    install_from(folder, &release, arguments)
}

fn install_from(folder: &Folder, release: &str, arguments: &[&str]) -> Output {
    Command::new("sh")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/install.sh"))
        .args(arguments)
        .env("PREFIX", folder.path("a prefix"))
        .env("TMPDIR", folder.path(""))
        .env("BITHUMAN_RELEASE", release)
        .output()
        .expect("sh runs")
}

/// The error that it ended with.
fn refused(output: &Output, folder: &Folder) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!folder.path("a prefix").exists(), "something was installed");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[expect(clippy::print_stdout, reason = "says what is skipped")]
fn has_curl() -> bool {
    let has = Command::new("curl").arg("--version").output().is_ok();
    if !has {
        println!("no curl on PATH: skipped");
    }
    has
}

#[test]
fn the_command_its_library_and_completions_come_and_go() {
    if !has_curl() {
        return;
    }
    let folder = Folder::new();
    let release = release(&folder, PROGRAM);
    let prefix = folder.path("a prefix");
    let output = install(&folder, &release, &[]);
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("bithuman 1.2.3 is installed"), "{said}");
    assert!(said.contains("is not on PATH"), "{said}");
    let program = Command::new(prefix.join("bin/bithuman")).output();
    assert_eq!(program.expect("it runs").stdout, b"bithuman 1.2.3\n");
    let library = fs::read(prefix.join("lib/libbithuman_brain.so"));
    assert_eq!(library.expect("a library"), b"a library");
    assert!(install(&folder, &release, &[]).status.success(), "again");
    fs::write(prefix.join("bin/other"), "").expect("a file of somebody else's");
    assert!(install(&folder, &release, &["--remove"]).status.success());
    let left: Vec<_> = walked(&prefix);
    assert_eq!(left, [prefix.join("bin/other")]);
    assert_eq!(
        fs::read_dir(folder.path("")).expect("a folder").count(),
        3,
        "its temporary folder is left"
    );
}

#[test]
fn what_is_damaged_missing_or_does_not_run_is_not_installed() {
    if !has_curl() {
        return;
    }
    let folder = Folder::new();
    let broken = release(&folder, "#!/bin/sh\nexit 1\n");
    let error = refused(&install(&folder, &broken, &[]), &folder);
    assert!(error.contains("doesn't run here"), "{error}");

    let sums = broken.join("SHA256SUMS");
    let text = fs::read_to_string(&sums).expect("sums");
    let other = text.replace(std::env::consts::ARCH, "riscv64");
    fs::write(&sums, &other).expect("sums");
    let error = refused(&install(&folder, &broken, &[]), &folder);
    assert!(error.contains("names no archive for"), "{error}");

    fs::remove_file(&sums).expect("sums");
    let error = refused(&install(&folder, &broken, &[]), &folder);
    assert!(error.contains("SHA256SUMS can't be fetched"), "{error}");

    let plain = install_from(&folder, "http://127.0.0.1:1", &[]);
    let error = refused(&plain, &folder);
    assert!(error.contains("has to begin with https://"), "{error}");

    let error = refused(&install(&folder, &broken, &["--prefix"]), &folder);
    assert!(error.contains("--prefix is no option"), "{error}");
}

#[test]
fn an_archive_that_is_not_the_one_of_the_sums_is_not_unpacked() {
    if !has_curl() {
        return;
    }
    let folder = Folder::new();
    let release = release(&folder, PROGRAM);
    let name = format!("bithuman-1.2.3-{}-linux.tar.gz", std::env::consts::ARCH);
    let archive = release.join(name);
    let mut bytes = fs::read(&archive).expect("an archive");
    bytes.pop();
    fs::write(&archive, bytes).expect("an archive");
    let error = refused(&install(&folder, &release, &[]), &folder);
    assert!(error.contains("is damaged"), "{error}");
}

/// All files below a folder.
fn walked(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let below = entries.flat_map(|entry| {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walked(&path)
        } else {
            vec![path]
        }
    });
    below.collect()
}
