//! The ZIP wrapper: the same members in an archive, for people who pack avatars with common tools.
//!
//! Read from the central directory at the end of the file. Stored members are borrowed from the
//! file; deflated ones are inflated at open, and only small metadata may be deflated.
//!
//! # Why not a ZIP library?
//! A general reader is lenient where this one has to be strict: it keeps the last of two members of
//! one name, searches for directories elsewhere when the first one looks wrong, and doesn't hand
//! out slices of a mapped file.

use std::ops::Range;

use miniz_oxide::inflate::decompress_to_vec_with_limit;

use super::fault::{invalid, unsupported};
use super::limits::{MAX_ENTRIES, MAX_INFLATED_BYTES};
use super::signature::{ZIP_END_MAGIC, ZIP_LOCAL_MAGIC};
use super::toc::{Cursor, Data, Toc, range_in, too_many_entries};
use crate::{Error, ErrorKind, Result};

const CENTRAL_MAGIC: &[u8] = b"PK\x01\x02";

const END_BYTES: usize = 22;
const MAX_COMMENT_BYTES: usize = 0xFFFF;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

const FLAG_ENCRYPTED: u16 = 1;

/// Reads the members of an archive. Folders are left out.
pub(super) fn parse(file: &[u8]) -> Result<Toc> {
    let directory = Directory::find(file)?;
    let mut toc = Toc::default();
    // Local headers, so that members that overlap one are refused too.
    let mut others = vec![(directory.range.clone(), "the central directory".to_owned())];
    let mut inflated_bytes = 0;
    let mut cursor = Cursor {
        file: &file[..directory.range.end],
        at: directory.range.start,
    };
    for i in 0..directory.count {
        let what = format!("entry {i} of {} in the central directory", directory.count);
        let entry = CentralEntry::read(&mut cursor, &what)?;
        if entry.name.ends_with('/') && entry.size == 0 {
            continue;
        }
        let header = entry.local_header(file)?;
        let stored = range_in(
            file.len() as u64,
            &entry.name,
            header.end as u64,
            entry.packed_size,
        )?;
        let data = match entry.method {
            STORED if entry.packed_size == entry.size => Data::Stored(stored),
            STORED => {
                return Err(invalid(format!(
                    "{:?} is stored, but its two sizes differ: {} and {}",
                    entry.name, entry.packed_size, entry.size
                )));
            }
            DEFLATED => {
                let budget = MAX_INFLATED_BYTES - inflated_bytes;
                let bytes = inflate(&entry, &file[stored.clone()], budget)?;
                inflated_bytes += bytes.len();
                others.push((stored, entry.name.clone()));
                Data::Inflated(bytes)
            }
            other => {
                return Err(unsupported(format!(
                    "{:?} is compressed by method {other}; pack the archive with stored members \
                     (`zip -0`)",
                    entry.name
                )));
            }
        };
        others.push((header, format!("header of {}", entry.name)));
        toc.push(&entry.name, data)?;
    }
    toc.refuse_overlaps(
        others
            .iter()
            .map(|(range, name)| (range.clone(), name.as_str())),
    )?;
    Ok(toc)
}

/// Inflates a member that may be deflated, to exactly the size it states.
fn inflate(entry: &CentralEntry, packed: &[u8], budget: usize) -> Result<Vec<u8>> {
    let name = &entry.name;
    if !name.ends_with(".json") && !name.ends_with(".txt") {
        return Err(unsupported(format!(
            "{name:?} is deflated; only small metadata (.json, .txt) may be: pack the archive with \
             stored members (`zip -0`)"
        )));
    }
    let size = usize::try_from(entry.size).unwrap_or(usize::MAX);
    if size > budget {
        return Err(Error::new(
            ErrorKind::LimitExceeded,
            format!(
                "the deflated members inflate to more than {MAX_INFLATED_BYTES} bytes (at \
                 {name:?}); pack the archive with stored members (`zip -0`)"
            ),
        ));
    }
    match decompress_to_vec_with_limit(packed, size) {
        Ok(bytes) if bytes.len() == size => Ok(bytes),
        _ => Err(invalid(format!(
            "{name:?} does not inflate to the {size} bytes it states"
        ))),
    }
}

/// Place of the central directory, and its number of entries.
struct Directory {
    range: Range<usize>,
    count: u16,
}

impl Directory {
    /// Finds the end record: the last one whose comment ends with the file.
    fn find(file: &[u8]) -> Result<Self> {
        let cut =
            || invalid("this ZIP archive has no directory at its end: it is cut short or damaged");
        let last = file.len().checked_sub(END_BYTES).ok_or_else(cut)?;
        let first = last.saturating_sub(MAX_COMMENT_BYTES);
        let at = (first..=last)
            .rev()
            .find(|&at| {
                file[at..].starts_with(ZIP_END_MAGIC)
                    && usize::from(u16::from_le_bytes([file[at + 20], file[at + 21]])) == last - at
            })
            .ok_or_else(cut)?;
        let what = "the archive's end record";
        let mut cursor = Cursor {
            file,
            at: at + ZIP_END_MAGIC.len(),
        };
        let (disk, start_disk) = (cursor.u16(what)?, cursor.u16(what)?);
        let (count_here, count) = (cursor.u16(what)?, cursor.u16(what)?);
        let (size, offset) = (cursor.u32(what)?, cursor.u32(what)?);
        if count == u16::MAX || size == u32::MAX || offset == u32::MAX {
            return Err(unsupported(
                "ZIP64 archives are not read; write the avatar as .imx",
            ));
        }
        if disk != 0 || start_disk != 0 || count_here != count {
            return Err(unsupported("ZIP archives of several parts are not read"));
        }
        if usize::from(count) > MAX_ENTRIES {
            return Err(too_many_entries(count.into()));
        }
        let range = range_in(
            at as u64,
            "the central directory",
            offset.into(),
            size.into(),
        )?;
        Ok(Self { range, count })
    }
}

/// One entry of the central directory.
struct CentralEntry {
    method: u16,
    packed_size: u64,
    size: u64,
    header_offset: u64,
    name: String,
}

impl CentralEntry {
    fn read(cursor: &mut Cursor<'_>, what: &str) -> Result<Self> {
        if cursor.bytes(4, what)? != CENTRAL_MAGIC {
            return Err(invalid(format!(
                "{what} does not start as one: the file is damaged"
            )));
        }
        cursor.bytes(4, what)?; // versions
        let flags = cursor.u16(what)?;
        let method = cursor.u16(what)?;
        cursor.bytes(8, what)?; // time, date, CRC-32: the manifest's sha256 covers the content
        let (packed_size, size) = (cursor.u32(what)?, cursor.u32(what)?);
        let name_length = cursor.u16(what)?;
        let (extra, comment) = (cursor.u16(what)?, cursor.u16(what)?);
        cursor.bytes(8, what)?; // disk, attributes
        let header_offset = cursor.u32(what)?;
        let name = std::str::from_utf8(cursor.bytes(name_length.into(), what)?)
            .map_err(|_| invalid(format!("the name in {what} is not UTF-8")))?
            .to_owned();
        cursor.bytes(usize::from(extra) + usize::from(comment), what)?;
        if flags & FLAG_ENCRYPTED != 0 {
            return Err(unsupported(format!(
                "{name:?} is encrypted; pack it without a password"
            )));
        }
        if packed_size == u32::MAX || size == u32::MAX || header_offset == u32::MAX {
            return Err(unsupported(
                "ZIP64 archives are not read; write the avatar as .imx",
            ));
        }
        Ok(Self {
            method,
            packed_size: packed_size.into(),
            size: size.into(),
            header_offset: header_offset.into(),
            name,
        })
    }

    /// The range of the local header before the member's bytes, which has to agree on the name.
    fn local_header(&self, file: &[u8]) -> Result<Range<usize>> {
        let what = format!("the header of {:?}", self.name);
        let start = range_in(file.len() as u64, &self.name, self.header_offset, 0)?.start;
        let mut cursor = Cursor { file, at: start };
        if cursor.bytes(4, &what)? != ZIP_LOCAL_MAGIC {
            return Err(invalid(format!("{what} is not where the directory says")));
        }
        cursor.bytes(22, &what)?;
        let (name_length, extra) = (cursor.u16(&what)?, cursor.u16(&what)?);
        if cursor.bytes(name_length.into(), &what)? != self.name.as_bytes() {
            return Err(invalid(format!("{what} gives it another name")));
        }
        cursor.bytes(extra.into(), &what)?;
        Ok(start..cursor.at)
    }
}
