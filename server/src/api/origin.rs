//! The address that a request called this server by, in which its answers name files.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

use crate::platform::Platform;

/// The server's address as the caller knows it, without a slash at its end.
#[derive(Clone, Debug)]
pub(crate) struct Origin(String);

impl Origin {
    /// An address of a file.
    pub(crate) fn file(&self, name: &str) -> String {
        format!("{}/files/{name}", self.0)
    }

    /// An address of a page.
    pub(crate) fn page(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl From<String> for Origin {
    fn from(address: String) -> Self {
        Self(address)
    }
}

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
            (_, Some(url)) => Self(url.clone()),
            (Some(host), None) => Self(format!("{}://{host}", platform.scheme)),
            (None, None) => Self(String::new()),
        })
    }
}
