//! A brain on this machine: Whisper hears, a language model thinks, a network or a program speaks.
//!
//! Whisper and the language model are in `libbithuman_brain`, which is loaded at run time; voices run on
//! the engine's ONNX Runtime. Nothing is fetched here: the models are files of the user's.

mod bytes;
mod calls;
mod files;
mod ggml;
mod gguf;
mod hear;
mod intonation;
mod library;
mod mel;
mod native;
mod settings;
mod silero;
mod speak;
mod think;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use essence::{Error, ErrorKind, Result};

use self::files::VoiceModel;
pub use self::files::{DEFAULT_MODELS, DefaultModel, Found, ModelFile, Part, partial};
use self::hear::LocalHear;
use self::intonation::Intonation;
use self::library::Library;
use self::native::{Chat, Model, Whisper};
pub use self::settings::LocalSettings;
use self::silero::Silero;
use self::speak::{Kokoro, Piper, Speaking, Supertonic, SupertonicSettings};
use self::think::LocalThink;
use crate::cancel::Cancel;
use crate::ending::Ending;
use crate::piece::Pieces;
use crate::pipeline::Pipeline;
use crate::program::SpeechProgram;
use crate::responder::{Prompt, Request, Responder, Said, Speak};
use crate::voice::VoiceActivity;

/// Tokens of a conversation that the language model keeps.
const CONTEXT: usize = 2_048;

impl LocalSettings {
    /// The state of a part's files, by a look at them.
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

    /// The voice alone, without hearing and thinking: a network of the user's, or a program.
    ///
    /// # Errors
    /// - `NotFound`: there is neither.
    /// - Errors of opening a network.
    pub fn open_voice(&self) -> Result<Arc<dyn Speak>> {
        let (voice, _) = voice(self)?;
        Ok(voice)
    }
}

/// A brain without a network: implements [`Responder`]. The models are loaded once and shared by
/// conversations, each of which keeps its own context.
#[derive(Debug)]
pub struct Local {
    settings: LocalSettings,
    whisper: Arc<Mutex<Whisper>>,
    model: Arc<Model>,
    /// Whether the language model was made to call functions.
    calls: bool,
    voice: Arc<dyn Voiced>,
    voice_name: String,
    activity: Option<Silero>,
    intonation: Option<Arc<Intonation>>,
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
        for part in [
            Part::Hear,
            Part::Think,
            Part::Speak,
            Part::Listen,
            Part::Turn,
        ] {
            match settings.find(part) {
                Found::Missing(path) => return Err(missing(part, &path, "is missing")),
                Found::Partial(path) => return Err(missing(part, &path, "is there in part")),
                Found::Damaged(path, reason) => {
                    let message = format!("{}: {reason}", path.display());
                    return Err(Error::new(ErrorKind::UnsupportedFormat, message));
                }
                Found::Present(_) | Found::Program(_) | Found::BuiltIn => {}
            }
        }
        let library = Library::load(settings.library.as_deref())?;
        let path = files::whisper(&settings);
        let whisper = Whisper::open(library, &path)?;
        hear::check_language(&whisper, &settings.language, &path.display().to_string())?;
        let path = files::language_model(&settings);
        let calls = calls::are_known(&gguf::template(&path)?);
        let model = Model::open(library, &path)?;
        let (voice, voice_name) = voice(&settings)?;
        let runtime = settings.runtime.as_deref();
        let activity = files::optional(&settings, Part::Listen)
            .map(|path| Silero::open(runtime, &path))
            .transpose()?;
        let intonation = files::optional(&settings, Part::Turn)
            .map(|path| Intonation::open(runtime, &path, settings.threads()))
            .transpose()?;
        native::trim();
        Ok(Self {
            activity,
            intonation: intonation.map(Arc::new),
            whisper: Arc::new(Mutex::new(whisper)),
            model,
            calls,
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
        let instructions = &self.settings.instructions;
        Ok(LocalThink::new(chat, CONTEXT, instructions, self.calls))
    }

    fn conversation(&self) -> Result<LocalConversation> {
        let pipeline = Pipeline {
            hear: LocalHear::new(
                Arc::clone(&self.whisper),
                &self.settings.language,
                self.settings.threads(),
            ),
            think: self.think()?,
            speak: Arc::clone(&self.voice),
            greeting: self.settings.greeting.clone(),
            eager: true,
        };
        Ok(LocalConversation {
            pipeline,
            activity: self.activity.clone(),
            intonation: self.intonation.clone(),
        })
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
struct LocalConversation {
    pipeline: Pipeline<LocalHear, LocalThink, Arc<dyn Voiced>>,
    activity: Option<Silero>,
    intonation: Option<Arc<Intonation>>,
}

impl Responder for LocalConversation {
    fn respond(&self, request: &Request, pieces: Pieces<'_>) -> Result<()> {
        self.pipeline.respond(request, pieces)?;
        if request.said == Said::Nothing {
            // While the greeting is spoken, or the user finds words.
            let prompt = Prompt {
                context: &request.context,
                tools: request.tools.as_slice(),
                ..Prompt::default()
            };
            self.pipeline.think.prepare(&prompt, &request.cancel)?;
        }
        Ok(())
    }

    fn anticipate(&self, voice: &[f32], cancel: &Cancel) -> Ending {
        let hear = &self.pipeline.hear;
        let Some(intonation) = &self.intonation else {
            return hear.anticipate(voice, cancel);
        };
        thread::scope(|scope| {
            let listening = thread::Builder::new()
                .name("intonation".to_owned())
                .spawn_scoped(scope, || intonation.ending(voice, cancel));
            let words = hear.anticipate(voice, cancel);
            // Without its answer the words have to do.
            let sound = listening.ok().and_then(|thread| thread.join().ok()?.ok());
            match (words, sound) {
                (Ending::Unfinished, _) | (_, None) => words,
                (_, Some(sound)) => sound,
            }
        })
    }

    fn voice_activity(&self) -> Option<Box<dyn VoiceActivity>> {
        let activity = self.activity.as_ref()?.activity().ok()?;
        Some(Box::new(activity))
    }
}

#[cold]
fn missing(part: Part, path: &std::path::Path, state: &str) -> Error {
    let (what, own) = match part {
        Part::Hear => ("Whisper's model", "BITHUMAN_LOCAL_WHISPER"),
        Part::Think => ("the language model", "BITHUMAN_LOCAL_LLM"),
        Part::Speak => ("the voice", "BITHUMAN_LOCAL_TTS"),
        Part::Listen => return absent(path, "BITHUMAN_LOCAL_VAD"),
        Part::Turn => return absent(path, "BITHUMAN_LOCAL_TURN"),
    };
    let message = format!(
        "{what} {state}: {}. `bithuman pull --local` fetches the default models, {own} names another",
        path.display()
    );
    Error::new(ErrorKind::NotFound, message)
}

/// An optional network that is named and isn't there.
#[cold]
fn absent(path: &std::path::Path, variable: &str) -> Error {
    let message = format!(
        "{} ({variable}) is missing; unset {variable} to do without",
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
            let network = files::network_in(folder)?;
            Speaking::new(Kokoro::open(
                library, folder, &network, name, threads, speed,
            )?)
        }
        VoiceModel::Piper(path) => Speaking::new(Piper::open(library, path, threads, speed)?),
    };
    let (VoiceModel::Supertonic(path) | VoiceModel::Kokoro(path) | VoiceModel::Piper(path)) = model;
    Ok((Arc::new(speaking), path.display().to_string()))
}
