//! The speech of a conversation whose page draws the avatar itself: it goes out as it was made, some seconds
//! ahead, and waits here until the page has heard it. What was not heard goes to the page that comes back.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use essence::{Error, ErrorKind, MAX_RATE_HZ, MIN_RATE_HZ, Result};

use crate::Event;
use crate::ws::HEADER_BYTES;

/// How far speech goes ahead of what the page has heard.
pub const SPEECH_AHEAD: Duration = Duration::from_secs(4);

/// Most speech that waits to be heard; more is refused, so that memory stays bounded.
pub const SPEECH_LIMIT: Duration = Duration::from_secs(600);

/// Most speech of one message.
const PIECE_S: f64 = 0.2;

/// The page counts whole milliseconds, and its resampler rounds.
const ROUNDING_S: f64 = 0.01;

const SPEECH: u8 = 4;
const UTTERANCE_ENDS: u8 = 5;
const DROPPED: u8 = 6;
const PAUSED: u8 = 7;
const HEARD: u8 = 20;

/// The speech that a page has yet to hear. All methods take `&self` and wait for nothing but a short lock.
///
/// It stands where a [`Publisher`](crate::Publisher) does if the server draws, and tells the same [`Event`]s:
/// where the publisher tells what was sent, this tells what the page says was heard.
#[derive(Clone, Default)]
pub struct SpeechQueue(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    items: VecDeque<Item>,
    /// Items at the front that were sent.
    sent: usize,
    /// Seconds of speech in these, and in all.
    ahead_s: f64,
    waiting_s: f64,
    /// Counts the moments at which the page is to drop what it has; times below begin at the last one.
    drops: u16,
    drop_unsent: bool,
    /// Seconds that were heard, and those before the front item.
    heard_s: f64,
    front_s: f64,
    /// The reply that was pushed last, and its seconds so far.
    reply: u64,
    reply_s: f64,
    paused: bool,
    paused_unsent: bool,
    /// Number of the connection that speech goes to.
    connection: u64,
    waker: Option<Waker>,
}

enum Item {
    Speech(Piece),
    /// An utterance ends. `told`: everything before it had been heard when it came.
    End {
        reply: u64,
        length_s: f64,
        told: bool,
    },
}

struct Piece {
    reply: u64,
    /// Seconds of the reply before it.
    begin_s: f64,
    rate_hz: u32,
    samples: Vec<i16>,
}

impl Piece {
    fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.rate_hz)
    }
}

impl SpeechQueue {
    /// An empty queue, whose speech waits for a page.
    pub fn new() -> Self {
        Self::default()
    }

    /// Speaks: mono samples of a reply.
    ///
    /// # Errors
    /// Nothing is taken.
    /// - `InvalidArgument`: a rate that the engine doesn't take.
    /// - `LimitExceeded`: more than [`SPEECH_LIMIT`] would wait to be heard.
    pub fn push_audio(&self, samples: &[f32], rate_hz: u32, reply: u64) -> Result<()> {
        if !(MIN_RATE_HZ..=MAX_RATE_HZ).contains(&rate_hz) {
            let message =
                format!("{rate_hz} samples a second; {MIN_RATE_HZ} to {MAX_RATE_HZ} are taken");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let mut state = self.state();
        let seconds = samples.len() as f64 / f64::from(rate_hz);
        if state.waiting_s + seconds > SPEECH_LIMIT.as_secs_f64() {
            let message = format!(
                "{:.1} s of speech wait to be heard by the page, {seconds:.1} s more exceed the limit of {} s",
                state.waiting_s,
                SPEECH_LIMIT.as_secs()
            );
            return Err(Error::new(ErrorKind::LimitExceeded, message));
        }
        if state.reply != reply {
            state.reply = reply;
            state.reply_s = 0.0;
        }
        let most = (f64::from(rate_hz) * PIECE_S) as usize;
        for samples in samples.chunks(most) {
            let piece = Piece {
                reply,
                begin_s: state.reply_s,
                rate_hz,
                samples: samples
                    .iter()
                    .map(|x| (x * 32768.0).round().clamp(-32768.0, 32767.0) as i16)
                    .collect(),
            };
            state.reply_s += piece.seconds();
            state.waiting_s += piece.seconds();
            state.items.push_back(Item::Speech(piece));
        }
        state.wake();
        Ok(())
    }

    /// Ends the utterance. [`Event::SpeechEnded`] comes at once if all of it was heard before.
    pub fn flush(&self) -> Option<Event> {
        let mut state = self.state();
        let (reply, length_s) = (state.reply, state.reply_s);
        let told = state.items.is_empty();
        state.items.push_back(Item::End {
            reply,
            length_s,
            told,
        });
        state.reply = 0;
        state.wake();
        told.then(|| ended(reply, length_s))
    }

    /// Drops everything, at the page, too.
    pub fn interrupt(&self) {
        let mut state = self.state();
        state.items.clear();
        state.waiting_s = 0.0;
        state.reply = 0;
        state.drop_sent();
        state.wake();
    }

    /// Pauses speech, or lets it go on.
    pub fn set_paused(&self, paused: bool) {
        let mut state = self.state();
        state.paused_unsent |= state.paused != paused;
        state.paused = paused;
        state.wake();
    }

    /// Sends speech to a page from now on, instead of where it went before: what was not heard begins anew.
    pub fn connect(&self) -> SpeechDown {
        let mut state = self.state();
        let heard_s = state.heard_s - state.front_s;
        state.drop_sent();
        if let Some(Item::Speech(piece)) = state.items.front_mut() {
            let before = piece.seconds();
            let heard = (heard_s.max(0.0) * f64::from(piece.rate_hz)).round() as usize;
            piece.samples.drain(..heard.min(piece.samples.len()));
            let cut_s = before - piece.seconds();
            piece.begin_s += cut_s;
            state.waiting_s -= cut_s;
        }
        state.paused_unsent = state.paused;
        state.connection += 1;
        state.wake();
        SpeechDown {
            queue: self.clone(),
            connection: state.connection,
        }
    }

    /// Takes a binary message of the page's, if it tells what was heard, and says what follows from it.
    /// None: it is another message.
    pub fn receive(&self, message: &[u8]) -> Option<Vec<Event>> {
        match message {
            [HEARD, 0, a, b, c, d, e, f] => {
                let drops = u16::from_le_bytes([*a, *b]);
                Some(self.heard(drops, u32::from_le_bytes([*c, *d, *e, *f])))
            }
            _ => None,
        }
    }

    fn heard(&self, drops: u16, milliseconds: u32) -> Vec<Event> {
        let mut events = Vec::new();
        let mut state = self.state();
        let heard_s = f64::from(milliseconds) / 1000.0;
        // Of before an interruption that is on its way.
        if drops != state.drops || state.drop_unsent || heard_s < state.heard_s {
            return events;
        }
        state.heard_s = heard_s;
        let mut played = None;
        while let Some(item) = state.items.front() {
            match item {
                Item::Speech(_) if state.sent == 0 => break,
                Item::Speech(piece) => {
                    let seconds = piece.seconds();
                    let now_s = heard_s - state.front_s;
                    let is_over = seconds <= now_s + ROUNDING_S;
                    if now_s > 0.0 {
                        let position = piece.begin_s + if is_over { seconds } else { now_s };
                        played = Some(Event::Played {
                            reply: piece.reply,
                            position: Duration::from_secs_f64(position),
                        });
                    }
                    if !is_over {
                        break;
                    }
                    state.front_s += seconds;
                    state.ahead_s -= seconds;
                    state.waiting_s -= seconds;
                }
                &Item::End {
                    reply,
                    length_s,
                    told,
                } => {
                    events.extend(played.take());
                    if !told {
                        events.push(ended(reply, length_s));
                    }
                    // Roundings don't add up over a conversation.
                    if (heard_s - state.front_s).abs() < ROUNDING_S {
                        state.front_s = heard_s;
                    }
                    // The page is yet to hear of it, and may say nothing more.
                    if state.sent == 0 {
                        state.items[0] = Item::End {
                            reply,
                            length_s,
                            told: true,
                        };
                        break;
                    }
                }
            }
            state.items.pop_front();
            state.sent -= 1;
        }
        events.extend(played);
        state.wake();
        events
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ended(reply: u64, length_s: f64) -> Event {
    Event::SpeechEnded {
        reply,
        position: Duration::from_secs_f64(length_s),
    }
}

impl State {
    /// The page drops what was sent and counts from zero.
    fn drop_sent(&mut self) {
        self.drops = self.drops.wrapping_add(1);
        self.drop_unsent = true;
        self.sent = 0;
        self.ahead_s = 0.0;
        self.heard_s = 0.0;
        self.front_s = 0.0;
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn next(&mut self) -> Option<Vec<u8>> {
        if std::mem::take(&mut self.drop_unsent) {
            return Some(self.message(DROPPED, 0, 0));
        }
        if std::mem::take(&mut self.paused_unsent) {
            return Some(self.message(PAUSED, u8::from(self.paused), 0));
        }
        let message = match self.items.get(self.sent)? {
            Item::Speech(_) if self.ahead_s > SPEECH_AHEAD.as_secs_f64() => return None,
            Item::Speech(piece) => {
                let mut message = self.message(SPEECH, 0, piece.rate_hz);
                message.extend(piece.samples.iter().flat_map(|x| x.to_le_bytes()));
                self.ahead_s += piece.seconds();
                message
            }
            Item::End { .. } => self.message(UTTERANCE_ENDS, 0, 0),
        };
        self.sent += 1;
        Some(message)
    }

    fn message(&self, kind: u8, flag: u8, value: u32) -> Vec<u8> {
        let mut message = Vec::with_capacity(HEADER_BYTES);
        message.extend_from_slice(&[kind, flag]);
        message.extend_from_slice(&self.drops.to_le_bytes());
        message.extend_from_slice(&value.to_le_bytes());
        message
    }
}

impl fmt::Debug for SpeechQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpeechQueue")
            .field("waiting_s", &self.state().waiting_s)
            .finish_non_exhaustive()
    }
}

/// The messages to a page that draws.
#[derive(Debug)]
pub struct SpeechDown {
    queue: SpeechQueue,
    connection: u64,
}

impl SpeechDown {
    /// The next message, when there is one. None: speech goes to another page. Cancelling loses nothing.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// The same as [`next`](Self::next), to be polled.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        let mut state = self.queue.state();
        if state.connection != self.connection {
            return Poll::Ready(None);
        }
        match state.next() {
            Some(message) => Poll::Ready(Some(message)),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// The next message, if there is one now.
    pub fn try_next(&mut self) -> Option<Vec<u8>> {
        let mut state = self.queue.state();
        (state.connection == self.connection)
            .then(|| state.next())
            .flatten()
    }
}
