//! The frames that wait for one watcher: bounded; pictures are dropped, sound isn't.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::{Demand, Encoded, Sink};

/// Most pictures that wait for a watcher. When there are more, all of them are dropped, and its pictures
/// go on with the next key frame.
pub const PICTURE_LIMIT: usize = 8;

/// Most sound that waits for a watcher. One that is further behind is disconnected.
pub const SOUND_LIMIT: Duration = Duration::from_secs(10);

/// A connection that carries less for pictures, in bits a second, gets sound only.
pub(crate) const LEAST_PICTURE_BPS: u32 = 100_000;

const SOUND_LIMIT_PIECES: usize =
    (SOUND_LIMIT.as_millis() / essence::clock::FRAME_DURATION.as_millis()) as usize;

/// A frame that waits, and which of its parts the watcher gets.
#[derive(Debug)]
pub(crate) struct QueuedFrame {
    pub(crate) frame: Arc<Encoded>,
    pub(crate) picture: bool,
    pub(crate) sound: bool,
}

/// The queue of one watcher, shared by the drawing thread and the one that sends.
pub(crate) struct SendQueue {
    state: Mutex<State>,
    /// Told that the queue is not empty any more, or closed. Must not block.
    notify: Box<dyn Fn() + Send + Sync>,
}

struct State {
    queue: VecDeque<QueuedFrame>,
    /// Pictures and pieces of sound in the queue.
    pictures: usize,
    pieces: usize,
    /// Pictures are of no use until a key frame comes.
    needs_key: bool,
    wants_key: bool,
    open: bool,
    connected: bool,
    visible: bool,
    bitrate_bps: Option<u32>,
    dropped: u64,
}

impl SendQueue {
    /// A queue that takes nothing until it is [connected](Self::connect).
    pub(crate) fn new(notify: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                queue: VecDeque::new(),
                pictures: 0,
                pieces: 0,
                needs_key: true,
                wants_key: false,
                open: true,
                connected: false,
                visible: true,
                bitrate_bps: None,
                dropped: 0,
            }),
            notify: Box::new(notify),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, frame: &Arc<Encoded>) {
        let notify = {
            let mut state = self.state();
            let was_empty = state.queue.is_empty();
            state.push(frame);
            was_empty || !state.open
        };
        if notify {
            (self.notify)();
        }
    }

    pub(crate) fn pop(&self) -> Option<QueuedFrame> {
        let mut state = self.state();
        let queued = state.queue.pop_front()?;
        state.pictures -= usize::from(queued.picture);
        state.pieces -= if queued.sound {
            queued.frame.sound.len()
        } else {
            0
        };
        Some(queued)
    }

    pub(crate) fn is_open(&self) -> bool {
        self.state().open
    }

    /// Pictures that were dropped since the watcher came.
    pub(crate) fn dropped_pictures(&self) -> u64 {
        self.state().dropped
    }

    /// Asks for a key frame. Other pictures go on until it comes.
    pub(crate) fn request_key(&self) {
        self.state().wants_key = true;
    }

    /// Takes pictures and sound from now on.
    pub(crate) fn connect(&self) {
        self.state().connected = true;
    }

    /// Whether the page is visible: a hidden one gets no pictures.
    pub(crate) fn set_visible(&self, visible: bool) {
        let mut state = self.state();
        state.needs_key |= state.visible != visible;
        state.visible = visible;
    }

    /// The bits a second that the connection carries. Pictures stop below [`LEAST_PICTURE_BPS`].
    pub(crate) fn limit_bitrate(&self, bitrate_bps: u32) {
        let mut state = self.state();
        state.bitrate_bps = Some(bitrate_bps);
        state.needs_key |= !state.takes_pictures();
    }

    pub(crate) fn close(&self) {
        self.state().close();
        (self.notify)();
    }
}

impl State {
    fn takes_sound(&self) -> bool {
        self.open && self.connected
    }

    fn takes_pictures(&self) -> bool {
        let carried = self.bitrate_bps.is_none_or(|bps| bps >= LEAST_PICTURE_BPS);
        self.takes_sound() && self.visible && carried
    }

    fn close(&mut self) {
        self.open = false;
        self.queue.clear();
        self.pictures = 0;
        self.pieces = 0;
    }

    fn push(&mut self, frame: &Arc<Encoded>) {
        let sound = self.takes_sound() && !frame.sound.is_empty();
        let mut picture = self.takes_pictures() && frame.picture.is_some();
        if picture {
            let key = frame.picture.as_ref().is_some_and(|picture| picture.key);
            if self.pictures >= PICTURE_LIMIT {
                self.drop_pictures();
            }
            if key {
                self.needs_key = false;
                self.wants_key = false;
            } else if self.needs_key {
                self.dropped += 1;
                picture = false;
            }
        }
        if !picture && !sound {
            return;
        }
        self.pictures += usize::from(picture);
        self.pieces += if sound { frame.sound.len() } else { 0 };
        if self.pieces > SOUND_LIMIT_PIECES {
            self.close();
            return;
        }
        self.queue.push_back(QueuedFrame {
            frame: frame.clone(),
            picture,
            sound,
        });
    }

    fn drop_pictures(&mut self) {
        self.dropped += self.pictures as u64;
        self.pictures = 0;
        self.needs_key = true;
        for queued in &mut self.queue {
            queued.picture = false;
        }
        self.queue.retain(|queued| queued.sound);
    }
}

/// A watcher behind a bounded queue: [`ws::Connection`](crate::ws::Connection) and
/// [`rtc::Connection`](crate::rtc::Connection) hand it out to be attached. Dropping it ends the connection.
pub struct QueuedSink(pub(crate) Arc<SendQueue>);

impl Sink for QueuedSink {
    fn demand(&mut self) -> Demand {
        let state = self.0.state();
        Demand {
            open: state.open,
            pictures: state.takes_pictures(),
            sound: state.takes_sound(),
            key: state.needs_key || state.wants_key,
            bitrate_bps: state.bitrate_bps,
        }
    }

    fn send(&mut self, frame: &Arc<Encoded>) {
        self.0.push(frame);
    }
}

impl Drop for QueuedSink {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl fmt::Debug for QueuedSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QueuedSink")
    }
}
