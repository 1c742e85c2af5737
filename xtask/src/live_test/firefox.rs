//! `cargo xtask live-test firefox`: the page in Firefox, which takes the WebSocket.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

use super::{PLAYS, base64};
use crate::bidi::{self, Firefox};
use crate::live_server::Server;
use crate::runtime;

/// Pictures and sound keep coming to an open microphone, and what is typed is spoken.
pub(crate) fn run(sh: &Shell, pictures: Option<&str>) -> Result<()> {
    let Some(program) = bidi::find() else {
        println!("live-test firefox: no firefox on PATH: skipped");
        return Ok(());
    };
    runtime::ensure(sh)?;
    cmd!(sh, "cargo build --locked --package bithuman-cli").run()?;
    let server = Server::start("target/debug/bithuman", &["--brain", "script"])?;
    let mut firefox = Firefox::start(&program)?;
    firefox.go(&server.url)?;
    firefox.run("document.getElementById('start').click()")?;
    firefox.wait(PLAYS)?;
    let way = firefox.run("bithuman.figures.transport")?;
    ensure!(
        way == "websocket",
        "the page went by {way} instead of the WebSocket"
    );
    firefox.wait("bithuman.figures.level > 0")?;
    println!("live-test firefox: pictures and sound came, and the microphone is open");
    firefox.run(
        "(() => { document.getElementById('text').value = 'goodbye'; \
         document.getElementById('form').requestSubmit(); })()",
    )?;
    firefox.wait(
        "document.getElementById('log').innerText.includes('Goodbye! Come back soon.') \
         && bithuman.state === 'speaking' && bithuman.figures.loudness > 0.003",
    )?;
    let shown = firefox.run("bithuman.figures.shown")?;
    firefox.wait(&format!("bithuman.figures.shown > {shown} + 25"))?;
    println!("live-test firefox: text was answered aloud, and pictures kept coming");
    if let Some(folder) = pictures {
        fs::create_dir_all(folder)?;
        let picture = base64(&firefox.picture()?)?;
        fs::write(Path::new(folder).join("firefox.png"), picture)?;
    }
    firefox.run("document.getElementById('end').click()")?;
    firefox.wait("bithuman.phase === 'ended'")
}
