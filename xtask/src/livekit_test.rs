//! `cargo xtask livekit-test`: avatars in LiveKit rooms, as LiveKit's own clients and agents meet them.

use std::fs;

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::{bindings, command_line, root, runtime};

pub(crate) fn run(sh: &Shell, pictures: Option<&str>) -> Result<()> {
    let folder = root().join("server/tests/livekit");
    let lists = [folder.join("requirements.txt"), folder.join("plugin.txt")];
    let [packages, plugin] = &lists;
    let ready = bindings::ready(sh, "livekit", &lists, |python| {
        let pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ];
        cmd!(sh, "{python} {pip...} --requirement {packages}").run()?;
        cmd!(sh, "{python} {pip...} --no-deps --requirement {plugin}").run()?;
        Ok(())
    });
    let python = match ready {
        Ok(python) => python,
        Err(error) => {
            println!("livekit-test: LiveKit's packages can't be had: skipped ({error})");
            return Ok(());
        }
    };
    let library = runtime::ensure(sh)?;
    command_line(sh)?;
    if let Some(pictures) = pictures {
        fs::create_dir_all(pictures)?;
    }
    let test = folder.join("test_livekit.py");
    let program = root().join("target/debug/bithuman");
    let avatar = root().join("testdata/avatars/mika.imx");
    let speech = root().join("testdata/audio/speech_48000.wav");
    cmd!(
        sh,
        "{python} {test} {program} {avatar} {speech} {pictures...}"
    )
    .env("ORT_DYLIB_PATH", library)
    .run()?;
    Ok(())
}
