//! The kind of a file, by its first bytes.

use super::fault::{NOT_IMX, invalid, unsupported};
use crate::{Error, ErrorKind, Result};

/// The first bytes of a file.
pub const MAGIC: &[u8; 4] = b"IMX\0";

/// The first bytes of a ZIP archive with members.
pub(super) const ZIP_LOCAL_MAGIC: &[u8] = b"PK\x03\x04";
/// The first bytes of a ZIP archive without any, and of the record at the end of all.
pub(super) const ZIP_END_MAGIC: &[u8] = b"PK\x05\x06";

/// How the members are wrapped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Wrapper {
    /// The container's own table.
    Imx,
    /// A ZIP archive.
    Zip,
}

/// How the members of a file are wrapped, by its first bytes.
pub(super) fn identify(file: &[u8]) -> Result<Wrapper> {
    if file.starts_with(MAGIC) {
        Ok(Wrapper::Imx)
    } else if file.starts_with(ZIP_LOCAL_MAGIC) || file.starts_with(ZIP_END_MAGIC) {
        Ok(Wrapper::Zip)
    } else {
        Err(name_of_other(file))
    }
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
