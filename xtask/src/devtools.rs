//! Headless Chromium, driven by its `DevTools` protocol over a WebSocket.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

/// How long a condition may take to come true.
const DEADLINE: Duration = Duration::from_secs(60);

/// The names that Chromium goes by.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// A browser under way; ends when dropped.
pub(crate) struct Browser {
    child: Child,
    socket: WebSocket<TcpStream>,
    next: u64,
    _profile: tempfile::TempDir,
}

/// A page of a browser.
pub(crate) struct Tab {
    session: String,
}

/// The browser's program, if one is on `PATH`.
pub(crate) fn find() -> Option<PathBuf> {
    on_path(&NAMES)
}

/// The first of the programs that is on `PATH`.
pub(crate) fn on_path(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let mut found = names
        .iter()
        .flat_map(|name| folders.iter().map(move |f| f.join(name)));
    found.find(|path| path.is_file())
}

impl Browser {
    pub(crate) fn start(program: &Path, flags: &[&str]) -> Result<Self> {
        let profile = tempfile::tempdir()?;
        let mut child = Command::new(program)
            .args([
                "--headless=new",
                // Chromium's sandbox does not work for root, as in CI's containers; the pages are our own.
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--remote-debugging-port=0",
                "--autoplay-policy=no-user-gesture-required",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .args(flags)
            .arg("about:blank")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("Chromium can't be started")?;
        let stderr = child.stderr.take().context("no stderr")?;
        let mut lines = BufReader::new(stderr).lines();
        let url = loop {
            let Some(Ok(line)) = lines.next() else {
                let _ = child.kill();
                bail!("Chromium ended before it listened");
            };
            if let Some(url) = line.strip_prefix("DevTools listening on ") {
                break url.to_owned();
            }
        };
        // It blocks when nobody reads what it says.
        std::thread::spawn(move || lines.for_each(drop));
        let address = url
            .trim_start_matches("ws://")
            .split('/')
            .next()
            .unwrap_or_default();
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        let (socket, _) =
            tungstenite::client(url.as_str(), stream).map_err(|e| anyhow::anyhow!("{e}"))?;
        Ok(Self {
            child,
            socket,
            next: 0,
            _profile: profile,
        })
    }

    /// Opens a page of a size in pixels.
    pub(crate) fn open(&mut self, url: &str, size: (u32, u32), dark: bool) -> Result<Tab> {
        self.open_with(url, size, dark, "")
    }

    /// The same, with a script that runs before those of each page.
    pub(crate) fn open_with(
        &mut self,
        url: &str,
        (width, height): (u32, u32),
        dark: bool,
        script: &str,
    ) -> Result<Tab> {
        let target = self.call(
            None,
            "Target.createTarget",
            &json!({ "url": "about:blank" }),
        )?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = self.call(None, "Target.attachToTarget", &attach)?;
        let session = attached["sessionId"]
            .as_str()
            .context("no session")?
            .to_owned();
        let tab = Tab { session };
        let scheme = if dark { "dark" } else { "light" };
        for (method, params) in [
            ("Page.enable", json!({})),
            (
                "Emulation.setDeviceMetricsOverride",
                json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 }),
            ),
            (
                "Emulation.setEmulatedMedia",
                json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] }),
            ),
            (
                "Page.addScriptToEvaluateOnNewDocument",
                json!({ "source": script }),
            ),
            ("Page.navigate", json!({ "url": url })),
        ] {
            self.call(Some(&tab), method, &params)?;
        }
        self.wait(
            &tab,
            "document.readyState === 'complete' && location.href !== 'about:blank'",
        )?;
        Ok(tab)
    }

    pub(crate) fn reload(&mut self, tab: &Tab) -> Result<()> {
        self.run(tab, "window.old = true")?;
        self.call(Some(tab), "Page.reload", &json!({}))?;
        self.wait(
            tab,
            "!window.old && document.readyState === 'complete' && window.bithuman",
        )
    }

    pub(crate) fn close(&mut self, tab: &Tab) -> Result<()> {
        self.call(Some(tab), "Page.close", &json!({})).map(drop)
    }

    /// Clicks on the element of an id with the mouse, as far as the page doesn't move meanwhile.
    pub(crate) fn click(&mut self, tab: &Tab, id: &str) -> Result<()> {
        let script = format!(
            "(() => {{ const r = document.getElementById('{id}').getBoundingClientRect(); \
             return [r.x + r.width / 2, r.y + r.height / 2]; }})()"
        );
        let place = self.run(tab, &script)?;
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1 });
            self.call(Some(tab), "Input.dispatchMouseEvent", &event)?;
        }
        Ok(())
    }

    /// Presses (true) or releases a key, by its name and its legacy code.
    pub(crate) fn key(&mut self, tab: &Tab, key: &str, code: u32, down: bool) -> Result<()> {
        let kind = if down { "keyDown" } else { "keyUp" };
        let event = json!({ "type": kind, "key": key, "windowsVirtualKeyCode": code });
        self.call(Some(tab), "Input.dispatchKeyEvent", &event)
            .map(drop)
    }

    /// A picture of the page, PNG in base 64.
    pub(crate) fn picture(&mut self, tab: &Tab) -> Result<String> {
        let taken = self.call(
            Some(tab),
            "Page.captureScreenshot",
            &json!({ "format": "png" }),
        )?;
        Ok(taken["data"].as_str().context("no picture")?.to_owned())
    }

    /// Runs a script as if the user had clicked; its value.
    pub(crate) fn run(&mut self, tab: &Tab, script: &str) -> Result<Value> {
        let params = json!({
            "expression": script,
            "awaitPromise": true,
            "returnByValue": true,
            "userGesture": true,
        });
        let mut answer = self.call(Some(tab), "Runtime.evaluate", &params)?;
        ensure!(
            answer["exceptionDetails"].is_null(),
            "{script}: {}",
            answer["exceptionDetails"]
        );
        Ok(answer["result"]["value"].take())
    }

    /// Seconds of a processor that the page's own thread has taken since this was asked first.
    pub(crate) fn thread_s(&mut self, tab: &Tab) -> Result<f64> {
        let ticks = json!({ "timeDomain": "threadTicks" });
        self.call(Some(tab), "Performance.enable", &ticks)?;
        let told = self.call(Some(tab), "Performance.getMetrics", &json!({}))?;
        let mut metrics = told["metrics"].as_array().context("no metrics")?.iter();
        let found = metrics.find(|metric| metric["name"] == "TaskDuration");
        found
            .and_then(|metric| metric["value"].as_f64())
            .context("no time")
    }

    /// Waits until an expression is true.
    pub(crate) fn wait(&mut self, tab: &Tab, condition: &str) -> Result<()> {
        let limit = DEADLINE.as_millis() - 5_000;
        let script = format!(
            "new Promise(done => {{ const end = performance.now() + {limit}; const look = () => \
             ({condition}) ? done(true) : performance.now() > end ? done(false) : setTimeout(look, 20); look(); }})"
        );
        // A page that is being loaded takes its scripts with it.
        for _ in 0..100 {
            match self.run(tab, &script) {
                Ok(Value::Bool(true)) => return Ok(()),
                Ok(_) => {
                    let text = self.run(
                        tab,
                        "document.body.innerText + JSON.stringify(window.bithuman?.figures)",
                    )?;
                    bail!("not in time: {condition}\nthe page says: {text}");
                }
                Err(error) if format!("{error:#}").contains("ontext") => {}
                Err(error) => return Err(error),
            }
        }
        bail!("the page is loaded again and again")
    }

    fn call(&mut self, tab: Option<&Tab>, method: &str, params: &Value) -> Result<Value> {
        self.next += 1;
        let id = self.next;
        let mut request = json!({ "id": id, "method": method, "params": params });
        if let Some(tab) = tab {
            request["sessionId"] = tab.session.as_str().into();
        }
        self.socket.send(Message::text(request.to_string()))?;
        loop {
            let Message::Text(text) = self
                .socket
                .read()
                .with_context(|| format!("no answer to {method}"))?
            else {
                continue;
            };
            let mut answer: Value = serde_json::from_str(&text)?;
            if answer["id"] == id {
                ensure!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return Ok(answer["result"].take());
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
