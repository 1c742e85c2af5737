//! Errors of files that are wrong, and what their messages contain where programs tell them apart.

use crate::{Error, ErrorKind};

/// In the message of an error: the file is no container.
pub const NOT_IMX: &str = "not an .imx avatar";

/// In the message of an error: the container has no manifest.
pub const MISSING_MANIFEST: &str = "manifest.json is missing";

/// In the message of an error: a member differs from its hash.
pub const HASH_DIFFERS: &str = "differs from its sha256";

/// In the message of an error: the avatar needs another engine.
pub const OTHER_FAMILY: &str = "model family";

#[cold]
pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidAvatar, message)
}

#[cold]
pub(super) fn unsupported(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::UnsupportedFormat, message)
}
