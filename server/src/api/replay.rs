//! `Idempotency-Key`: a request that comes again gets the first one's answer.

use std::sync::Arc;

use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use super::caller::Caller;
use super::error::{Answer, ApiError};
use crate::platform::Platform;
use crate::store::{Begun, Replay};

/// Most characters of a key.
const MAX_KEY_CHARS: usize = 255;

/// Answers a request by `work`, or as the first one of the same key was answered. A refusal is not kept:
/// nothing was begun.
///
/// The work goes on where its caller hangs up: a caller that asks again with the same key finds its answer, and
/// begins nothing anew.
pub(crate) async fn once<T: Serialize + Send + 'static>(
    platform: Arc<Platform>,
    caller: &Caller,
    route: &str,
    headers: &HeaderMap,
    digest: &str,
    work: impl Future<Output = Answer<T>> + Send + 'static,
) -> Answer<Response> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(Json(work.await?).into_response());
    };
    let key = key.to_str().unwrap_or_default();
    if key.is_empty() || key.chars().count() > MAX_KEY_CHARS {
        let message = format!("Idempotency-Key has 1 to {MAX_KEY_CHARS} characters of ASCII");
        return Err(ApiError::invalid(message));
    }
    let id = format!("{}\n{route}\n{key}", caller.account);
    match platform.store.begin_replay(&id, digest).await? {
        Begun::First => {}
        Begun::Again(replay) => {
            let status = StatusCode::from_u16(replay.status).unwrap_or(StatusCode::OK);
            let headers = [
                ("content-type", "application/json"),
                ("idempotency-replayed", "true"),
            ];
            return Ok((status, headers, replay.body).into_response());
        }
        Begun::UnderWay => {
            let message = "The first request with this Idempotency-Key is not answered yet";
            return Err(ApiError::invalid(message).retry_after(1));
        }
        Begun::Another => {
            let message = "This Idempotency-Key came with another body before; choose a new one";
            return Err(ApiError::invalid(message));
        }
    }
    let noted = tokio::spawn(async move {
        let answer = work.await;
        let kept = match &answer {
            Ok(value) => Some(Replay {
                status: 200,
                body: serde_json::to_string(value).map_err(ApiError::internal)?,
            }),
            Err(_) => None,
        };
        platform.store.end_replay(&id, kept.as_ref()).await?;
        answer
    });
    Ok(Json(noted.await??).into_response())
}
