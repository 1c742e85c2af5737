//! Pages that draw the avatar themselves: the files that they get, and speech in place of pictures.

mod common;

use std::path::Path;
use std::sync::Arc;

use common::page::{Page, control};
use common::{get, metric, options, raw, server};
use essence::ErrorKind;
use essence_server::{Options, Server, WebPackage};
use tungstenite::Message;

const SPEECH: u8 = 4;
const ENDS: u8 = 5;
const DROPPED: u8 = 6;

fn avatar() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/avatars/toy.imx");
    std::fs::read(path).expect("the toy avatar")
}

/// A package that only tells its files apart.
fn package() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for name in [
        "index.js",
        "worker.js",
        "player.worklet.js",
        "essence.wasm",
        "essence-relaxed.wasm",
        "notes.txt",
    ] {
        std::fs::write(folder.path().join(name), name).expect("a file");
    }
    folder
}

fn drawing() -> Options {
    let mut options = options();
    let package = package();
    let web = WebPackage::open(package.path(), avatar()).expect("a package");
    options.web = Some(Arc::new(web));
    options
}

fn open(server: &Server, session: Option<&str>) -> Page {
    let address = server.address();
    let session = session.map(|token| format!("&session={token}"));
    let query = format!("?render=local{}", session.unwrap_or_default());
    Page::try_connect(address, server.code(), &query, &format!("http://{address}"))
        .expect("the page is let in")
}

/// A binary message: kind, interruptions, value and the seconds of its samples.
fn speech(message: &Message) -> Option<(u8, u16, f64)> {
    let Message::Binary(bytes) = message else {
        return None;
    };
    let rate = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
    let seconds = (bytes.len() - 8) as f64 / 2.0 / f64::from(rate.max(1));
    Some((bytes[0], u16::from_le_bytes([bytes[2], bytes[3]]), seconds))
}

fn heard(page: &mut Page, drops: u16, seconds: f64) {
    let mut message = vec![20, 0];
    message.extend(drops.to_le_bytes());
    message.extend(((1000.0 * seconds) as u32).to_le_bytes());
    page.0.send(Message::binary(message)).expect("it is sent");
}

/// Hears speech as it comes, to the utterance's end: its seconds, and the number of what was dropped before.
fn listen(page: &mut Page) -> (f64, u16) {
    let (mut seconds, mut drops) = (0.0, 0);
    loop {
        let (kind, number, more) = page.until(speech);
        match kind {
            DROPPED => drops = number,
            SPEECH => seconds += more,
            ENDS => return (seconds, drops),
            kind => panic!("a message of kind {kind}"),
        }
        heard(page, drops, seconds);
    }
}

#[test]
fn the_page_gets_the_package_and_the_avatars_file() {
    let server = server(drawing());
    let code = server.code();
    assert!(
        get(&server, &format!("/{code}"))
            .text()
            .contains("data-web=\"yes\"")
    );
    let script = get(&server, "/assets/web/index.js");
    assert_eq!((script.status, script.text().as_str()), (200, "index.js"));
    assert!(
        script.headers.contains("content-type: text/javascript"),
        "{}",
        script.headers
    );
    let module = get(&server, "/assets/web/essence.wasm");
    assert!(
        module.headers.contains("application/wasm")
            && module.headers.contains("'wasm-unsafe-eval'")
    );
    for path in [
        "/assets/web/notes.txt",
        "/assets/web/..%2fnotes.txt",
        "/assets/web/none.js",
    ] {
        assert_eq!(get(&server, path).status, 404, "{path}");
    }
    let file = avatar();
    let whole = get(&server, &format!("/{code}/avatar.imx"));
    assert_eq!((whole.status, &whole.body), (200, &file));
    assert!(whole.headers.contains("accept-ranges: bytes") && whole.headers.contains("etag: \""));
    let part = |range: &str| {
        let address = server.address();
        raw(
            &server,
            &format!(
                "GET /{code}/avatar.imx HTTP/1.1\r\nhost: {address}\r\nrange: {range}\r\nconnection: close\r\n\r\n"
            ),
        )
    };
    let size = file.len();
    let some = part("bytes=10-19");
    assert_eq!((some.status, &some.body[..]), (206, &file[10..20]));
    assert!(
        some.headers
            .contains(&format!("content-range: bytes 10-19/{size}")),
        "{}",
        some.headers
    );
    assert_eq!(part(&format!("bytes={size}-")).status, 416);
    assert_eq!(get(&server, "/WRONG-CODE/avatar.imx").status, 404);
}

#[test]
fn without_a_package_nothing_is_given_away() {
    let server = server(options());
    let code = server.code();
    assert!(
        get(&server, &format!("/{code}?render=local"))
            .text()
            .contains("data-web=\"no\"")
    );
    assert_eq!(get(&server, &format!("/{code}/avatar.imx")).status, 404);
    assert_eq!(get(&server, "/assets/web/index.js").status, 404);
    let empty = tempfile::tempdir().expect("a folder");
    let error = WebPackage::open(empty.path(), avatar()).expect_err("it is empty");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.message().contains("cargo xtask web"), "{error}");
}

#[test]
fn a_page_that_draws_gets_speech_alone_and_says_what_was_heard() {
    let server = server(drawing());
    let mut page = open(&server, None);
    assert_eq!(page.expect("session")["webrtc"], false);
    page.send(r#"{"type": "media", "sound": "pcm"}"#);
    let (seconds, drops) = listen(&mut page);
    assert!(seconds > 1.0, "{seconds} s of a greeting");
    heard(&mut page, drops, seconds);
    while page.expect("state")["state"] != "listening" {}
    // A reply that is talked over is cut at the word that was heard.
    page.send(r#"{"type": "text", "text": "goodbye"}"#);
    page.until(|message| speech(message).filter(|&(kind, ..)| kind == SPEECH));
    heard(&mut page, drops, seconds + 0.1);
    page.send(r#"{"type": "interrupt"}"#);
    // In either order.
    let (mut number, mut listens) = (drops, false);
    page.until(|message| {
        if let Some((DROPPED, dropped, _)) = speech(message) {
            number = dropped;
        }
        listens |= control(message).is_some_and(|told| told["state"] == "listening");
        (listens && number > drops).then_some(())
    });
    page.send(r#"{"type": "gesture", "name": "fly"}"#);
    page.send(r#"{"type": "gesture", "name": "nod"}"#);
    assert_eq!(page.expect("gesture")["name"], "nod", "the page plays it");
}

#[test]
fn a_page_that_comes_back_goes_on_where_it_was_heard() {
    let server = server(drawing());
    let mut whole = open(&server, None);
    whole.send(r#"{"type": "media", "sound": "pcm"}"#);
    let (all, _) = listen(&mut whole);
    whole.send(r#"{"type": "leave"}"#);
    while metric(&server, "sessions") > 0 {}
    let mut first = open(&server, None);
    let token = first.expect("session")["token"]
        .as_str()
        .expect("a token")
        .to_owned();
    first.send(r#"{"type": "media", "sound": "pcm"}"#);
    let drops = first
        .until(|message| speech(message).filter(|&(kind, ..)| kind == SPEECH))
        .1;
    heard(&mut first, drops, 0.1);
    first.send(r#"{"type": "ping", "id": 1}"#);
    first.expect("pong");
    drop(first);
    let mut second = open(&server, Some(&token));
    assert_eq!(second.expect("session")["resumed"], true);
    second.send(r#"{"type": "media", "sound": "pcm"}"#);
    let (rest, _) = listen(&mut second);
    assert!((all - rest - 0.1).abs() < 0.01, "{all} s, then {rest} s");
    drop(second);
    // The same page, drawn by the server: another conversation, in the same seat.
    let query = format!("?session={token}");
    let address = server.address();
    let mut third = Page::try_connect(address, server.code(), &query, &format!("http://{address}"))
        .expect("the page is let in");
    assert_eq!(third.expect("session")["resumed"], false);
    assert_eq!(metric(&server, "sessions"), 1);
}
