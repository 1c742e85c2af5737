//! Gestures of agents: rendered as clips, listed, changed.
//!
//! An avatar's gestures are there as soon as it is; generating renders each as a clip, for pages that
//! show them. An unknown gesture is no failure.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::body::{Body, Named};
use super::caller::Caller;
use super::error::{Answer, ApiError, ErrorBody, shown};
use super::generate::Started;
use super::more_models::not_ready;
use super::replay;
use crate::models::DYNAMICS_CREDITS;
use crate::origin::Origin;
use crate::platform::Platform;
use crate::store::{Agent, Kind, NewJob, State as JobState, new_id, now};
use crate::work::DynamicsOrder;

/// Most seconds of a gesture.
const MAX_DURATION_S: f64 = 60.0;

/// Most bytes of an agent's gestures in JSON.
const MAX_BYTES: usize = 64 << 10;

/// Gestures to render.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct DynamicsRequest {
    #[schema(example = "A91XMB7113")]
    agent_id: String,
    /// Kept for compatibility: gestures are those of the agent's own face.
    #[serde(rename = "image_url")]
    _image_url: Option<String>,
    /// Seconds of each gesture.
    duration: Option<f64>,
    /// `seedance`, `kling` or `auto`, kept for compatibility: the engine's rig renders them all.
    model: Option<String>,
    /// Gestures by name; all of the avatar's without.
    motion_prompts: Option<Vec<String>>,
}

/// Renders an agent's gestures as clips. Poll the gestures' status.
#[utoipa::path(post, path = "/v1/dynamics/generate", operation_id = "generateDynamics", tag = "Dynamics",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 hours")),
    request_body = DynamicsRequest,
    responses((status = 200, description = "They are being rendered", body = Started),
        (status = 400, description = "The body is not as documented", body = ErrorBody),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 402, description = "There are not enough credits", body = ErrorBody),
        (status = 404, description = "There is no such agent", body = ErrorBody)))]
pub(crate) async fn generate(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body<DynamicsRequest>,
) -> Answer<Response> {
    let (asked, by, at) = (body.value, caller.clone(), platform.clone());
    let work = async move { begin(&at, &by, &asked).await };
    replay::once(platform, &caller, "dynamics", &headers, &body.digest, work).await
}

async fn begin(platform: &Platform, caller: &Caller, asked: &DynamicsRequest) -> Answer<Started> {
    if let Some(model) = asked.model.as_deref()
        && !["seedance", "kling", "auto"].contains(&model)
    {
        let message = format!(
            "'{}' is no motion model; give seedance, kling or auto",
            shown(model)
        );
        return Err(ApiError::invalid(message));
    }
    if asked
        .duration
        .is_some_and(|duration| !(0.0..=MAX_DURATION_S).contains(&duration))
    {
        let message = format!("duration is from 0 to {MAX_DURATION_S} seconds");
        return Err(ApiError::invalid(message));
    }
    let agent = platform.agent(&caller.account, &asked.agent_id).await?;
    let started = Started {
        success: true,
        message: "Dynamics generation started",
        agent_id: agent.code.clone(),
        status: "processing",
    };
    if let Some(job) = platform
        .store
        .newest_job(Kind::Dynamics, &agent.code)
        .await?
        && job.state() == JobState::Open
    {
        return Ok(started);
    }
    let gestures = asked.motion_prompts.clone();
    queue(platform, caller, &agent.code, gestures, DYNAMICS_CREDITS).await?;
    Ok(started)
}

/// Has gestures rendered, all of the avatar's if none are named.
async fn queue(
    platform: &Platform,
    caller: &Caller,
    code: &str,
    gestures: Option<Vec<String>>,
    credits: i64,
) -> Answer<()> {
    let order = DynamicsOrder {
        gestures,
        credits: platform.charged(credits),
    };
    let input = serde_json::to_string(&order).map_err(ApiError::internal)?;
    let job = NewJob {
        id: &new_id(),
        account: &caller.account,
        kind: Kind::Dynamics,
        subject: code,
        input: &input,
        charge: platform.charge(credits),
    };
    platform.queue(job).await
}

/// The gestures.
#[derive(Serialize, ToSchema)]
pub(crate) struct DynamicsAnswer {
    #[schema(example = true)]
    success: bool,
    data: Dynamics,
}

/// An agent's gestures.
#[derive(Serialize, ToSchema)]
struct Dynamics {
    agent_id: String,
    /// The avatar's file, once gestures were rendered.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// `ready`, `processing` or `failed`.
    status: &'static str,
    /// Addresses of clips by gesture.
    #[schema(value_type = std::collections::HashMap<String, String>)]
    gestures: Map<String, Value>,
    /// The older name of `url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    dynamics: Option<String>,
    /// Whether words of the conversation trigger gestures.
    enabled: bool,
}

/// Lists an agent's gestures.
#[utoipa::path(get, path = "/v1/dynamics/{agent_id}", operation_id = "getDynamics", tag = "Dynamics",
    params(("agent_id" = String, Path, description = "The agent's code")),
    responses((status = 200, description = "The gestures", body = DynamicsAnswer),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 404, description = "There is no such agent", body = ErrorBody)))]
pub(crate) async fn get(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    origin: Origin,
    Named(agent_id): Named,
) -> Answer<Json<DynamicsAnswer>> {
    // The job first: what one has rendered that is done, the agent has.
    let job = platform.store.newest_job(Kind::Dynamics, &agent_id).await?;
    let agent = platform.agent(&caller.account, &agent_id).await?;
    let status = match job.map(|job| job.state()) {
        Some(JobState::Open) => "processing",
        Some(JobState::Failed) => "failed",
        Some(JobState::Done) | None => "ready",
    };
    let dynamics = agent.gestures();
    let mut gestures = Map::new();
    for (name, result) in dynamics["batch_results"].as_object().into_iter().flatten() {
        if let Some(file) = result["file"].as_str() {
            gestures.insert(name.clone(), origin.file(file).into());
        } else if let Some(url) = result["video_url"].as_str() {
            gestures.insert(name.clone(), url.into());
        }
    }
    let url = match gestures.is_empty() {
        true => None,
        false => agent
            .models()
            .into_values()
            .next()
            .map(|name| origin.file(&name)),
    };
    Ok(Json(DynamicsAnswer {
        success: true,
        data: Dynamics {
            agent_id: agent.code,
            dynamics: url.clone(),
            url,
            status,
            gestures,
            enabled: dynamics["enabled"].as_bool().unwrap_or(true),
        },
    }))
}

/// A change of gestures.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct DynamicsUpdate {
    /// Merged with what is there: `enabled`, `batch_results`, `result`, `talking`, and `keywords`, a map of
    /// words to gestures.
    #[schema(value_type = Object)]
    dynamics: Map<String, Value>,
    /// Whether gestures are on.
    toggle_enabled: Option<bool>,
}

/// Gestures have changed.
#[derive(Serialize, ToSchema)]
pub(crate) struct DynamicsUpdated {
    #[schema(example = true)]
    success: bool,
    message: &'static str,
    agent_id: String,
    /// `started`, or `failed` where the agent isn't ready.
    regeneration_status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    regeneration_error: Option<String>,
    data: DynamicsChange,
}

/// The change, in the older shape.
#[derive(Serialize, ToSchema)]
struct DynamicsChange {
    agent_id: String,
    updated_at: String,
}

/// Changes an agent's gestures, and renders them anew.
#[utoipa::path(put, path = "/v1/dynamics/{agent_id}", operation_id = "updateDynamics", tag = "Dynamics",
    params(("agent_id" = String, Path, description = "The agent's code")), request_body = DynamicsUpdate,
    responses((status = 200, description = "They are changed", body = DynamicsUpdated),
        (status = 400, description = "The body is not as documented", body = ErrorBody),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 404, description = "There is no such agent", body = ErrorBody)))]
pub(crate) async fn update(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Named(agent_id): Named,
    body: Body<DynamicsUpdate>,
) -> Answer<Json<DynamicsUpdated>> {
    let change = body.value;
    let agent = changed(&platform, &caller, &agent_id, &change).await?;
    platform.forget_face(&agent_id);
    let regenerated = match agent.is_ready() {
        true => {
            queue(&platform, &caller, &agent_id, None, 0).await?;
            None
        }
        false => Some(not_ready(&agent).message().to_owned()),
    };
    Ok(Json(DynamicsUpdated {
        success: true,
        message: match regenerated {
            None => "Dynamics updated successfully and movements regeneration started",
            Some(_) => "Dynamics updated successfully",
        },
        data: DynamicsChange {
            agent_id: agent_id.clone(),
            updated_at: now(),
        },
        agent_id,
        regeneration_status: match regenerated {
            None => "started",
            Some(_) => "failed",
        },
        regeneration_error: regenerated,
    }))
}

/// Merges a change into the agent's gestures, however many change them at the same time.
async fn changed(
    platform: &Platform,
    caller: &Caller,
    code: &str,
    change: &DynamicsUpdate,
) -> Answer<Agent> {
    check(&change.dynamics)?;
    let mut dynamics = Value::Object(change.dynamics.clone());
    for (_, clip) in dynamics["batch_results"]
        .as_object_mut()
        .into_iter()
        .flatten()
    {
        // Which files are an agent's own, nobody says from outside: they go when it does.
        clip.as_object_mut().map(|clip| clip.remove("file"));
    }
    let changed = platform
        .store
        .change_dynamics(&caller.account, code, |mut merged| {
            merge(&mut merged, &dynamics);
            if let Some(enabled) = change.toggle_enabled {
                merged["enabled"] = enabled.into();
            }
            Some(merged.to_string()).filter(|text| text.len() <= MAX_BYTES)
        });
    match changed.await? {
        Some((agent, true)) => Ok(agent),
        Some((_, false)) => Err(ApiError::invalid(
            "the agent's gestures are larger than 64 KB",
        )),
        None => Err(ApiError::no_agent(code)),
    }
}

/// Refuses members of the wrong kind.
fn check(dynamics: &Map<String, Value>) -> Answer<()> {
    if dynamics
        .get("enabled")
        .is_some_and(|enabled| !enabled.is_boolean())
    {
        return Err(ApiError::invalid("dynamics.enabled is true or false"));
    }
    for name in ["batch_results", "result", "talking", "keywords"] {
        if dynamics.get(name).is_some_and(|value| !value.is_object()) {
            return Err(ApiError::invalid(format!("dynamics.{name} is an object")));
        }
    }
    Ok(())
}

/// Writes what `change` holds over `value`; objects are merged, one level after the other.
fn merge(value: &mut Value, change: &Value) {
    match (value, change) {
        (Value::Object(value), Value::Object(change)) => {
            for (name, change) in change {
                merge(value.entry(name.clone()).or_insert(Value::Null), change);
            }
        }
        (value, change) => *value = change.clone(),
    }
}
