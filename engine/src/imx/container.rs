//! An opened container: its members, its manifest, and whether they agree.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::{fmt, io};

use super::expression::{EXPRESSION, Expression};
use super::fault::{HASH_DIFFERS, MISSING_MANIFEST, invalid};
use super::limits::MAX_MANIFEST_BYTES;
use super::manifest::{ENGINE, Head, MANIFEST, Manifest};
use super::members::{Member, Members};
use super::signature::Wrapper;
use super::source::{self, Bytes};
use super::{hash, validate_members};
use crate::{Error, ErrorKind, Result};

/// An opened avatar file. Members are slices of the file's bytes.
pub struct Container {
    members: Members,
    head: Head,
    manifest: Option<Box<Manifest>>,
    expression: Option<Box<Expression>>,
}

impl Container {
    /// Reads a file into memory and checks all of it but the hashes, for which there is
    /// [`verify`](Self::verify).
    ///
    /// Avatars of other model families open too, for their description;
    /// [`manifest`](Self::manifest) refuses them. What happens to the file afterwards has no effect.
    ///
    /// # Errors
    /// - `NotFound`: there is no such file.
    /// - `Io`: it can't be read.
    /// - `InvalidAvatar`: it is not an avatar or a damaged one, or no regular file but a folder, a
    ///   pipe or a device; the message names the fault.
    /// - `UnsupportedFormat`: a TAR archive, or a ZIP archive with members that are compressed.
    /// - `UnsupportedVersion`: made by a much older studio or for a newer library.
    /// - `LimitExceeded`: something is larger than the [limits](super::limits).
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        name_file(path, source::read_file(path).and_then(Self::new))
    }

    /// The same as [`open`](Self::open) without a copy in memory: the system reads the file's pages
    /// when they are needed, and shares them between processes.
    ///
    /// # Risk
    /// The file must not be truncated or overwritten while it is open. The system ends a process that
    /// reads a page that is gone (SIGBUS), and bytes that change underneath show as wrong pixels.
    /// Replacing the file by renaming another over it is safe.
    ///
    /// # Errors
    /// The errors of [`open`](Self::open).
    pub fn open_mapped(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        name_file(path, source::map_file(path).and_then(Self::new))
    }

    /// The same as [`open`](Self::open) with bytes in memory, which are kept and not copied: a
    /// `Vec<u8>`, an `Arc<[u8]>`, a `&'static [u8]` of `include_bytes!`.
    ///
    /// # Errors
    /// The errors of [`open`](Self::open) but `NotFound` and `Io`.
    pub fn from_bytes(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<Self> {
        Self::new(Bytes::Given(Box::new(bytes)))
    }

    /// The same as [`open`](Self::open) with what a reader gives, to its end: at most
    /// [`MAX_READ_BYTES`](super::limits::MAX_READ_BYTES).
    ///
    /// # Errors
    /// The errors of [`open`](Self::open).
    pub fn from_reader(reader: impl io::Read) -> Result<Self> {
        source::read(reader).and_then(Self::new)
    }

    fn new(bytes: Bytes) -> Result<Self> {
        Self::of(Members::new(bytes)?)
    }

    /// The container of these members.
    pub(super) fn of(members: Members) -> Result<Self> {
        let json = members.get(MANIFEST).map_err(|_| {
            invalid(format!(
                "{MISSING_MANIFEST}: the file is not a complete avatar"
            ))
        })?;
        let Manifests {
            head,
            essence: manifest,
            expression,
        } = read_manifest(json)?;
        if let Some(manifest) = &manifest {
            validate_members::members(&members, manifest)?;
        }
        if let Some(expression) = &expression {
            expression.check_members(&members)?;
        }
        Ok(Self {
            members,
            head,
            manifest,
            expression,
        })
    }

    /// The members in the order of the file's table.
    pub fn members(&self) -> impl ExactSizeIterator<Item = Member<'_>> {
        self.members.iter()
    }

    /// A member's bytes.
    ///
    /// # Errors
    /// `NotFound` if there is no member of that name, or if it is not [there](Self::has).
    ///
    /// # Real time
    /// Doesn't allocate. Where the file is [mapped](Self::open_mapped), the first read of a page may
    /// wait for the disk.
    pub fn member(&self, name: &str) -> Result<&[u8]> {
        self.members.get(name)
    }

    /// A member's bytes as numbers.
    ///
    /// # Errors
    /// `NotFound` if there is no member of that name, or if it is not [there](Self::has),
    /// `InvalidAvatar` if it is not a whole number of f32.
    pub fn floats(&self, name: &str) -> Result<Vec<f32>> {
        self.members.floats(name)
    }

    /// The manifest, if this library renders the avatar.
    ///
    /// # Errors
    /// `UnsupportedFormat` if the avatar is of another model family, which the message names.
    pub fn manifest(&self) -> Result<&Manifest> {
        match &self.manifest {
            Some(manifest) => Ok(manifest),
            None => Err(self
                .head
                .require_essence()
                .err()
                .unwrap_or_else(|| Error::new(ErrorKind::Internal, "a manifest was not read"))),
        }
    }

    /// The manifest of an expression avatar; None for one of another model family.
    pub fn expression(&self) -> Option<&Expression> {
        self.expression.as_deref()
    }

    /// The manifest as it stands in the file, of any model family.
    pub fn manifest_json(&self) -> &str {
        self.member(MANIFEST)
            .ok()
            .and_then(|json| std::str::from_utf8(json).ok())
            .unwrap_or("{}")
    }

    /// The model family, as the manifest names it.
    pub fn engine(&self) -> &str {
        &self.head.engine
    }

    /// The manifest's version, `major.minor`.
    pub fn format_version(&self) -> &str {
        &self.head.format_version
    }

    /// How the members are wrapped.
    pub fn wrapper(&self) -> Wrapper {
        self.members.wrapper()
    }

    /// Size of the file in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.members.size_bytes()
    }

    /// Whether a member is there with its bytes: of a file that a [`Loader`](super::Loader) reads, they
    /// may not have arrived; of an avatar that is open, they are gone if they are not read again.
    pub fn has(&self, name: &str) -> bool {
        self.members.has(name)
    }

    /// Takes a member of a file that a [`Loader`](super::Loader) reads. One that is there already stays.
    ///
    /// # Errors
    /// - `NotFound`: there is no member of that name in the manifest.
    /// - `InvalidAvatar`: the bytes differ from its hash or size, or are no base frame where one belongs.
    pub fn arrive(&self, name: &str, bytes: Arc<[u8]>) -> Result<()> {
        let expected = self.files()?.get(name).ok_or_else(|| {
            let message = format!("the avatar has no member {name:?}");
            Error::new(ErrorKind::NotFound, message)
        })?;
        check_hash(name, &bytes, expected)?;
        if let Some(manifest) = &self.manifest {
            validate_members::picture(name, &bytes, manifest)?;
        }
        self.members.arrive(name, bytes)
    }

    /// Gives back the memory of the members that are not `wanted`.
    pub(crate) fn retain(&mut self, wanted: impl Fn(&str) -> bool) {
        self.members.retain(wanted);
    }

    fn files(&self) -> Result<&BTreeMap<String, String>> {
        Ok(match &self.expression {
            Some(expression) => &expression.files,
            None => &self.manifest()?.files,
        })
    }

    /// Checks every member that is there against its hash in the manifest. Reads the whole file once.
    ///
    /// # Errors
    /// - `InvalidAvatar`: a member differs; the message names it and contains [`HASH_DIFFERS`].
    /// - `UnsupportedFormat`: an avatar of another model family.
    pub fn verify(&self) -> Result<()> {
        for (name, expected) in self.files()? {
            if self.members.size_of(name).is_none() || self.has(name) {
                check_hash(name, self.member(name)?, expected)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Container")
            .field("wrapper", &self.wrapper())
            .field("engine", &self.head.engine)
            .field("members", &self.members.iter().len())
            .field("size_bytes", &self.size_bytes())
            .finish_non_exhaustive()
    }
}

/// Compares a member with its hash.
pub(super) fn check_hash(name: &str, bytes: &[u8], expected: &str) -> Result<()> {
    if hash::sha256(bytes).eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    Err(invalid(format!(
        "{name:?} {HASH_DIFFERS} in the manifest: the file is damaged; get a fresh copy"
    )))
}

/// A manifest of either model family that is rendered, or of another one.
pub(super) struct Manifests {
    head: Head,
    pub(super) essence: Option<Box<Manifest>>,
    pub(super) expression: Option<Box<Expression>>,
}

impl Manifests {
    /// The error for a model family that is not rendered.
    pub(super) fn unknown(&self) -> Error {
        let refused = self.head.require_essence().err();
        refused.unwrap_or_else(|| Error::new(ErrorKind::Internal, "a manifest was not read"))
    }
}

/// Reads and checks a manifest.
pub(super) fn read_manifest(json: &[u8]) -> Result<Manifests> {
    if json.len() > MAX_MANIFEST_BYTES {
        return Err(manifest_too_large(json.len()));
    }
    let json =
        std::str::from_utf8(json).map_err(|_| invalid(format!("{MANIFEST} is not UTF-8")))?;
    let head = Head::from_json(json)?;
    let essence = match head.engine == ENGINE {
        true => Some(Box::new(Manifest::from_json(json)?)),
        false => None,
    };
    let expression = match head.engine == EXPRESSION {
        true => Some(Box::new(Expression::from_json(json)?)),
        false => None,
    };
    Ok(Manifests {
        head,
        essence,
        expression,
    })
}

#[cold]
pub(super) fn manifest_too_large(bytes: usize) -> Error {
    Error::new(
        ErrorKind::LimitExceeded,
        format!("{MANIFEST} has {bytes} bytes; at most {MAX_MANIFEST_BYTES} are allowed"),
    )
}

/// The result with the file's path before an error's message.
fn name_file(path: &Path, result: Result<Container>) -> Result<Container> {
    result.map_err(|error| Error::new(error.kind(), format!("{}: {error}", path.display())))
}
