//! The conversation behind a talking avatar: hears, takes turns, thinks and speaks.
//!
//! A [`Brain`] takes [`Input`]s (sound of a microphone, text, how much was played) and gives [`Event`]s
//! (sound to speak, captions, states, pauses and interruptions of the avatar). It knows no avatar, no
//! network of its own and no clock: time is counted in the microphone's samples.
//!
//! A [`Responder`] finds the replies:
//! - [`Echo`] repeats what it hears,
//! - [`Script`] has them in a file,
//! - [`OpenAi`] asks a server with `OpenAI`'s interface, hosted or on the same machine,
//! - [`Realtime`] talks to a server that hears and speaks itself,
//! - [`Local`] does it all on this machine, with models of the user's,
//! - [`Pipeline`] joins anything that can [`Hear`], [`Think`] and [`Speak`].
//!
//! ```no_run
//! use std::sync::Arc;
//! use essence_brain::{Brain, Event, Input, Script, Settings, SpeechProgram};
//!
//! # fn main() -> essence::Result<()> {
//! let script = Arc::new(Script::built_in(SpeechProgram::find())?);
//! let brain = Brain::start(script, Settings::default(), |event| match event {
//!     Event::Speech { rate_hz, samples, .. } => { /* push to the avatar */ }
//!     Event::Interrupt => { /* silence it */ }
//!     _ => {}
//! })?;
//! brain.send(Input::Begin);
//! # Ok(())
//! # }
//! ```
//!
//! # Turn-taking
//! 150 ms of voice pause the avatar, 300 ms interrupt it; a cough pauses it, and it goes on. 640 ms of
//! silence end the user's turn ([`Timing`]); fewer where the responder has found that its words make a
//! sentence, more where a word has to follow. A voice that goes on before the reply is heard takes the
//! turn up again: its sound is heard as a whole. The text of an interrupted reply is cut where the avatar
//! had really spoken it, which the captions and the next replies know.
#![deny(unsafe_code)]

mod brain;
mod cancel;
mod conversation;
mod echo;
mod ending;
mod event;
mod history;
#[doc(hidden)]
pub mod http;
mod local;
mod openai;
mod paint;
mod piece;
mod pipeline;
mod program;
mod queue;
mod realtime;
mod responder;
mod script;
mod sentence;
mod spoken;
mod tool;
mod turn;
mod voice;

pub use brain::Brain;
pub use cancel::{Cancel, CancelGuard};
pub use conversation::{MAX_REPLY_S, MAX_TEXT_BYTES, Settings};
pub use echo::Echo;
pub use ending::Ending;
pub use event::{Caption, Event, Input, ReplyId, Speaker, State};
pub use local::{
    DEFAULT_MODELS, DefaultModel, Found, Local, LocalSettings, ModelFile, Part, partial,
};
pub use openai::{OpenAi, OpenAiSettings};
pub use paint::{Paint, Shape};
pub use piece::{Piece, Pieces};
pub use pipeline::Pipeline;
pub use program::SpeechProgram;
pub use realtime::Realtime;
pub use responder::{
    Hear, Interrupted, Prompt, Request, Responder, Round, Said, Speak, Think, Thought, Turn,
};
pub use script::Script;
pub use tool::{EndCall, Perform, Tool, ToolCall, Tools};
pub use turn::Timing;
pub use voice::VoiceActivity;
