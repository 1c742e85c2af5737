//! The web package: what a page at `?render=local` needs to draw the avatar itself.

use std::collections::BTreeMap;
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Bytes;
use axum::http::HeaderValue;
use essence::{Error, ErrorKind, Result};

/// Files without which there is no package.
const NEEDED: [&str; 5] = [
    "index.js",
    "worker.js",
    "player.worklet.js",
    "essence.wasm",
    "essence-relaxed.wasm",
];

/// Most bytes of a package; it has 6 MB.
const MAX_BYTES: u64 = 64 << 20;

/// The package that draws an avatar in the page, and the avatar's file, which pages are given then. Both are
/// kept in memory.
pub struct WebPackage {
    /// Types and contents, by name.
    pub(crate) files: BTreeMap<String, (&'static str, Bytes)>,
    pub(crate) avatar: Bytes,
    /// The avatar's, by its bytes.
    pub(crate) etag: HeaderValue,
}

impl WebPackage {
    /// Reads the package out of the folder that `cargo xtask web` makes, `bindings/web/dist`. `avatar` is the
    /// `.imx` file that the server's avatar was opened from.
    ///
    /// # Errors
    /// - `NotFound`: the folder has no such package; the message says how it is made.
    /// - `LimitExceeded`: its files have more than 64 MiB.
    /// - `Io`: they can't be read.
    pub fn open(
        folder: impl AsRef<Path>,
        avatar: impl AsRef<[u8]> + Send + 'static,
    ) -> Result<Self> {
        let folder = folder.as_ref();
        let files = read(folder)?;
        if let Some(missing) = NEEDED.iter().find(|name| !files.contains_key(**name)) {
            let message = format!(
                "{} is no web package: it has no {missing}; `cargo xtask web` makes one in bindings/web/dist",
                folder.display()
            );
            return Err(Error::new(ErrorKind::NotFound, message));
        }
        let avatar = Bytes::from_owner(avatar);
        let hash = digest(&SHA256, &avatar);
        let hex: String = hash.as_ref()[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let etag = HeaderValue::try_from(format!("\"{hex}\"")).map_err(|e| {
            Error::new(ErrorKind::Internal, "the avatar has no hash").with_source(e)
        })?;
        Ok(Self {
            files,
            avatar,
            etag,
        })
    }
}

impl std::fmt::Debug for WebPackage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebPackage")
            .field("files", &self.files.len())
            .field("avatar_bytes", &self.avatar.len())
            .finish()
    }
}

/// The scripts and modules of a folder, by name.
fn read(folder: &Path) -> Result<BTreeMap<String, (&'static str, Bytes)>> {
    let failed = |e: std::io::Error| {
        let kind = match e.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            _ => ErrorKind::Io,
        };
        let message = format!(
            "the web package at {} cannot be read: {e}",
            folder.display()
        );
        Error::new(kind, message).with_source(e)
    };
    let mut files = BTreeMap::new();
    let mut total = 0;
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let kind = match path.extension().and_then(|extension| extension.to_str()) {
            Some("js") => "text/javascript; charset=utf-8",
            Some("wasm") => "application/wasm",
            _ => continue,
        };
        let (Some(name), Ok(facts)) = (path.file_name().and_then(|n| n.to_str()), path.metadata())
        else {
            continue;
        };
        if !facts.is_file() {
            continue;
        }
        total += facts.len();
        if total > MAX_BYTES {
            let message = format!(
                "the files of {} have more than {} MiB: that is no web package",
                folder.display(),
                MAX_BYTES >> 20
            );
            return Err(Error::new(ErrorKind::LimitExceeded, message));
        }
        let bytes = std::fs::read(&path).map_err(failed)?;
        files.insert(name.to_owned(), (kind, Bytes::from(bytes)));
    }
    Ok(files)
}
