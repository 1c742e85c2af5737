//! Requests to the platform's server.

use std::io::Read as _;
use std::net::IpAddr;

use serde_json::Value;
use ureq::Agent;
use ureq::http::{Method, Request, Uri};

use crate::failure::Failure;
use crate::http;

const URL_VARIABLE: &str = "BITHUMAN_API_URL";

/// The address at which `bithuman serve` listens.
const DEFAULT_URL: &str = "http://127.0.0.1:8088";

/// A key for servers that take any.
const ANY_KEY: &str = "local";

/// Most bytes of an answer.
const MAX_ANSWER_BYTES: u64 = 256 << 20;

/// A server and the key to it.
pub(super) struct Rest {
    agent: Agent,
    url: String,
    key: String,
}

impl Rest {
    /// The server that `BITHUMAN_API_URL` names, with the key of `BITHUMAN_API_SECRET`. Connects to
    /// nothing yet.
    ///
    /// # Errors
    /// `USAGE`: no address of http or https, or one that would get the key unencrypted.
    pub(super) fn from_environment() -> Result<Self, Failure> {
        let set = |name| {
            std::env::var(name)
                .ok()
                .filter(|value| !value.trim().is_empty())
        };
        let url = set(URL_VARIABLE).unwrap_or_else(|| DEFAULT_URL.to_owned());
        let url = url.trim().trim_end_matches('/').to_owned();
        let agent = http::agent(&url, URL_VARIABLE)?;
        let key = set("BITHUMAN_API_SECRET").or_else(|| set("BITHUMAN_API_KEY"));
        if key.is_some() && !is_safe(&url) {
            return Err(Failure::argument(format!(
                "{URL_VARIABLE} is {url:?}, which would get the key unencrypted; use https"
            )));
        }
        let key = key.unwrap_or_else(|| ANY_KEY.to_owned());
        Ok(Self { agent, url, key })
    }

    /// The JSON of an answer to a request, with a body or without.
    ///
    /// # Errors
    /// Words for the caller: the server doesn't answer, or refuses and why.
    pub(super) fn json(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, String> {
        let bytes = self.bytes(method, path, body)?;
        serde_json::from_slice(&bytes).map_err(|_| format!("{path} was not answered with JSON"))
    }

    /// The bytes of an answer.
    ///
    /// # Errors
    /// As [`Rest::json`].
    pub(super) fn bytes(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Vec<u8>, String> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("api-secret", &self.key);
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let text = body.map(Value::to_string).unwrap_or_default();
        let request = request.body(text).map_err(|e| e.to_string())?;
        let silent = |e| {
            let url = &self.url;
            format!(
                "{url} doesn't answer: {e}. `bithuman serve` starts a server; {URL_VARIABLE} names another"
            )
        };
        let response = self.agent.run(request).map_err(silent)?;
        let status = response.status();
        let mut bytes = Vec::new();
        let mut reader = response.into_body().into_reader().take(MAX_ANSWER_BYTES);
        reader
            .read_to_end(&mut bytes)
            .map_err(|e| format!("{path}: the answer broke off: {e}"))?;
        if status.is_success() {
            return Ok(bytes);
        }
        let said: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let part = |name: &str| said["error"][name].as_str().unwrap_or_default().to_owned();
        Err(format!(
            "{} {}: {}",
            status.as_u16(),
            part("code"),
            part("message")
        ))
    }
}

/// Whether nobody else on the network can read what is sent there.
fn is_safe(url: &str) -> bool {
    let uri: Option<Uri> = url.parse().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    url.starts_with("https:")
        || host == "localhost"
        || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
