//! The client that talks to servers by http and https, with limits on time.

use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::http::Uri;
use ureq::tls::{RootCerts, TlsConfig};

use crate::failure::Failure;

/// How long connecting may take, the head of an answer, and each further piece.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
const READ_LIMIT: Duration = Duration::from_secs(20);

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
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .build();
    Ok(Agent::config_builder()
        .tls_config(tls)
        // No redirect leaves https again.
        .https_only(scheme == Some("https"))
        .timeout_connect(Some(CONNECT_LIMIT))
        .timeout_recv_response(Some(ANSWER_LIMIT))
        .timeout_per_read(Some(READ_LIMIT))
        .http_status_as_error(false)
        .max_redirects(MAX_REDIRECTS)
        .user_agent(concat!("libessence/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent())
}
