//! The control messages between page and server: JSON with a `type`, as text on the WebSocket.

use essence_brain::{Caption, State};
use serde::{Deserialize, Serialize};

/// Most bytes of a control message from a page.
pub(crate) const MAX_CONTROL_BYTES: usize = 16 << 10;

/// A message from the page.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum FromPage {
    /// Pictures and sound over this WebSocket, and the avatar may greet.
    Media {
        /// `opus` or `pcm`; a page that draws gets speech as samples in any case.
        sound: SoundName,
    },
    /// No pictures and sound over this WebSocket: WebRTC carries them.
    MediaElsewhere,
    /// A typed text.
    Text {
        /// The text.
        text: String,
    },
    /// Silence, please.
    Interrupt,
    /// The push-to-talk key was released, or the microphone switched off.
    EndOfTurn,
    /// Plays a gesture.
    Gesture {
        /// Its name.
        name: String,
    },
    /// Asks for a `pong`.
    Ping {
        /// Any number; comes back.
        id: f64,
    },
    /// The conversation is over for good.
    Leave,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SoundName {
    Opus,
    Pcm,
}

/// A message to the page.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ToPage {
    /// The first message: the conversation.
    Session {
        /// Its token, to come back with.
        token: String,
        /// Whether it went on.
        resumed: bool,
        /// The avatar's name.
        name: String,
        /// Size of the pictures.
        width: usize,
        height: usize,
        /// Gestures that the avatar knows.
        gestures: Vec<String>,
        /// Whether WebRTC is offered.
        webrtc: bool,
        /// The side whose turn it is.
        state: State,
        /// The captions so far.
        captions: Vec<Caption>,
    },
    State {
        state: State,
    },
    Caption(Caption),
    Gesture {
        name: String,
    },
    /// Sound that was not played yet is out of date.
    Interrupted,
    /// Something failed; the conversation goes on.
    Failure {
        message: String,
    },
    Pong {
        id: f64,
    },
    /// There is no conversation: the last message.
    Refused {
        message: String,
    },
    /// The conversation is over: the last message.
    Ended {
        message: String,
    },
}

impl ToPage {
    pub(crate) fn text(&self) -> String {
        // Only maps with other keys than text could fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}
