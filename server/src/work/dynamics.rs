//! An agent's gestures are rendered as clips.

use std::sync::Arc;

use essence::{ErrorKind, Result};
use essence_brain::Cancel;
use essence_media::FRAME_RATE;
use serde::{Deserialize, Serialize};

use super::film::{self, Samples};
use super::outcome::{Attempt, Outcome};
use crate::files::Category;
use crate::platform::Platform;
use crate::store::{Agent, Claim, Effect, UsageEvent};

/// Seconds of a clip.
const CLIP_SECONDS: u64 = 3;

/// Samples a second of its silence.
const RATE_HZ: u32 = 16_000;

/// How often it is looked whether an agent that is being made is ready.
const WAIT_MS: i64 = 2_000;

/// Motions that are no gestures.
const LOOPS: [&str; 2] = ["idle", "talking"];

/// Gestures that were asked for.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct DynamicsOrder {
    /// All of the avatar's without.
    pub(crate) gestures: Option<Vec<String>>,
    /// Credits that were taken.
    pub(crate) credits: i64,
}

pub(super) async fn attempt(
    platform: Arc<Platform>,
    claim: Claim,
    cancel: Cancel,
    hopeless: Option<String>,
) -> Attempt {
    let job = claim.job;
    let order: DynamicsOrder = serde_json::from_str(&job.input).unwrap_or_default();
    let failed = |reason: String| {
        Attempt::Over(Outcome {
            result: Err(reason),
            effects: Vec::new(),
            files: Vec::new(),
            spent: Vec::new(),
        })
    };
    if let Some(reason) = hopeless {
        return failed(reason);
    }
    let agent = match platform.store.agent(&job.account, &job.subject).await {
        Ok(Some(agent)) if agent.is_ready() => agent,
        Ok(Some(agent)) if agent.status == "failed" => {
            return failed("the agent could not be made".to_owned());
        }
        Ok(Some(_)) => return Attempt::Again(WAIT_MS),
        Ok(None) => return failed("the agent was deleted".to_owned()),
        Err(_) => return Attempt::Again(1_000),
    };
    let (rendered, asked, of) = (platform.clone(), order.clone(), agent.clone());
    let rendering = tokio::task::spawn_blocking(move || render(&rendered, &of, &asked, &cancel));
    let clips = match rendering.await {
        Ok(Ok(clips)) => clips,
        Ok(Err(error)) if error.kind() == ErrorKind::Cancelled => return Attempt::Again(0),
        Ok(Err(error)) => return failed(error.message().to_owned()),
        Err(error) => {
            platform.log(&format!("job {}: {error}", job.id));
            return failed("rendering failed; the server's log says why".to_owned());
        }
    };
    let usage = UsageEvent {
        activity_type: "dynamics-generation".to_owned(),
        pricing_code: "dynamics_generation".to_owned(),
        agent_code: Some(agent.code.clone()),
        credits_change: order.credits as f64,
        ..UsageEvent::default()
    };
    Attempt::Over(Outcome {
        result: Ok("{}".to_owned()),
        effects: vec![
            Effect::Clips {
                code: agent.code,
                clips: clips.clone(),
            },
            Effect::Usage(usage),
        ],
        files: clips.into_iter().map(|(_, file)| file).collect(),
        spent: Vec::new(),
    })
}

/// Renders a clip for each gesture that the avatar knows; others are passed over.
fn render(
    platform: &Platform,
    agent: &Agent,
    order: &DynamicsOrder,
    cancel: &Cancel,
) -> Result<Vec<(String, String)>> {
    let avatar = platform.avatar_of(agent, None)?;
    let mut gestures = avatar.info().motions.clone();
    gestures.retain(|name| !LOOPS.contains(&name.as_str()));
    if let Some(asked) = &order.gestures {
        gestures.retain(|name| asked.contains(name));
    }
    let mut clips = Vec::new();
    for gesture in gestures {
        let silence = vec![0.0; RATE_HZ as usize * CLIP_SECONDS as usize];
        let mut silence = Samples::new(RATE_HZ, silence);
        let (name, path) = platform
            .files
            .reserve(Category::Video, &format!("{gesture}.mp4"))?;
        let most = (CLIP_SECONDS + 1) * u64::from(FRAME_RATE);
        let written = film::write(&avatar, &mut silence, &path, most, Some(&gesture), cancel);
        if let Err(error) = written.and_then(|_| platform.files.keep(&name)) {
            platform.files.forget(&name);
            clips
                .iter()
                .for_each(|(_, file): &(String, String)| platform.files.remove(file));
            return Err(error);
        }
        clips.push((gesture, name));
    }
    Ok(clips)
}
