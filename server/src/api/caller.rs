//! The account behind a request, by its secret.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};

use super::error::{Answer, ApiError};
use crate::platform::Platform;
use crate::remote::Remote;

/// The account of everybody, while no key was made.
const LOCAL: &str = "local";

/// Most characters of a secret.
const MAX_SECRET_CHARS: usize = 512;

/// The caller of a request whose secret is right.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) account: String,
}

/// The secret in the headers: `api-secret`, or as clients of `OpenAI`'s send it.
pub(crate) fn secret(headers: &HeaderMap) -> Option<&str> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = || {
        let value = text(header::AUTHORIZATION.as_str())?;
        let (scheme, secret) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(secret)
    };
    let secret = text("api-secret").or_else(bearer)?.trim();
    Some(secret).filter(|secret| !secret.is_empty())
}

impl Caller {
    /// The caller of a secret, if that is right. As long as no key was made, every secret is.
    ///
    /// # Errors
    /// The errors of the database.
    pub(crate) async fn find(platform: &Platform, secret: &str) -> Answer<Option<Self>> {
        if secret.chars().count() > MAX_SECRET_CHARS {
            return Ok(None);
        }
        let account = match platform.store.account_of(secret).await? {
            None if !platform.store.has_keys().await? => Some(LOCAL.to_owned()),
            found => found,
        };
        Ok(account.map(|account| Self { account }))
    }
}

impl FromRequestParts<Arc<Platform>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, platform: &Arc<Platform>) -> Answer<Self> {
        let unauthorized =
            |code, message: &str| ApiError::new(StatusCode::UNAUTHORIZED, code, message);
        let remote = parts.extensions.get::<Remote>().map(|remote| remote.0.ip());
        platform.limits.check_failures(remote)?;
        let Some(secret) = secret(&parts.headers) else {
            return Err(unauthorized(
                "MISSING_AUTH",
                "Send your API secret in the header api-secret",
            ));
        };
        let Some(caller) = Self::find(platform, secret).await? else {
            platform.limits.note_failure(remote);
            return Err(unauthorized("UNAUTHORIZED", "Invalid API secret"));
        };
        Ok(caller)
    }
}
