//! The ten voices of the platform: the machine's own of these names, as Supertonic has them, or made of the one that
//! it speaks with.
//!
//! A voice that is made is a pitch that the machine's own is moved to; the axes of the voice studio move any further.
//! So each of them is there, offline, with whatever speaks: a network of the user's or a program.

mod sound;
mod tune;

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use essence::{Error, ErrorKind, Result};
use essence_brain::{Cancel, Speak};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

pub(crate) use self::sound::{pcm_bytes, sentences, wav};
use self::tune::{Pitch, Tuning};
use crate::api::error::{ApiError, shown};

/// Names of the voices, with their pitch in Hz.
pub(crate) const VOICES: [(&str, f32); 10] = [
    ("M1", 115.0),
    ("M2", 105.0),
    ("M3", 125.0),
    ("M4", 95.0),
    ("M5", 135.0),
    ("F1", 205.0),
    ("F2", 190.0),
    ("F3", 220.0),
    ("F4", 180.0),
    ("F5", 235.0),
];

/// The axes: name, description, and the range that sounds like a voice.
pub(crate) const AXES: [(&str, &str, f64); 4] = [
    ("gender", "Gender: − more masculine, + more feminine", 0.3),
    ("pitch", "Pitch: − lower, + higher", 0.28),
    ("rate", "Rate: − slower, + faster", 0.3),
    ("brightness", "Brightness: − darker, + brighter", 0.3),
];

/// Begins the codes of voices that carry their own settings.
const CODE_PREFIX: &str = "bv1_";

/// Most characters of a code.
const MAX_CODE_CHARS: usize = 1_024;

/// Texts that are spoken at a time.
const AT_A_TIME: usize = 2;

/// Requests that may wait.
const WAITING: usize = 32;

/// A voice with its settings.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Voice {
    /// One of [`VOICES`].
    #[serde(rename = "v")]
    pub(crate) name: String,
    /// Offsets by axis.
    #[serde(rename = "a", default)]
    pub(crate) axes: BTreeMap<String, f64>,
}

/// The voices.
pub(crate) struct Voices {
    speak: Option<Arc<dyn Speak>>,
    /// Names of [`VOICES`] that need not be made.
    own: Vec<String>,
    slots: Semaphore,
    queue: Semaphore,
}

impl std::fmt::Debug for Voices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Voices").finish_non_exhaustive()
    }
}

impl Voices {
    pub(crate) fn new(speak: Option<Arc<dyn Speak>>) -> Self {
        Self {
            own: speak
                .as_ref()
                .map(|speak| speak.voices())
                .unwrap_or_default(),
            speak,
            slots: Semaphore::new(AT_A_TIME),
            queue: Semaphore::new(WAITING),
        }
    }

    /// Refuses a voice that there isn't, and any where nothing speaks.
    ///
    /// # Errors
    /// 400, 404 for a code, 503.
    pub(crate) fn check(&self, name: &str) -> std::result::Result<Voice, ApiError> {
        if self.speak.is_none() {
            return Err(ApiError::unavailable(
                "This machine has no voice: install flite or espeak-ng, or `bithuman pull --local`",
            ));
        }
        if name.starts_with(CODE_PREFIX) {
            return decoded(name).ok_or_else(|| unknown_code(name));
        }
        match VOICES.iter().any(|(voice, _)| *voice == name) {
            true => Ok(Voice {
                name: name.to_owned(),
                axes: BTreeMap::new(),
            }),
            false => Err(ApiError::invalid(format!(
                "'{}' is no voice; give one of {}",
                shown(name),
                VOICES.map(|(voice, _)| voice).join(", ")
            ))),
        }
    }

    /// The voice of a code: one that carries its settings.
    ///
    /// # Errors
    /// 404: no voice has that code.
    pub(crate) fn by_code(&self, code: &str) -> std::result::Result<Voice, ApiError> {
        match code.starts_with(CODE_PREFIX) {
            true => self.check(code),
            false => Err(unknown_code(code)),
        }
    }

    /// Speaks in a thread for blocking work, when its turn has come.
    ///
    /// # Errors
    /// 503: too many wait, or nothing speaks. 500: speaking failed.
    pub(crate) async fn speak(
        self: &Arc<Self>,
        text: String,
        voice: Voice,
        speed: f64,
    ) -> std::result::Result<(u32, Vec<f32>), ApiError> {
        let busy = || ApiError::unavailable("Too many texts wait to be spoken; try again");
        let _waits = self.queue.try_acquire().map_err(|_| busy())?;
        let _slot = self.slots.acquire().await.map_err(|_| busy())?;
        let voices = Arc::clone(self);
        let spoken =
            tokio::task::spawn_blocking(move || voices.sound(&text, &voice, speed)).await?;
        spoken.map_err(|error| match error.kind() {
            ErrorKind::InvalidArgument => ApiError::invalid(error.message()),
            _ => ApiError::internal(error),
        })
    }

    /// The sound of a text: samples a second, and mono samples, −1 to 1. Blocks.
    ///
    /// # Errors
    /// The errors of the voice that speaks.
    pub(crate) fn sound(&self, text: &str, voice: &Voice, speed: f64) -> Result<(u32, Vec<f32>)> {
        let speak = self
            .speak
            .as_ref()
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "this machine has no voice"))?;
        let (mut rate, mut samples) = (0, Vec::new());
        let mut take = |rate_hz, block: &[f32]| {
            rate = rate_hz;
            samples.extend_from_slice(block);
        };
        let has = self.own.contains(&voice.name);
        match has {
            true => speak.speak_as(&voice.name, text, &Cancel::default(), &mut take)?,
            false => speak.speak(text, &Cancel::default(), &mut take)?,
        }
        if samples.is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "there are no words in the text that can be spoken",
            ));
        }
        let axis = |name: &str| voice.axes.get(name).map_or(0.0, |&value| value as f32);
        // An octave and a half around the voice's own pitch, at the ends of both axes.
        let higher = (axis("pitch") + 0.5 * axis("gender")).exp2();
        let made = VOICES.iter().find(|(name, _)| *name == voice.name && !has);
        let tuning = Tuning {
            pitch: made.map_or(Pitch::By(higher), |&(_, hz)| Pitch::To(hz * higher)),
            tempo: speed as f32 * (1.0 + axis("rate")),
            brightness: axis("brightness"),
        };
        Ok((rate, tune::tuned(&samples, rate, &tuning)))
    }
}

impl Voice {
    /// The code that carries these settings.
    pub(crate) fn code(&self) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        format!("{CODE_PREFIX}{}", URL_SAFE_NO_PAD.encode(json))
    }

    /// Refuses offsets that no voice has, and axes that there aren't.
    ///
    /// # Errors
    /// 400.
    pub(crate) fn with_axes(
        mut self,
        axes: BTreeMap<String, f64>,
    ) -> std::result::Result<Self, ApiError> {
        for (name, value) in &axes {
            if !AXES.iter().any(|(axis, ..)| axis == name) {
                let known = AXES.map(|(axis, ..)| axis).join(", ");
                let message = format!("'{}' is no axis; there are {known}", shown(name));
                return Err(ApiError::invalid(message));
            }
            if !(-1.0..=1.0).contains(value) {
                return Err(ApiError::invalid(format!("{name} is from -1 to 1")));
            }
        }
        self.axes = axes;
        Ok(self)
    }
}

fn decoded(code: &str) -> Option<Voice> {
    if code.len() > MAX_CODE_CHARS {
        return None;
    }
    let json = URL_SAFE_NO_PAD
        .decode(code.strip_prefix(CODE_PREFIX)?)
        .ok()?;
    let voice: Voice = serde_json::from_slice(&json).ok()?;
    let known = VOICES.iter().any(|(name, _)| *name == voice.name);
    let axes = voice.axes.clone();
    voice.with_axes(axes).ok().filter(|_| known)
}

fn unknown_code(code: &str) -> ApiError {
    ApiError::new(
        axum::http::StatusCode::NOT_FOUND,
        "VOICE_NOT_FOUND",
        format!("There is no voice of the code '{}'", shown(code)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A speaker whose usual voice and other ones sound different.
    struct Named;

    impl Speak for Named {
        fn speak(&self, _: &str, _: &Cancel, sound: &mut dyn FnMut(u32, &[f32])) -> Result<()> {
            sound(16_000, &[0.25; 16_000]);
            Ok(())
        }

        fn voices(&self) -> Vec<String> {
            vec!["F1".to_owned(), "own".to_owned()]
        }

        fn speak_as(
            &self,
            _: &str,
            _: &str,
            _: &Cancel,
            sound: &mut dyn FnMut(u32, &[f32]),
        ) -> Result<()> {
            sound(16_000, &[0.5; 8_000]);
            Ok(())
        }
    }

    #[test]
    fn voices_that_the_machine_has_speak_themselves() -> Result<()> {
        let voices = Voices::new(Some(Arc::new(Named)));
        let said = |name: &str| {
            let voice = voices
                .check(name)
                .map_err(|_| Error::new(ErrorKind::NotFound, "none"))?;
            voices.sound("Hello.", &voice, 1.0)
        };
        assert_eq!(said("F1")?, (16_000, vec![0.5; 8_000]));
        assert!(said("M1")?.1.len() > 8_000, "made of the usual one");
        assert!(
            said("own").is_err(),
            "only the platform's names are offered"
        );
        Ok(())
    }

    #[test]
    fn a_code_carries_its_voice() {
        let voice = Voice {
            name: "F2".to_owned(),
            axes: [("pitch".to_owned(), 0.1)].into(),
        };
        assert_eq!(decoded(&voice.code()), Some(voice));
        for hostile in [
            "bv1_",
            "bv1_AAAA",
            "bv2_x",
            &format!("bv1_{}", "A".repeat(5_000)),
        ] {
            assert_eq!(decoded(hostile), None);
        }
        let foreign = Voice {
            name: "X1".to_owned(),
            axes: BTreeMap::new(),
        };
        assert_eq!(decoded(&foreign.code()), None);
    }
}
