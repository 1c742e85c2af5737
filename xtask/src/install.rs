//! Installing libessence where compilers and loaders find it: what `cargo-c` does, with nothing to
//! install first. `ffi/Cargo.toml` has what `cargo-c` itself needs.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

use crate::root;

/// Libraries that a static library needs besides itself, on Linux.
const STATIC_LIBRARIES: &str = "-lstdc++ -lm -lpthread -ldl";

/// `cargo xtask install --prefix PREFIX [--destdir DIR] [--debug]`
pub(crate) fn install(sh: &Shell, arguments: &[&str]) -> Result<()> {
    let (mut prefix, mut destdir, mut release) = (None, String::new(), true);
    let mut rest = arguments.iter();
    while let Some(&word) = rest.next() {
        match word {
            "--prefix" => prefix = rest.next().copied(),
            "--destdir" => destdir = rest.next().context("--destdir needs a folder")?.to_string(),
            "--debug" => release = false,
            other => bail!("install knows --prefix, --destdir and --debug, not `{other}`"),
        }
    }
    let prefix = prefix.context("install needs --prefix PREFIX")?;
    if !Path::new(prefix).is_absolute() {
        bail!("--prefix {prefix} is not an absolute path");
    }
    if !cfg!(unix) {
        bail!("install knows Unix systems; see packaging/ for the others");
    }
    let abi = abi_version(sh)?;
    let built = build(sh, &abi, release)?;
    let to = PathBuf::from(format!("{destdir}{prefix}"));
    let library = to.join("lib");
    for folder in ["include", "lib/pkgconfig", "lib/cmake/essence"] {
        sh.create_dir(to.join(folder))?;
    }
    sh.copy_file(
        root().join("include/essence.h"),
        to.join("include/essence.h"),
    )?;
    sh.copy_file(built.join("libessence.a"), library.join("libessence.a"))?;
    let names = Names::new(&abi);
    replace(sh, &built.join(names.built), &library.join(&names.real))?;
    link(sh, &names.real, &library.join(&names.soname))?;
    link(sh, &names.soname, &library.join(names.built))?;

    let version = env!("CARGO_PKG_VERSION");
    let package = |text: &str| {
        text.replace("@PREFIX@", prefix)
            .replace("@VERSION@", version)
            .replace("@REAL@", &names.real)
            .replace("@SONAME@", &names.soname)
            .replace("@STATIC_LIBRARIES@", STATIC_LIBRARIES)
    };
    for (from, into) in [
        ("essence.pc.in", "lib/pkgconfig/essence.pc"),
        (
            "essenceConfig.cmake.in",
            "lib/cmake/essence/essenceConfig.cmake",
        ),
        (
            "essenceConfigVersion.cmake.in",
            "lib/cmake/essence/essenceConfigVersion.cmake",
        ),
    ] {
        let text = sh.read_file(root().join("packaging").join(from))?;
        sh.write_file(to.join(into), package(&text))?;
    }
    println!(
        "installed libessence {version} (ABI {}) to {}",
        abi.join("."),
        to.display()
    );
    Ok(())
}

/// Names of the shared library's files.
struct Names {
    built: &'static str,
    soname: String,
    real: String,
}

impl Names {
    fn new([major, minor]: &[String; 2]) -> Self {
        if cfg!(target_vendor = "apple") {
            return Self {
                built: "libessence.dylib",
                soname: format!("libessence.{major}.dylib"),
                real: format!("libessence.{major}.{minor}.dylib"),
            };
        }
        Self {
            built: "libessence.so",
            soname: format!("libessence.so.{major}"),
            real: format!("libessence.so.{major}.{minor}"),
        }
    }
}

/// Major and minor version, as the header says them.
fn abi_version(sh: &Shell) -> Result<[String; 2]> {
    let header = sh.read_file(root().join("include/essence.h"))?;
    let number = |name: &str| {
        let define = format!("#define ESSENCE_ABI_VERSION_{name} ");
        let line = header.lines().find_map(|line| line.strip_prefix(&define));
        line.map(str::to_owned)
            .context("the header says its version")
    };
    Ok([number("MAJOR")?, number("MINOR")?])
}

/// Both libraries; the shared one with its soname.
fn build(sh: &Shell, abi: &[String; 2], release: bool) -> Result<PathBuf> {
    let commit = cmd!(sh, "git rev-parse --short=12 HEAD")
        .quiet()
        .ignore_stderr()
        .read()
        .unwrap_or_default();
    let _commit = (!commit.is_empty()).then(|| sh.push_env("ESSENCE_COMMIT", commit));
    let soname = Names::new(abi).soname;
    let name = if cfg!(target_vendor = "apple") {
        format!("-Clink-arg=-Wl,-install_name,@rpath/{soname}")
    } else {
        format!("-Clink-arg=-Wl,-soname,{soname}")
    };
    let profile = release.then_some("--release");
    cmd!(
        sh,
        "cargo rustc --locked --package essence-ffi --lib {profile...} -- {name}"
    )
    .run()?;
    let folder = root().join(if release {
        "target/release"
    } else {
        "target/debug"
    });
    // Out of the way of other builds, which know nothing of sonames.
    let kept = root().join("target/install");
    sh.create_dir(&kept)?;
    for file in [Names::new(abi).built, "libessence.a"] {
        sh.copy_file(folder.join(file), kept.join(file))?;
    }
    Ok(kept)
}

/// Copies beside and renames, so that programs that run keep the library that they have.
fn replace(sh: &Shell, from: &Path, to: &Path) -> Result<()> {
    let mut part = to.as_os_str().to_owned();
    part.push(".part");
    sh.copy_file(from, &part)?;
    std::fs::rename(&part, to)?;
    Ok(())
}

#[cfg(unix)]
fn link(sh: &Shell, target: &str, at: &Path) -> Result<()> {
    sh.remove_path(at)?;
    std::os::unix::fs::symlink(target, at)?;
    Ok(())
}

#[cfg(not(unix))]
fn link(_: &Shell, _: &str, _: &Path) -> Result<()> {
    bail!("no links here")
}

/// Installs into a folder of its own and builds programs against that: by pkg-config, by pkg-config
/// statically, by `find_package`. What is not installed here is skipped and named.
pub(crate) fn check(sh: &Shell) -> Result<()> {
    if !cfg!(target_os = "linux") {
        println!("installing is checked on Linux only: skipped");
        return Ok(());
    }
    let [major, minor] = abi_version(sh)?;
    let manifest = sh.read_file(root().join("ffi/Cargo.toml"))?;
    if !manifest.contains(&format!("\nversion = \"{major}.{minor}.0\"\n")) {
        bail!("ffi/Cargo.toml tells cargo-c another version than {major}.{minor}.0");
    }
    let prefix = root().join("target/installed");
    sh.remove_path(&prefix)?;
    let prefix_text = prefix.to_string_lossy().into_owned();
    install(sh, &["--prefix", &prefix_text, "--debug"])?;
    let library = prefix.join("lib/libessence.so");
    let dynamic = cmd!(sh, "readelf -d {library}").quiet().read()?;
    if !dynamic.contains("soname: [libessence.so.1]") {
        bail!("the soname is not libessence.so.1:\n{dynamic}");
    }
    if crate::stage::has(sh, "pkg-config") {
        let _path = sh.push_env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
        let flags = cmd!(sh, "pkg-config --cflags --libs essence")
            .quiet()
            .read()?;
        let flags = flags.split_whitespace();
        let program = prefix.join("by_pkg_config");
        cmd!(sh, "cc ffi/examples/render_wav.c -o {program} {flags...}")
            .quiet()
            .run()?;
        says_usage(sh, &program, Some(&prefix.join("lib")))?;
        println!("install: pkg-config links");
    } else {
        println!("pkg-config is not installed: skipped");
    }
    if crate::stage::has(sh, "cmake") {
        let (source, build) = (root().join("ffi/tests/cmake"), prefix.join("by_cmake"));
        cmd!(
            sh,
            "cmake -S {source} -B {build} -DCMAKE_PREFIX_PATH={prefix}"
        )
        .quiet()
        .ignore_stdout()
        .run()?;
        cmd!(sh, "cmake --build {build}")
            .quiet()
            .ignore_stdout()
            .run()?;
        says_usage(sh, &build.join("render_wav"), None)?;
        says_usage(sh, &build.join("render_wav_static"), None)?;
        println!("install: CMake's find_package links, shared and static");
    } else {
        println!("cmake is not installed: skipped");
    }
    Ok(())
}

/// The example, run without arguments, says how to use it: it was linked and loads.
fn says_usage(sh: &Shell, program: &Path, libraries: Option<&Path>) -> Result<()> {
    let _path = libraries.map(|folder| sh.push_env("LD_LIBRARY_PATH", folder));
    let said = cmd!(sh, "{program}")
        .quiet()
        .ignore_status()
        .read_stderr()?;
    if !said.starts_with("usage:") {
        bail!("{} said {said:?}", program.display());
    }
    Ok(())
}
