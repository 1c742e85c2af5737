//! Refusals, in the shape that clients of the platform know.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use essence::ErrorKind;
use serde::Serialize;
use utoipa::ToSchema;

use crate::launch_error::LaunchError;

/// A refusal.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// Seconds after which another try makes sense.
    retry_after: Option<u64>,
    /// The reason that isn't the caller's business, for the log.
    cause: Option<String>,
}

/// The reason of a failure, left with the response for the log.
#[derive(Clone)]
pub(crate) struct Cause(pub(crate) String);

/// The body of a refusal. `code` and `details` at the top are those of the older documents.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(crate) struct ErrorBody {
    error: ErrorDetail,
    #[schema(example = "error")]
    status: &'static str,
    /// The HTTP status.
    #[schema(example = 404)]
    status_code: u16,
    #[schema(example = "NOT_FOUND")]
    code: &'static str,
    details: String,
}

/// The reason of a refusal.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ErrorDetail {
    /// A word for programs.
    #[schema(example = "NOT_FOUND")]
    code: &'static str,
    /// A sentence for people.
    #[schema(example = "Agent not found for code: A91XMB7113")]
    message: String,
    #[schema(example = 404)]
    http_status: u16,
}

/// An answer, or a refusal.
pub(crate) type Answer<T> = Result<T, ApiError>;

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            retry_after: None,
            cause: None,
        }
    }

    /// 500: it is the server's fault; `cause` goes to its log.
    pub(crate) fn internal(cause: impl std::fmt::Display) -> Self {
        let message = "The server failed; its log says why";
        let mut error = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", message);
        error.cause = Some(cause.to_string());
        error
    }

    /// 400: a value that isn't allowed.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "VALIDATION_ERROR", message)
    }

    /// 400: a field that has to be there.
    pub(crate) fn missing(field: &str) -> Self {
        let message = format!("Missing required field: {field}");
        Self::new(StatusCode::BAD_REQUEST, "MISSING_PARAM", message)
    }

    /// 404.
    pub(crate) fn no_agent(code: &str) -> Self {
        let message = format!("Agent not found for code: {}", shown(code));
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    }

    /// 404.
    pub(crate) fn not_found(what: &str) -> Self {
        let message = format!("{what} not found");
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    }

    /// 503.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(status, "SERVICE_UNAVAILABLE", message).retry_after(5)
    }

    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

/// A caller's text, short enough for a message.
pub(crate) fn shown(text: &str) -> String {
    text.chars()
        .take(64)
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let http_status = self.status.as_u16();
        let body = ErrorBody {
            error: ErrorDetail {
                code: self.code,
                message: self.message.clone(),
                http_status,
            },
            status: "error",
            status_code: http_status,
            code: self.code,
            details: self.message,
        };
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(cause) = self.cause {
            response.extensions_mut().insert(Cause(cause));
        }
        response
    }
}

impl From<sqlx::Error> for ApiError {
    /// The caller learns nothing of the database.
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut => Self::unavailable("The server is busy"),
            error => Self::internal(format_args!("the database failed: {error}")),
        }
    }
}

impl From<essence::Error> for ApiError {
    fn from(error: essence::Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidArgument | ErrorKind::UnsupportedFormat => {
                Self::invalid(error.message())
            }
            ErrorKind::LimitExceeded => Self::unavailable(error.message()),
            _ => Self::internal(error),
        }
    }
}

impl From<LaunchError> for ApiError {
    fn from(error: LaunchError) -> Self {
        let code = match error.status() {
            StatusCode::SERVICE_UNAVAILABLE => "NO_AVAILABLE_WORKERS",
            StatusCode::NOT_FOUND => "NOT_FOUND",
            status if status.is_client_error() => "VALIDATION_ERROR",
            _ => return Self::internal(error.detail()),
        };
        Self::new(error.status(), code, error.detail())
    }
}

impl From<tokio::task::JoinError> for ApiError {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::internal(error)
    }
}
