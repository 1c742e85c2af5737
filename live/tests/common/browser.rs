//! A browser's side of WebRTC over loopback: it offers, receives and talks, and may lose datagrams.

use std::collections::{BTreeMap, VecDeque};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::channel::ChannelId;
use str0m::format::Codec;
use str0m::media::{Direction, Frequency, KeyframeRequestKind, MediaKind, MediaTime, Mid};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc};

/// Longer than anything takes on a machine that does ten other things.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Browser {
    rtc: Rtc,
    socket: UdpSocket,
    address: SocketAddr,
    pending: Option<SdpPendingOffer>,
    video: Mid,
    audio: Mid,
    channel: Option<ChannelId>,
    deadline: Instant,
    /// Pictures by the number of their frame.
    pub(crate) pictures: BTreeMap<u64, Vec<u8>>,
    /// Opus packets by the number of their frame.
    pub(crate) sounds: BTreeMap<u64, Vec<u8>>,
    pub(crate) texts: Vec<String>,
    pub(crate) connected: bool,
    /// Whether the datagram of this number is lost on its way here.
    pub(crate) loses: fn(u64) -> bool,
    datagrams: u64,
    /// A link in front of the browser that carries so many bits a second.
    pub(crate) bottleneck: Option<Bottleneck>,
}

/// A link of a fixed rate with a queue of [`QUEUE`]; what doesn't fit is lost.
pub(crate) struct Bottleneck {
    bits_a_second: f64,
    free: Instant,
    waiting: VecDeque<(Instant, Vec<u8>, SocketAddr)>,
}

const QUEUE: Duration = Duration::from_millis(300);

impl Bottleneck {
    pub(crate) fn new(bits_a_second: f64) -> Self {
        Self {
            bits_a_second,
            free: Instant::now(),
            waiting: VecDeque::new(),
        }
    }

    fn put(&mut self, datagram: &[u8], source: SocketAddr) {
        let now = Instant::now();
        let seconds = (datagram.len() * 8) as f64 / self.bits_a_second;
        let arrival = self.free.max(now) + Duration::from_secs_f64(seconds);
        if arrival <= now + QUEUE {
            self.free = arrival;
            self.waiting.push_back((arrival, datagram.to_vec(), source));
        }
    }

    fn take(&mut self) -> Option<(Vec<u8>, SocketAddr)> {
        let due = |arrival: &mut (Instant, Vec<u8>, SocketAddr)| arrival.0 <= Instant::now();
        let (_, datagram, source) = self.waiting.pop_front_if(due)?;
        Some((datagram, source))
    }
}

impl Browser {
    /// A browser, and the offer that it makes.
    pub(crate) fn new() -> (Self, String) {
        Self::with(|config| {
            config
                .clear_codecs()
                .enable_opus(true, false)
                .enable_h264(true)
        })
    }

    pub(crate) fn with(
        change: impl FnOnce(str0m::RtcConfig) -> str0m::RtcConfig,
    ) -> (Self, String) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let mut rtc = change(Rtc::builder()).build(Instant::now());
        rtc.add_local_candidate(Candidate::host(address, "udp").unwrap());
        let mut offer = rtc.sdp_api();
        let video = offer.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        let audio = offer.add_media(MediaKind::Audio, Direction::SendRecv, None, None, None);
        offer.add_channel("control".to_owned());
        let (offer, pending) = offer.apply().unwrap();
        let browser = Self {
            rtc,
            socket,
            address,
            pending: Some(pending),
            video,
            audio,
            channel: None,
            deadline: Instant::now(),
            pictures: BTreeMap::new(),
            sounds: BTreeMap::new(),
            texts: Vec::new(),
            connected: false,
            loses: |_| false,
            datagrams: 0,
            bottleneck: None,
        };
        (browser, offer.to_sdp_string())
    }

    pub(crate) fn accept(&mut self, answer: &str) {
        let answer = SdpAnswer::from_sdp_string(answer).unwrap();
        let pending = self.pending.take().unwrap();
        self.rtc.sdp_api().accept_answer(pending, answer).unwrap();
        self.drain();
    }

    /// Receives and sends until `done`, which is asked after each step.
    pub(crate) fn run_until(&mut self, what: &str, mut done: impl FnMut(&Self) -> bool) {
        let begin = Instant::now();
        while !done(self) {
            assert!(begin.elapsed() < PATIENCE, "waited in vain: {what}");
            self.step();
        }
    }

    /// The same for two.
    pub(crate) fn run_with(
        &mut self,
        other: &mut Self,
        what: &str,
        mut done: impl FnMut(&Self, &Self) -> bool,
    ) {
        let begin = Instant::now();
        while !done(self, other) {
            assert!(begin.elapsed() < PATIENCE, "waited in vain: {what}");
            self.step();
            other.step();
        }
    }

    pub(crate) fn request_key_frame(&mut self) {
        let mut writer = self.rtc.writer(self.video).unwrap();
        writer
            .request_keyframe(None, KeyframeRequestKind::Pli)
            .unwrap();
        self.drain();
    }

    /// Sends the microphone's packet of 20 ms number `index`.
    pub(crate) fn speak(&mut self, index: u64, packet: Vec<u8>) {
        let writer = self.rtc.writer(self.audio).unwrap();
        let mut params = writer.payload_params();
        let opus = params.find(|params| params.spec().codec == Codec::Opus);
        let pt = opus.unwrap().pt();
        drop(params);
        let time = MediaTime::new(index * 960, Frequency::FORTY_EIGHT_KHZ);
        let writer = self.rtc.writer(self.audio).unwrap();
        writer.write(pt, Instant::now(), time, packet).unwrap();
        self.drain();
        self.rtc
            .handle_input(Input::Timeout(Instant::now()))
            .unwrap();
        self.drain();
    }

    pub(crate) fn send_text(&mut self, text: &str) {
        let mut channel = self.rtc.channel(self.channel.unwrap()).unwrap();
        assert!(channel.write(false, text.as_bytes()).unwrap());
        self.drain();
    }

    pub(crate) fn close(&mut self) {
        self.rtc.close().unwrap();
        self.drain();
    }

    fn step(&mut self) {
        let wait = self.deadline.saturating_duration_since(Instant::now());
        let longest = Duration::from_millis(if self.bottleneck.is_some() { 2 } else { 20 });
        let wait = wait.clamp(Duration::from_millis(1), longest);
        self.socket.set_read_timeout(Some(wait)).unwrap();
        let mut buffer = [0; 2_048];
        if let Ok((length, source)) = self.socket.recv_from(&mut buffer) {
            self.datagrams += 1;
            if (self.loses)(self.datagrams) {
                return;
            }
            match &mut self.bottleneck {
                Some(bottleneck) => bottleneck.put(&buffer[..length], source),
                None => self.receive(&buffer[..length], source),
            }
        }
        while let Some((datagram, source)) = self.bottleneck.as_mut().and_then(Bottleneck::take) {
            self.receive(&datagram, source);
        }
        self.rtc
            .handle_input(Input::Timeout(Instant::now()))
            .unwrap();
        self.drain();
    }

    fn receive(&mut self, datagram: &[u8], source: SocketAddr) {
        let receive = Receive::new(Protocol::Udp, source, self.address, datagram).unwrap();
        let input = Input::Receive(Instant::now(), receive);
        self.rtc.handle_input(input).unwrap();
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(deadline) => {
                    self.deadline = deadline;
                    return;
                }
                Output::Transmit(transmit) => {
                    self.socket
                        .send_to(&transmit.contents, transmit.destination)
                        .unwrap();
                }
                Output::Event(event) => self.event(event),
            }
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Connected => self.connected = true,
            Event::ChannelOpen(channel, _) => self.channel = Some(channel),
            Event::ChannelData(data) => self.texts.push(String::from_utf8(data.data).unwrap()),
            Event::MediaData(data) if data.mid == self.video => {
                let frame = data.time.numer() / 3_600;
                assert_eq!(data.time.numer() % 3_600, 0, "pictures lie on frames");
                self.pictures.insert(frame, data.data.to_vec());
            }
            Event::MediaData(data) if data.mid == self.audio => {
                let frame = data.time.numer() / 1_920;
                assert_eq!(data.time.numer() % 1_920, 0, "sound lies on frames");
                self.sounds.insert(frame, data.data.to_vec());
            }
            _ => {}
        }
    }

    pub(crate) fn has_text_channel(&self) -> bool {
        self.channel.is_some()
    }
}

/// Whether an Annex B picture is a key frame: it holds a NAL unit of type 5.
pub(crate) fn is_key(picture: &[u8]) -> bool {
    picture
        .windows(4)
        .any(|bytes| bytes[..3] == [0, 0, 1] && bytes[3] & 0x1f == 5)
}
