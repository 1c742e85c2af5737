//! The traits behind a conversation: the answer as a whole, or hearing, thinking and speaking apart.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use essence::{Error, ErrorKind, Result};

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

    /// The user has fallen silent, and the turn may be over: this is its sound so far, 16 kHz mono. What
    /// is worked out here is there sooner if `respond` gets the same sound with more silence; `cancel`
    /// says that the user goes on. It runs in a thread of its own.
    fn anticipate(&self, _voice: &[f32], _cancel: &Cancel) {}

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

impl<S: Speak + ?Sized> Speak for Arc<S> {
    fn speak(&self, text: &str, cancel: &Cancel, sound: &mut dyn FnMut(u32, &[f32])) -> Result<()> {
        (**self).speak(text, cancel, sound)
    }
}

/// A request to stop, shared by clones.
#[derive(Clone, Default)]
pub struct Cancel(Arc<Shared>);

#[derive(Default)]
struct Shared {
    cancelled: AtomicBool,
    hooks: Mutex<Hooks>,
}

#[derive(Default)]
struct Hooks {
    next: u64,
    waiting: Vec<(u64, Box<dyn FnOnce() + Send>)>,
}

impl std::fmt::Debug for Cancel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Cancel").field(&self.is_cancelled()).finish()
    }
}

impl Cancel {
    /// Asks to stop.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Release);
        let waiting = std::mem::take(&mut self.hooks().waiting);
        for (_, hook) in waiting {
            hook();
        }
    }

    /// Whether to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Acquire)
    }

    /// The error of work that was stopped, if it is to stop.
    ///
    /// # Errors
    /// `Cancelled`.
    pub fn check(&self) -> Result<()> {
        match self.is_cancelled() {
            true => Err(Error::new(ErrorKind::Cancelled, "stopped")),
            false => Ok(()),
        }
    }

    /// Has `act` called when it is asked to stop, at once if it was already; not any more once the
    /// guard is dropped. For work that can't look by itself. `act` runs in the thread that cancels and
    /// should return at once.
    pub fn on_cancel(&self, act: impl FnOnce() + Send + 'static) -> CancelGuard {
        let mut hooks = self.hooks();
        hooks.next += 1;
        let number = hooks.next;
        // Looked at under the lock, which `cancel` takes after it has set it.
        if self.is_cancelled() {
            drop(hooks);
            act();
        } else {
            hooks.waiting.push((number, Box::new(act)));
        }
        CancelGuard {
            cancel: self.clone(),
            number,
        }
    }

    fn hooks(&self) -> MutexGuard<'_, Hooks> {
        self.0.hooks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps what [`Cancel::on_cancel`] was given.
#[derive(Debug)]
#[must_use = "what it keeps is forgotten when it is dropped"]
pub struct CancelGuard {
    cancel: Cancel,
    number: u64,
}

impl Drop for CancelGuard {
    fn drop(&mut self) {
        let number = self.number;
        self.cancel.hooks().waiting.retain(|(n, _)| *n != number);
    }
}
