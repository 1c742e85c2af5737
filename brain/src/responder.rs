//! The traits behind a conversation: the answer as a whole, or hearing, thinking and speaking apart.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use essence::Result;

use crate::event::{ReplyId, Speaker};

/// The user's words or voice.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// Nothing yet: the conversation begins and the avatar may greet.
    Nothing,
    /// Text.
    Text(String),
    /// Sound, 16 kHz mono.
    Voice(Vec<f32>),
}

/// A turn that is over.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Turn {
    /// The side that spoke.
    pub speaker: Speaker,
    /// Its words. An interrupted reply has those that were really spoken, and a dash.
    pub text: String,
}

/// A request for a reply.
#[derive(Clone, Debug)]
pub struct Request {
    /// The number of the reply in its conversation, from 1.
    pub reply: ReplyId,
    /// The user's words or voice.
    pub said: Said,
    /// The turns before it, oldest first.
    pub history: Vec<Turn>,
    /// The reply before it, if it was interrupted.
    pub interrupted: Option<Interrupted>,
    /// Stops the work for a reply that nobody waits for any more.
    pub cancel: Cancel,
}

/// A reply that was interrupted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Interrupted {
    /// Its number.
    pub reply: ReplyId,
    /// Milliseconds of its sound that were spoken.
    pub played_ms: u64,
}

/// A piece of a reply.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// The user's words, as they were understood.
    Heard(String),
    /// The words of the sound that follows, up to the next `Text`.
    Text(String),
    /// Sound of the words before it.
    Speech {
        /// Samples a second, the same within a reply.
        rate_hz: u32,
        /// Mono, **−1 to 1**.
        samples: Vec<f32>,
    },
    /// A gesture to play.
    Gesture(String),
}

/// Takes the pieces of a reply as they come.
pub type Pieces<'a> = &'a mut dyn FnMut(Piece);

/// Answers a turn of the user. `respond` runs in a thread of its own and may block; several may run
/// at a time, of which all but one are cancelled.
pub trait Responder: Send + Sync {
    /// Gives a reply to `request`, piece by piece. No piece at all is an answer, too.
    ///
    /// # Errors
    /// The message is shown to the user. What was given before is spoken.
    fn respond(&self, request: &Request, pieces: Pieces<'_>) -> Result<()>;

    /// A responder for one conversation alone, as one that keeps a connection has it. None: this one
    /// serves all.
    fn for_conversation(&self) -> Option<Arc<dyn Responder>> {
        None
    }
}

/// Turns sound into words.
pub trait Hear: Send + Sync {
    /// The words in `samples`, 16 kHz mono; empty if there are none.
    ///
    /// # Errors
    /// The message is shown to the user.
    fn hear(&self, samples: &[f32], cancel: &Cancel) -> Result<String>;
}

/// Finds the words of a reply.
pub trait Think: Send + Sync {
    /// Answers the last turn of `history`, token by token.
    ///
    /// # Errors
    /// The message is shown to the user.
    fn think(&self, history: &[Turn], cancel: &Cancel, token: &mut dyn FnMut(&str)) -> Result<()>;
}

/// Turns words into sound.
pub trait Speak: Send + Sync {
    /// The sound of `text`: mono blocks with their rate in Hz, as they come.
    ///
    /// # Errors
    /// The message is shown to the user.
    fn speak(&self, text: &str, cancel: &Cancel, sound: &mut dyn FnMut(u32, &[f32])) -> Result<()>;
}

/// A request to stop, shared by clones.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
