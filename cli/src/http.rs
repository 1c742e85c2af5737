//! The client that talks to servers by http and https, with limits on time.

use std::time::Duration;

use essence_brain::http::config;
use ureq::Agent;
use ureq::http::Uri;

use crate::failure::Failure;

/// How long the head of an answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

const MAX_REDIRECTS: u32 = 5;

/// A client for an address that `variable` holds. Connects to nothing yet.
///
/// # Errors
/// `USAGE`: it is no address of http or https.
pub(crate) fn agent(url: &str, variable: &str) -> Result<Agent, Failure> {
    let uri: Option<Uri> = url.parse().ok();
    let scheme = uri.as_ref().and_then(Uri::scheme_str);
    let (Some("http" | "https"), false) = (scheme, url.contains('#')) else {
        let message = format!("{variable} is {url:?}; give an address of http or https");
        return Err(Failure::argument(message));
    };
    Ok(config()
        // No redirect leaves https again.
        .https_only(scheme == Some("https"))
        .timeout_recv_response(Some(ANSWER_LIMIT))
        .max_redirects(MAX_REDIRECTS)
        .build()
        .new_agent())
}
