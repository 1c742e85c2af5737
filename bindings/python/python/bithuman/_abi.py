"""The C interface: calls that raise, handles that close, and nothing else.

Calls release the interpreter's lock: cffi does so around every function of the library.
"""

from __future__ import annotations

import os
import struct
import threading
from typing import Any, Callable, NoReturn, Optional

from . import exceptions
from ._library import ffi, lib
from .exceptions import BithumanError, InternalError, InvalidArgument, RuntimeNotReadyError

#: Set in a child process that was forked after the library had been used.
_forked = False
_used = False


def text(pointer: Any) -> str:
    """A C string."""
    if pointer == ffi.NULL:
        return ""
    value: bytes = ffi.string(pointer)
    return value.decode("utf-8", "replace")


def texts(pointers: Any, count: int) -> "tuple[str, ...]":
    """An array of C strings."""
    return tuple(text(pointers[i]) for i in range(count))


def path_bytes(path: "str | bytes | os.PathLike[Any]") -> bytes:
    """A path as the library reads it: UTF-8."""
    name = os.fsdecode(path)
    try:
        encoded = name.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidArgument(f"the path {name!r} is not UTF-8; rename the file") from None
    if b"\0" in encoded:
        raise InvalidArgument(f"the path {name!r} contains a NUL")
    return encoded


def call(function: Callable[..., int], *arguments: Any) -> int:
    """Calls a function that reports a status and raises what it reports; gives statuses that are no error."""
    check_fork()
    error = sized("essence_error")
    status = function(*arguments, error)
    if status < 0:
        raise exception(status, text(error.message))
    return status


def exception(status: int, message: str) -> BithumanError:
    """The exception for an error's status."""
    kind = text(lib.essence_status_name(status))
    return exceptions.BY_KIND.get(kind, InternalError)(message or kind)


def options(kind: str, init: Callable[..., int]) -> Any:
    """A struct of settings with the library's defaults."""
    settings = ffi.new(f"{kind} *")
    call(init, settings, ffi.sizeof(settings[0]))
    return settings


def sized(kind: str) -> Any:
    """A struct for the library to fill."""
    room = ffi.new(f"{kind} *")
    room.struct_size = ffi.sizeof(room[0])
    return room


def reader(kind: str, *fields: str) -> Callable[[Any, int], "tuple[int, ...]"]:
    """What reads fields of a struct at once, in their order: integers, and pointers as integers. It is told bytes, and where in
    them the struct begins.
    """
    layout, at = "=", 0
    members = dict(ffi.typeof(kind).fields)
    for name in fields:
        member = members[name]
        size = ffi.sizeof(member.type)
        layout += f"{member.offset - at}x{ {4: 'I', 8: 'Q'}[size] }"
        at = member.offset + size
    return struct.Struct(layout).unpack_from


def check_fork() -> None:
    """Refuses to go on in a child of a process that has used the library.

    Threads and locks of ONNX Runtime do not survive a fork.
    """
    global _used
    if _forked:
        raise RuntimeNotReadyError(
            "this process was forked after its parent had used bithuman, and ONNX Runtime does not survive a fork; start "
            "workers before the first avatar is opened, or with multiprocessing's `spawn` or `forkserver`"
        )
    _used = True


def is_forked() -> bool:
    """Whether this is such a child."""
    return _forked


def _after_fork() -> None:
    global _forked
    _forked = _used


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


#: The version of the library.
VERSION = text(lib.essence_version())


class Unique:
    """What exists once and belongs to its process: it can be neither copied nor pickled."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} can be neither copied nor pickled, since it belongs to this process; open the avatar again "
            "where it is needed"
        )


class Handle(Unique):
    """A pointer to one of the library's objects, destroyed when the last user is done with it.

    ``with handle as pointer:`` borrows it for a call; :meth:`close` may come meanwhile, from any thread.
    """

    __slots__ = ("_calls", "_closed", "_destroy", "_lock", "_name", "_pointer")

    def __init__(self, pointer: Any, destroy: Callable[[Any], Any], name: str) -> None:
        self._pointer: Optional[Any] = pointer
        self._destroy = destroy
        self._name = name
        self._calls = 0
        self._closed = False
        self._lock = threading.Lock()

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._closed

    def __enter__(self) -> Any:
        check_fork()
        with self._lock:
            if self._closed:
                raise RuntimeNotReadyError(f"this {self._name} is closed")
            self._calls += 1
            return self._pointer

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._calls -= 1
            last = self._closed and self._calls == 0
        if last:
            self._free()

    def close(self) -> None:
        """Destroys the object, or has the call that is under way destroy it at its end."""
        if _forked:
            # The object belongs to the parent.
            return
        with self._lock:
            if self._closed:
                return
            self._closed = True
            last = self._calls == 0
        if last:
            self._free()

    def _free(self) -> None:
        pointer, self._pointer = self._pointer, None
        self._destroy(pointer)

    def __del__(self) -> None:
        # Not there where the constructor has failed.
        if hasattr(self, "_lock"):
            self.close()
