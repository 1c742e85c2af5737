//! `cargo xtask live-test firefox`: the page in Firefox, which takes the WebSocket.
//!
//! Firefox plays no sound without a sound card; `PulseAudio` stands in for one where it is installed.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use xshell::Shell;

use super::base64;
use crate::bidi::{self, Firefox};
use crate::live_server::Server;
use crate::loudspeaker::Loudspeaker;
use crate::{command_line, runtime};

/// Pictures keep coming, and sound with them where there is something that plays it.
const SHOWS: &str = "bithuman.phase === 'live' && bithuman.figures.shown > 40";
const SOUNDS: &str = "bithuman.figures.heard > 5 && bithuman.figures.level > 0";

/// Pictures and sound keep coming to an open microphone, and what is typed is spoken.
pub(crate) fn run(sh: &Shell, pictures: Option<&str>) -> Result<()> {
    let Some(program) = bidi::find() else {
        println!("live-test firefox: no firefox on PATH: skipped");
        return Ok(());
    };
    runtime::ensure(sh)?;
    let served = command_line(sh)?;
    bidi::tried_again(|| talk(&program, &served, pictures))
}

fn talk(program: &Path, served: &Path, pictures: Option<&str>) -> Result<()> {
    let server = Server::start(served, &["--brain", "script"])?;
    let loudspeaker = Loudspeaker::start()?;
    if loudspeaker.is_none() {
        println!("live-test firefox: no pulseaudio on PATH: without sound");
    }
    let mut firefox = Firefox::start(program, loudspeaker.as_ref().map(Loudspeaker::address))?;
    firefox.go(&server.url)?;
    let decodes = "VideoDecoder.isConfigSupported({ codec: 'avc1.42e01f' }).then(x => x.supported)";
    if firefox.run(decodes)? != true {
        println!("live-test firefox: no decoder for H.264 (libavcodec): skipped");
        return Ok(());
    }
    firefox.run("document.getElementById('start').click()")?;
    firefox.wait(SHOWS)?;
    let way = firefox.run("bithuman.figures.transport")?;
    ensure!(
        way == "websocket",
        "the page went by {way} instead of the WebSocket"
    );
    let sounds = if loudspeaker.is_some() {
        SOUNDS
    } else {
        "true"
    };
    firefox.wait(sounds)?;
    println!("live-test firefox: pictures and sound came, and the microphone is open");
    firefox.run("bithuman.figures.heard = 0")?;
    firefox.run(
        "(() => { document.getElementById('text').value = 'goodbye'; \
         document.getElementById('form').requestSubmit(); })()",
    )?;
    firefox
        .wait("document.getElementById('log').innerText.includes('Goodbye! Come back soon.')")?;
    firefox.wait(sounds)?;
    let shown = firefox.run("bithuman.figures.shown")?;
    firefox.wait(&format!("bithuman.figures.shown > {shown} + 25"))?;
    println!("live-test firefox: text was answered, and pictures kept coming");
    if let Some(folder) = pictures {
        fs::create_dir_all(folder)?;
        let picture = base64(&firefox.picture()?)?;
        fs::write(Path::new(folder).join("firefox.png"), picture)?;
    }
    firefox.run("document.getElementById('end').click()")?;
    firefox.wait("bithuman.phase === 'ended'")
}
