//! Voice activity by Silero's network: 32 ms of sound and a state in, a probability out.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use essence::onnx::{ForeignNetwork, Input, Stop};
use essence::{Error, ErrorKind, Result};

use crate::voice::VoiceActivity;

/// Samples a second.
const RATE_HZ: [i64; 1] = [16_000];

/// Samples that the network hears at once, and those of before that it hears again.
const BLOCK: usize = 512;
const CONTEXT: usize = 64;

/// Numbers of the state.
const STATE: usize = 2 * 128;

/// The network, which conversations share.
#[derive(Clone, Debug)]
pub(super) struct Silero(Arc<Mutex<ForeignNetwork>>);

/// One stream of sound.
struct Stream {
    network: Arc<Mutex<ForeignNetwork>>,
    stop: Stop,
    /// The context, and what has come of the next block.
    sound: Vec<f32>,
    state: Vec<f32>,
    latest: f32,
}

impl Silero {
    /// Opens a network of Silero's of version 5 or 6, and asks it once.
    ///
    /// # Errors
    /// - Errors of opening a network.
    /// - `UnsupportedFormat`: it is another one.
    pub(super) fn open(library: Option<&Path>, path: &Path) -> Result<Self> {
        let network = ForeignNetwork::open(library, path, 1)?;
        let this = Self(Arc::new(Mutex::new(network)));
        let mut stream = this.stream()?;
        stream.sound.resize(CONTEXT + BLOCK, 0.0);
        stream.judge().map_err(|error| {
            let message = format!(
                "{} is no network of Silero's (version 5 or 6); BITHUMAN_LOCAL_VAD names one, and without any \
                 another one tells voices",
                path.display()
            );
            Error::new(ErrorKind::UnsupportedFormat, message).with_source(error)
        })?;
        Ok(this)
    }

    /// The voices of one conversation.
    ///
    /// # Errors
    /// `Inference` if ONNX Runtime fails.
    pub(super) fn activity(&self) -> Result<impl VoiceActivity + use<>> {
        self.stream()
    }

    fn stream(&self) -> Result<Stream> {
        let stop = Stop::new(&self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        Ok(Stream {
            network: Arc::clone(&self.0),
            stop,
            sound: vec![0.0; CONTEXT],
            state: vec![0.0; STATE],
            latest: 0.0,
        })
    }
}

impl Stream {
    /// Judges a block that is whole, and keeps its end for the next one.
    fn judge(&mut self) -> Result<()> {
        let shape = [1, self.sound.len()];
        let inputs = [
            ("input", Input::F32(&shape, &self.sound)),
            ("state", Input::F32(&[2, 1, 128], &self.state)),
            ("sr", Input::I64(&[], &RATE_HZ)),
        ];
        let mut network = self.network.lock().unwrap_or_else(PoisonError::into_inner);
        let [(_, output), (_, state)] =
            network.run_for(&inputs, ["output", "stateN"], &self.stop)?;
        let (&[probability], STATE) = (&output[..], state.len()) else {
            return Err(Error::new(ErrorKind::Inference, "its outputs are others"));
        };
        if !(0.0..=1.0).contains(&probability) {
            return Err(Error::new(ErrorKind::Inference, "it gives no probability"));
        }
        (self.latest, self.state) = (probability, state);
        self.sound.drain(..BLOCK);
        Ok(())
    }
}

impl VoiceActivity for Stream {
    fn probability(&mut self, frame: &[f32]) -> Option<f32> {
        self.sound.extend(frame);
        if self.sound.len() >= CONTEXT + BLOCK {
            self.judge().ok()?;
        }
        Some(self.latest)
    }
}
