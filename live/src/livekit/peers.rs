//! The two peer connections of a participant, over one UDP socket: one to send tracks and data by, one
//! that the server sends by.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use str0m::bwe::{Bitrate, BweKind};
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, ChannelId, Reliability};
use str0m::media::{Direction, MediaKind};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc, RtcError};

use super::messages::{DataChannel, TARGET_PUBLISHER, TARGET_SUBSCRIBER};
use crate::rtc::bandwidth::{INITIAL_BPS, picture_bps};
use crate::rtc::tracks::Tracks;
use crate::send_queue::SendQueue;

/// The name of the sound's track in the offer.
pub(super) const AUDIO_CID: &str = "avatar_audio";
/// The name of the pictures' track in the offer.
pub(super) const VIDEO_CID: &str = "avatar_video";
/// The media stream of both tracks.
pub(super) const STREAM: &str = "avatar";

/// The channel of packets that must arrive.
const RELIABLE: &str = "_reliable";
/// The channel of packets that need not arrive.
const LOSSY: &str = "_lossy";

/// Most bytes of a data packet. LiveKit cuts streams into 15 kB.
const PACKET_BYTES: usize = 256 << 10;

/// Datagrams that are read at a time.
const DATAGRAMS_A_TURN: usize = 256;

/// Largest UDP payload that is taken.
const DATAGRAM_BYTES: usize = 2_048;

/// Candidates of the server's that may come before its offer.
const EARLY_CANDIDATES: usize = 64;

/// Events of the connections.
#[derive(Debug)]
pub(super) enum PeersEvent {
    /// Pictures and sound begin.
    Connected,
    /// A data packet.
    Data(Vec<u8>),
    /// The server has ended a connection: no way leads back to it.
    Ended,
    /// A connection is lost, in words.
    Lost(String),
}

/// Both connections.
pub(super) struct Peers {
    socket: UdpSocket,
    local: SocketAddr,
    estimate: bool,
    max_bitrate_bps: u32,
    publisher: Peer,
    pending: Option<SdpPendingOffer>,
    subscriber: Option<Peer>,
    tracks: Tracks,
    queue: Arc<SendQueue>,
    early: Vec<Candidate>,
    unread: bool,
    /// The last answer to the server's offer, and the last offer of this side, for a resumption.
    pub(super) last_answer: Option<String>,
    pub(super) last_offer: Option<String>,
}

/// One of them.
struct Peer {
    rtc: Rtc,
    deadline: Instant,
    /// Whether the connection was once whole, DTLS and all.
    secured: bool,
    /// Whether ICE hears of the server.
    reached: bool,
    reliable: Option<ChannelId>,
    lossy: Option<ChannelId>,
}

impl Peer {
    fn new(rtc: Rtc) -> Self {
        Self {
            rtc,
            deadline: Instant::now(),
            secured: false,
            reached: false,
            reliable: None,
            lossy: None,
        }
    }
}

/// The address that media are sent from: the one that the server's signalling is reached from. A LiveKit
/// server's media have IPv4 addresses, so one of those is looked for where signalling goes over IPv6.
pub(super) fn media_address(signalling: IpAddr) -> IpAddr {
    if signalling.is_ipv4() {
        return signalling;
    }
    let route = std::net::UdpSocket::bind(("0.0.0.0", 0)).and_then(|socket| {
        // Chooses a route and sends nothing; the address is kept free for documentation (RFC 5737).
        socket.connect(("192.0.2.1", 9))?;
        socket.local_addr()
    });
    route.map_or(signalling, |address| address.ip())
}

impl Peers {
    pub(super) fn open(
        address: IpAddr,
        max_bitrate_bps: u32,
        queue: Arc<SendQueue>,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Self> {
        let mut socket = UdpSocket::bind(SocketAddr::new(address, 0))?;
        let local = socket.local_addr()?;
        registry.register(&mut socket, token, Interest::READABLE)?;
        let estimate = !address.is_loopback();
        Ok(Self {
            publisher: Peer::new(build(local, estimate)),
            socket,
            local,
            estimate,
            max_bitrate_bps,
            pending: None,
            subscriber: None,
            tracks: Tracks::default(),
            queue,
            early: Vec::new(),
            unread: false,
            last_answer: None,
            last_offer: None,
        })
    }

    /// The offer of both tracks and the data channels; a later one starts ICE anew.
    pub(super) fn offer(&mut self) -> Result<String, RtcError> {
        let mut changes = self.publisher.rtc.sdp_api();
        if self.last_offer.is_none() {
            changes.add_channel(RELIABLE.to_owned());
            changes.add_channel_with_config(ChannelConfig {
                label: LOSSY.to_owned(),
                reliability: Reliability::MaxRetransmits { retransmits: 0 },
                ..ChannelConfig::default()
            });
            for (kind, cid) in [(MediaKind::Audio, AUDIO_CID), (MediaKind::Video, VIDEO_CID)] {
                let stream = Some(STREAM.to_owned());
                let mid = changes.add_media(
                    kind,
                    Direction::SendOnly,
                    stream,
                    Some(cid.to_owned()),
                    None,
                );
                self.tracks.add(mid, kind);
            }
        } else {
            changes.ice_restart(true);
        }
        let (offer, pending) = changes.apply().ok_or(RtcError::ChangesOutOfOrder)?;
        self.pending = Some(pending);
        let offer = offer.to_sdp_string();
        self.last_offer = Some(offer.clone());
        Ok(offer)
    }

    /// The server's answer to the last offer. An answer that nobody waits for is dropped.
    pub(super) fn answered(&mut self, sdp: &str) -> Result<(), RtcError> {
        let Some(pending) = self.pending.take() else {
            return Ok(());
        };
        let answer = SdpAnswer::from_sdp_string(sdp)?;
        self.publisher.rtc.sdp_api().accept_answer(pending, answer)
    }

    /// The answer to an offer of the server's.
    pub(super) fn accept(&mut self, sdp: &str) -> Result<String, RtcError> {
        let offer = SdpOffer::from_sdp_string(sdp)?;
        let (local, early) = (self.local, std::mem::take(&mut self.early));
        let peer = self
            .subscriber
            .get_or_insert_with(|| Peer::new(build(local, false)));
        let answer = peer.rtc.sdp_api().accept_offer(offer)?.to_sdp_string();
        for candidate in early {
            peer.rtc.add_remote_candidate(candidate);
        }
        self.last_answer = Some(answer.clone());
        Ok(answer)
    }

    /// A candidate of the server's, as `RTCIceCandidateInit`. Those that this side can't reach are passed
    /// over.
    pub(super) fn candidate(&mut self, target: i32, init: &str) {
        let Ok(init) = serde_json::from_str::<serde_json::Value>(init) else {
            return;
        };
        let text = init["candidate"].as_str().unwrap_or_default();
        let Ok(candidate) = Candidate::from_sdp_string(text) else {
            return;
        };
        if candidate.proto() != Protocol::Udp || candidate.addr().is_ipv4() != self.local.is_ipv4()
        {
            return;
        }
        match (target, &mut self.subscriber) {
            (TARGET_PUBLISHER, _) => self.publisher.rtc.add_remote_candidate(candidate),
            (_, Some(subscriber)) => subscriber.rtc.add_remote_candidate(candidate),
            (_, None) if self.early.len() < EARLY_CANDIDATES => self.early.push(candidate),
            (_, None) => {}
        }
    }

    /// Whether both connections carry something. The server may make none to send by.
    pub(super) fn is_connected(&self) -> bool {
        let whole = |peer: &Peer| peer.secured && peer.reached;
        whole(&self.publisher) && self.subscriber.as_ref().is_none_or(whole)
    }

    /// Whether data packets can be sent.
    pub(super) fn sends_data(&self) -> bool {
        self.publisher.reliable.is_some()
    }

    /// Sends a data packet. Returns false where it has to wait.
    pub(super) fn send(&mut self, packet: &[u8]) -> Result<bool, RtcError> {
        let Some(id) = self.publisher.reliable else {
            return Ok(false);
        };
        let Some(mut channel) = self.publisher.rtc.channel(id) else {
            return Ok(false);
        };
        channel.write(true, packet)
    }

    /// The channels, for a resumption.
    pub(super) fn channels(&mut self) -> Vec<DataChannel> {
        let mut channels = Vec::new();
        let publisher = (TARGET_PUBLISHER, Some(&mut self.publisher));
        for (target, peer) in [publisher, (TARGET_SUBSCRIBER, self.subscriber.as_mut())] {
            let Some(peer) = peer else { continue };
            for (label, id) in [(RELIABLE, peer.reliable), (LOSSY, peer.lossy)] {
                let id = id.and_then(|id| peer.rtc.direct_api().sctp_stream_id_by_channel_id(id));
                channels.extend(id.map(|id| DataChannel {
                    label: label.to_owned(),
                    id: u32::from(id),
                    target,
                }));
            }
        }
        channels
    }

    /// The moment by which [`turn`](Self::turn) is to be called again.
    pub(super) fn deadline(&self) -> Instant {
        if self.unread {
            return Instant::now();
        }
        let subscriber = self.subscriber.as_ref().map(|peer| peer.deadline);
        subscriber.map_or(self.publisher.deadline, |deadline| {
            deadline.min(self.publisher.deadline)
        })
    }

    /// Reads what has come, sends what waits, lets time pass.
    pub(super) fn turn(&mut self, events: &mut Vec<PeersEvent>) -> Result<(), RtcError> {
        self.read(events)?;
        while let Some(queued) = self.queue.pop() {
            for write in self.tracks.writes(&mut self.publisher.rtc, &queued) {
                write.apply(&mut self.publisher.rtc)?;
                self.drain(true, events)?;
            }
        }
        let now = Instant::now();
        for publisher in [true, false] {
            if let Some(peer) = self.peer(publisher) {
                peer.rtc.handle_input(Input::Timeout(now))?;
                self.drain(publisher, events)?;
            }
        }
        Ok(())
    }

    /// Says goodbye.
    pub(super) fn close(&mut self) {
        self.queue.close();
        for publisher in [true, false] {
            if let Some(peer) = self.peer(publisher)
                && peer.rtc.close().is_ok()
            {
                // Datagrams that can't be sent any more are lost.
                let _ = self.drain(publisher, &mut Vec::new());
            }
        }
    }

    fn peer(&mut self, publisher: bool) -> Option<&mut Peer> {
        match publisher {
            true => Some(&mut self.publisher),
            false => self.subscriber.as_mut(),
        }
    }

    fn read(&mut self, events: &mut Vec<PeersEvent>) -> Result<(), RtcError> {
        let mut buffer = [0u8; DATAGRAM_BYTES];
        self.unread = false;
        for _ in 0..DATAGRAMS_A_TURN {
            let (length, source) = match self.socket.recv_from(&mut buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // On some systems, that a datagram before couldn't be delivered.
                Err(_) => continue,
            };
            let Ok(receive) = Receive::new(Protocol::Udp, source, self.local, &buffer[..length])
            else {
                continue;
            };
            let input = Input::Receive(Instant::now(), receive);
            for publisher in [true, false] {
                if let Some(peer) = self.peer(publisher)
                    && peer.rtc.accepts(&input)
                {
                    peer.rtc.handle_input(input)?;
                    self.drain(publisher, events)?;
                    break;
                }
            }
        }
        self.unread = true;
        Ok(())
    }

    fn drain(&mut self, publisher: bool, events: &mut Vec<PeersEvent>) -> Result<(), RtcError> {
        loop {
            let Some(peer) = self.peer(publisher) else {
                return Ok(());
            };
            match peer.rtc.poll_output()? {
                Output::Timeout(deadline) => {
                    peer.deadline = deadline;
                    return Ok(());
                }
                Output::Transmit(transmit) if transmit.proto == Protocol::Udp => {
                    // A datagram that doesn't fit in the system's buffer is lost; NACK repairs that.
                    let _ = self
                        .socket
                        .send_to(&transmit.contents, transmit.destination);
                }
                Output::Transmit(_) => {}
                Output::Event(event) => self.event(publisher, event, events),
            }
        }
    }

    /// Changes a connection's state, and tells if both are whole by that.
    fn change(&mut self, publisher: bool, events: &mut Vec<PeersEvent>, act: impl Fn(&mut Peer)) {
        let before = self.is_connected();
        self.peer(publisher).into_iter().for_each(act);
        if !before && self.is_connected() {
            events.push(PeersEvent::Connected);
        }
    }

    fn event(&mut self, publisher: bool, event: Event, events: &mut Vec<PeersEvent>) {
        let (estimate, max) = (self.estimate, self.max_bitrate_bps);
        match event {
            Event::Connected => {
                if publisher && estimate {
                    self.queue.limit_bitrate(picture_bps(INITIAL_BPS));
                    let desired = u64::from(max) * 3 / 2;
                    let mut bwe = self.publisher.rtc.bwe();
                    bwe.set_bitrate(Bitrate::bps(0), Bitrate::bps(desired));
                }
                if publisher {
                    self.queue.connect();
                }
                self.change(publisher, events, |peer| peer.secured = true);
            }
            Event::IceConnectionStateChange(
                IceConnectionState::Connected | IceConnectionState::Completed,
            ) => self.change(publisher, events, |peer| peer.reached = true),
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                self.change(publisher, events, |peer| peer.reached = false);
                let side = if publisher { "sending" } else { "receiving" };
                events.push(PeersEvent::Lost(format!(
                    "nothing is heard on the {side} connection"
                )));
            }
            Event::Closed => events.push(PeersEvent::Ended),
            Event::KeyframeRequest(_) => self.queue.request_key(),
            Event::EgressBitrateEstimate(
                BweKind::Twcc { estimate: bps, .. } | BweKind::Remb { estimate: bps, .. },
            ) if estimate => self.queue.limit_bitrate(picture_bps(bps.as_u64())),
            Event::ChannelOpen(id, label) => {
                if let Some(peer) = self.peer(publisher) {
                    match label.as_str() {
                        RELIABLE => peer.reliable = Some(id),
                        LOSSY => peer.lossy = Some(id),
                        _ => {}
                    }
                }
            }
            Event::ChannelData(data) => events.push(PeersEvent::Data(data.data)),
            _ => {}
        }
    }
}

fn build(local: SocketAddr, estimate: bool) -> Rtc {
    let mut config = Rtc::builder()
        .clear_codecs()
        .enable_opus(true, false)
        .enable_h264(true)
        .set_sctp_max_message_size(PACKET_BYTES as u32);
    if estimate {
        config = config.enable_bwe(Some(Bitrate::bps(INITIAL_BPS)));
    }
    let mut rtc = config.build(Instant::now());
    if let Ok(candidate) = Candidate::host(local, "udp") {
        rtc.add_local_candidate(candidate);
    }
    rtc
}
