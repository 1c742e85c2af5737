//! Talking videos: an agent says a text, or lends its face to a recording.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep_until};
use utoipa::{IntoParams, ToSchema};

use super::body::{Body, Named, Params};
use super::caller::Caller;
use super::error::{Answer, ApiError, ErrorBody, shown};
use super::generate::media_refused;
use super::replay;
use crate::access;
use crate::files::Category;
use crate::media::kind_of;
use crate::models;
use crate::origin::Origin;
use crate::platform::Platform;
use crate::store::{Job, Kind, NewJob, State as JobState};
use crate::work::{VideoOrder, VideoResult};

/// Most characters of a text.
const MAX_TEXT_CHARS: usize = 5_000;

/// How long a request may wait for its video.
const WAIT: Duration = Duration::from_secs(90);

/// How often it is looked whether the video is there.
const POLL: Duration = Duration::from_millis(200);

/// A video that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct VideoRequest {
    /// `expression-2`, `essence-2-quality` or `essence-2-light`; one that the agent has.
    #[schema(example = "expression-2")]
    model: String,
    #[schema(example = "A91XMB7113")]
    agent_code: String,
    /// Whether the answer waits for the video, up to 90 s.
    wait: Option<bool>,
    input: VideoInput,
}

/// The words or the sound of the video.
#[derive(Debug, Deserialize, ToSchema)]
struct VideoInput {
    /// `text` or `audio`.
    r#type: String,
    #[schema(example = "Hello, welcome to bitHuman.", max_length = 5_000)]
    text: Option<String>,
    /// The voice, in place of the agent's.
    voice: Option<String>,
    /// A recording: an address, a file of this server's, or base64; at most 120 s.
    audio_url: Option<String>,
}

/// Whether the answer waits.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WaitParams {
    /// `true`: as `wait` in the body.
    wait: Option<String>,
}

/// A video's job.
#[derive(Serialize, ToSchema)]
pub(crate) struct VideoAnswer {
    #[schema(example = true)]
    success: bool,
    #[schema(example = "vid_3f9a2c1b8e7d4a6f0b21")]
    job_id: String,
    /// `processing`, `completed` or `failed`.
    status: &'static str,
    model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    video_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credits_charged: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<VideoError>,
}

/// Why there is no video.
#[derive(Serialize, ToSchema)]
struct VideoError {
    message: String,
}

impl VideoAnswer {
    fn new(job: &Job, origin: &Origin) -> Answer<Self> {
        let order: VideoOrder = serde_json::from_str(&job.input).map_err(ApiError::internal)?;
        let result = job
            .result
            .as_deref()
            .map(serde_json::from_str::<VideoResult>);
        let result = result.transpose().map_err(ApiError::internal)?;
        Ok(Self {
            success: job.state() != JobState::Failed,
            job_id: job.id.clone(),
            status: match job.state() {
                JobState::Open => "processing",
                JobState::Done => "completed",
                JobState::Failed => "failed",
            },
            model: order.model,
            video_url: result.as_ref().map(|result| origin.file(&result.file)),
            duration_seconds: result.as_ref().map(|result| result.seconds),
            credits_charged: result.as_ref().map(|result| result.credits),
            error: job.error.clone().map(|message| VideoError { message }),
        })
    }
}

/// Renders a video of an agent that says a text or a recording.
#[utoipa::path(post, path = "/v1/video/generate", operation_id = "generateTalkingVideo", tag = "Video",
    params(WaitParams,
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 hours")),
    request_body = VideoRequest,
    responses((status = 200, description = "It is being rendered, or is there", body = VideoAnswer),
        (status = 400, description = "Something is not as documented, or the recording can't be had", body = ErrorBody),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 402, description = "There are not enough credits", body = ErrorBody),
        (status = 404, description = "There is no such agent", body = ErrorBody),
        (status = 409, description = "The agent isn't of that model, or isn't ready", body = ErrorBody)))]
pub(crate) async fn generate(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    origin: Origin,
    headers: HeaderMap,
    Params(params): Params<WaitParams>,
    body: Body<VideoRequest>,
) -> Answer<Response> {
    let waits = match params.wait.as_deref() {
        None => body.value.wait.unwrap_or(false),
        Some("true" | "1" | "yes") => true,
        Some("false" | "0" | "no") => false,
        Some(_) => return Err(ApiError::invalid("wait is true or false")),
    };
    let (by, at) = (caller.clone(), platform.clone());
    let work = async move {
        let id = begin(&at, &by, body.value).await?;
        let until = Instant::now() + WAIT;
        loop {
            let job = at.store.job(&by.account, &id).await?;
            let job = job.ok_or_else(|| ApiError::not_found("Video"))?;
            if !waits || job.state() != JobState::Open || Instant::now() > until {
                return VideoAnswer::new(&job, &origin);
            }
            sleep_until((Instant::now() + POLL).min(until)).await;
        }
    };
    replay::once(platform, &caller, "video", &headers, &body.digest, work).await
}

async fn begin(platform: &Arc<Platform>, caller: &Caller, asked: VideoRequest) -> Answer<String> {
    let model = models::known(&asked.model, &models::VIDEO.map(|(name, _)| name))?;
    let VideoInput {
        r#type,
        text,
        voice,
        audio_url,
    } = asked.input;
    let (text, audio) = match (r#type.as_str(), text, audio_url) {
        ("text", Some(text), _) if !text.trim().is_empty() => (Some(text), None),
        ("text", ..) => return Err(ApiError::missing("input.text")),
        ("audio", _, Some(audio)) if !audio.trim().is_empty() => (None, Some(audio)),
        ("audio", ..) => return Err(ApiError::missing("input.audio_url")),
        (other, ..) => {
            let message = format!("'{}' is no input.type; give text or audio", shown(other));
            return Err(ApiError::invalid(message));
        }
    };
    if text
        .as_ref()
        .is_some_and(|text| text.chars().count() > MAX_TEXT_CHARS)
    {
        let message = format!("the text has more than {MAX_TEXT_CHARS} characters");
        return Err(ApiError::invalid(message));
    }
    let agent = platform.agent(&caller.account, &asked.agent_code).await?;
    if !agent.models().contains_key(model) {
        return Err(models::not_generated(&agent.code, model));
    }
    let voice = voice.unwrap_or_else(|| agent.voice_id.clone());
    if text.is_some() {
        platform.voices.check(&voice)?;
    }
    // A recording is fetched now, so that its faults are told at once and no job depends on others' servers.
    let blocking = platform.clone();
    let audio = match audio {
        Some(named) => tokio::task::spawn_blocking(move || recording(&blocking, &named))
            .await?
            .map(Some)?,
        None => None,
    };
    let rate = models::VIDEO
        .iter()
        .find(|(name, _)| *name == model)
        .map_or(0, |&(_, rate)| rate);
    // The longest video that it can be; what it really costs is known when it is there.
    let most = 2 * rate;
    let order = VideoOrder {
        model: model.to_owned(),
        rate: platform.charged(rate),
        text,
        voice,
        audio,
    };
    let token = access::token()?;
    let id = format!("vid_{}", &token[..20]);
    let input = serde_json::to_string(&order).map_err(ApiError::internal)?;
    let job = NewJob {
        id: &id,
        account: &caller.account,
        kind: Kind::Video,
        subject: &agent.code,
        input: &input,
        charge: platform.charge(most),
    };
    if let Err(error) = platform.queue(job).await {
        order.files().for_each(|name| platform.files.remove(name));
        return Err(error);
    }
    Ok(id)
}

/// Fetches a recording and stores it.
fn recording(platform: &Platform, named: &str) -> Answer<String> {
    let media = platform
        .media(named, Category::Audio.max_bytes())
        .map_err(|error| media_refused(error, StatusCode::BAD_REQUEST))?;
    let sounds = [Category::Audio, Category::Video];
    match kind_of(&media.content, &media.name) {
        Some((kind, _)) if sounds.contains(&kind) => {
            Ok(platform
                .files
                .put(Category::Audio, &media.name, &media.content)?)
        }
        _ => Err(ApiError::invalid(
            "audio_url is no recording that can be read",
        )),
    }
}

/// Says how far a video is.
#[utoipa::path(get, path = "/v1/video/{job_id}", operation_id = "getTalkingVideo", tag = "Video",
    params(("job_id" = String, Path, description = "The job that `generate` has given")),
    responses((status = 200, description = "The video's job", body = VideoAnswer),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 404, description = "There is no such job", body = ErrorBody)))]
pub(crate) async fn get(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    origin: Origin,
    Named(job_id): Named,
) -> Answer<Json<VideoAnswer>> {
    let job = platform.store.job(&caller.account, &job_id).await?;
    let job = job.filter(|job| job.kind() == Some(Kind::Video));
    let job = job.ok_or_else(|| ApiError::not_found("Video"))?;
    Ok(Json(VideoAnswer::new(&job, &origin)?))
}
