//! Films become avatars in the studio, which is Python: it is found and started.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::failure::Failure;

/// Ends of films' names.
const FILMS: [&str; 8] = ["mp4", "mov", "mkv", "webm", "avi", "m4v", "mpg", "mpeg"];
/// Names the studio's environment, the folder that `studio/install.py` makes.
const VARIABLE: &str = "BITHUMAN_STUDIO";

/// Whether a file is a film by its name.
pub(crate) fn is_film(path: &Path) -> bool {
    let end = path
        .extension()
        .map(|end| end.to_string_lossy().to_ascii_lowercase());
    end.is_some_and(|end| FILMS.contains(&end.as_str()))
}

/// A film, and the avatar that it is to become.
#[derive(Debug)]
pub(crate) struct Order<'a> {
    pub(crate) film: &'a Path,
    pub(crate) output: &'a Path,
    pub(crate) name: Option<&'a str>,
    /// Empty: unsaid.
    pub(crate) license: &'a str,
    /// Whether an avatar that turned out badly is kept.
    pub(crate) force: bool,
}

/// Lets the studio make an avatar of a film; its messages and its exit code are the command's.
pub(crate) fn create(order: &Order<'_>) -> Result<ExitCode, Failure> {
    let Some(python) = python() else {
        return Err(Failure::studio(format!(
            "{} is a film: the studio makes avatars of films, and it is not set up here",
            order.film.display()
        )));
    };
    let mut command = Command::new(&python);
    command.args(["-m", "essence_studio", "create", "--video"]);
    command.arg(order.film).arg("--output").arg(order.output);
    if let Some(name) = order.name {
        command.arg("--name").arg(name);
    }
    if !order.license.is_empty() {
        command.arg("--license").arg(order.license);
    }
    if order.force {
        command.arg("--force");
    }
    // The finished avatar is tried with this very program.
    if let Ok(own) = std::env::current_exe() {
        command.env("BITHUMAN", own);
    }
    let status = command.status().map_err(|error| {
        Failure::studio(format!("{} cannot be started: {error}", python.display()))
    })?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(1)))
}

/// The Python of the studio's environment.
pub(crate) fn python() -> Option<PathBuf> {
    let named = std::env::var_os(VARIABLE).map(PathBuf::from);
    let home = std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .or_else(|| {
            std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local").join("share"))
        });
    let folder = named.or_else(|| home.map(|home| home.join("bithuman").join("studio")))?;
    ["bin/python", "Scripts/python.exe"]
        .map(|path| folder.join(path))
        .into_iter()
        .find(|python| python.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn films_are_told_by_their_names() {
        for name in ["me.mp4", "My: film.MOV", "a.b.webm"] {
            assert!(is_film(Path::new(name)), "{name}");
        }
        for name in ["face.jpg", "mp4", "film.mp4.png", ""] {
            assert!(!is_film(Path::new(name)), "{name}");
        }
    }
}
