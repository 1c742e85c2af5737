"""What can go wrong: one class for each kind of failure, every one a :class:`BithumanError`.

``code`` is a stable word for programs, the message says what is wrong and what to do. The classes also have
the bases that Python programs expect: a missing avatar is a :class:`FileNotFoundError`, an argument
outside its domain a :class:`ValueError`.
"""

from __future__ import annotations

from typing import Optional

__all__ = [
    "AccountStatusError",
    "AudioNotFoundError",
    "AvatarError",
    "BithumanError",
    "Cancelled",
    "ExecutionProviderRefused",
    "Failed",
    "InferenceError",
    "InternalError",
    "InvalidArgument",
    "InvalidAvatar",
    "InvalidType",
    "IoError",
    "LimitExceeded",
    "ModelError",
    "ModelLoadError",
    "ModelNotFoundError",
    "ModelSecurityError",
    "NotAuthorised",
    "NotSupported",
    "RuntimeMissing",
    "RuntimeNotReadyError",
    "TokenError",
    "TokenExpiredError",
    "TokenRequestError",
    "TokenValidationError",
    "UnknownAction",
    "UnsupportedFormat",
    "UnsupportedVersion",
]


class BithumanError(Exception):
    """Base of everything that this package raises."""

    #: Stable word for programs.
    code = "failed"

    def __init__(self, message: str = "", *, code: Optional[str] = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        # OSError, a base of some, would print its errno.
        return str(self.args[0]) if self.args else ""


class AvatarError(BithumanError):
    """Base of the errors of :func:`bithuman.open` and :meth:`bithuman.Avatar.render`."""


class InvalidAvatar(AvatarError):
    """The file is not an avatar that can be used. Get a fresh copy, or make it again."""

    code = "model_error"


class NotSupported(AvatarError):
    """What was asked for does not exist here. The message says what does."""

    code = "not_supported"


class NotAuthorised(AvatarError):
    """Never raised: nothing here needs a permission. Kept for programs that name it."""

    code = "not_authorised"


class Failed(AvatarError):
    """Something failed while working."""


class ModelError(InvalidAvatar):
    """Base of the errors about an avatar's file."""


class ModelNotFoundError(ModelError, FileNotFoundError):
    """There is no such avatar. Check the path."""

    code = "model_not_found"


class ModelLoadError(ModelError):
    """The file is not an avatar, or a damaged one. Get a fresh copy or make it again."""

    code = "model_load_failed"


class ModelSecurityError(ModelError):
    """Never raised: avatars are not encrypted here. Kept for programs that name it."""

    code = "model_security_error"


class UnsupportedVersion(ModelLoadError, NotSupported):
    """The file needs a newer (or a much older) version of this library."""

    code = "model_version_unsupported"


class UnsupportedFormat(NotSupported):
    """The data is of a kind that this library does not read. Convert it."""

    code = "unsupported_format"


class UnknownAction(NotSupported, LookupError):
    """The avatar has no motion of that name. The message lists those that it has."""

    code = "unknown_action"


class ExecutionProviderRefused(NotSupported):
    """The execution provider that was asked for can't run this avatar. Allow ``cpu``, or see the message."""

    code = "execution_provider_refused"


class RuntimeMissing(NotSupported):
    """ONNX Runtime could not be loaded. Install ``onnxruntime``, or point to its library."""

    code = "runtime_missing"


class RuntimeNotReadyError(Failed, RuntimeError):
    """The call does not fit what was called before: the object is closed, say, or the process was forked."""

    code = "runtime_not_ready"


class Cancelled(Failed):
    """The operation was stopped on request."""

    code = "cancelled"


class InferenceError(Failed):
    """ONNX Runtime failed while running a network. Report it with the message."""

    code = "inference_failed"


class InternalError(Failed):
    """A bug in this library. Report it with the message."""

    code = "internal_error"


class InvalidArgument(Failed, ValueError):
    """An argument is outside its domain. Correct the call; the message names the domain."""

    code = "invalid_argument"


class InvalidType(InvalidArgument, TypeError):
    """An argument is of a type that is not taken. The message names the types that are."""


class AudioNotFoundError(Failed, FileNotFoundError):
    """There is no such audio file. Check the path."""

    code = "audio_not_found"


class IoError(Failed, OSError):
    """The system could not read or write."""

    code = "io_error"


class LimitExceeded(Failed):
    """Something is larger than this library accepts. The message names the limit."""

    code = "limit_exceeded"


class TokenError(NotAuthorised):
    """Never raised, like its subclasses: there are no tokens here. Kept for programs that name them."""

    code = "token_error"


class TokenExpiredError(TokenError):
    """Never raised."""

    code = "token_expired"


class TokenValidationError(TokenError):
    """Never raised."""

    code = "token_validation_failed"


class TokenRequestError(TokenError):
    """Never raised."""

    code = "token_request_failed"


class AccountStatusError(NotAuthorised):
    """Never raised: there are no accounts here."""

    code = "account_status_invalid"


#: The exception for each kind of failure of the library's, by the name that the library gives the kind.
BY_KIND: "dict[str, type[BithumanError]]" = {
    "cancelled": Cancelled,
    "inference": InferenceError,
    "internal": InternalError,
    "invalid_argument": InvalidArgument,
    "invalid_avatar": ModelLoadError,
    "invalid_state": RuntimeNotReadyError,
    "io": IoError,
    "limit_exceeded": LimitExceeded,
    "not_found": ModelNotFoundError,
    "provider_unavailable": ExecutionProviderRefused,
    "runtime_missing": RuntimeMissing,
    "unsupported_format": UnsupportedFormat,
    "unsupported_version": UnsupportedVersion,
}


def exit_code(error: BaseException) -> int:
    """The exit code of a command that ends with ``error``, as the command line has it (after BSD's ``sysexits``)."""
    from ._library import lib

    if isinstance(error, FileNotFoundError):
        return int(lib.essence_status_exit_code(lib.ESSENCE_ERR_NOT_FOUND))
    for kind, exception in BY_KIND.items():
        if isinstance(error, exception):
            return int(lib.essence_status_exit_code(getattr(lib, f"ESSENCE_ERR_{kind.upper()}")))
    return 1
