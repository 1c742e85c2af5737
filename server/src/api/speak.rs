//! Words for conversations under way: to be spoken, or to be known.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use essence_brain::{Input, MAX_TEXT_BYTES};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{Body, Named};
use super::caller::Caller;
use super::error::{Answer, ApiError, ErrorBody, shown};
use crate::platform::Platform;
use crate::store::Agent;

/// Words to speak.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SpeakRequest {
    #[schema(example = "Hello! Welcome to our demo.")]
    message: String,
    /// One conversation alone; all of the agent's without.
    room_id: Option<String>,
}

/// Words to know.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ContextRequest {
    #[schema(example = "The customer just purchased a premium plan.")]
    context: String,
    /// `add_context` is silent, `speak` says it.
    r#type: Option<String>,
    /// One conversation alone; all of the agent's without.
    room_id: Option<String>,
}

/// The conversations that words went to.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContextAnswer {
    #[schema(example = "A91XMB7113")]
    agent_code: String,
    #[schema(example = "speak")]
    context_type: &'static str,
    /// Conversations that got them.
    #[schema(example = 1)]
    delivered_to_rooms: usize,
}

/// Has the agent say something in its conversations.
#[utoipa::path(post, path = "/v1/agent/{code}/speak", operation_id = "agentSpeak", tag = "Agent Context",
    params(("code" = String, Path, description = "The agent's code")), request_body = SpeakRequest,
    responses((status = 200, description = "It says it", body = ContextAnswer),
        (status = 400, description = "The body is not as documented", body = ErrorBody),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 404, description = "There is no such agent, or it talks to nobody", body = ErrorBody)))]
pub(crate) async fn speak(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Named(code): Named,
    body: Body<SpeakRequest>,
) -> Answer<Json<ContextAnswer>> {
    let SpeakRequest { message, room_id } = body.value;
    deliver(&platform, &caller, code, "speak", message, room_id).await
}

/// Has the agent know something in its conversations, or say it.
#[utoipa::path(post, path = "/v1/agent/{code}/add-context", operation_id = "addContext", tag = "Agent Context",
    params(("code" = String, Path, description = "The agent's code")), request_body = ContextRequest,
    responses((status = 200, description = "It knows it", body = ContextAnswer),
        (status = 400, description = "The body is not as documented", body = ErrorBody),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 404, description = "There is no such agent, or it talks to nobody", body = ErrorBody)))]
pub(crate) async fn add_context(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Named(code): Named,
    body: Body<ContextRequest>,
) -> Answer<Json<ContextAnswer>> {
    let ContextRequest {
        context,
        r#type,
        room_id,
    } = body.value;
    let kind = match r#type.as_deref() {
        None | Some("add_context") => "add_context",
        Some("speak") => "speak",
        Some(other) => {
            let message = format!("'{}' is no type; give add_context or speak", shown(other));
            return Err(ApiError::invalid(message));
        }
    };
    deliver(&platform, &caller, code, kind, context, room_id).await
}

async fn deliver(
    platform: &Platform,
    caller: &Caller,
    code: String,
    kind: &'static str,
    text: String,
    room: Option<String>,
) -> Answer<Json<ContextAnswer>> {
    if text.trim().is_empty() {
        return Err(ApiError::invalid("there are no words"));
    }
    if text.len() > MAX_TEXT_BYTES {
        let message = format!("the text has more than {MAX_TEXT_BYTES} bytes");
        return Err(ApiError::invalid(message));
    }
    let agent = platform.agent(&caller.account, &code).await?;
    let (store, own) = (&platform.store, &platform.sessions.server);
    let mut delivered_to_rooms =
        deliver_here(platform, &agent, kind, &text, room.as_deref()).await?;
    delivered_to_rooms += store
        .send_words(own, &code, room.as_deref(), (kind, &text))
        .await?;
    if delivered_to_rooms == 0 {
        return Err(ApiError::new(
            StatusCode::NOT_FOUND,
            "NO_ACTIVE_ROOMS",
            format!("No active rooms found for agent {code}"),
        ));
    }
    Ok(Json(ContextAnswer {
        agent_code: code,
        context_type: kind,
        delivered_to_rooms,
    }))
}

/// Hands words to the agent's conversations in this server: how many those are.
///
/// # Errors
/// 503: the agent has no voice for a room of LiveKit's.
pub(crate) async fn deliver_here(
    platform: &Platform,
    agent: &Agent,
    kind: &str,
    text: &str,
    room: Option<&str>,
) -> Answer<usize> {
    let conversations = platform.table.of_agent(&agent.code, room);
    for conversation in &conversations {
        conversation.input(match kind {
            "speak" => Input::Speak(text.to_owned()),
            _ => Input::AddContext(text.to_owned()),
        });
    }
    // A room of LiveKit's has an agent of its own that thinks; it is the avatar that is spoken through here.
    let rooms = platform.launch.tasks.of_agent(&agent.code, room);
    if kind != "speak" || rooms.is_empty() {
        return Ok(conversations.len());
    }
    let voice = platform.voices.check(&agent.voice_id)?;
    let (rate_hz, samples) = platform.voices.speak(text.to_owned(), voice, 1.0).await?;
    let spoken = rooms.iter().filter(|task| task.say(rate_hz, &samples));
    Ok(conversations.len() + spoken.count())
}
