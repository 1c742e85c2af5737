//! The table of contents: where each member lies, with every rule about names and ranges that both
//! wrappers (native and ZIP) share.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::fault::invalid;
use super::limits::{MAX_ENTRIES, MAX_MEMBER_BYTES, MAX_NAME_BYTES};
use super::signature::MAGIC;
use crate::{Error, ErrorKind, Result};

/// The version of the container that is read and written.
pub const VERSION: u16 = 2;

/// Bytes before the first entry.
pub(super) const HEADER_BYTES: usize = 8;

/// Bytes of an entry besides its name.
pub(super) const ENTRY_BYTES: usize = 2 + 8 + 8;

/// The members of a container in the table's order, found by name.
#[derive(Debug, Default)]
pub(super) struct Toc {
    entries: Vec<Entry>,
    by_name: HashMap<String, usize>,
}

/// One member.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) data: Data,
}

/// Place of a member's bytes.
#[derive(Debug)]
pub(super) enum Data {
    /// In the file.
    Stored(Range<usize>),
    /// Inflated at open (small metadata of a ZIP wrapper).
    Inflated(Vec<u8>),
    /// In a file that is read in pieces: there once it has arrived.
    Arriving(Range<usize>, OnceLock<Arc<[u8]>>),
    /// No longer in memory; the number of its bytes.
    Released(usize),
}

impl Data {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Stored(range) | Self::Arriving(range, _) => range.len(),
            Self::Inflated(bytes) => bytes.len(),
            Self::Released(size) => *size,
        }
    }

    /// Its place in the file.
    pub(super) fn range(&self) -> Option<Range<usize>> {
        match self {
            Self::Stored(range) | Self::Arriving(range, _) => Some(range.clone()),
            Self::Inflated(_) | Self::Released(_) => None,
        }
    }
}

impl Toc {
    /// Reads the table of a version 2 file of `size_bytes`, of which `file` is the beginning at least.
    /// Its magic has been seen already.
    pub(super) fn parse(file: &[u8], size_bytes: u64) -> Result<Self> {
        let mut cursor = Cursor {
            file,
            at: MAGIC.len(),
        };
        let (version, count) = (cursor.u16("header")?, cursor.u16("header")?);
        if version != VERSION {
            let remedy = if version > VERSION {
                "update the library"
            } else {
                "make the avatar again with a newer studio"
            };
            return Err(Error::new(
                ErrorKind::UnsupportedVersion,
                format!(".imx version {version}; this library reads version {VERSION}: {remedy}"),
            ));
        }
        if usize::from(count) > MAX_ENTRIES {
            return Err(too_many_entries(count.into()));
        }
        // All of the table before any of its ranges: a file that is cut in the table says so.
        let mut rows = Vec::new();
        for i in 0..count {
            let what = format!("entry {i} of {count} in the table");
            let length = cursor.u16(&what)?;
            let name = cursor.bytes(length.into(), &what)?;
            let name = std::str::from_utf8(name)
                .map_err(|_| invalid(format!("the name in {what} is not UTF-8")))?;
            rows.push((name, cursor.u64(&what)?, cursor.u64(&what)?));
        }
        let mut toc = Self::default();
        for (name, offset, size) in rows {
            let range = range_in(size_bytes, name, offset, size)?;
            toc.push(name, Data::Stored(range))?;
        }
        let table = 0..cursor.at;
        toc.refuse_overlaps(std::iter::once((table, "the table")))?;
        Ok(toc)
    }

    /// Adds a member, if its name is sound and new.
    pub(super) fn push(&mut self, name: &str, data: Data) -> Result<()> {
        check_name(name)?;
        if self.entries.len() >= MAX_ENTRIES {
            return Err(too_many_entries(self.entries.len() + 1));
        }
        if self
            .by_name
            .insert(name.to_owned(), self.entries.len())
            .is_some()
        {
            return Err(invalid(format!(
                "the name {name:?} occurs twice in the table"
            )));
        }
        self.entries.push(Entry {
            name: name.to_owned(),
            data,
        });
        Ok(())
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The same table for members that arrive one by one.
    pub(super) fn arriving(mut self) -> Self {
        for entry in &mut self.entries {
            if let Some(range) = entry.data.range() {
                entry.data = Data::Arriving(range, OnceLock::new());
            }
        }
        self
    }

    /// Takes the bytes of members away.
    pub(super) fn release(&mut self, unwanted: impl Fn(&str) -> bool) {
        for entry in &mut self.entries {
            if unwanted(&entry.name) {
                entry.data = Data::Released(entry.data.len());
            }
        }
    }

    /// Moves the members that are stored in `file` to its beginning, and gives the rest of its memory back.
    pub(super) fn compact(&mut self, file: &mut Vec<u8>) {
        let stored = self.entries.iter_mut();
        let mut places: Vec<&mut Range<usize>> = stored
            .filter_map(|entry| match &mut entry.data {
                Data::Stored(place) => Some(place),
                _ => None,
            })
            .collect();
        // None overlaps another, so each moves towards the beginning or stays.
        places.sort_unstable_by_key(|place| place.start);
        let mut end = 0;
        for place in places {
            let moved = end..end + place.len();
            file.copy_within(place.clone(), end);
            end = moved.end;
            *place = moved;
        }
        file.truncate(end);
        file.shrink_to_fit();
    }

    pub(super) fn find(&self, name: &str) -> Option<&Entry> {
        self.by_name.get(name).map(|&i| &self.entries[i])
    }

    /// Refuses members that share bytes with each other or with `others` (the table, headers).
    pub(super) fn refuse_overlaps<'a>(
        &'a self,
        others: impl Iterator<Item = (Range<usize>, &'a str)>,
    ) -> Result<()> {
        let members = self.entries.iter();
        let members = members.filter_map(|entry| Some((entry.data.range()?, entry.name.as_str())));
        let mut ranges: Vec<_> = others
            .chain(members)
            .filter(|(r, _)| !r.is_empty())
            .collect();
        ranges.sort_unstable_by_key(|(range, _)| (range.start, range.end));
        for pair in ranges.windows(2) {
            if let [(a, a_name), (b, b_name)] = pair
                && b.start < a.end
            {
                return Err(invalid(format!(
                    "{a_name:?} and {b_name:?} overlap: bytes {}..{} and {}..{}",
                    a.start, a.end, b.start, b.end
                )));
            }
        }
        Ok(())
    }
}

/// `offset..offset + size`, if it lies in the file and within the limit.
pub(super) fn range_in(
    size_bytes: u64,
    name: &str,
    offset: u64,
    size: u64,
) -> Result<Range<usize>> {
    if size > MAX_MEMBER_BYTES {
        return Err(Error::new(
            ErrorKind::LimitExceeded,
            format!("{name:?} has {size} bytes; at most {MAX_MEMBER_BYTES} are allowed"),
        ));
    }
    let outside = || {
        invalid(format!(
            "{name:?} lies outside the file: {size} bytes at {offset} of {size_bytes}; the file is cut \
             short or damaged"
        ))
    };
    let start = usize::try_from(offset).map_err(|_| outside())?;
    let size = usize::try_from(size).map_err(|_| outside())?;
    match start.checked_add(size) {
        Some(end) if end as u64 <= size_bytes => Ok(start..end),
        _ => Err(outside()),
    }
}

/// Refuses names that are not plain relative paths of at most [`MAX_NAME_BYTES`] bytes.
pub(super) fn check_name(name: &str) -> Result<()> {
    let fault = if name.is_empty() {
        "is empty"
    } else if name.len() > MAX_NAME_BYTES {
        let shown: String = name.chars().take(40).collect();
        return Err(Error::new(
            ErrorKind::LimitExceeded,
            format!(
                "the member name {shown:?}… has {} bytes; at most {MAX_NAME_BYTES} are allowed",
                name.len()
            ),
        ));
    } else if name.contains('\0') {
        "contains a NUL"
    } else if name.contains('\\') {
        "contains a backslash"
    } else if name.chars().any(char::is_control) {
        "contains a control character"
    } else if name.starts_with('/') || name.contains(':') {
        "is absolute"
    } else if name.split('/').any(|part| part == "..") {
        "contains `..`"
    } else if name.split('/').any(|part| part.is_empty() || part == ".") {
        "is not a plain relative path"
    } else {
        return Ok(());
    };
    Err(invalid(format!("the member name {name:?} {fault}")))
}

pub(super) fn too_many_entries(count: usize) -> Error {
    Error::new(
        ErrorKind::LimitExceeded,
        format!("{count} entries in the table; at most {MAX_ENTRIES} are allowed"),
    )
}

/// Reads little-endian numbers, never beyond the end.
pub(super) struct Cursor<'a> {
    pub(super) file: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn bytes(&mut self, count: usize, what: &str) -> Result<&'a [u8]> {
        let rest = self.file.get(self.at..).unwrap_or_default();
        let Some(bytes) = rest.get(..count) else {
            return Err(invalid(format!(
                "the file is cut short in {what}: {count} bytes wanted at {}, {} left",
                self.at,
                rest.len()
            )));
        };
        self.at += count;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N, what)?);
        Ok(array)
    }

    pub(super) fn u16(&mut self, what: &str) -> Result<u16> {
        self.array(what).map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self, what: &str) -> Result<u32> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self, what: &str) -> Result<u64> {
        self.array(what).map(u64::from_le_bytes)
    }
}
