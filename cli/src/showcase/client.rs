//! Requests to a server of files, with limits on time, and refusals in words.

use std::io::Read;

use ureq::Agent;
use ureq::http::header;

use super::URL_VARIABLE;
use crate::failure::Failure;
use crate::http;

/// A client for an index and its files.
pub(crate) struct Client {
    agent: Agent,
    index: String,
}

/// An answer that has come: 200 or 206.
pub(crate) struct Answer {
    /// Offset of its first byte in the file: 0, or the one asked for.
    pub(crate) begin: u64,
    /// Bytes of the body, if the server says.
    pub(crate) length: Option<u64>,
    pub(crate) body: Box<dyn Read>,
}

impl Client {
    /// A client for `BITHUMAN_SHOWCASE_URL`; None where it isn't set. Connects to nothing yet.
    ///
    /// # Errors
    /// `USAGE`: it is no address of http or https.
    pub(crate) fn from_environment() -> Result<Option<Self>, Failure> {
        let index = match std::env::var(URL_VARIABLE) {
            Ok(url) if !url.trim().is_empty() => url.trim().to_owned(),
            _ => return Ok(None),
        };
        Self::at(index, URL_VARIABLE).map(Some)
    }

    /// A client for an address that `variable` holds. Connects to nothing yet.
    ///
    /// # Errors
    /// `USAGE`: it is no address of http or https.
    pub(crate) fn at(index: String, variable: &str) -> Result<Self, Failure> {
        let agent = http::agent(&index, variable)?;
        Ok(Self { agent, index })
    }

    /// The index's address.
    pub(crate) fn index(&self) -> &str {
        &self.index
    }

    /// An address as seen from the index's: whole, from the server's root, or beside the index.
    pub(crate) fn resolve(&self, url: &str) -> String {
        if url.contains("://") {
            return url.to_owned();
        }
        let path = self.index.split(['?', '#']).next().unwrap_or_default();
        let host = path.find("://").map_or(0, |at| at + 3);
        let root = path[host..].find('/').map_or(path.len(), |at| host + at);
        if url.starts_with('/') {
            return format!("{}{url}", &path[..root]);
        }
        let folder = path[root..]
            .rfind('/')
            .map_or("/", |at| &path[root..=root + at]);
        format!("{}{folder}{url}", &path[..root])
    }

    /// Asks for a file from byte `begin` on; a server that can't do that sends it from its first byte.
    ///
    /// # Errors
    /// `NOT_FOUND` (404, 410) or `DOWNLOAD_FAILED`.
    pub(crate) fn get(&self, url: &str, begin: u64) -> Result<Answer, Failure> {
        let mut request = self.agent.get(url);
        if begin > 0 {
            request = request.header(header::RANGE, format!("bytes={begin}-"));
        }
        let response = request
            .call()
            .map_err(|e| Failure::download(format!("{url} doesn't answer: {e}")))?;
        let field = |name: header::HeaderName| {
            let value = response.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let begin = match response.status().as_u16() {
            200 => 0,
            206 if begins_at(field(header::CONTENT_RANGE).as_deref(), begin) => begin,
            206 => {
                return Err(Failure::download(format!(
                    "{url} sends another part of the file than was asked for"
                )));
            }
            404 | 410 => return Err(Failure::not_found(format!("{url} isn't there"))),
            status => return Err(Failure::download(format!("{url} answers {status}"))),
        };
        let length = field(header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
        Ok(Answer {
            begin,
            length,
            body: Box::new(response.into_body().into_reader()),
        })
    }
}

/// Whether `bytes 7-9/10` begins at a byte.
fn begins_at(range: Option<&str>, begin: u64) -> bool {
    let first = range.and_then(|range| range.strip_prefix("bytes ")?.split('-').next());
    first.and_then(|first| first.trim().parse().ok()) == Some(begin)
}
