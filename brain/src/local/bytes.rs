//! Reading the heads of model files, which are checked before C++ sees them: it ends the process where
//! a file makes no sense.

use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use essence::{Error, ErrorKind, Result};

/// A file that is read from its first byte on, never beyond its end.
pub(super) struct Bytes {
    reader: BufReader<File>,
    position: u64,
    length: u64,
    name: String,
}

impl Bytes {
    /// # Errors
    /// `NotFound` or `Io`.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let unreadable = |e: std::io::Error| match e.kind() {
            std::io::ErrorKind::NotFound => {
                Error::new(ErrorKind::NotFound, format!("{name}: no such file"))
            }
            _ => Error::new(ErrorKind::Io, format!("{name} can't be read")).with_source(e),
        };
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(Error::new(ErrorKind::Io, format!("{name} is no file")));
        }
        Ok(Self {
            reader: BufReader::new(file),
            position: 0,
            length: metadata.len(),
            name,
        })
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn at_end(&self) -> bool {
        self.position >= self.length
    }

    /// The error of a file that is damaged or another kind of file.
    #[cold]
    pub(super) fn fault(&self, what: &str) -> Error {
        let message = format!(
            "{} is damaged or of another kind: {what}. Fetch it again (`bithuman pull --local`), or name another file",
            self.name
        );
        Error::new(ErrorKind::UnsupportedFormat, message)
    }

    fn ends(&self) -> Error {
        self.fault(&format!("it ends after {} bytes", self.length))
    }

    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        if self.reader.read_exact(&mut bytes).is_err() {
            return Err(self.ends());
        }
        self.position += N as u64;
        Ok(bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.take()?))
    }

    /// A text of `length` bytes, at most `limit`.
    pub(super) fn text(&mut self, length: u64, limit: u64) -> Result<String> {
        if length > limit {
            return Err(self.fault(&format!("a text has {length} bytes")));
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        if self.reader.read_exact(&mut bytes).is_err() {
            return Err(self.ends());
        }
        self.position += length;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Passes over bytes that have to be there.
    pub(super) fn skip(&mut self, count: u64) -> Result<()> {
        let end = self
            .position
            .checked_add(count)
            .filter(|&end| end <= self.length);
        let Some(end) = end else {
            return Err(self.ends());
        };
        let moved = match i64::try_from(count) {
            Ok(count) => self.reader.seek_relative(count),
            Err(_) => self.reader.seek(SeekFrom::Start(end)).map(drop),
        };
        moved.map_err(|_| self.ends())?;
        self.position = end;
        Ok(())
    }
}

/// Bytes of `count` elements of one of ggml's types; None for types that are not known here.
pub(super) fn type_bytes(kind: u32, count: u64) -> Option<u64> {
    // Elements of a block, and its bytes.
    let (elements, bytes) = match kind {
        0 | 26 => (1, 4),
        1 | 25 | 30 => (1, 2),
        24 => (1, 1),
        27 | 28 => (1, 8),
        2 => (32, 18),
        3 => (32, 20),
        6 => (32, 22),
        7 => (32, 24),
        8 => (32, 34),
        9 => (32, 36),
        10 => (256, 84),
        11 => (256, 110),
        12 => (256, 144),
        13 => (256, 176),
        14 => (256, 210),
        15 => (256, 292),
        16 => (256, 66),
        17 => (256, 74),
        18 => (256, 98),
        19 => (256, 50),
        20 => (32, 18),
        21 => (256, 110),
        22 => (256, 82),
        23 => (256, 136),
        29 => (256, 56),
        34 => (256, 54),
        35 => (256, 66),
        39 => (32, 17),
        _ => return None,
    };
    match count.is_multiple_of(elements) {
        true => (count / elements).checked_mul(bytes),
        false => None,
    }
}
