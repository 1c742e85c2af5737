//! Writing a file without harm: it appears whole or not at all, and nothing else is touched.
//!
//! - A plain file is written under a random name in the same folder, made anew (no link is
//!   followed, no file of that name opened), brought to the disk, and renamed. Two writers of one
//!   name don't meet: the later one's file remains, whole, and is told of the other.
//! - A link stays: what it points to is written.
//! - A device, a FIFO or a socket is never replaced: the data is collected in a temporary file
//!   without a name and copied there at the end.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{Error as IoError, ErrorKind as IoErrorKind, Result as IoResult, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use essence::{Error, ErrorKind, Result};
use tempfile::NamedTempFile;

/// As many links may follow one another as Linux allows.
const MAX_LINKS: usize = 40;

/// A file that is being written. Dropped without [`commit`](Self::commit), it leaves nothing.
#[derive(Debug)]
pub struct OutputFile {
    /// As the caller named it.
    path: PathBuf,
    place: Place,
}

/// A file that [`OutputFile::commit`] has made.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Committed {
    /// Size of the file.
    pub bytes: u64,
    /// Whether somebody else wrote the same name meanwhile, whose file was replaced.
    pub replaced_another: bool,
}

#[derive(Debug)]
enum Place {
    /// A file that is renamed to `target`, and what was there at the beginning.
    Rename {
        file: NamedTempFile,
        target: PathBuf,
        before: Option<Identity>,
    },
    /// A place that isn't replaced but written to.
    Through { spool: File },
}

/// The marks that tell one file of a name from the next.
#[derive(Debug, Eq, PartialEq)]
struct Identity {
    bytes: u64,
    modified: Option<SystemTime>,
    number: u64,
}

impl OutputFile {
    /// Begins to write `path`. Nothing is at `path` before [`commit`](Self::commit); a FIFO is not
    /// opened.
    ///
    /// # Errors
    /// `Io`: `path` is a folder or write-protected, its folder doesn't exist, or no file can be made
    /// there.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        match Place::find(&path) {
            Ok(place) => Ok(Self { path, place }),
            Err(e) => Err(cannot_write(&path, e)),
        }
    }

    /// The file to write to, read from and seek in.
    pub fn file(&mut self) -> &mut File {
        match &mut self.place {
            Place::Rename { file, .. } => file.as_file_mut(),
            Place::Through { spool } => spool,
        }
    }

    /// The path that the caller gave.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file that exists until [`commit`](Self::commit), for a process that is about to end
    /// without dropping this.
    pub fn temporary_path(&self) -> Option<&Path> {
        match &self.place {
            Place::Rename { file, .. } => Some(file.path()),
            Place::Through { .. } => None,
        }
    }

    /// Brings the data to the disk and gives it its name, or copies it to where it belongs; opening
    /// a FIFO waits for its reader.
    ///
    /// # Errors
    /// `Io`: it could not be written. No file remains.
    pub fn commit(self) -> Result<Committed> {
        let Self { path, place } = self;
        place
            .commit(&path, true)
            .map_err(|e| cannot_write(&path, e))
    }

    /// As [`commit`](Self::commit), without waiting for the disk: for one of many files.
    pub(crate) fn commit_unsynced(self) -> Result<Committed> {
        let Self { path, place } = self;
        place
            .commit(&path, false)
            .map_err(|e| cannot_write(&path, e))
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> IoResult<usize> {
        self.file().write(bytes)
    }

    fn flush(&mut self) -> IoResult<()> {
        self.file().flush()
    }
}

impl Place {
    fn find(path: &Path) -> IoResult<Self> {
        let Some((target, metadata)) = resolve(path)? else {
            let spool = tempfile::tempfile()?;
            return Ok(Self::Through { spool });
        };
        if metadata
            .as_ref()
            .is_some_and(|m| m.permissions().readonly())
        {
            let what = "the file that is there is write-protected";
            return Err(IoError::new(IoErrorKind::PermissionDenied, what));
        }
        let folder = match target.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        // A name may have 255 bytes in all.
        let name: String = name.chars().take(40).collect();
        let prefix = format!(".{name}.");
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(".part");
        // As any new file, not for the user alone; the umask applies.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(folder)?;
        if let Some(metadata) = &metadata {
            file.as_file().set_permissions(metadata.permissions())?;
        }
        Ok(Self::Rename {
            file,
            target,
            before: metadata.as_ref().map(Identity::of),
        })
    }

    fn commit(self, path: &Path, sync: bool) -> IoResult<Committed> {
        match self {
            Self::Rename {
                file,
                target,
                before,
            } => {
                if sync {
                    file.as_file().sync_all()?;
                }
                let bytes = file.as_file().metadata()?.len();
                let now = std::fs::symlink_metadata(&target).ok();
                let now = now.as_ref().map(Identity::of);
                file.persist(&target).map_err(|e| e.error)?;
                if sync {
                    sync_folder(&target);
                }
                Ok(Committed {
                    bytes,
                    replaced_another: now.is_some() && now != before,
                })
            }
            Self::Through { mut spool } => {
                spool.rewind()?;
                let mut device = OpenOptions::new().write(true).open(path)?;
                let bytes = std::io::copy(&mut spool, &mut device)?;
                Ok(Committed {
                    bytes,
                    replaced_another: false,
                })
            }
        }
    }
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let number = std::os::unix::fs::MetadataExt::ino(metadata);
        #[cfg(not(unix))]
        let number = 0;
        Self {
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
            number,
        }
    }
}

/// Follows links from `path` to the plain file that is there or will be. `None`: something else is
/// there, to be written to in place.
fn resolve(path: &Path) -> IoResult<Option<(PathBuf, Option<Metadata>)>> {
    let mut target = path.to_owned();
    for _ in 0..MAX_LINKS {
        // Names of open files (/dev/stdout is a link to /proc/self/fd/1): another program writes to
        // them, too, and looks for no new file of the name.
        if target.starts_with("/proc") || target.starts_with("/dev/fd") {
            return Ok(None);
        }
        let metadata = match std::fs::symlink_metadata(&target) {
            Err(e) if e.kind() == IoErrorKind::NotFound => return Ok(Some((target, None))),
            other => other?,
        };
        if metadata.is_dir() {
            return Err(IoError::new(IoErrorKind::IsADirectory, "it is a folder"));
        }
        if metadata.is_file() {
            return Ok(Some((target, Some(metadata))));
        }
        if !metadata.is_symlink() {
            return Ok(None);
        }
        let link = std::fs::read_link(&target)?;
        target = target.parent().unwrap_or(Path::new("")).join(link);
    }
    Err(IoError::other("too many links follow one another"))
}

/// Makes the new name last. Not all file systems can; the file itself is on the disk anyway.
fn sync_folder(file: &Path) {
    #[cfg(unix)]
    {
        let folder = match file.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
    #[cfg(not(unix))]
    let _ = file;
}

#[cold]
pub(crate) fn cannot_write(path: &Path, cause: IoError) -> Error {
    Error::new(ErrorKind::Io, format!("cannot write {}", path.display())).with_source(cause)
}
