//! Fetching one file: resumed where it broke off, checked by its hash, there as a whole or not at all.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::console::Console;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::megabytes;
use crate::showcase::Client;

/// Requests for a file, at most: a connection that breaks is taken up again.
const ATTEMPTS: u32 = 5;

/// The wait before the second request; each further one is twice as long.
const WAIT: Duration = Duration::from_millis(200);

const BLOCK_BYTES: usize = 64 << 10;

/// A file to fetch.
pub(crate) struct Wanted {
    /// Its name in messages.
    pub(crate) name: String,
    pub(crate) url: String,
    /// In lower case.
    pub(crate) sha256: String,
    /// Its bytes, where they are known, and the most that it may have.
    pub(crate) size: Option<u64>,
    pub(crate) limit: u64,
    /// The place of the whole file, and the one that it grows in.
    pub(crate) target: PathBuf,
    pub(crate) partial: PathBuf,
    /// Says of the whole file what its hash doesn't: whether it can be used.
    pub(crate) check: fn(&Path) -> Result<(), Failure>,
}

/// The hash of a file; None if it can't be read.
pub(crate) fn hash_of(path: &Path) -> Option<String> {
    let mut hash = Sha256::new();
    std::io::copy(&mut File::open(path).ok()?, &mut hash).ok()?;
    Some(hex(hash))
}

pub(crate) fn hex(hash: Sha256) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(64);
    for byte in hash.finalize() {
        // Writing to a string doesn't fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The file that a download grows in, locked against other programs that fetch the same.
struct Partial {
    file: File,
    path: PathBuf,
    target: PathBuf,
    sha256: String,
}

impl Partial {
    fn open(wanted: &Wanted) -> Result<Self, Failure> {
        let path = wanted.partial.clone();
        let unusable = |e| Failure::output(format!("cannot write {}", path.display()), Some(&e));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::download(format!(
                    "another program is fetching {} right now; wait for it",
                    wanted.name
                )));
            }
            Err(TryLockError::Error(e)) => return Err(unusable(e)),
        }
        Ok(Self {
            file,
            path,
            target: wanted.target.clone(),
            sha256: wanted.sha256.clone(),
        })
    }

    fn failed(&self, error: &std::io::Error) -> Failure {
        Failure::output(format!("cannot write {}", self.path.display()), Some(error))
    }

    /// The bytes that are there, hashed.
    fn resume(&mut self) -> Result<(u64, Sha256), Failure> {
        let mut hash = Sha256::new();
        let read = self
            .file
            .rewind()
            .and_then(|()| std::io::copy(&mut self.file, &mut hash));
        Ok((read.map_err(|e| self.failed(&e))?, hash))
    }

    fn restart(&mut self) -> Result<(), Failure> {
        let emptied = self
            .file
            .set_len(0)
            .and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map(drop).map_err(|e| self.failed(&e))
    }

    /// Puts the whole file in its place.
    fn finish(self, found: &str, check: fn(&Path) -> Result<(), Failure>) -> Result<(), Failure> {
        if found != self.sha256 {
            let _ = fs::remove_file(&self.path);
            return Err(Failure::sha256(format!(
                "the file's SHA-256 is {found}, and {} was expected",
                self.sha256
            )));
        }
        if let Err(failure) = check(&self.path) {
            let _ = fs::remove_file(&self.path);
            return Err(failure);
        }
        let placed = self
            .file
            .sync_all()
            .and_then(|()| fs::rename(&self.path, &self.target));
        placed.map_err(|e| {
            Failure::output(format!("cannot write {}", self.target.display()), Some(&e))
        })
    }
}

/// Fetches a file, and takes a broken connection up again. Gives its SHA-256.
///
/// # Errors
/// `SHA256_MISMATCH`, `DOWNLOAD_FAILED`, `NOT_FOUND`, `INTERRUPTED`, `OUTPUT_NOT_WRITABLE`; those of
/// [`Wanted::check`].
pub(crate) fn fetch(
    console: &Console,
    interrupt: &Interrupt,
    client: &Client,
    wanted: &Wanted,
) -> Result<String, Failure> {
    let mut partial = Partial::open(wanted)?;
    let mut wait = WAIT;
    for attempt in 1.. {
        match attempt_once(console, interrupt, client, wanted, &mut partial) {
            Ok(found) => {
                partial.finish(&found, wanted.check)?;
                return Ok(found);
            }
            Err(failure) if failure.code != "DOWNLOAD_FAILED" || attempt == ATTEMPTS => {
                return Err(failure);
            }
            Err(_) => {
                std::thread::sleep(wait);
                wait *= 2;
            }
        }
        if interrupt.requested() {
            break;
        }
    }
    Err(Failure::interrupted(
        "stopped; the next pull goes on from here",
    ))
}

fn attempt_once(
    console: &Console,
    interrupt: &Interrupt,
    client: &Client,
    wanted: &Wanted,
    partial: &mut Partial,
) -> Result<String, Failure> {
    let url = wanted.url.as_str();
    let most = wanted.size.unwrap_or(wanted.limit).min(wanted.limit);
    let (mut done, mut hash) = partial.resume()?;
    if wanted.size == Some(done) {
        return Ok(hex(hash));
    }
    let mut answer = interrupt.waiting(|| client.get(url, done))?;
    if answer.begin != done || done > most {
        partial.restart()?;
        (done, hash) = (0, Sha256::new());
    }
    let whole = answer.length.map(|length| done.saturating_add(length));
    let too_large = || {
        Failure::index(format!(
            "{url} is larger than the {most} bytes that it should have"
        ))
    };
    if whole.is_some_and(|whole| whole > most) {
        return Err(too_large());
    }
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        if interrupt.requested() {
            return Err(Failure::interrupted(
                "stopped; the next pull goes on from here",
            ));
        }
        let read = interrupt.waiting(|| answer.body.read(&mut block));
        let n = read
            .map_err(|e| Failure::download(format!("{url} broke off after {done} bytes: {e}")))?;
        if n == 0 {
            break;
        }
        done += n as u64;
        if done > most {
            partial.restart()?;
            return Err(too_large());
        }
        hash.update(&block[..n]);
        partial
            .file
            .write_all(&block[..n])
            .map_err(|e| partial.failed(&e))?;
        if console.shows_progress() {
            console.note(&format!("\r{} {}   ", wanted.name, megabytes(done)));
        }
    }
    if console.shows_progress() {
        console.note("\n");
    }
    match wanted.size.or(whole) {
        Some(whole) if done < whole => Err(Failure::download(format!(
            "{url} ended after {done} of {whole} bytes"
        ))),
        _ => Ok(hex(hash)),
    }
}
