//! A base frame's or a matte's JPEG, checked without decoding it.
//!
//! Every segment has to be whole, the picture baseline and of the manifest's size, its tables sound
//! and those that its scans name there, and each scan's data has to end with a marker, the last one's
//! with the end of the image (ITU-T T.81, annexes B and C). That finds files that are cut or overwritten.
//! It doesn't find coded data that is wrong in itself: some frames are decoded when an avatar is opened
//! (`avatar.rs`), others when they are first shown.

use std::ops::RangeInclusive;

use memchr::memchr;

use super::fault::invalid;
use crate::{Error, Result};

const BASELINE: u8 = 0xC0;
const HUFFMAN_TABLES: u8 = 0xC4;
const RESTARTS: RangeInclusive<u8> = 0xD0..=0xD7;
const START: u8 = 0xD8;
const END: u8 = 0xD9;
const SCAN: u8 = 0xDA;
const QUANTIZATION_TABLES: u8 = 0xDB;
const RESTART_INTERVAL: u8 = 0xDD;

/// Longest Huffman code in bits.
const MAX_CODE_BITS: usize = 16;

/// Numbers of components that a base frame may have, and that a matte has.
pub(super) const COLOR: &[u8] = &[1, 3];
pub(super) const GREY: &[u8] = &[1];

/// Refuses what is no whole baseline JPEG of this size, with one of these numbers of components.
pub(super) fn check(
    name: &str,
    data: &[u8],
    width: u32,
    height: u32,
    component_counts: &[u8],
) -> Result<()> {
    let Some([0xFF, START]) = data.get(..2) else {
        return Err(damaged(name, "it doesn't begin like one"));
    };
    let mut picture = Picture {
        name,
        size: (width, height),
        component_counts,
        components: None,
        quantization_tables: [false; 4],
        huffman_tables: [[false; 4]; 2],
        has_restarts: false,
        scans: 0,
    };
    let mut rest = &data[2..];
    loop {
        let (marker, tail) =
            next_marker(rest).ok_or_else(|| damaged(name, "a marker is missing"))?;
        match marker {
            END => return picture.finish(),
            // Markers without a length.
            0x00..=0xBF | 0xD0..=0xD8 => {
                return Err(damaged(
                    name,
                    &format!("marker {marker:#04X} doesn't belong there"),
                ));
            }
            _ => {}
        }
        // Its length counts its own two bytes.
        let (body, tail) = tail
            .split_at_checked(2)
            .and_then(|(length, tail)| {
                let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
                tail.split_at_checked(length.checked_sub(2)?)
            })
            .ok_or_else(|| damaged(name, "it is cut short"))?;
        rest = picture.segment(marker, body, tail)?;
    }
}

/// The marker that data begins with, and what follows it.
fn next_marker(data: &[u8]) -> Option<(u8, &[u8])> {
    let [0xFF, tail @ ..] = data else {
        return None;
    };
    let fill = tail.iter().take_while(|&&byte| byte == 0xFF).count();
    let (&marker, tail) = tail[fill..].split_first()?;
    Some((marker, tail))
}

/// The contents of the segments so far.
struct Picture<'a> {
    name: &'a str,
    size: (u32, u32),
    /// Numbers of components that are accepted.
    component_counts: &'a [u8],
    /// Identifier of each component and the quantization table that it uses.
    components: Option<Vec<(u8, u8)>>,
    quantization_tables: [bool; 4],
    /// Tables of the first coefficients, and of the others.
    huffman_tables: [[bool; 4]; 2],
    has_restarts: bool,
    scans: usize,
}

impl Picture<'_> {
    /// Takes a segment; gives what follows it and, after a scan, its coded data.
    fn segment<'d>(&mut self, marker: u8, body: &[u8], tail: &'d [u8]) -> Result<&'d [u8]> {
        match marker {
            BASELINE => self.start_frame(body)?,
            HUFFMAN_TABLES => self.define_huffman_tables(body)?,
            QUANTIZATION_TABLES => self.define_quantization_tables(body)?,
            RESTART_INTERVAL => match body {
                [high, low] => self.has_restarts = [*high, *low] != [0, 0],
                _ => return Err(self.damaged("its restart interval has another length")),
            },
            SCAN => {
                self.start_scan(body)?;
                return self.skip_coded_data(tail);
            }
            // The other starts of a frame: progressive, lossless, arithmetic.
            0xC1..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                let name = self.name;
                return Err(invalid(format!(
                    "{name} is a JPEG of another kind than baseline"
                )));
            }
            // Comments and an application's data.
            _ => {}
        }
        Ok(tail)
    }

    fn start_frame(&mut self, body: &[u8]) -> Result<()> {
        let (name, (width, height)) = (self.name, self.size);
        let [bits, h1, h0, w1, w0, count, ref components @ ..] = *body else {
            return Err(self.damaged("its header is cut short"));
        };
        let (w, h) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
        if (u32::from(w), u32::from(h)) != (width, height) {
            return Err(invalid(format!(
                "{name} is {w} x {h} pixels; the manifest says {width} x {height}"
            )));
        }
        if bits != 8 || !self.component_counts.contains(&count) {
            let counts: Vec<_> = self.component_counts.iter().map(u8::to_string).collect();
            return Err(invalid(format!(
                "{name} has {count} components of {bits} bits; {} of 8 bits are wanted",
                counts.join(" or ")
            )));
        }
        let (components, rest) = components.as_chunks::<3>();
        if components.len() != usize::from(count) || !rest.is_empty() || self.components.is_some() {
            return Err(self.damaged("its components are not those it counts"));
        }
        let sound = |&[_, sampling, table]: &[u8; 3]| {
            (1..=4).contains(&(sampling >> 4)) && (1..=4).contains(&(sampling & 15)) && table < 4
        };
        if !components.iter().all(sound) {
            return Err(self.damaged("a component's sampling is outside of 1 to 4"));
        }
        self.components = Some(
            components
                .iter()
                .map(|&[id, _, table]| (id, table))
                .collect(),
        );
        Ok(())
    }

    fn define_quantization_tables(&mut self, mut body: &[u8]) -> Result<()> {
        while let [head, tail @ ..] = body {
            let (wide, number) = (head >> 4, usize::from(head & 15));
            let table = tail.split_at_checked(64 * (1 + usize::from(wide)));
            let (Some((_, tail)), true) = (table, wide < 2 && number < 4) else {
                return Err(self.damaged("a quantization table is cut short"));
            };
            self.quantization_tables[number] = true;
            body = tail;
        }
        Ok(())
    }

    fn define_huffman_tables(&mut self, mut body: &[u8]) -> Result<()> {
        while let [head, tail @ ..] = body {
            let (class, number) = (usize::from(head >> 4), usize::from(head & 15));
            let table = tail.split_at_checked(MAX_CODE_BITS);
            let (Some((counts, tail)), true) = (table, class < 2 && number < 4) else {
                return Err(self.damaged("a Huffman table is cut short"));
            };
            // Codes that are left after those of each length.
            let mut free = 1usize;
            for &count in counts {
                free = (2 * free)
                    .checked_sub(usize::from(count))
                    .ok_or_else(|| self.damaged("a Huffman table has more codes than there are"))?;
            }
            let symbols = counts.iter().map(|&count| usize::from(count)).sum();
            let Some((_, tail)) = tail.split_at_checked(symbols) else {
                return Err(self.damaged("a Huffman table is cut short"));
            };
            self.huffman_tables[class][number] = true;
            body = tail;
        }
        Ok(())
    }

    fn start_scan(&mut self, body: &[u8]) -> Result<()> {
        let (Some(components), [count, rest @ ..]) = (&self.components, body) else {
            return Err(self.damaged("a scan begins before the picture"));
        };
        let Some((chosen, [0, 63, 0])) = rest.split_at_checked(2 * usize::from(*count)) else {
            return Err(self.damaged("a scan's header is none of a baseline picture"));
        };
        let has = |tables: &[bool; 4], number: u8| tables.get(usize::from(number)) == Some(&true);
        let known = |&[id, tables]: &[u8; 2]| {
            let component = components.iter().find(|(known, _)| *known == id);
            component.is_some_and(|(_, table)| has(&self.quantization_tables, *table))
                && has(&self.huffman_tables[0], tables >> 4)
                && has(&self.huffman_tables[1], tables & 15)
        };
        let chosen = chosen.as_chunks::<2>().0;
        if chosen.is_empty() || !chosen.iter().all(known) {
            return Err(self.damaged("a scan names a component or table that isn't there"));
        }
        self.scans += 1;
        Ok(())
    }

    /// The rest behind a scan's data, from its marker on.
    fn skip_coded_data<'d>(&self, data: &'d [u8]) -> Result<&'d [u8]> {
        let mut rest = data;
        loop {
            let at = memchr(0xFF, rest).ok_or_else(|| self.damaged("it is cut short"))?;
            match rest.get(at + 1) {
                Some(0) => rest = &rest[at + 2..],
                Some(0xFF) => rest = &rest[at + 1..],
                Some(marker) if RESTARTS.contains(marker) && self.has_restarts => {
                    rest = &rest[at + 2..];
                }
                _ => return Ok(&rest[at..]),
            }
        }
    }

    fn finish(&self) -> Result<()> {
        if self.scans == 0 {
            return Err(self.damaged("it has no picture"));
        }
        Ok(())
    }

    fn damaged(&self, how: &str) -> Error {
        damaged(self.name, how)
    }
}

#[cold]
fn damaged(name: &str, how: &str) -> Error {
    invalid(format!(
        "{name} is not a JPEG image, or a damaged one: {how}"
    ))
}
