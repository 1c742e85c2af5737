//! A brain on this machine: Whisper hears, a language model thinks, a network or a program speaks.
//!
//! Whisper and the language model are in `libbithuman_brain`, which is loaded at run time; voices run on
//! the engine's ONNX Runtime. Nothing is fetched here: the models are files of the user's.

mod bytes;
mod files;
mod ggml;
mod gguf;
mod hear;
mod library;
mod native;
mod speak;
mod think;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use essence::{Error, ErrorKind, Result};

use self::files::VoiceModel;
pub use self::files::{DEFAULT_MODELS, DefaultModel, Found, ModelFile, Part, partial};
use self::hear::LocalHear;
use self::library::Library;
use self::native::{Chat, Model, Whisper};
use self::speak::{Kokoro, Piper, Speaking, Supertonic, SupertonicSettings};
use self::think::LocalThink;
use crate::pipeline::Pipeline;
use crate::program::SpeechProgram;
use crate::responder::{Cancel, Pieces, Request, Responder, Said, Speak};

/// Tokens of a conversation that the language model keeps.
const CONTEXT: usize = 2_048;

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
    /// The file of `libbithuman_brain`; None to search it.
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

    /// The settings with what `variable` gives for `BITHUMAN_MODELS`, `BITHUMAN_LOCAL_LLM`,
    /// `BITHUMAN_LOCAL_WHISPER`, `BITHUMAN_LOCAL_TTS`, `BITHUMAN_LOCAL_VOICE`, `BITHUMAN_LOCAL_LANG`,
    /// `BITHUMAN_LOCAL_SPEED`, `BITHUMAN_LOCAL_STEPS`, `BITHUMAN_LOCAL_THREADS`, `BITHUMAN_INSTRUCTIONS`
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
        if let Some(folder) = value("BITHUMAN_MODELS") {
            settings.models = folder.into();
        }
        settings.llm = value("BITHUMAN_LOCAL_LLM").map(Into::into);
        settings.whisper = value("BITHUMAN_LOCAL_WHISPER");
        settings.tts = value("BITHUMAN_LOCAL_TTS").map(Into::into);
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

    /// What is there of a part, by a look at its files.
    pub fn find(&self, part: Part) -> Found {
        files::find(self, part)
    }

    /// The file of `libbithuman_brain` and the versions inside.
    ///
    /// # Errors
    /// `RuntimeMissing`, with the places that were tried.
    pub fn find_library(&self) -> Result<(PathBuf, String)> {
        let library = Library::load(self.library.as_deref())?;
        Ok((library.path().to_owned(), library.versions().to_owned()))
    }

    fn threads(&self) -> usize {
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

/// A brain without a network: implements [`Responder`]. The models are loaded once and shared by
/// conversations, each of which keeps its own context.
#[derive(Debug)]
pub struct Local {
    settings: LocalSettings,
    whisper: Arc<Mutex<Whisper>>,
    model: Arc<Model>,
    voice: Arc<dyn Voiced>,
    voice_name: String,
}

/// A voice that can be shown.
trait Voiced: Speak + std::fmt::Debug {}
impl<T: Speak + std::fmt::Debug> Voiced for T {}

impl Local {
    /// Loads the library and the models, which takes a second or two.
    ///
    /// # Errors
    /// - `RuntimeMissing`: there is no `libbithuman_brain`, or a voice has no ONNX Runtime.
    /// - `NotFound`: a model isn't there; the message says how to get it.
    /// - `UnsupportedFormat`: a model is damaged or of another kind.
    /// - `InvalidArgument`: a setting makes no sense.
    pub fn open(settings: LocalSettings) -> Result<Self> {
        for part in [Part::Hear, Part::Think, Part::Speak] {
            match settings.find(part) {
                Found::Missing(path) => return Err(missing(part, &path, "is missing")),
                Found::Partial(path) => return Err(missing(part, &path, "is there in part")),
                Found::Damaged(path, reason) => {
                    let message = format!("{}: {reason}", path.display());
                    return Err(Error::new(ErrorKind::UnsupportedFormat, message));
                }
                Found::Present(_) | Found::Program(_) => {}
            }
        }
        let library = Library::load(settings.library.as_deref())?;
        let path = files::whisper(&settings);
        let whisper = Whisper::open(library, &path)?;
        hear::check_language(&whisper, &settings.language, &path.display().to_string())?;
        let model = Model::open(library, &files::language_model(&settings))?;
        let (voice, voice_name) = voice(&settings)?;
        Ok(Self {
            whisper: Arc::new(Mutex::new(whisper)),
            model,
            voice,
            voice_name,
            settings,
        })
    }

    /// The voice that speaks: a file, or a program.
    pub fn voice(&self) -> &str {
        &self.voice_name
    }

    /// Hearing, for itself.
    pub fn hearing(&self) -> impl crate::Hear + use<> {
        LocalHear::new(
            Arc::clone(&self.whisper),
            &self.settings.language,
            self.settings.threads(),
        )
    }

    /// Thinking, for itself: one conversation.
    ///
    /// # Errors
    /// `LimitExceeded`: there is no memory for it.
    pub fn thinking(&self) -> Result<impl crate::Think + use<>> {
        self.think()
    }

    /// Speaking, for itself.
    pub fn speaking(&self) -> impl Speak + use<> {
        Arc::clone(&self.voice)
    }

    fn think(&self) -> Result<LocalThink> {
        let chat = Chat::open(&self.model, CONTEXT, self.settings.threads())?;
        Ok(LocalThink::new(chat, CONTEXT, &self.settings.instructions))
    }

    fn conversation(&self) -> Result<LocalConversation> {
        Ok(LocalConversation(Pipeline {
            hear: LocalHear::new(
                Arc::clone(&self.whisper),
                &self.settings.language,
                self.settings.threads(),
            ),
            think: self.think()?,
            speak: Arc::clone(&self.voice),
            greeting: self.settings.greeting.clone(),
            eager: true,
        }))
    }
}

impl Responder for Local {
    fn respond(&self, request: &Request, pieces: Pieces<'_>) -> Result<()> {
        // One that keeps nothing between turns, where no conversation was begun.
        self.conversation()?.respond(request, pieces)
    }

    fn for_conversation(&self) -> Option<Arc<dyn Responder>> {
        let conversation = self.conversation().ok()?;
        Some(Arc::new(conversation))
    }
}

/// One conversation with a local brain.
#[derive(Debug)]
struct LocalConversation(Pipeline<LocalHear, LocalThink, Arc<dyn Voiced>>);

impl Responder for LocalConversation {
    fn respond(&self, request: &Request, pieces: Pieces<'_>) -> Result<()> {
        self.0.respond(request, pieces)?;
        if request.said == Said::Nothing {
            // While the greeting is spoken, or the user finds words.
            self.0.think.prepare(&request.cancel)?;
        }
        Ok(())
    }

    fn anticipate(&self, voice: &[f32], cancel: &Cancel) {
        self.0.hear.anticipate(voice, cancel);
    }
}

#[cold]
fn missing(part: Part, path: &std::path::Path, state: &str) -> Error {
    let (what, own) = match part {
        Part::Hear => ("Whisper's model", "BITHUMAN_LOCAL_WHISPER"),
        Part::Think => ("the language model", "BITHUMAN_LOCAL_LLM"),
        Part::Speak => ("the voice", "BITHUMAN_LOCAL_TTS"),
    };
    let message = format!(
        "{what} {state}: {}. `bithuman pull --local` fetches the default models, {own} names another",
        path.display()
    );
    Error::new(ErrorKind::NotFound, message)
}

/// The voice and its name.
fn voice(settings: &LocalSettings) -> Result<(Arc<dyn Voiced>, String)> {
    let library = settings.runtime.as_deref();
    let (threads, speed) = (settings.threads(), settings.speed);
    let name = settings.voice.as_deref();
    let Some(model) = files::voice(settings) else {
        let program = SpeechProgram::find().ok_or_else(SpeechProgram::missing)?;
        let name = program.path().display().to_string();
        return Ok((Arc::new(program), name));
    };
    let speaking = match &model {
        VoiceModel::Supertonic(folder) => {
            let first = folder.file_name().is_some_and(|name| name == "supertonic");
            let settings = SupertonicSettings {
                voice: name.unwrap_or("F1").to_owned(),
                language: if first {
                    String::new()
                } else {
                    settings.language.clone()
                },
                steps: settings.steps,
                speed,
                seed: 1,
            };
            Speaking::new(Supertonic::open(library, folder, settings, threads)?)
        }
        VoiceModel::Kokoro(folder) => {
            Speaking::new(Kokoro::open(library, folder, name, threads, speed)?)
        }
        VoiceModel::Piper(path) => Speaking::new(Piper::open(library, path, threads, speed)?),
    };
    let (VoiceModel::Supertonic(path) | VoiceModel::Kokoro(path) | VoiceModel::Piper(path)) = model;
    Ok((Arc::new(speaking), path.display().to_string()))
}
