//! An avatar of the index, in the cache.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use essence::imx::Container;
use essence_media::OutputFile;
use sha2::{Digest as _, Sha256};

use super::client::Client;
use super::{Index, Model, cached_file, is_offline};
use crate::console::Console;
use crate::failure::Failure;
use crate::fetch::{Wanted, fetch, hash_of, hex};
use crate::interrupt::Interrupt;

/// Most bytes of an avatar's file where the index doesn't tell: what an .imx file may have.
const MAX_BYTES: u64 = essence::imx::limits::MAX_FILE_BYTES;

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
            fetch(console, interrupt, client, &wanted(model, url, &path)?)?
        }
        (None, _) => write_built_in(&model.slug, &path)?,
        (Some(_), None) => {
            return Err(Failure::index(format!("{} has no url there", model.slug)));
        }
    };
    Ok(pulled(model, path, false, sha256))
}

fn wanted(model: &Model, url: String, target: &Path) -> Result<Wanted, Failure> {
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
    Ok(Wanted {
        name: model.slug.clone(),
        url,
        size: model.size,
        limit: MAX_BYTES,
        target: target.to_owned(),
        // Another version of the avatar isn't taken up.
        partial: target.with_file_name(format!("{}.{}.part", model.slug, &sha256[..16])),
        sha256,
        // Not all that has the right hash is an avatar.
        check: |path| Container::open(path).map(drop).map_err(Failure::from),
    })
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

/// An avatar inside the program, as a file; the only ones without an address.
fn write_built_in(slug: &str, path: &Path) -> Result<String, Failure> {
    let avatar = crate::inside::bytes(slug)?;
    let mut output = OutputFile::create(path).map_err(Failure::writing)?;
    output
        .write_all(&avatar)
        .map_err(|e| Failure::output(format!("cannot write {}", path.display()), Some(&e)))?;
    output.commit().map_err(Failure::writing)?;
    Ok(hex(Sha256::new_with_prefix(&avatar)))
}
