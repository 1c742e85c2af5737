//! Bodies in JSON, with refusals that say what is wrong with them.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Bytes;
use axum::extract::{FromRequest, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::ApiError;

/// The time in which a body has to come.
const LIMIT: Duration = Duration::from_secs(60);

/// The body of a request.
#[derive(Debug)]
pub(crate) struct Body<T> {
    pub(crate) value: T,
    /// Of the body's bytes, in hexadecimal.
    pub(crate) digest: String,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        let reading = Bytes::from_request(request, state);
        let read = tokio::time::timeout(LIMIT, reading).await;
        let read = read.map_err(|_| ApiError::invalid("The body didn't come in time"))?;
        let bytes = read.map_err(|refused| match refused.into_response_status() {
            StatusCode::PAYLOAD_TOO_LARGE => ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "FILE_TOO_LARGE",
                "The body is larger than this address takes",
            ),
            _ => ApiError::invalid("The body broke off"),
        })?;
        // Clients that forget the header send JSON all the same; forms of other pages name theirs.
        if !(kind.is_empty() || kind == "application/json" || kind.ends_with("+json")) {
            return Err(ApiError::invalid("Send the body as application/json"));
        }
        let digest = digest(&SHA256, &bytes);
        Ok(Self {
            value: parse(&bytes)?,
            digest: digest
                .as_ref()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        })
    }
}

/// Reads a body.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    if bytes.is_empty() {
        return Err(ApiError::invalid("The body is empty; send a JSON object"));
    }
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| ApiError::invalid(format!("The body is no JSON: {error}")))?;
    if has_nul(&value) {
        return Err(ApiError::invalid("The body holds a NUL character"));
    }
    T::deserialize(value).map_err(|error| {
        let message = error.to_string();
        // As serde words it.
        let field = message
            .strip_prefix("missing field `")
            .and_then(|rest| rest.split('`').next());
        match field {
            Some(field) => ApiError::missing(field),
            None => ApiError::invalid(format!("The body is not as documented: {message}")),
        }
    })
}

/// Whether a NUL is in any string, which databases and programs take for its end.
fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(has_nul),
        Value::Object(map) => map
            .iter()
            .any(|(name, value)| name.contains('\0') || has_nul(value)),
        _ => false,
    }
}

/// The name in a request's path, such as an agent's code.
#[derive(Debug)]
pub(crate) struct Named(pub(crate) String);

/// Most bytes of a name in a path.
const MAX_NAME_BYTES: usize = 256;

/// Two names in a request's path.
#[derive(Debug)]
pub(crate) struct NamedTwice(pub(crate) String, pub(crate) String);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Named {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let named = Path::<String>::from_request_parts(parts, state).await;
        let Path(name) = named.map_err(|_| nothing())?;
        Ok(Self(checked(name)?))
    }
}

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for NamedTwice {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let named = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((first, second)) = named.map_err(|_| nothing())?;
        Ok(Self(checked(first)?, checked(second)?))
    }
}

fn checked(name: String) -> Result<String, ApiError> {
    match name.len() <= MAX_NAME_BYTES && !name.contains('\0') {
        true => Ok(name),
        false => Err(nothing()),
    }
}

/// Nothing has such a name.
fn nothing() -> ApiError {
    ApiError::not_found("That")
}

/// The status of axum's refusal of a body.
trait RefusedBody {
    fn into_response_status(self) -> StatusCode;
}

impl<T: axum::response::IntoResponse> RefusedBody for T {
    fn into_response_status(self) -> StatusCode {
        self.into_response().status()
    }
}

/// Whether a query holds a NUL, as it is written there.
fn has_nul_in(uri: &axum::http::Uri) -> bool {
    uri.query().is_some_and(|query| query.contains("%00"))
}

/// The query of a request.
#[derive(Debug)]
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> axum::extract::FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(value)) if !has_nul_in(&parts.uri) => Ok(Self(value)),
            Ok(_) => Err(ApiError::invalid("The query holds a NUL character")),
            Err(refused) => Err(ApiError::invalid(format!(
                "The query is not as documented: {}",
                refused.body_text()
            ))),
        }
    }
}
