//! Codes, hosts and origins: which requests are answered at all.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};
use essence::{Error, ErrorKind, Result};

/// Letters and digits that are not taken for each other: 32, so that each stands for 5 bits.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// Characters of a code's random part: 50 bits.
const RANDOM_CHARS: usize = 10;

/// Most characters of a name in a code.
const NAME_CHARS: usize = 24;

/// The secret part of a page's address.
pub(crate) struct Code {
    shown: String,
    compared: Vec<u8>,
}

impl Code {
    /// A new code that begins with an avatar's name: `JUNO-7K2M9QX4AB`.
    pub(crate) fn new(name: &str) -> Result<Self> {
        let mut shown = String::new();
        for c in name.chars().take(NAME_CHARS) {
            match c {
                _ if c.is_ascii_alphanumeric() => shown.push(c.to_ascii_uppercase()),
                _ if !shown.is_empty() && !shown.ends_with('-') => shown.push('-'),
                _ => {}
            }
        }
        if !shown.is_empty() && !shown.ends_with('-') {
            shown.push('-');
        }
        for byte in random::<RANDOM_CHARS>()? {
            shown.push(char::from(ALPHABET[usize::from(byte % 32)]));
        }
        let compared = normal(&shown);
        Ok(Self { shown, compared })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.shown
    }

    /// Whether `given` is this code, in any case and with any hyphens. Takes the same time wherever the
    /// first difference is.
    pub(crate) fn is(&self, given: &str) -> bool {
        given.len() <= 4 * self.shown.len() && equal(&self.compared, &normal(given))
    }
}

fn normal(code: &str) -> Vec<u8> {
    let bytes = code.bytes().filter(|&b| b != b'-');
    bytes.map(|b| b.to_ascii_uppercase()).collect()
}

/// Compares in a time that depends on the lengths alone.
pub(crate) fn equal(a: &[u8], b: &[u8]) -> bool {
    let differences = a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b));
    a.len() == b.len() && std::hint::black_box(differences) == 0
}

/// A name that nobody guesses, for a session: 128 bits.
pub(crate) fn token() -> Result<String> {
    use std::fmt::Write as _;
    let mut token = String::with_capacity(32);
    for byte in random::<16>()? {
        // Writing to a string doesn't fail.
        let _ = write!(token, "{byte:02x}");
    }
    Ok(token)
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| {
        Error::new(
            ErrorKind::Io,
            format!("the system gives no random numbers: {e}"),
        )
    })?;
    Ok(bytes)
}

/// Whether a request may name the server as it does. An address can't be taken over by another site, a
/// name can (DNS rebinding), so names have to be known.
pub(crate) fn host_is_known(headers: &HeaderMap, known: &[String]) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let Ok(host) = host.to_str() else {
        return false;
    };
    let name = name_of(host);
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok()
        || known.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// The host without its port.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.is_empty() => name,
        _ => host,
    }
}

/// Whether a request comes from a page of this server: `Origin` names the host that the request does.
pub(crate) fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|v| v.to_str().ok());
    let (Some(origin), Some(host)) = (text(header::ORIGIN), text(header::HOST)) else {
        return false;
    };
    let authority = origin
        .strip_prefix("http://")
        .or(origin.strip_prefix("https://"));
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}
