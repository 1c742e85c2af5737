//! A file whose index goes in front of its data ("fast start") once the data is known.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use essence::{Error, ErrorKind, Result};

use crate::output::{Committed, OutputFile, cannot_write};

/// How much is moved at a time when the index goes in front.
const MOVE_BYTES: u64 = 4 << 20;
/// How much is collected before it is written.
const BUFFER_BYTES: usize = 1 << 18;

/// `head`, then appended data; at the end an index is put between the two.
#[derive(Debug)]
pub(super) struct FastStartFile {
    output: OutputFile,
    buffer: Vec<u8>,
    head_bytes: u64,
    data_bytes: u64,
}

impl FastStartFile {
    /// Begins a file at `path` with `head`.
    pub(super) fn create(path: &Path, head: &[u8]) -> Result<Self> {
        let mut this = Self {
            output: OutputFile::create(path)?,
            buffer: Vec::with_capacity(BUFFER_BYTES),
            head_bytes: head.len() as u64,
            data_bytes: 0,
        };
        this.append(head)?;
        this.data_bytes = 0;
        Ok(this)
    }

    /// The file that exists until the end.
    pub(super) fn temporary_path(&self) -> Option<&Path> {
        self.output.temporary_path()
    }

    /// Adds data; returns its offset from the end of the head.
    pub(super) fn append(&mut self, data: &[u8]) -> Result<u64> {
        let offset = self.data_bytes;
        self.data_bytes += data.len() as u64;
        if self.buffer.len() + data.len() > BUFFER_BYTES {
            self.flush()?;
        }
        if data.len() > BUFFER_BYTES {
            let written = self.output.file().write_all(data);
            written.map_err(|e| cannot_write(self.output.path(), e))?;
        } else {
            self.buffer.extend_from_slice(data);
        }
        Ok(offset)
    }

    /// Puts `index(data begin, data bytes)` between head and data, and gives the file its name. The
    /// size of the index must not depend on where the data begins.
    pub(super) fn finish(
        mut self,
        index: impl Fn(u64, u64) -> Result<Vec<u8>>,
    ) -> Result<Committed> {
        self.flush()?;
        let size = index(self.head_bytes, self.data_bytes)?.len() as u64;
        let index = index(self.head_bytes + size, self.data_bytes)?;
        if index.len() as u64 != size {
            return Err(Error::new(
                ErrorKind::Internal,
                "the index changed its size",
            ));
        }
        let file = self.output.file();
        move_up(file, self.head_bytes, self.data_bytes, size)
            .and_then(|()| file.seek(SeekFrom::Start(self.head_bytes)))
            .and_then(|_| file.write_all(&index))
            .map_err(|e| cannot_write(self.output.path(), e))?;
        self.output.commit()
    }

    fn flush(&mut self) -> Result<()> {
        let written = self.output.file().write_all(&self.buffer);
        self.buffer.clear();
        written.map_err(|e| cannot_write(self.output.path(), e))
    }
}

/// Moves `bytes` bytes at `begin` up by `by`, from the last to the first.
fn move_up(file: &mut File, begin: u64, bytes: u64, by: u64) -> std::io::Result<()> {
    let mut buffer = vec![0; MOVE_BYTES.min(bytes) as usize];
    let mut left = bytes;
    while left > 0 {
        let n = left.min(MOVE_BYTES);
        left -= n;
        let block = &mut buffer[..n as usize];
        file.seek(SeekFrom::Start(begin + left))?;
        file.read_exact(block)?;
        file.seek(SeekFrom::Start(begin + left + by))?;
        file.write_all(block)?;
    }
    Ok(())
}
