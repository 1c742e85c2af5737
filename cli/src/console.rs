//! Destinations of text, JSON and errors.

use std::io::{ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::SCHEMA_VERSION;
use crate::failure::Failure;

/// The streams of this run.
#[derive(Clone, Debug)]
pub(crate) struct Console {
    json: bool,
}

impl Console {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether results are one JSON object.
    pub(crate) fn json(&self) -> bool {
        self.json
    }

    /// Whether progress is shown: only on a terminal.
    pub(crate) fn shows_progress(&self) -> bool {
        !self.json && std::io::stderr().is_terminal()
    }

    /// Text to stdout. A reader that went away (`| head`) is no error: nothing more is written.
    ///
    /// # Errors
    /// It could not be written, as to a full disk.
    pub(crate) fn text(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = std::io::stdout().lock();
        match stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush())
        {
            Err(e) if e.kind() != ErrorKind::BrokenPipe => {
                Err(Failure::output("cannot write to stdout", Some(&e)))
            }
            _ => Ok(()),
        }
    }

    /// The one object of this run to stdout, with the schema's version added.
    ///
    /// # Errors
    /// It could not be written.
    pub(crate) fn object(&self, mut object: Value) -> Result<(), Failure> {
        object["schema_version"] = SCHEMA_VERSION.into();
        self.text(&format!("{object:#}\n"))
    }

    /// Text to stderr, as it is. Nothing can be told of a failure here.
    pub(crate) fn note(&self, text: &str) {
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }

    /// Something the user should know that does not change the result. Not shown with JSON, whose
    /// stderr is for one error.
    pub(crate) fn warn(&self, text: &str) {
        if !self.json {
            self.note(&format!("warning: {text}\n"));
        }
    }

    /// Prints an error; returns the exit code that belongs to it.
    pub(crate) fn fail(&self, failure: &Failure) -> ExitCode {
        if self.json {
            self.note(&format!("{}\n", json!({ "error": failure.to_json() })));
        } else {
            self.note(&format!("error: {}\n", failure.message));
            if let Some(hint) = failure.hint {
                self.note(&format!("hint: {hint}\n"));
            }
        }
        ExitCode::from(failure.exit_code)
    }
}
