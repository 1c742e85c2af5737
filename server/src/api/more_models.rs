//! Further models of agents that are there.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{Body, Named};
use super::caller::Caller;
use super::error::{Answer, ApiError, ErrorBody};
use super::generate::mismatch;
use crate::models;
use crate::platform::Platform;
use crate::store::{Agent, Kind, NewJob, State as JobState, new_id};
use crate::subject::Subject;
use crate::work::AgentOrder;

/// A model to add.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ModelRequest {
    /// `essence-1`, `essence-2`, `expression-1` or `expression-2`.
    #[schema(example = "expression-2")]
    model: String,
}

/// A model was added, or is being made.
#[derive(Serialize, ToSchema)]
pub(crate) struct ModelAnswer {
    success: bool,
    agent_id: String,
    model: &'static str,
    /// `ready` or `processing`.
    status: &'static str,
    /// Credits that it costs.
    credits: i64,
    /// The models that the agent can be launched as now.
    supported_models: Vec<String>,
    message: String,
}

/// Adds a model to an agent that is ready.
#[utoipa::path(post, path = "/v1/agent/{code}/models", operation_id = "addAgentModel", tag = "Agent Management",
    params(("code" = String, Path, description = "The agent's code")), request_body = ModelRequest,
    responses((status = 200, description = "It is there, or is being made", body = ModelAnswer),
        (status = 400, description = "There is no such model", body = ErrorBody),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 402, description = "There are not enough credits", body = ErrorBody),
        (status = 404, description = "There is no such agent", body = ErrorBody),
        (status = 409, description = "The agent isn't ready", body = ErrorBody),
        (status = 422, description = "The agent lacks what the model is made of", body = ErrorBody)))]
pub(crate) async fn add_model(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Named(code): Named,
    body: Body<ModelRequest>,
) -> Answer<Json<ModelAnswer>> {
    let model = models::known(&body.value.model, &models::ADDABLE)?;
    let agent = platform.agent(&caller.account, &code).await?;
    let answer = |status, credits, message: &str| {
        Ok(Json(ModelAnswer {
            success: true,
            agent_id: agent.code.clone(),
            model,
            status,
            credits,
            supported_models: agent.models().into_keys().collect(),
            message: message.to_owned(),
        }))
    };
    if !agent.is_ready() {
        return Err(not_ready(&agent));
    }
    let have = agent.models();
    if models::families_of(model)
        .iter()
        .all(|family| have.contains_key(*family))
    {
        return answer("ready", 0, "The agent has this model");
    }
    let others = [Subject::Drawing, Subject::Nobody];
    let other = others
        .into_iter()
        .find(|other| agent.subject == other.as_str());
    if models::wants_person(model) && other.is_some() {
        return Err(mismatch(model, other));
    }
    if agent.image_file.is_none() && agent.video_file.is_none() {
        return Err(ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "MODEL_PREREQUISITE_MISSING",
            format!("agent {code} has neither a picture nor a film of its own to make {model} of"),
        ));
    }
    if let Some(job) = platform.store.newest_job(Kind::Model, &code).await?
        && job.state() == JobState::Open
    {
        return answer("processing", 0, "A model is being made already");
    }
    let credits = if model == "expression-1" {
        0
    } else {
        models::credits(model)
    };
    let order = AgentOrder {
        model: model.to_owned(),
        credits: platform.charged(credits),
        aspect_ratio: None,
        distill: false,
    };
    let input = serde_json::to_string(&order).map_err(ApiError::internal)?;
    let job = NewJob {
        id: &new_id(),
        account: &caller.account,
        kind: Kind::Model,
        subject: &code,
        input: &input,
        charge: platform.charge(credits),
    };
    platform.queue(job).await?;
    answer(
        "processing",
        credits,
        "The model is being made; poll the agent's status",
    )
}

/// The refusal of what asks for an agent that is ready.
pub(crate) fn not_ready(agent: &Agent) -> ApiError {
    let state = match agent.status.as_str() {
        "failed" => "could not be made",
        _ => "is still being made",
    };
    ApiError::new(
        StatusCode::CONFLICT,
        "AGENT_NOT_READY",
        format!("agent {} {state}", agent.code),
    )
}
