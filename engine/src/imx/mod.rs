//! The `.imx` container: one file per avatar.
//!
//! # The format
//!
//! Version 2, little-endian, uncompressed:
//!
//! ```text
//! 0  4  magic "IMX\0"
//! 4  2  u16 version = 2
//! 6  2  u16 entry count
//! then per entry: u16 name length | name, UTF-8 | u64 absolute offset | u64 size
//! then the payloads
//! ```
//!
//! Payloads are written at multiples of 64 and `manifest.json` last; a reader relies on neither.
//! Names are plain relative paths with `/`. The manifest names every other member with its sha256.
//! A ZIP archive of the same members, stored rather than deflated, is read through the same
//! [`Container`].
//!
//! # Trust
//!
//! Files are untrusted. [`Container::open`] checks the table, the manifest and everything that the
//! manifest says about the members; [`Container::verify`] checks the hashes. What has passed both
//! can be indexed by the manifest's numbers. All limits are in [`limits`].
//!
//! Telling the faults apart that programs report under names of their own:
//!
//! | fault | kind | message contains |
//! |---|---|---|
//! | no container at all | `InvalidAvatar` | [`NOT_IMX`] |
//! | no manifest | `InvalidAvatar` | [`MISSING_MANIFEST`] |
//! | a member differs from its hash | `InvalidAvatar` | [`HASH_DIFFERS`] |
//! | an avatar of another model family | `UnsupportedFormat` | [`OTHER_FAMILY`] |
//! | another version | `UnsupportedVersion` | |

use std::fmt;
use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::{Error, ErrorKind, Result};

mod jpeg;
pub mod limits;
mod manifest;
mod source;
mod toc;
mod validate;
mod writer;
mod zip;

pub use manifest::{
    Crop, Dim, ENGINE, ENGINE_ABI, FORMAT_MAJOR, FRAME_RATE, FrameInfo, GEOMETRY_MEMBER, Loop,
    MEL_BANDS, Manifest, Motion, NetworkInfo, Networks, Quantized, SelfTest, frame_member,
};
pub use writer::Writer;

use limits::MAX_MANIFEST_BYTES;
use source::Bytes;
use toc::{Data, Toc};

/// The first bytes of a file.
pub const MAGIC: &[u8; 4] = b"IMX\0";

/// The version of the container that is read and written.
pub const VERSION: u16 = 2;

/// The member that describes the others.
pub const MANIFEST: &str = "manifest.json";

/// In the message of an error: the file is no container.
pub const NOT_IMX: &str = "not an .imx avatar";

/// In the message of an error: the container has no manifest.
pub const MISSING_MANIFEST: &str = "manifest.json is missing";

/// In the message of an error: a member differs from its hash.
pub const HASH_DIFFERS: &str = "differs from its sha256";

/// In the message of an error: the avatar needs another engine.
pub const OTHER_FAMILY: &str = "model family";

/// An opened avatar file. Immutable; members are slices of the file's bytes.
pub struct Container {
    bytes: Bytes,
    toc: Toc,
    wrapper: Wrapper,
    head: manifest::Head,
    manifest: Option<Box<Manifest>>,
}

/// How the members are wrapped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Wrapper {
    /// The container's own table.
    Imx,
    /// A ZIP archive.
    Zip,
}

/// A member's name and size.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Member<'a> {
    /// Its name: a relative path with `/`.
    pub name: &'a str,
    /// Its size in bytes.
    pub size_bytes: u64,
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
    /// - `LimitExceeded`: something is larger than the [limits].
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
    /// Those of [`open`](Self::open).
    pub fn open_mapped(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        name_file(path, source::map_file(path).and_then(Self::new))
    }

    /// The same as [`open`](Self::open) with bytes in memory, which are kept and not copied: a
    /// `Vec<u8>`, an `Arc<[u8]>`, a `&'static [u8]` of `include_bytes!`.
    ///
    /// # Errors
    /// Those of [`open`](Self::open) but `NotFound` and `Io`.
    pub fn from_bytes(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<Self> {
        Self::new(Box::new(bytes))
    }

    /// The same as [`open`](Self::open) with what a reader gives, to its end: at most
    /// [`MAX_READ_BYTES`](limits::MAX_READ_BYTES).
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn from_reader(reader: impl io::Read) -> Result<Self> {
        source::read(reader).and_then(Self::new)
    }

    fn new(bytes: Bytes) -> Result<Self> {
        let file = (*bytes).as_ref();
        source::check_size(file.len() as u64)?;
        let wrapper = identify(file)?;
        let toc = match wrapper {
            Wrapper::Imx => Toc::parse(file)?,
            Wrapper::Zip => zip::parse(file)?,
        };
        let Some(entry) = toc.find(MANIFEST) else {
            return Err(invalid(format!(
                "{MISSING_MANIFEST}: the file is not a complete avatar"
            )));
        };
        if entry.data.len() > MAX_MANIFEST_BYTES {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!(
                    "{MANIFEST} has {} bytes; at most {MAX_MANIFEST_BYTES} are allowed",
                    entry.data.len()
                ),
            ));
        }
        let json = std::str::from_utf8(data_of(entry, &bytes))
            .map_err(|_| invalid(format!("{MANIFEST} is not UTF-8")))?;
        let head = manifest::Head::from_json(json)?;
        let manifest = match head.engine == ENGINE {
            true => Some(Box::new(Manifest::from_json(json)?)),
            false => None,
        };
        let mut container = Self {
            bytes,
            toc,
            wrapper,
            head,
            manifest: None,
        };
        if let Some(manifest) = manifest {
            validate::members(&container, &manifest)?;
            container.manifest = Some(manifest);
        }
        Ok(container)
    }

    /// The members in the order of the file's table.
    pub fn members(&self) -> impl ExactSizeIterator<Item = Member<'_>> {
        self.toc.entries().iter().map(|entry| Member {
            name: &entry.name,
            size_bytes: entry.data.len() as u64,
        })
    }

    /// A member's bytes.
    ///
    /// # Errors
    /// `NotFound` if there is no member of that name.
    ///
    /// # Real time
    /// Doesn't allocate. Where the file is [mapped](Self::open_mapped), the first read of a page may
    /// wait for the disk.
    pub fn member(&self, name: &str) -> Result<&[u8]> {
        match self.toc.find(name) {
            Some(entry) => Ok(data_of(entry, &self.bytes)),
            None => Err(Error::new(
                ErrorKind::NotFound,
                format!("the avatar has no member {name:?}"),
            )),
        }
    }

    /// A member's bytes as numbers.
    ///
    /// # Errors
    /// `NotFound` if there is no member of that name, `InvalidAvatar` if it is not a whole number
    /// of f32.
    pub fn floats(&self, name: &str) -> Result<Vec<f32>> {
        let data = self.member(name)?;
        let (numbers, rest) = data.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(invalid(format!(
                "{name} has {} bytes, not a multiple of 4",
                data.len()
            )));
        }
        Ok(numbers
            .iter()
            .map(|number| f32::from_le_bytes(*number))
            .collect())
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
        self.wrapper
    }

    /// Size of the file in bytes.
    pub fn size_bytes(&self) -> u64 {
        (*self.bytes).as_ref().len() as u64
    }

    /// Checks every member against its hash in the manifest. Reads the whole file once.
    ///
    /// # Errors
    /// - `InvalidAvatar`: a member differs; the message names it and contains [`HASH_DIFFERS`].
    /// - `UnsupportedFormat`: an avatar of another model family.
    pub fn verify(&self) -> Result<()> {
        for (name, expected) in &self.manifest()?.files {
            let hash = hex(&Sha256::digest(self.member(name)?));
            if !hash.eq_ignore_ascii_case(expected) {
                return Err(invalid(format!(
                    "{name:?} {HASH_DIFFERS} in the manifest: the file is damaged; get a fresh copy"
                )));
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Container")
            .field("wrapper", &self.wrapper)
            .field("engine", &self.head.engine)
            .field("members", &self.toc.entries().len())
            .field("size_bytes", &self.size_bytes())
            .finish_non_exhaustive()
    }
}

fn data_of<'a>(entry: &'a toc::Entry, bytes: &'a Bytes) -> &'a [u8] {
    match &entry.data {
        Data::Stored(range) => (**bytes).as_ref().get(range.clone()).unwrap_or_default(),
        Data::Inflated(bytes) => bytes,
    }
}

fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How the members of a file are wrapped, by its first bytes.
fn identify(file: &[u8]) -> Result<Wrapper> {
    if file.starts_with(MAGIC) {
        Ok(Wrapper::Imx)
    } else if file.starts_with(zip::LOCAL_MAGIC) || file.starts_with(zip::END_MAGIC) {
        Ok(Wrapper::Zip)
    } else {
        Err(name_of_other(file))
    }
}

/// The result with the file's path before an error's message.
fn name_file(path: &Path, result: Result<Container>) -> Result<Container> {
    result.map_err(|error| Error::new(error.kind(), format!("{}: {error}", path.display())))
}

/// The error for a file that is no container, by what it looks like.
fn name_of_other(file: &[u8]) -> Error {
    if file.starts_with(b"BIMX") {
        return Error::new(
            ErrorKind::UnsupportedVersion,
            "a legacy .imx file of version 1 (BIMX), which this library does not read: make the \
             avatar again",
        );
    }
    if file.get(257..262) == Some(b"ustar") {
        return unsupported(
            "a TAR archive, the wrapper of legacy avatars: unpack it, and pack its content as .imx \
             if it is an avatar of format 2",
        );
    }
    let what = match file {
        [] => "the file is empty",
        [b'I', b'M', b'X', ..] | [b'I'] | [b'I', b'M'] => "its first bytes are damaged",
        [0x89, b'P', b'N', b'G', ..] => "it is a PNG image",
        [0xFF, 0xD8, 0xFF, ..] => "it is a JPEG image",
        [0x1F, 0x8B, ..] => "it is compressed with gzip",
        [b'R', b'I', b'F', b'F', ..] => "it is a RIFF file (WAV, AVI, WebP)",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "it is an MP4 file",
        [b'{', ..] => "it is JSON; the avatar is the file that contains it",
        [b'v', b'e', b'r', b's', b'i', b'o', b'n', ..] => {
            "it looks like a Git LFS pointer: fetch the file itself (`git lfs pull`)"
        }
        [b'<', ..] => "it is HTML or XML; perhaps a download that failed",
        _ => "its first bytes are unknown",
    };
    invalid(format!("{NOT_IMX}: {what}"))
}

#[cold]
fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidAvatar, message)
}

#[cold]
fn unsupported(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::UnsupportedFormat, message)
}
