"""Real-time talking avatars on your own machine: speech in, lip-synced pictures out, 25 a second.

Three ways in, from the shortest:

- :func:`open` an avatar and :meth:`~Avatar.render` speech to pictures or an MP4 file,
- :meth:`Bithuman.load` an avatar and :meth:`~Bithuman.compose` frames with their sound,
- :meth:`AsyncBithuman.create` a conversation in real time: push audio as it comes, draw frames from
  :meth:`~AsyncBithuman.run`.
"""

from __future__ import annotations

from . import _distribution  # noqa: F401  (before anything of another distribution's could be mixed in)
from ._abi import VERSION as __version__
from ._engine import AvatarInfo, Engine, ProviderReport
from ._session import HostClock, ManualClock, Statistics
from .asynchronous import AsyncBithuman, FrameStream
from .driving import Curves, Visemes
from .exceptions import (
    AccountStatusError,
    AudioNotFoundError,
    AvatarError,
    BithumanError,
    Cancelled,
    ExecutionProviderRefused,
    Failed,
    InferenceError,
    InternalError,
    InvalidArgument,
    InvalidAvatar,
    InvalidType,
    IoError,
    LimitExceeded,
    ModelError,
    ModelLoadError,
    ModelNotFoundError,
    ModelSecurityError,
    NotAuthorised,
    NotSupported,
    RuntimeMissing,
    RuntimeNotReadyError,
    TokenError,
    TokenExpiredError,
    TokenRequestError,
    TokenValidationError,
    UnknownAction,
    UnsupportedFormat,
    UnsupportedVersion,
)
from .frames import AudioChunk, ComposedFrame, VideoControl, VideoFrame
from .offline import Avatar, Bithuman, Rendered, open
from .settings import Settings

__all__ = [
    "AccountStatusError",
    "AsyncBithuman",
    "AudioNotFoundError",
    "AudioChunk",
    "Avatar",
    "AvatarError",
    "AvatarInfo",
    "Bithuman",
    "BithumanError",
    "Cancelled",
    "ComposedFrame",
    "Curves",
    "Engine",
    "ExecutionProviderRefused",
    "Failed",
    "FrameStream",
    "HostClock",
    "InferenceError",
    "InternalError",
    "InvalidArgument",
    "InvalidAvatar",
    "InvalidType",
    "IoError",
    "LimitExceeded",
    "ManualClock",
    "ModelError",
    "ModelLoadError",
    "ModelNotFoundError",
    "ModelSecurityError",
    "NotAuthorised",
    "NotSupported",
    "ProviderReport",
    "Rendered",
    "RuntimeMissing",
    "RuntimeNotReadyError",
    "Settings",
    "Statistics",
    "TokenError",
    "TokenExpiredError",
    "TokenRequestError",
    "TokenValidationError",
    "UnknownAction",
    "UnsupportedFormat",
    "UnsupportedVersion",
    "VideoControl",
    "VideoFrame",
    "Visemes",
    "__version__",
    "open",
]
