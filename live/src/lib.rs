//! A conversation's pictures and sound to those who watch, and their microphones back: encoding, WebRTC
//! and WebSocket. No HTTP, and nothing that understands or answers speech.
//!
//! - [`Publisher`] owns a conversation: it draws an avatar in real time, encodes each frame once (H.264
//!   and Opus) and hands it to every [`Sink`]. [`Pipeline`] is the same without a thread.
//! - [`rtc::Hub`] connects browsers by WebRTC, all over one UDP port.
//! - [`ws`] frames the same pictures and sound as binary WebSocket messages for WebCodecs; the socket is
//!   the caller's.
//! - [`livekit`] joins a LiveKit room, where an agent speaks through the avatar.
//! - [`SpeechQueue`] stands in for a publisher where the page draws: it sends speech, and hears what was heard.
//! - [`Microphone`] makes 16 kHz mono samples of what browsers send.
//!
//! # One clock
//! Everything that is sent carries the number `k` of its frame, which stands for 40 ms: video time
//! **3600 k** at 90 kHz, sound samples **[1920 k, 1920 (k + 1))** at 48 kHz. Pictures may be missing,
//! sound never is: each `k` has its packet of 40 ms.
//!
//! # Back-pressure
//! A watcher that is slow loses pictures: when eight wait for it they are dropped, and its pictures go on
//! with a key frame. Its sound waits up to [`SOUND_LIMIT`]; a watcher that is further behind is
//! disconnected. Nobody else notices.
//!
//! # Errors
//! The crate uses the engine's [`Error`] and [`ErrorKind`](essence::ErrorKind).
//!
//! ```no_run
//! use essence_live::{Event, Publisher, PublisherOptions, ws};
//! # fn main() -> essence_live::Result<()> {
//! let avatar = essence::Engine::builder().build()?.open("mika.imx")?;
//! let publisher = Publisher::start(&avatar, PublisherOptions::default(), |event| match event {
//!     Event::Played { reply, position } => { /* reply `reply` has been heard up to `position` */ }
//!     _ => {}
//! })?;
//! let connection = ws::connect(ws::SoundFormat::Opus);
//! publisher.attach(connection.sink);
//! publisher.push_audio(&[0i16; 24_000][..], 24_000, 1)?;
//! publisher.flush();
//! // An async server: while let Some(message) = connection.down.next().await { socket.send(message) }
//! # Ok(())
//! # }
//! ```
#![deny(unsafe_code)]

mod encoded;
pub mod livekit;
mod microphone;
mod pipeline;
mod publisher;
mod resample;
pub mod rtc;
mod send_queue;
mod sink;
mod sound;
mod speech;
pub mod ws;

pub use encoded::{Encoded, FRAME_SAMPLES, Picture, SOUND_RATE_HZ, Sound};
pub use essence::{Error, Result};
pub use microphone::{MICROPHONE_RATE_HZ, Microphone};
pub use pipeline::{Event, Pipeline, PublisherOptions, PublisherStatistics, SinkId};
pub use publisher::Publisher;
pub use send_queue::{PICTURE_LIMIT, QueuedSink, SOUND_LIMIT};
pub use sink::{Demand, Sink};
pub use speech::{SPEECH_AHEAD, SPEECH_LIMIT, SpeechDown, SpeechQueue};
