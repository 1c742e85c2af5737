//! The WebSocket, plain or under TLS, read with a short time limit so that a cancellation is noticed.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use essence::{Error, ErrorKind, Result};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use rustls_platform_verifier::BuilderVerifierExt as _;
use serde_json::Value;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{HandshakeError, Message, WebSocket};

use super::failed;
use crate::openai::{OpenAiSettings, check_address, refusal};

/// How long connecting may take, each answer while it connects, and each message on its way out.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// How long a read waits before it is looked whether the reply is still wanted.
const POLL: Duration = Duration::from_millis(40);

/// Most bytes of an event.
const MAX_EVENT_BYTES: usize = 4 << 20;

/// A connection of events.
pub(super) struct Socket {
    socket: WebSocket<Stream>,
    tcp: TcpStream,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(buffer),
            Self::Tls(stream) => stream.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

impl Socket {
    pub(super) fn connect(settings: &OpenAiSettings) -> Result<Self> {
        let base = settings.base_url.trim_end_matches('/');
        let uri = check_address(base, &settings.api_key)?;
        let secure = uri.scheme_str() == Some("https");
        let host = uri
            .host()
            .unwrap_or_default()
            .trim_start_matches('[')
            .trim_end_matches(']');
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let no_answer = |e: io::Error| failed(format!("no answer from {base}")).with_source(e);
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        let mut connected = None;
        for address in (host, port).to_socket_addrs().map_err(no_answer)? {
            match TcpStream::connect_timeout(&address, CONNECT_LIMIT) {
                Ok(stream) => {
                    connected = Some(stream);
                    break;
                }
                Err(error) => last = error,
            }
        }
        let tcp = connected.ok_or_else(|| no_answer(last))?;
        let limited = tcp
            .set_read_timeout(Some(CONNECT_LIMIT))
            .and_then(|()| tcp.set_write_timeout(Some(CONNECT_LIMIT)))
            .and_then(|()| tcp.set_nodelay(true));
        limited.map_err(no_answer)?;
        let stream = tcp.try_clone().map_err(no_answer)?;
        let stream = match secure {
            true => Stream::Tls(Box::new(tls(host, stream)?)),
            false => Stream::Plain(stream),
        };
        // `http` becomes `ws`, and `https` `wss`.
        let url = format!(
            "ws{}/realtime?model={}",
            &base["http".len()..],
            escaped(&settings.realtime_model)
        );
        let mut request = url.into_client_request().map_err(|e| {
            let message =
                format!("the server's address {base:?} (OPENAI_BASE_URL) is not an address");
            Error::new(ErrorKind::InvalidArgument, message).with_source(e)
        })?;
        if !settings.api_key.is_empty() {
            let value = format!("Bearer {}", settings.api_key);
            // `check_address` has seen that the key fits into a header.
            if let Ok(value) = value.parse() {
                request.headers_mut().insert("authorization", value);
            }
        }
        let limits = WebSocketConfig::default()
            .max_message_size(Some(MAX_EVENT_BYTES))
            .max_frame_size(Some(MAX_EVENT_BYTES));
        let (socket, _) = tungstenite::client::client_with_config(request, stream, Some(limits))
            .map_err(|error| match error {
                HandshakeError::Failure(tungstenite::Error::Http(answer)) => {
                    let wait = answer.headers().get("retry-after");
                    let wait = wait.and_then(|value| value.to_str().ok()?.parse().ok());
                    let body = answer.body().clone().unwrap_or_default();
                    refusal(base, answer.status().as_u16(), wait, &body)
                }
                HandshakeError::Failure(error) => {
                    failed(format!("no WebSocket from {base}")).with_source(error)
                }
                HandshakeError::Interrupted(_) => failed(format!("{base} doesn't answer in time")),
            })?;
        Ok(Self { socket, tcp })
    }

    /// Sends an event.
    ///
    /// # Errors
    /// `Io`: the connection is lost.
    pub(super) fn send(&mut self, event: &Value) -> Result<()> {
        let sent = self.socket.send(Message::text(event.to_string()));
        sent.map_err(|e| failed("the connection to the brain's server is lost").with_source(e))
    }

    /// The next event; None if none comes for a moment.
    ///
    /// # Errors
    /// `Io`: the connection is lost, or what came is no event.
    pub(super) fn read(&mut self) -> Result<Option<Value>> {
        let lost = || failed("the connection to the brain's server is lost");
        self.tcp
            .set_read_timeout(Some(POLL))
            .map_err(|e| lost().with_source(e))?;
        let begin = Instant::now();
        while begin.elapsed() < POLL {
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    let event = serde_json::from_str(&text);
                    return event
                        .map(Some)
                        .map_err(|_| failed("the brain's server sent what is not JSON"));
                }
                Ok(Message::Close(_)) => return Err(lost()),
                Ok(_) => {}
                Err(tungstenite::Error::Io(e))
                    if matches!(
                        e.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                    ) =>
                {
                    break;
                }
                Err(e) => return Err(lost().with_source(e)),
            }
        }
        Ok(None)
    }
}

fn tls(host: &str, stream: TcpStream) -> Result<StreamOwned<ClientConnection, TcpStream>> {
    let unusable = |e: rustls::Error| failed("TLS can't be used").with_source(e);
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(rustls::ConfigBuilder::with_platform_verifier)
        .map_err(unusable)?
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned())
        .map_err(|e| failed(format!("{host:?} is no name for TLS")).with_source(e))?;
    let client = ClientConnection::new(Arc::new(config), name).map_err(unusable)?;
    Ok(StreamOwned::new(client, stream))
}

/// A name inside a query.
fn escaped(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let escape = |b: u8| match plain(b) {
        true => char::from(b).to_string(),
        false => format!("%{b:02X}"),
    };
    text.bytes().map(escape).collect()
}
