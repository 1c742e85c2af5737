//! A server with a toy avatar, and plain clients for it.
#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod page;
pub(crate) mod rest;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use essence::{Avatar, Engine};
use essence_brain::{Echo, Responder, Script};
use essence_server::{Options, Server};

pub(crate) use page::{DEADLINE, Page};

pub(crate) fn avatar() -> Avatar {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/avatars/toy.imx");
    let engine = Engine::builder().build().expect("ONNX Runtime is there");
    engine.open(path).expect("the toy avatar opens")
}

pub(crate) fn options() -> Options {
    let mut options = Options::default();
    options.address.set_port(0);
    options.max_sessions = Some(2);
    options
}

pub(crate) fn server(options: Options) -> Server {
    with(
        options,
        Arc::new(Script::built_in(None).expect("the script is whole")),
    )
}

pub(crate) fn echo(options: Options) -> Server {
    with(options, Arc::new(Echo::default()))
}

pub(crate) fn with(options: Options, responder: Arc<dyn Responder>) -> Server {
    Server::start(options, avatar(), responder).expect("the server starts")
}

/// Status, headers and body of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends `request` as it is, up to the end of its headers, and reads the answer.
pub(crate) fn raw(server: &Server, request: &str) -> Answer {
    let mut stream = connect(server);
    let _ = stream.write_all(request.as_bytes());
    answer(stream).expect("an answer")
}

pub(crate) fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address()).expect("it listens");
    stream
        .set_read_timeout(Some(DEADLINE))
        .expect("a time limit");
    stream
}

/// The answer; None if the connection was closed without one.
pub(crate) fn answer(stream: TcpStream) -> Option<Answer> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let status = first.split(' ').nth(1)?.parse().ok()?;
    let (mut headers, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        headers.push_str(&line.to_lowercase());
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Answer {
        status,
        headers,
        body,
    })
}

pub(crate) fn get(server: &Server, path: &str) -> Answer {
    let address = server.address();
    raw(
        server,
        &format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"),
    )
}

pub(crate) fn post(server: &Server, path: &str, origin: &str, body: &str) -> Answer {
    let (address, length) = (server.address(), body.len());
    raw(
        server,
        &format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\norigin: {origin}\r\ncontent-length: {length}\r\n\
             connection: close\r\n\r\n{body}"
        ),
    )
}

/// A metric's value.
pub(crate) fn metric(server: &Server, name: &str) -> u64 {
    page::metric(server.address(), name)
}

impl Page {
    pub(crate) fn open(server: &Server, session: Option<&str>) -> Self {
        Self::connect(server.address(), server.code(), session)
    }

    /// Opens a WebSocket, or the status of the refusal.
    pub(crate) fn try_open(server: &Server, query: &str, origin: &str) -> Result<Self, u16> {
        Self::try_connect(server.address(), server.code(), query, origin)
    }
}
