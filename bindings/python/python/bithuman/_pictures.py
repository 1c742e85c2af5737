"""Memory for pictures, used again once nobody looks at it any more."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any, Callable, List, NamedTuple, Tuple

import numpy as np

from ._library import ffi

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Pictures begin where a line of the processor's cache does.
_LINE = 64

#: Only where references are counted is it known when nobody looks at a picture any more.
_COUNTED = sys.implementation.name == "cpython"
_references: "Callable[[object], int]" = sys.getrefcount if _COUNTED else id


class Room(NamedTuple):
    """Memory for a picture.

    Attributes:
        memory: The array that the memory belongs to. All arrays that show the picture refer to it.
        image: The picture. Others get views of it.
        pointer: The same as the library takes it.
    """

    memory: "NDArray[np.uint8]"
    image: "NDArray[np.uint8]"
    pointer: Any


class Pictures:
    """Where a conversation's pictures are drawn. For one thread at a time.

    Every array that shows a picture, every view of one, and whatever else looks at the memory refers to the array that it belongs
    to. Where none does, nobody looks at the picture any more, and its memory can be used again, that of up to ``kept`` pictures. What
    somebody keeps is never written to. What is here is gone with the conversation.
    """

    __slots__ = ("_alone", "_kept", "_oldest", "_rooms", "_shape")

    def __init__(self, shape: Tuple[int, ...], kept: int) -> None:
        self._shape = shape
        self._kept = kept
        self._rooms: "List[Room]" = []
        self._oldest = 0
        # How many references are counted where nobody else has any.
        self._alone = 0
        self._new()
        for room in self._rooms:
            self._alone = _references(room[0])
        self._rooms.clear()

    def take(self) -> Room:
        """Room that nobody looks at."""
        for room in self._rooms:
            if _references(room[0]) == self._alone:
                return room
        return self._new()

    def close(self) -> None:
        """Gives up what is kept."""
        self._rooms.clear()

    def _new(self) -> Room:
        size = math.prod(self._shape)
        memory = np.empty(size + _LINE, np.uint8)
        begin = -memory.ctypes.data % _LINE
        image = memory[begin : begin + size].reshape(self._shape)
        room = Room(memory, image, ffi.from_buffer("uint8_t[]", image, require_writable=True))
        if _COUNTED and len(self._rooms) < self._kept:
            self._rooms.append(room)
        elif _COUNTED:
            # What is looked at for long makes way for what comes and goes.
            self._rooms[self._oldest] = room
            self._oldest = (self._oldest + 1) % self._kept
        return room
