//! A sound card for browsers that play no sound without one.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::{fs, io};

use anyhow::{Context as _, Result, ensure};

/// `PulseAudio` with a loudspeaker that nobody hears; ends when dropped.
pub(crate) struct Loudspeaker {
    child: Child,
    folder: tempfile::TempDir,
}

impl Loudspeaker {
    /// None where `PulseAudio` is not installed.
    pub(crate) fn start() -> Result<Option<Self>> {
        let folder = tempfile::tempdir()?;
        let child = spawn(folder.path())?;
        Ok(child.map(|child| Self { child, folder }))
    }

    /// The card is gone.
    pub(crate) fn pull(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// The card is back.
    pub(crate) fn plug_in(&mut self) -> Result<()> {
        self.child = spawn(self.folder.path())?.context("PulseAudio is gone")?;
        Ok(())
    }

    pub(crate) fn address(&self) -> String {
        format!("unix:{}", self.folder.path().join("socket").display())
    }
}

/// `PulseAudio` with its socket in a folder, once it listens.
fn spawn(folder: &Path) -> Result<Option<Child>> {
    let socket = folder.join("socket");
    // One that was killed leaves it.
    match fs::remove_file(&socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let protocol = format!(
        "module-native-protocol-unix socket={} auth-anonymous=1",
        socket.display()
    );
    let child = Command::new("pulseaudio")
        .args([
            "-n",
            "--daemonize=no",
            "--exit-idle-time=-1",
            "--use-pid-file=no",
        ])
        .args(["--disable-shm=yes", "--load=module-null-sink"])
        .arg(format!("--load={protocol}"))
        .env("HOME", folder)
        .env("XDG_RUNTIME_DIR", folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else {
        return Ok(None);
    };
    while !socket.exists() {
        ensure!(child.try_wait()?.is_none(), "PulseAudio has ended");
        std::thread::yield_now();
    }
    Ok(Some(child))
}

impl Drop for Loudspeaker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
