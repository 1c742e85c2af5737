//! An agent is made, or a model of it: of a picture in the engine, of a film by the studio, of words with a
//! picture that a service makes, or a face that ships. What is asked for as `essence-…` of a picture is distilled from
//! it later, where that is wanted.

use std::sync::Arc;

use essence::{Error, ErrorKind, Result};
use essence_brain::{Cancel, Shape};
use serde::{Deserialize, Serialize};

use super::outcome::{Attempt, Outcome};
use super::studio::{self, Source};
use crate::files::Category;
use crate::models;
use crate::persona;
use crate::platform::Platform;
use crate::store::{Agent, Claim, Effect, Kind, Progress, UsageEvent, now};

/// A model that was asked for.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct AgentOrder {
    pub(crate) model: String,
    /// Credits that were taken.
    pub(crate) credits: i64,
    /// Of a picture that is made: `16:9`, `9:16`, or square.
    #[serde(default)]
    pub(crate) aspect_ratio: Option<String>,
    /// Whether the model is to be distilled from the agent's picture.
    #[serde(default)]
    pub(crate) distill: bool,
}

/// An avatar that was made.
struct Made {
    /// Its file in the file store.
    model: String,
    /// A picture of it, where the agent had none.
    image: Option<String>,
}

pub(super) async fn attempt(
    platform: Arc<Platform>,
    claim: Claim,
    cancel: Cancel,
    hopeless: Option<String>,
) -> Attempt {
    let job = claim.job;
    let adds = job.kind() == Some(Kind::Model);
    let agent = match platform.store.agent(&job.account, &job.subject).await {
        Ok(Some(agent)) => agent,
        // Its jobs went with it; this one was under way.
        Ok(None) => return failed(None, "the agent was deleted", adds),
        Err(_) => return Attempt::Again(1_000),
    };
    let order = order_of(&job.input);
    if let Some(reason) = hopeless {
        return failed(Some(agent), &reason, adds);
    }
    let begun = now();
    let step = |step, fraction, message| Progress {
        status: "generating",
        step,
        fraction,
        message,
    };
    if !adds {
        let _ = platform
            .store
            .set_progress(&agent.code, step("persona", 0.1, "Persona"))
            .await;
        let _ = platform
            .store
            .set_progress(&agent.code, step("voice_image", 0.2, "Face and voice"))
            .await;
        let last = match agent.video_file.is_some() {
            true => step("video", 0.45, "The studio makes an avatar of the film"),
            false => step("lip_sync", 0.7, "The face learns to speak"),
        };
        let _ = platform.store.set_progress(&agent.code, last).await;
    }
    let (making, of, asked, job_id) = (
        platform.clone(),
        agent.clone(),
        order.clone(),
        job.id.clone(),
    );
    let made =
        tokio::task::spawn_blocking(move || make(&making, &of, &asked, &job_id, &cancel)).await;
    let made = match made {
        Ok(Ok(made)) => made,
        Ok(Err(error)) if error.kind() == ErrorKind::Cancelled => return Attempt::Again(0),
        Ok(Err(error)) => return failed(Some(agent), error.message(), adds),
        Err(error) => {
            platform.log(&format!("job {}: {error}", job.id));
            return failed(
                Some(agent),
                "making it failed; the server's log says why",
                adds,
            );
        }
    };
    let mut agent = agent;
    let before = agent.models();
    let mut have = before.clone();
    for family in models::families_of(&order.model) {
        have.insert((*family).to_owned(), made.model.clone());
    }
    agent.models = serde_json::to_string(&have).unwrap_or_default();
    let spent = before.into_values();
    let spent = spent.filter(|name| !have.values().any(|kept| kept == name));
    let spent = spent.collect();
    let mut files = vec![made.model];
    if let Some(image) = made.image {
        files.push(image.clone());
        agent.image_file = Some(image);
    }
    agent.status = "ready".to_owned();
    agent.event_type = "lip_created".to_owned();
    agent.progress = 1.0;
    agent.progress_msg = "Done".to_owned();
    agent.current_step = "done".to_owned();
    agent.error_message = None;
    let usage = UsageEvent {
        activity_type: "agent-generation".to_owned(),
        pricing_code: format!("agent_generation_{}", order.model.replace('-', "_")),
        agent_code: Some(agent.code.clone()),
        credits_change: order.credits as f64,
        start_time: Some(begun),
        end_time: Some(now()),
        ..UsageEvent::default()
    };
    let origin = platform.own_url();
    let data = serde_json::json!({
        "agent_id": agent.code,
        "agent_code": agent.code,
        "name": agent.name,
        "status": "ready",
        "model": order.model,
        "model_url": files.first().map(|name| origin.file(name)),
    });
    let later = platform.distill
        && !order.distill
        && order.model.starts_with("essence")
        && agent.video_file.is_none();
    let distillation = AgentOrder {
        credits: 0,
        distill: true,
        ..order
    };
    let mut effects = Vec::new();
    if later {
        effects.push(Effect::Job {
            kind: Kind::Model,
            input: serde_json::to_string(&distillation).unwrap_or_default(),
        });
    }
    effects.extend([
        Effect::Agent(Box::new(agent)),
        Effect::Usage(usage),
        Effect::Event {
            kind: "agent.ready",
            data: data.to_string(),
        },
    ]);
    Attempt::Over(Outcome {
        result: Ok("{}".to_owned()),
        effects,
        files,
        spent,
    })
}

fn order_of(input: &str) -> AgentOrder {
    serde_json::from_str(input).unwrap_or(AgentOrder {
        model: "essence-1".to_owned(),
        credits: 0,
        aspect_ratio: None,
        distill: false,
    })
}

/// The end of a job that gives nothing. An agent that a model was to be added to stays as it is.
fn failed(agent: Option<Agent>, reason: &str, adds: bool) -> Attempt {
    let mut effects = Vec::new();
    if let Some(mut agent) = agent.filter(|_| !adds) {
        agent.status = "failed".to_owned();
        agent.event_type = "failed".to_owned();
        agent.error_message = Some(reason.to_owned());
        agent.progress_msg = "Failed".to_owned();
        let data = serde_json::json!({
            "agent_id": agent.code,
            "agent_code": agent.code,
            "status": "failed",
            "error_message": reason,
        });
        effects.push(Effect::Agent(Box::new(agent)));
        effects.push(Effect::Event {
            kind: "agent.failed",
            data: data.to_string(),
        });
    }
    Attempt::Over(Outcome {
        result: Err(reason.to_owned()),
        effects,
        files: Vec::new(),
        spent: Vec::new(),
    })
}

/// Makes the avatar. Blocks.
fn make(
    platform: &Platform,
    agent: &Agent,
    order: &AgentOrder,
    job: &str,
    cancel: &Cancel,
) -> Result<Made> {
    let gone = || Error::new(ErrorKind::NotFound, "the agent's own file is gone");
    let by_film = agent
        .video_file
        .as_ref()
        .filter(|_| !order.model.starts_with("expression") || agent.image_file.is_none());
    let mut painted = None;
    let content = if let Some(film) = by_film {
        let film = platform.files.find(film)?.ok_or_else(gone)?;
        let place = platform.files.workplace(job)?;
        studio::create(
            platform,
            Source::Film(&film),
            &agent.name,
            place.path(),
            cancel,
        )?
    } else if let (true, Some(image)) = (order.distill, &agent.image_file) {
        let picture = platform.files.find(image)?.ok_or_else(gone)?;
        let place = platform.files.workplace(job)?;
        let source = Source::Portrait(&picture);
        studio::create(platform, source, &agent.name, place.path(), cancel)?
    } else if let Some(image) = &agent.image_file {
        let path = platform.files.find(image)?.ok_or_else(gone)?;
        let picture = std::fs::read(path).map_err(|e| gone().with_source(e))?;
        portrait(&picture, &agent.name)?
    } else if let Some(paint) = &platform.paint {
        let shape = match order.aspect_ratio.as_deref() {
            Some("16:9") => Shape::Landscape,
            Some("9:16") => Shape::Portrait,
            _ => Shape::Square,
        };
        let description = persona::picture_of(&agent.system_prompt);
        let picture = paint.paint(&description, shape, cancel)?;
        let content = portrait(&picture, &agent.name)?;
        painted = Some(picture);
        content
    } else {
        platform.shipped_face().to_vec()
    };
    if cancel.is_cancelled() {
        return Err(Error::new(ErrorKind::Cancelled, "stopped"));
    }
    let image = match (&agent.image_file, painted) {
        (Some(_), _) => None,
        (None, Some(picture)) => {
            let kind = infer::get(&picture).map_or("png", |kind| kind.extension());
            let name = format!("painted.{kind}");
            Some(platform.files.put(Category::Image, &name, &picture)?)
        }
        (None, None) => {
            let avatar = platform.engine.open_bytes(content.clone())?;
            let poster = crate::poster::poster(&avatar)?;
            Some(platform.files.put(Category::Image, "poster.png", &poster)?)
        }
    };
    let name = format!("{}.imx", agent.code);
    Ok(Made {
        model: platform.files.put(Category::Model, &name, &content)?,
        image,
    })
}

#[cfg(feature = "portrait")]
fn portrait(picture: &[u8], name: &str) -> Result<Vec<u8>> {
    use essence::portrait::{PortraitOptions, create};
    let mut options = PortraitOptions::default();
    options.name = name.to_owned();
    let (content, _) = create(picture, &options)?;
    Ok(content)
}

#[cfg(not(feature = "portrait"))]
fn portrait(_: &[u8], _: &str) -> Result<Vec<u8>> {
    let message = "this server was built without pictures of faces; give a film";
    Err(Error::new(ErrorKind::UnsupportedFormat, message))
}
