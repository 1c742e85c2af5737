//! How calls end: one status for every kind of error.

use engine::ErrorKind;

use crate::constants::constants;

constants! {
    /// How a call ended: 0 is success, negative values are errors, positive ones news that is no
    /// error. Values are grouped in hundreds and never change; new ones may come.
    essence_status: i32 {
        /// Done.
        ESSENCE_OK = 0,
        /// No frame now: push more audio or flush; in real time, the next one is not due yet.
        ESSENCE_AGAIN = 1,
        /// Nothing more will come: the end of a file.
        ESSENCE_END = 2,
        /// Every utterance is complete: the next audio begins another. Only in sessions that were
        /// created with `report_done`; others give AGAIN. Since ABI 1.4.
        ESSENCE_DONE = 3,
        /// An argument is outside its domain. Correct the call; the message names the domain.
        ESSENCE_ERR_INVALID_ARGUMENT = -100,
        /// The call does not fit what was called before. The message names the call that is missing.
        ESSENCE_ERR_INVALID_STATE = -101,
        /// Something is larger than this library accepts. The message names the limit.
        ESSENCE_ERR_LIMIT_EXCEEDED = -102,
        /// The operation was stopped on request. Nothing needs to be done.
        ESSENCE_ERR_CANCELLED = -103,
        /// A file, member or motion of that name does not exist. Check the name.
        ESSENCE_ERR_NOT_FOUND = -200,
        /// The system could not read or write. The message holds the system's own words.
        ESSENCE_ERR_IO = -201,
        /// The file is not an avatar, or a damaged one. Get a fresh copy or make it again.
        ESSENCE_ERR_INVALID_AVATAR = -202,
        /// The data is of a kind this library does not read. Convert it.
        ESSENCE_ERR_UNSUPPORTED_FORMAT = -203,
        /// The file, or a struct of the caller's, needs a newer (or a much older) version of this
        /// library.
        ESSENCE_ERR_UNSUPPORTED_VERSION = -204,
        /// ONNX Runtime could not be loaded, and the provider needs it. Install it or point to it as the
        /// message says, or ask for #ESSENCE_PROVIDER_BUILTIN.
        ESSENCE_ERR_RUNTIME_MISSING = -300,
        /// No execution provider that was allowed can run this avatar. Allow the CPU, or see the
        /// message.
        ESSENCE_ERR_PROVIDER_UNAVAILABLE = -301,
        /// A run of a network failed. Report it with the message.
        ESSENCE_ERR_INFERENCE = -302,
        /// A bug in this library. Report it with the message. Handles that took part can only be
        /// destroyed from then on.
        ESSENCE_ERR_INTERNAL = -900,
    }
}

/// The status of each kind of error, and its name.
pub(crate) const TABLE: [(ErrorKind, essence_status, &std::ffi::CStr); 13] = [
    (ErrorKind::Cancelled, ESSENCE_ERR_CANCELLED, c"cancelled"),
    (ErrorKind::Inference, ESSENCE_ERR_INFERENCE, c"inference"),
    (ErrorKind::Internal, ESSENCE_ERR_INTERNAL, c"internal"),
    (
        ErrorKind::InvalidArgument,
        ESSENCE_ERR_INVALID_ARGUMENT,
        c"invalid_argument",
    ),
    (
        ErrorKind::InvalidAvatar,
        ESSENCE_ERR_INVALID_AVATAR,
        c"invalid_avatar",
    ),
    (
        ErrorKind::InvalidState,
        ESSENCE_ERR_INVALID_STATE,
        c"invalid_state",
    ),
    (ErrorKind::Io, ESSENCE_ERR_IO, c"io"),
    (
        ErrorKind::LimitExceeded,
        ESSENCE_ERR_LIMIT_EXCEEDED,
        c"limit_exceeded",
    ),
    (ErrorKind::NotFound, ESSENCE_ERR_NOT_FOUND, c"not_found"),
    (
        ErrorKind::ProviderUnavailable,
        ESSENCE_ERR_PROVIDER_UNAVAILABLE,
        c"provider_unavailable",
    ),
    (
        ErrorKind::RuntimeMissing,
        ESSENCE_ERR_RUNTIME_MISSING,
        c"runtime_missing",
    ),
    (
        ErrorKind::UnsupportedFormat,
        ESSENCE_ERR_UNSUPPORTED_FORMAT,
        c"unsupported_format",
    ),
    (
        ErrorKind::UnsupportedVersion,
        ESSENCE_ERR_UNSUPPORTED_VERSION,
        c"unsupported_version",
    ),
];

/// The status of an error of `kind`. A kind that the table lacks counts as a bug; a test sees to it
/// that there is none.
pub(crate) fn status_of(kind: ErrorKind) -> essence_status {
    TABLE
        .iter()
        .find(|row| row.0 == kind)
        .map_or(ESSENCE_ERR_INTERNAL, |row| row.1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_has_a_status_of_its_own() {
        let kinds: BTreeSet<_> = ErrorKind::ALL.into_iter().map(status_of).collect();
        assert_eq!(kinds.len(), ErrorKind::ALL.len(), "no two kinds share one");
        assert!(
            kinds.iter().all(|&status| status <= -100),
            "errors are negative"
        );
        for kind in ErrorKind::ALL {
            assert!(
                TABLE.iter().any(|row| row.0 == kind),
                "{kind:?} is in the table"
            );
        }
    }
}
