//! The signalling connection: LiveKit's messages over a WebSocket.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use mio::{Interest, Registry, Token};
use prost::Message as _;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::http::{HeaderValue, Uri, header};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{HandshakeError, WebSocket};

use super::messages::{Request, Response, SignalRequest, SignalResponse};

/// The version of LiveKit's protocol that is spoken: the server says in `Leave` whether to come back, and
/// data channels are opened in band.
const PROTOCOL: u32 = 16;

/// The time for each step of connecting.
const STEP: Duration = Duration::from_secs(5);

/// Most bytes of a message. A room of a thousand takes some hundred kilobytes.
const MESSAGE_BYTES: usize = 4 << 20;

/// The reason why a connection did not come about.
#[derive(Clone, Debug)]
pub(super) enum ConnectError {
    /// The server, or the network, may have another mind later.
    Failed(String),
    /// The server will not have this participant, or the address is impossible.
    Refused(String),
}

/// An open connection.
pub(super) struct Signal {
    socket: WebSocket<Transport>,
    local: SocketAddr,
}

/// The session to come back to: the participant's `sid`.
pub(super) type Resumed = Option<String>;

impl Signal {
    /// Connects to the server at `url` with `token`. Blocks, for some seconds at most.
    pub(super) fn connect(url: &str, token: &str, resumed: &Resumed) -> Result<Self, ConnectError> {
        let target = Target::read(url)?;
        let tcp = target.dial()?;
        let local = tcp.local_addr().map_err(failed)?;
        let mut query = format!(
            "protocol={PROTOCOL}&auto_subscribe=0&version={}",
            env!("CARGO_PKG_VERSION")
        );
        if let Some(sid) = resumed {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            let sid: String = sid.chars().filter(|&c| plain(c)).collect();
            query.push_str(&format!("&reconnect=1&sid={sid}"));
        }
        let scheme = if target.tls { "wss" } else { "ws" };
        let address = format!("{scheme}://{}{}/rtc?{query}", target.authority, target.path);
        let mut request = address
            .into_client_request()
            .map_err(|error| ConnectError::Refused(format!("an impossible address: {error}")))?;
        let bearer = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| {
            ConnectError::Refused("the token has characters that no token has".into())
        })?;
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
        let transport = match target.tls {
            true => Transport::Tls(Box::new(target.tls(Tcp::Blocking(tcp))?)),
            false => Transport::Plain(Tcp::Blocking(tcp)),
        };
        let config = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_BYTES))
            .max_frame_size(Some(MESSAGE_BYTES));
        match tungstenite::client::client_with_config(request, transport, Some(config)) {
            Ok((socket, _)) => Ok(Self { socket, local }),
            Err(HandshakeError::Failure(tungstenite::Error::Http(response))) => {
                let status = response.status();
                let message = format!("the LiveKit server answers {status}");
                Err(match status.as_u16() {
                    400..=499 if status.as_u16() != 429 => ConnectError::Refused(message),
                    _ => ConnectError::Failed(message),
                })
            }
            Err(error) => Err(ConnectError::Failed(format!("no WebSocket: {error}"))),
        }
    }

    /// The address on this machine that the server is reached from.
    pub(super) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Reads without blocking from now on, and wakes `registry`'s poll.
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let tcp = self.socket.get_mut().tcp();
        if let Tcp::Blocking(blocking) = std::mem::replace(tcp, Tcp::Gone) {
            blocking.set_nonblocking(true)?;
            let mut stream = mio::net::TcpStream::from_std(blocking);
            registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
            *tcp = Tcp::Polled(stream);
        }
        Ok(())
    }

    /// The next message, if one has come; messages that are not known are passed over.
    ///
    /// # Errors
    /// The connection is closed, in words.
    pub(super) fn receive(&mut self) -> Result<Option<Response>, String> {
        loop {
            match self.socket.read() {
                Ok(tungstenite::Message::Binary(bytes)) => {
                    let message = SignalResponse::decode(&bytes[..])
                        .map_err(|error| format!("a damaged message: {error}"))?;
                    if let Some(message) = message.message {
                        return Ok(Some(message));
                    }
                }
                Ok(tungstenite::Message::Close(_)) => return Err("the server closed it".into()),
                Ok(_) => {}
                Err(error) if would_block(&error) => return Ok(None),
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    /// Sends a message, now or when the network takes it.
    ///
    /// # Errors
    /// The connection is closed, in words.
    pub(super) fn send(&mut self, message: Request) -> Result<(), String> {
        let message = SignalRequest {
            message: Some(message),
        };
        let bytes = message.encode_to_vec();
        settled(self.socket.send(tungstenite::Message::Binary(bytes.into())))
    }

    /// Sends what the network did not take before.
    ///
    /// # Errors
    /// The connection is closed, in words.
    pub(super) fn flush(&mut self) -> Result<(), String> {
        settled(self.socket.flush())
    }

    /// Says goodbye.
    pub(super) fn close(&mut self) {
        let _ = self.socket.close(None);
        let _ = self.socket.flush();
    }
}

fn settled(result: Result<(), tungstenite::Error>) -> Result<(), String> {
    match result {
        Err(error) if !would_block(&error) => Err(error.to_string()),
        _ => Ok(()),
    }
}

fn would_block(error: &tungstenite::Error) -> bool {
    matches!(error, tungstenite::Error::Io(cause) if cause.kind() == io::ErrorKind::WouldBlock)
}

/// A server's address, taken apart.
struct Target {
    tls: bool,
    authority: String,
    host: String,
    port: u16,
    path: String,
}

impl Target {
    fn read(url: &str) -> Result<Self, ConnectError> {
        let refused = |why: &str| {
            ConnectError::Refused(format!(
                "the LiveKit address {why}; give one like wss://example.livekit.cloud"
            ))
        };
        let uri: Uri = url.parse().map_err(|_| refused("can't be read"))?;
        let tls = match uri.scheme_str() {
            Some("wss" | "https") => true,
            Some("ws" | "http") => false,
            _ => return Err(refused("is neither ws:// nor wss://")),
        };
        let authority = uri.authority().ok_or_else(|| refused("names no host"))?;
        if authority.as_str().contains('@') {
            return Err(refused("holds a user name"));
        }
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']');
        Ok(Self {
            tls,
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            authority: authority.to_string(),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    fn dial(&self) -> Result<TcpStream, ConnectError> {
        let addresses = (self.host.as_str(), self.port)
            .to_socket_addrs()
            .map_err(|error| {
                ConnectError::Failed(format!("{} is not known: {error}", self.host))
            })?;
        let mut last = None;
        for address in addresses.take(4) {
            match TcpStream::connect_timeout(&address, STEP) {
                Ok(stream) => {
                    stream.set_nodelay(true).map_err(failed)?;
                    stream.set_read_timeout(Some(STEP)).map_err(failed)?;
                    stream.set_write_timeout(Some(STEP)).map_err(failed)?;
                    return Ok(stream);
                }
                Err(error) => last = Some(error),
            }
        }
        let why = last.map_or("it has no address".to_owned(), |error| error.to_string());
        Err(ConnectError::Failed(format!(
            "{} is not reached: {why}",
            self.authority
        )))
    }

    fn tls(&self, tcp: Tcp) -> Result<StreamOwned<ClientConnection, Tcp>, ConnectError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_platform_verifier())
            .map_err(|error| ConnectError::Failed(format!("no TLS: {error}")))?
            .with_no_client_auth();
        let name = ServerName::try_from(self.host.clone())
            .map_err(|error| ConnectError::Refused(format!("{}: {error}", self.host)))?;
        let connection = ClientConnection::new(Arc::new(config), name)
            .map_err(|error| ConnectError::Failed(format!("no TLS: {error}")))?;
        Ok(StreamOwned::new(connection, tcp))
    }
}

fn failed(error: io::Error) -> ConnectError {
    ConnectError::Failed(error.to_string())
}

/// The bytes beneath the WebSocket.
enum Transport {
    Plain(Tcp),
    Tls(Box<StreamOwned<ClientConnection, Tcp>>),
}

impl Transport {
    fn tcp(&mut self) -> &mut Tcp {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(stream) => &mut stream.sock,
        }
    }
}

/// A TCP connection: it blocks while it is made, and is polled afterwards.
enum Tcp {
    Blocking(TcpStream),
    Gone,
    Polled(mio::net::TcpStream),
}

impl Read for Transport {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Transport {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

impl Read for Tcp {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Blocking(stream) => stream.read(buffer),
            Self::Gone => Err(io::ErrorKind::NotConnected.into()),
            Self::Polled(stream) => stream.read(buffer),
        }
    }
}

impl Write for Tcp {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Blocking(stream) => stream.write(bytes),
            Self::Gone => Err(io::ErrorKind::NotConnected.into()),
            Self::Polled(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
