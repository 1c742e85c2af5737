//! The hub's thread: one socket, all peers.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use essence::{Error, ErrorKind, Result};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use str0m::net::Transmit;

use super::connection::{PeerConnection, datagram};
use super::{CloseReason, Hub, HubOptions};

const SOCKET: Token = Token(0);
const WAKER: Token = Token(1);

/// Datagrams that are read before the peers have their turn: a flood doesn't keep them from sending.
const DATAGRAMS_A_TURN: usize = 256;

/// Largest UDP payload on Ethernet with room to spare; a longer datagram is cut and then refused.
const DATAGRAM_BYTES: usize = 2_048;

/// Most addresses that are remembered.
const SOURCES_LIMIT: usize = 4_096;

/// Longest wait where no peer asks for a shorter one.
const IDLE: Duration = Duration::from_secs(1);

/// A command to the hub's thread.
pub(super) enum Command {
    Add(Box<PeerConnection>, Permit),
    Close(u64),
    Stop,
    Text(u64, String),
}

/// Commands to the hub's thread, which are woken for, and the number of peers.
pub(super) struct CommandQueue {
    commands: Mutex<Vec<Command>>,
    waker: Waker,
    permits: Arc<AtomicUsize>,
    max_peers: usize,
}

/// One of the peers that a hub permits; dropping it makes room for another.
pub(super) struct Permit(Arc<AtomicUsize>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl CommandQueue {
    pub(super) fn send(&self, command: Command) {
        self.lock().push(command);
        self.wake();
    }

    /// Makes the thread see to its peers. It can't fail but for want of kernel memory, and then the
    /// thread comes round within a second.
    pub(super) fn wake(&self) {
        let _ = self.waker.wake();
    }

    pub(super) fn peers(&self) -> usize {
        self.permits.load(Ordering::Acquire)
    }

    pub(super) fn take_permit(&self) -> Result<Permit> {
        let permit = Permit(self.permits.clone());
        if self.permits.fetch_add(1, Ordering::AcqRel) >= self.max_peers {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!(
                    "{} peers are connected already; try again later",
                    self.max_peers
                ),
            ));
        }
        Ok(permit)
    }

    fn take(&self) -> Vec<Command> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Command>> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn start(options: HubOptions) -> Result<Hub> {
    let failed = |cause: io::Error| {
        Error::new(
            ErrorKind::Io,
            format!("WebRTC can't use the UDP address {}", options.address),
        )
        .with_source(cause)
    };
    let mut socket = UdpSocket::bind(options.address).map_err(failed)?;
    let local = socket.local_addr().map_err(failed)?;
    let own_port = |mut address: SocketAddr| {
        if address.port() == 0 {
            address.set_port(local.port());
        }
        address
    };
    let public = options.public_addresses.iter().copied();
    let mut candidates: Vec<_> = public.map(own_port).collect();
    if !local.ip().is_unspecified() {
        candidates.insert(0, local);
    }
    if candidates.is_empty() {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            format!(
                "{local} stands for every address; name the one that browsers connect to in \
                 `public_addresses`"
            ),
        ));
    }
    let poll = Poll::new().map_err(failed)?;
    poll.registry()
        .register(&mut socket, SOCKET, Interest::READABLE)
        .map_err(failed)?;
    let waker = Waker::new(poll.registry(), WAKER).map_err(failed)?;
    let commands = Arc::new(CommandQueue {
        commands: Mutex::default(),
        waker,
        permits: Arc::default(),
        max_peers: options.max_peers,
    });
    let mut runner = Runner {
        poll,
        socket,
        commands: commands.clone(),
        candidates: candidates.clone(),
        peers: HashMap::new(),
        sources: HashMap::new(),
    };
    let thread = std::thread::Builder::new()
        .name("essence-rtc".to_owned())
        .spawn(move || runner.run())
        .map_err(failed)?;
    Ok(Hub {
        commands,
        candidates,
        local,
        connect_limit: options.connect_limit,
        thread: Some(thread),
    })
}

struct Runner {
    poll: Poll,
    socket: UdpSocket,
    commands: Arc<CommandQueue>,
    candidates: Vec<SocketAddr>,
    peers: HashMap<u64, (Box<PeerConnection>, Permit)>,
    /// The peer that an address sent for last, so that not all are asked for each datagram.
    sources: HashMap<SocketAddr, u64>,
}

impl Runner {
    fn run(&mut self) {
        let mut events = Events::with_capacity(16);
        let mut unread = false;
        loop {
            let now = Instant::now();
            let deadline = self.peers.values().map(|(peer, _)| peer.deadline()).min();
            let wait = match deadline {
                _ if unread => Duration::ZERO,
                Some(deadline) => deadline.saturating_duration_since(now).min(IDLE),
                None => IDLE,
            };
            // An interrupted wait is a wait that ended early.
            let _ = self.poll.poll(&mut events, Some(wait));
            let readable = events.iter().any(|event| event.token() == SOCKET);
            if readable || unread {
                unread = self.read();
            }
            if !self.run_commands() {
                return;
            }
            self.turn();
        }
    }

    /// Reads datagrams. Returns whether there may be more.
    fn read(&mut self) -> bool {
        let mut buffer = [0u8; DATAGRAM_BYTES];
        for _ in 0..DATAGRAMS_A_TURN {
            match self.socket.recv_from(&mut buffer) {
                Ok((length, source)) => self.dispatch(&buffer[..length], source),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                // On some systems, that a datagram before couldn't be delivered.
                Err(_) => {}
            }
        }
        true
    }

    fn dispatch(&mut self, bytes: &[u8], source: SocketAddr) {
        let destination = self.destination(source);
        let Some(input) = datagram(bytes, source, destination) else {
            return;
        };
        let accepts = |id: &u64| {
            let peer = self.peers.get(id);
            peer.is_some_and(|(peer, _)| peer.accepts(&input))
        };
        let known = self.sources.get(&source).copied().filter(accepts);
        let Some(id) = known.or_else(|| self.peers.keys().copied().find(accepts)) else {
            return;
        };
        if self.sources.len() >= SOURCES_LIMIT {
            self.sources.clear();
        }
        self.sources.insert(source, id);
        if let Some((peer, _)) = self.peers.get_mut(&id) {
            peer.receive(input, &mut sender(&self.socket));
        }
    }

    /// The local candidate that a datagram reached: the first one of its family, which for a socket of one
    /// address is that address.
    fn destination(&self, source: SocketAddr) -> SocketAddr {
        let of_family = |candidate: &&SocketAddr| candidate.is_ipv4() == source.is_ipv4();
        let mut candidates = self.candidates.iter();
        candidates
            .find(of_family)
            .copied()
            .unwrap_or(self.candidates[0])
    }

    /// Runs the commands. Returns false when the hub is to end.
    fn run_commands(&mut self) -> bool {
        for command in self.commands.take() {
            match command {
                Command::Add(peer, permit) => {
                    self.peers.insert(peer.id(), (peer, permit));
                }
                Command::Close(id) => {
                    if let Some((peer, _)) = self.peers.get_mut(&id) {
                        peer.close(CloseReason::Local);
                    }
                }
                Command::Text(id, text) => {
                    if let Some((peer, _)) = self.peers.get_mut(&id) {
                        peer.send_text(text, &mut sender(&self.socket));
                    }
                }
                Command::Stop => {
                    self.stop();
                    return false;
                }
            }
        }
        true
    }

    /// Lets every peer send, and removes those that are gone.
    fn turn(&mut self) {
        let now = Instant::now();
        for (peer, _) in self.peers.values_mut() {
            peer.turn(now, &mut sender(&self.socket));
        }
        let before = self.peers.len();
        self.peers.retain(|_, (peer, _)| match peer.over() {
            Some(reason) => {
                peer.finish(reason);
                false
            }
            None => true,
        });
        if self.peers.len() < before {
            let peers = &self.peers;
            self.sources.retain(|_, id| peers.contains_key(id));
        }
    }

    fn stop(&mut self) {
        for (peer, _) in self.peers.values_mut() {
            peer.close(CloseReason::Local);
            peer.turn(Instant::now(), &mut sender(&self.socket));
            peer.finish(CloseReason::Local);
        }
        self.peers.clear();
    }
}

/// Sends over `socket`. A datagram that doesn't fit in the system's buffer is lost; NACK repairs that.
fn sender(socket: &UdpSocket) -> impl FnMut(&Transmit) + '_ {
    |transmit| {
        let _ = socket.send_to(&transmit.contents, transmit.destination);
    }
}
