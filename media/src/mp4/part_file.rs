//! A file that gets its name only when it is complete.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use essence::{Error, ErrorKind, Result};

/// How much is moved at a time when the index goes in front.
const MOVE_BYTES: u64 = 4 << 20;

/// `head`, then appended data; at the end an index is put between the two.
#[derive(Debug)]
pub(super) struct PartFile {
    target: PathBuf,
    part: PathBuf,
    /// `None` once the file has its name.
    writer: Option<BufWriter<File>>,
    head_bytes: u64,
    data_bytes: u64,
}

impl PartFile {
    /// Begins `<target>.part` with `head`.
    pub(super) fn create(target: &Path, head: &[u8]) -> Result<Self> {
        let mut part = target.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let cannot = |e| {
            Error::new(ErrorKind::Io, format!("cannot write {}", target.display())).with_source(e)
        };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&part)
            .map_err(cannot)?;
        let mut this = Self {
            target: target.to_owned(),
            part,
            writer: Some(BufWriter::with_capacity(1 << 18, file)),
            head_bytes: head.len() as u64,
            data_bytes: 0,
        };
        this.append(head)?;
        this.data_bytes = 0;
        Ok(this)
    }

    /// Adds data; returns its offset from the end of the head.
    pub(super) fn append(&mut self, data: &[u8]) -> Result<u64> {
        let offset = self.data_bytes;
        if let Some(writer) = &mut self.writer {
            writer
                .write_all(data)
                .map_err(|e| cannot_write(&self.target, e))?;
        }
        self.data_bytes += data.len() as u64;
        Ok(offset)
    }

    /// Puts `index(data begin, data bytes)` between head and data, and renames the file. The size of
    /// the index must not depend on where the data begins. Returns the size of the whole file.
    pub(super) fn finish(mut self, index: impl Fn(u64, u64) -> Result<Vec<u8>>) -> Result<u64> {
        let Some(writer) = self.writer.take() else {
            return Err(Error::new(
                ErrorKind::Internal,
                "the file is finished already",
            ));
        };
        let bytes = self.assemble(writer, index);
        if bytes.is_err() {
            let _ = std::fs::remove_file(&self.part);
        }
        bytes
    }

    fn assemble(
        &self,
        writer: BufWriter<File>,
        index: impl Fn(u64, u64) -> Result<Vec<u8>>,
    ) -> Result<u64> {
        let cannot = |e| cannot_write(&self.target, e);
        let mut file = writer.into_inner().map_err(|e| cannot(e.into_error()))?;
        let size = index(self.head_bytes, self.data_bytes)?.len() as u64;
        let index = index(self.head_bytes + size, self.data_bytes)?;
        if index.len() as u64 != size {
            return Err(Error::new(
                ErrorKind::Internal,
                "the index changed its size",
            ));
        }
        move_up(&mut file, self.head_bytes, self.data_bytes, size).map_err(cannot)?;
        file.seek(SeekFrom::Start(self.head_bytes))
            .map_err(cannot)?;
        file.write_all(&index).map_err(cannot)?;
        drop(file);
        std::fs::rename(&self.part, &self.target).map_err(cannot)?;
        Ok(self.head_bytes + size + self.data_bytes)
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if let Some(writer) = self.writer.take() {
            // What is buffered need not reach a file that is about to go.
            drop(writer.into_parts());
            let _ = std::fs::remove_file(&self.part);
        }
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

#[cold]
fn cannot_write(target: &Path, cause: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("cannot write {}", target.display())).with_source(cause)
}
