//! Memory that begins where a line of the processor's cache does.
//!
//! The widest instructions read and write 64 bytes, a whole line. What an allocator gives begins
//! anywhere in one, mostly at its sixteenth byte; then each of them touches two lines, and a row
//! takes up to twice as long.

use std::ops::Deref;

/// Bytes of a line of the cache: of x86-64, and of most of aarch64.
pub(crate) const LINE: usize = 64;

/// Elements the first of which begins a line.
#[derive(Debug, Default)]
pub(crate) struct Aligned<T> {
    memory: Box<[T]>,
    begin: usize,
    length: usize,
}

impl<T: Copy + Default> Aligned<T> {
    /// So many zeros.
    pub(crate) fn new(length: usize) -> Self {
        let spare = LINE / size_of::<T>();
        let memory = vec![T::default(); length + spare].into_boxed_slice();
        let begin = memory.as_ptr().align_offset(LINE).min(spare);
        Self {
            memory,
            begin,
            length,
        }
    }

    /// All of them.
    pub(crate) fn all(&mut self) -> &mut [T] {
        &mut self.memory[self.begin..][..self.length]
    }

    /// The first so many, of more of them if there are too few; zeros then.
    pub(crate) fn first(&mut self, length: usize) -> &mut [T] {
        if self.length < length {
            *self = Self::new(length);
        }
        &mut self.all()[..length]
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.memory[self.begin..][..self.length]
    }
}

/// What begins a line.
#[repr(align(64))]
pub(crate) struct OnLine<T>(pub(crate) T);

#[cfg(test)]
mod tests {
    use super::*;

    fn begins_a_line<T>(elements: &[T]) -> bool {
        elements.as_ptr().addr().is_multiple_of(LINE)
    }

    #[test]
    fn elements_begin_a_line_and_are_all_there() {
        for length in [0, 1, 63, 64, 1_537, 1 << 20] {
            let bytes = Aligned::<u8>::new(length);
            let pixels = Aligned::<[u8; 4]>::new(length);
            let mut sums = Aligned::<i16>::default();
            sums.first(length).fill(-1);
            assert!(bytes.len() == length && begins_a_line(&bytes));
            assert!(pixels.len() == length && begins_a_line(&pixels));
            assert!(sums.len() == length && (length == 0 || begins_a_line(&sums)));
        }
    }

    #[test]
    fn fewer_are_the_first_of_those_that_are_there() {
        let mut bytes = Aligned::<u8>::new(100);
        bytes.all()[9] = 7;
        assert!(bytes.first(10)[9] == 7 && bytes.len() == 100);
    }
}
