//! Whether a turn is over by the sound of its end: the smart-turn network, which hears eight seconds.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use essence::onnx::{ForeignNetwork, Input, Stop};
use essence::{Error, ErrorKind, Result};

use super::mel::{BANDS, FRAMES, Mel, SAMPLES};
use crate::cancel::Cancel;
use crate::ending::Ending;

/// The probability above which a turn is over.
const OVER: f32 = 0.5;

/// The network, which conversations share.
#[derive(Debug)]
pub(super) struct Intonation {
    network: Mutex<ForeignNetwork>,
    mel: Mel,
}

impl Intonation {
    /// Opens a network of version 3, and asks it once.
    ///
    /// # Errors
    /// - Errors of opening a network.
    /// - `UnsupportedFormat`: it is another one.
    pub(super) fn open(library: Option<&Path>, path: &Path, threads: usize) -> Result<Self> {
        let this = Self {
            network: Mutex::new(ForeignNetwork::open(library, path, threads)?),
            mel: Mel::new(),
        };
        this.probability(&[], &Cancel::default()).map_err(|error| {
            let message = format!(
                "{} is no smart-turn network (version 3); BITHUMAN_LOCAL_TURN names one, and without any the \
                 words tell where a turn ends",
                path.display()
            );
            Error::new(ErrorKind::UnsupportedFormat, message).with_source(error)
        })?;
        Ok(this)
    }

    /// The look of a turn's sound, 16 kHz, with the silence behind it.
    ///
    /// # Errors
    /// `Cancelled`; `Inference` if the network fails.
    pub(super) fn ending(&self, voice: &[f32], cancel: &Cancel) -> Result<Ending> {
        Ok(match self.probability(voice, cancel)? > OVER {
            true => Ending::Finished,
            false => Ending::Unfinished,
        })
    }

    fn probability(&self, voice: &[f32], cancel: &Cancel) -> Result<f32> {
        let mut sound = vec![0.0; SAMPLES];
        let voice = &voice[voice.len().saturating_sub(SAMPLES)..];
        sound[SAMPLES - voice.len()..].copy_from_slice(voice);
        normalize(&mut sound);
        let features = self.mel.of(&sound);
        cancel.check()?;
        let mut network = self.network.lock().unwrap_or_else(PoisonError::into_inner);
        let stop = Stop::new(&network)?;
        let also = stop.clone();
        let _guard = cancel.on_cancel(move || also.stop());
        let shape = [1, BANDS, FRAMES];
        let inputs = [("input_features", Input::F32(&shape, &features))];
        let (_, output) = network.run(&inputs, "logits", &stop)?;
        // The name is older than the network, whose output is a probability.
        match output[..] {
            [probability] if (0.0..=1.0).contains(&probability) => Ok(probability),
            _ => Err(Error::new(ErrorKind::Inference, "it gives no probability")),
        }
    }
}

/// Makes the mean 0 and the variance 1.
fn normalize(sound: &mut [f32]) {
    let count = sound.len() as f64;
    let mean = sound.iter().map(|&x| f64::from(x)).sum::<f64>() / count;
    let squares = sound.iter().map(|&x| (f64::from(x) - mean).powi(2));
    let scale = 1.0 / (squares.sum::<f64>() / count + 1e-7).sqrt();
    for sample in sound {
        *sample = ((f64::from(*sample) - mean) * scale) as f32;
    }
}
