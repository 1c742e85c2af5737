//! The memory of a network's values: one block, an item's part after the other, every value at a fixed
//! place in it.

#![expect(
    unsafe_code,
    reason = "bytes as numbers, one part written while others are read"
)]

use std::marker::PhantomData;
use std::ops::Range;

use crate::infer::plain::Plain;

/// Bytes that places are multiples of: a cache line.
pub(super) const LINE: usize = 64;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; LINE]);

/// The place of a value in an item's part: the first byte, a multiple of [`LINE`], and the number of
/// bytes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Place {
    pub(super) offset: usize,
    pub(super) bytes: usize,
}

impl Place {
    fn range(self) -> Range<usize> {
        self.offset..self.offset + self.bytes
    }
}

/// The memory for items of a batch.
pub(super) struct Arena {
    lines: Vec<Line>,
    item_bytes: usize,
}

impl Arena {
    /// For items of so many bytes each; none has memory yet.
    pub(super) fn new(item_bytes: usize) -> Self {
        Self {
            lines: Vec::new(),
            item_bytes: item_bytes.next_multiple_of(LINE),
        }
    }

    /// Has memory for at least so many items, zeros where it is new.
    pub(super) fn hold(&mut self, items: usize) {
        let lines = items * (self.item_bytes / LINE);
        if self.lines.len() < lines {
            self.lines.reserve_exact(lines - self.lines.len());
            self.lines.resize(lines, Line([0; LINE]));
        }
    }

    /// Bytes from an item to the next.
    pub(super) fn item_bytes(&self) -> usize {
        self.item_bytes
    }

    /// Whether so many items have memory for a value in whole lines.
    pub(super) fn holds(&self, items: usize, place: Place) -> bool {
        place.offset + place.bytes.next_multiple_of(LINE) <= self.item_bytes
            && items * self.item_bytes <= self.lines.len() * LINE
    }

    /// The first byte, for kernels that check their places once.
    pub(super) fn base(&mut self) -> *mut u8 {
        self.lines.as_mut_ptr().cast()
    }

    /// A value of an item.
    pub(super) fn get<T: Plain>(&self, item: usize, place: Place) -> &[T] {
        let bytes = self.bytes_of(item, place);
        let length = bytes.len() / size_of::<T>();
        // SAFETY: the bytes lie in `lines`, which is borrowed; their first is aligned to a line, and
        // any bytes are a `T`.
        unsafe { std::slice::from_raw_parts(self.at(bytes.start).cast(), length) }
    }

    /// A value of an item, to be written.
    pub(super) fn get_mut<T: Plain>(&mut self, item: usize, place: Place) -> &mut [T] {
        let bytes = self.bytes_of(item, place);
        let length = bytes.len() / size_of::<T>();
        let begin = self.base().wrapping_add(bytes.start);
        // SAFETY: as in `get`, and `lines` is borrowed for this slice alone.
        unsafe { std::slice::from_raw_parts_mut(begin.cast(), length) }
    }

    /// A value to be written, and all others of its item, to be read.
    pub(super) fn split<T: Plain>(&mut self, item: usize, output: Place) -> (&mut [T], Others<'_>) {
        let taken = self.bytes_of(item, output);
        let length = taken.len() / size_of::<T>();
        let base = self.base();
        let others = Others {
            base,
            bytes: self.lines.len() * LINE,
            item_begin: item * self.item_bytes,
            taken: taken.clone(),
            arena: PhantomData,
        };
        let begin = base.wrapping_add(taken.start);
        // SAFETY: as in `get_mut`; `Others` gives out no byte of it.
        let output = unsafe { std::slice::from_raw_parts_mut(begin.cast(), length) };
        (output, others)
    }

    fn bytes_of(&self, item: usize, place: Place) -> Range<usize> {
        let begin = item * self.item_bytes;
        let range = begin + place.offset..begin + place.range().end;
        assert!(
            place.offset.is_multiple_of(LINE) && range.end <= self.lines.len() * LINE,
            "a value lies in the arena"
        );
        range
    }

    fn at(&self, byte: usize) -> *const u8 {
        self.lines.as_ptr().cast::<u8>().wrapping_add(byte)
    }
}

/// An item's values but the one that is written.
pub(super) struct Others<'a> {
    base: *const u8,
    bytes: usize,
    item_begin: usize,
    taken: Range<usize>,
    arena: PhantomData<&'a Arena>,
}

impl<'a> Others<'a> {
    pub(super) fn get<T: Plain>(&self, place: Place) -> &'a [T] {
        let begin = self.item_begin + place.offset;
        let end = begin + place.bytes;
        let apart = end <= self.taken.start || begin >= self.taken.end;
        assert!(
            place.offset.is_multiple_of(LINE) && end <= self.bytes && apart,
            "a value lies in the arena, apart from the one that is written"
        );
        let begin = self.base.wrapping_add(begin);
        // SAFETY: the bytes lie in the arena, which is borrowed for 'a, and none is of the value that
        // is written.
        unsafe { std::slice::from_raw_parts(begin.cast(), place.bytes / size_of::<T>()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_apart_and_aligned() {
        let mut arena = Arena::new(130);
        arena.hold(2);
        let (first, second) = (
            Place {
                offset: 0,
                bytes: 8,
            },
            Place {
                offset: 64,
                bytes: 66,
            },
        );
        arena.get_mut::<f32>(1, first).copy_from_slice(&[1.0, 2.0]);
        let (output, others) = arena.split::<u8>(1, second);
        output.fill(7);
        assert_eq!(others.get::<f32>(first), [1.0, 2.0]);
        assert_eq!(arena.get::<u8>(0, second), [0; 66]);
    }

    #[test]
    #[should_panic(expected = "apart from the one that is written")]
    fn what_is_written_is_not_read() {
        let mut arena = Arena::new(64);
        arena.hold(1);
        let place = Place {
            offset: 0,
            bytes: 8,
        };
        let (_output, others) = arena.split::<f32>(0, place);
        let _ = others.get::<f32>(place);
    }
}
