//! A watcher's side of a conversation.

use std::sync::Arc;

use crate::Encoded;

/// A watcher: takes the encoded frames of a conversation.
pub trait Sink: Send {
    /// The watcher's demand, asked for once before each frame.
    fn demand(&mut self) -> Demand;

    /// Takes a frame. Called in the thread that draws, for every frame while the watcher
    /// [is open](Demand::open) and wants sound or pictures.
    ///
    /// # Real time
    /// It must not block: a sink that sends over a network queues and drops pictures itself.
    fn send(&mut self, frame: &Arc<Encoded>);
}

/// The parts of the next frame that a watcher wants.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Demand {
    /// Whether the watcher is still there. One that isn't is detached.
    pub open: bool,
    /// Whether it wants pictures.
    pub pictures: bool,
    /// Whether it wants sound.
    pub sound: bool,
    /// Whether it needs a key frame. Stays true until one was sent.
    pub key: bool,
    /// The bit rate that its connection carries, for pictures alone, in bits a second. None: unknown, or no
    /// limit.
    pub bitrate_bps: Option<u32>,
}

impl Demand {
    /// Pictures and sound, without a limit.
    pub const ALL: Self = Self {
        open: true,
        pictures: true,
        sound: true,
        key: false,
        bitrate_bps: None,
    };

    /// Nothing for now; the watcher stays.
    pub const NOTHING: Self = Self {
        pictures: false,
        sound: false,
        ..Self::ALL
    };

    /// Nothing, for good: the watcher is detached.
    pub const CLOSED: Self = Self {
        open: false,
        ..Self::NOTHING
    };
}
