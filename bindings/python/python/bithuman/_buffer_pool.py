"""A pool of buffers for pictures, used again once nothing refers to them any more."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any, Callable, List, NamedTuple, Tuple

import numpy as np

from ._library import ffi

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Pictures are aligned to a line of the processor's cache.
_CACHE_LINE = 64

#: Only CPython counts references, which tell when a buffer is free.
_COUNTED = sys.implementation.name == "cpython"
_references: "Callable[[object], int]" = sys.getrefcount if _COUNTED else id


class Buffer(NamedTuple):
    """Memory for a picture.

    Attributes:
        memory: The array that owns the memory. All arrays that show the picture refer to it.
        image: The picture. Callers get views of it.
        pointer: The picture as the library takes it.
    """

    memory: "NDArray[np.uint8]"
    image: "NDArray[np.uint8]"
    pointer: Any


class BufferPool:
    """A conversation's buffers. For one thread at a time.

    Every array that shows a picture, every view of one and every memoryview refers to the array that owns the memory. A buffer whose
    owner has no other reference is free and is drawn into again; the pool holds up to ``capacity`` buffers. A picture that is kept is
    never written to. The pool's buffers are gone with the conversation.
    """

    __slots__ = ("_buffers", "_capacity", "_free", "_oldest", "_shape")

    def __init__(self, shape: Tuple[int, ...], capacity: int) -> None:
        self._shape = shape
        self._capacity = capacity
        self._buffers: "List[Buffer]" = []
        self._oldest = 0
        # The count of references of a buffer that is free.
        self._free = 0
        self._new()
        for buffer in self._buffers:
            self._free = _references(buffer[0])
        self._buffers.clear()

    def take(self) -> Buffer:
        """A free buffer."""
        for buffer in self._buffers:
            if _references(buffer[0]) == self._free:
                return buffer
        return self._new()

    def close(self) -> None:
        """Drops the pool's buffers."""
        self._buffers.clear()

    def _new(self) -> Buffer:
        size = math.prod(self._shape)
        memory = np.empty(size + _CACHE_LINE, np.uint8)
        begin = -memory.ctypes.data % _CACHE_LINE
        image = memory[begin : begin + size].reshape(self._shape)
        buffer = Buffer(memory, image, ffi.from_buffer("uint8_t[]", image, require_writable=True))
        if _COUNTED and len(self._buffers) < self._capacity:
            self._buffers.append(buffer)
        elif _COUNTED:
            # A buffer that is kept for long leaves the pool.
            self._buffers[self._oldest] = buffer
            self._oldest = (self._oldest + 1) % self._capacity
        return buffer
