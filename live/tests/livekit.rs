//! A participant and servers that don't let it in, don't answer, or aren't there.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use essence::{Avatar, Engine};
use essence_live::livekit::{JoinOptions, LeaveReason, Participant, ParticipantEvent};

/// A test that waits for longer has failed.
const DEADLINE: Duration = Duration::from_secs(60);

fn avatar() -> Avatar {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/avatars/toy.imx");
    let engine = Engine::builder().build().expect("ONNX Runtime is there");
    engine.open(path).expect("the toy avatar opens")
}

fn join(url: &str, token: &str) -> (Participant, Receiver<ParticipantEvent>) {
    let mut options = JoinOptions::new(url, token);
    options.reconnect_limit = Duration::from_millis(500);
    let (sender, events) = channel();
    let participant = Participant::join(&avatar(), options, move |event| {
        let _ = sender.send(event);
    });
    (participant.expect("it begins"), events)
}

fn reason(events: &Receiver<ParticipantEvent>) -> LeaveReason {
    loop {
        match events.recv_timeout(DEADLINE).expect("it ends") {
            ParticipantEvent::Left { reason } => return reason,
            ParticipantEvent::Joined => panic!("nobody let it in"),
            _ => {}
        }
    }
}

/// A server of one connection, at its address.
fn serve(answer: impl FnOnce(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("it connects");
        answer(stream);
    });
    format!("ws://{address}")
}

#[test]
fn impossible_addresses_and_tokens_are_refused_at_once() {
    for url in [
        "",
        "nowhere",
        "ftp://127.0.0.1",
        "ws://",
        "ws://me:secret@127.0.0.1:1",
        "/rtc",
    ] {
        let (_participant, events) = join(url, "token");
        let reason = reason(&events);
        assert!(
            matches!(reason, LeaveReason::Refused(_)),
            "{url:?}: {reason}"
        );
        assert!(!reason.to_string().contains("secret"), "{reason}");
    }
    let url = serve(drop);
    let (_participant, events) = join(&url, "two\nlines");
    assert!(matches!(reason(&events), LeaveReason::Refused(_)));
}

#[test]
fn a_server_that_refuses_the_token_is_asked_once() {
    let url = serve(|mut stream| {
        let mut request = [0; 4096];
        let length = stream.read(&mut request).expect("a request");
        let request = String::from_utf8_lossy(&request[..length]).to_lowercase();
        let (line, headers) = request.split_once("\r\n").expect("a line");
        assert!(
            line.starts_with("get /rtc?protocol=") && !line.contains("hidden"),
            "{line}"
        );
        assert!(
            headers.contains("authorization: bearer hidden"),
            "{headers}"
        );
        let _ = stream.write_all(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n");
    });
    let (_participant, events) = join(&url, "hidden");
    let reason = reason(&events);
    assert!(
        matches!(&reason, LeaveReason::Refused(why) if why.contains("401")),
        "{reason}"
    );
}

#[test]
fn a_server_that_is_not_there_is_given_up() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let (participant, events) = join(&format!("http://{address}"), "token");
    assert!(matches!(reason(&events), LeaveReason::Lost(_)));
    drop(participant);
}

#[test]
fn a_participant_leaves_while_the_server_is_silent() {
    let (sender, connected) = channel();
    let url = serve(move |stream| {
        let _ = sender.send(stream);
    });
    let mut options = JoinOptions::new(url, "token");
    options.reconnect_limit = DEADLINE;
    let (sender, events) = channel();
    let participant = Participant::join(&avatar(), options, move |event| {
        let _ = sender.send(event);
    });
    let participant = participant.expect("it begins");
    let _stream = connected.recv_timeout(DEADLINE).expect("it connects");
    assert!(participant.is_running());
    participant.leave();
    assert_eq!(reason(&events), LeaveReason::Asked);
}

#[test]
fn options_do_not_show_their_token() {
    let shown = format!("{:?}", JoinOptions::new("ws://127.0.0.1", "hidden"));
    assert!(
        shown.contains("127.0.0.1") && !shown.contains("hidden"),
        "{shown}"
    );
}
