//! Settings of a server.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use essence::{Error, ErrorKind, Result};
use essence_brain::Tool;

use crate::launch_options::LaunchOptions;
use crate::platform_options::PlatformOptions;
use crate::web_package::WebPackage;

/// Stands at the beginning of the message that refuses an address that others reach.
pub const PUBLIC_BIND_REFUSED: &str = "PUBLIC_BIND_REFUSED";

/// The files of a server that speaks https.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TlsFiles {
    /// The certificate and those that it was signed by, in PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM without a password.
    pub key: PathBuf,
}

/// Settings of a [`Server`](crate::Server).
#[derive(Clone)]
#[non_exhaustive]
pub struct Options {
    /// The TCP address to listen at, and the UDP address of WebRTC. Port 0: the system chooses.
    pub address: SocketAddr,
    /// Whether others than this machine may connect.
    pub allow_public_bind: bool,
    /// Names that browsers may call the server by, besides addresses and `localhost`.
    pub hosts: Vec<String>,
    /// Origins of pages that may embed `/embed/CODE`, such as `https://example.org`.
    pub embedders: Vec<String>,
    /// Most conversations at a time. None: half of what the avatar's capacity is estimated at, since
    /// encoding costs as much as drawing.
    pub max_sessions: Option<usize>,
    /// Speaks https with these; plain http without.
    pub tls: Option<TlsFiles>,
    /// Addresses that browsers reach WebRTC's port by, as in front of a NAT. Without any, those of the
    /// network interfaces where `address` is unspecified.
    pub public_addresses: Vec<IpAddr>,
    /// Whether WebRTC is offered; pages use their `WebSocket` without.
    pub webrtc: bool,
    /// The time that a conversation waits for its page to come back.
    pub resume: Duration,
    /// The time in which a page has to ask for pictures and sound.
    pub join_limit: Duration,
    /// The time after which a page that says nothing, not even to a ping, is taken for gone.
    pub silence: Duration,
    /// The longest conversation.
    pub session_limit: Duration,
    /// Most TCP connections at a time.
    pub max_connections: usize,
    /// The time in which a request has to arrive.
    pub request_limit: Duration,
    /// Gestures by words of the avatar.
    pub gestures: BTreeMap<String, String>,
    /// Functions of the app's that replies may call, beside `perform` (the avatar's gestures) and
    /// `end_call`.
    pub tools: Vec<Arc<dyn Tool>>,
    /// Avatars that are sent into LiveKit rooms.
    pub launch: LaunchOptions,
    /// Lets the page at `?render=local` draw the avatar; it says so without.
    pub web: Option<Arc<WebPackage>>,
    /// The platform around the conversations; none without.
    pub platform: Option<PlatformOptions>,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("address", &self.address)
            .field("max_sessions", &self.max_sessions)
            .finish_non_exhaustive()
    }
}

impl Default for Options {
    /// 127.0.0.1:8088; 30 s to come back, 90 s to join, 20 s of silence, an hour's limit, 512 connections, 10 s a request.
    fn default() -> Self {
        Self {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8088),
            allow_public_bind: false,
            hosts: Vec::new(),
            embedders: Vec::new(),
            max_sessions: None,
            tls: None,
            public_addresses: Vec::new(),
            webrtc: true,
            resume: Duration::from_secs(30),
            join_limit: Duration::from_secs(90),
            silence: Duration::from_secs(20),
            session_limit: Duration::from_secs(3_600),
            max_connections: 512,
            request_limit: Duration::from_secs(10),
            gestures: BTreeMap::new(),
            tools: Vec::new(),
            launch: LaunchOptions::default(),
            web: None,
            platform: None,
        }
    }
}

impl Options {
    /// Refuses what makes no sense, and an address that others reach without the permission.
    ///
    /// # Errors
    /// `InvalidArgument`; for such an address the message begins with [`PUBLIC_BIND_REFUSED`].
    pub fn check(&self) -> Result<()> {
        let invalid = |message: String| Err(Error::new(ErrorKind::InvalidArgument, message));
        if !self.address.ip().to_canonical().is_loopback() && !self.allow_public_bind {
            return invalid(format!(
                "{PUBLIC_BIND_REFUSED}: {} can be reached by other machines, where everybody who has the address can talk \
                 to the avatar; allow it by --allow-public-bind. Browsers give a page their microphone only over https: \
                 give --cert and --key, or put a proxy with TLS in front",
                self.address
            ));
        }
        if self.max_sessions == Some(0) || self.max_connections == 0 {
            return invalid(
                "a server for no session at all makes no sense; give at least 1".into(),
            );
        }
        for origin in &self.embedders {
            let rest = origin
                .strip_prefix("https://")
                .or(origin.strip_prefix("http://"));
            let plain = |c: char| c.is_ascii_alphanumeric() || "-.:[]*".contains(c);
            if rest.is_none_or(|rest| rest.is_empty() || !rest.chars().all(plain)) {
                return invalid(format!(
                    "{origin:?} is no origin; give one like https://example.org"
                ));
            }
        }
        Ok(())
    }
}
