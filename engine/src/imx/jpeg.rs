//! A look at a base frame's JPEG header, so that a frame of another size or kind is refused at open
//! and not in the middle of a conversation.

use super::invalid;
use crate::Result;

const START: u8 = 0xD8;
const SCAN: u8 = 0xDA;
const BASELINE: u8 = 0xC0;

/// Refuses what is not the start of a baseline JPEG of this size.
pub(super) fn check(name: &str, data: &[u8], width: u32, height: u32) -> Result<()> {
    let damaged = || invalid(format!("{name} is not a JPEG image, or a damaged one"));
    if data.get(..2) != Some(&[0xFF, START]) {
        return Err(damaged());
    }
    let mut rest = &data[2..];
    loop {
        // A segment: FF (repeated at will), its marker, its length with the length's own bytes.
        let [0xFF, tail @ ..] = rest else {
            return Err(damaged());
        };
        let fill = tail.iter().take_while(|&&b| b == 0xFF).count();
        let [marker, high, low, body @ ..] = &tail[fill..] else {
            return Err(damaged());
        };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let body = length
            .checked_sub(2)
            .and_then(|n| body.get(..n))
            .ok_or_else(damaged)?;
        match marker {
            &BASELINE => return check_start_of_frame(name, body, width, height),
            // The other starts of a frame: progressive, lossless, arithmetic.
            0xC1..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                return Err(invalid(format!(
                    "{name} is a JPEG of another kind than baseline"
                )));
            }
            // Image data before any start of a frame, or markers that don't belong here.
            &SCAN | 0x00..=0xBF | 0xD0..=0xD9 => return Err(damaged()),
            _ => rest = &tail[fill + 1 + length..],
        }
    }
}

fn check_start_of_frame(name: &str, body: &[u8], width: u32, height: u32) -> Result<()> {
    let [bits, h1, h0, w1, w0, components, ..] = *body else {
        return Err(invalid(format!("{name} has a damaged JPEG header")));
    };
    let (w, h) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
    if (u32::from(w), u32::from(h)) != (width, height) {
        return Err(invalid(format!(
            "{name} is {w} x {h} pixels; the manifest says {width} x {height}"
        )));
    }
    if bits != 8 || !matches!(components, 1 | 3) {
        return Err(invalid(format!(
            "{name} has {components} components of {bits} bits; 1 or 3 of 8 bits are wanted"
        )));
    }
    Ok(())
}
