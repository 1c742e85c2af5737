//! GGUF, as far as it has to be checked: every key is read, and every tensor lies inside the file.

use std::path::Path;

use essence::Result;

use super::bytes::{Bytes, type_bytes};

/// Most keys and tensors; real models have hundreds.
const MAX_ENTRIES: u64 = 1 << 16;

/// Most bytes of a name, and of a text such as a chat template.
const MAX_NAME: u64 = 1 << 10;
const MAX_TEXT: u64 = 1 << 20;

/// Most elements of an array: vocabularies have 260,000 tokens.
const MAX_ARRAY: u64 = 1 << 22;

const MAX_AXES: u32 = 4;

/// Refuses a file that is no whole GGUF.
///
/// # Errors
/// `NotFound`, `Io`, or `UnsupportedFormat` with what is wrong and how to mend it.
pub(super) fn check(path: &Path) -> Result<()> {
    template(path).map(drop)
}

/// The chat template of a whole GGUF; empty if it has none.
///
/// # Errors
/// The errors of [`check`].
pub(super) fn template(path: &Path) -> Result<String> {
    let mut file = Bytes::open(path)?;
    if file.take()? != *b"GGUF" {
        return Err(file.fault("it doesn't begin as GGUF does"));
    }
    let version = file.u32()?;
    if !(2..=3).contains(&version) {
        return Err(file.fault(&format!("its version is {version}")));
    }
    let (tensors, keys) = (file.u64()?, file.u64()?);
    if tensors == 0 || tensors > MAX_ENTRIES || keys > MAX_ENTRIES {
        return Err(file.fault(&format!("it has {tensors} tensors and {keys} keys")));
    }
    let mut alignment = 32;
    let mut architecture = false;
    let mut template = String::new();
    for _ in 0..keys {
        let name = text(&mut file, MAX_NAME)?;
        let kind = file.u32()?;
        if name == "general.alignment" && kind == 4 {
            alignment = u64::from(file.u32()?);
            if !alignment.is_power_of_two() || alignment > 1 << 16 {
                return Err(file.fault(&format!("its alignment is {alignment}")));
            }
            continue;
        }
        if name == "tokenizer.chat_template" && kind == 8 {
            template = text(&mut file, MAX_TEXT)?;
            continue;
        }
        architecture |= name == "general.architecture" && kind == 8;
        value(&mut file, kind)?;
    }
    if !architecture {
        return Err(file.fault("it doesn't tell its architecture"));
    }
    let mut end = 0u64;
    for _ in 0..tensors {
        let name = text(&mut file, MAX_NAME)?;
        let axes = file.u32()?;
        if axes > MAX_AXES {
            return Err(file.fault(&format!("its tensor {name:?} has {axes} axes")));
        }
        let mut count = Some(1u64);
        for _ in 0..axes {
            let axis = file.u64()?;
            count = count.and_then(|c| c.checked_mul(axis)).filter(|&c| c > 0);
        }
        let (kind, offset) = (file.u32()?, file.u64()?);
        let bytes = count.and_then(|count| type_bytes(kind, count));
        let Some(last) = bytes.and_then(|bytes| offset.checked_add(bytes)) else {
            return Err(file.fault(&format!(
                "its tensor {name:?} is of an unknown kind or size"
            )));
        };
        if !offset.is_multiple_of(alignment) {
            return Err(file.fault(&format!("its tensor {name:?} lies between two places")));
        }
        end = end.max(last);
    }
    let data = file.position().next_multiple_of(alignment);
    match data.checked_add(end) {
        Some(whole) if whole <= file.length() => Ok(template),
        _ => {
            let whole = data.saturating_add(end);
            let has = file.length();
            Err(file.fault(&format!("it has {has} bytes of {whole}")))
        }
    }
}

fn text(file: &mut Bytes, limit: u64) -> Result<String> {
    let length = file.u64()?;
    file.text(length, limit)
}

/// Passes over a value.
fn value(file: &mut Bytes, kind: u32) -> Result<()> {
    match kind {
        8 => text(file, MAX_TEXT).map(drop),
        9 => {
            let (kind, count) = (file.u32()?, file.u64()?);
            if count > MAX_ARRAY {
                return Err(file.fault(&format!("an array has {count} elements")));
            }
            if kind != 8 {
                let width = width(file, kind)?;
                return file.skip(count * width);
            }
            for _ in 0..count {
                let length = file.u64()?;
                file.skip(length)?;
            }
            Ok(())
        }
        _ => {
            let width = width(file, kind)?;
            file.skip(width)
        }
    }
}

/// Bytes of a value of one of the kinds that all have the same size.
fn width(file: &Bytes, kind: u32) -> Result<u64> {
    Ok(match kind {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        10..=12 => 8,
        _ => return Err(file.fault(&format!("a value is of the unknown kind {kind}"))),
    })
}
