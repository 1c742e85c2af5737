//! Settings of avatars that are sent into LiveKit rooms.

use std::fmt;
use std::path::PathBuf;

use essence::Engine;

/// Settings of `POST /launch` ([`Options::launch`](crate::Options::launch)).
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct LaunchOptions {
    /// The secret that requests have to bring, in the header `api-secret` or as `Authorization: Bearer`. None:
    /// a server that only this machine reaches takes any; others refuse to launch.
    pub secret: Option<String>,
    /// Folders with avatars: `avatar_id` names a file in one of them, without its ending. Where there are none,
    /// every request gets the server's own avatar.
    pub roots: Vec<PathBuf>,
    /// The engine that opens those files, and pictures that come with a request. None: there are neither.
    pub engine: Option<Engine>,
}

impl fmt::Debug for LaunchOptions {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaunchOptions")
            .field("has_secret", &self.secret.is_some())
            .field("roots", &self.roots)
            .finish_non_exhaustive()
    }
}
