//! Files from addresses in requests. A server that fetches what strangers name can be sent to places that
//! only it can reach, so each address that a name stands for is looked at when it is connected to: after
//! redirects, too, and whatever the name server says at that moment.

use std::io::Read as _;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::time::Duration;

use essence::{Error, ErrorKind, Result};
use ureq::Agent;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

/// How long connecting may take, and all of a download.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(60);

/// How long a webhook may take to answer.
const WEBHOOK_LIMIT: Duration = Duration::from_secs(10);

/// Redirects that a download follows.
const REDIRECTS: u32 = 5;

/// A client for addresses that strangers name.
#[derive(Clone, Debug)]
pub(crate) struct Fetcher {
    downloads: Agent,
    webhooks: Agent,
    allow_private: bool,
}

impl Fetcher {
    /// A client; `allow_private` lets it reach this machine and the networks around it.
    pub(crate) fn new(allow_private: bool) -> Self {
        let agent = |limit: Duration, redirects: u32| {
            let config = essence_brain::http::config()
                // A proxy would resolve names itself.
                .proxy(None)
                .timeout_connect(Some(CONNECT_LIMIT))
                .timeout_global(Some(limit))
                .max_redirects(redirects)
                .max_redirects_will_error(true)
                .build();
            let resolver = Guarded {
                inner: DefaultResolver::default(),
                allow_private,
            };
            Agent::with_parts(config, DefaultConnector::default(), resolver)
        };
        Self {
            downloads: agent(DOWNLOAD_LIMIT, REDIRECTS),
            webhooks: agent(WEBHOOK_LIMIT, 0),
            allow_private,
        }
    }

    /// Downloads a file of at most `max_bytes`. Blocks.
    ///
    /// # Errors
    /// `InvalidArgument`: no address of http or https, or one of a private network. `LimitExceeded`: it
    /// is larger. `Io`: it can't be had.
    pub(crate) fn download(&self, address: &str, max_bytes: usize) -> Result<Vec<u8>> {
        check(address)?;
        let failed = |reason: &dyn std::fmt::Display| {
            Error::new(
                ErrorKind::Io,
                format!("{address} can't be downloaded: {reason}"),
            )
        };
        let response = self
            .downloads
            .get(address)
            .call()
            .map_err(|error| failed(&error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(failed(&format_args!("its server answers {status}")));
        }
        let mut content = Vec::new();
        response
            .into_body()
            .into_reader()
            .take(max_bytes as u64 + 1)
            .read_to_end(&mut content)
            .map_err(|error| failed(&error))?;
        if content.len() > max_bytes {
            let message = format!("{address} is larger than {} MB", max_bytes >> 20);
            return Err(Error::new(ErrorKind::LimitExceeded, message));
        }
        Ok(content)
    }

    /// Posts a signed event; the status of the answer, none where nobody answers in time. Blocks.
    pub(crate) fn deliver(&self, url: &str, headers: &[(&str, String)], body: &str) -> Option<u16> {
        let mut request = self
            .webhooks
            .post(url)
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let response = request.send(body.as_bytes()).ok()?;
        Some(response.status().as_u16())
    }

    /// Refuses an address that no webhook may have.
    ///
    /// # Errors
    /// `InvalidArgument`, in words.
    pub(crate) fn check_webhook(&self, url: &str) -> Result<()> {
        let uri = check(url)?;
        if uri.scheme_str() != Some("https") && !self.allow_private {
            return Err(invalid(
                "a webhook's address begins with https://; `serve --allow-private-urls` allows http and this machine",
            ));
        }
        let host = uri.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        // Names are looked at when they are connected to.
        let private = host.eq_ignore_ascii_case("localhost")
            || host.parse::<IpAddr>().is_ok_and(|ip| !is_public(ip));
        match private && !self.allow_private {
            true => Err(refused(host)),
            false => Ok(()),
        }
    }
}

impl Fetcher {
    /// Refuses the address of a LiveKit server that is none, or is one of a private network. Blocks, while its name
    /// is looked up.
    ///
    /// # Errors
    /// `InvalidArgument`, in words.
    pub(crate) fn check_room(&self, address: &str) -> Result<()> {
        let plain = match address.split_once("://") {
            Some(("ws" | "http", rest)) => format!("http://{rest}"),
            Some(("wss" | "https", rest)) => format!("https://{rest}"),
            _ => return Err(invalid("livekit_url begins with wss:// or ws://")),
        };
        let uri = check(&plain)?;
        if self.allow_private {
            return Ok(());
        }
        let host = uri.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().unwrap_or(443);
        let found = (host, port).to_socket_addrs();
        let found = found.map_err(|_| invalid(&format!("{host} is no host that is known")))?;
        for address in found {
            if !is_public(address.ip()) {
                return Err(refused(host));
            }
        }
        Ok(())
    }
}

fn check(address: &str) -> Result<Uri> {
    let uri: Uri = address
        .parse()
        .map_err(|_| invalid("that is no address of http or https"))?;
    let authority = uri.authority().map(|a| a.as_str()).unwrap_or_default();
    if !matches!(uri.scheme_str(), Some("http" | "https")) || authority.is_empty() {
        return Err(invalid("that is no address of http or https"));
    }
    if authority.contains('@') {
        return Err(invalid("an address may hold no user or password"));
    }
    Ok(uri)
}

#[cold]
fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

#[cold]
fn refused(host: &str) -> Error {
    invalid(&format!(
        "{host} is on this machine or a private network; `serve --allow-private-urls` allows those"
    ))
}

/// Resolves names, and refuses those that stand for a private address.
#[derive(Debug)]
struct Guarded {
    inner: DefaultResolver,
    allow_private: bool,
}

impl Resolver for Guarded {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> std::result::Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        if !self.allow_private
            && found
                .iter()
                .any(|address: &SocketAddr| !is_public(address.ip()))
        {
            let host = uri.host().unwrap_or_default();
            return Err(ureq::Error::Io(std::io::Error::new(
                std::io::ErrorKind::PermissionDenied,
                refused(host).message().to_owned(),
            )));
        }
        Ok(found)
    }
}

/// Whether everybody reaches the same machine by an address: the blocks for other purposes are those of
/// IANA's registries (RFC 6890 and its additions).
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_broadcast()
                || ip.is_documentation()
                || ip.is_multicast()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 192 && b == 88 && c == 99)
                || (a == 198 && (18..20).contains(&b)))
        }
        IpAddr::V6(ip) => {
            if let Some(inner) = ip.to_ipv4_mapped().or_else(|| embedded(ip.segments())) {
                return is_public(IpAddr::V4(inner));
            }
            // 2000::/3 alone is given out, less documentation (2001:db8::/32, 3fff::/20) and the blocks
            // of protocols in 2001::/23.
            let [a, b, ..] = ip.segments();
            (0x2000..0x4000).contains(&a)
                && !(a == 0x2001 && (b < 0x200 || b == 0xdb8))
                && !(a == 0x3fff && b < 0x1000)
        }
    }
}

/// The IPv4 address inside one of 6to4 or NAT64.
fn embedded(segments: [u16; 8]) -> Option<std::net::Ipv4Addr> {
    let join =
        |high: u16, low: u16| std::net::Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match segments {
        [0x2002, high, low, ..] => Some(join(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(join(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_told() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "2002:7f00:1::",
            "64:ff9b::7f00:1",
            "::127.0.0.1",
            "2001:db8::1",
            "ff02::1",
        ] {
            let ip = private.parse().unwrap_or(IpAddr::V4([8, 8, 8, 8].into()));
            assert!(!is_public(ip), "{private}");
        }
        for public in [
            "8.8.8.8",
            "93.184.216.34",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
        ] {
            let ip = public.parse().unwrap_or(IpAddr::V4([127, 0, 0, 1].into()));
            assert!(is_public(ip), "{public}");
        }
    }

    #[test]
    fn this_machine_is_not_fetched_from() {
        let fetcher = Fetcher::new(false);
        for address in [
            "http://127.0.0.1:1/x",
            "http://localhost:1/x",
            "http://2130706433/x",
            "http://0x7f.1/x",
            "http://[::1]:1/x",
            "http://[::ffff:127.0.0.1]:1/x",
            "ftp://example.org/x",
            "file:///etc/passwd",
            "http://user@example.org/x",
            "gopher://127.0.0.1/x",
            "http:///x",
            "",
        ] {
            assert!(fetcher.download(address, 10).is_err(), "{address}");
        }
        assert!(fetcher.check_webhook("http://example.org/hook").is_err());
        assert!(fetcher.check_webhook("https://127.0.0.1/hook").is_err());
        assert!(fetcher.check_webhook("https://example.org/hook").is_ok());
    }
}
