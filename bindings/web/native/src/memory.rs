//! Buffers that the page writes into.

use std::collections::BTreeMap;

use essence::{Error, ErrorKind, Result};

use crate::error::give;
use crate::world::with;

/// Most bytes of a buffer.
const MOST_BYTES: usize = 1 << 30;

/// Buffers by their addresses.
#[derive(Default)]
pub(crate) struct Buffers(BTreeMap<usize, Box<[u64]>>);

impl Buffers {
    /// The first `length` bytes of the buffer at `address`.
    pub(crate) fn bytes(&self, address: usize, length: usize) -> Result<&[u8]> {
        let words = self.0.get(&address).ok_or_else(|| no_buffer(address))?;
        #[expect(unsafe_code, reason = "bytes of whole words")]
        // SAFETY: the words' memory, in which every pattern of bits is a byte.
        let bytes =
            unsafe { std::slice::from_raw_parts(words.as_ptr().cast::<u8>(), 8 * words.len()) };
        bytes.get(..length).ok_or_else(|| too_short(length))
    }

    /// The first `count` numbers in the buffer at `address`.
    pub(crate) fn floats(&self, address: usize, count: usize) -> Result<Vec<f32>> {
        let bytes = self.bytes(
            address,
            count.checked_mul(4).ok_or_else(|| too_short(count))?,
        )?;
        let numbers = bytes.as_chunks::<4>().0.iter();
        Ok(numbers.map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    /// The same of 64 bits.
    pub(crate) fn doubles(&self, address: usize, count: usize) -> Result<Vec<f64>> {
        let bytes = self.bytes(
            address,
            count.checked_mul(8).ok_or_else(|| too_short(count))?,
        )?;
        let numbers = bytes.as_chunks::<8>().0.iter();
        Ok(numbers.map(|bytes| f64::from_le_bytes(*bytes)).collect())
    }

    /// The first `length` bytes as text.
    pub(crate) fn text(&self, address: usize, length: usize) -> Result<&str> {
        std::str::from_utf8(self.bytes(address, length)?)
            .map_err(|_| Error::new(ErrorKind::InvalidArgument, "the text is not UTF-8"))
    }

    /// Writes numbers into the buffer at `address`.
    pub(crate) fn set_doubles(&mut self, address: usize, numbers: &[f64]) -> Result<()> {
        let words = self.0.get_mut(&address).ok_or_else(|| no_buffer(address))?;
        let words = words.get_mut(..numbers.len());
        let words = words.ok_or_else(|| too_short(8 * numbers.len()))?;
        for (word, number) in words.iter_mut().zip(numbers) {
            *word = number.to_bits();
        }
        Ok(())
    }

    /// Takes a buffer away from the page, `length` bytes of it.
    pub(crate) fn take(&mut self, address: usize, length: usize) -> Result<Taken> {
        self.bytes(address, length)?;
        let words = self.0.remove(&address).ok_or_else(|| no_buffer(address))?;
        Ok(Taken { words, length })
    }
}

/// A buffer that is the page's no more.
pub(crate) struct Taken {
    words: Box<[u64]>,
    length: usize,
}

impl AsRef<[u8]> for Taken {
    fn as_ref(&self) -> &[u8] {
        #[expect(unsafe_code, reason = "bytes of whole words")]
        // SAFETY: the words' memory, at least `length` bytes, in which every pattern of bits is a byte.
        unsafe {
            std::slice::from_raw_parts(self.words.as_ptr().cast(), self.length)
        }
    }
}

/// A new buffer of zeros for the page to write into: its address, a multiple of 8. 0 if there is no
/// memory for it, or an error.
#[unsafe(no_mangle)]
pub extern "C" fn web_alloc(length: usize) -> usize {
    let words = length.div_ceil(8).max(1);
    let mut buffer = Vec::<u64>::new();
    if length > MOST_BYTES || buffer.try_reserve_exact(words).is_err() {
        let message = format!("{length} bytes are more than there is memory for");
        give(Err(Error::new(ErrorKind::LimitExceeded, message)));
        return 0;
    }
    buffer.resize(words, 0);
    let buffer = buffer.into_boxed_slice();
    let address = buffer.as_ptr().addr();
    with(|world| world.buffers.0.insert(address, buffer));
    address
}

/// Gives a buffer back; nothing happens if there is none at this address.
#[unsafe(no_mangle)]
pub extern "C" fn web_free(address: usize) {
    with(|world| world.buffers.0.remove(&address));
}

#[cold]
fn no_buffer(address: usize) -> Error {
    let message = format!("there is no buffer at {address}");
    Error::new(ErrorKind::InvalidArgument, message)
}

#[cold]
fn too_short(length: usize) -> Error {
    let message = format!("the buffer is shorter than {length}");
    Error::new(ErrorKind::InvalidArgument, message)
}
