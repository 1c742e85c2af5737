//! The part that all voices have in common.

use std::path::Path;

use essence::onnx::{ForeignNetwork, Stop};
use essence::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;

use crate::cancel::{Cancel, CancelGuard};

/// Most bytes of a voice's settings.
const MAX_JSON: u64 = 8 << 20;

/// A network that turns a piece of text into sound.
pub(crate) trait Voice: Send {
    /// The sound of `text`, without signs for the eye, and its rate in Hz.
    fn sound(&mut self, text: &str, cancel: &Cancel) -> Result<(u32, Vec<f32>)>;

    /// The names that it can be [chosen](Self::choose) by.
    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    /// Speaks from now on as the voice of a name, or as its usual one.
    ///
    /// # Errors
    /// `InvalidArgument`: there is no such voice. Those of reading its file.
    fn choose(&mut self, name: Option<&str>) -> Result<()> {
        match name {
            None => Ok(()),
            Some(name) => Err(no_voice(name, &self.names())),
        }
    }
}

/// The refusal of a voice that there isn't.
#[cold]
pub(super) fn no_voice(name: &str, names: &[String]) -> Error {
    let known = match names {
        [] => "there is one voice".to_owned(),
        names => format!("there are {}", names.join(", ")),
    };
    let message = format!("{name:?} is no voice; {known}");
    Error::new(ErrorKind::InvalidArgument, message)
}

/// Runs of a network that end when a reply is cancelled.
pub(super) fn stopping(network: &ForeignNetwork, cancel: &Cancel) -> Result<(Stop, CancelGuard)> {
    let stop = Stop::new(network)?;
    let also = stop.clone();
    Ok((stop, cancel.on_cancel(move || also.stop())))
}

/// Reads a JSON file of a voice.
pub(super) fn json<T: DeserializeOwned>(path: &Path) -> Result<T> {
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
pub(super) fn within(mut samples: Vec<f32>) -> Vec<f32> {
    for sample in &mut samples {
        *sample = if sample.is_finite() {
            sample.clamp(-1.0, 1.0)
        } else {
            0.0
        };
    }
    samples
}
