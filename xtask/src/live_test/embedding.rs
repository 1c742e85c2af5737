//! The conversation inside pages of another origin: in a frame, and behind the widget's button.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};

use anyhow::{Context as _, Result};

use super::{DESKTOP, PHONE, picture};
use crate::devtools::Browser;

/// Collects the frame's messages; `send` posts commands to it.
const SCRIPT: &str = "window.seen = []; addEventListener('message', event => seen.push(event.data)); \
    const has = (type, fits = () => true) => seen.some(m => m.type === 'bithuman:' + type && fits(m)); \
    const send = (type, detail) => frames[0].postMessage({ ...detail, type: 'bithuman:' + type }, '*');";

/// A site with a page for every path: its query names what is put into the page's body.
pub(super) struct Parent {
    port: u16,
}

impl Parent {
    pub(super) fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        // Ends with the process: it waits for connections only.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Apart: browsers open connections that they may ask nothing on.
                std::thread::spawn(move || answer(stream));
            }
        });
        Ok(Self { port })
    }

    pub(super) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// `/frame?URL` shows an address in a frame, `/widget?SERVER CODE` has the widget's script tag.
fn answer(mut stream: TcpStream) -> Result<()> {
    let mut request = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    request.read_line(&mut line)?;
    let mut header = line.clone();
    while !header.trim().is_empty() {
        header.clear();
        request.read_line(&mut header)?;
    }
    let path = line.split(' ').nth(1).unwrap_or_default();
    let inside = match path.split_once('?').unwrap_or((path, "")) {
        ("/frame", url) => format!(
            "<iframe width=420 height=640 allow='microphone; autoplay' onload='window.loaded = true' src='{url}'></iframe>"
        ),
        ("/widget", place) => {
            let (server, code) = place.split_once("%20").unwrap_or((place, ""));
            format!("<script async src='{server}/widget.js' data-code='{code}'></script>")
        }
        _ => String::new(),
    };
    let page = format!(
        "<!doctype html><meta name=viewport content='width=device-width'><title>A shop</title><h1>A shop</h1>\
         <script>{SCRIPT}</script>{inside}"
    );
    let length = page.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{page}"
    )?;
    Ok(())
}

/// Commands and events of a frame; a site that isn't allowed sees nothing.
pub(super) fn frame(
    browser: &mut Browser,
    url: &str,
    parent: &Parent,
    pictures: Option<&str>,
) -> Result<()> {
    let (server, code) = url.rsplit_once('/').context("no code")?;
    let inside = format!("{server}/embed/{code}?theme_color=00796b&theme=light");
    let foreign = format!("http://localhost:{}/frame?{inside}", parent.port);
    let tab = browser.open(&foreign, DESKTOP, false)?;
    browser.wait(&tab, "window.loaded && seen.length === 0")?;
    browser.close(&tab)?;
    let tab = browser.open(
        &format!("{}/frame?{inside}", parent.origin()),
        DESKTOP,
        false,
    )?;
    browser.wait(&tab, "has('loaded')")?;
    for (command, answer) in [
        (
            "send('gesture', { name: 'nod' })",
            "has('error', m => m.message.includes('bithuman:start'))",
        ),
        (
            "send('jump')",
            "has('error', m => m.message.includes('bithuman:jump'))",
        ),
        (
            "send('start')",
            "has('ready', m => m.gestures.includes('nod')) && has('state', m => m.state === 'speaking')",
        ),
        (
            "seen.length = 0; send('interrupt')",
            "has('state', m => m.state === 'listening')",
        ),
        (
            "send('gesture', { name: 'nod' })",
            "has('gesture', m => m.name === 'nod')",
        ),
        (
            "send('text', { text: 'Well, goodbye' })",
            "has('caption', m => m.speaker === 'user' && m.text === 'Well, goodbye') && \
             has('caption', m => m.speaker === 'avatar' && m.text.startsWith('Goodbye!') && m.final)",
        ),
        (
            "send('microphone', { on: true })",
            "has('error', m => m.message.includes('You can type instead'))",
        ),
    ] {
        browser.run(&tab, command)?;
        browser.wait(&tab, answer)?;
    }
    picture(browser, &tab, pictures, "frame")?;
    browser.run(&tab, "send('end')")?;
    browser.wait(&tab, "has('ended')")?;
    println!(
        "live-test: a page of another origin led the conversation in its frame; a foreign one saw nothing"
    );
    browser.close(&tab)
}

/// The button opens and closes the conversation.
pub(super) fn widget(
    browser: &mut Browser,
    url: &str,
    parent: &Parent,
    pictures: Option<&str>,
) -> Result<()> {
    let (server, code) = url.rsplit_once('/').context("no code")?;
    let page = format!("{}/widget?{server}%20{code}", parent.origin());
    let tab = browser.open(&page, PHONE, true)?;
    browser.wait(&tab, "window.bitHuman")?;
    let button = "[...document.body.children].at(-1).shadowRoot.querySelector('button')";
    picture(browser, &tab, pictures, "widget")?;
    browser.run(&tab, &format!("{button}.click()"))?;
    browser.wait(&tab, "bitHuman.isOpen() && has('loaded')")?;
    picture(browser, &tab, pictures, "widget-open")?;
    browser.run(&tab, "bitHuman.send('start')")?;
    browser.wait(&tab, "has('ready')")?;
    browser.run(&tab, &format!("{button}.click()"))?;
    browser.wait(&tab, "!bitHuman.isOpen() && has('ended')")?;
    println!("live-test: the widget opened and closed the conversation");
    browser.close(&tab)
}
