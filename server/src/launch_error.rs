//! Refusals of `/launch` and its companions: a status and `{"detail": …}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use essence::{Error, ErrorKind};
use serde_json::json;

/// A refusal, in words for the client.
#[derive(Debug)]
pub(crate) struct LaunchError {
    status: StatusCode,
    detail: String,
}

impl LaunchError {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { status, detail }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    pub(crate) fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }
}

impl From<Error> for LaunchError {
    fn from(error: Error) -> Self {
        let status = match error.kind() {
            ErrorKind::LimitExceeded => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::InvalidArgument
            | ErrorKind::InvalidAvatar
            | ErrorKind::UnsupportedFormat
            | ErrorKind::UnsupportedVersion => StatusCode::BAD_REQUEST,
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.message())
    }
}

impl IntoResponse for LaunchError {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "detail": self.detail }))).into_response()
    }
}
