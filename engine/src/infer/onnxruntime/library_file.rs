//! A check that a shared library is whole. The system's loader maps it without looking: it ends a
//! process that touches a page behind the end of a file that was cut off (SIGBUS).

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// Most bytes of a program header table: 65,535 entries are possible, real libraries have a dozen.
const MAX_TABLE_BYTES: u64 = 1 << 16;

/// Refuses an ELF file whose segments or section headers lie behind its end. Linkers write the section
/// headers last, so that they are missing wherever a file was cut. Other kinds of file are left to the
/// system's loader, which checks them itself.
pub(super) fn check(path: &Path) -> Result<(), String> {
    let unreadable = |error: io::Error| format!("cannot be read: {error}");
    let mut file = File::open(path).map_err(unreadable)?;
    let size_bytes = file.metadata().map_err(unreadable)?.len();
    let mut head = Vec::new();
    let header = file.by_ref().take(64).read_to_end(&mut head);
    header.map_err(unreadable)?;
    let Some(elf) = Elf::of(&head) else {
        return Ok(());
    };
    let cut = || "the file is cut off: install ONNX Runtime again".to_owned();
    let tables = elf.tables(&head).ok_or_else(cut)?;
    let [programs, sections] = tables;
    if !programs.is_within(size_bytes) || !sections.is_within(size_bytes) {
        return Err(cut());
    }
    let length = (programs.count * programs.entry_bytes).min(MAX_TABLE_BYTES);
    let mut table = Vec::new();
    file.seek(SeekFrom::Start(programs.offset))
        .and_then(|_| file.take(length).read_to_end(&mut table))
        .map_err(unreadable)?;
    let entry_bytes = usize::try_from(programs.entry_bytes).unwrap_or(usize::MAX);
    for entry in table.chunks_exact(entry_bytes.max(1)) {
        let (offset, length) = elf.segment(entry).ok_or_else(cut)?;
        if offset
            .checked_add(length)
            .is_none_or(|end| end > size_bytes)
        {
            return Err(cut());
        }
    }
    Ok(())
}

/// How an ELF file writes its numbers.
#[derive(Clone, Copy)]
struct Elf {
    wide: bool,
    big_endian: bool,
}

/// Place of a table of headers in the file.
struct Table {
    offset: u64,
    entry_bytes: u64,
    count: u64,
}

impl Table {
    fn is_within(&self, size_bytes: u64) -> bool {
        let end = self.offset.checked_add(self.entry_bytes * self.count);
        end.is_some_and(|end| end <= size_bytes)
    }
}

impl Elf {
    fn of(head: &[u8]) -> Option<Self> {
        let &[0x7F, b'E', b'L', b'F', class, data, ..] = head else {
            return None;
        };
        Some(Self {
            wide: class == 2,
            big_endian: data == 2,
        })
    }

    /// The tables of program and of section headers, from fields of the file's header (`e_phoff`,
    /// `e_shoff` and on).
    fn tables(self, head: &[u8]) -> Option<[Table; 2]> {
        let (offsets, sizes) = if self.wide { (32, 54) } else { (28, 42) };
        let word = if self.wide { 8 } else { 4 };
        let table = |index: usize| {
            Some(Table {
                offset: self.number(head, offsets + index * word, word)?,
                entry_bytes: self.number(head, sizes + 4 * index, 2)?,
                count: self.number(head, sizes + 4 * index + 2, 2)?,
            })
        };
        Some([table(0)?, table(1)?])
    }

    /// Offset and length of a segment in the file: `p_offset` and `p_filesz`.
    fn segment(self, entry: &[u8]) -> Option<(u64, u64)> {
        let (offset, length, word) = if self.wide { (8, 32, 8) } else { (4, 16, 4) };
        Some((
            self.number(entry, offset, word)?,
            self.number(entry, length, word)?,
        ))
    }

    fn number(self, data: &[u8], at: usize, bytes: usize) -> Option<u64> {
        let digits = data.get(at..at + bytes)?.iter();
        let add = |sum: u64, digit: &u8| sum << 8 | u64::from(*digit);
        Some(if self.big_endian {
            digits.fold(0, add)
        } else {
            digits.rev().fold(0, add)
        })
    }
}
