//! Headless Firefox, driven by `WebDriver` `BiDi` over a `WebSocket`.

use std::collections::VecDeque;
use std::fmt;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use crate::devtools::on_path;

/// How long a condition may take to come true.
const DEADLINE: Duration = Duration::from_secs(60);

/// How long it may take to answer.
const ANSWER: Duration = Duration::from_secs(120);

/// The pause before a condition is looked at again.
const PAUSE: Duration = Duration::from_millis(50);

/// Lines of its own that are shown when it stops answering.
const LAST_LINES: usize = 20;

/// The names that Firefox goes by.
const NAMES: [&str; 2] = ["firefox", "firefox-esr"];

/// Stands before the address of its `WebSocket`, on stderr.
const LISTENING: &str = "WebDriver BiDi listening on ";

/// A microphone that everybody is given, a tone; sound without a click; nothing that is fetched from elsewhere.
const PREFERENCES: &str = r#"
user_pref("media.navigator.streams.fake", true);
user_pref("media.navigator.permission.disabled", true);
user_pref("media.autoplay.default", 0);
user_pref("app.update.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("media.gmp-manager.updateEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("toolkit.telemetry.enabled", false);
"#;

/// A browser under way with one page; ends when dropped.
pub(crate) struct Firefox {
    child: Child,
    socket: WebSocket<TcpStream>,
    next: u64,
    page: Value,
    said: Arc<Mutex<VecDeque<String>>>,
    _profile: tempfile::TempDir,
}

/// The browser's program, if one is on `PATH`.
pub(crate) fn find() -> Option<PathBuf> {
    on_path(&NAMES)
}

impl Firefox {
    /// Starts it, with the address of a `PulseAudio` that plays its sound.
    pub(crate) fn start(program: &Path, pulse: Option<String>) -> Result<Self> {
        let profile = tempfile::tempdir()?;
        fs::write(profile.path().join("user.js"), PREFERENCES)?;
        let mut command = Command::new(program);
        if let Some(address) = pulse {
            command.env("PULSE_SERVER", address);
        }
        let mut child = command
            .args([
                "--headless",
                "--no-remote",
                "--remote-debugging-port=0",
                "--profile",
            ])
            .arg(profile.path())
            .arg("about:blank")
            // It refuses another user's home, as sandboxes have it.
            .env("HOME", profile.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("Firefox can't be started")?;
        let stderr = child.stderr.take().context("no stderr")?;
        let mut lines = BufReader::new(stderr).lines();
        let url = loop {
            let Some(Ok(line)) = lines.next() else {
                let _ = child.kill();
                bail!("Firefox ended before it listened");
            };
            if let Some((_, url)) = line.split_once(LISTENING) {
                break url.trim().to_owned();
            }
        };
        // It blocks when nobody reads what it says.
        let said = Arc::new(Mutex::new(VecDeque::new()));
        let keeps = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut said = keeps.lock().unwrap_or_else(PoisonError::into_inner);
                said.truncate(LAST_LINES - 1);
                said.push_front(line);
            }
        });
        let stream = TcpStream::connect(url.trim_start_matches("ws://"))?;
        stream.set_read_timeout(Some(ANSWER))?;
        let (socket, _) = tungstenite::client(format!("{url}/session"), stream)
            .map_err(|e| anyhow::anyhow!("{e}"))?;
        let mut this = Self {
            child,
            socket,
            next: 0,
            page: Value::Null,
            said,
            _profile: profile,
        };
        this.call("session.new", &json!({ "capabilities": {} }))?;
        let tree = this.call("browsingContext.getTree", &json!({}))?;
        this.page = tree["contexts"][0]["context"].clone();
        ensure!(this.page.is_string(), "Firefox has no page: {tree}");
        Ok(this)
    }

    pub(crate) fn go(&mut self, url: &str) -> Result<()> {
        let page = self.page.clone();
        let params = json!({ "context": page, "url": url, "wait": "complete" });
        self.call("browsingContext.navigate", &params).map(drop)
    }

    /// Runs a script as if the user had clicked; its value.
    pub(crate) fn run(&mut self, script: &str) -> Result<Value> {
        let params = json!({
            "expression": format!("(async () => JSON.stringify((await ({script})) ?? null))()"),
            "target": { "context": self.page.clone() },
            "awaitPromise": true,
            "userActivation": true,
        });
        let answer = self.call("script.evaluate", &params)?;
        ensure!(
            answer["type"] == "success",
            "{script}: {}",
            answer["exceptionDetails"]["text"]
        );
        let text = answer["result"]["value"].as_str().context("no text")?;
        Ok(serde_json::from_str(text)?)
    }

    /// Waits until an expression is true. It is asked from here: a promise that the page keeps for a minute can be
    /// lost with the process that shows it, and nobody would hear of it.
    pub(crate) fn wait(&mut self, condition: &str) -> Result<()> {
        let end = Instant::now() + DEADLINE;
        while Instant::now() < end {
            if self.run(&format!("Boolean({condition})"))? == true {
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
        let text =
            self.run("document.body.innerText + JSON.stringify(window.bithuman?.figures)")?;
        bail!("not in time: {condition}\nthe page says: {text}")
    }

    /// A picture of the page, PNG in base 64.
    pub(crate) fn picture(&mut self) -> Result<String> {
        let params = json!({ "context": self.page.clone() });
        let taken = self.call("browsingContext.captureScreenshot", &params)?;
        Ok(taken["data"].as_str().context("no picture")?.to_owned())
    }

    fn last_lines(&self) -> String {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<&str> = said.iter().rev().map(String::as_str).collect();
        lines.join("\n")
    }

    fn call(&mut self, method: &str, params: &Value) -> Result<Value> {
        self.next += 1;
        let request = json!({ "id": self.next, "method": method, "params": params });
        self.socket.send(Message::text(request.to_string()))?;
        loop {
            let message = self.socket.read().map_err(|error| Silent {
                method: method.to_owned(),
                error: error.to_string(),
                said: self.last_lines(),
            })?;
            let Message::Text(text) = message else {
                continue;
            };
            let mut answer: Value = serde_json::from_str(&text)?;
            if answer["id"] == self.next {
                ensure!(
                    answer["type"] == "success",
                    "{method}: {}",
                    answer["message"]
                );
                return Ok(answer["result"].take());
            }
        }
    }
}

/// Firefox gave no answer: it, or the process that shows its page, hangs or is gone.
#[derive(Debug)]
pub(crate) struct Silent {
    method: String,
    error: String,
    said: String,
}

impl fmt::Display for Silent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "Firefox gave no answer to {} ({}); it said last:\n{}",
            self.method, self.error, self.said
        )
    }
}

impl std::error::Error for Silent {}

/// Runs a test in a browser of its own, and once more in a fresh one if the browser stopped answering; a page that
/// answers and doesn't do as it should is never given a second chance.
pub(crate) fn tried_again(test: impl Fn() -> Result<()>) -> Result<()> {
    match test() {
        Err(error) if error.is::<Silent>() => {
            println!("{error}\nonce more, with a fresh browser");
            test()
        }
        done => done,
    }
}

impl Drop for Firefox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
