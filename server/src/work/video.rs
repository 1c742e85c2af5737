//! A talking video is rendered.

use std::sync::Arc;

use essence::{ErrorKind, Result};
use essence_media::{AudioReader, FRAME_RATE};
use serde::{Deserialize, Serialize};

use super::film::{self, Samples, Sound};
use super::outcome::{Attempt, Outcome, Wanted};
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
    /// Credits that were taken for the longest video.
    pub(crate) charged: i64,
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
    wanted: Wanted,
    hopeless: Option<String>,
) -> Attempt {
    let (job, begun) = (claim.job.clone(), now());
    let order: VideoOrder = match serde_json::from_str(&job.input) {
        Ok(order) => order,
        Err(error) => return over(&job.id, &VideoOrder::nothing(), Err(error.to_string())),
    };
    if let Some(reason) = hopeless {
        return over(&job.id, &order, Err(reason));
    }
    let agent = match platform.store.agent(&job.account, &job.subject).await {
        Ok(Some(agent)) => agent,
        Ok(None) => return over(&job.id, &order, Err("the agent was deleted".to_owned())),
        Err(_) => return Attempt::Again(1_000),
    };
    let (rendered, asked) = (platform.clone(), order.clone());
    let rendering = tokio::task::spawn_blocking(move || render(&rendered, &agent, &asked, &wanted));
    let (file, frames) = match rendering.await {
        Ok(Ok(done)) => done,
        Ok(Err(error)) if error.kind() == ErrorKind::Cancelled => return Attempt::Again(0),
        Ok(Err(error)) => return over(&job.id, &order, Err(error.message().to_owned())),
        Err(error) => {
            platform.log(&format!("job {}: {error}", job.id));
            return over(
                &job.id,
                &order,
                Err("rendering failed; the server's log says why".to_owned()),
            );
        }
    };
    let seconds = frames as f64 / f64::from(FRAME_RATE);
    let minutes = (seconds / 60.0).ceil().max(1.0) as i64;
    let credits = (minutes * order.rate).min(order.charged);
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
    let mut effects = vec![
        Effect::Usage(usage),
        Effect::Event {
            kind: "video.completed",
            data: data.to_string(),
        },
    ];
    if order.charged > credits {
        effects.push(Effect::Refund((order.charged - credits) as f64));
    }
    Attempt::Over(Outcome {
        result: serde_json::to_string(&result).map_err(|error| error.to_string()),
        effects,
        files: vec![file],
    })
}

impl VideoOrder {
    /// Stands for an order that can't be read.
    fn nothing() -> Self {
        Self {
            model: String::new(),
            rate: 0,
            charged: 0,
            text: None,
            voice: String::new(),
            audio: None,
        }
    }
}

/// The end of a job that gives no video: what was taken is given back.
fn over(id: &str, order: &VideoOrder, result: std::result::Result<String, String>) -> Attempt {
    let message = result.as_ref().err().cloned().unwrap_or_default();
    let data = serde_json::json!({"job_id": id, "status": "failed", "error": {"message": message}});
    let mut effects = vec![Effect::Event {
        kind: "video.failed",
        data: data.to_string(),
    }];
    if order.charged > 0 {
        effects.push(Effect::Refund(order.charged as f64));
    }
    Attempt::Over(Outcome {
        result,
        effects,
        files: Vec::new(),
    })
}

fn render(
    platform: &Platform,
    agent: &Agent,
    order: &VideoOrder,
    wanted: &Wanted,
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
                .path(name)
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
    match film::write(&avatar, &mut *sound, &path, most, None, wanted) {
        Ok(frames) => Ok((name, frames)),
        Err(error) => {
            platform.files.forget(&name);
            Err(error)
        }
    }
}
