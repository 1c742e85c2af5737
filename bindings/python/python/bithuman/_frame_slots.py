"""Slots for the frames that one call of the library draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import _abi
from ._abi import call, sized
from ._library import ffi, lib

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Reads the fields of an info that a frame of Python's is made of.
read = _abi.reader(
    "essence_frame_info",
    *("flags", "index", "base_frame", "skipped", "audio_rate_hz"),
    *("audio_i16", "audio_samples", "arkit", "arkit_count", "interruptions"),
    *("tag", "gesture_started", "gesture_ended"),
)


class FrameSlots:
    """Slots as the library takes them: arrays of pointers, and the structs that these point to.

    Attributes:
        frames: ``essence_frame *[]``, given back by :meth:`destroy`.
        pictures: ``essence_picture *[]``.
        infos: ``essence_frame_info *[]``.
        drawn: Number of frames that a call has drawn.
        error: The error of a call.
        slots: The slots one by one.
        info_bytes: All infos as bytes.
    """

    __slots__ = ("_memory", "drawn", "error", "frames", "info_bytes", "infos", "pictures", "slots")

    def __init__(self, session_info: Any, count: int) -> None:
        pictures = ffi.new("essence_picture[]", count)
        infos = ffi.new("essence_frame_info[]", count)
        self._memory = (pictures, infos)
        self.frames = ffi.new("essence_frame *[]", count)
        self.pictures = ffi.new("essence_picture *[]", count)
        self.infos = ffi.new("essence_frame_info *[]", count)
        self.info_bytes = ffi.buffer(infos)
        self.drawn = ffi.new("size_t *")
        self.error = sized("essence_error")
        for i in range(count):
            call(lib.essence_frame_create, self.frames + i)
            self.pictures[i], self.infos[i] = pictures + i, infos + i
            pictures[i].struct_size = ffi.sizeof(pictures[i])
            infos[i].struct_size = ffi.sizeof(infos[i])
        self.slots = tuple(FrameSlot(session_info, pictures + i, i * ffi.sizeof(infos[0])) for i in range(count))

    def destroy(self) -> None:
        """Destroys the library's frames."""
        for frame in self.frames:
            lib.essence_frame_destroy(frame)


class FrameSlot:
    """A slot for one frame.

    Attributes:
        info_at: Offset of its info in the bytes of all infos.
        audio: Its sound.
        arkit: Its ARKit values.
    """

    __slots__ = ("_chroma", "_planes", "arkit", "audio", "info_at")

    def __init__(self, info: Any, picture: Any, info_at: int) -> None:
        # The planes' offsets are the same in every buffer, so any address tells them.
        begin = ffi.cast("uint8_t *", 1 << 20)
        size = (info.frame_width, info.frame_height)
        call(lib.essence_picture_wrap, info.pixel_format, *size, begin, info.picture_bytes, picture)
        self._planes = picture.planes
        self._chroma = tuple((i, self._planes[i] - begin) for i in (1, 2) if self._planes[i])
        self.info_at = info_at
        self.audio = CachedView(np.int16)
        self.arkit = CachedView(np.float32)

    def draw_into(self, memory: Any) -> None:
        """Has the picture drawn into a buffer."""
        planes = self._planes
        planes[0] = memory
        for plane, offset in self._chroma:
            planes[plane] = memory + offset


class CachedView:
    """A view of an array of the library's, which mostly lies where it lay for the frame before."""

    __slots__ = ("_address", "_count", "_kind", "_numbers")

    def __init__(self, kind: Any) -> None:
        self._kind = np.dtype(kind)
        self._address = self._count = -1
        self._numbers: "NDArray[Any]" = np.empty(0, self._kind)

    def copy(self, address: int, count: int) -> "NDArray[Any]":
        """A copy of ``count`` numbers at an address."""
        if address != self._address or count != self._count:
            memory = ffi.buffer(ffi.cast("char *", address), count * self._kind.itemsize)
            self._numbers = np.frombuffer(memory, self._kind)
            self._address, self._count = address, count
        return self._numbers.copy()
