"""One conversation, as the C interface has it, with frames as Python has them."""

from __future__ import annotations

import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any, Dict, Optional, Protocol, Tuple, Union

import numpy as np

from . import _abi
from ._abi import Handle, call, sized
from ._library import ffi, lib
from .exceptions import InvalidArgument, ModelNotFoundError, RuntimeNotReadyError, UnknownAction
from .frames import AudioChunk, VideoFrame, channels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._engine import AvatarFile

_FORMATS: "Dict[str, int]" = {
    name: getattr(lib, f"ESSENCE_PIXEL_FORMAT_{constant}")
    for name, constant in (
        ("bgr", "BGR8"),
        ("rgb", "RGB8"),
        ("bgra", "BGRA8"),
        ("rgba", "RGBA8"),
        ("i420", "I420"),
        ("nv12", "NV12"),
    )
}
_PACINGS: "Dict[str, int]" = {"realtime": lib.ESSENCE_PACING_REALTIME, "unpaced": lib.ESSENCE_PACING_UNPACED}

#: A size of pictures: both sides, or the longer one.
Size = Union[int, Tuple[int, int], None]


class ManualClock:
    """A clock that stands still until it is advanced, for tests: conversations on it never wait for real time."""

    def __init__(self) -> None:
        out = ffi.new("essence_clock **")
        call(lib.essence_clock_create, out)
        self._handle = Handle(out[0], lib.essence_clock_destroy, "clock")
        self._listeners: "weakref.WeakSet[Listener]" = weakref.WeakSet()

    def advance(self, seconds: float) -> None:
        """Moves the clock forward. Whoever waits for the time to come goes on."""
        with self._handle as pointer:
            call(lib.essence_clock_advance, pointer, round(seconds * 1e9))
        for listener in tuple(self._listeners):
            listener._wake()


class Listener(Protocol):
    """Who is told when a clock has moved."""

    def _wake(self) -> None: ...

    def __hash__(self) -> int: ...


class Session:
    """A conversation with an avatar. Any thread may call anything at any time."""

    def __init__(
        self,
        avatar: "AvatarFile",
        *,
        pacing: str = "realtime",
        pixel_format: str = "bgr",
        size: Size = None,
        letterbox: Tuple[int, int, int] = (0, 0, 0),
        clock: Optional[ManualClock] = None,
    ) -> None:
        options = _abi.options("essence_session_options", lib.essence_session_options_init)
        options.pacing = _choice("pacing", pacing, _PACINGS)
        options.pixel_format = _choice("pixel format", pixel_format, _FORMATS)
        options.width, options.height = _resolve(size, avatar)
        red, green, blue = letterbox
        if not all(0 <= value <= 255 for value in letterbox):
            raise InvalidArgument(f"a colour is three values from 0 to 255, not {letterbox}")
        options.letterbox_rgb = red << 16 | green << 8 | blue
        out = ffi.new("essence_session **")
        with avatar.handle as pointer:
            if clock is None:
                call(lib.essence_session_create, pointer, options, out)
            else:
                with clock._handle as options.clock:
                    call(lib.essence_session_create, pointer, options, out)
        self.handle = Handle(out[0], lib.essence_session_destroy, "conversation")
        info = sized("essence_session_info")
        call(lib.essence_session_describe, out[0], info)
        self.width: int = info.frame_width
        self.height: int = info.frame_height
        self.latency: float = info.latency_ms / 1000
        self.pixel_format = pixel_format
        self._format: int = info.pixel_format
        self._bytes: int = info.picture_bytes
        count = channels(pixel_format)
        self._shape: Tuple[int, ...] = (self.height, self.width, count) if count else (self._bytes,)
        self._arkit_names = avatar.info.arkit_names
        self._motions = avatar.info.motions
        out = ffi.new("essence_frame **")
        call(lib.essence_frame_create, out)
        self.frame = Handle(out[0], lib.essence_frame_destroy, "frame")
        self._info = sized("essence_frame_info")
        self._drawing = threading.Lock()

    def push(self, samples: "NDArray[Any]", sample_rate: int) -> None:
        """Takes samples: int16 or float32, contiguous, mono."""
        if not 0 <= sample_rate <= 0xFFFF_FFFF:
            raise InvalidArgument(f"{sample_rate} Hz; 8000 to 192000 are accepted")
        if samples.dtype == np.int16:
            function, kind = lib.essence_session_push_audio_i16, "int16_t[]"
        else:
            function, kind = lib.essence_session_push_audio_f32, "float[]"
        with self.handle as pointer, ffi.from_buffer(kind, samples) as data:
            call(function, pointer, data, len(samples), sample_rate, 1)

    def flush(self) -> None:
        """Ends the utterance."""
        with self.handle as pointer:
            call(lib.essence_session_flush, pointer)

    def interrupt(self) -> None:
        """Drops queued audio."""
        with self.handle as pointer:
            call(lib.essence_session_interrupt, pointer)

    def restart_clock(self) -> None:
        """Lets the next frame be due when it is asked for: what was missed on purpose is not late."""
        with self.handle as pointer:
            call(lib.essence_session_restart_clock, pointer)

    def cancel(self) -> None:
        """Ends a draw that waits for its time, and all later ones."""
        with self.handle as pointer:
            call(lib.essence_session_cancel, pointer)

    def perform(self, motion: str, again: bool = False) -> None:
        """Plays a motion once, and within an utterance once in all unless ``again``."""
        self._play(lib.essence_session_perform_again if again else lib.essence_session_perform, motion)

    def set_loop(self, motion: Optional[str]) -> None:
        """Plays a motion over and over, or what belongs to silence and speech again."""
        self._play(lib.essence_session_set_loop, motion)

    def _play(self, function: Any, motion: Optional[str]) -> None:
        name = ffi.NULL if motion is None else motion.encode("utf-8", "replace")
        with self.handle as pointer:
            try:
                call(function, pointer, name)
            except ModelNotFoundError as error:
                raise UnknownAction(str(error)) from None

    def draw(self) -> Optional[VideoFrame]:
        """Draws the next frame, into memory of its own. Waits until it is due, or gives None if there is none."""
        image: "NDArray[np.uint8]" = np.empty(self._shape, np.uint8)
        with self._drawing, self.handle as pointer, self.frame as frame, ffi.from_buffer(
            "uint8_t[]", image, require_writable=True
        ) as data:
            picture = sized("essence_picture")
            call(lib.essence_picture_wrap, self._format, self.width, self.height, data, self._bytes, picture)
            info = self._info
            if call(lib.essence_session_next_frame, pointer, frame, picture, info) != lib.ESSENCE_OK:
                return None
            return self._wrap(info, image)

    def _wrap(self, info: Any, image: "NDArray[np.uint8]") -> VideoFrame:
        flags = info.flags
        end_of_speech = bool(flags & lib.ESSENCE_FRAME_END_OF_SPEECH)
        chunk = None
        if info.audio_samples:
            samples = ffi.buffer(info.audio_i16, 2 * info.audio_samples)
            chunk = AudioChunk(np.frombuffer(samples, np.int16).copy(), info.audio_rate_hz, end_of_speech)
        values = None
        if info.arkit_count:
            values = np.frombuffer(ffi.buffer(info.arkit, 4 * info.arkit_count), np.float32).copy()
        return VideoFrame(
            image,
            pixel_format=self.pixel_format,
            width=self.width,
            height=self.height,
            audio_chunk=chunk,
            frame_index=info.index,
            end_of_speech=end_of_speech,
            is_speech=bool(flags & lib.ESSENCE_FRAME_SPEECH),
            is_underrun=bool(flags & lib.ESSENCE_FRAME_UNDERRUN),
            skipped=info.skipped,
            base_frame=info.base_frame,
            arkit=values,
            arkit_names=self._arkit_names,
        )

    def close(self) -> None:
        """Ends the conversation; a draw that is under way ends first, and does not wait for its time any more."""
        if not self.handle.closed:
            try:
                self.cancel()
            except RuntimeNotReadyError:
                # In a child of a fork, where there is nothing to end.
                pass
        self.handle.close()
        self.frame.close()


def _choice(what: str, name: str, table: "Dict[str, int]") -> int:
    try:
        return table[name]
    except (KeyError, TypeError):
        raise InvalidArgument(f"`{name}` is not a {what}; choose one of {', '.join(table)}") from None


def _resolve(size: Size, avatar: "AvatarFile") -> Tuple[int, int]:
    """Both sides in pixels. One alone is the longer side, the other follows from the avatar's proportions."""
    if size is None:
        return (0, 0)
    info = avatar.info
    if isinstance(size, int):
        longer = max(info.width, info.height)
        width, height = (
            size if side == longer else max(16, (side * size + longer) // (2 * longer) * 2)
            for side in (info.width, info.height)
        )
    else:
        width, height = size
    if not (16 <= width <= 8192 and 16 <= height <= 8192):
        raise InvalidArgument(f"pictures of {width}x{height} pixels; each side can have 16 to 8192")
    return (width, height)


assert sys.byteorder == "little", "the package is built for little-endian machines"
