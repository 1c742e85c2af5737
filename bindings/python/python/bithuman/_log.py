"""The engine's messages as Python's: the logger is ``bithuman``."""

from __future__ import annotations

import atexit
import logging
import weakref
from typing import Any, Protocol

from . import _abi
from ._abi import Handle, call
from ._library import ffi, lib

logger = logging.getLogger("bithuman")
# Programs that set up no logging are told by exceptions alone.
logger.addHandler(logging.NullHandler())

#: Below DEBUG: a message for every frame.
TRACE = 5
if logging.getLevelName(TRACE) == f"Level {TRACE}":
    logging.addLevelName(TRACE, "TRACE")

_LEVELS = (
    (TRACE, lib.ESSENCE_LOG_LEVEL_TRACE),
    (logging.DEBUG, lib.ESSENCE_LOG_LEVEL_DEBUG),
    (logging.INFO, lib.ESSENCE_LOG_LEVEL_INFO),
    (logging.WARNING, lib.ESSENCE_LOG_LEVEL_WARN),
    (logging.ERROR, lib.ESSENCE_LOG_LEVEL_ERROR),
)
_PYTHON = {theirs: ours for ours, theirs in _LEVELS}


class Logging(Protocol):
    """An engine as far as its log goes."""

    handle: Handle
    log_level: int

    def __hash__(self) -> int: ...


_engines: "weakref.WeakSet[Logging]" = weakref.WeakSet()


@ffi.callback("essence_log_fn")  # type: ignore[untyped-decorator]
def _write(user_data: Any, level: int, message: Any, length: int) -> None:
    logger.log(_PYTHON.get(level, logging.ERROR), "%s", ffi.unpack(message, length).decode("utf-8", "replace"))


def attach(options: Any) -> int:
    """Has an engine to be made write to the logger; gives the level."""
    options.log = _write
    options.log_level = _level()
    return int(options.log_level)


def follow(engine: Logging) -> None:
    """Has an engine write what the logger takes now. A message that isn't taken is not even made."""
    _engines.add(engine)
    level = _level()
    if level != engine.log_level:
        with engine.handle as pointer:
            call(lib.essence_engine_set_log_level, pointer, level)
        engine.log_level = level


def _level() -> int:
    if not logger.isEnabledFor(logging.CRITICAL):
        return int(lib.ESSENCE_LOG_LEVEL_OFF)
    for ours, theirs in _LEVELS:
        if logger.isEnabledFor(ours):
            return int(theirs)
    return int(lib.ESSENCE_LOG_LEVEL_OFF)


def _silence() -> None:
    """Before the interpreter ends: an engine's thread that writes a message must not wait for it then."""
    if _abi.is_forked():
        return
    for engine in tuple(_engines):
        if not engine.handle.closed:
            with engine.handle as pointer:
                call(lib.essence_engine_set_log_level, pointer, lib.ESSENCE_LOG_LEVEL_OFF)


atexit.register(_silence)
