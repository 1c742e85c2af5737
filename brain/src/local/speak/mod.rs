//! Speaking: Supertonic, Kokoro and Piper by ONNX Runtime, and programs that are installed.

mod clean;
mod kokoro;
mod phonemes;
mod piper;
mod supertonic;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use essence::onnx::{ForeignNetwork, Stop};
use essence::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;

pub(super) use self::clean::speakable;
pub(super) use self::kokoro::Kokoro;
pub(super) use self::phonemes::Phonemes;
pub(super) use self::piper::Piper;
pub(super) use self::supertonic::{Supertonic, SupertonicSettings};

use crate::responder::{Cancel, Speak};

/// Most bytes of a voice's settings.
const MAX_JSON: u64 = 8 << 20;

/// A network that turns a piece of text into sound.
pub(super) trait Voice: Send {
    /// The sound of `text`, which [can be spoken](speakable), and its rate in Hz.
    fn sound(&mut self, text: &str, cancel: &Cancel) -> Result<(u32, Vec<f32>)>;
}

/// A voice that speaks for several conversations, one piece at a time.
pub(super) struct Speaking(Mutex<Box<dyn Voice>>);

impl std::fmt::Debug for Speaking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Speaking").finish_non_exhaustive()
    }
}

impl Speaking {
    pub(super) fn new(voice: impl Voice + 'static) -> Self {
        Self(Mutex::new(Box::new(voice)))
    }
}

impl Speak for Speaking {
    fn speak(&self, text: &str, cancel: &Cancel, sound: &mut dyn FnMut(u32, &[f32])) -> Result<()> {
        let text = speakable(text);
        if text.is_empty() {
            return Ok(());
        }
        cancel.check()?;
        let mut voice = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (rate_hz, samples) = voice.sound(&text, cancel)?;
        cancel.check()?;
        sound(rate_hz, &samples);
        Ok(())
    }
}

/// Runs of a network that end when a reply is cancelled.
fn stopping(
    network: &ForeignNetwork,
    cancel: &Cancel,
) -> Result<(Stop, crate::responder::CancelGuard)> {
    let stop = Stop::new(network)?;
    let also = stop.clone();
    Ok((stop, cancel.on_cancel(move || also.stop())))
}

/// Reads a JSON file of a voice.
fn json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let name = path.display();
    let size = std::fs::metadata(path).map(|m| m.len());
    let text = match size {
        Ok(size) if size > MAX_JSON => {
            let message = format!("{name} has {size} bytes; {MAX_JSON} are most");
            return Err(Error::new(ErrorKind::LimitExceeded, message));
        }
        Ok(_) => std::fs::read(path),
        Err(e) => Err(e),
    };
    let text = text.map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            Error::new(ErrorKind::NotFound, format!("{name}: no such file"))
        }
        _ => Error::new(ErrorKind::Io, format!("{name} can't be read")).with_source(e),
    })?;
    serde_json::from_slice(&text).map_err(|e| {
        let message = format!("{name} is damaged or of another kind; fetch it again");
        Error::new(ErrorKind::UnsupportedFormat, message).with_source(e)
    })
}

/// Samples within −1 to 1, as every conversation takes them.
fn within(mut samples: Vec<f32>) -> Vec<f32> {
    for sample in &mut samples {
        *sample = if sample.is_finite() {
            sample.clamp(-1.0, 1.0)
        } else {
            0.0
        };
    }
    samples
}
