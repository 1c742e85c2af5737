//! Agents: made, listed, read, changed and deleted.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::body::{Body, Named, Params};
use super::caller::Caller;
use super::error::{Answer, ApiError, ErrorBody};
use super::page::{Page, Pagination};
use crate::models;
use crate::origin::Origin;
use crate::platform::Platform;
use crate::store::{Agent, AgentFilter};
use crate::work::files_of;

/// An agent.
#[derive(Serialize, ToSchema)]
#[schema(as = Agent)]
pub(crate) struct AgentView {
    /// Its code, by which it is called everywhere.
    #[schema(example = "A91XMB7113")]
    code: String,
    /// The same.
    #[schema(example = "A91XMB7113")]
    agent_id: String,
    #[schema(example = "Fitness Coach")]
    name: String,
    description: String,
    language: String,
    gender: String,
    /// The model that it was made for.
    model: String,
    /// The models that it can be launched as.
    supported_models: Vec<String>,
    /// `person`, `drawing`, `nobody` (no face is in the picture), or empty where nobody has looked.
    subject: String,
    #[schema(example = "You are a friendly fitness coach.")]
    system_prompt: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    video_url: Option<String>,
    /// The avatar's file.
    #[serde(skip_serializing_if = "Option::is_none")]
    model_url: Option<String>,
    voice_id: String,
    status: String,
    event_type: String,
    /// 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    progress: f64,
    progress_msg: String,
    #[schema(example = "done")]
    current_step: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
    created_at: String,
    updated_at: String,
    /// The gestures and whether they are on.
    #[schema(value_type = Object)]
    dynamics: serde_json::Value,
}

impl AgentView {
    pub(crate) fn new(agent: &Agent, origin: &Origin) -> Self {
        let models = agent.models();
        let own = models::families_of(&agent.model);
        let file = own
            .iter()
            .find_map(|family| models.get(*family))
            .or(models.values().next());
        Self {
            code: agent.code.clone(),
            agent_id: agent.code.clone(),
            name: agent.name.clone(),
            description: agent.description.clone(),
            language: agent.language.clone(),
            gender: agent.gender.clone(),
            model: agent.model.clone(),
            supported_models: models.keys().cloned().collect(),
            subject: agent.subject.clone(),
            system_prompt: agent.system_prompt.clone(),
            image_url: agent.image_file.as_deref().map(|name| origin.file(name)),
            video_url: agent.video_file.as_deref().map(|name| origin.file(name)),
            model_url: file.map(|name| origin.file(name)),
            voice_id: agent.voice_id.clone(),
            status: agent.status.clone(),
            event_type: agent.event_type.clone(),
            progress: agent.progress,
            progress_msg: agent.progress_msg.clone(),
            current_step: agent.current_step.clone(),
            error_message: agent.error_message.clone(),
            created_at: agent.created_at.clone(),
            updated_at: agent.updated_at.clone(),
            dynamics: serde_json::from_str(&agent.dynamics).unwrap_or_default(),
        }
    }
}

/// One agent.
#[derive(Serialize, ToSchema)]
pub(crate) struct AgentAnswer {
    #[schema(example = true)]
    success: bool,
    data: AgentView,
}

/// A page of agents.
#[derive(Serialize, ToSchema)]
pub(crate) struct AgentPage {
    #[schema(example = true)]
    success: bool,
    data: Vec<AgentView>,
    pagination: Pagination,
}

/// The agents to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// Agents in an answer, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<i64>,
    /// Agents to pass over.
    #[param(minimum = 0, default = 0)]
    offset: Option<i64>,
    /// Only agents in this state: `processing`, `generating`, `ready` or `failed`.
    status: Option<String>,
}

/// A new persona of an agent.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct UpdateRequest {
    /// The new prompt.
    #[schema(
        example = "You are a professional sales assistant.",
        max_length = 20_000
    )]
    system_prompt: String,
}

/// An agent has changed.
#[derive(Serialize, ToSchema)]
pub(crate) struct Updated {
    #[schema(example = "A91XMB7113")]
    agent_code: String,
    #[schema(example = true)]
    updated: bool,
}

/// An agent is gone.
#[derive(Serialize, ToSchema)]
pub(crate) struct Deleted {
    #[schema(example = true)]
    success: bool,
    #[schema(example = "A91XMB7113")]
    agent_code: String,
    #[schema(example = true)]
    deleted: bool,
}

/// Most characters of a prompt.
pub(crate) const MAX_PROMPT_CHARS: usize = 20_000;

/// Lists the account's agents, newest first.
#[utoipa::path(get, path = "/v1/agents", operation_id = "listAgents", tag = "Agent Management", params(ListParams),
    responses((status = 200, description = "A page of agents", body = AgentPage),
        (status = 400, description = "A limit out of range", body = ErrorBody),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody)))]
pub(crate) async fn list(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    origin: Origin,
    Params(params): Params<ListParams>,
) -> Answer<Json<AgentPage>> {
    let page = Page::new(params.limit, params.offset, 20, 100)?;
    let filter = AgentFilter {
        account: &caller.account,
        status: params.status.as_deref(),
        limit: page.limit,
        offset: page.offset,
    };
    let (agents, total) = platform.store.agents(&filter).await?;
    Ok(Json(AgentPage {
        success: true,
        data: agents
            .iter()
            .map(|agent| AgentView::new(agent, &origin))
            .collect(),
        pagination: page.of(total),
    }))
}

/// Gives an agent.
#[utoipa::path(get, path = "/v1/agent/{code}", operation_id = "getAgent", tag = "Agent Management",
    params(("code" = String, Path, description = "The agent's code")),
    responses((status = 200, description = "The agent", body = AgentAnswer),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 404, description = "There is no such agent", body = ErrorBody)))]
pub(crate) async fn get(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    origin: Origin,
    Named(code): Named,
) -> Answer<Json<AgentAnswer>> {
    let agent = platform.agent(&caller.account, &code).await?;
    let data = AgentView::new(&agent, &origin);
    Ok(Json(AgentAnswer {
        success: true,
        data,
    }))
}

/// Says how far the making of an agent is.
#[utoipa::path(get, path = "/v1/agent/status/{agent_id}", operation_id = "getAgentStatus", tag = "Agent Generation",
    params(("agent_id" = String, Path, description = "The agent's code")),
    responses((status = 200, description = "The agent and its progress", body = AgentAnswer),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 404, description = "There is no such agent", body = ErrorBody)))]
pub(crate) async fn status(
    platform: State<Arc<Platform>>,
    caller: Caller,
    origin: Origin,
    code: Named,
) -> Answer<Json<AgentAnswer>> {
    get(platform, caller, origin, code).await
}

/// Changes an agent's prompt.
#[utoipa::path(post, path = "/v1/agent/{code}", operation_id = "updateAgent", tag = "Agent Management",
    params(("code" = String, Path, description = "The agent's code")), request_body = UpdateRequest,
    responses((status = 200, description = "The prompt is changed", body = Updated),
        (status = 400, description = "The body is not as documented", body = ErrorBody),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 404, description = "There is no such agent", body = ErrorBody)))]
pub(crate) async fn update(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Named(code): Named,
    body: Body<UpdateRequest>,
) -> Answer<Json<Updated>> {
    let prompt = body.value.system_prompt;
    check_prompt(&prompt)?;
    if !platform
        .store
        .set_prompt(&caller.account, &code, &prompt)
        .await?
    {
        return Err(ApiError::no_agent(&code));
    }
    platform.forget_face(&code);
    Ok(Json(Updated {
        agent_code: code,
        updated: true,
    }))
}

/// Deletes an agent and all that was made of it: its models, gestures and videos.
#[utoipa::path(delete, path = "/v1/agent/{code}", operation_id = "deleteAgent", tag = "Agent Management",
    params(("code" = String, Path, description = "The agent's code")),
    responses((status = 200, description = "The agent is gone", body = Deleted),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 404, description = "There is no such agent", body = ErrorBody)))]
pub(crate) async fn delete(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Named(code): Named,
) -> Answer<Json<Deleted>> {
    let deleted = platform.store.delete_agent(&caller.account, &code).await?;
    let (agent, jobs) = deleted.ok_or_else(|| ApiError::no_agent(&code))?;
    platform.forget_face(&code);
    let mut names = agent.files();
    names.extend(jobs.iter().flat_map(files_of));
    platform.files.clone().remove_all(names).await?;
    Ok(Json(Deleted {
        success: true,
        agent_code: code,
        deleted: true,
    }))
}

/// The model to download.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DownloadParams {
    /// The family, or one of its tiers; the agent's own without.
    model: Option<String>,
    /// `false` gives the address in JSON instead of going there.
    redirect: Option<String>,
}

/// The way to a model's file.
#[derive(Serialize, ToSchema)]
pub(crate) struct DownloadAnswer {
    #[schema(example = true)]
    success: bool,
    data: Download,
}

/// A model's file.
#[derive(Serialize, ToSchema)]
pub(crate) struct Download {
    code: String,
    model: String,
    #[schema(example = "A17ZTB0222.imx")]
    filename: String,
    url: String,
    /// Seconds that the address lasts; none: as long as the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<i64>,
}

/// Downloads an agent's avatar: one `.imx` file, whichever family it is.
#[utoipa::path(get, path = "/v1/agent/{code}/model/download", operation_id = "downloadAgentModel",
    tag = "Agent Management", params(("code" = String, Path, description = "The agent's code"), DownloadParams),
    responses((status = 200, description = "The address", body = DownloadAnswer),
        (status = 302, description = "Go to the file"),
        (status = 400, description = "There is no such family", body = ErrorBody),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 404, description = "There is no such agent", body = ErrorBody),
        (status = 409, description = "The agent isn't of that family", body = ErrorBody)))]
pub(crate) async fn download(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    origin: Origin,
    Named(code): Named,
    Params(params): Params<DownloadParams>,
) -> Answer<Response> {
    let asked = params.model.as_deref().map(models::family).transpose()?;
    let agent = platform.agent(&caller.account, &code).await?;
    let model = asked.unwrap_or(models::families_of(&agent.model)[0]);
    let files = agent.models();
    let name = files
        .get(model)
        .ok_or_else(|| models::not_generated(&code, model))?;
    let url = origin.file(name);
    let redirects = match params.redirect.as_deref() {
        None => true,
        Some("false" | "0" | "no") => false,
        Some(_) => return Err(ApiError::invalid("redirect is false, 0, no, or left out")),
    };
    if redirects {
        return Ok((StatusCode::FOUND, [(header::LOCATION, url)]).into_response());
    }
    let data = Download {
        filename: format!("{code}.imx"),
        code,
        model: model.to_owned(),
        url,
        expires_in: None,
    };
    Ok(Json(DownloadAnswer {
        success: true,
        data,
    })
    .into_response())
}

/// Refuses a prompt that no model reads to its end.
pub(crate) fn check_prompt(prompt: &str) -> Answer<()> {
    if prompt.trim().is_empty() {
        return Err(ApiError::invalid("the prompt is empty"));
    }
    if prompt.chars().count() > MAX_PROMPT_CHARS {
        let message = format!("the prompt is longer than {MAX_PROMPT_CHARS} characters");
        return Err(ApiError::invalid(message));
    }
    Ok(())
}
