//! Pictures and sound as binary WebSocket messages, for a page that decodes them by WebCodecs. The socket
//! is the caller's: bytes in, bytes out. Text messages have no meaning here and are free for the caller.
//!
//! # Messages to the page
//! A header of 8 bytes, then the payload. Numbers are little-endian.
//!
//! | bytes | meaning |
//! |---|---|
//! | 0 | kind: 0 picture, 1 key picture, 2 Opus packet, 3 PCM |
//! | 1 | 0 |
//! | 2–3 | interruptions so far, modulo 65,536: when it changes, sound that is not played yet is out of date |
//! | 4–7 | number `k` of the frame; its time is 40 ms × `k` for pictures and sound alike |
//! | 8– | H.264 in Annex B (`avc1.42e01f`, parameter sets in key pictures; no `description` for `VideoDecoder`); one Opus packet of 40 ms, 48 kHz, mono; or 1920 samples, 16 bits, 48 kHz, mono |
//!
//! Every `k` from the first one on has its sound. Pictures may be missing; after a gap the next one is
//! a key picture.
//!
//! # Messages from the page
//!
//! | bytes | meaning |
//! |---|---|
//! | 0 | kind: 16 PCM of the microphone, 17 Opus packet of the microphone, 18 key picture wanted, 19 pictures on or off |
//! | 1 | of kind 19: 1 on, 0 off (a hidden page); else 0 |
//! | 2–3 | 0 |
//! | 4–7 | of kind 16: samples a second, 8,000 to 192,000; else 0 |
//! | 8– | of kind 16: samples, 16 bits, mono, at most a second; of kind 17: one packet, 48 kHz; else nothing |
//!
//! # A page that draws
//! It gets speech by a [`SpeechQueue`](crate::SpeechQueue), in order, with the same header, and no other
//! kinds:
//!
//! | kind | meaning |
//! |---|---|
//! | 4 | speech: bytes 4–7 are samples a second, then samples, 16 bits, mono |
//! | 5 | the utterance ends |
//! | 6 | what came before is to be dropped; the page's count of what was heard begins anew |
//! | 7 | byte 1: 1 speech pauses, 0 it goes on |
//!
//! In all of them bytes 2–3 number the messages of kind 6. The page sends kind 20 as its speech is heard:
//! bytes 2–3 as in the last message of kind 6, bytes 4–7 the milliseconds that were heard since then.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use essence::{Error, ErrorKind, Result};

use crate::send_queue::{QueuedFrame, SendQueue};
use crate::{Encoded, Microphone, QueuedSink};

/// Bytes before a message's payload.
pub const HEADER_BYTES: usize = 8;

/// Most bytes of a message from the page: a second of PCM at 192 kHz. Give it to the WebSocket as its
/// limit.
pub const MAX_MESSAGE_BYTES: usize = HEADER_BYTES + 2 * 192_000;

const PICTURE: u8 = 0;
const KEY_PICTURE: u8 = 1;
const OPUS: u8 = 2;
const PCM: u8 = 3;
const MICROPHONE_PCM: u8 = 16;
const MICROPHONE_OPUS: u8 = 17;
const KEY_WANTED: u8 = 18;
const PICTURES: u8 = 19;

/// How sound is sent. Browsers without `AudioDecoder` (Safari before 26) take PCM.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum SoundFormat {
    /// Opus packets of 40 ms.
    #[default]
    Opus,
    /// 16-bit samples, 768 kbit/s.
    Pcm16,
}

/// A page's connection: a watcher for [`Publisher::attach`](crate::Publisher::attach), and both
/// directions of its socket.
#[derive(Debug)]
#[non_exhaustive]
pub struct Connection {
    /// The watcher.
    pub sink: QueuedSink,
    /// Messages to the page.
    pub down: Down,
    /// Messages from the page.
    pub up: Up,
}

/// A connection that is not attached yet. Dropping `down`, or the sink, ends the connection.
pub fn connect(sound: SoundFormat) -> Connection {
    let waiting = Arc::new(Mutex::new(None::<Waker>));
    let waker = waiting.clone();
    let queue = SendQueue::new(move || {
        let waker = waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    });
    queue.connect();
    Connection {
        sink: QueuedSink(queue.clone()),
        down: Down {
            queue: queue.clone(),
            waiting,
            sound,
            messages: VecDeque::new(),
        },
        up: Up {
            queue: Some(queue),
            microphone: Microphone::new(),
        },
    }
}

/// The messages to the page.
pub struct Down {
    queue: Arc<SendQueue>,
    waiting: Arc<Mutex<Option<Waker>>>,
    sound: SoundFormat,
    messages: VecDeque<Vec<u8>>,
}

impl Down {
    /// The next message, when there is one. None: the connection is over. Cancelling loses nothing.
    ///
    /// Send each message before asking for the next one: while the socket is busy, pictures wait in the
    /// queue and are dropped there.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// The same as [`next`](Self::next), to be polled.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        if let Some(message) = self.try_next() {
            return Poll::Ready(Some(message));
        }
        {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            *waiting = Some(context.waker().clone());
        }
        // Frames that came before the waker was set have woken nobody.
        match self.try_next() {
            Some(message) => Poll::Ready(Some(message)),
            None if self.queue.is_open() => Poll::Pending,
            None => Poll::Ready(None),
        }
    }

    /// The next message, if there is one now.
    pub fn try_next(&mut self) -> Option<Vec<u8>> {
        while self.messages.is_empty() {
            let queued = self.queue.pop()?;
            self.frame(&queued);
        }
        self.messages.pop_front()
    }

    /// Pictures that were dropped because the socket was slow.
    pub fn dropped_pictures(&self) -> u64 {
        self.queue.dropped_pictures()
    }

    /// Sound first: it is the more urgent.
    fn frame(&mut self, queued: &QueuedFrame) {
        let frame = &queued.frame;
        if queued.sound {
            for sound in &frame.sound {
                let message = match self.sound {
                    SoundFormat::Opus => message(OPUS, frame, sound.index, &sound.opus),
                    SoundFormat::Pcm16 => {
                        let bytes: Vec<u8> =
                            sound.pcm.iter().flat_map(|x| x.to_le_bytes()).collect();
                        message(PCM, frame, sound.index, &bytes)
                    }
                };
                self.messages.push_back(message);
            }
        }
        if let (true, Some(picture)) = (queued.picture, &frame.picture) {
            let kind = if picture.key { KEY_PICTURE } else { PICTURE };
            self.messages
                .push_back(message(kind, frame, frame.index, &picture.data));
        }
    }
}

impl Drop for Down {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl fmt::Debug for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Down")
            .field("sound", &self.sound)
            .finish_non_exhaustive()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "documented: modulo 65,536, and 2³² frames are five years"
)]
fn message(kind: u8, frame: &Encoded, index: u64, payload: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(HEADER_BYTES + payload.len());
    message.extend_from_slice(&[kind, 0]);
    message.extend_from_slice(&(frame.interruptions as u16).to_le_bytes());
    message.extend_from_slice(&(index as u32).to_le_bytes());
    message.extend_from_slice(payload);
    message
}

/// The messages from the page.
pub struct Up {
    /// None: the page draws.
    queue: Option<Arc<SendQueue>>,
    microphone: Microphone,
}

impl Up {
    /// The messages of a page that draws: its wishes about pictures mean nothing.
    pub fn of_drawing_page() -> Self {
        Self {
            queue: None,
            microphone: Microphone::new(),
        }
    }

    /// Takes a binary message from the page and appends what its microphone says to `heard`: mono samples
    /// at [`MICROPHONE_RATE_HZ`](crate::MICROPHONE_RATE_HZ).
    ///
    /// # Errors
    /// Nothing of the message is taken; the connection can go on.
    /// - `InvalidArgument`: a message of another form than documented, named in the error.
    /// - `LimitExceeded`: it is longer than [`MAX_MESSAGE_BYTES`], or holds more than a second.
    /// - `UnsupportedFormat`: a damaged Opus packet.
    pub fn receive(&mut self, message: &[u8], heard: &mut Vec<f32>) -> Result<()> {
        if message.len() > MAX_MESSAGE_BYTES {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!(
                    "a message of {} bytes from the page; at most {MAX_MESSAGE_BYTES} are taken",
                    message.len()
                ),
            ));
        }
        let Some((header, payload)) = message.split_first_chunk::<HEADER_BYTES>() else {
            return Err(malformed(format!(
                "a message of {} bytes from the page is shorter than its header of {HEADER_BYTES}",
                message.len()
            )));
        };
        let value = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
        match header[0] {
            MICROPHONE_PCM => {
                let (samples, rest) = payload.as_chunks::<2>();
                if !rest.is_empty() {
                    return Err(malformed(format!(
                        "{} bytes of 16-bit samples end within a sample",
                        payload.len()
                    )));
                }
                let samples = samples.iter().map(|bytes| i16::from_le_bytes(*bytes));
                self.microphone.push_pcm(samples, value, heard)
            }
            MICROPHONE_OPUS => self.microphone.push_opus(payload, heard),
            KEY_WANTED => {
                if let Some(queue) = &self.queue {
                    queue.request_key();
                }
                Ok(())
            }
            PICTURES if header[1] <= 1 => {
                if let Some(queue) = &self.queue {
                    queue.set_visible(header[1] == 1);
                }
                Ok(())
            }
            PICTURES => Err(malformed(format!(
                "a page wants pictures on (1) or off (0), not {}",
                header[1]
            ))),
            kind => Err(malformed(format!(
                "a message of unknown kind {kind} from the page; {MICROPHONE_PCM} to {PICTURES} are known"
            ))),
        }
    }
}

impl fmt::Debug for Up {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Up").finish_non_exhaustive()
    }
}

#[cold]
fn malformed(message: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}
