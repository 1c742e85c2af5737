//! A page's side of a conversation, for tests of this crate and of the program.
#![allow(dead_code, reason = "each test file uses a part")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::{Message, WebSocket};

/// A test that waits for longer has failed.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Kinds of binary messages from the server, as in `essence_live::ws`.
pub(crate) const PICTURE: u8 = 0;
pub(crate) const KEY_PICTURE: u8 = 1;
pub(crate) const OPUS: u8 = 2;

/// A page's WebSocket.
pub(crate) struct Page(pub(crate) WebSocket<TcpStream>);

impl Page {
    /// Opens the conversation of a token, or a new one.
    pub(crate) fn connect(address: SocketAddr, code: &str, session: Option<&str>) -> Self {
        let query = session.map(|s| format!("?session={s}")).unwrap_or_default();
        let origin = format!("http://{address}");
        Self::try_connect(address, code, &query, &origin).expect("the page is let in")
    }

    /// Opens a WebSocket, or the status of the refusal.
    pub(crate) fn try_connect(
        address: SocketAddr,
        code: &str,
        query: &str,
        origin: &str,
    ) -> Result<Self, u16> {
        let url = format!("ws://{address}/{code}/ws{query}");
        let mut request = url.into_client_request().expect("an address");
        request
            .headers_mut()
            .insert("origin", origin.parse().expect("a header"));
        let stream = TcpStream::connect(address).expect("it listens");
        stream
            .set_read_timeout(Some(DEADLINE))
            .expect("a time limit");
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(answer))) => {
                Err(answer.status().as_u16())
            }
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).expect("it is sent");
    }

    /// The next control message of `kind`; media is passed over.
    pub(crate) fn expect(&mut self, kind: &str) -> Value {
        self.until(|message| control(message).filter(|value| value["type"] == kind))
    }

    pub(crate) fn until<T>(&mut self, mut fits: impl FnMut(&Message) -> Option<T>) -> T {
        let begin = Instant::now();
        loop {
            let message = self.0.read().expect("the connection goes on");
            if let Some(found) = fits(&message) {
                return found;
            }
            assert!(
                begin.elapsed() < DEADLINE,
                "what was waited for did not come"
            );
        }
    }
}

/// A control message.
pub(crate) fn control(message: &Message) -> Option<Value> {
    match message {
        Message::Text(text) => Some(serde_json::from_str(text).expect("JSON")),
        _ => None,
    }
}

/// The kind and the frame's number of a binary message.
pub(crate) fn media(message: &Message) -> Option<(u8, u32)> {
    match message {
        Message::Binary(bytes) => Some((
            bytes[0],
            u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
        )),
        _ => None,
    }
}

/// A metric's value.
pub(crate) fn metric(address: SocketAddr, name: &str) -> u64 {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream
        .set_read_timeout(Some(DEADLINE))
        .expect("a time limit");
    let request = format!("GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("bithuman_{name} ")));
    line.unwrap_or_else(|| panic!("no {name} in {text}"))
        .parse()
        .expect("a number")
}
