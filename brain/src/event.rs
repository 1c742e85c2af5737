//! Messages between a conversation and its surroundings.

use serde::Serialize;

/// The number of a reply within its conversation, counted from 1.
pub type ReplyId = u64;

/// A message to the conversation.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The user is there and hears: the responder may greet. Only the first one counts.
    Begin,
    /// Sound of the microphone: 16 kHz mono, **−1 to 1**, any number of samples. Its samples are the
    /// conversation's clock.
    Microphone(Vec<f32>),
    /// The end of what is being said: the push-to-talk key was released or the microphone switched off.
    EndOfTurn,
    /// Text that was typed, up to [`MAX_TEXT_BYTES`](crate::MAX_TEXT_BYTES) bytes; a longer one is cut.
    Text(String),
    /// Words of the app's that the avatar says as they are, up to
    /// [`MAX_TEXT_BYTES`](crate::MAX_TEXT_BYTES) bytes; a reply under way is interrupted.
    Speak(String),
    /// A text of the app's that replies from now on know, up to
    /// [`MAX_TEXT_BYTES`](crate::MAX_TEXT_BYTES) bytes. Nothing is said; the oldest such texts are
    /// forgotten where there are more than 16 KB.
    AddContext(String),
    /// The user wants silence: the key or the button for it.
    Interrupt,
    /// The avatar has spoken a reply up to here.
    Played {
        /// The reply.
        reply: ReplyId,
        /// Milliseconds of its sound that were played.
        ms: u64,
    },
    /// The avatar has spoken the last sample of a reply.
    Finished {
        /// The reply.
        reply: ReplyId,
    },
}

/// A message from the conversation.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The state of the conversation has changed.
    State(State),
    /// Pause the avatar's speech (true) or let it go on: the user may have begun to speak.
    Pause(bool),
    /// Drop all speech that was not played yet (barge-in).
    Interrupt,
    /// Sound of a reply, in order.
    Speech {
        /// The reply.
        reply: ReplyId,
        /// Samples a second.
        rate_hz: u32,
        /// Mono, **−1 to 1**.
        samples: Vec<f32>,
    },
    /// The sound of a reply is complete.
    EndOfSpeech {
        /// The reply.
        reply: ReplyId,
    },
    /// Words, to be read.
    Caption(Caption),
    /// A gesture of the avatar to play, by its name in the avatar.
    Gesture(String),
    /// The reply that wanted to end the call has been spoken: the app hangs up.
    EndCall,
    /// Something failed; the message says it to the user. The conversation goes on.
    Failure(String),
}

/// The side whose turn it is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The user speaks, or nobody.
    #[default]
    Listening,
    /// A turn of the user has ended; its reply has no sound yet.
    Thinking,
    /// The avatar speaks.
    Speaking,
}

/// A side of the conversation.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// The avatar.
    Avatar,
    /// The person.
    User,
}

/// A piece of text that was said or is being said.
///
/// A caption with the same `speaker`, `reply` and `part` as an earlier one replaces it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Caption {
    /// The side that says it.
    pub speaker: Speaker,
    /// The reply that it belongs to; for the user's words, the reply that answers them.
    pub reply: ReplyId,
    /// The number of the sentence in the reply, from 0.
    pub part: usize,
    /// The words.
    pub text: String,
    /// Milliseconds of the reply's sound before the piece begins.
    pub start_ms: u64,
    /// Milliseconds of the reply's sound at its end; None while its sound isn't complete.
    pub end_ms: Option<u64>,
    /// Whether the text is not going to change, unless an interruption cuts it.
    pub r#final: bool,
}
