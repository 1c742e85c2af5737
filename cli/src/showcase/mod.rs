//! The showcase: avatars by a short name, from an index and in a cache.
//!
//! The index is the one inside the program, or that at `BITHUMAN_SHOWCASE_URL`. `BITHUMAN_OFFLINE=1`
//! connects to nothing: what the cache holds is used, and anything else is an error.

mod client;
mod index;
mod pull;

pub(crate) use client::Client;
pub(crate) use index::{Index, Model, is_slug};
pub(crate) use pull::pull;

use std::path::PathBuf;

use essence::{Error, ErrorKind};

use crate::failure::Failure;

/// The address of an index of one's own.
pub(crate) const URL_VARIABLE: &str = "BITHUMAN_SHOWCASE_URL";

/// `1`: connect to nothing.
const OFFLINE_VARIABLE: &str = "BITHUMAN_OFFLINE";

pub(crate) fn is_offline() -> bool {
    std::env::var(OFFLINE_VARIABLE).is_ok_and(|value| value == "1")
}

/// `~/.cache/bithuman`, or where the system's variables put caches.
///
/// # Errors
/// There is neither a home nor a variable.
pub(crate) fn cache_folder() -> Result<PathBuf, Failure> {
    // A relative path is none, by the XDG base directory specification.
    let variable = |name| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    let caches = variable("XDG_CACHE_HOME")
        .or_else(|| variable("LOCALAPPDATA"))
        .or_else(|| Some(variable("HOME")?.join(".cache")));
    let caches = caches.ok_or_else(|| {
        Error::new(
            ErrorKind::NotFound,
            "there is no folder for a cache; set HOME or XDG_CACHE_HOME",
        )
    })?;
    Ok(caches.join("bithuman"))
}

/// The file of a model in the cache.
///
/// # Errors
/// The errors of [`cache_folder`].
pub(crate) fn cached_file(model: &Model) -> Result<PathBuf, Failure> {
    let folder = cache_folder()?.join("showcase");
    Ok(folder.join(format!("{}.imx", model.slug)))
}
