//! Real-time talking avatars on the user's own machine.
#![deny(unsafe_code)]

mod audio;
mod avatar;
pub mod clock;
mod compose;
mod engine;
mod error;
mod frame;
mod identity;
pub mod imx;
mod infer;
mod motion;
mod options;
mod session;
mod speech;

pub use audio::{AudioData, MAX_CHANNELS, MAX_RATE_HZ, MIN_RATE_HZ};
pub use avatar::{Avatar, AvatarInfo, ProviderReport};
pub use engine::{Engine, EngineBuilder};
pub use error::{Error, ErrorKind, Result};
pub use frame::{Frame, FrameFlags, PixelFormat};
pub use infer::{Provider, RuntimeInfo};
pub use options::{OutputSize, Pacing, SessionOptions};
pub use session::Session;
