//! `bithuman run --web` at `?render=local`: the browser draws the avatar itself. A part of `cargo xtask web --test`,
//! which builds the package.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{DESKTOP, base64, picture};
use crate::bidi::{self, Firefox};
use crate::devtools::{self, Browser, Tab};
use crate::live_server::Server;
use crate::loudspeaker::Loudspeaker;

/// Counts the kinds of binary messages, and keeps the widest that the mouth was open.
const WATCHES: &str = "window.kinds = {}; window.sockets = []; window.widest = 0; \
    const Socket = WebSocket; \
    window.WebSocket = class extends Socket { \
        constructor(...rest) { super(...rest); sockets.push(this); \
            this.addEventListener('message', ({ data }) => { if (typeof data === 'string') return; \
                const kind = new Uint8Array(data)[0]; kinds[kind] = (kinds[kind] ?? 0) + 1; }); } }; \
    setInterval(() => { widest = Math.max(widest, window.bithuman?.figures.open ?? 0); }, 50);";

/// Speech came, was heard, and moved the mouth.
const SPOKE: &str = "bithuman.phase === 'live' && bithuman.figures.transport === 'local' \
    && bithuman.figures.speech > 10 && bithuman.figures.heard > 3 && widest > 0.15";

const ESCAPE: &str =
    "document.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }))";

/// The reply was heard to its end, as the page tells the server.
const LISTENS: &str = "bithuman.phase === 'live' && bithuman.state === 'listening'";

/// In Chromium and in Firefox, where they are installed.
pub(crate) fn run(program: &Path, pictures: Option<&str>) -> Result<()> {
    chromium(program, pictures)?;
    firefox(program, pictures)
}

fn chromium(program: &Path, pictures: Option<&str>) -> Result<()> {
    let Some(chromium) = devtools::find() else {
        println!("live-test local: no chromium on PATH: skipped");
        return Ok(());
    };
    let mut browser = Browser::start(&chromium, &["--deny-permission-prompts"])?;
    frames(&mut browser, program, pictures)?;
    portrait(&mut browser, program, pictures)?;
    let server = serve(program, &[])?;
    let tab = open(&mut browser, &server)?;
    begin(&mut browser, &tab)?;
    browser.wait(
        &tab,
        "bithuman.phase === 'poster' && document.getElementById('error').textContent.includes('bithuman run --web')",
    )?;
    picture(&mut browser, &tab, pictures, "local-refused")?;
    println!("live-test local: without the package, the page says how to have it");
    Ok(())
}

fn serve(program: &Path, arguments: &[&str]) -> Result<Server> {
    let brain = ["--brain", "script", "--gesture", "goodbye=nod"];
    Server::start(program, &[&brain[..], arguments].concat())
}

fn open(browser: &mut Browser, server: &Server) -> Result<Tab> {
    let url = format!("{}?render=local", server.url);
    browser.open_with(&url, DESKTOP, false, WATCHES)
}

fn begin(browser: &mut Browser, tab: &Tab) -> Result<()> {
    browser.run(tab, "document.getElementById('start-quiet').click()")?;
    Ok(())
}

fn say(browser: &mut Browser, tab: &Tab, text: &str) -> Result<()> {
    let say = format!(
        "document.getElementById('text').value = '{text}'; document.getElementById('form').requestSubmit()"
    );
    browser.run(tab, &say)?;
    Ok(())
}

/// An avatar of base frames: spoken to its end, interrupted, lost, reloaded, begun anew.
fn frames(browser: &mut Browser, program: &Path, pictures: Option<&str>) -> Result<()> {
    let server = serve(
        program,
        &["testdata/avatars/mika.imx", "--web", "bindings/web/dist"],
    )?;
    let tab = open(browser, &server)?;
    begin(browser, &tab)?;
    browser.wait(&tab, &format!("{SPOKE} && bithuman.state === 'speaking'"))?;
    picture(browser, &tab, pictures, "local")?;
    browser.key(&tab, "Escape", 27, true)?;
    browser.wait(
        &tab,
        &format!("{LISTENS} && bithuman.figures.loudness < 0.001 && bithuman.figures.open < 0.05"),
    )?;
    let shown = browser.run(&tab, "bithuman.figures.shown")?;
    browser.wait(
        &tab,
        &format!("bithuman.figures.shown > {shown} + 25 && bithuman.figures.loudness < 0.001"),
    )?;
    println!("live-test local: it spoke, and was interrupted");
    say(browser, &tab, "Well, goodbye")?;
    browser.wait(&tab, "bithuman.state === 'speaking'")?;
    browser.wait(
        &tab,
        &format!("{LISTENS} && document.getElementById('log').innerText.includes('Goodbye! Come back soon.') && bithuman.figures.gestures > 0"),
    )?;
    println!("live-test local: it answered with a nod, and was heard to the end");
    say(browser, &tab, "What can you do?")?;
    browser.wait(&tab, "bithuman.state === 'speaking'")?;
    browser.run(&tab, "sockets.at(-1).close()")?;
    browser.wait(&tab, &format!("sockets.length > 1 && {LISTENS}"))?;
    println!("live-test local: a connection that was lost came back in the midst of a reply");
    let kinds = browser.run(&tab, "kinds")?;
    let came = |kind: &str| kinds[kind].as_u64().unwrap_or(0);
    ensure!(
        came("4") > 10 && came("5") > 1 && (0..4).all(|kind| came(&kind.to_string()) == 0),
        "other messages than of speech: {kinds}"
    );
    let begun = |lines: &Value| {
        format!("{LISTENS} && document.getElementById('log').children.length >= {lines}")
    };
    let lines = browser.run(&tab, "document.getElementById('log').children.length")?;
    browser.reload(&tab)?;
    begin(browser, &tab)?;
    browser.wait(&tab, &begun(&lines))?;
    browser.run(&tab, "document.getElementById('end').click()")?;
    browser.wait(&tab, "bithuman.phase === 'ended'")?;
    begin(browser, &tab)?;
    browser.wait(
        &tab,
        "bithuman.phase === 'live' && bithuman.state === 'speaking'",
    )?;
    println!("live-test local: a reload went on, and an end let it begin anew");
    browser.close(&tab)
}

/// The avatar inside the program is a picture's.
fn portrait(browser: &mut Browser, program: &Path, pictures: Option<&str>) -> Result<()> {
    let server = serve(program, &["--web", "bindings/web/dist"])?;
    let tab = open(browser, &server)?;
    begin(browser, &tab)?;
    browser.wait(&tab, SPOKE)?;
    picture(browser, &tab, pictures, "local-portrait")?;
    println!("live-test local: a portrait spoke");
    browser.close(&tab)
}

/// Frames, speech and an interruption in Firefox; with sound where something plays it.
fn firefox(served: &Path, pictures: Option<&str>) -> Result<()> {
    let Some(program) = bidi::find() else {
        println!("live-test local: no firefox on PATH: skipped");
        return Ok(());
    };
    bidi::tried_again(|| {
        let server = serve(
            served,
            &["testdata/avatars/mika.imx", "--web", "bindings/web/dist"],
        )?;
        let loudspeaker = Loudspeaker::start()?;
        let mut firefox = Firefox::start(&program, loudspeaker.as_ref().map(Loudspeaker::address))?;
        firefox.go(&format!("{}?render=local", server.url))?;
        firefox.run("document.getElementById('start-quiet').click()")?;
        firefox.wait(
            "bithuman.phase === 'live' && bithuman.state === 'speaking' && bithuman.figures.transport === 'local' \
             && bithuman.figures.speech > 10 && bithuman.figures.open > 0.15",
        )?;
        if let Some(folder) = pictures {
            fs::create_dir_all(folder)?;
            let picture = base64(&firefox.picture()?)?;
            fs::write(Path::new(folder).join("local-firefox.png"), picture)?;
        }
        firefox.run(ESCAPE)?;
        firefox.wait(&format!("{LISTENS} && bithuman.figures.open < 0.05"))?;
        let shown = firefox.run("bithuman.figures.shown")?;
        firefox.wait(&format!("bithuman.figures.shown > {shown} + 25"))?;
        firefox.run("document.getElementById('end').click()")?;
        firefox.wait("bithuman.phase === 'ended'")?;
        println!("live-test local: Firefox drew it, and it was interrupted");
        Ok(())
    })
}
