//! Rules that several parts of a manifest share: numbers, texts, labels, hashes, shapes.

use std::collections::{BTreeMap, BTreeSet};

use super::fault::invalid;
use super::limits::MAX_LABEL_BYTES;
use super::manifest::{Dim, MANIFEST};
use super::toc::check_name;
use crate::{Error, ErrorKind, Result};

/// Texts without control characters.
pub(super) fn texts(list: &[(&str, &String)]) -> Result<()> {
    for (key, text) in list {
        if text.chars().any(char::is_control) {
            return Err(invalid(format!(
                "{key} contains a control character: {text:?}"
            )));
        }
    }
    Ok(())
}

/// Names of members, each with a sha256.
pub(super) fn hashes(files: &BTreeMap<String, String>) -> Result<()> {
    for (name, hash) in files {
        check_name(name)?;
        if name == MANIFEST {
            return Err(invalid(format!(
                "files names {MANIFEST}, which has no hash"
            )));
        }
        if hash.len() != 64 || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(invalid(format!(
                "files[{name:?}] is not a sha256 in hex (64 digits): {hash:?}"
            )));
        }
    }
    Ok(())
}

/// Exactly these tensors: `[N, dims...]`, where `None` is any fixed number.
pub(super) fn tensors(
    network: &str,
    side: &str,
    actual: &BTreeMap<String, Vec<Dim>>,
    expected: &[(&str, &[Option<u32>])],
) -> Result<()> {
    for name in actual.keys() {
        if !expected.iter().any(|(known, _)| known == name) {
            return Err(invalid(format!(
                "networks.{network}.{side} has {name:?}, which this library does not know"
            )));
        }
    }
    for &(name, dims) in expected {
        let Some(shape) = actual.get(name) else {
            return Err(invalid(format!("networks.{network}.{side} lacks {name:?}")));
        };
        let fits = shape.len() == dims.len() + 1
            && shape[0] == Dim::Batch
            && shape[1..]
                .iter()
                .zip(dims)
                .all(|(actual, expected)| match (actual, expected) {
                    (Dim::Fixed(_), None) => true,
                    (Dim::Fixed(actual), Some(expected)) => actual == expected,
                    (Dim::Batch, _) => false,
                });
        if !fits {
            let shown = |list: Vec<String>| list.join(", ");
            let wanted = dims
                .iter()
                .map(|dim| dim.map_or("T".to_owned(), |n| n.to_string()));
            return Err(invalid(format!(
                "networks.{network}.{side}: the shape of {name:?} is [{}], expected [N, {}]",
                shown(shape.iter().map(Dim::to_string).take(8).collect()),
                shown(wanted.collect())
            )));
        }
    }
    Ok(())
}

/// A list of 1 to `max` labels, each once.
pub(super) fn labels(key: &str, list: &[String], max: usize) -> Result<()> {
    within(&format!("{key} (names)"), list.len() as u64, 1, max as u64)?;
    let mut seen = BTreeSet::new();
    for name in list {
        label(key, name)?;
        if !seen.insert(name) {
            return Err(invalid(format!("{key} has {name:?} twice")));
        }
    }
    Ok(())
}

pub(super) fn label(key: &str, name: &str) -> Result<()> {
    if name.is_empty() || name.len() > MAX_LABEL_BYTES || name.chars().any(char::is_control) {
        let shown: String = name.chars().take(MAX_LABEL_BYTES).collect();
        return Err(invalid(format!(
            "{key} has the name {shown:?}; names have 1 to {MAX_LABEL_BYTES} bytes and no control \
             characters"
        )));
    }
    Ok(())
}

pub(super) fn within(key: &str, value: u64, min: u64, max: u64) -> Result<()> {
    if value > max {
        Err(limit(format!("{key} is {value}; at most {max} is allowed")))
    } else if value < min {
        Err(invalid(format!(
            "{key} is {value}; at least {min} is needed"
        )))
    } else {
        Ok(())
    }
}

pub(super) fn limit(message: String) -> Error {
    Error::new(ErrorKind::LimitExceeded, message)
}

pub(super) fn version(message: String) -> Error {
    Error::new(ErrorKind::UnsupportedVersion, message)
}
