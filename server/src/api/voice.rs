//! Speech of texts.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::Body;
use super::caller::Caller;
use super::error::{Answer, ApiError, ErrorBody, shown};
use crate::platform::Platform;
use crate::voices::{VOICES, Voice, pcm_bytes, sentences, wav};

/// Most characters of a text.
const MAX_TEXT_CHARS: usize = 20_000;

/// Times as fast that may be asked for, and the usual one.
const SPEED: std::ops::RangeInclusive<f64> = 0.7..=2.0;
const USUAL_SPEED: f64 = 1.05;

/// The speed at which a voice is left as it is.
pub(super) const OWN_SPEED: f64 = 1.05;

/// A text to speak.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SpeechRequest {
    #[schema(example = "Hello from bitHuman.")]
    text: String,
    /// `M1` to `M5`, `F1` to `F5`.
    #[schema(example = "F1", default = "M1")]
    voice: Option<String>,
    /// A designed voice, in place of `voice` and `axes`.
    voice_code: Option<String>,
    /// Offsets by axis, −1 to 1.
    axes: Option<BTreeMap<String, f64>>,
    /// Two letters. The machine's voice speaks the languages that it knows.
    #[schema(default = "en")]
    language: Option<String>,
    /// 1 to 100, for voices that are made in steps.
    #[schema(value_type = i64, minimum = 1, maximum = 100, default = 8)]
    total_steps: Option<f64>,
    /// Times as fast, 0.7 to 2.
    #[schema(minimum = 0.7, maximum = 2.0, default = 1.05)]
    speed: Option<f64>,
    /// `wav` or `pcm_s16le`.
    #[schema(default = "wav")]
    format: Option<String>,
    /// Whether sound comes sentence by sentence: each as its length in bytes (four bytes, big-endian) and PCM;
    /// a length of 0 is the end.
    #[schema(default = false)]
    stream: Option<bool>,
}

/// Speaks a text.
#[utoipa::path(post, path = "/v1/tts", operation_id = "synthesizeSpeech", tag = "Voice", request_body = SpeechRequest,
    responses((status = 200, description = "Sound, mono, 16 bits; its rate is in `x-sample-rate`",
            content((Vec<u8> = "audio/wav"), (Vec<u8> = "audio/pcm"))),
        (status = 400, description = "The body is not as documented", body = ErrorBody),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 404, description = "No voice has that code", body = ErrorBody),
        (status = 503, description = "Too many wait, or this machine has no voice", body = ErrorBody)))]
pub(crate) async fn tts(
    State(platform): State<Arc<Platform>>,
    _: Caller,
    body: Body<SpeechRequest>,
) -> Answer<Response> {
    let asked = body.value;
    check_text(&asked.text)?;
    if asked
        .total_steps
        .is_some_and(|steps| steps.fract() != 0.0 || !(1.0..=100.0).contains(&steps))
    {
        return Err(ApiError::invalid(
            "total_steps is a whole number from 1 to 100",
        ));
    }
    check_language(asked.language.as_deref())?;
    let speed = speed(asked.speed)?;
    let stream = asked.stream.unwrap_or(false);
    let pcm = match asked.format.as_deref() {
        None | Some("wav") => stream,
        Some("pcm_s16le") => true,
        Some(other) => {
            let message = format!("'{}' is no format; give wav or pcm_s16le", shown(other));
            return Err(ApiError::invalid(message));
        }
    };
    let voice = match &asked.voice_code {
        Some(code) => platform.voices.by_code(code)?,
        None => {
            let voice = platform
                .voices
                .check(asked.voice.as_deref().unwrap_or("M1"))?;
            voice.with_axes(asked.axes.unwrap_or_default())?
        }
    };
    if stream {
        return streamed(&platform, &asked.text, voice, speed).await;
    }
    sound(&platform, asked.text, voice, speed, pcm).await
}

/// Speech in `OpenAI`'s shape.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct OpenAiSpeechRequest {
    #[schema(example = "Hello from bitHuman.")]
    input: String,
    /// Passed over.
    #[serde(rename = "model")]
    #[schema(example = "tts-1")]
    _model: Option<String>,
    /// `M1` to `M5`, `F1` to `F5`; `OpenAI`'s names stand for some of them.
    #[schema(default = "M1")]
    voice: Option<String>,
    /// `wav` or `pcm`.
    #[schema(default = "wav")]
    response_format: Option<String>,
    /// Times as fast, 0.7 to 2.
    #[schema(minimum = 0.7, maximum = 2.0, default = 1.05)]
    speed: Option<f64>,
}

/// Names of `OpenAI`'s voices, and ours for them.
const OPENAI_VOICES: [(&str, &str); 11] = [
    ("alloy", "F4"),
    ("ash", "M1"),
    ("ballad", "M3"),
    ("coral", "F1"),
    ("echo", "M2"),
    ("fable", "M5"),
    ("nova", "F3"),
    ("onyx", "M4"),
    ("sage", "F2"),
    ("shimmer", "F5"),
    ("verse", "M1"),
];

/// Speaks a text for clients of `OpenAI`'s.
#[utoipa::path(post, path = "/v1/audio/speech", operation_id = "openaiCompatSpeech", tag = "Voice",
    request_body = OpenAiSpeechRequest,
    responses((status = 200, description = "Sound, mono, 16 bits", content((Vec<u8> = "audio/wav"), (Vec<u8> = "audio/pcm"))),
        (status = 400, description = "The body is not as documented", body = ErrorBody),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 503, description = "Too many wait, or this machine has no voice", body = ErrorBody)))]
pub(crate) async fn openai_speech(
    State(platform): State<Arc<Platform>>,
    _: Caller,
    body: Body<OpenAiSpeechRequest>,
) -> Answer<Response> {
    let asked = body.value;
    check_text(&asked.input)?;
    let speed = speed(asked.speed)?;
    let pcm = match asked.response_format.as_deref() {
        None | Some("wav") => false,
        Some("pcm") => true,
        Some(other) => {
            let message = format!("'{}' is no response_format; give wav or pcm", shown(other));
            return Err(ApiError::invalid(message));
        }
    };
    let name = asked.voice.as_deref().unwrap_or("M1");
    let own = OPENAI_VOICES.iter().find(|(theirs, _)| *theirs == name);
    let voice = platform.voices.check(own.map_or(name, |(_, own)| own))?;
    sound(&platform, asked.input, voice, speed, pcm).await
}

/// The voices.
#[derive(Serialize, ToSchema)]
pub(crate) struct VoiceList {
    voices: Vec<VoiceEntry>,
}

/// A voice.
#[derive(Serialize, ToSchema)]
struct VoiceEntry {
    #[schema(example = "F1")]
    id: &'static str,
    #[schema(example = "builtin")]
    kind: &'static str,
}

/// Lists the voices.
#[utoipa::path(get, path = "/v1/voices", operation_id = "listVoices", tag = "Voice",
    responses((status = 200, description = "The voices", body = VoiceList),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody)))]
pub(crate) async fn voices(State(_): State<Arc<Platform>>, _: Caller) -> Json<VoiceList> {
    let entry = |(id, _)| VoiceEntry {
        id,
        kind: "builtin",
    };
    Json(VoiceList {
        voices: VOICES.map(entry).into(),
    })
}

pub(super) fn check_text(text: &str) -> Answer<()> {
    if text.trim().is_empty() {
        return Err(ApiError::missing("text"));
    }
    match text.chars().count() > MAX_TEXT_CHARS {
        true => Err(ApiError::invalid(format!(
            "the text has more than {MAX_TEXT_CHARS} characters"
        ))),
        false => Ok(()),
    }
}

pub(super) fn check_language(language: Option<&str>) -> Answer<()> {
    let language = language.unwrap_or("en");
    let is_code = (2..=8).contains(&language.len())
        && language
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-');
    match is_code {
        true => Ok(()),
        false => Err(ApiError::invalid(
            "language is a code of two letters, such as en",
        )),
    }
}

/// The speed that is asked for, as a multiple of the voice's own.
fn speed(asked: Option<f64>) -> Answer<f64> {
    let asked = asked.unwrap_or(USUAL_SPEED);
    match SPEED.contains(&asked) {
        true => Ok(asked),
        false => Err(ApiError::invalid(format!(
            "speed is from {} to {}",
            SPEED.start(),
            SPEED.end()
        ))),
    }
}

pub(super) async fn sound(
    platform: &Platform,
    text: String,
    voice: Voice,
    speed: f64,
    pcm: bool,
) -> Answer<Response> {
    let (rate_hz, samples) = platform
        .voices
        .speak(text, voice, speed / OWN_SPEED)
        .await?;
    let bytes = pcm_bytes(&samples);
    let (kind, bytes) = match pcm {
        true => ("audio/pcm", bytes),
        false => ("audio/wav", wav(rate_hz, &bytes)),
    };
    let headers = [
        (header::CONTENT_TYPE.as_str(), kind.to_owned()),
        ("x-sample-rate", rate_hz.to_string()),
    ];
    Ok((headers, bytes).into_response())
}

/// Speaks sentence by sentence. The first one is spoken before the answer begins, so that its rate and its
/// failures are told.
async fn streamed(
    platform: &Arc<Platform>,
    text: &str,
    voice: Voice,
    speed: f64,
) -> Answer<Response> {
    let mut sentences = sentences(text).into_iter();
    let first = sentences.next().unwrap_or_default();
    let voices = platform.voices.clone();
    let (rate_hz, samples) = voices
        .speak(first, voice.clone(), speed / OWN_SPEED)
        .await?;
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(2);
    tokio::spawn(async move {
        let framed = |samples: &[f32]| {
            let pcm = pcm_bytes(samples);
            let mut frame = u32::try_from(pcm.len()).unwrap_or(0).to_be_bytes().to_vec();
            frame.extend(pcm);
            Bytes::from(frame)
        };
        if sender.send(Ok(framed(&samples))).await.is_err() {
            return;
        }
        for sentence in sentences {
            let next = match voices
                .speak(sentence, voice.clone(), speed / OWN_SPEED)
                .await
            {
                Ok((_, samples)) => Ok(framed(&samples)),
                Err(_) => Err(std::io::Error::other("speaking failed")),
            };
            let failed = next.is_err();
            if sender.send(next).await.is_err() || failed {
                return;
            }
        }
        let _ = sender.send(Ok(framed(&[]))).await;
    });
    let body = axum::body::Body::from_stream(Receiver(receiver));
    let headers = [
        (header::CONTENT_TYPE.as_str(), "audio/pcm".to_owned()),
        ("x-sample-rate", rate_hz.to_string()),
    ];
    Ok((headers, body).into_response())
}

/// A queue as a stream.
struct Receiver(tokio::sync::mpsc::Receiver<Result<Bytes, std::io::Error>>);

impl futures_core::Stream for Receiver {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}
