"""Room for the frames that one call of the library draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import _abi
from ._abi import call, sized
from ._library import ffi, lib

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: What is read of a frame.
read = _abi.reader(
    "essence_frame_info",
    *("flags", "index", "base_frame", "skipped", "audio_rate_hz"),
    *("audio_i16", "audio_samples", "arkit", "arkit_count", "interruptions"),
)


class Places:
    """As the library takes them: arrays of pointers, and what these point to.

    Attributes:
        frames: ``essence_frame *[]``, for :meth:`destroy`.
        pictures: ``essence_picture *[]``.
        infos: ``essence_frame_info *[]``.
        drawn: Where the library says how many frames it has drawn.
        error: Where it says what went wrong.
        places: The same one by one.
        info_bytes: All infos.
    """

    __slots__ = ("_memory", "drawn", "error", "frames", "info_bytes", "infos", "pictures", "places")

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
        self.places = tuple(Place(session_info, pictures + i, i * ffi.sizeof(infos[0])) for i in range(count))

    def destroy(self) -> None:
        """Gives the library's part back."""
        for frame in self.frames:
            lib.essence_frame_destroy(frame)


class Place:
    """Room for one frame.

    Attributes:
        info_at: Where in the bytes of all infos its own begins.
        audio: Its sound.
        arkit: Its mouth.
    """

    __slots__ = ("_chroma", "_planes", "arkit", "audio", "info_at")

    def __init__(self, info: Any, picture: Any, info_at: int) -> None:
        # Where a picture's memory will be, its planes lie as here.
        begin = ffi.cast("uint8_t *", 1 << 20)
        size = (info.frame_width, info.frame_height)
        call(lib.essence_picture_wrap, info.pixel_format, *size, begin, info.picture_bytes, picture)
        self._planes = picture.planes
        self._chroma = tuple((i, self._planes[i] - begin) for i in (1, 2) if self._planes[i])
        self.info_at = info_at
        self.audio = Window(np.int16)
        self.arkit = Window(np.float32)

    def lead_to(self, memory: Any) -> None:
        """Has the picture drawn there."""
        planes = self._planes
        planes[0] = memory
        for plane, offset in self._chroma:
            planes[plane] = memory + offset


class Window:
    """Numbers of the library's, mostly where they were for the frame before."""

    __slots__ = ("_address", "_count", "_kind", "_numbers")

    def __init__(self, kind: Any) -> None:
        self._kind = np.dtype(kind)
        self._address = self._count = -1
        self._numbers: "NDArray[Any]" = np.empty(0, self._kind)

    def copy(self, address: int, count: int) -> "NDArray[Any]":
        """So many at an address."""
        if address != self._address or count != self._count:
            memory = ffi.buffer(ffi.cast("char *", address), count * self._kind.itemsize)
            self._numbers = np.frombuffer(memory, self._kind)
            self._address, self._count = address, count
        return self._numbers.copy()
