//! The launching part of a server: avatars, tasks, and which requests may touch them.

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode, header};
use essence::Avatar;

use crate::access;
use crate::launch_avatars::LaunchAvatars;
use crate::launch_error::LaunchError;
use crate::launch_options::LaunchOptions;
use crate::launch_tasks::Tasks;
use crate::options::Options;

/// The launching part of a server.
pub(crate) struct Launch {
    secret: Option<String>,
    /// Whether a server without a secret may launch: only this machine reaches it.
    open: bool,
    pub(crate) avatars: LaunchAvatars,
    pub(crate) tasks: Tasks,
    /// How long an avatar waits for its room.
    pub(crate) join_limit: Duration,
}

impl Launch {
    pub(crate) fn new(options: &Options, avatar: &Avatar) -> Self {
        let LaunchOptions { secret, .. } = &options.launch;
        Self {
            secret: secret.clone(),
            open: options.address.ip().to_canonical().is_loopback(),
            avatars: LaunchAvatars::new(avatar.clone(), &options.launch),
            tasks: Tasks::default(),
            join_limit: options.join_limit,
        }
    }

    /// Whether a request may launch and look at tasks.
    ///
    /// # Errors
    /// 401: without the secret. 403: a page of another site, or a public server that has none.
    pub(crate) fn admit(&self, headers: &HeaderMap) -> Result<(), LaunchError> {
        // Browsers say where a page comes from; a page of another site has no business here.
        if headers.contains_key(header::ORIGIN) && !access::is_same_origin(headers) {
            return Err(LaunchError::new(
                StatusCode::FORBIDDEN,
                "a page of another site may not launch avatars",
            ));
        }
        let Some(secret) = &self.secret else {
            return match self.open {
                true => Ok(()),
                false => Err(LaunchError::new(
                    StatusCode::FORBIDDEN,
                    "this server can be reached by others and has no secret; start it with BITHUMAN_API_SECRET set",
                )),
            };
        };
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = text("authorization").and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme
                .eq_ignore_ascii_case("bearer")
                .then_some(token.trim())
        });
        let given = text("api-secret").or(bearer).unwrap_or_default();
        match access::equal(secret.as_bytes(), given.as_bytes()) {
            true => Ok(()),
            false => Err(LaunchError::new(
                StatusCode::UNAUTHORIZED,
                "the secret is missing or wrong; send it in the header api-secret, or as Authorization: Bearer",
            )),
        }
    }
}
