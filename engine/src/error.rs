//! One error type for the whole engine: a kind to act on, a message to show, and the cause
//! underneath.

use std::fmt;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error: a message for a person, with a [kind](ErrorKind) for the program.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The kinds of failure. The exit codes of the command line (and, in the bindings, statuses and
/// exceptions) follow from this list alone, by [`ErrorKind::exit_code`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operation was stopped on request. Nothing needs to be done.
    Cancelled,
    /// An inference run failed inside ONNX Runtime. Report it with the message.
    Inference,
    /// A bug in this library. Report it with the message.
    Internal,
    /// An argument is outside its domain. Correct the call; the message names the domain.
    InvalidArgument,
    /// The file is not an avatar, or a damaged one. Get a fresh copy or make it again.
    InvalidAvatar,
    /// The call does not fit what was called before. The message names the call that is missing.
    InvalidState,
    /// The system could not read or write. The source holds the system's own error.
    Io,
    /// Something is larger than this library accepts. The message names the limit.
    LimitExceeded,
    /// A file, member or motion of that name does not exist. Check the name.
    NotFound,
    /// No execution provider that was allowed can run this avatar. Allow `cpu`, or see the message.
    ProviderUnavailable,
    /// ONNX Runtime could not be loaded, and the provider needs it. Install it or point to it as the
    /// message says, or ask for `builtin`.
    RuntimeMissing,
    /// The data is of a kind this library does not read. Convert it.
    UnsupportedFormat,
    /// The file needs a newer (or a much older) version of this library.
    UnsupportedVersion,
}

impl ErrorKind {
    /// Every kind, for tables and tests.
    pub const ALL: [Self; 13] = [
        Self::Cancelled,
        Self::Inference,
        Self::Internal,
        Self::InvalidArgument,
        Self::InvalidAvatar,
        Self::InvalidState,
        Self::Io,
        Self::LimitExceeded,
        Self::NotFound,
        Self::ProviderUnavailable,
        Self::RuntimeMissing,
        Self::UnsupportedFormat,
        Self::UnsupportedVersion,
    ];

    /// The exit code a command line program ends with after an error of this kind (after BSD's
    /// `sysexits`: 2 usage, 66 no input, 69 unavailable, 70 software, 130 interrupted).
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Cancelled => 130,
            Self::Inference | Self::Internal => 70,
            Self::InvalidArgument => 2,
            Self::InvalidAvatar
            | Self::NotFound
            | Self::UnsupportedFormat
            | Self::UnsupportedVersion => 66,
            Self::InvalidState | Self::Io | Self::LimitExceeded => 1,
            Self::ProviderUnavailable | Self::RuntimeMissing => 69,
        }
    }
}

impl Error {
    /// An error of `kind`; `message` names what is wrong and what to do.
    #[cold]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            source: None,
        }))
    }

    /// The same error with the cause underneath it.
    #[cold]
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message alone, without its cause.
    pub fn message(&self) -> &str {
        &self.0.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match &self.0.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|e| e as _)
    }
}
