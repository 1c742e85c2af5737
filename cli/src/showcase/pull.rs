//! Fetching one avatar: resumed where it broke off, checked by its hash, there as a whole or not at all.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use essence::imx::Container;
use essence_media::OutputFile;
use sha2::{Digest as _, Sha256};

use super::client::Client;
use super::{Index, Model, cached_file, is_offline};
use crate::console::Console;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::megabytes;

/// Most bytes of an avatar's file where the index doesn't tell: what an .imx file may have.
const MAX_BYTES: u64 = essence::imx::limits::MAX_FILE_BYTES;

/// Requests for a file, at most: a connection that breaks is taken up again.
const ATTEMPTS: u32 = 5;

/// The wait before the second request; each further one is twice as long.
const WAIT: Duration = Duration::from_millis(200);

const BLOCK_BYTES: usize = 64 << 10;

/// An avatar that is there.
#[derive(Debug)]
pub(crate) struct Pulled {
    pub(crate) slug: String,
    pub(crate) path: PathBuf,
    /// Whether it was there before.
    pub(crate) cached: bool,
    pub(crate) sha256: String,
}

/// The avatar of a slug or code, in the cache. `force` fetches it again.
///
/// # Errors
/// `SLUG_NOT_FOUND`, `SHA256_MISMATCH`, `DOWNLOAD_FAILED`, `OFFLINE`, `INDEX_INVALID`; those of an
/// avatar that can't be opened.
pub(crate) fn pull(
    console: &Console,
    interrupt: &Interrupt,
    slug: &str,
    force: bool,
) -> Result<Pulled, Failure> {
    let client = Client::from_environment()?;
    if client.is_some() && is_offline() {
        return offline(slug, force);
    }
    let index = interrupt.waiting(|| Index::load(client.as_ref()))?;
    let model = index.find(slug)?;
    let path = cached_file(model)?;
    let found = if force { None } else { hash_of(&path) };
    if let Some(sha256) = found
        && model
            .sha256
            .as_ref()
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(&sha256))
    {
        return Ok(pulled(model, path, true, sha256));
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)
        .map_err(|e| Failure::output(format!("cannot make {}", folder.display()), Some(&e)))?;
    let sha256 = match (&client, &model.url) {
        (Some(client), Some(url)) => {
            let url = client.resolve(url);
            let partial = Partial::open(&path, model)?;
            fetch(console, interrupt, client, &url, model, partial)?
        }
        (None, _) => write_built_in(&path)?,
        (Some(_), None) => {
            return Err(Failure::index(format!("{} has no url there", model.slug)));
        }
    };
    Ok(pulled(model, path, false, sha256))
}

fn pulled(model: &Model, path: PathBuf, cached: bool, sha256: String) -> Pulled {
    Pulled {
        slug: model.slug.clone(),
        path,
        cached,
        sha256,
    }
}

/// The cached file, without a look at the index.
fn offline(slug: &str, force: bool) -> Result<Pulled, Failure> {
    let refused = || {
        Failure::offline(format!(
            "{slug:?} isn't in the cache, and BITHUMAN_OFFLINE=1 forbids to fetch it"
        ))
    };
    let slug = slug.to_ascii_lowercase();
    if force || !super::is_slug(&slug) {
        return Err(refused());
    }
    let path = super::cache_folder()?
        .join("showcase")
        .join(format!("{slug}.imx"));
    let sha256 = hash_of(&path).ok_or_else(refused)?;
    Ok(Pulled {
        slug,
        path,
        cached: true,
        sha256,
    })
}

/// The hash of a file; None if it can't be read.
fn hash_of(path: &Path) -> Option<String> {
    let mut hash = Sha256::new();
    std::io::copy(&mut File::open(path).ok()?, &mut hash).ok()?;
    Some(hex(hash))
}

fn hex(hash: Sha256) -> String {
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
    fn open(target: &Path, model: &Model) -> Result<Self, Failure> {
        let sha256 = model
            .sha256
            .as_deref()
            .unwrap_or_default()
            .to_ascii_lowercase();
        if sha256.len() != 64 || !sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(Failure::index(format!(
                "{} has no SHA-256 there",
                model.slug
            )));
        }
        // Another version of the avatar isn't taken up.
        let path = target.with_file_name(format!("{}.{}.part", model.slug, &sha256[..16]));
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
                    model.slug
                )));
            }
            Err(TryLockError::Error(e)) => return Err(unusable(e)),
        }
        Ok(Self {
            file,
            path,
            target: target.to_owned(),
            sha256,
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
    fn finish(self, found: &str) -> Result<(), Failure> {
        if found != self.sha256 {
            let _ = fs::remove_file(&self.path);
            return Err(Failure::sha256(format!(
                "the file's SHA-256 is {found}, and the index says {}",
                self.sha256
            )));
        }
        // Not all that has the right hash is an avatar.
        if let Err(error) = Container::open(&self.path) {
            let _ = fs::remove_file(&self.path);
            return Err(error.into());
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

/// Fetches into `partial`, and takes a broken connection up again.
fn fetch(
    console: &Console,
    interrupt: &Interrupt,
    client: &Client,
    url: &str,
    model: &Model,
    mut partial: Partial,
) -> Result<String, Failure> {
    let mut wait = WAIT;
    for attempt in 1.. {
        match attempt_once(console, interrupt, client, url, model, &mut partial) {
            Ok(found) => {
                partial.finish(&found)?;
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
    url: &str,
    model: &Model,
    partial: &mut Partial,
) -> Result<String, Failure> {
    let most = model.size.unwrap_or(MAX_BYTES).min(MAX_BYTES);
    let (mut done, mut hash) = partial.resume()?;
    if model.size == Some(done) {
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
            "{url} is larger than the {most} bytes that the index says"
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
            console.note(&format!("\r{} {}   ", model.slug, megabytes(done)));
        }
    }
    if console.shows_progress() {
        console.note("\n");
    }
    match model.size.or(whole) {
        Some(whole) if done < whole => Err(Failure::download(format!(
            "{url} ended after {done} of {whole} bytes"
        ))),
        _ => Ok(hex(hash)),
    }
}

/// The avatar inside the program, as a file; the only one without an address.
fn write_built_in(path: &Path) -> Result<String, Failure> {
    let avatar = crate::juno::bytes()?;
    let mut output = OutputFile::create(path).map_err(Failure::writing)?;
    output
        .write_all(&avatar)
        .map_err(|e| Failure::output(format!("cannot write {}", path.display()), Some(&e)))?;
    output.commit().map_err(Failure::writing)?;
    Ok(hex(Sha256::new_with_prefix(&avatar)))
}
