//! Tokens that SDKs ask for before a session on their own machine, and avatars that go into a room. Sessions of this
//! engine need no token; programs that ask get one, so that they go on.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use utoipa::ToSchema;

use super::body::Body;
use super::caller::Caller;
use super::embed::{ISSUER, MAX_FINGERPRINT_CHARS, now_s};
use super::error::{Answer, ApiError, ErrorBody};
use super::generate::media_refused;
use super::more_models::not_ready;
use crate::files::Category;
use crate::launch_entry::Entry;
use crate::launch_request::Claims;
use crate::platform::Platform;
use crate::sessions::Whose;
use crate::store::{SELF_HOSTED, new_id};

/// Seconds that the tokens last.
const RUNTIME_S: u64 = 300;
const SCOPED_S: u64 = 3_600;

/// A session's token is asked for; or, with `mode`, an avatar in a room of LiveKit's.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RuntimeRequest {
    /// The agent, if the session is one's.
    agent_code: Option<String>,
    room_name: Option<String>,
    fingerprint: Option<String>,
    /// `gpu` or `cpu`: sends an avatar into `room_name`. The machine's own way of drawing is used for both.
    mode: Option<String>,
    /// The agent whose avatar goes.
    agent_id: Option<String>,
    /// A picture of a face that goes, in place of an agent's: an address, a file of this server's, or base64.
    image: Option<String>,
    /// Kept for compatibility: every model is the agent's one avatar.
    model: Option<String>,
    /// The address of the LiveKit server, and a token for the avatar's participant.
    livekit_url: Option<String>,
    livekit_token: Option<String>,
}

/// A token, or an avatar on its way.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Requested {
    Token(RuntimeAnswer),
    Avatar(AvatarStarted),
}

/// An avatar is on its way into a room.
#[derive(Serialize, ToSchema)]
pub(crate) struct AvatarStarted {
    #[schema(example = true)]
    avatar_session_started: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// The session, for `GET /v1/runtime-sessions/{session_id}` and its end.
    session_id: String,
    mode: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<String>,
    user_id: String,
}

/// A session's token.
#[derive(Serialize, ToSchema)]
pub(crate) struct RuntimeAnswer {
    #[schema(example = "success")]
    status: &'static str,
    #[schema(example = 200)]
    status_code: u16,
    data: RuntimeToken,
}

/// A token for five minutes.
#[derive(Serialize, ToSchema)]
struct RuntimeToken {
    transaction_id: String,
    /// A JWT, signed by HS256.
    token: String,
}

#[derive(Serialize)]
struct RuntimeClaims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    jti: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_name: Option<&'a str>,
    iat: u64,
    exp: u64,
}

/// Makes a token for a session on the caller's own machine.
#[utoipa::path(post, path = "/v1/runtime-tokens/request", operation_id = "requestRuntimeToken", tag = "Runtime",
    request_body = RuntimeRequest,
    responses((status = 200, description = "The token, or the avatar's session", body = Requested),
        (status = 400, description = "The body is not as documented", body = ErrorBody),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 404, description = "There is no such agent", body = ErrorBody),
        (status = 409, description = "The agent isn't ready", body = ErrorBody),
        (status = 503, description = "Every seat is taken", body = ErrorBody)))]
pub(crate) async fn request(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    body: Body<RuntimeRequest>,
) -> Answer<Json<Requested>> {
    let asked = body.value;
    if let Some(mode) = asked.mode.clone() {
        let started = enter(&platform, &caller, asked, mode).await?;
        return Ok(Json(Requested::Avatar(started)));
    }
    let fingerprint = asked.fingerprint.unwrap_or_default();
    if fingerprint.chars().count() > MAX_FINGERPRINT_CHARS {
        let message = format!("fingerprint has at most {MAX_FINGERPRINT_CHARS} characters");
        return Err(ApiError::invalid(message));
    }
    if let Some(code) = &asked.agent_code {
        platform.agent(&caller.account, code).await?;
    }
    let (transaction_id, now) = (new_id(), now_s());
    let token = platform.signed(&RuntimeClaims {
        iss: ISSUER,
        aud: "bithuman-runtime",
        sub: &caller.account,
        jti: &transaction_id,
        agent_code: asked.agent_code.as_deref(),
        room_name: asked.room_name.as_deref(),
        iat: now,
        exp: now + RUNTIME_S,
    })?;
    Ok(Json(Requested::Token(RuntimeAnswer {
        status: "success",
        status_code: 200,
        data: RuntimeToken {
            transaction_id,
            token,
        },
    })))
}

/// Sends an avatar into a room.
async fn enter(
    platform: &Arc<Platform>,
    caller: &Caller,
    asked: RuntimeRequest,
    mode: String,
) -> Answer<AvatarStarted> {
    if !["cpu", "gpu"].contains(&mode.as_str()) {
        return Err(ApiError::invalid("mode is cpu or gpu"));
    }
    let given = |name, value: Option<String>| {
        let value = value.filter(|value| !value.is_empty());
        value.ok_or_else(|| ApiError::missing(name))
    };
    let url = given("livekit_url", asked.livekit_url)?;
    let token = given("livekit_token", asked.livekit_token)?;
    let room = given("room_name", asked.room_name)?;
    let claims = Claims::read(&token)?;
    if claims.room.is_some_and(|own| own != room) {
        let message = "livekit_token is for another room than room_name";
        return Err(ApiError::invalid(message));
    }
    let code = asked.agent_id.or(asked.agent_code);
    let agent_id = code.clone();
    let (face, image) = match (&code, asked.image) {
        (Some(code), _) => {
            let agent = platform.agent(&caller.account, code).await?;
            let face = platform.face_of(code).await?;
            (Some(face.ok_or_else(|| not_ready(&agent))?), None)
        }
        (None, Some(image)) => (None, Some(image)),
        (None, None) => return Err(ApiError::missing("agent_id")),
    };
    let whose = match &face {
        Some(face) => face.whose(),
        None => Some(Whose {
            account: caller.account.clone(),
            code: String::new(),
            name: "picture".to_owned(),
        }),
    };
    let (platform, runtime) = (platform.clone(), Handle::current());
    let id = tokio::task::spawn_blocking(move || -> Answer<String> {
        platform.fetcher.check_room(&url)?;
        let avatar = match (face, image) {
            (Some(face), _) => face.avatar.clone(),
            (None, image) => {
                let media = platform
                    .media(&image.unwrap_or_default(), Category::Image.max_bytes())
                    .map_err(|error| media_refused(error, StatusCode::BAD_REQUEST))?;
                platform.launch.avatars.portrait(&media.content)?
            }
        };
        let session = whose.map(|whose| platform.sessions.begin(whose, &room, SELF_HOSTED));
        let id = session.as_ref().map(|session| session.id().to_owned());
        let entry = Entry {
            avatar,
            code,
            url,
            token,
            room,
            identity: claims.identity,
        };
        let task = entry.enter(&platform.launch, &platform.table, session, &runtime)?;
        Ok(id.unwrap_or_else(|| task.id.clone()))
    });
    Ok(AvatarStarted {
        avatar_session_started: true,
        model: asked.model,
        session_id: id.await??,
        mode,
        agent_id,
        user_id: caller.account.clone(),
    })
}

/// A room's token is asked for.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ScopedRequest {
    agent_code: String,
    room_name: String,
}

/// A room's token.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScopedAnswer {
    /// A JWT for an hour, good for this agent in this room alone.
    scoped_token: String,
}

/// Makes a token that is good for one agent in one room.
#[utoipa::path(post, path = "/v1/runtime-tokens/mint", operation_id = "mintRuntimeToken", tag = "Runtime",
    request_body = ScopedRequest,
    responses((status = 200, description = "The token", body = ScopedAnswer),
        (status = 400, description = "The body is not as documented", body = ErrorBody),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 404, description = "There is no such agent", body = ErrorBody)))]
pub(crate) async fn mint(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    body: Body<ScopedRequest>,
) -> Answer<Json<ScopedAnswer>> {
    let ScopedRequest {
        agent_code,
        room_name,
    } = body.value;
    platform.agent(&caller.account, &agent_code).await?;
    let (id, now) = (new_id(), now_s());
    let scoped_token = platform.signed(&RuntimeClaims {
        iss: ISSUER,
        aud: "bithuman-runtime",
        sub: &caller.account,
        jti: &id,
        agent_code: Some(&agent_code),
        room_name: Some(&room_name),
        iat: now,
        exp: now + SCOPED_S,
    })?;
    Ok(Json(ScopedAnswer { scoped_token }))
}
