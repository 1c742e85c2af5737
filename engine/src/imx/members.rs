//! The members of a container: where they lie, and their bytes.

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

/// A file's bytes and its table. Immutable.
pub(super) struct Members {
    bytes: Bytes,
    toc: Toc,
    wrapper: Wrapper,
}

impl Members {
    /// Reads the table of a container, of either kind.
    pub(super) fn new(bytes: Bytes) -> Result<Self> {
        let file = (*bytes).as_ref();
        source::check_size(file.len() as u64)?;
        let wrapper = identify(file)?;
        let toc = match wrapper {
            Wrapper::Imx => Toc::parse(file)?,
            Wrapper::Zip => zip::parse(file)?,
        };
        Ok(Self {
            bytes,
            toc,
            wrapper,
        })
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
    /// `NotFound` if there is none of that name.
    pub(super) fn get(&self, name: &str) -> Result<&[u8]> {
        match self.toc.find(name) {
            Some(entry) => Ok(self.data(entry)),
            None => Err(Error::new(
                ErrorKind::NotFound,
                format!("the avatar has no member {name:?}"),
            )),
        }
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
        (*self.bytes).as_ref().len() as u64
    }

    fn data<'a>(&'a self, entry: &'a Entry) -> &'a [u8] {
        let file = (*self.bytes).as_ref();
        match &entry.data {
            Data::Stored(range) => file.get(range.clone()).unwrap_or_default(),
            Data::Inflated(bytes) => bytes,
        }
    }
}
