//! The common part of this repository's clients of HTTP; no promise of stability.

use std::sync::Arc;
use std::time::Duration;

use ureq::config::{Config, ConfigBuilder};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::typestate::AgentScope;

/// How long connecting may take, and each further piece of an answer.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
const READ_LIMIT: Duration = Duration::from_secs(20);

/// Settings of a client that trusts whom the system trusts, tells its name, and gives refusals as answers. Redirects,
/// proxies and further limits are the caller's.
pub fn config() -> ConfigBuilder<AgentScope> {
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .build();
    Config::builder()
        .tls_config(tls)
        .timeout_connect(Some(CONNECT_LIMIT))
        .timeout_per_read(Some(READ_LIMIT))
        .http_status_as_error(false)
        .user_agent(concat!("libessence/", env!("CARGO_PKG_VERSION")))
}
