//! WebRTC: browsers connect to one UDP port and get pictures and sound, and send their microphones.
//!
//! The page makes an offer with a video it receives, an audio it sends and receives, and a data channel
//! for text; [`Hub::answer`] answers it. The answer holds the server's candidates, and no others are
//! needed: a browser's are found by its own connectivity checks. Pictures and sound belong to one media
//! stream, so that browsers keep them in step.
//!
//! Lost packets are sent again (NACK); a browser that asks for a key frame (PLI, FIR) gets one. Where
//! [the bandwidth is estimated](PeerOptions::estimate_bandwidth), by transport-wide feedback (TWCC), the
//! pictures' bit rate follows it.

pub(crate) mod bandwidth;
mod connection;
mod hub;
mod sdp;
pub(crate) mod tracks;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use essence::{Error, ErrorKind, Result};

use crate::QueuedSink;
use crate::send_queue::SendQueue;
use connection::PeerConnection;
use hub::{Command, CommandQueue};

/// Most bytes of an offer.
pub const MAX_OFFER_BYTES: usize = 64 << 10;

/// Most bytes of a text message, in either direction.
pub const MAX_TEXT_BYTES: usize = 64 << 10;

/// Settings of a [`Hub`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HubOptions {
    /// The UDP address to listen at. Port 0: the system chooses.
    pub address: SocketAddr,
    /// Addresses that browsers are told to connect to, besides [`address`](Self::address): a public one in
    /// front of a NAT. Needed where `address` is unspecified (`0.0.0.0`, `::`). Port 0 stands for the
    /// socket's own.
    pub public_addresses: Vec<SocketAddr>,
    /// Most peers at a time, those that have not connected yet included.
    pub max_peers: usize,
    /// The time in which a peer has to connect after its offer was answered.
    pub connect_limit: Duration,
}

impl HubOptions {
    /// Settings for a hub at `address`, for at most 256 peers, which connect within 15 s.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            public_addresses: Vec::new(),
            max_peers: 256,
            connect_limit: Duration::from_secs(15),
        }
    }
}

/// Settings of a peer.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PeerOptions {
    /// Whether the bit rate follows what the connection carries. Of no use on loopback and in a fast local
    /// network, where it costs latency.
    pub estimate_bandwidth: bool,
    /// The highest bit rate of the pictures that the estimate looks for, in bits a second.
    pub max_bitrate_bps: u32,
}

impl PeerOptions {
    /// Settings for a browser at `remote`: the bandwidth is estimated unless that is a loopback address.
    pub fn for_remote(remote: IpAddr) -> Self {
        Self {
            estimate_bandwidth: !remote.to_canonical().is_loopback(),
            ..Self::default()
        }
    }
}

impl Default for PeerOptions {
    fn default() -> Self {
        Self {
            estimate_bandwidth: true,
            max_bitrate_bps: 2_000_000,
        }
    }
}

/// An event of a peer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PeerEvent {
    /// The peer is gone. Nothing follows.
    Closed {
        /// The reason.
        reason: CloseReason,
    },
    /// Pictures and sound begin.
    Connected,
    /// Its microphone: mono samples at [`MICROPHONE_RATE_HZ`](crate::MICROPHONE_RATE_HZ).
    Microphone(Vec<f32>),
    /// A text message on its data channel.
    Text(String),
    /// Its data channel is open: [`Peer::send_text`] reaches it. Texts that were sent before follow now.
    TextOpen,
}

/// The reason why a peer is gone.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CloseReason {
    /// Its state failed on what it sent; the message is for a log.
    Failed(String),
    /// The conversation ended, or [`Peer`] was dropped.
    Local,
    /// It did not connect within [`HubOptions::connect_limit`].
    NeverConnected,
    /// It said goodbye.
    Remote,
    /// It sent messages that are too long, or read none.
    TooMuch,
    /// Nothing was heard of it for some seconds.
    Unreachable,
}

/// All WebRTC peers of a process: one UDP socket and one thread.
///
/// All methods take `&self`. Dropping it disconnects every peer.
pub struct Hub {
    commands: Arc<CommandQueue>,
    candidates: Vec<SocketAddr>,
    local: SocketAddr,
    connect_limit: Duration,
    thread: Option<JoinHandle<()>>,
}

impl Hub {
    /// Opens the UDP socket and starts the thread.
    ///
    /// # Errors
    /// - `InvalidArgument`: the address is unspecified and no public one is given.
    /// - `Io`: the address can't be had.
    pub fn bind(options: HubOptions) -> Result<Self> {
        hub::start(options)
    }

    /// The UDP address of the socket.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Peers now, those that have not connected yet included.
    pub fn peers(&self) -> usize {
        self.commands.peers()
    }

    /// Answers a browser's offer. `on_event` hears what the peer does, in the hub's thread: it must not
    /// block. It may hear of the connection before this function returns.
    ///
    /// # Errors
    /// - `LimitExceeded`: the offer is longer than [`MAX_OFFER_BYTES`], or there are
    ///   [too many peers](HubOptions::max_peers).
    /// - `InvalidArgument`: it is not an offer.
    /// - `UnsupportedFormat`: it has no video in H.264 (constrained baseline, `packetization-mode=1`) or no
    ///   audio in Opus; a page then uses [`ws`](crate::ws).
    pub fn answer(
        &self,
        offer: &str,
        options: PeerOptions,
        on_event: impl FnMut(PeerEvent) + Send + 'static,
    ) -> Result<Connection> {
        let permit = self.commands.take_permit()?;
        let commands = self.commands.clone();
        let queue = SendQueue::new(move || commands.wake());
        let (connection, answer) = PeerConnection::answer(
            offer,
            options,
            &self.candidates,
            self.connect_limit,
            queue.clone(),
            Box::new(on_event),
        )?;
        let id = connection.id();
        self.commands
            .send(Command::Add(Box::new(connection), permit));
        Ok(Connection {
            answer,
            sink: QueuedSink(queue.clone()),
            peer: Peer {
                id,
                queue,
                commands: self.commands.clone(),
            },
        })
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.commands.send(Command::Stop);
        if let Some(thread) = self.thread.take() {
            // Dropped by an event, it can't wait for itself.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("local", &self.local)
            .field("peers", &self.peers())
            .finish_non_exhaustive()
    }
}

/// A browser's connection: the answer to its offer, a watcher to be attached, and a handle.
#[derive(Debug)]
#[non_exhaustive]
pub struct Connection {
    /// The answer, SDP, to be given to the browser.
    pub answer: String,
    /// The watcher for [`Publisher::attach`](crate::Publisher::attach). It wants nothing until the browser
    /// has connected.
    pub sink: QueuedSink,
    /// The handle.
    pub peer: Peer,
}

/// A connected browser. Dropping it disconnects the browser.
pub struct Peer {
    id: u64,
    queue: Arc<SendQueue>,
    commands: Arc<CommandQueue>,
}

impl Peer {
    /// Sends text over the data channel; before that is open, up to 64 messages wait. A peer that reads
    /// none is [disconnected](CloseReason::TooMuch). Text to a peer that is gone is lost.
    ///
    /// # Errors
    /// `LimitExceeded`: it is longer than [`MAX_TEXT_BYTES`].
    pub fn send_text(&self, text: impl Into<String>) -> Result<()> {
        let text = text.into();
        if text.len() > MAX_TEXT_BYTES {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!(
                    "a text message of {} bytes; at most {MAX_TEXT_BYTES} are sent",
                    text.len()
                ),
            ));
        }
        self.commands.send(Command::Text(self.id, text));
        Ok(())
    }

    /// Sends pictures or none, for a page that is hidden. Sound goes on.
    pub fn want_pictures(&self, wanted: bool) {
        self.queue.set_visible(wanted);
    }

    /// Pictures that were dropped because the hub could not send them in time.
    pub fn dropped_pictures(&self) -> u64 {
        self.queue.dropped_pictures()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.commands.send(Command::Close(self.id));
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
