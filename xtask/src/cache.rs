//! The folder of tools that can be brought again.

use std::path::PathBuf;

use crate::root;

/// The user's folder for them; `target/cache` where there is none.
pub(crate) fn folder() -> PathBuf {
    let given = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let folder = given.filter(|path| path.is_absolute()).or_else(home);
    folder.map_or_else(
        || root().join("target/cache"),
        |folder| folder.join("libessence"),
    )
}
