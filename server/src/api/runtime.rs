//! Tokens that SDKs ask for before a session on their own machine. Sessions of this engine need none; programs
//! that ask get one, so that they go on.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::Body;
use super::caller::Caller;
use super::embed::{ISSUER, MAX_FINGERPRINT_CHARS, now_s};
use super::error::{Answer, ApiError, ErrorBody};
use crate::platform::Platform;
use crate::store::new_id;

/// Seconds that the tokens last.
const RUNTIME_S: u64 = 300;
const SCOPED_S: u64 = 3_600;

/// A session's token is asked for.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RuntimeRequest {
    /// The agent, if the session is one's.
    agent_code: Option<String>,
    room_name: Option<String>,
    fingerprint: Option<String>,
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
    responses((status = 200, description = "The token", body = RuntimeAnswer),
        (status = 400, description = "The body is not as documented", body = ErrorBody),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 404, description = "There is no such agent", body = ErrorBody)))]
pub(crate) async fn request(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    body: Body<RuntimeRequest>,
) -> Answer<Json<RuntimeAnswer>> {
    let asked = body.value;
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
    Ok(Json(RuntimeAnswer {
        status: "success",
        status_code: 200,
        data: RuntimeToken {
            transaction_id,
            token,
        },
    }))
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
