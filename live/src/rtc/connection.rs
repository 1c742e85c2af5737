//! One browser: a str0m peer connection, what is sent over it and what it hears.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use essence::{Error, ErrorKind, Result};
use str0m::bwe::{Bitrate, BweKind};
use str0m::change::SdpOffer;
use str0m::channel::ChannelId;
use str0m::format::Codec;
use str0m::media::{MediaAdded, MediaData};
use str0m::net::{Protocol, Receive, Transmit};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc, RtcError};

use super::bandwidth::{INITIAL_BPS, picture_bps};
use super::tracks::Tracks;
use super::{CloseReason, MAX_TEXT_BYTES, PeerEvent, PeerOptions, sdp};
use crate::Microphone;
use crate::send_queue::SendQueue;

/// Most texts that wait for the data channel.
const TEXT_LIMIT: usize = 64;

type OnEvent = Box<dyn FnMut(PeerEvent) + Send>;

pub(super) struct PeerConnection {
    id: u64,
    rtc: Rtc,
    options: PeerOptions,
    queue: Arc<SendQueue>,
    on_event: OnEvent,
    connect_by: Instant,
    connected: bool,
    deadline: Instant,
    tracks: Tracks,
    channel: Option<ChannelId>,
    texts: VecDeque<String>,
    microphone: Microphone,
    reason: Option<CloseReason>,
}

impl PeerConnection {
    /// Makes a connection of a browser's offer, and the answer.
    pub(super) fn answer(
        offer: &str,
        options: PeerOptions,
        candidates: &[SocketAddr],
        connect_limit: Duration,
        queue: Arc<SendQueue>,
        on_event: OnEvent,
    ) -> Result<(Self, String)> {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        sdp::check_offer(offer)?;
        // An offer is a stranger's text: a panic over it is that offer's failure.
        let made = catch_unwind(AssertUnwindSafe(|| negotiate(offer, options, candidates)));
        let (rtc, answer) = made.unwrap_or_else(|_| Err(not_an_offer("it can't be read")))?;
        let answer = sdp::with_one_stream(&answer);
        sdp::check_answer(&answer)?;
        let now = Instant::now();
        let connection = Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            rtc,
            options,
            queue,
            on_event,
            connect_by: now + connect_limit,
            connected: false,
            deadline: now,
            tracks: Tracks::default(),
            channel: None,
            texts: VecDeque::new(),
            microphone: Microphone::new(),
            reason: None,
        };
        Ok((connection, answer))
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// The moment by which [`turn`](Self::turn) is to be called again.
    pub(super) fn deadline(&self) -> Instant {
        if self.connected {
            self.deadline
        } else {
            self.deadline.min(self.connect_by)
        }
    }

    /// The reason of the end, once the connection is over.
    pub(super) fn over(&self) -> Option<CloseReason> {
        if self.rtc.is_alive() {
            return None;
        }
        Some(self.reason.clone().unwrap_or(CloseReason::Remote))
    }

    /// Whether a [`datagram`] comes from this browser.
    pub(super) fn accepts(&self, input: &Input<'_>) -> bool {
        self.rtc.accepts(input)
    }

    /// Takes a datagram.
    pub(super) fn receive(&mut self, input: Input<'_>, send: &mut dyn FnMut(&Transmit)) {
        self.guarded(|this| {
            this.rtc.handle_input(input)?;
            this.drain(send)
        });
    }

    /// Sends what waits, if something does, and lets time pass, if its time has come.
    pub(super) fn turn(&mut self, now: Instant, send: &mut dyn FnMut(&Transmit)) {
        if !self.connected && now >= self.connect_by {
            self.close(CloseReason::NeverConnected);
        }
        if !self.queue.is_open() {
            self.close(CloseReason::Local);
        }
        self.guarded(|this| {
            let sent = this.send_frames(send)?;
            if sent || this.deadline <= now || !this.rtc.is_alive() {
                this.rtc.handle_input(Input::Timeout(now))?;
                this.drain(send)?;
            }
            Ok(())
        });
    }

    /// Sends text, now or when the channel opens.
    pub(super) fn send_text(&mut self, text: String, send: &mut dyn FnMut(&Transmit)) {
        self.texts.push_back(text);
        if self.texts.len() > TEXT_LIMIT {
            self.close(CloseReason::TooMuch);
            return;
        }
        self.guarded(|this| {
            this.write_texts()?;
            this.drain(send)
        });
    }

    /// Says goodbye. The connection is over when that has been sent.
    pub(super) fn close(&mut self, reason: CloseReason) {
        self.reason.get_or_insert(reason);
        self.queue.close();
        if self.rtc.close().is_err() {
            self.rtc.disconnect();
        }
    }

    /// Tells that it is over.
    pub(super) fn finish(&mut self, reason: CloseReason) {
        self.queue.close();
        (self.on_event)(PeerEvent::Closed { reason });
    }

    /// Does `work`; its failure, or its panic over what a stranger sent, ends this connection alone.
    fn guarded(&mut self, work: impl FnOnce(&mut Self) -> Result<(), RtcError>) {
        let message = match catch_unwind(AssertUnwindSafe(|| work(self))) {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "a panic".to_owned(),
        };
        self.reason.get_or_insert(CloseReason::Failed(message));
        self.queue.close();
        self.rtc.disconnect();
    }

    fn send_frames(&mut self, send: &mut dyn FnMut(&Transmit)) -> Result<bool, RtcError> {
        let mut sent = false;
        while let Some(queued) = self.queue.pop() {
            for write in self.tracks.writes(&mut self.rtc, &queued) {
                if write.apply(&mut self.rtc)? {
                    self.drain(send)?;
                    sent = true;
                }
            }
        }
        Ok(sent)
    }

    /// Sends and tells all that str0m has to.
    fn drain(&mut self, send: &mut dyn FnMut(&Transmit)) -> Result<(), RtcError> {
        loop {
            match self.rtc.poll_output()? {
                Output::Timeout(deadline) => {
                    self.deadline = deadline;
                    return Ok(());
                }
                Output::Transmit(transmit) => send(&transmit),
                Output::Event(event) => self.event(event)?,
            }
        }
    }

    fn event(&mut self, event: Event) -> Result<(), RtcError> {
        match event {
            Event::Connected => self.connect(),
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                self.close(CloseReason::Unreachable);
            }
            Event::Closed => {
                self.reason.get_or_insert(CloseReason::Remote);
            }
            Event::MediaAdded(MediaAdded { mid, kind, .. }) => self.tracks.add(mid, kind),
            Event::MediaData(data) => self.hear(&data),
            Event::KeyframeRequest(_) => self.queue.request_key(),
            Event::EgressBitrateEstimate(
                BweKind::Twcc { estimate, .. } | BweKind::Remb { estimate, .. },
            ) if self.options.estimate_bandwidth => {
                self.queue.limit_bitrate(picture_bps(estimate.as_u64()));
            }
            Event::ChannelOpen(channel, _) if self.channel.is_none() => {
                self.channel = Some(channel);
                (self.on_event)(PeerEvent::TextOpen);
                self.write_texts()?;
            }
            Event::ChannelData(data) if Some(data.id) == self.channel && !data.binary => {
                if data.data.len() > MAX_TEXT_BYTES {
                    self.close(CloseReason::TooMuch);
                } else if let Ok(text) = String::from_utf8(data.data) {
                    (self.on_event)(PeerEvent::Text(text));
                }
            }
            Event::ChannelClose(channel) if Some(channel) == self.channel => self.channel = None,
            _ => {}
        }
        Ok(())
    }

    fn connect(&mut self) {
        self.connected = true;
        if self.options.estimate_bandwidth {
            self.queue.limit_bitrate(picture_bps(INITIAL_BPS));
            let desired = u64::from(self.options.max_bitrate_bps) * 3 / 2;
            let mut bwe = self.rtc.bwe();
            bwe.set_bitrate(Bitrate::bps(0), Bitrate::bps(desired));
        }
        self.queue.connect();
        (self.on_event)(PeerEvent::Connected);
    }

    fn hear(&mut self, data: &MediaData) {
        if data.params.spec().codec != Codec::Opus || Some(data.mid) != self.tracks.audio {
            return;
        }
        let mut heard = Vec::new();
        // A damaged packet is as good as a lost one.
        if self.microphone.push_opus(&data.data, &mut heard).is_ok() && !heard.is_empty() {
            (self.on_event)(PeerEvent::Microphone(heard));
        }
    }

    fn write_texts(&mut self) -> Result<(), RtcError> {
        let Some(channel) = self.channel else {
            return Ok(());
        };
        while let Some(text) = self.texts.front() {
            let Some(mut channel) = self.rtc.channel(channel) else {
                return Ok(());
            };
            if !channel.write(false, text.as_bytes())? {
                // The peer has not read 128 KiB.
                self.close(CloseReason::TooMuch);
                return Ok(());
            }
            self.texts.pop_front();
        }
        Ok(())
    }
}

/// Reads an offer and answers it.
fn negotiate(
    offer: &str,
    options: PeerOptions,
    candidates: &[SocketAddr],
) -> Result<(Rtc, String)> {
    let mut config = Rtc::builder()
        .clear_codecs()
        .enable_opus(true, false)
        .enable_h264(true)
        .set_sctp_max_message_size(MAX_TEXT_BYTES as u32);
    if options.estimate_bandwidth {
        config = config.enable_bwe(Some(Bitrate::bps(INITIAL_BPS)));
    }
    let mut rtc = config.build(Instant::now());
    for &address in candidates {
        let candidate = Candidate::host(address, "udp").map_err(|cause| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!("{address} is no address for a browser to connect to"),
            )
            .with_source(cause)
        })?;
        rtc.add_local_candidate(candidate);
    }
    let offer =
        SdpOffer::from_sdp_string(offer).map_err(|cause| not_an_offer(&cause.to_string()))?;
    let answer = rtc
        .sdp_api()
        .accept_offer(offer)
        .map_err(|cause| not_an_offer(&cause.to_string()))?;
    Ok((rtc, answer.to_sdp_string()))
}

/// A datagram that came just now, as str0m takes it; None for bytes of no protocol that it knows.
pub(super) fn datagram(
    bytes: &[u8],
    source: SocketAddr,
    destination: SocketAddr,
) -> Option<Input<'_>> {
    let receive = Receive::new(Protocol::Udp, source, destination, bytes).ok()?;
    Some(Input::Receive(Instant::now(), receive))
}

#[cold]
fn not_an_offer(cause: &str) -> Error {
    Error::new(
        ErrorKind::InvalidArgument,
        format!("the offer can't be answered: {cause}; send the SDP of `createOffer`"),
    )
}
