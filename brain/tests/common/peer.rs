//! A stand-in for a server of the Realtime protocol, in both of its spellings, on loopback.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use essence_brain::{Brain, Event, OpenAiSettings, Realtime, Settings};
use serde_json::{Value, json};
use tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tungstenite::{Message, WebSocket};

use super::{DEADLINE, start};

/// A server's side of one connection.
pub(crate) struct Peer {
    pub(crate) socket: WebSocket<TcpStream>,
    /// The path and the authorization that the client came with.
    pub(crate) path: String,
    pub(crate) authorization: String,
}

impl Peer {
    pub(crate) fn send(&mut self, event: Value) {
        self.socket
            .send(Message::text(event.to_string()))
            .expect("the client is there");
    }

    /// The next event of a type; others are passed over into `seen`.
    pub(crate) fn expect(&mut self, kind: &str, seen: &mut Vec<Value>) -> Value {
        loop {
            let message = self.socket.read().expect("the client goes on");
            let Message::Text(text) = message else {
                continue;
            };
            let event: Value = serde_json::from_str(&text).expect("JSON");
            if event["type"] == kind {
                return event;
            }
            seen.push(event);
        }
    }

    /// Opens the session in a spelling; the settings that the client asks for.
    pub(crate) fn open(&mut self, released: bool) -> Value {
        let session = match released {
            true => json!({ "type": "realtime" }),
            false => json!({ "modalities": ["audio", "text"] }),
        };
        self.send(json!({ "type": "session.created", "session": session }));
        self.expect("session.update", &mut Vec::new())["session"].take()
    }

    /// Begins a reply with so many milliseconds of sound.
    pub(crate) fn begin(&mut self, released: bool, id: &str, text: &str, ms: usize) {
        let name = if released { "output_audio" } else { "audio" };
        let sound = BASE64_STANDARD.encode(vec![1u8; 48 * ms]);
        self.send(json!({ "type": "response.created", "response": { "id": id } }));
        self.send(
            json!({ "type": "response.output_item.added", "response_id": id,
            "item": { "type": "message", "id": format!("item-{id}") } }),
        );
        self.send(json!({ "type": format!("response.{name}_transcript.delta"), "response_id": id, "delta": text }));
        self.send(json!({ "type": format!("response.{name}_transcript.done"), "response_id": id }));
        for piece in sound.as_bytes().chunks(6_400) {
            let delta = std::str::from_utf8(piece).expect("base 64");
            self.send(json!({ "type": format!("response.{name}.delta"), "response_id": id, "delta": delta }));
        }
    }

    pub(crate) fn done(&mut self, id: &str, status: &str) {
        self.send(json!({ "type": "response.done", "response": { "id": id, "status": status } }));
    }
}

/// Connections as they come; the address.
pub(crate) fn server() -> (String, Receiver<Peer>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    let (sender, peers): (Sender<Peer>, _) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            stream.set_read_timeout(Some(DEADLINE)).expect("a limit");
            let (mut path, mut authorization) = (String::new(), String::new());
            #[expect(clippy::result_large_err, reason = "the type is tungstenite's")]
            let look = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
                path = request.uri().to_string();
                let value = request.headers().get("authorization");
                authorization = value
                    .map(|v| v.to_str().unwrap_or_default().to_owned())
                    .unwrap_or_default();
                Ok(response)
            };
            let Ok(socket) = tungstenite::accept_hdr(stream, look) else {
                continue;
            };
            if sender
                .send(Peer {
                    socket,
                    path,
                    authorization,
                })
                .is_err()
            {
                return;
            }
        }
    });
    (url, peers)
}

pub(crate) fn peer(peers: &Receiver<Peer>) -> Peer {
    peers.recv_timeout(DEADLINE).expect("the client connects")
}

pub(crate) fn settings(url: &str) -> OpenAiSettings {
    OpenAiSettings {
        base_url: url.to_owned(),
        api_key: "secret-key".to_owned(),
        realtime_model: "a model".to_owned(),
        ..OpenAiSettings::default()
    }
}

/// A conversation over the protocol, and the server's sides of its connections.
pub(crate) fn conversation(
    settings: Settings,
    renewal: Option<Duration>,
) -> (Brain, Receiver<Event>, Receiver<Peer>) {
    let (url, peers) = server();
    let mut client = self::settings(&url);
    client.realtime_renewal = renewal.unwrap_or(client.realtime_renewal);
    let realtime = Realtime::new(client).expect("a client");
    let (brain, events) = start(Arc::new(realtime), settings);
    (brain, events, peers)
}
