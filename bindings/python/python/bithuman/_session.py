"""One conversation, as the C interface has it, with frames as Python has them."""

from __future__ import annotations

import functools
import math
import sys
import threading
import weakref
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Deque, Dict, List, Optional, Protocol, Sequence, Tuple, TypeVar, Union

import numpy as np

from . import _abi, _arguments, _log
from ._abi import Handle, Unique, call, sized
from ._arguments import Background, Colour, Fit, Size
from ._buffer_pool import BufferPool
from ._engine import EMOTIONS
from ._frame_slots import FrameSlot, FrameSlots, read
from ._library import ffi, lib
from .driving import Viseme
from .exceptions import BithumanError, InvalidArgument, InvalidType, ModelNotFoundError, RuntimeNotReadyError, UnknownAction
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
_FITS: "Dict[str, int]" = {"contain": lib.ESSENCE_FIT_CONTAIN, "cover": lib.ESSENCE_FIT_COVER}
_YUV: "Dict[str, Tuple[int, int]]" = {
    "bt601": (lib.ESSENCE_YUV_MATRIX_BT601, lib.ESSENCE_YUV_RANGE_LIMITED),
    "bt601-full": (lib.ESSENCE_YUV_MATRIX_BT601, lib.ESSENCE_YUV_RANGE_FULL),
    "bt709": (lib.ESSENCE_YUV_MATRIX_BT709, lib.ESSENCE_YUV_RANGE_LIMITED),
    "bt709-full": (lib.ESSENCE_YUV_MATRIX_BT709, lib.ESSENCE_YUV_RANGE_FULL),
}
_VISEME_SETS: "Dict[str, int]" = {
    name: getattr(lib, f"ESSENCE_VISEME_SET_{name.upper()}") for name in ("arpabet", "azure", "espeak", "ipa", "oculus", "polly")
}
_PACINGS: "Dict[str, int]" = {"realtime": lib.ESSENCE_PACING_REALTIME, "unpaced": lib.ESSENCE_PACING_UNPACED}

# Names of the library that every frame needs.
_OK: int = lib.ESSENCE_OK
_SPEECH: int = lib.ESSENCE_FRAME_SPEECH
_END_OF_SPEECH: int = lib.ESSENCE_FRAME_END_OF_SPEECH
_UNDERRUN: int = lib.ESSENCE_FRAME_UNDERRUN
_LATE: int = lib.ESSENCE_FRAME_LATE
_MUTED: int = lib.ESSENCE_FRAME_MUTED
_CONCEALED: int = lib.ESSENCE_FRAME_CONCEALED
_NO_MOTION: int = lib.ESSENCE_NO_MOTION
_next_frames = lib.essence_session_next_frames

_T = TypeVar("_T")

#: Frames that are drawn together at most, and bytes of their pictures: large ones take longer to draw, beside which the rest of a
#: frame is less.
TOGETHER, TOGETHER_BYTES = 12, 10 << 20

#: A frame, or what went wrong instead, with the interruptions before it.
Item = Tuple[int, Union[VideoFrame, BithumanError]]


@dataclass(frozen=True)
class Statistics:
    """Counts of what has happened in a conversation so far.

    Attributes:
        frames: Frames drawn.
        speech: Those of them that belong to an utterance.
        late: Those that left more than 20 ms after they were due.
        skipped: Pictures that were dropped because their time had passed.
        underruns: Frames for which the audio of an utterance had not arrived in time.
        concealed: Frames whose picture is not the one that was planned: see ``VideoFrame.is_concealed``.
        restarts: Times the clock started anew because no frame had been asked for during a second.
        samples: Audio samples handed out.
        worst_delay: Longest time between a frame's due time and its leaving, in seconds.
    """

    frames: int
    speech: int
    late: int
    skipped: int
    underruns: int
    concealed: int
    restarts: int
    samples: int
    worst_delay: float


class ManualClock(Unique):
    """A clock that stands still until it is advanced, for tests: conversations on it never wait for real time."""

    def __init__(self) -> None:
        out = ffi.new("essence_clock **")
        call(lib.essence_clock_create, out)
        self._handle = Handle(out[0], lib.essence_clock_destroy, "clock")
        self._listeners: "weakref.WeakSet[Listener]" = weakref.WeakSet()

    def advance(self, seconds: float) -> None:
        """Moves the clock forward. Callers that wait for that time go on."""
        with self._handle as pointer:
            call(lib.essence_clock_advance, pointer, round(seconds * 1e9))
        for listener in tuple(self._listeners):
            listener._wake()


class HostClock(Unique):
    """A clock that runs at the pace of a sound card, or of another clock of the program's: conversations on it wait for their frames and
    prepare them ahead, as on the system's clock."""

    def __init__(self) -> None:
        out = ffi.new("essence_clock **")
        call(lib.essence_clock_create_host, out)
        self._handle = Handle(out[0], lib.essence_clock_destroy, "clock")

    def set_position(self, seconds: float) -> None:
        """Says where the clock stands now, such as how much sound has been played: every 5 to 100 ms.

        In between it goes on with the system's clock, for 200 ms at most. For a conversation time never goes back.
        """
        nanoseconds = round(seconds * 1e9)
        if not 0 <= nanoseconds < 1 << 63:
            raise InvalidArgument(f"a position of {seconds} s; it has to be 0 or more")
        with self._handle as pointer:
            call(lib.essence_clock_set_position, pointer, nanoseconds)


#: What a conversation can take its time from, instead of the system's clock.
Clock = Union[ManualClock, HostClock]


class Listener(Protocol):
    """An object that is told when a clock has moved."""

    def _wake(self) -> None: ...

    def __hash__(self) -> int: ...


class Session(Unique):
    """A conversation with an avatar. Any thread may call anything at any time."""

    def __init__(
        self,
        avatar: "AvatarFile",
        *,
        pacing: str = "realtime",
        pixel_format: str = "bgr",
        size: Size = None,
        letterbox: Colour = None,
        clock: Optional[Clock] = None,
        queue_limit: int = 600,
        pictures: bool = True,
        fit: Fit = "contain",
        background: Background = None,
        yuv: str = "bt601",
    ) -> None:
        _log.follow(avatar.engine)
        options = _abi.options("essence_session_options", lib.essence_session_options_init)
        options.pacing = _choice("pacing", pacing, _PACINGS)
        options.pixel_format = _choice("pixel format", pixel_format, _FORMATS)
        options.width, options.height = _arguments.size(size, (avatar.info.width, avatar.info.height))
        options.letterbox_rgb = _arguments.colour(letterbox)
        options.fit, options.crop_left, options.crop_top = _fit(fit)
        options.yuv_matrix, options.yuv_range = _choice("YUV standard", yuv, _YUV)
        # `kept` is the picture's memory, until the session is created.
        options.background, options.background_rgb, options.background_picture, kept = _background(background)
        options.queue_limit_s = _arguments.count(queue_limit, "queue_limit")
        # So many seconds at 48 kHz always fit; 128 MiB do by default.
        options.queue_limit_bytes = max(128 << 20, options.queue_limit_s * 48_000 * 4)
        options.without_pictures = not pictures
        out = ffi.new("essence_session **")
        with avatar.handle as pointer:
            if clock is None:
                call(lib.essence_session_create, pointer, options, out)
            else:
                with clock._handle as options.clock:
                    call(lib.essence_session_create, pointer, options, out)
        session = out[0]
        del kept
        info = sized("essence_session_info")
        call(lib.essence_session_describe, session, info)
        self.width: int = info.frame_width
        self.height: int = info.frame_height
        self.latency: float = info.latency_ms / 1000
        self.pixel_format = pixel_format
        count = channels(pixel_format)
        shape: Tuple[int, ...] = (self.height, self.width, count) if count else (info.picture_bytes,)
        together = max(1, min(TOGETHER, TOGETHER_BYTES // info.picture_bytes))
        # One batch waits to be taken while another is drawn; one frame is in use, and one is to spare.
        self._buffers = BufferPool(shape, 2 * together + 2) if pictures else None
        self._arkit_names = avatar.info.arkit_names
        self._motions = avatar.info.motions
        self._slots = FrameSlots(info, together)
        #: A frame of the library's. Lives as long as the session, for one thread at a time.
        self.frame = self._slots.frames[0]
        #: Frames that were drawn together with one that was given.
        self._waiting: Deque[Item] = deque()
        #: The messages of audio that waits, by the tags that the library gives back, with the last one and the one that was drawn last.
        self._messages: "Dict[int, str]" = {}
        self._last_tag = self._drawn_tag = 0
        self._tagging = threading.Lock()
        #: How often the session was interrupted.
        self.interruptions = 0
        self._interrupting = threading.Lock()
        self._drawing = threading.Lock()
        self.handle = Handle(session, functools.partial(_destroy, self._slots), "conversation")
        # Borrowed for drawing until it is closed.
        self._pointer: Any = self.handle.__enter__()

    def push(self, samples: "NDArray[Any]", sample_rate: int, message_id: Optional[str] = None) -> None:
        """Takes samples: int16 or float32, contiguous, mono. Their frames have ``message_id``."""
        sample_rate = _arguments.sample_rate(sample_rate)
        if samples.dtype == np.int16:
            function, kind = lib.essence_session_push_tagged_i16, "int16_t[]"
        else:
            function, kind = lib.essence_session_push_tagged_f32, "float[]"
        tag = self._tag(message_id)
        with self.handle as pointer, ffi.from_buffer(kind, samples) as data:
            call(function, pointer, data, len(samples), sample_rate, 1, tag)

    def _tag(self, message_id: Optional[str]) -> int:
        """The number that stands for a message in the library: 0 for none, a new one where the message changes."""
        if message_id is None:
            return 0
        with self._tagging:
            if self._messages.get(self._last_tag) != message_id:
                self._last_tag += 1
                self._messages[self._last_tag] = message_id
                # Frames come in the order of what was pushed.
                for tag in [tag for tag in self._messages if tag < self._drawn_tag]:
                    del self._messages[tag]
            return self._last_tag

    def push_curves(
        self, names: "Sequence[str]", times: Any, values: Any, *, ignore_unknown: bool = False, without_sound: bool = False
    ) -> None:
        """Takes keyframes of ARKit values."""
        moments, rows = _array(times, "times", np.float64), _array(values, "values", np.float32)
        if isinstance(names, str) or not all(isinstance(name, str) for name in names):
            raise InvalidType("names of curves are a sequence of strings")
        if moments.ndim != 1 or rows.size != len(names) * len(moments):
            raise InvalidArgument(f"values of shape {rows.shape}; {len(names)} names at {moments.size} times have a value each")
        curves = sized("essence_curves")
        texts = [_text(name) for name in names]
        pointers = ffi.new("char *[]", texts)
        curves.names, curves.name_count = ffi.cast("const char *const *", pointers), len(texts)
        curves.ignore_unknown, curves.without_sound = bool(ignore_unknown), bool(without_sound)
        curves.time_count = len(moments)
        with self.handle as pointer, ffi.from_buffer("double[]", moments) as at, ffi.from_buffer("float[]", rows) as data:
            curves.times_s, curves.values = at, data
            call(lib.essence_session_push_curves, pointer, curves)

    def push_visemes(
        self, visemes: "Sequence[Viseme]", set: str, *, ignore_unknown: bool = False, without_sound: bool = False
    ) -> None:
        """Takes visemes or phonemes with their times."""
        try:
            rows = [(str(symbol), float(start), math.nan if not end else float(end[0])) for symbol, start, *end in visemes]
        except (TypeError, ValueError):
            raise InvalidType("visemes are tuples (symbol, start) or (symbol, start, end), times in seconds") from None
        given = sized("essence_visemes")
        given.set = _choice("set of visemes", set, _VISEME_SETS)
        texts = [_text(symbol) for symbol, _, _ in rows]
        pointers = ffi.new("char *[]", texts)
        starts = ffi.new("double[]", [start for _, start, _ in rows])
        ends = ffi.new("double[]", [end for _, _, end in rows])
        given.symbols, given.starts_s, given.ends_s = ffi.cast("const char *const *", pointers), starts, ends
        given.count = len(rows)
        given.ignore_unknown, given.without_sound = bool(ignore_unknown), bool(without_sound)
        with self.handle as pointer:
            call(lib.essence_session_push_visemes, pointer, given)

    def flush(self) -> None:
        """Ends the utterance."""
        with self.handle as pointer:
            call(lib.essence_session_flush, pointer)

    def interrupt(self) -> None:
        """Drops queued audio, and frames that were drawn before they were asked for."""
        with self.handle as pointer, self._interrupting:
            call(lib.essence_session_interrupt, pointer)
            self.interruptions += 1
            with self._tagging:
                self._messages.clear()

    def restart_clock(self) -> None:
        """Lets the next frame be due when it is asked for: what was missed on purpose is not late."""
        with self.handle as pointer:
            call(lib.essence_session_restart_clock, pointer)

    def cancel(self) -> None:
        """Ends a draw that waits for its time, and all later ones."""
        with self.handle as pointer:
            call(lib.essence_session_cancel, pointer)

    def set_paused(self, paused: bool) -> None:
        """Holds speech back, or lets it go on."""
        with self.handle as pointer:
            call(lib.essence_session_set_paused, pointer, bool(paused))

    def set_muted(self, muted: bool) -> None:
        """Mutes speech, or lets it be heard."""
        with self.handle as pointer:
            call(lib.essence_session_set_muted, pointer, bool(muted))

    def statistics(self) -> Statistics:
        """What has happened so far."""
        counted = sized("essence_session_statistics")
        with self.handle as pointer:
            call(lib.essence_session_read_statistics, pointer, counted)
        return Statistics(
            frames=counted.frames,
            speech=counted.speech,
            late=counted.late,
            skipped=counted.skipped,
            underruns=counted.underruns,
            concealed=counted.concealed,
            restarts=counted.restarts,
            samples=counted.samples,
            worst_delay=counted.worst_delay_ns / 1e9,
        )

    def perform(self, motion: str, again: bool = False) -> None:
        """Plays a motion once, and within an utterance once in all unless ``again``."""
        self._play(lib.essence_session_perform_again if again else lib.essence_session_perform, motion)

    def set_emotion(self, emotion: str, strength: float) -> None:
        """Lets the face show an emotion."""
        number = _choice("emotion", emotion, EMOTIONS)
        try:
            amount = float(strength)
        except (TypeError, ValueError):
            raise InvalidType(f"an emotion's strength is a number from 0 to 1, not {type(strength).__name__}") from None
        with self.handle as pointer:
            try:
                call(lib.essence_session_set_emotion, pointer, number, amount)
            except ModelNotFoundError as error:
                raise UnknownAction(str(error)) from None

    def set_loop(self, motion: Optional[str]) -> None:
        """Plays a motion over and over, or what belongs to silence and speech again."""
        self._play(lib.essence_session_set_loop, motion)

    def _play(self, function: Any, motion: Optional[str]) -> None:
        if not isinstance(motion, (str, type(None))):
            raise InvalidType(f"a motion is named by a str, not by {type(motion).__name__}")
        name = ffi.NULL if motion is None else motion.encode("utf-8", "replace")
        with self.handle as pointer:
            try:
                call(function, pointer, name)
            except ModelNotFoundError as error:
                raise UnknownAction(str(error)) from None

    def draw(self, together: int = 1) -> Optional[VideoFrame]:
        """Gives the next frame, in memory of its own. Waits until it is due; None if there is none.

        Draws up to ``together`` frames in one call, as far as no waiting is needed. The others are given by the next calls, unless an
        interruption comes before.

        Behind the networks, which push everything out of the processor's caches, Python's own work costs several times what it costs
        in a loop of its own. So it is kept small: few functions, and several frames at a time where no caller waits for one alone.
        """
        with self._drawing:
            pointer = self._drawable()
            waiting = self._waiting
            while waiting and waiting[0][0] < self.interruptions:
                waiting.popleft()
            if not waiting:
                waiting.extend(self._draw(pointer, together))
            item = waiting.popleft()[1] if waiting else None
        if self.handle._closed:
            self._let_go()
        if isinstance(item, BithumanError):
            raise item
        return item

    def draw_all(self, together: int) -> List[Item]:
        """The same with all of them at once, and with what went wrong after them."""
        with self._drawing:
            items = self._draw(self._drawable(), together)
        if self.handle._closed:
            self._let_go()
        return items

    def _drawable(self) -> Any:
        pointer = self._pointer
        if pointer is None or _abi._forked:
            with self.handle:
                raise RuntimeNotReadyError("this conversation is closed")
        return pointer

    def _draw(self, pointer: Any, together: int) -> List[Item]:
        interruptions = self.interruptions
        slots = self._slots
        count = min(together, len(slots.slots))
        images: "List[Optional[NDArray[np.uint8]]]" = [None] * count
        into = slots.pictures
        if self._buffers is None:
            into = ffi.NULL
        else:
            for i, slot in enumerate(slots.slots[:count]):
                buffer = self._buffers.take()
                slot.draw_into(buffer.pointer)
                # The view refers to the memory from now on, so that it is not taken again.
                images[i] = buffer.image.view()
                del buffer
        status = _next_frames(pointer, slots.frames, into, slots.infos, count, slots.drawn, slots.error)
        items: List[Item] = []
        for slot, image in zip(slots.slots[: slots.drawn[0]], images):
            frame = self._drawn(slot, image)
            items.append((frame._interruptions, frame))
        if status < 0:
            items.append((interruptions, _abi.exception(status, _abi.text(slots.error.message))))
        return items

    def _drawn(self, slot: FrameSlot, image: "Optional[NDArray[np.uint8]]") -> VideoFrame:
        flags, index, base_frame, skipped, rate, audio, samples, arkit, values, interruptions, tag, started, ended = read(
            self._slots.info_bytes, slot.info_at
        )
        frame = VideoFrame.__new__(VideoFrame)
        frame.image = image
        frame.pixel_format = self.pixel_format
        frame.width = self.width
        frame.height = self.height
        frame.end_of_speech = end_of_speech = flags & _END_OF_SPEECH != 0
        frame.is_speech = flags & _SPEECH != 0
        frame.is_underrun = flags & _UNDERRUN != 0
        frame.is_late = flags & _LATE != 0
        frame.is_muted = flags & _MUTED != 0
        frame.is_concealed = flags & _CONCEALED != 0
        frame.audio_chunk = AudioChunk.of(slot.audio.copy(audio, samples), rate, end_of_speech) if samples else None
        frame.frame_index = index
        frame.source_message_id = self._messages.get(tag) if tag else None
        self._drawn_tag = tag or self._drawn_tag
        frame.skipped = skipped
        frame.base_frame = base_frame
        frame.gesture_started = None if started == _NO_MOTION else self._motions[started]
        frame.gesture_ended = None if ended == _NO_MOTION else self._motions[ended]
        frame._interruptions = interruptions
        frame._arkit = slot.arkit.copy(arkit, values) if values else None
        frame._arkit_names = self._arkit_names
        frame._bgr = frame._rgb = None
        return frame

    def _let_go(self) -> None:
        """Gives back the handle that is borrowed for drawing, or leaves that to the thread that draws."""
        if self._drawing.acquire(blocking=False):
            pointer, self._pointer = self._pointer, None
            if self._buffers is not None:
                self._buffers.close()
            self._waiting.clear()
            self._drawing.release()
            if pointer is not None:
                self.handle.__exit__()

    def close(self) -> None:
        """Ends the conversation; a draw that is under way ends first, and does not wait for its time any more."""
        if not self.handle.closed:
            try:
                self.cancel()
            except RuntimeNotReadyError:
                # In a child of a fork, where there is nothing to end.
                pass
        self.handle.close()
        self._let_go()

    def __del__(self) -> None:
        if hasattr(self, "_pointer"):
            self.close()


def _destroy(slots: FrameSlots, session: Any) -> None:
    lib.essence_session_destroy(session)
    slots.destroy()


def _fit(fit: Fit) -> Tuple[int, int, int]:
    if isinstance(fit, str):
        return (_choice("fit", fit, _FITS), 0, 0)
    left, top = _arguments.pair(fit, "a fit", "`contain`, `cover`, or the left and top of the part that is cut out")
    return (lib.ESSENCE_FIT_CROP, left, top)


def _background(background: Background) -> Tuple[int, int, Any, Any]:
    """The kind, a colour, a picture, and what keeps its memory."""
    if background is None:
        return (lib.ESSENCE_BACKGROUND_NONE, 0, ffi.NULL, None)
    array = np.asarray(background)
    if array.ndim != 3:
        return (lib.ESSENCE_BACKGROUND_COLOR, _arguments.colour(background), ffi.NULL, None)
    if array.dtype != np.uint8 or array.shape[2] != 3:
        raise InvalidArgument(f"a background is a colour or (height, width, 3) uint8, not {array.shape} {array.dtype}")
    array = np.ascontiguousarray(array)
    picture = sized("essence_picture")
    memory = ffi.from_buffer("uint8_t[]", array)
    height, width = array.shape[:2]
    call(lib.essence_picture_wrap, lib.ESSENCE_PIXEL_FORMAT_RGB8, width, height, memory, array.nbytes, picture)
    return (lib.ESSENCE_BACKGROUND_PICTURE, 0, picture, memory)


def _array(values: Any, what: str, kind: Any) -> "NDArray[Any]":
    try:
        return np.ascontiguousarray(values, dtype=kind)
    except (TypeError, ValueError):
        raise InvalidType(f"{what} of curves are numbers") from None


def _text(text: str) -> Any:
    if "\0" in text:
        raise InvalidArgument(f"{text!r} has a character 0")
    return ffi.new("char[]", text.encode())


def _choice(what: str, name: str, table: "Dict[str, _T]") -> _T:
    try:
        return table[name]
    except (KeyError, TypeError):
        article = "an" if what[0] in "aeiou" else "a"
        raise InvalidArgument(f"`{name}` is not {article} {what}; choose one of {', '.join(table)}") from None


assert sys.byteorder == "little", "the package is built for little-endian machines"
