//! The traits behind a conversation: the answer as a whole, or hearing, thinking and speaking apart.

use std::sync::Arc;

use essence::{Error, ErrorKind, Result};

use crate::cancel::Cancel;
use crate::ending::Ending;
use crate::event::{ReplyId, Speaker};
use crate::piece::Pieces;
use crate::tool::{Tool, ToolCall, Tools};
use crate::voice::VoiceActivity;

/// The user's words or voice.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// Nothing yet: the conversation begins and the avatar may greet.
    Nothing,
    /// Text.
    Text(String),
    /// Sound, 16 kHz mono.
    Voice(Vec<f32>),
    /// Nothing: these words are the app's, and the reply to give as it is.
    Speak(String),
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
    /// Texts that the app has added for the replies to know, oldest first.
    pub context: Vec<String>,
    /// Functions that the reply may call.
    pub tools: Tools,
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
    /// says that the user goes on. It runs in a thread of its own. The result decides how much more
    /// silence ends the turn.
    fn anticipate(&self, _voice: &[f32], _cancel: &Cancel) -> Ending {
        Ending::Unknown
    }

    /// Tells the voices of one conversation's microphone. None: a network inside the program does.
    fn voice_activity(&self) -> Option<Box<dyn VoiceActivity>> {
        None
    }

    /// Whether a turn that was taken for over, and goes on before its reply is heard, comes again as a whole.
    /// A responder that keeps what it has heard gets the rest alone.
    fn hears_anew(&self) -> bool {
        true
    }

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

/// The material of a thought.
#[derive(Clone, Copy, Default)]
pub struct Prompt<'a> {
    /// The turns, oldest first; the last one is to be answered.
    pub history: &'a [Turn],
    /// Texts to know beside them, oldest first.
    pub context: &'a [String],
    /// Functions that may be called.
    pub tools: &'a [Arc<dyn Tool>],
    /// Calls that were made on the way to this reply, with their results.
    pub rounds: &'a [Round],
}

impl std::fmt::Debug for Prompt<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prompt")
            .field("history", &self.history)
            .finish_non_exhaustive()
    }
}

/// Words of a reply and the calls behind them, whose results the next words may use.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Round {
    /// The words, which are being spoken.
    pub words: String,
    /// Each call and its result.
    pub calls: Vec<(ToolCall, String)>,
}

/// A piece of a thought.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Thought<'a> {
    /// Some letters of the reply.
    Text(&'a str),
    /// A function of the prompt's, to be called once the thought is complete.
    Call(ToolCall),
}

/// Finds the words of a reply.
pub trait Think: Send + Sync {
    /// Answers the last turn of the history, token by token.
    ///
    /// # Errors
    /// The message is shown to the user.
    fn think(
        &self,
        prompt: &Prompt<'_>,
        cancel: &Cancel,
        thought: &mut dyn FnMut(Thought<'_>),
    ) -> Result<()>;
}

/// Turns words into sound.
pub trait Speak: Send + Sync {
    /// The sound of `text`: mono blocks with their rate in Hz, as they come.
    ///
    /// # Errors
    /// The message is shown to the user.
    fn speak(&self, text: &str, cancel: &Cancel, sound: &mut dyn FnMut(u32, &[f32])) -> Result<()>;

    /// The names of its voices, if it has more than its usual one.
    fn voices(&self) -> Vec<String> {
        Vec::new()
    }

    /// As [`speak`](Self::speak) does, in one of its [voices](Self::voices).
    ///
    /// # Errors
    /// `InvalidArgument`: there is no such voice.
    fn speak_as(
        &self,
        voice: &str,
        _text: &str,
        _cancel: &Cancel,
        _sound: &mut dyn FnMut(u32, &[f32]),
    ) -> Result<()> {
        let message = format!("{voice:?} is no voice of this speaker's");
        Err(Error::new(ErrorKind::InvalidArgument, message))
    }
}

impl<S: Speak + ?Sized> Speak for Arc<S> {
    fn speak(&self, text: &str, cancel: &Cancel, sound: &mut dyn FnMut(u32, &[f32])) -> Result<()> {
        (**self).speak(text, cancel, sound)
    }

    fn voices(&self) -> Vec<String> {
        (**self).voices()
    }

    fn speak_as(
        &self,
        voice: &str,
        text: &str,
        cancel: &Cancel,
        sound: &mut dyn FnMut(u32, &[f32]),
    ) -> Result<()> {
        (**self).speak_as(voice, text, cancel, sound)
    }
}
