//! A server with `OpenAI`'s interface: transcription, chat, speech and pictures.
//!
//! The interface is spoken by hosted services and by programs on the same machine (llama.cpp's server,
//! Ollama, LM Studio, vLLM). Requests are blocking, with a limit on every wait.

mod hear;
mod http;
mod paint;
mod speak;
mod sse;
mod think;

use std::time::Duration;

use essence::{Error, ErrorKind, Result};

use self::http::Http;
pub(crate) use self::http::{check_address, refusal};
use crate::pipeline::Pipeline;

/// The system prompt unless another is given.
pub(crate) const INSTRUCTIONS: &str = "You are a friendly person in a video call. Answer in one to three short sentences of plain \
                                       spoken language, without lists, markdown or emoji.";

/// The server's address, and the models and voice that are asked for.
#[derive(Clone)]
pub struct OpenAiSettings {
    /// The address that paths such as `/chat/completions` are appended to.
    pub base_url: String,
    /// The key; empty for a server that needs none.
    pub api_key: String,
    /// The model for chat.
    pub model: String,
    /// The model for transcription.
    pub transcription_model: String,
    /// The model for speech to speech.
    pub realtime_model: String,
    /// The model for speech.
    pub speech_model: String,
    /// The model for pictures; empty for the one that the server has.
    pub image_model: String,
    /// The voice.
    pub voice: String,
    /// The system prompt: what the avatar is to be.
    pub instructions: String,
    /// The greeting; empty for none.
    pub greeting: String,
    /// The age at which a Realtime session is opened anew, between two turns. Servers end one after an hour.
    pub realtime_renewal: Duration,
}

impl std::fmt::Debug for OpenAiSettings {
    /// Leaves the key out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenAiSettings")
            .field("base_url", &self.base_url)
            .field("model", &self.model)
            .field("transcription_model", &self.transcription_model)
            .field("speech_model", &self.speech_model)
            .field("voice", &self.voice)
            .finish_non_exhaustive()
    }
}

impl Default for OpenAiSettings {
    /// `OpenAI`'s own server, without a key.
    fn default() -> Self {
        Self {
            base_url: "https://api.openai.com/v1".to_owned(),
            api_key: String::new(),
            model: "gpt-4o-mini".to_owned(),
            transcription_model: "whisper-1".to_owned(),
            realtime_model: "gpt-realtime".to_owned(),
            speech_model: "gpt-4o-mini-tts".to_owned(),
            image_model: String::new(),
            voice: "alloy".to_owned(),
            instructions: INSTRUCTIONS.to_owned(),
            greeting: String::new(),
            realtime_renewal: Duration::from_secs(55 * 60),
        }
    }
}

impl OpenAiSettings {
    /// The settings with what `variable` gives for `OPENAI_API_KEY`, `OPENAI_BASE_URL`,
    /// `BITHUMAN_OPENAI_MODEL`, `BITHUMAN_OPENAI_TRANSCRIPTION_MODEL`, `BITHUMAN_OPENAI_REALTIME_MODEL`,
    /// `BITHUMAN_OPENAI_SPEECH_MODEL`, `BITHUMAN_OPENAI_IMAGE_MODEL`, `BITHUMAN_OPENAI_VOICE`,
    /// `BITHUMAN_INSTRUCTIONS` and `BITHUMAN_GREETING`. An empty value counts as none.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let mut settings = Self::default();
        for (name, value) in [
            ("OPENAI_API_KEY", &mut settings.api_key),
            ("OPENAI_BASE_URL", &mut settings.base_url),
            ("BITHUMAN_OPENAI_MODEL", &mut settings.model),
            (
                "BITHUMAN_OPENAI_TRANSCRIPTION_MODEL",
                &mut settings.transcription_model,
            ),
            (
                "BITHUMAN_OPENAI_REALTIME_MODEL",
                &mut settings.realtime_model,
            ),
            ("BITHUMAN_OPENAI_SPEECH_MODEL", &mut settings.speech_model),
            ("BITHUMAN_OPENAI_IMAGE_MODEL", &mut settings.image_model),
            ("BITHUMAN_OPENAI_VOICE", &mut settings.voice),
            ("BITHUMAN_INSTRUCTIONS", &mut settings.instructions),
            ("BITHUMAN_GREETING", &mut settings.greeting),
        ] {
            if let Some(found) = variable(name).filter(|v| !v.trim().is_empty()) {
                *value = found.trim().to_owned();
            }
        }
        settings
    }
}

/// A server with `OpenAI`'s interface. Implements [`Hear`](crate::Hear), [`Think`](crate::Think),
/// [`Speak`](crate::Speak) and [`Paint`](crate::Paint); clones share connections.
#[derive(Clone, Debug)]
pub struct OpenAi {
    http: Http,
    settings: OpenAiSettings,
}

impl OpenAi {
    /// A client. Connects to nothing yet.
    ///
    /// # Errors
    /// `InvalidArgument`: the address is not one of http or https, or a key would go unencrypted to
    /// another machine, or the key can't be sent in a header.
    pub fn new(settings: OpenAiSettings) -> Result<Self> {
        let http = Http::new(&settings.base_url, &settings.api_key)?;
        Ok(Self { http, settings })
    }

    /// A responder whose three parts are this server's.
    pub fn responder(self) -> Pipeline<Self, Self, Self> {
        Pipeline {
            greeting: self.settings.greeting.clone(),
            hear: self.clone(),
            think: self.clone(),
            speak: self,
            eager: false,
        }
    }
}

#[cold]
fn unexpected(what: &str) -> Error {
    Error::new(
        ErrorKind::Io,
        format!("the server's answer makes no sense: {what}"),
    )
}
