//! Errors as the command line shows them: a code for programs, a message and a hint for people.

use std::path::Path;

use essence::imx::{HASH_DIFFERS, MISSING_MANIFEST, NOT_IMX, OTHER_FAMILY};
use essence::{Error, ErrorKind};
use serde_json::{Value, json};

/// The hint for an output that can't be written.
const WRITE_HINT: &str = "check the folder, its permissions and the free space";

/// The exit code of what the system doesn't permit (BSD's `sysexits`, `EX_NOPERM`).
const NOT_PERMITTED_EXIT_CODE: u8 = 77;

/// The exit code of a fault of the program's own or its supplier's (`EX_SOFTWARE`).
const SOFTWARE_EXIT_CODE: u8 = 70;

/// The exit code of arguments that do not fit.
pub(crate) const USAGE_EXIT_CODE: u8 = ErrorKind::InvalidArgument.exit_code();

/// The reason for which a command has no result.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    pub(crate) hint: Option<&'static str>,
    pub(crate) exit_code: u8,
}

impl Failure {
    #[cold]
    fn new(code: &'static str, kind: ErrorKind, message: String) -> Self {
        Self {
            code,
            kind: kind_name(kind),
            message,
            hint: None,
            exit_code: kind.exit_code(),
        }
    }

    fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// Arguments that do not fit; `rendered` is the parser's text.
    #[cold]
    pub(crate) fn usage(rendered: &str) -> Self {
        let text = rendered.trim().trim_start_matches("error: ");
        let message = text.split("\n\nUsage:").next().unwrap_or(text);
        let mut failure = Self::new("USAGE", ErrorKind::InvalidArgument, message.to_owned())
            .hint("run `bithuman help` for the commands and their options");
        failure.kind = "usage";
        failure
    }

    /// An argument that is well-formed but makes no sense.
    #[cold]
    pub(crate) fn argument(message: impl Into<String>) -> Self {
        let mut failure = Self::new("USAGE", ErrorKind::InvalidArgument, message.into());
        failure.kind = "usage";
        failure
    }

    /// An address that other machines reach, without the permission.
    #[cold]
    pub(crate) fn public_bind(message: &str) -> Self {
        let failure = Self::new(
            "PUBLIC_BIND_REFUSED",
            ErrorKind::InvalidArgument,
            message.to_owned(),
        );
        failure.hint("leave --host out to talk on this machine alone")
    }

    /// The studio can't be started.
    #[cold]
    pub(crate) fn studio(message: String) -> Self {
        Self::new("STUDIO_MISSING", ErrorKind::NotFound, message).hint(
            "`python3 studio/install.py` in libessence's source sets the studio up; BITHUMAN_STUDIO \
             names its folder",
        )
    }

    /// The index has no such avatar.
    #[cold]
    pub(crate) fn slug(message: String) -> Self {
        Self::new("SLUG_NOT_FOUND", ErrorKind::NotFound, message)
            .hint("`bithuman list` shows the avatars; BITHUMAN_SHOWCASE_URL names another index")
    }

    /// The index can't be used.
    #[cold]
    pub(crate) fn index(message: String) -> Self {
        let message = format!("the index of avatars can't be used: {message}");
        Self::new("INDEX_INVALID", ErrorKind::UnsupportedFormat, message)
            .hint("docs/run.md describes the index that BITHUMAN_SHOWCASE_URL names")
    }

    /// A server has no such file.
    #[cold]
    pub(crate) fn not_found(message: String) -> Self {
        Self::new("NOT_FOUND", ErrorKind::NotFound, message)
            .hint("check BITHUMAN_SHOWCASE_URL and the addresses in its index")
    }

    /// A file couldn't be fetched.
    #[cold]
    pub(crate) fn download(message: String) -> Self {
        Self::new("DOWNLOAD_FAILED", ErrorKind::Io, message)
            .hint("try again; what has come is kept and taken up")
    }

    /// The fetched file is not what the index says.
    #[cold]
    pub(crate) fn sha256(message: String) -> Self {
        Self {
            exit_code: SOFTWARE_EXIT_CODE,
            ..Self::new("SHA256_MISMATCH", ErrorKind::InvalidAvatar, message)
                .hint("try again; if it stays so, the index and the file don't belong together")
        }
    }

    /// The user forbids connections.
    #[cold]
    pub(crate) fn offline(message: String) -> Self {
        Self {
            exit_code: NOT_PERMITTED_EXIT_CODE,
            ..Self::new("OFFLINE", ErrorKind::NotFound, message)
                .hint("unset BITHUMAN_OFFLINE, or name a file")
        }
    }

    /// The output cannot be written.
    #[cold]
    pub(crate) fn output(message: impl Into<String>, cause: Option<&std::io::Error>) -> Self {
        let mut message = message.into();
        if let Some(cause) = cause {
            message = format!("{message}: {cause}");
        }
        Self::new("OUTPUT_NOT_WRITABLE", ErrorKind::Io, message).hint(WRITE_HINT)
    }

    /// A failure of the crate that writes files.
    #[cold]
    pub(crate) fn writing(error: Error) -> Self {
        let failure = Self::from(error);
        match failure.code {
            "IO_ERROR" => Self {
                code: "OUTPUT_NOT_WRITABLE",
                hint: Some(WRITE_HINT),
                ..failure
            },
            _ => failure,
        }
    }

    /// A failure to read the audio.
    #[cold]
    pub(crate) fn audio(error: Error) -> Self {
        let code = match error.kind() {
            ErrorKind::NotFound => "AUDIO_NOT_FOUND",
            ErrorKind::UnsupportedFormat | ErrorKind::InvalidArgument => "UNSUPPORTED_AUDIO",
            _ => return error.into(),
        };
        Self {
            code,
            ..error.into()
        }
    }

    /// The avatar's failure if it is missing or damaged, else this one: the avatar comes first on the
    /// command line.
    pub(crate) fn unless_missing(self, avatar: &Path) -> Self {
        essence::imx::Container::open(avatar)
            .err()
            .map_or(self, Into::into)
    }

    /// The object for programs.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "code": self.code,
            "kind": self.kind,
            "message": self.message,
            "hint": self.hint,
        })
    }

    /// Stopped by the user.
    #[cold]
    pub(crate) fn interrupted(message: impl Into<String>) -> Self {
        Self::new("INTERRUPTED", ErrorKind::Cancelled, message.into())
    }
}

impl From<Error> for Failure {
    #[cold]
    fn from(error: Error) -> Self {
        let says = |text: &str| error.message().contains(text);
        let (code, hint) = match error.kind() {
            ErrorKind::Cancelled => ("INTERRUPTED", None),
            ErrorKind::Inference => ("INFERENCE_FAILED", Some("try --provider cpu")),
            ErrorKind::InvalidArgument => ("INVALID_ARGUMENT", None),
            ErrorKind::InvalidAvatar if says(NOT_IMX) => {
                ("NOT_IMX", Some("give the path of an .imx file"))
            }
            ErrorKind::InvalidAvatar if says(MISSING_MANIFEST) => {
                ("MISSING_MANIFEST", Some("get a fresh copy of the avatar"))
            }
            ErrorKind::InvalidAvatar if says(HASH_DIFFERS) => {
                ("SHA256_MISMATCH", Some("get a fresh copy of the avatar"))
            }
            ErrorKind::InvalidAvatar => ("INVALID_AVATAR", Some("get a fresh copy of the avatar")),
            ErrorKind::InvalidState => (
                "INVALID_STATE",
                Some("this is a bug; please report it with the message"),
            ),
            ErrorKind::Io if not_permitted(&error) => (
                "NOT_PERMITTED",
                Some("check the permissions of the file and its folder"),
            ),
            ErrorKind::Io => ("IO_ERROR", Some("check the file and its folder")),
            ErrorKind::LimitExceeded => ("LIMIT_EXCEEDED", None),
            ErrorKind::NotFound => ("FILE_NOT_FOUND", Some("check the path")),
            ErrorKind::ProviderUnavailable => (
                "PROVIDER_UNAVAILABLE",
                Some("`bithuman doctor` lists what is available"),
            ),
            ErrorKind::RuntimeMissing => (
                "RUNTIME_MISSING",
                Some(
                    "`bithuman doctor` shows where it was looked for; --provider builtin needs none",
                ),
            ),
            ErrorKind::UnsupportedFormat if says(OTHER_FAMILY) => {
                let hint = "render an avatar whose engine is essence; `bithuman info` tells it";
                ("UNSUPPORTED_MODEL_FAMILY", Some(hint))
            }
            ErrorKind::UnsupportedFormat => ("UNSUPPORTED_FORMAT", None),
            ErrorKind::UnsupportedVersion => (
                "UNSUPPORTED_IMX_VERSION",
                Some("install the newest bithuman, or make the avatar again"),
            ),
            _ => (
                "INTERNAL",
                Some("this is a bug; please report it with the message"),
            ),
        };
        let failure = Self::new(code, error.kind(), error.to_string());
        let exit_code = match code {
            "NOT_PERMITTED" => NOT_PERMITTED_EXIT_CODE,
            _ => failure.exit_code,
        };
        Self {
            hint,
            exit_code,
            ..failure
        }
    }
}

/// Whether the system refused for want of permission.
fn not_permitted(error: &Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|e| e.kind() == std::io::ErrorKind::PermissionDenied) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// `NotFound` -> `not_found`.
fn kind_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Cancelled => "cancelled",
        ErrorKind::Inference => "inference",
        ErrorKind::InvalidArgument => "invalid_argument",
        ErrorKind::InvalidAvatar => "invalid_avatar",
        ErrorKind::InvalidState => "invalid_state",
        ErrorKind::Io => "io",
        ErrorKind::LimitExceeded => "limit_exceeded",
        ErrorKind::NotFound => "not_found",
        ErrorKind::ProviderUnavailable => "provider_unavailable",
        ErrorKind::RuntimeMissing => "runtime_missing",
        ErrorKind::UnsupportedFormat => "unsupported_format",
        ErrorKind::UnsupportedVersion => "unsupported_version",
        _ => "internal",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_name_and_a_code_of_its_own() {
        let mut names: Vec<_> = ErrorKind::ALL.into_iter().map(kind_name).collect();
        let mut codes: Vec<_> = ErrorKind::ALL
            .into_iter()
            .map(|k| Failure::from(Error::new(k, "")).code)
            .collect();
        for list in [&mut names, &mut codes] {
            list.sort_unstable();
            list.dedup();
            assert_eq!(list.len(), ErrorKind::ALL.len(), "{list:?}");
        }
    }
}
