//! Speaking: Supertonic, Kokoro and Piper by ONNX Runtime, and programs that are installed.

mod clean;
mod kokoro;
mod phonemes;
mod piper;
mod style;
mod supertonic;
mod voice;

use std::sync::{Mutex, PoisonError};

use essence::Result;

use self::clean::speakable;
pub(super) use self::kokoro::Kokoro;
pub(super) use self::piper::Piper;
pub(super) use self::supertonic::{Supertonic, SupertonicSettings};

use self::voice::Voice;
use crate::cancel::Cancel;
use crate::responder::Speak;

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

impl Speaking {
    fn sound(
        &self,
        name: Option<&str>,
        text: &str,
        cancel: &Cancel,
        sound: &mut dyn FnMut(u32, &[f32]),
    ) -> Result<()> {
        let text = speakable(text);
        if text.is_empty() {
            return Ok(());
        }
        cancel.check()?;
        let mut voice = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        voice.choose(name)?;
        let (rate_hz, samples) = voice.sound(&text, cancel)?;
        cancel.check()?;
        sound(rate_hz, &samples);
        Ok(())
    }
}

impl Speak for Speaking {
    fn speak(&self, text: &str, cancel: &Cancel, sound: &mut dyn FnMut(u32, &[f32])) -> Result<()> {
        self.sound(None, text, cancel, sound)
    }

    fn voices(&self) -> Vec<String> {
        let voice = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        voice.names()
    }

    fn speak_as(
        &self,
        voice: &str,
        text: &str,
        cancel: &Cancel,
        sound: &mut dyn FnMut(u32, &[f32]),
    ) -> Result<()> {
        self.sound(Some(voice), text, cancel, sound)
    }
}
