//! A sound card for browsers that play no sound without one.

use std::process::{Child, Command, Stdio};

use anyhow::{Result, ensure};

/// `PulseAudio` with a loudspeaker that nobody hears; ends when dropped.
pub(crate) struct Loudspeaker {
    child: Child,
    folder: tempfile::TempDir,
}

impl Loudspeaker {
    /// None where `PulseAudio` is not installed.
    pub(crate) fn start() -> Result<Option<Self>> {
        let folder = tempfile::tempdir()?;
        let socket = folder.path().join("socket");
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
            .env("HOME", folder.path())
            .env("XDG_RUNTIME_DIR", folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = child else {
            return Ok(None);
        };
        let mut this = Self { child, folder };
        while !socket.exists() {
            ensure!(this.child.try_wait()?.is_none(), "PulseAudio has ended");
            std::thread::yield_now();
        }
        Ok(Some(this))
    }

    pub(crate) fn address(&self) -> String {
        format!("unix:{}", self.folder.path().join("socket").display())
    }
}

impl Drop for Loudspeaker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
