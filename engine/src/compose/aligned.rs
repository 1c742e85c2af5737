//! Cache-line aligned memory.
//!
//! The widest instructions read and write 64 bytes, a whole cache line. What an allocator gives
//! begins anywhere in one, mostly at its sixteenth byte. Then each instruction touches two lines, and
//! a row takes up to twice as long.

use std::ops::Deref;

/// Bytes of a cache line of x86-64 and of most of aarch64.
pub(crate) const CACHE_LINE: usize = 64;

/// A buffer whose first element begins a cache line.
#[derive(Debug, Default)]
pub(crate) struct AlignedBuffer<T> {
    memory: Box<[T]>,
    begin: usize,
    length: usize,
}

impl<T: Copy + Default> AlignedBuffer<T> {
    /// A buffer of `length` zeros.
    pub(crate) fn new(length: usize) -> Self {
        let spare = CACHE_LINE / size_of::<T>();
        let memory = vec![T::default(); length + spare].into_boxed_slice();
        let begin = memory.as_ptr().align_offset(CACHE_LINE).min(spare);
        Self {
            memory,
            begin,
            length,
        }
    }

    /// Every element.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.memory[self.begin..][..self.length]
    }

    /// The first `length` elements. A buffer that is shorter becomes one of `length` zeros.
    pub(crate) fn at_least(&mut self, length: usize) -> &mut [T] {
        if self.length < length {
            *self = Self::new(length);
        }
        &mut self.as_mut_slice()[..length]
    }
}

impl<T> Deref for AlignedBuffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.memory[self.begin..][..self.length]
    }
}

/// A value that begins a cache line.
#[repr(align(64))]
pub(crate) struct CacheAligned<T>(pub(crate) T);

#[cfg(test)]
mod tests {
    use super::*;

    fn begins_a_line<T>(elements: &[T]) -> bool {
        elements.as_ptr().addr().is_multiple_of(CACHE_LINE)
    }

    #[test]
    fn a_buffer_begins_a_cache_line_and_has_its_length() {
        for length in [0, 1, 63, 64, 1_537, 1 << 20] {
            let bytes = AlignedBuffer::<u8>::new(length);
            let pixels = AlignedBuffer::<[u8; 4]>::new(length);
            let mut sums = AlignedBuffer::<i16>::default();
            sums.at_least(length).fill(-1);
            assert!(bytes.len() == length && begins_a_line(&bytes));
            assert!(pixels.len() == length && begins_a_line(&pixels));
            assert!(sums.len() == length && (length == 0 || begins_a_line(&sums)));
        }
    }

    #[test]
    fn a_longer_buffer_keeps_its_elements() {
        let mut bytes = AlignedBuffer::<u8>::new(100);
        bytes.as_mut_slice()[9] = 7;
        assert!(bytes.at_least(10)[9] == 7 && bytes.len() == 100);
    }
}
