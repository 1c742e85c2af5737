//! Agents are asked for, and further models of them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use essence::ErrorKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::agents::check_prompt;
use super::body::Body;
use super::caller::Caller;
use super::error::{Answer, ApiError, ErrorBody, shown};
use super::replay;
use crate::access;
use crate::files::Category;
use crate::media::kind_of;
use crate::models;
use crate::persona;
use crate::platform::Platform;
use crate::store::{Agent, Queued};
use crate::subject::{self, Subject};
use crate::work::AgentOrder;

/// Ratios of pictures.
const RATIOS: [&str; 3] = ["16:9", "9:16", "1:1"];

/// Most seconds of a film that is asked for.
const MAX_DURATION_S: f64 = 600.0;

/// Codes that stand for something else in addresses.
const RESERVED: [&str; 3] = ["console", "generate", "status"];

/// Attempts at a code that nobody has.
const CODES: usize = 8;

/// An agent that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct GenerateRequest {
    /// The persona; one of some friendly ones where it is left out.
    #[schema(
        example = "You are a friendly fitness coach who motivates users.",
        max_length = 20_000
    )]
    prompt: Option<String>,
    /// A picture of a face: an address, a file of this server's, or base64.
    image: Option<String>,
    /// A film of a face, likewise; the studio has to be set up.
    video: Option<String>,
    /// A sample of the voice, likewise; kept with the agent.
    audio: Option<String>,
    /// Of a picture that is made: `16:9`, `9:16` or `1:1`, its usual one. Those that are given stay as they are.
    aspect_ratio: Option<String>,
    /// Kept for compatibility: a film stays as it is.
    video_aspect_ratio: Option<String>,
    /// The code that the agent gets: 1 to 64 letters, digits, hyphens and underscores.
    agent_id: Option<String>,
    /// Seconds of film. Kept for compatibility.
    duration: Option<f64>,
    /// The model to make.
    #[schema(example = "essence-1")]
    model: Option<String>,
}

/// The agent is being made.
#[derive(Serialize, ToSchema)]
pub(crate) struct Started {
    #[schema(example = true)]
    pub(crate) success: bool,
    pub(crate) message: &'static str,
    #[schema(example = "A91XMB7113")]
    pub(crate) agent_id: String,
    #[schema(example = "processing")]
    pub(crate) status: &'static str,
}

/// The files that a request names.
#[derive(Debug, Default)]
struct Given {
    image: Option<String>,
    video: Option<String>,
    audio: Option<String>,
    subject: Option<Subject>,
}

/// Makes an agent of a picture, a film or words alone. The answer comes at once; poll its status.
#[utoipa::path(post, path = "/v1/agent/generate", operation_id = "generateAgent", tag = "Agent Generation",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 hours")),
    request_body = GenerateRequest,
    responses((status = 200, description = "It is being made", body = Started),
        (status = 400, description = "Something is not as documented, or a file can't be had", body = ErrorBody),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 402, description = "There are not enough credits", body = ErrorBody),
        (status = 422, description = "The picture isn't one for this model", body = ErrorBody)))]
pub(crate) async fn generate(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body<GenerateRequest>,
) -> Answer<Response> {
    let (asked, by, at) = (body.value, caller.clone(), platform.clone());
    let work = async move { begin(&at, &by, &asked).await };
    replay::once(platform, &caller, "generate", &headers, &body.digest, work).await
}

async fn begin(
    platform: &Arc<Platform>,
    caller: &Caller,
    asked: &GenerateRequest,
) -> Answer<Started> {
    let mut model = models::canonical(asked.model.as_deref())?;
    check(asked)?;
    let prompt = match asked.prompt.as_deref() {
        Some(prompt) => prompt.to_owned(),
        None => persona::any_prompt().to_owned(),
    };
    let blocking = platform.clone();
    let named = [
        asked.image.clone(),
        asked.video.clone(),
        asked.audio.clone(),
    ];
    let given = tokio::task::spawn_blocking(move || gather(&blocking, &named)).await??;
    let break_off = |agent: &Agent| {
        let files = agent.files();
        files.iter().for_each(|name| platform.files.remove(name));
    };
    let refused = |files: &Given| {
        // The request comes to nothing, and its files are nobody's.
        for name in [&files.image, &files.video, &files.audio]
            .into_iter()
            .flatten()
        {
            platform.files.remove(name);
        }
    };
    let subject = match given.subject {
        Some(subject) => subject,
        None if persona::is_person(&prompt) || given.video.is_some() => Subject::Person,
        None => Subject::Drawing,
    };
    if model == "auto" {
        model = match subject {
            Subject::Person => "essence-2",
            Subject::Drawing | Subject::Nobody => "expression-2",
        };
    } else if models::wants_person(model) && subject != Subject::Person {
        refused(&given);
        return Err(mismatch(model, given.subject));
    }
    if model == "essence-2-quality" && given.video.is_none() {
        refused(&given);
        return Err(ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "MODEL_PREREQUISITE_MISSING",
            "essence-2-quality requires a video",
        ));
    }
    let credits = models::credits(model);
    let order = AgentOrder {
        model: model.to_owned(),
        credits: platform.charged(credits),
        aspect_ratio: asked.aspect_ratio.clone(),
        distill: false,
    };
    let input = serde_json::to_string(&order).map_err(ApiError::internal)?;
    let mut agent = Agent {
        account: caller.account.clone(),
        name: persona::name_of(&prompt),
        language: "en".to_owned(),
        model: model.to_owned(),
        models: "{}".to_owned(),
        subject: given.subject.map_or("", Subject::as_str).to_owned(),
        system_prompt: prompt,
        image_file: given.image,
        video_file: given.video,
        audio_file: given.audio,
        voice_id: "F1".to_owned(),
        status: "processing".to_owned(),
        event_type: "created".to_owned(),
        progress: 0.02,
        progress_msg: "Queued".to_owned(),
        current_step: "payment".to_owned(),
        dynamics: "{}".to_owned(),
        ..Agent::default()
    };
    for _ in 0..CODES {
        agent.code = match &asked.agent_id {
            Some(code) => code.clone(),
            None => new_code()?,
        };
        let charge = platform.charge(credits);
        let queued = platform.store.queue_agent(&agent, &input, charge).await;
        if matches!(queued, Ok(Queued::Taken)) && asked.agent_id.is_none() {
            continue;
        }
        let done = match queued {
            Ok(Queued::Taken) => Err(taken(&agent.code)),
            Ok(queued) => platform.queued(queued, charge),
            Err(error) => Err(error.into()),
        };
        if done.is_err() {
            break_off(&agent);
        }
        return done.map(|()| Started {
            success: true,
            message: "Agent generation started",
            agent_id: agent.code,
            status: "processing",
        });
    }
    break_off(&agent);
    Err(taken(&agent.code))
}

fn taken(code: &str) -> ApiError {
    ApiError::invalid(format!(
        "agent_id {code} is taken; choose another or leave it out"
    ))
}

fn check(asked: &GenerateRequest) -> Answer<()> {
    if let Some(prompt) = &asked.prompt {
        check_prompt(prompt)?;
    }
    for ratio in [&asked.aspect_ratio, &asked.video_aspect_ratio]
        .into_iter()
        .flatten()
    {
        if !RATIOS.contains(&ratio.as_str()) {
            let message = format!(
                "'{}' is no aspect ratio; give one of {}",
                shown(ratio),
                RATIOS.join(", ")
            );
            return Err(ApiError::invalid(message));
        }
    }
    if let Some(code) = &asked.agent_id {
        let is_code = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !(1..=64).contains(&code.len())
            || !code.chars().all(is_code)
            || RESERVED.contains(&code.as_str())
        {
            let message = "agent_id has 1 to 64 letters, digits, hyphens and underscores, and is no part of an address";
            return Err(ApiError::invalid(message));
        }
    }
    match asked.duration {
        Some(duration) if !(0.0..=MAX_DURATION_S).contains(&duration) => Err(ApiError::invalid(
            format!("duration is from 0 to {MAX_DURATION_S} seconds"),
        )),
        _ => Ok(()),
    }
}

/// Fetches what a request names, looks at it and stores it.
fn gather(platform: &Platform, named: &[Option<String>; 3]) -> Answer<Given> {
    let mut given = Given::default();
    let mut stored = Vec::new();
    let mut take =
        |named: &Option<String>, category: Category| -> Answer<Option<(String, Vec<u8>)>> {
            let Some(named) = named.as_deref().filter(|named| !named.is_empty()) else {
                return Ok(None);
            };
            let media = platform
                .media(named, category.max_bytes())
                .map_err(|error| media_refused(error, StatusCode::BAD_REQUEST))?;
            let found = kind_of(&media.content, &media.name);
            if found.is_none_or(|(kind, _)| kind != category) {
                let message = format!("that is no {} that can be read", category.kind());
                return Err(ApiError::new(
                    StatusCode::BAD_REQUEST,
                    "UNSUPPORTED_TYPE",
                    message,
                ));
            }
            // A file of its own: it is deleted with the agent.
            let name = platform.files.put(category, &media.name, &media.content)?;
            stored.push(name.clone());
            Ok(Some((name, media.content)))
        };
    let mut all = || -> Answer<()> {
        if let Some((name, content)) = take(&named[0], Category::Image)? {
            given.subject = subject::of_picture(&content);
            given.image = Some(name);
        }
        given.video = take(&named[1], Category::Video)?.map(|(name, _)| name);
        given.audio = take(&named[2], Category::Audio)?.map(|(name, _)| name);
        Ok(())
    };
    let done = all();
    if done.is_err() {
        stored.iter().for_each(|name| platform.files.remove(name));
    }
    done.map(|()| given)
}

/// The refusal of a file that a request names; `too_large` is the status where it is that.
pub(crate) fn media_refused(error: essence::Error, too_large: StatusCode) -> ApiError {
    let message = error.message();
    match error.kind() {
        ErrorKind::LimitExceeded => ApiError::new(too_large, "FILE_TOO_LARGE", message),
        ErrorKind::InvalidArgument => ApiError::invalid(message),
        _ => ApiError::new(StatusCode::BAD_REQUEST, "DOWNLOAD_FAILED", message),
    }
}

/// The refusal of a subject that a model isn't for.
pub(crate) fn mismatch(model: &str, picture: Option<Subject>) -> ApiError {
    let what = match picture {
        Some(Subject::Nobody) => "no face of a person is in this image",
        Some(_) => "this image looks like a drawing",
        None => "this prompt describes something else",
    };
    ApiError::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "MODEL_SUBJECT_MISMATCH",
        format!("{model} requires a photorealistic human subject; {what} — use expression-2"),
    )
}

/// A code such as `A91XMB7113`: a letter, two digits, three letters, four digits.
fn new_code() -> Answer<String> {
    let token = access::token()?;
    let mut bytes = token.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).unwrap_or("0");
        u8::from_str_radix(pair, 16).unwrap_or(0)
    });
    let mut code = "A".to_owned();
    for kind in "ddllldddd".chars() {
        let byte = bytes.next().unwrap_or(0);
        code.push(match kind {
            'd' => char::from(b'0' + byte % 10),
            _ => char::from(b'A' + byte % 26),
        });
    }
    Ok(code)
}
