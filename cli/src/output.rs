//! Checks of an output before any work.

use std::path::Path;

use essence_media::OutputFile;

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
            "the output {shown} is the input {input}; give another name"
        )));
    }
    // Only making a file shows whether it can be made.
    OutputFile::create(output).map_err(Failure::writing)?;
    Ok(())
}

/// The warning that another program wrote the same name meanwhile.
pub(crate) fn replaced(output: &Path) -> String {
    format!(
        "{} was also written by another program meanwhile; its file was replaced by this one",
        output.display()
    )
}

/// `1234567` -> `1.2 MB`.
pub(crate) fn megabytes(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}
