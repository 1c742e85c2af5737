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
