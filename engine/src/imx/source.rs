//! The bytes of a container: read from a file or a reader within limits, mapped, or given by the
//! caller.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use memmap2::Mmap;

use super::fault::{NOT_IMX, invalid};
use super::limits::{MAX_FILE_BYTES, MAX_READ_BYTES};
use super::signature::identify;
use crate::{Error, ErrorKind, Result};

/// Bytes of a container.
pub(super) enum Bytes {
    /// The caller's, or mapped.
    Given(Box<dyn AsRef<[u8]> + Send + Sync>),
    /// Read into memory.
    Read(Vec<u8>),
}

impl Bytes {
    pub(super) fn get(&self) -> &[u8] {
        match self {
            Self::Given(bytes) => (**bytes).as_ref(),
            Self::Read(bytes) => bytes,
        }
    }
}

/// Bytes that tell what a file is.
const HEAD_BYTES: u64 = 512;

/// Reads a whole regular file into memory.
pub(super) fn read_file(path: &Path) -> Result<Bytes> {
    let (file, size_bytes) = open_regular(path)?;
    if size_bytes > MAX_READ_BYTES {
        return Err(too_large_to_read(size_bytes));
    }
    // One more byte tells that the file has ended.
    let capacity = usize::try_from(size_bytes).unwrap_or(0) + 1;
    read_into(Vec::with_capacity(capacity), file)
}

/// Reads to the end of `reader`, at most [`MAX_READ_BYTES`]. What doesn't begin like a container is
/// refused by its first bytes.
pub(super) fn read(reader: impl Read) -> Result<Bytes> {
    read_into(Vec::new(), reader)
}

fn read_into(mut bytes: Vec<u8>, mut reader: impl Read) -> Result<Bytes> {
    let mut take = |bytes: &mut Vec<u8>, limit: u64| {
        let count = reader.by_ref().take(limit).read_to_end(bytes);
        count.map_err(|error| io_error("read", error))
    };
    take(&mut bytes, HEAD_BYTES)?;
    identify(&bytes)?;
    take(&mut bytes, MAX_READ_BYTES - HEAD_BYTES + 1)?;
    let size_bytes = bytes.len() as u64;
    if size_bytes > MAX_READ_BYTES {
        return Err(too_large_to_read(size_bytes));
    }
    Ok(Bytes::Read(bytes))
}

/// Maps a whole regular file.
pub(super) fn map_file(path: &Path) -> Result<Bytes> {
    let (file, size_bytes) = open_regular(path)?;
    check_size(size_bytes)?;
    if size_bytes == 0 {
        return Ok(Bytes::Read(Vec::new()));
    }
    #[expect(unsafe_code, reason = "mapping a file is unsafe by its nature")]
    // SAFETY: the map is private to its container, read-only and handed out as `&[u8]` only. Another
    // process can still change the file underneath; callers who ask for a map are told not to, and
    // what is read again later (pixels, weights) is not relied on for memory safety.
    let map = unsafe { Mmap::map(&file) }.map_err(|error| io_error("mapped", error))?;
    Ok(Bytes::Given(Box::new(map)))
}

/// Refuses a container of more than [`MAX_FILE_BYTES`].
pub(super) fn check_size(size_bytes: u64) -> Result<()> {
    if size_bytes > MAX_FILE_BYTES {
        return Err(Error::new(
            ErrorKind::LimitExceeded,
            format!("the file has {size_bytes} bytes; at most {MAX_FILE_BYTES} are allowed"),
        ));
    }
    Ok(())
}

/// An open regular file and its size. Pipes, devices and folders are refused without waiting for
/// them.
fn open_regular(path: &Path) -> Result<(File, u64)> {
    let regular = |metadata: fs::Metadata| {
        if metadata.is_file() {
            Ok(metadata.len())
        } else {
            Err(invalid(format!("{NOT_IMX}: it is not a regular file")))
        }
    };
    let failed = |what| move |error| io_error(what, error);
    // Opening alone has an effect on some devices.
    regular(fs::metadata(path).map_err(failed("read"))?)?;
    let file = open_without_waiting(path).map_err(failed("opened"))?;
    let size_bytes = regular(file.metadata().map_err(failed("read"))?)?;
    Ok((file, size_bytes))
}

/// A pipe that took the file's place since it was looked at doesn't wait for a writer.
#[cfg(unix)]
fn open_without_waiting(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = File::options();
    options.read(true).custom_flags(libc::O_NONBLOCK).open(path)
}

#[cfg(not(unix))]
fn open_without_waiting(path: &Path) -> io::Result<File> {
    File::open(path)
}

fn too_large_to_read(size_bytes: u64) -> Error {
    Error::new(
        ErrorKind::LimitExceeded,
        format!(
            "the avatar has {size_bytes} bytes; at most {MAX_READ_BYTES} are read into \
             memory: map the file instead"
        ),
    )
}

fn io_error(what: &str, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => {
            Error::new(ErrorKind::NotFound, "there is no such file; check the path")
        }
        io::ErrorKind::OutOfMemory => Error::new(
            ErrorKind::LimitExceeded,
            "the avatar does not fit into memory",
        ),
        _ => Error::new(ErrorKind::Io, format!("the file cannot be {what}")).with_source(error),
    }
}
