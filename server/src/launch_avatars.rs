//! The avatar that a request means: the server's own, a file in a folder, or a picture that came with it.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use axum::http::StatusCode;
use essence::{Avatar, Engine};

use crate::launch_error::LaunchError;
use crate::launch_options::LaunchOptions;
use crate::launch_request::LaunchRequest;

/// Files that stay open: the last ones that were asked for.
const KEPT: usize = 8;

/// Most characters of an avatar's name.
const NAME_CHARS: usize = 64;

/// Endings of avatars' files, in the order of preference.
const ENDINGS: [&str; 5] = ["imx", "png", "jpg", "jpeg", "webp"];

/// The avatars that can be launched.
pub(crate) struct LaunchAvatars {
    own: Avatar,
    engine: Option<Engine>,
    roots: Vec<PathBuf>,
    opened: Mutex<Vec<(PathBuf, Avatar)>>,
}

impl LaunchAvatars {
    pub(crate) fn new(own: Avatar, options: &LaunchOptions) -> Self {
        Self {
            own,
            engine: options.engine.clone(),
            roots: options.roots.clone(),
            opened: Mutex::default(),
        }
    }

    /// The avatar of a request. Opening a file or making a portrait takes up to seconds and blocks.
    ///
    /// # Errors
    /// 400: an impossible name or picture. 404: nothing has that name. Those of opening a file.
    pub(crate) fn find(&self, request: &LaunchRequest) -> Result<Avatar, LaunchError> {
        if let Some(picture) = &request.picture {
            return self.portrait(picture);
        }
        let Some(id) = request.avatar_id.as_deref() else {
            return Ok(self.own.clone());
        };
        if self.roots.is_empty() || id == self.own.info().name {
            return Ok(self.own.clone());
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if id.len() > NAME_CHARS || id.starts_with('.') || !id.chars().all(plain) {
            return Err(LaunchError::bad(
                "avatar_id has other characters than letters, digits, '-', '_' and '.'",
            ));
        }
        let lower = id.to_ascii_lowercase();
        let names = [id, lower.as_str()];
        let paths = self.roots.iter().flat_map(|root| {
            names.into_iter().flat_map(move |name| {
                ENDINGS
                    .into_iter()
                    .map(move |ending| root.join(format!("{name}.{ending}")))
            })
        });
        let found = paths.into_iter().find(|path| path.is_file());
        let path = found.ok_or_else(|| {
            let message = format!("Agent not found for code: {id}");
            LaunchError::new(StatusCode::NOT_FOUND, message)
        })?;
        self.open(&path)
    }

    fn open(&self, path: &Path) -> Result<Avatar, LaunchError> {
        let engine = self.engine()?;
        let opened = || self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, avatar)) = opened().iter().find(|(known, _)| known == path) {
            return Ok(avatar.clone());
        }
        // Unlocked: it takes its time, and twice the same file does no harm.
        let avatar = engine.open(path)?;
        let mut opened = opened();
        if opened.len() == KEPT {
            opened.remove(0);
        }
        opened.push((path.to_owned(), avatar.clone()));
        Ok(avatar)
    }

    fn engine(&self) -> Result<&Engine, LaunchError> {
        self.engine.as_ref().ok_or_else(|| {
            LaunchError::bad(
                "this server has its own avatar alone; leave avatar_id and picture out",
            )
        })
    }

    /// The avatar of a picture. Blocks, for up to seconds.
    ///
    /// # Errors
    /// 400: it is none of a face. Those of opening an avatar.
    #[cfg(feature = "portrait")]
    pub(crate) fn portrait(&self, picture: &[u8]) -> Result<Avatar, LaunchError> {
        use essence::portrait::{PortraitOptions, create};
        let engine = self.engine()?;
        let (avatar, _) = create(picture, &PortraitOptions::default())?;
        Ok(engine.open_bytes(avatar)?)
    }

    #[cfg(not(feature = "portrait"))]
    pub(crate) fn portrait(&self, _: &[u8]) -> Result<Avatar, LaunchError> {
        let _ = self.engine()?;
        Err(LaunchError::bad(
            "this server was built without pictures; name an avatar",
        ))
    }
}
