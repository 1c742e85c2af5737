//! A page's side of a conversation: a plain `WebSocket` connection of this process, so that the server's
//! processor time and memory are its own.

use std::collections::VecDeque;
use std::fs;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::{Message, WebSocket};

use crate::live_figures::rank;
use crate::root;

const TICK: Duration = Duration::from_millis(40);

/// Kinds of messages and their header, as in `essence_live::ws`.
const HEADER_BYTES: usize = 8;
const PICTURES: [u8; 2] = [0, 1];
const OPUS: u8 = 2;
const MICROPHONE: u8 = 16;

/// Bytes of 40 ms at the microphone's rate.
const RATE_HZ: u32 = 48_000;
const BLOCK_BYTES: usize = 2 * RATE_HZ as usize / 25;

/// Packets at the begin and at the end of a stretch that drift is measured between: ten seconds.
const ENDS: usize = 250;

/// A longer gap is a stall of the machine: the engine skips what it missed, or starts its clock anew. Neither
/// is drift, so a new stretch begins.
const STALL: Duration = Duration::from_millis(500);

/// One conversation.
pub(super) struct Client {
    socket: WebSocket<TcpStream>,
    /// The samples that the microphone hears next; then it is quiet.
    voice: VecDeque<u8>,
    /// A voice has begun whose reply is not there yet.
    spoke: bool,
    speaking: bool,
}

/// Pictures and sounds that a client got.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) pictures: u64,
    pub(super) sounds: u64,
    /// Numbers of sound that never came.
    pub(super) missing: u64,
    /// Interruptions that the server told of.
    pub(super) interruptions: u64,
    /// Milliseconds between pictures.
    pub(super) gaps_ms: Vec<f64>,
    pub(super) time: Duration,
    /// How far each packet of sound was behind (+) the clock, in milliseconds, in stretches without a stall.
    stretches: Vec<Vec<f64>>,
    picture_at: Option<Instant>,
    sound_at: Option<Instant>,
    /// The number that the next packet of sound has.
    next: Option<u32>,
}

impl Seen {
    /// How much further the sound fell behind (+) the clock, in milliseconds, in all stretches together. Those
    /// of less than twenty seconds tell nothing. The earliest packets count: others wait for the machine.
    pub(super) fn drift_ms(&self) -> f64 {
        let early = |offsets: &[f64]| rank(offsets.to_vec(), 0.05);
        let long = self.stretches.iter().filter(|s| s.len() >= 2 * ENDS);
        long.map(|s| early(&s[s.len() - ENDS..]) - early(&s[..ENDS]))
            .sum()
    }

    /// Stalls of the machine.
    pub(super) fn stalls(&self) -> usize {
        self.stretches.len().saturating_sub(1)
    }

    /// Notes a binary message that came `since` the begin. Whether it is sound.
    fn note(&mut self, bytes: &[u8], now: Instant, since: Duration) -> Result<bool> {
        if bytes.len() <= HEADER_BYTES {
            return Ok(false);
        }
        let number = u32::from_le_bytes(bytes[4..8].try_into()?);
        if PICTURES.contains(&bytes[0]) {
            self.pictures += 1;
            if let Some(before) = self.picture_at.replace(now) {
                self.gaps_ms.push((now - before).as_secs_f64() * 1e3);
            }
        }
        if bytes[0] != OPUS {
            return Ok(false);
        }
        self.sounds += 1;
        if let Some(next) = self.next {
            self.missing += u64::from(number.wrapping_sub(next));
        }
        self.next = Some(number.wrapping_add(1));
        let due = TICK * number;
        let offset_ms = (since.as_secs_f64() - due.as_secs_f64()) * 1e3;
        let before = self.sound_at.replace(now);
        match self.stretches.last_mut() {
            Some(stretch) if before.is_some_and(|before| now - before <= STALL) => {
                stretch.push(offset_ms);
            }
            _ => self.stretches.push(vec![offset_ms]),
        }
        Ok(true)
    }
}

impl Client {
    pub(super) fn open(url: &str) -> Result<Self> {
        let mut request = format!("{}/ws", url.replacen("http", "ws", 1)).into_client_request()?;
        let origin = url.rsplit_once('/').context("an address with a code")?.0;
        request.headers_mut().insert("origin", origin.parse()?);
        let stream = TcpStream::connect(origin.trim_start_matches("http://"))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let (mut socket, _) = tungstenite::client(request, stream)?;
        socket.send(Message::text(r#"{"type":"media","sound":"opus"}"#))?;
        Ok(Self {
            socket,
            voice: VecDeque::new(),
            spoke: false,
            speaking: false,
        })
    }

    /// Talks until it is `over`, and interrupts now and then. Without interruptions no microphone is open.
    pub(super) fn talk(
        mut self,
        interrupted_every: Option<Duration>,
        over: &AtomicBool,
    ) -> Result<Seen> {
        let words = voice()?;
        let begin = Instant::now();
        let mut seen = Seen::default();
        let mut interrupt_at = interrupted_every.map(|time| begin + time);
        let mut by_voice = false;
        while !over.load(Ordering::Acquire) {
            let message = self.socket.read()?;
            let now = Instant::now();
            match message {
                Message::Text(text) => self.control(&serde_json::from_str(&text)?, &mut seen)?,
                Message::Binary(bytes) => {
                    let sound = seen.note(&bytes, now, now - begin)?;
                    if sound && interrupted_every.is_some() {
                        self.microphone()?;
                    }
                }
                _ => {}
            }
            if interrupt_at.is_some_and(|at| now >= at) {
                if by_voice {
                    self.voice.extend(&words);
                    self.spoke = true;
                } else {
                    self.say(r#"{"type":"interrupt"}"#)?;
                }
                by_voice = !by_voice;
                interrupt_at = interrupt_at
                    .zip(interrupted_every)
                    .map(|(at, every)| at + every);
            }
        }
        seen.time = begin.elapsed();
        Ok(seen)
    }

    /// Lets the avatar speak on. A text that comes before the last reply is over would interrupt it.
    fn control(&mut self, message: &Value, seen: &mut Seen) -> Result<()> {
        let kind = message["type"].as_str().unwrap_or_default();
        ensure!(
            !["failure", "refused", "ended"].contains(&kind),
            "{message}"
        );
        seen.interruptions += u64::from(kind == "interrupted");
        if kind != "session" && kind != "state" {
            return Ok(());
        }
        let listens = message["state"] == "listening";
        if listens && !self.spoke && (kind == "session" || self.speaking) {
            self.say(r#"{"type":"text","text":"Go on"}"#)?;
        }
        self.speaking = message["state"] == "speaking";
        self.spoke &= !self.speaking;
        Ok(())
    }

    /// Sends 40 ms of the microphone.
    fn microphone(&mut self) -> Result<()> {
        let heard = self.voice.len().min(BLOCK_BYTES);
        let mut message = vec![MICROPHONE, 0, 0, 0];
        message.extend(RATE_HZ.to_le_bytes());
        message.extend(self.voice.drain(..heard));
        message.resize(HEADER_BYTES + BLOCK_BYTES, 0);
        Ok(self.socket.send(Message::binary(message))?)
    }

    fn say(&mut self, message: &str) -> Result<()> {
        Ok(self.socket.send(Message::text(message))?)
    }
}

/// A second of speech, 16 bits at the microphone's rate.
fn voice() -> Result<Vec<u8>> {
    let speech = fs::read(root().join("testdata/audio/speech_48000.wav"))?;
    let second = 2 * RATE_HZ as usize;
    let words = speech.get(44 + second..44 + 2 * second);
    Ok(words.context("too short")?.to_vec())
}
