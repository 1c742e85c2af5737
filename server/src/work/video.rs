//! A talking video is rendered.

use std::sync::Arc;

use essence::{ErrorKind, Result};
use essence_brain::Cancel;
use essence_media::{AudioReader, FRAME_RATE};
use serde::{Deserialize, Serialize};

use super::film::{self, Samples, Sound};
use super::outcome::{Attempt, Outcome};
use crate::files::Category;
use crate::platform::Platform;
use crate::store::{Agent, Claim, Effect, UsageEvent, now};

/// Most seconds of a video.
const MAX_SECONDS: u64 = 120;

/// A video that was asked for.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct VideoOrder {
    pub(crate) model: String,
    /// Credits of a minute; 0 where nothing is metered.
    pub(crate) rate: i64,
    pub(crate) text: Option<String>,
    pub(crate) voice: String,
    /// The recording's file.
    pub(crate) audio: Option<String>,
}

/// A video that is there.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct VideoResult {
    pub(crate) file: String,
    pub(crate) seconds: f64,
    pub(crate) credits: i64,
}

pub(super) async fn attempt(
    platform: Arc<Platform>,
    claim: Claim,
    cancel: Cancel,
    hopeless: Option<String>,
) -> Attempt {
    let (job, begun) = (claim.job, now());
    let order: VideoOrder = match serde_json::from_str(&job.input) {
        Ok(order) => order,
        Err(error) => return failed(&job.id, None, error.to_string()),
    };
    if let Some(reason) = hopeless {
        return failed(&job.id, Some(&order), reason);
    }
    let agent = match platform.store.agent(&job.account, &job.subject).await {
        Ok(Some(agent)) => agent,
        Ok(None) => return failed(&job.id, Some(&order), "the agent was deleted".to_owned()),
        Err(_) => return Attempt::Again(1_000),
    };
    let (rendered, asked) = (platform.clone(), order.clone());
    let rendering = tokio::task::spawn_blocking(move || render(&rendered, &agent, &asked, &cancel));
    let (file, frames) = match rendering.await {
        Ok(Ok(done)) => done,
        Ok(Err(error)) if error.kind() == ErrorKind::Cancelled => return Attempt::Again(0),
        Ok(Err(error)) => return failed(&job.id, Some(&order), error.message().to_owned()),
        Err(error) => {
            platform.log(&format!("job {}: {error}", job.id));
            return failed(
                &job.id,
                Some(&order),
                "rendering failed; the server's log says why".to_owned(),
            );
        }
    };
    let seconds = frames as f64 / f64::from(FRAME_RATE);
    let minutes = (seconds / 60.0).ceil().max(1.0) as i64;
    // A video is cut off at the minutes that were paid for.
    let credits = (minutes * order.rate).min(job.charged as i64);
    let usage = UsageEvent {
        activity_type: "talking-video".to_owned(),
        pricing_code: format!("talking_video_{}", order.model.replace('-', "_")),
        agent_code: Some(job.subject.clone()),
        credits_change: credits as f64,
        frames_rendered: i64::try_from(frames).ok(),
        start_time: Some(begun),
        end_time: Some(now()),
        ..UsageEvent::default()
    };
    let result = VideoResult {
        file: file.clone(),
        seconds,
        credits,
    };
    let data = serde_json::json!({
        "job_id": job.id,
        "agent_code": job.subject,
        "status": "completed",
        "video_url": platform.own_url().file(&file),
        "duration_seconds": seconds,
    });
    let effects = vec![
        Effect::Usage(usage),
        Effect::Event {
            kind: "video.completed",
            data: data.to_string(),
        },
    ];
    Attempt::Over(Outcome {
        result: serde_json::to_string(&result).map_err(|error| error.to_string()),
        effects,
        files: vec![file],
        spent: order.files().cloned().collect(),
    })
}

impl VideoOrder {
    /// The files that it was asked with.
    pub(crate) fn files(&self) -> impl Iterator<Item = &String> {
        self.audio.iter()
    }
}

/// The end of a job that gives no video.
fn failed(id: &str, order: Option<&VideoOrder>, reason: String) -> Attempt {
    let data = serde_json::json!({"job_id": id, "status": "failed", "error": {"message": reason}});
    Attempt::Over(Outcome {
        result: Err(reason),
        effects: vec![Effect::Event {
            kind: "video.failed",
            data: data.to_string(),
        }],
        files: Vec::new(),
        spent: order
            .into_iter()
            .flat_map(VideoOrder::files)
            .cloned()
            .collect(),
    })
}

fn render(
    platform: &Platform,
    agent: &Agent,
    order: &VideoOrder,
    cancel: &Cancel,
) -> Result<(String, u64)> {
    let avatar = platform.avatar_of(agent, Some(&order.model))?;
    let mut sound: Box<dyn Sound> = match (&order.text, &order.audio) {
        (Some(text), _) => {
            let voice = platform.voices.check(&order.voice).map_err(|refused| {
                essence::Error::new(ErrorKind::InvalidArgument, refused.message().to_owned())
            })?;
            let (rate_hz, samples) = platform.voices.sound(text, &voice, 1.0)?;
            Box::new(Samples::new(rate_hz, samples))
        }
        (None, Some(name)) => {
            let path = platform
                .files
                .find(name)?
                .ok_or_else(|| essence::Error::new(ErrorKind::NotFound, "the recording is gone"))?;
            Box::new(AudioReader::open(path)?)
        }
        (None, None) => {
            let message = "there is neither a text nor a recording";
            return Err(essence::Error::new(ErrorKind::InvalidArgument, message));
        }
    };
    let (name, path) = platform
        .files
        .reserve(Category::Video, &format!("{}.mp4", agent.code))?;
    let most = MAX_SECONDS * u64::from(FRAME_RATE);
    match film::write(&avatar, &mut *sound, &path, most, None, cancel) {
        Ok(frames) => {
            platform.files.keep(&name)?;
            Ok((name, frames))
        }
        Err(error) => {
            platform.files.forget(&name);
            Err(error)
        }
    }
}
