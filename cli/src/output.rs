//! Where a command writes, checked before any work.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Refuses an output that cannot be written or that is one of the inputs.
pub(crate) fn check(output: &Path, inputs: &[&Path]) -> Result<(), Failure> {
    let shown = output.display();
    if output.is_dir() {
        return Err(Failure::argument(format!(
            "{shown} is a folder; give the name of a file"
        )));
    }
    let folder = match output.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        let message = format!(
            "the folder {} of {shown} does not exist; make it first",
            folder.display()
        );
        return Err(Failure::output(message, None));
    }
    if let Ok(real) = output.canonicalize()
        && let Some(input) = inputs
            .iter()
            .find(|i| i.canonicalize().is_ok_and(|i| i == real))
    {
        let input = input.display();
        return Err(Failure::argument(format!(
            "the output {shown} is the input {input}"
        )));
    }
    // Whether files can be made there shows only by making one: the one that will be made anyway.
    let part = part_path(output);
    let existed = part.exists();
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&part)
        .map_err(|e| Failure::output(format!("cannot write {shown}"), Some(&e)))?;
    if !existed {
        let _ = std::fs::remove_file(part);
    }
    Ok(())
}

/// What the file is called until it is complete.
pub(crate) fn part_path(output: &Path) -> PathBuf {
    let mut part = output.as_os_str().to_owned();
    part.push(".part");
    part.into()
}

/// `1234567` -> `1.2 MB`.
pub(crate) fn megabytes(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}
