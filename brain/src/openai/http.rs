//! Requests to the server, with limits on time and size, and its refusals in words.

use std::io::{BufReader, Read};
use std::net::IpAddr;
use std::time::Duration;

use essence::{Error, ErrorKind, Result};
use serde_json::Value;
use ureq::Agent;
use ureq::http::Uri;

use crate::http::config;

/// How long the first byte of an answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// Most bytes of a refusal that are read, and most characters that are shown.
const MAX_REFUSAL_BYTES: u64 = 16 << 10;
const MAX_REFUSAL_CHARS: usize = 200;

/// Refuses an address that is none of http or https, that would get a key unencrypted, or a key that no
/// header holds.
pub(crate) fn check_address(base: &str, key: &str) -> Result<Uri> {
    let base = base.trim_end_matches('/');
    let invalid = |what: &str| {
        let message = format!("the server's address {base:?} (OPENAI_BASE_URL) {what}");
        Error::new(ErrorKind::InvalidArgument, message)
    };
    let uri: Uri = base
        .parse()
        .map_err(|e| invalid("is not an address").with_source(e))?;
    let host = uri.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let local = host == "localhost" || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match uri.scheme_str() {
        Some("https") => {}
        Some("http") if local || key.is_empty() => {}
        Some("http") => {
            return Err(invalid("would get the key unencrypted; use https"));
        }
        _ => return Err(invalid("begins with neither https:// nor http://")),
    }
    if key.chars().any(|c| !c.is_ascii_graphic()) {
        let message = "OPENAI_API_KEY holds characters that no key has; copy it again";
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    }
    Ok(uri)
}

/// A client for one server.
#[derive(Clone)]
pub(super) struct Http {
    agent: Agent,
    base: String,
    authorization: Option<String>,
}

impl std::fmt::Debug for Http {
    /// Leaves the key out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

impl Http {
    pub(super) fn new(base: &str, key: &str) -> Result<Self> {
        let base = base.trim_end_matches('/');
        check_address(base, key)?;
        let agent = config()
            .timeout_recv_response(Some(ANSWER_LIMIT))
            .max_redirects(0)
            .build()
            .new_agent();
        Ok(Self {
            agent,
            base: base.to_owned(),
            authorization: (!key.is_empty()).then(|| format!("Bearer {key}")),
        })
    }

    /// Posts a body; the kind of the answer's body and the body, if the server accepts.
    pub(super) fn post(
        &self,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> Result<(String, BufReader<impl Read + use<>>)> {
        let mut request = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("content-type", content_type);
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let response = request.send(body).map_err(|e| {
            let message = format!("no answer from {}", self.base);
            Error::new(ErrorKind::Io, message).with_source(e)
        })?;
        let status = response.status().as_u16();
        let field = |name: &str| {
            let value = response.headers().get(name);
            value.and_then(|v| v.to_str().ok()).unwrap_or_default()
        };
        let wait = field("retry-after").parse::<u32>().ok();
        let kind = field("content-type").to_ascii_lowercase();
        let body = response.into_body().into_reader();
        match status {
            200..300 => Ok((kind, BufReader::new(body))),
            _ => {
                let mut text = Vec::new();
                let _ = body.take(MAX_REFUSAL_BYTES).read_to_end(&mut text);
                Err(refusal(&self.base, status, wait, &text))
            }
        }
    }

    pub(super) fn post_json(
        &self,
        path: &str,
        body: &Value,
    ) -> Result<(String, BufReader<impl Read + use<>>)> {
        self.post(path, "application/json", body.to_string().as_bytes())
    }
}

/// A refusal in words; `body` may hold the server's own.
#[cold]
pub(crate) fn refusal(base: &str, status: u16, wait_s: Option<u32>, body: &[u8]) -> Error {
    let parsed: Value = serde_json::from_slice(body).unwrap_or_default();
    let said = parsed["error"]["message"].as_str().unwrap_or_default();
    let said: String = said.chars().take(MAX_REFUSAL_CHARS).collect();
    let reason = match (status, wait_s) {
        (300..=399, _) => "it has moved; set OPENAI_BASE_URL to the new address".to_owned(),
        (401 | 403, _) => "it refuses the key; check OPENAI_API_KEY".to_owned(),
        (404, _) => "it doesn't know the model or has no such service".to_owned(),
        (429, Some(seconds)) => format!("it asks to wait for {seconds} s"),
        (429, None) => "it asks to wait, or the account is used up".to_owned(),
        (500.., _) => "it has failed; try again".to_owned(),
        _ => "it refuses the request".to_owned(),
    };
    let mut message = format!("{} answered {status}: {reason}", base);
    if !said.is_empty() {
        message = format!("{message} ({said})");
    }
    Error::new(ErrorKind::Io, message)
}
