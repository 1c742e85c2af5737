//! Writing a container. The same members and manifest give the same bytes.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::Path;

use serde_json::value::{RawValue, to_raw_value};

use super::fault::invalid;
use super::hash::sha256;
use super::limits::{MAX_ENTRIES, MAX_MEMBER_BYTES};
use super::manifest::MANIFEST;
use super::signature::MAGIC;
use super::toc::{ENTRY_BYTES, HEADER_BYTES, VERSION, check_name, too_many_entries};
use crate::{Error, ErrorKind, Result};

/// Payloads are written at multiples of this, so that members of a mapped file can be read as
/// numbers of any width.
const ALIGNMENT: usize = 64;

/// Collects members and writes them as one file.
///
/// # Examples
/// ```
/// let mut writer = essence::imx::Writer::new();
/// writer.add("speech.onnx", vec![1, 2, 3])?;
/// let file = writer.finish(r#"{"format_version": "2.0", "engine": "another"}"#)?;
/// let container = essence::imx::Container::from_bytes(file)?;
/// assert_eq!(container.member("speech.onnx")?, [1, 2, 3]);
/// # Ok::<(), essence::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Writer {
    members: Vec<(String, Vec<u8>)>,
}

impl Writer {
    /// A writer without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a member after those before.
    ///
    /// # Errors
    /// - `InvalidAvatar`: the name is not a plain relative path, is taken, or is the manifest's.
    /// - `LimitExceeded`: the name or the member is too long, or there are too many.
    pub fn add(&mut self, name: &str, data: Vec<u8>) -> Result<()> {
        check_name(name)?;
        if name == MANIFEST || self.members.iter().any(|(other, _)| other == name) {
            return Err(invalid(format!("the member {name:?} is there already")));
        }
        if self.members.len() + 2 > MAX_ENTRIES {
            return Err(too_many_entries(self.members.len() + 2));
        }
        if data.len() as u64 > MAX_MEMBER_BYTES {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!(
                    "{name:?} has {} bytes; at most {MAX_MEMBER_BYTES} are allowed",
                    data.len()
                ),
            ));
        }
        self.members.push((name.to_owned(), data));
        Ok(())
    }

    /// The file's bytes: the members, then the manifest with `files` filled in. The top level's
    /// keys are sorted; the values stay as they are written in `manifest_json`.
    ///
    /// # Errors
    /// `InvalidAvatar` if the manifest is not a JSON object. Its content is not looked at: open the
    /// result to check it.
    pub fn finish(&self, manifest_json: &str) -> Result<Vec<u8>> {
        let json = |error| invalid(format!("{MANIFEST} is not a JSON object: {error}"));
        let mut manifest: BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(manifest_json).map_err(json)?;
        let files: BTreeMap<_, _> = self
            .members
            .iter()
            .map(|(name, data)| (name.as_str(), sha256(data)))
            .collect();
        manifest.insert("files".to_owned(), to_raw_value(&files).map_err(json)?);
        let manifest = serde_json::to_vec(&manifest).map_err(json)?;
        let members = self
            .members
            .iter()
            .map(|(name, data)| (name.as_str(), data.as_slice()));
        let entries: Vec<_> = members.chain([(MANIFEST, manifest.as_slice())]).collect();
        Ok(layout(&entries))
    }

    /// Writes the file. It appears under its name only when it is complete and on the disk: until then
    /// it is a temporary file of a random name in the same folder. A link of that name is replaced, not
    /// followed.
    ///
    /// # Errors
    /// `Io` besides those of [`finish`](Self::finish).
    pub fn write(&self, path: impl AsRef<Path>, manifest_json: &str) -> Result<()> {
        let path = path.as_ref();
        let bytes = self.finish(manifest_json)?;
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        write_complete(folder, path, &bytes).map_err(|error| {
            let message = format!("{} cannot be written", path.display());
            Error::new(ErrorKind::Io, message).with_source(error)
        })
    }
}

fn write_complete(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".").suffix(".part");
    // As any new file: the process's mask is applied. By default only its owner could read it.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Header, table and payloads. Counts and names are within their limits.
fn layout(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let table: usize = entries
        .iter()
        .map(|(name, _)| ENTRY_BYTES + name.len())
        .sum();
    let mut end = HEADER_BYTES + table;
    let mut offsets = Vec::with_capacity(entries.len());
    for (_, data) in entries {
        let offset = end.next_multiple_of(ALIGNMENT);
        offsets.push(offset);
        end = offset + data.len();
    }
    let mut out = Vec::with_capacity(end);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&(entries.len() as u16).to_le_bytes());
    for ((name, data), &offset) in entries.iter().zip(&offsets) {
        out.extend_from_slice(&(name.len() as u16).to_le_bytes());
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&(offset as u64).to_le_bytes());
        out.extend_from_slice(&(data.len() as u64).to_le_bytes());
    }
    for ((_, data), &offset) in entries.iter().zip(&offsets) {
        out.resize(offset, 0);
        out.extend_from_slice(data);
    }
    out
}
