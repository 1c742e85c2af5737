//! Settings of a local brain, and the variables that hold them.

use std::path::PathBuf;

use essence::{Error, ErrorKind, Result};

/// Most threads that a part computes on; more gain little on models of this size.
const MAX_THREADS: usize = 4;

/// Settings of a local brain.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LocalSettings {
    /// The folder of models.
    pub models: PathBuf,
    /// The language model, a GGUF file; None for the one in `models`.
    pub llm: Option<PathBuf>,
    /// Whisper's model: a name such as `tiny.en` or a path; None for `tiny.en`.
    pub whisper: Option<String>,
    /// The voice: a folder of Supertonic or Kokoro, or an `.onnx` of Piper; None for the first in
    /// `models`, or a program.
    pub tts: Option<PathBuf>,
    /// Silero's network, which tells voices from noise; None for the one in `models`, or the network inside
    /// the program.
    pub vad: Option<PathBuf>,
    /// The smart-turn network, which hears whether a turn is over; None for the one in `models`, or the words
    /// alone.
    pub turn: Option<PathBuf>,
    /// The name of a voice of several: `M1` to `F5`, or such as `af_heart`.
    pub voice: Option<String>,
    /// The language that is heard and spoken: a code of two letters.
    pub language: String,
    /// How fast the voice speaks, **0.5 to 2**.
    pub speed: f32,
    /// Steps of Supertonic, **1 to 100**.
    pub steps: u32,
    /// The system prompt: what the avatar is to be.
    pub instructions: String,
    /// The greeting; empty for none.
    pub greeting: String,
    /// The file of `libbithuman_brain`, and no other; None to search it.
    pub library: Option<PathBuf>,
    /// The file of ONNX Runtime; None for the one that is loaded, or to search it.
    pub runtime: Option<PathBuf>,
    /// Threads of each part; None for what leaves a core to the avatar.
    pub threads: Option<usize>,
}

impl LocalSettings {
    /// Defaults with the models in `models`.
    pub fn new(models: impl Into<PathBuf>) -> Self {
        Self {
            models: models.into(),
            llm: None,
            whisper: None,
            tts: None,
            vad: None,
            turn: None,
            voice: None,
            language: "en".to_owned(),
            speed: 1.05,
            steps: 5,
            instructions: crate::openai::INSTRUCTIONS.to_owned(),
            greeting: String::new(),
            library: None,
            runtime: None,
            threads: None,
        }
    }

    /// The settings with what `variable` gives for `BITHUMAN_BRAIN_LIBRARY`, `BITHUMAN_MODELS`, `BITHUMAN_LOCAL_LLM`,
    /// `BITHUMAN_LOCAL_WHISPER`, `BITHUMAN_LOCAL_TTS`, `BITHUMAN_LOCAL_VAD`, `BITHUMAN_LOCAL_TURN`,
    /// `BITHUMAN_LOCAL_VOICE`, `BITHUMAN_LOCAL_LANG`, `BITHUMAN_LOCAL_SPEED`, `BITHUMAN_LOCAL_STEPS`, `BITHUMAN_LOCAL_THREADS`, `BITHUMAN_INSTRUCTIONS`
    /// and `BITHUMAN_GREETING`; `cache` is the folder of models where none is named. An empty value counts
    /// as none.
    ///
    /// # Errors
    /// `InvalidArgument`: a number is none, or outside its range.
    pub fn from_variables(
        cache: impl Into<PathBuf>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let value = |name: &str| {
            let value = variable(name).map(|value| value.trim().to_owned());
            value.filter(|value| !value.is_empty())
        };
        let mut settings = Self::new(cache);
        settings.library = value("BITHUMAN_BRAIN_LIBRARY").map(PathBuf::from);
        if let Some(folder) = value("BITHUMAN_MODELS") {
            settings.models = folder.into();
        }
        settings.llm = value("BITHUMAN_LOCAL_LLM").map(Into::into);
        settings.whisper = value("BITHUMAN_LOCAL_WHISPER");
        settings.tts = value("BITHUMAN_LOCAL_TTS").map(Into::into);
        settings.vad = value("BITHUMAN_LOCAL_VAD").map(Into::into);
        settings.turn = value("BITHUMAN_LOCAL_TURN").map(Into::into);
        settings.voice = value("BITHUMAN_LOCAL_VOICE");
        for (name, text) in [
            ("BITHUMAN_LOCAL_LANG", &mut settings.language),
            ("BITHUMAN_INSTRUCTIONS", &mut settings.instructions),
            ("BITHUMAN_GREETING", &mut settings.greeting),
        ] {
            if let Some(found) = value(name) {
                *text = found;
            }
        }
        if settings.language != "en" && settings.whisper.is_none() {
            // The default one knows English alone.
            settings.whisper = Some("tiny".to_owned());
        }
        settings.speed = number(&value, "BITHUMAN_LOCAL_SPEED", settings.speed, 0.5, 2.0)?;
        settings.steps = number(&value, "BITHUMAN_LOCAL_STEPS", settings.steps, 1, 100)?;
        let threads = number(&value, "BITHUMAN_LOCAL_THREADS", 0usize, 0, 64)?;
        settings.threads = (threads > 0).then_some(threads);
        Ok(settings)
    }

    /// Threads of a part.
    pub(super) fn threads(&self) -> usize {
        self.threads.unwrap_or_else(|| {
            let cores = std::thread::available_parallelism().map_or(1, Into::into);
            // One for the avatar and one for all else; threads of ggml spin, and lose more than they
            // gain where they have no core of their own.
            cores.saturating_sub(2).clamp(1, MAX_THREADS)
        })
    }
}

fn number<T: std::str::FromStr + PartialOrd + std::fmt::Display + Copy>(
    value: &impl Fn(&str) -> Option<String>,
    name: &str,
    default: T,
    least: T,
    most: T,
) -> Result<T> {
    let Some(text) = value(name) else {
        return Ok(default);
    };
    let parsed = text.parse().ok().filter(|n| (least..=most).contains(n));
    parsed.ok_or_else(|| {
        let message = format!("{name} is {text:?}; give a number from {least} to {most}");
        Error::new(ErrorKind::InvalidArgument, message)
    })
}
