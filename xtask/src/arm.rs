//! `cargo xtask arm`: Linux on ARM from another machine. zig compiles C++ and links; qemu runs what was made, on a
//! Debian of that processor.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::debian::{self, Packages};
use crate::{bindings, cache, command_line, root, stage};

pub(crate) const TARGET: &str = "aarch64-unknown-linux-gnu";
/// As zig says it, with the oldest C library that programs run with.
const ZIG_TARGET: &str = "aarch64-linux-gnu.2.28";
const PACKAGES: [&str; 3] = ["python3", "python3-cffi", "python3-numpy"];
/// Neither is of use to programs.
const UNNEEDED: [&str; 3] = ["./usr/share/doc", "./usr/share/locale", "./usr/share/man"];
const AVATARS: [&str; 6] = [
    "testdata/avatars/toy.imx",
    "testdata/avatars/toy_8bit.imx",
    "testdata/avatars/toy_keyed.imx",
    "testdata/avatars/mika.imx",
    "testdata/avatars/juno.imx",
    "cli/data/juno.png",
];
const SPEECH: &str = "testdata/audio/speech_16000.wav";
/// How many pictures of it; all would take qemu minutes.
const PICTURES: &str = "100";

/// A Debian for ARM, and what runs its programs.
struct System {
    folder: PathBuf,
}

impl System {
    /// The system, in the user's cache; brought there unless it is. Where that can't be, says what is
    /// missing and gives None.
    fn ensure(sh: &Shell) -> Result<Option<Self>> {
        if let Some(missing) = debian::missing(sh) {
            println!("arm: skipped: {missing}");
            return Ok(None);
        }
        let folder = cache::folder().join("debian-arm64");
        let system = Self { folder };
        if system.folder.join("ready").is_file() {
            return Ok(Some(system));
        }
        println!("arm: brings a system into {}", system.folder.display());
        let packages = Packages {
            suite: None,
            architecture: "arm64",
            names: &PACKAGES,
            without: &UNNEEDED,
        };
        let brought = packages.unpack(sh, &system.folder).and_then(|_| {
            let to = system.folder.join("emulator");
            debian::take_apart(sh, &["qemu-user-static"], &to)
        });
        if let Err(error) = brought {
            println!("arm: skipped: the system can't be had: {error:#}");
            return Ok(None);
        }
        sh.write_file(system.folder.join("ready"), "")?;
        Ok(Some(system))
    }

    /// The words before a program's name.
    fn runner(&self) -> [PathBuf; 3] {
        let emulator = self.folder.join("emulator/usr/bin/qemu-aarch64-static");
        [emulator, "-L".into(), self.folder.join("root")]
    }

    /// A program for that processor.
    fn command(&self, program: &Path) -> Command {
        let [emulator, words @ ..] = self.runner();
        let mut command = Command::new(emulator);
        command.args(words).arg(program).current_dir(root());
        command
    }
}

/// `cargo xtask arm`: the engine's kernels and frames, and the command line's pictures against this machine's.
pub(crate) fn test(sh: &Shell) -> Result<()> {
    let Some(system) = System::ensure(sh)? else {
        return Ok(());
    };
    if !has_library(sh) {
        println!("arm: skipped: rustup has no {TARGET} here");
        return Ok(());
    }
    let _environment = environment(sh, Some(&system))?;
    // Neither tests that wait, since emulation is slow, nor those with ONNX Runtime, which crashes under it.
    let units = "--lib -- builtin compose warp --skip of_onnx_runtime";
    for tests in [units, "--test recorded"] {
        let tests = tests.split(' ');
        cmd!(
            sh,
            "cargo test --locked --target {TARGET} --package essence {tests...}"
        )
        .run()?;
    }
    cmd!(
        sh,
        "cargo build --locked --target {TARGET} --package bithuman-cli"
    )
    .run()?;
    let ours = command_line(sh)?;
    let other = root().join("target").join(TARGET).join("debug/bithuman");
    for avatar in AVATARS {
        same_pictures(sh, avatar, [Command::new(&ours), system.command(&other)])?;
    }
    Ok(())
}

/// Tries the packages for ARM of `cargo xtask dist`: the command's pictures against those of this machine's, and the first
/// program of the Python package's README.
pub(crate) fn try_packages(sh: &Shell, ours: &Path, other: &Path, package: &Path) -> Result<()> {
    let Some(system) = System::ensure(sh)? else {
        return Ok(());
    };
    for avatar in AVATARS {
        same_pictures(sh, avatar, [Command::new(ours), system.command(other)])?;
    }
    let python = bindings::tools(sh, true)?;
    let folder = sh.create_temp_dir()?;
    let to = folder.path();
    cmd!(sh, "{python} -m zipfile --extract {package} {to}").run()?;
    let [emulator, words @ ..] = system.runner();
    let program = system.folder.join("root/usr/bin/python3");
    // Debian's alternatives would point there; only an installation sets them up.
    let numeric = ["blas", "lapack"].map(|name| format!("/usr/lib/aarch64-linux-gnu/{name}"));
    let python = cmd!(sh, "{emulator} {words...} {program}")
        .env("PYTHONPATH", to)
        .env("LD_LIBRARY_PATH", numeric.join(":"));
    bindings::quick_start(sh, python)
}

/// Whether rustup has the standard library, or can bring it.
pub(crate) fn has_library(sh: &Shell) -> bool {
    let add = cmd!(sh, "rustup target add {TARGET}");
    add.ignore_stdout().ignore_stderr().run().is_ok()
}

/// Makes cargo compile for that processor, and run there what it compiled.
fn environment<'a>(sh: &'a Shell, system: Option<&System>) -> Result<Vec<xshell::PushEnv<'a>>> {
    let python = bindings::tools(sh, true)?;
    let folder = root().join("target/arm");
    sh.create_dir(&folder)?;
    let suffix = TARGET.replace('-', "_");
    let upper = suffix.to_uppercase();
    let (cc, cxx) = (folder.join("cc"), folder.join("cxx"));
    stage::zig(sh, &python, ZIG_TARGET, "cc", &cc)?;
    stage::zig(sh, &python, ZIG_TARGET, "c++", &cxx)?;
    let mut set = vec![
        sh.push_env(format!("CC_{suffix}"), &cc),
        sh.push_env(format!("CXX_{suffix}"), &cxx),
        sh.push_env(format!("AR_{suffix}"), "ar"),
        sh.push_env(format!("CXXSTDLIB_{suffix}"), "c++"),
        sh.push_env(format!("CARGO_TARGET_{upper}_LINKER"), &cc),
    ];
    if let Some(system) = system {
        let words = system.runner().map(|word| word.display().to_string());
        set.push(sh.push_env(format!("CARGO_TARGET_{upper}_RUNNER"), words.join(" ")));
    }
    Ok(set)
}

/// Speech by two programs: the same pictures.
fn same_pictures(sh: &Shell, avatar: &str, mut programs: [Command; 2]) -> Result<()> {
    let size = picture_bytes(sh, &programs[0], avatar)?;
    let [mut first, mut second] = programs.each_mut().map(|command| {
        command
            .args(["render", avatar, "--audio", SPEECH, "--output", "-"])
            .args(["--limit", PICTURES, "--provider", "builtin"])
            .current_dir(root())
            .stdout(Stdio::piped());
        Speaker::start(command, size)
    });
    let (first, second) = (first.as_mut(), second.as_mut());
    let (Ok(first), Ok(second)) = (first, second) else {
        bail!("a program can't be started");
    };
    let (mut pictures, mut differing, mut worst) = (0usize, 0usize, 0u8);
    while first.draws()? {
        ensure!(second.draws()?, "{avatar}: fewer pictures on ARM");
        let pairs = first.picture.iter().zip(&second.picture);
        let apart = pairs
            .map(|(a, b)| a.abs_diff(*b))
            .filter(|&apart| apart > 0);
        let (count, most) = apart.fold((0, 0), |(count, most), apart| (count + 1, most.max(apart)));
        pictures += 1;
        differing += count;
        worst = worst.max(most);
    }
    ensure!(!second.draws()?, "{avatar}: more pictures on ARM");
    let bytes = pictures * size;
    println!("arm: {avatar}: {differing} of {bytes} bytes differ, by {worst} at most");
    ensure!(
        pictures > 0 && differing == 0,
        "{avatar}: pictures are others than on this machine"
    );
    Ok(())
}

/// A program that renders, and its last picture.
struct Speaker {
    program: Child,
    picture: Vec<u8>,
}

impl Speaker {
    fn start(command: &mut Command, size: usize) -> Result<Self> {
        Ok(Self {
            program: command.spawn()?,
            picture: vec![0; size],
        })
    }

    /// The next picture; false at the end.
    fn draws(&mut self) -> Result<bool> {
        let pipe = self.program.stdout.as_mut().context("no pipe")?;
        let mut filled = 0;
        while filled < self.picture.len() {
            match pipe.read(&mut self.picture[filled..])? {
                0 if filled == 0 => {
                    ensure!(self.program.wait()?.success(), "a program failed");
                    return Ok(false);
                }
                0 => bail!("half a picture"),
                bytes => filled += bytes,
            }
        }
        Ok(true)
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        // It may have ended long ago.
        drop(self.program.kill());
        drop(self.program.wait());
    }
}

/// Of an avatar's pictures, in three bytes a pixel.
fn picture_bytes(sh: &Shell, program: &Command, avatar: &str) -> Result<usize> {
    let program = program.get_program();
    let said = cmd!(sh, "{program} info --json {avatar}").quiet().read()?;
    let said: serde_json::Value = serde_json::from_str(&said)?;
    let manifest = &said["manifest"];
    let size = ["frame", "picture"].map(|name| &manifest[name]);
    let side = |name: &str| size.iter().find_map(|size| size[name].as_u64());
    let (width, height) = side("width").zip(side("height")).context("no size")?;
    Ok(usize::try_from(width * height * 3)?)
}
