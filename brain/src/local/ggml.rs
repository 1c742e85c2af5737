//! whisper.cpp's format, checked: the sizes are those that a Whisper model may have, and the tensors
//! fill the file exactly.

use std::path::Path;

use essence::Result;

use super::bytes::{Bytes, type_bytes};

const MAGIC: u32 = 0x6767_6d6c;

const MAX_TOKENS: u32 = 60_000;
const MAX_TOKEN_BYTES: u32 = 1 << 10;
const MAX_NAME: u32 = 128;

/// The least and the most of each size in the file's head: tokens, then of the encoder its context,
/// width, heads and layers, the same of the decoder, mel bands and the type.
const SIZES: [(&str, u32, u32); 11] = [
    ("vocabulary", 50_000, MAX_TOKENS),
    ("audio context", 1_500, 1_500),
    ("audio width", 64, 2_048),
    ("audio heads", 1, 64),
    ("audio layers", 1, 64),
    ("text context", 64, 1_024),
    ("text width", 64, 2_048),
    ("text heads", 1, 64),
    ("text layers", 1, 64),
    ("mel bands", 80, 128),
    ("type", 0, 3_000),
];

/// Refuses a file that is no whole model of Whisper.
///
/// # Errors
/// `NotFound`, `Io`, or `UnsupportedFormat` with what is wrong and how to mend it.
pub(super) fn check(path: &Path) -> Result<()> {
    let mut file = Bytes::open(path)?;
    if file.u32()? != MAGIC {
        return Err(file.fault("it doesn't begin as models of whisper.cpp do"));
    }
    let mut sizes = [0; SIZES.len()];
    for (size, (name, least, most)) in sizes.iter_mut().zip(SIZES) {
        *size = file.u32()?;
        if !(least..=most).contains(size) {
            return Err(file.fault(&format!("its {name} is {size}")));
        }
    }
    for (width, heads) in [(sizes[2], sizes[3]), (sizes[6], sizes[7])] {
        if !width.is_multiple_of(heads) {
            return Err(file.fault(&format!("a width of {width} has {heads} heads")));
        }
    }
    let (bands, spectrum) = (file.u32()?, file.u32()?);
    if bands != sizes[9] || spectrum != 201 {
        return Err(file.fault(&format!("its filters are {bands} of {spectrum}")));
    }
    file.skip(u64::from(bands) * u64::from(spectrum) * 4)?;
    let tokens = file.u32()?;
    if tokens > sizes[0] {
        return Err(file.fault(&format!("it has {tokens} tokens of {}", sizes[0])));
    }
    for _ in 0..tokens {
        let length = file.u32()?;
        if length > MAX_TOKEN_BYTES {
            return Err(file.fault(&format!("a token has {length} bytes")));
        }
        file.skip(u64::from(length))?;
    }
    let mut tensors = 0;
    while !file.at_end() {
        let (axes, length, kind) = (file.u32()?, file.u32()?, file.u32()?);
        if !(1..=4).contains(&axes) || length > MAX_NAME {
            return Err(file.fault(&format!("tensor {tensors} makes no sense")));
        }
        let mut count = Some(1u64);
        for _ in 0..axes {
            let axis = u64::from(file.u32()?);
            count = count.and_then(|c| c.checked_mul(axis)).filter(|&c| c > 0);
        }
        let name = file.text(u64::from(length), u64::from(MAX_NAME))?;
        let Some(bytes) = count.and_then(|count| type_bytes(kind, count)) else {
            return Err(file.fault(&format!(
                "its tensor {name:?} is of an unknown kind or size"
            )));
        };
        file.skip(bytes)?;
        tensors += 1;
    }
    // As many as there are layers, and the few outside of them.
    let wanted = 15 * sizes[4] + 24 * sizes[8] + 11;
    if tensors != wanted {
        return Err(file.fault(&format!("it has {tensors} tensors of {wanted}")));
    }
    Ok(())
}
