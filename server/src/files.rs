//! Files that agents are made of and that are made: pictures, films, sound, avatars.
//!
//! A file has a name such as `images/5f…/face.jpg`: a category, 128 random bits, and the end of its
//! owner's name for it, of which only harmless characters are kept. The name is the way to it, so nobody
//! finds a file that he wasn't told of. Files get their names once they are whole, and never change.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use essence::{Error, ErrorKind, Result};
use essence_media::OutputFile;
use tokio::task::{JoinError, JoinHandle};

use crate::access;
use crate::bucket::Bucket;

/// Most characters of a name.
const NAME_CHARS: usize = 80;

/// The age from which on a file without a name is nobody's any more.
const UNFINISHED: Duration = Duration::from_secs(3_600);

/// The kind of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Category {
    Image,
    Video,
    Audio,
    Document,
    /// An avatar.
    Model,
}

impl Category {
    /// Its folder, as it is in names and in answers.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Image => "images",
            Self::Video => "videos",
            Self::Audio => "audio",
            Self::Document => "docs",
            Self::Model => "models",
        }
    }

    /// Its name in requests and answers.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Document => "document",
            Self::Model => "model",
        }
    }

    /// Most bytes of an upload.
    pub(crate) fn max_bytes(self) -> usize {
        match self {
            Self::Image => 10 << 20,
            Self::Video => 100 << 20,
            Self::Audio | Self::Document => 25 << 20,
            Self::Model => 64 << 20,
        }
    }
}

/// How long a file of a bucket stays in the folder that nobody has fetched anew.
const CACHED: Duration = Duration::from_secs(7 * 24 * 3_600);

/// The files of a data folder, or of a bucket that it is a cache of.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    root: PathBuf,
    temporary: PathBuf,
    bucket: Option<Bucket>,
}

impl Files {
    /// Opens the folders, and makes them where they aren't.
    ///
    /// # Errors
    /// `Io`: they can't be written.
    pub(crate) fn open(data: &Path, bucket: Option<Bucket>) -> Result<Self> {
        let files = Self {
            root: data.join("files"),
            temporary: data.join("work"),
            bucket,
        };
        for folder in [&files.root, &files.temporary] {
            fs::create_dir_all(folder).map_err(|e| {
                let message = format!("{} can't be made", folder.display());
                Error::new(ErrorKind::Io, message).with_source(e)
            })?;
        }
        files.sweep();
        Ok(files)
    }

    /// Removes what killed servers have left unfinished, and of a bucket's files those that were fetched long ago.
    /// Files under way are younger: other servers of the same folder may be writing them.
    fn sweep(&self) {
        let folders = |path: &Path| {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            entries
                .map(|entry| entry.path())
                .filter(|path| path.is_dir())
        };
        for folder in folders(&self.root).flat_map(|category| folders(&category)) {
            let age = fs::metadata(&folder)
                .and_then(|found| found.modified())
                .ok()
                .and_then(|at| at.elapsed().ok())
                .unwrap_or_default();
            let mut inside = fs::read_dir(&folder).into_iter().flatten().flatten();
            // A file gets a name without a dot in front once it is whole.
            let whole = inside.any(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."));
            let is_over = match whole {
                true => self.bucket.is_some() && age > CACHED,
                false => age > UNFINISHED,
            };
            if is_over {
                let _ = fs::remove_dir_all(&folder);
            }
        }
    }

    /// A new name for a file, and its path, whose folder exists. Once the file is written, it is
    /// [kept](Self::keep), or [forgotten](Self::forget).
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn reserve(&self, category: Category, name: &str) -> Result<(String, PathBuf)> {
        let name = format!("{}/{}/{}", category.folder(), access::token()?, plain(name));
        let path = self.root.join(&name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|e| unwritable(folder).with_source(e))?;
        }
        Ok((name, path))
    }

    /// Writes a file; gives its name.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn put(&self, category: Category, name: &str, content: &[u8]) -> Result<String> {
        let (name, path) = self.reserve(category, name)?;
        let mut file = OutputFile::create(&path)?;
        file.file()
            .write_all(content)
            .map_err(|e| unwritable(&path).with_source(e))?;
        file.commit()?;
        self.keep(&name)?;
        Ok(name)
    }

    /// Keeps a file that was written at its reserved path. Blocks.
    ///
    /// # Errors
    /// `Io`: the bucket can't be written; then the file is forgotten.
    pub(crate) fn keep(&self, name: &str) -> Result<()> {
        let Some(bucket) = &self.bucket else {
            return Ok(());
        };
        let path = self.root.join(name);
        let content = fs::read(&path).map_err(|e| unreadable(&path).with_source(e));
        let kept = content.and_then(|content| bucket.put(name, content));
        if kept.is_err() {
            self.forget(name);
        }
        kept
    }

    /// The path of a file by its name; none for anything that is no such name, or isn't there. Blocks.
    ///
    /// # Errors
    /// `Io`: the bucket can't be read.
    pub(crate) fn find(&self, name: &str) -> Result<Option<PathBuf>> {
        let Some(path) = self.place(name) else {
            return Ok(None);
        };
        let Some(bucket) = &self.bucket else {
            return Ok(path.is_file().then_some(path));
        };
        if path.is_file() {
            // Another server may have deleted it.
            if bucket.has(name)? {
                return Ok(Some(path));
            }
            self.forget(name);
            return Ok(None);
        }
        let Some(content) = bucket.get(name)? else {
            return Ok(None);
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|e| unwritable(folder).with_source(e))?;
        }
        let mut file = OutputFile::create(&path)?;
        file.file()
            .write_all(&content)
            .map_err(|e| unwritable(&path).with_source(e))?;
        file.commit()?;
        Ok(Some(path))
    }

    /// The place of a file by its name, whether it is there or not; none for anything that is no such name.
    fn place(&self, name: &str) -> Option<PathBuf> {
        let mut parts = name.split('/');
        let (category, id, end) = (parts.next()?, parts.next()?, parts.next()?);
        let folders = ["images", "videos", "audio", "docs", "models"];
        let is_name = folders.contains(&category)
            && id.len() == 32
            && id.bytes().all(|b| b.is_ascii_hexdigit())
            && end == plain(end)
            && parts.next().is_none();
        is_name.then(|| self.root.join(name))
    }

    /// Removes a file and its folder, if they are there; from a bucket soon.
    pub(crate) fn remove(&self, name: &str) {
        self.removal(name);
    }

    /// Removes files. When this is over, no server that shares the bucket gives them.
    ///
    /// # Errors
    /// A task panicked or was cancelled.
    pub(crate) async fn remove_all(self, names: Vec<String>) -> Result<(), JoinError> {
        let removals = move || names.iter().filter_map(|name| self.removal(name)).collect();
        let removals: Vec<JoinHandle<()>> = tokio::task::spawn_blocking(removals).await?;
        for removal in removals {
            removal.await?;
        }
        Ok(())
    }

    /// Removes a file and its folder; the task ends when the bucket has it no more.
    fn removal(&self, name: &str) -> Option<JoinHandle<()>> {
        let folder = self.place(name)?.parent()?.to_owned();
        // One that can't be removed is of no use to anybody, but does no harm.
        let _ = fs::remove_dir_all(folder);
        self.bucket.as_ref().map(|bucket| bucket.remove(name))
    }

    /// Removes the folder of a name that was reserved and got no file.
    pub(crate) fn forget(&self, name: &str) {
        if let Some(folder) = self.root.join(name).parent() {
            let _ = fs::remove_dir_all(folder);
        }
    }

    /// An empty folder for a job, without what an attempt before may have left there.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn workplace(&self, job: &str) -> Result<Workplace> {
        let path = self.temporary.join(plain(job));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).map_err(|e| unwritable(&path).with_source(e))?;
        Ok(Workplace(path))
    }
}

/// A folder that is removed with what is in it.
#[derive(Debug)]
pub(crate) struct Workplace(PathBuf);

impl Workplace {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cold]
fn unreadable(path: &Path) -> Error {
    Error::new(ErrorKind::Io, format!("{} can't be read", path.display()))
}

#[cold]
fn unwritable(path: &Path) -> Error {
    Error::new(
        ErrorKind::Io,
        format!("{} can't be written", path.display()),
    )
}

/// A name without anything that a path, a header or a shell reads as something else.
fn plain(name: &str) -> String {
    let end = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = end
        .chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() || "._-".contains(c) => c,
            _ => '_',
        })
        .collect();
    let kept = kept.trim_start_matches('.');
    // The end of a name says what it is.
    let first = kept.len().saturating_sub(NAME_CHARS);
    match &kept[first..] {
        "" => "file".to_owned(),
        kept => kept.trim_start_matches('.').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_nowhere_else() -> Result<()> {
        let folder =
            tempfile::tempdir().map_err(|e| unwritable(Path::new("tmp")).with_source(e))?;
        let files = Files::open(folder.path(), None)?;
        fs::write(folder.path().join("secret"), "x")
            .map_err(|e| unwritable(folder.path()).with_source(e))?;
        let name = files.put(Category::Image, "../../über me.jpg", b"pixels")?;
        assert!(name.ends_with("/_ber_me.jpg"), "{name}");
        let path = files
            .find(&name)?
            .ok_or_else(|| unwritable(folder.path()))?;
        assert!(path.starts_with(folder.path().join("files")));
        for hostile in [
            "../secret",
            "images/../../secret",
            "images//x",
            "/etc/passwd",
            "images/..",
            &name.replace("images", "videos"),
            &format!("{name}/.."),
            &name.replace("/_", "/../_"),
            "",
        ] {
            assert_eq!(files.find(hostile)?, None, "{hostile}");
        }
        files.remove(&name);
        assert_eq!(files.find(&name)?, None);
        Ok(())
    }
}
