//! The address that a request called this server by, in which its answers name files.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

use crate::origin::Origin;
use crate::platform::Platform;

impl FromRequestParts<Arc<Platform>> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        platform: &Arc<Platform>,
    ) -> Result<Self, Infallible> {
        // Only known hosts get here.
        let host = parts
            .headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        Ok(match (host, &platform.public_url) {
            (_, Some(url)) => Self::from(url.clone()),
            (Some(host), None) => Self::from(format!("{}://{host}", platform.scheme)),
            (None, None) => Self::from(String::new()),
        })
    }
}
