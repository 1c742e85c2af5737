"""Memory for pictures, used again once nobody looks at it any more."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Callable, Deque, Tuple

import numpy as np

from ._library import ffi

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Pictures whose memory is kept at most: one is looked at while the next is drawn, and some may wait.
KEPT = 4

_uncleared: "Callable[[str, int], Any]" = ffi.new_allocator(should_clear_after_alloc=False)


class Pictures:
    """Where a conversation's pictures are drawn. Any thread may call anything.

    A picture belongs to the array that shows it, and to all of its views. When the last of them is gone, wherever that happens,
    its memory comes back here for a picture to come, so a picture that somebody keeps is never written to. What is here is gone
    with the conversation and its last picture.
    """

    __slots__ = ("_bytes", "_free", "_give", "_shape")

    def __init__(self, shape: Tuple[int, ...], picture_bytes: int) -> None:
        self._shape = shape
        self._bytes = picture_bytes
        self._free: Deque[Any] = deque(maxlen=KEPT)
        # Not of this package's own code, since it may run at any time: while a thread is interrupted, or a process ends.
        self._give = self._free.append

    def take(self) -> Any:
        """Memory for a picture: what came back last, which is warm, or new."""
        try:
            return self._free.pop()
        except IndexError:
            return _uncleared("uint8_t[]", self._bytes)

    def show(self, memory: Any) -> "NDArray[np.uint8]":
        """What was drawn there, as an array that gives the memory back at its end."""
        return np.ndarray(self._shape, np.uint8, ffi.buffer(ffi.gc(memory, self._give), self._bytes))

    def give(self, memory: Any) -> None:
        """Takes back what was not used."""
        self._give(memory)

    def close(self) -> None:
        """Gives up what is kept."""
        self._free.clear()
