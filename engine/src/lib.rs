//! Real-time talking avatars on the user's own machine: push speech audio in, draw lip-synced
//! pictures at exactly 25 frames a second.
//!
//! Three types with three lifetimes: an [`Engine`] per process, an [`Avatar`] per `.imx` file, a
//! [`Session`] per conversation.
//!
//! ```no_run
//! use essence::{Engine, Frame, FrameRequest, SessionOptions};
//!
//! # fn main() -> essence::Result<()> {
//! let avatar = Engine::builder().build()?.open("mika.imx")?;
//! let session = avatar.session(SessionOptions::default())?;
//! # let (speech, sample_rate_hz) = (vec![0i16; 24_000], 24_000);
//! session.push_audio(&speech[..], sample_rate_hz, 1)?;
//! session.flush();
//! let mut frame = Frame::new();
//! while session.draw(&mut frame, FrameRequest::new())?.is_frame() {
//!     // show frame.pixels(), play frame.audio()
//!     if frame.flags().end_of_speech {
//!         break;
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Real time
//! A session draws in the thread that asks for the frame and pushes from any other; an engine's
//! threads prepare frames of speech before they are due. Once every base frame has been shown, a
//! frame allocates nothing but what ONNX Runtime does itself, given a [`Frame`] to fill again.
//!
//! # Features
//! `gpu-compose`: pictures composed by a graphics processor, into a texture of `wgpu` (module `gpu`).
//!
//! `portrait`: a picture of a face opens as an avatar, or becomes a file (module [`portrait`]).
//!
//! `onnx`: networks of this repository's local brain; no promise of stability.
//!
//! `internals`: the stages one by one, for this repository's benchmarks; no promise of stability.
#![deny(unsafe_code)]

mod audio;
mod avatar;
pub mod clock;
mod compose;
mod drive;
mod engine;
mod error;
mod frame;
mod geometry;
mod identity;
pub mod imx;
mod infer;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals;
mod log;
mod motion;
mod nearest;
mod networks;
#[cfg(feature = "onnx")]
#[doc(hidden)]
pub mod onnx {
    //! Networks that are no avatar's, for this repository's local brain; no promise of stability.
    pub use crate::infer::foreign::{ForeignNetwork, Input, Stop};
}
mod options;
mod picture;
#[cfg_attr(not(feature = "portrait"), path = "portrait/absent.rs")]
pub mod portrait;
mod processor;
mod schedule;
mod session;
mod speech;
#[cfg(test)]
mod vectors;
#[cfg(feature = "portrait")]
mod warp;

pub use audio::{AudioData, Downmix, MAX_CHANNELS, MAX_RATE_HZ, MIN_RATE_HZ};
pub use avatar::AvatarInfo;
#[cfg(feature = "gpu-compose")]
pub use compose::gpu;
pub use drive::{Curves, Viseme, VisemeSet, Visemes};
pub use engine::{Engine, EngineBuilder};
pub use error::{Error, ErrorKind, Result};
pub use frame::{Frame, FrameFlags, PixelFormat, YuvColor, YuvMatrix, YuvRange};
pub use infer::{Provider, ProviderReport, RUNTIME_WANTED, RuntimeInfo};
pub use log::LogLevel;
pub use motion::emotion::Emotion;
pub use options::{Background, BackgroundImage, Fit, OutputSize, Pacing, SessionOptions};
pub use picture::PictureMut;
pub use portrait::is_picture;
pub use session::{Avatar, FrameRequest, Frames, Next, Session, Statistics, Wait};

/// The README's example is compiled with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
