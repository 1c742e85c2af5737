//! `cargo xtask live-test`: `bithuman run` as a person meets it, in headless Chromium.

mod embedding;
pub(crate) mod firefox;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use xshell::Shell;

use crate::devtools::{self, Browser, Tab};
use crate::live_server::Server;
use crate::{command_line, root, runtime};

const DESKTOP: (u32, u32) = (1280, 800);
const PHONE: (u32, u32) = (390, 844);

/// The time in which the server has noticed that a browser is gone.
const LEFT: Duration = Duration::from_secs(30);

/// Pictures and sound keep coming.
const PLAYS: &str =
    "bithuman.phase === 'live' && bithuman.figures.shown > 40 && bithuman.figures.heard > 5";

pub(crate) fn run(sh: &Shell, pictures: Option<&str>) -> Result<()> {
    let Some(chromium) = devtools::find() else {
        println!("live-test: no chromium on PATH: skipped");
        return Ok(());
    };
    runtime::ensure(sh)?;
    let program = command_line(sh)?;
    let parent = embedding::Parent::start()?;
    let server = Server::start(
        &program,
        &[
            "--brain",
            "script",
            "--max-sessions",
            "8",
            "--allow-embed",
            &parent.origin(),
        ],
    )?;
    let folder = tempfile::tempdir()?;
    let sound = folder.path().join("microphone.wav");
    fs::write(&sound, microphone()?)?;
    let file = format!(
        "--use-file-for-fake-audio-capture={}%noloop",
        sound.display()
    );
    let mut talking = Browser::start(
        &chromium,
        &[
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            &file,
        ],
    )?;
    interrupts(&mut talking, &server, pictures)?;
    let mut typing = Browser::start(&chromium, &["--deny-permission-prompts"])?;
    types(&mut typing, &server, pictures)?;
    webrtc(&mut typing, &server)?;
    embedding::frame(&mut typing, &server.url, &parent, pictures)?;
    embedding::widget(&mut typing, &server.url, &parent, pictures)?;
    let kept = typing.open(&server.url, DESKTOP, false)?;
    typing.run(&kept, "document.getElementById('start-quiet').click()")?;
    typing.wait(&kept, PLAYS)?;
    // `kill -9`, in the midst of a conversation.
    drop((talking, typing));
    let begin = Instant::now();
    while server.metric("pages")? > 0 {
        ensure!(
            begin.elapsed() < LEFT,
            "the server still sees killed browsers"
        );
    }
    println!("live-test: killed browsers were let go");
    let sound = root().join("testdata/audio/speech_48000.wav");
    let file = format!("--use-file-for-fake-audio-capture={}", sound.display());
    let mut pressing = Browser::start(
        &chromium,
        &[
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            &file,
        ],
    )?;
    presses(&mut pressing, &server)
}

/// The avatar greets, a voice interrupts it, the reply comes; a reload goes on with all that was said.
fn interrupts(browser: &mut Browser, server: &Server, pictures: Option<&str>) -> Result<()> {
    let tab = browser.open(&server.url, DESKTOP, false)?;
    picture(browser, &tab, pictures, "poster")?;
    browser.run(&tab, "document.getElementById('start').click()")?;
    browser.wait(&tab, PLAYS)?;
    picture(browser, &tab, pictures, "speaking")?;
    let lines = "[...document.querySelectorAll('#log .avatar')].map(line => line.textContent)";
    browser.wait(&tab, &format!("{lines}.some(line => line.endsWith('—'))"))?;
    println!("live-test: a voice interrupted the greeting");
    browser.wait(
        &tab,
        &format!("{lines}.some(line => line.startsWith('I heard you'))"),
    )?;
    println!("live-test: what was said was answered");
    browser.reload(&tab)?;
    browser.run(&tab, "document.getElementById('start-quiet').click()")?;
    browser.wait(
        &tab,
        "bithuman.phase === 'live' && bithuman.figures.shown > 10",
    )?;
    browser.wait(
        &tab,
        &format!("{lines}.some(line => line.startsWith('I heard you'))"),
    )?;
    println!("live-test: a reload went on with the conversation");
    browser.run(&tab, "document.getElementById('end').click()")?;
    browser.wait(&tab, "bithuman.phase === 'ended'")?;
    browser.close(&tab)
}

/// If the microphone is refused, typing does it all.
fn types(browser: &mut Browser, server: &Server, pictures: Option<&str>) -> Result<()> {
    let tab = browser.open(&server.url, PHONE, true)?;
    picture(browser, &tab, pictures, "phone-poster")?;
    browser.run(&tab, "document.getElementById('start').click()")?;
    browser.wait(
        &tab,
        "document.getElementById('error').textContent.includes('You can type instead')",
    )?;
    browser.wait(&tab, PLAYS)?;
    let say = "document.getElementById('text').value = 'Well, goodbye'; document.getElementById('form').requestSubmit()";
    browser.run(&tab, say)?;
    browser.wait(
        &tab,
        "document.getElementById('log').innerText.includes('Goodbye! Come back soon.')",
    )?;
    picture(browser, &tab, pictures, "phone")?;
    browser.wait(&tab, "bithuman.state === 'listening'")?;
    println!("live-test: with the microphone refused, text was answered");
    browser.run(&tab, "document.getElementById('end').click()")?;
    browser.close(&tab)
}

/// WebRTC, which is lost twice: another offer goes on, and where there is no other, the WebSocket.
fn webrtc(browser: &mut Browser, server: &Server) -> Result<()> {
    /// Keeps every connection, to be failed by `lose()`; `refuse` lets no further one be made.
    const PEERS: &str = "window.peers = []; window.refuse = false; \
        const Peer = RTCPeerConnection; \
        window.RTCPeerConnection = class extends Peer { \
            constructor(...rest) { if (refuse) throw new Error('refused'); super(...rest); peers.push(this); } }; \
        window.lose = () => { const peer = peers.at(-1); bithuman.figures.shown = bithuman.figures.heard = 0; \
            Object.defineProperty(peer, 'connectionState', { value: 'failed' }); \
            peer.dispatchEvent(new Event('connectionstatechange')); }";
    let url = format!("{}?transport=webrtc", server.url);
    let tab = browser.open_with(&url, DESKTOP, true, PEERS)?;
    let way = |name: &str| format!("bithuman.figures.transport === '{name}' && {PLAYS}");
    browser.run(&tab, "document.getElementById('start-quiet').click()")?;
    browser.wait(&tab, &format!("peers.length === 1 && {}", way("webrtc")))?;
    println!("live-test: pictures and sound came by WebRTC");
    browser.run(&tab, "lose()")?;
    browser.wait(&tab, &format!("peers.length === 2 && {}", way("webrtc")))?;
    browser.run(&tab, "refuse = true; lose()")?;
    browser.wait(&tab, &format!("peers.length === 2 && {}", way("websocket")))?;
    println!("live-test: lost, WebRTC was offered anew; then the WebSocket took over");
    browser.close(&tab)
}

/// Keys and buttons: interrupt, push to talk, mute, another microphone, no sound. The microphone never rests.
fn presses(browser: &mut Browser, server: &Server) -> Result<()> {
    const SPACE: (&str, u32) = (" ", 32);
    let tab = browser.open(&server.url, DESKTOP, false)?;
    browser.click(&tab, "start-quiet")?;
    browser.wait(
        &tab,
        "bithuman.phase === 'live' && bithuman.state === 'speaking'",
    )?;
    browser.key(&tab, "Escape", 27, true)?;
    browser.wait(&tab, "bithuman.state === 'listening'")?;
    browser.click(&tab, "more")?;
    browser.click(&tab, "push")?;
    browser.wait(&tab, "!document.getElementById('talk').hidden")?;
    browser.key(&tab, SPACE.0, SPACE.1, true)?;
    browser.run(
        &tab,
        "window.loud = 0; setInterval(() => { loud += bithuman.figures.level > 0.01; }, 100)",
    )?;
    // More than a second of voice.
    browser.wait(&tab, "window.loud > 15")?;
    browser.key(&tab, SPACE.0, SPACE.1, false)?;
    let answers = "[...document.querySelectorAll('#log .avatar')].filter(line => line.textContent.startsWith('I heard you')).length";
    browser.wait(
        &tab,
        &format!("{answers} === 1 && bithuman.state === 'speaking'"),
    )?;
    browser.click(&tab, "interrupt")?;
    browser.wait(
        &tab,
        "bithuman.state === 'listening' && bithuman.figures.level === 0",
    )?;
    println!("live-test: held to talk, and interrupted by key and by button");
    browser.click(&tab, "push")?;
    let pressed = |id: &str, on: bool| {
        format!("document.getElementById('{id}').getAttribute('aria-pressed') === '{on}'")
    };
    browser.wait(
        &tab,
        &format!("{} && bithuman.figures.level > 0", pressed("mic", true)),
    )?;
    browser.key(&tab, "m", 77, true)?;
    browser.wait(
        &tab,
        &format!("{} && bithuman.figures.level === 0", pressed("mic", false)),
    )?;
    browser.run(
        &tab,
        "(() => { const devices = document.getElementById('devices'); \
         devices.selectedIndex = devices.options.length - 1; devices.dispatchEvent(new Event('change')); })()",
    )?;
    browser.wait(
        &tab,
        &format!("{} && bithuman.figures.level > 0", pressed("mic", true)),
    )?;
    browser.click(&tab, "sound")?;
    browser.wait(
        &tab,
        &format!(
            "{} && bithuman.figures.loudness === 0",
            pressed("sound", false)
        ),
    )?;
    println!("live-test: muted, took another microphone, and switched the sound off");
    browser.click(&tab, "end")?;
    browser.wait(&tab, "bithuman.phase === 'ended'")?;
    browser.close(&tab)
}

fn picture(browser: &mut Browser, tab: &Tab, folder: Option<&str>, name: &str) -> Result<()> {
    let Some(folder) = folder else {
        return Ok(());
    };
    fs::create_dir_all(folder)?;
    let bytes = base64(&browser.picture(tab)?)?;
    fs::write(Path::new(folder).join(format!("{name}.png")), bytes)?;
    Ok(())
}

pub(crate) fn base64(text: &str) -> Result<Vec<u8>> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0);
    for letter in text.bytes().filter(|&b| b != b'=') {
        let value = LETTERS
            .iter()
            .position(|&l| l == letter)
            .context("no base 64")?;
        bits = bits << 6 | u32::try_from(value)?;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff)?);
        }
    }
    Ok(bytes)
}

/// A microphone's sound: silence while the avatar greets, a sentence over it, silence.
fn microphone() -> Result<Vec<u8>> {
    const SECOND: usize = 2 * 48_000;
    let wav = fs::read(root().join("testdata/audio/speech_48000.wav"))?;
    let (header, samples) = wav.split_at(44);
    let mut data = vec![0; 4 * SECOND];
    // "Hello! My name is Amber".
    data.extend_from_slice(
        samples
            .get(SECOND * 2 / 5..SECOND * 9 / 5)
            .context("too short")?,
    );
    data.resize(data.len() + 30 * SECOND, 0);
    let length = u32::try_from(data.len())?;
    let mut file = header.to_vec();
    file[4..8].copy_from_slice(&(length + 36).to_le_bytes());
    file[40..44].copy_from_slice(&length.to_le_bytes());
    file.extend(data);
    Ok(file)
}
