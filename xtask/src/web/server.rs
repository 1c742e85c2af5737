//! The static server of the tests, `bindings/web/test/server.mjs`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::root;

/// The server; ends when dropped.
pub(super) struct Server {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Of the pages, and of another origin.
    pub(super) own: String,
    pub(super) other: String,
}

impl Server {
    pub(super) fn start() -> Result<Self> {
        let mut child = Command::new("node")
            .arg(root().join("bindings/web/test/server.mjs"))
            .arg(root())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("node can't be started")?;
        let input = child.stdin.take().context("no stdin")?;
        let mut output = BufReader::new(child.stdout.take().context("no stdout")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let ports: Value = serde_json::from_str(&line).context("the server says no ports")?;
        let address = |name: &str| ports[name].as_str().unwrap_or_default().to_owned();
        Ok(Self {
            own: address("own"),
            other: address("cdn"),
            child,
            input,
            output,
        })
    }

    /// Leaves the pages without a network.
    pub(super) fn stop(&mut self) -> Result<()> {
        writeln!(self.input, "stop")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        ensure!(line.trim() == "stopped", "the server says {line:?}");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
