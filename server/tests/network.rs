//! Networks that break: the conversation waits for its page, goes on by another way, and others don't notice.

#[path = "../../live/tests/common/browser.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "tests, which use a part")]
mod browser;
mod common;

use std::time::Duration;

use browser::Browser;
use common::page::{KEY_PICTURE, OPUS, media};
use common::{Page, metric, options, post, server};
use essence_server::Server;
use tungstenite::Message;

/// The conversation's token.
fn join(page: &mut Page) -> String {
    let session = page.expect("session");
    session["token"].as_str().expect("a token").to_owned()
}

fn picture(message: &Message) -> Option<(u8, u32)> {
    media(message).filter(|&(kind, _)| kind == KEY_PICTURE)
}

/// Connects by WebRTC.
fn offer(server: &Server, token: &str) -> Browser {
    let (mut browser, offer) = Browser::new();
    let path = format!("/{}/offer?session={token}", server.code());
    let answer = post(
        server,
        &path,
        &format!("http://{}", server.address()),
        &offer,
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    browser.accept(&answer.text());
    browser.run_until("pictures and sound", |browser| {
        browser.pictures.len() > 10 && browser.sounds.len() > 10
    });
    browser
}

#[test]
fn a_page_behind_a_dead_network_is_let_go_and_its_conversation_waits() {
    let mut options = options();
    options.silence = Duration::from_millis(400);
    let server = server(options);
    let mut dead = Page::open(&server, None);
    let token = join(&mut dead);
    dead.send(r#"{"type": "media", "sound": "opus"}"#);
    dead.until(picture);
    // From here on it reads nothing and answers nothing; nobody tells the server.
    let mut other = Page::open(&server, None);
    other.send(r#"{"type": "media", "sound": "opus"}"#);
    let mut next = None;
    while metric(&server, "pages") > 1 {
        let (_, number) = other.until(|message| media(message).filter(|&(kind, _)| kind == OPUS));
        assert_eq!(
            *next.get_or_insert(number),
            number,
            "no packet of sound is missing"
        );
        next = Some(number + 1);
    }
    assert_eq!(metric(&server, "sessions"), 2);
    let mut back = Page::open(&server, Some(&token));
    assert_eq!(back.expect("session")["resumed"], true);
    back.send(r#"{"type": "media", "sound": "opus"}"#);
    back.until(picture);
}

#[test]
fn a_conversation_whose_udp_is_cut_goes_on_by_another_offer_or_by_the_websocket() {
    let mut options = options();
    options.silence = Duration::from_secs(120);
    let server = server(options);
    let mut other = Page::open(&server, None);
    let token_of_other = join(&mut other);
    let mut other_browser = offer(&server, &token_of_other);
    let mut page = Page::open(&server, None);
    let token = join(&mut page);
    drop(offer(&server, &token));
    // The server finds out; the other conversation goes on meanwhile.
    let before = other_browser.sounds.len();
    other_browser.run_until("the peer is given up", |_| {
        metric(&server, "webrtc_peers") == 1
    });
    let (first, last) = (
        other_browser.sounds.keys().next(),
        other_browser.sounds.keys().next_back(),
    );
    let frames = last.zip(first).map_or(0, |(last, first)| last - first + 1);
    assert_eq!(
        other_browser.sounds.len() as u64,
        frames,
        "no packet of sound is missing"
    );
    assert!(other_browser.sounds.len() > before);
    // It takes the same conversation up again, by UDP and then by TCP.
    drop(offer(&server, &token));
    page.send(r#"{"type": "media", "sound": "opus"}"#);
    page.until(picture);
    page.send(r#"{"type": "text", "text": "goodbye"}"#);
    while page.expect("state")["state"] != "speaking" {}
    assert_eq!(metric(&server, "sessions"), 2);
}
