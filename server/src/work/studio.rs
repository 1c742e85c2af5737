//! A film becomes an avatar in the studio, which is Python and a program of its own; a portrait one that is distilled.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use essence::{Error, ErrorKind, Result};
use essence_brain::Cancel;

use crate::platform::Platform;

/// How often the studio is looked at.
const POLL: Duration = Duration::from_millis(100);

/// Characters of the studio's last words that are told.
const LAST_CHARS: usize = 400;

/// The file that an avatar is made of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'a> {
    Film(&'a Path),
    /// A patch is trained on what the engine draws of it.
    Portrait(&'a Path),
}

/// The avatar of a film or a portrait. Blocks, for minutes.
///
/// # Errors
/// `NotFound`: the studio isn't set up. `UnsupportedFormat`: it refuses the file; the message is its own.
/// `Cancelled`.
pub(super) fn create(
    platform: &Platform,
    source: Source<'_>,
    name: &str,
    place: &Path,
    cancel: &Cancel,
) -> Result<Vec<u8>> {
    let Some(python) = &platform.studio else {
        let message = "this server has no studio to make an avatar of a film; `bithuman create` says how it is set up";
        return Err(Error::new(ErrorKind::NotFound, message));
    };
    let failed =
        |e: std::io::Error| Error::new(ErrorKind::Io, "the studio can't be started").with_source(e);
    let (output, log) = (place.join("avatar.imx"), place.join("studio.log"));
    let mut command = Command::new(python);
    command
        .args(["-m", "essence_studio", "create"])
        .arg("--output")
        .arg(&output)
        .args(["--name", name])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&log).map_err(failed)?);
    match source {
        Source::Film(film) => command.arg("--video").arg(film),
        Source::Portrait(picture) => command.arg("--portrait").arg(picture).arg("--distill"),
    };
    if let Some(own) = &platform.command {
        // The finished avatar is tried with the command line.
        command.env("BITHUMAN", own);
    }
    let mut child = Killed(command.spawn().map_err(failed)?);
    let status = loop {
        if let Some(status) = child.0.try_wait().map_err(failed)? {
            break status;
        }
        if cancel.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "stopped"));
        }
        thread::sleep(POLL);
    };
    if !status.success() {
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        let said = said.trim();
        let first = said
            .char_indices()
            .rev()
            .nth(LAST_CHARS)
            .map_or(0, |(at, _)| at);
        let message = format!("the studio refuses the file: {}", &said[first..]);
        return Err(Error::new(ErrorKind::UnsupportedFormat, message));
    }
    std::fs::read(&output).map_err(failed)
}

/// A child that ends with its owner.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // One that has ended already is no failure.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
