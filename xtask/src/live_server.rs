//! `bithuman run` as a process, for tests and benchmarks.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::root;

/// The process, ended when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
}

impl Server {
    /// Starts a build of the program on any port, with `arguments`.
    pub(crate) fn start(program: &Path, arguments: &[&str]) -> Result<Self> {
        let mut child = Command::new(program)
            .args(["run", "--json", "--port", "0"])
            .args(arguments)
            .current_dir(root())
            .env(
                "ORT_DYLIB_PATH",
                root().join("target/onnxruntime/libonnxruntime.so"),
            )
            .stdout(Stdio::piped())
            .spawn()
            .context("`bithuman run` can't be started")?;
        let stdout = child.stdout.take().context("no stdout")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let event: serde_json::Value = serde_json::from_str(&line).context("no session_started")?;
        ensure!(event["event"] == "session_started", "{event}");
        let url = event["url"].as_str().context("no url")?.to_owned();
        Ok(Self { child, url })
    }

    /// One of its metrics.
    pub(crate) fn metric(&self, name: &str) -> Result<u64> {
        let address = self.url.trim_start_matches("http://");
        let address = address.split('/').next().unwrap_or_default();
        let mut stream = TcpStream::connect(address)?;
        write!(
            stream,
            "GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
        )?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let begin = format!("bithuman_{name} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&begin));
        Ok(line
            .with_context(|| format!("no {name}: {text}"))?
            .parse()?)
    }

    /// Number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
