//! The members of a container: where they lie, and their bytes.

use std::sync::Arc;

use super::fault::invalid;
use super::signature::{Wrapper, identify};
use super::source::{self, Bytes};
use super::toc::{Data, Entry, Toc};
use super::zip;
use crate::{Error, ErrorKind, Result};

/// A member's name and size.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Member<'a> {
    /// Its name: a relative path with `/`.
    pub name: &'a str,
    /// Its size in bytes.
    pub size_bytes: u64,
}

/// A file's bytes and its table.
pub(super) struct Members {
    bytes: Bytes,
    toc: Toc,
    wrapper: Wrapper,
    size_bytes: u64,
}

impl Members {
    /// Reads the table of a container, of either kind.
    pub(super) fn new(bytes: Bytes) -> Result<Self> {
        let file = bytes.get();
        source::check_size(file.len() as u64)?;
        let wrapper = identify(file)?;
        let toc = match wrapper {
            Wrapper::Imx => Toc::parse(file, file.len() as u64)?,
            Wrapper::Zip => zip::parse(file)?,
        };
        Ok(Self {
            size_bytes: file.len() as u64,
            bytes,
            toc,
            wrapper,
        })
    }

    /// The members of a file of `size_bytes` that begins with `head`, the whole table. They arrive one by one.
    pub(super) fn arriving(head: &[u8], size_bytes: u64) -> Result<Self> {
        Ok(Self {
            bytes: Bytes::Read(Vec::new()),
            toc: Toc::parse(head, size_bytes)?.arriving(),
            wrapper: Wrapper::Imx,
            size_bytes,
        })
    }

    /// Takes a member's bytes, unless they are there.
    ///
    /// # Errors
    /// `NotFound` if there is none of that name, `InvalidAvatar` if it has another size.
    pub(super) fn arrive(&self, name: &str, bytes: Arc<[u8]>) -> Result<()> {
        let entry = self.toc.find(name).ok_or_else(|| absent(name))?;
        if entry.data.len() != bytes.len() {
            return Err(invalid(format!(
                "{name:?} has {} bytes, not {}",
                entry.data.len(),
                bytes.len()
            )));
        }
        if let Data::Arriving(_, place) = &entry.data {
            // It was checked against the same hash.
            let _ = place.set(bytes);
        }
        Ok(())
    }

    /// Gives back the memory of the members that are not `wanted`: all but what the caller or a mapped file
    /// holds.
    pub(super) fn retain(&mut self, wanted: impl Fn(&str) -> bool) {
        self.toc.release(|name| !wanted(name));
        if let Bytes::Read(file) = &mut self.bytes {
            self.toc.compact(file);
        }
    }

    /// Size of a member in bytes, whether it is there or not; None if there is none of that name.
    pub(super) fn size_of(&self, name: &str) -> Option<usize> {
        self.toc.find(name).map(|entry| entry.data.len())
    }

    /// Whether a member is there with its bytes.
    pub(super) fn has(&self, name: &str) -> bool {
        let entry = self.toc.find(name);
        entry.is_some_and(|entry| self.data(entry).is_some())
    }

    /// All in the table's order.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = Member<'_>> {
        self.toc.entries().iter().map(|entry| Member {
            name: &entry.name,
            size_bytes: entry.data.len() as u64,
        })
    }

    /// The bytes of one.
    ///
    /// # Errors
    /// `NotFound` if there is none of that name, or if it is not there with its bytes.
    pub(super) fn get(&self, name: &str) -> Result<&[u8]> {
        let entry = self.toc.find(name).ok_or_else(|| absent(name))?;
        self.data(entry).ok_or_else(|| {
            let why = match entry.data {
                Data::Released(_) => "is no longer in memory, since the avatar is open",
                _ => "has not arrived yet",
            };
            let message = format!("the member {name:?} {why}");
            Error::new(ErrorKind::NotFound, message)
        })
    }

    /// The bytes of one as numbers.
    ///
    /// # Errors
    /// `NotFound` if there is none of that name, `InvalidAvatar` if it is not a whole number of f32.
    pub(super) fn floats(&self, name: &str) -> Result<Vec<f32>> {
        let data = self.get(name)?;
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

    pub(super) fn wrapper(&self) -> Wrapper {
        self.wrapper
    }

    /// Size of the file in bytes.
    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn data<'a>(&'a self, entry: &'a Entry) -> Option<&'a [u8]> {
        match &entry.data {
            Data::Stored(range) => Some(self.bytes.get().get(range.clone()).unwrap_or_default()),
            Data::Inflated(bytes) => Some(bytes),
            Data::Arriving(_, place) => place.get().map(|bytes| &bytes[..]),
            Data::Released(_) => None,
        }
    }
}

#[cold]
fn absent(name: &str) -> Error {
    let message = format!("the avatar has no member {name:?}");
    Error::new(ErrorKind::NotFound, message)
}
