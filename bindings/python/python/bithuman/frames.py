"""What goes in and what comes out: pictures, their sound, and commands."""

from __future__ import annotations

import builtins
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]
    Samples = NDArray[np.int16]

__all__ = ["AudioChunk", "ComposedFrame", "VideoControl", "VideoFrame"]

#: Channels of a packed format, with the places of red, green and blue.
_PACKED = {"bgr": (3, (2, 1, 0)), "rgb": (3, (0, 1, 2)), "bgra": (4, (2, 1, 0)), "rgba": (4, (0, 1, 2))}

#: Formats of several planes.
PLANAR = ("i420", "nv12")

#: Every pixel format.
PIXEL_FORMATS = (*_PACKED, *PLANAR)


def channels(pixel_format: str) -> int:
    """Bytes of a pixel in a packed format, 0 for planar ones."""
    packed = _PACKED.get(pixel_format)
    return packed[0] if packed else 0


@dataclass(frozen=True)
class AudioChunk:
    """A piece of speech, mono.

    Attributes:
        data: Samples, int16. Other types are converted: float32 in [-1, 1] is scaled.
        sample_rate: Samples a second.
        last_chunk: Whether an utterance ends with it.
    """

    data: "Samples"
    sample_rate: int = 16_000
    last_chunk: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", _int16(self.data))

    @classmethod
    def of(cls, data: "Samples", sample_rate: int, last_chunk: bool) -> "AudioChunk":
        """From what is known to be int16 already: one for each frame that is spoken."""
        chunk = cls.__new__(cls)
        fields = chunk.__dict__
        fields["data"] = data
        fields["sample_rate"] = sample_rate
        fields["last_chunk"] = last_chunk
        return chunk

    @property
    def array(self) -> "Samples":
        """The samples."""
        return self.data

    @property
    def bytes(self) -> builtins.bytes:
        """The samples as s16le."""
        return self.data.astype("<i2", copy=False).tobytes()

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.data) / self.sample_rate

    def __bytes__(self) -> builtins.bytes:
        return self.bytes

    def __len__(self) -> int:
        return len(self.data)

    @classmethod
    def from_bytes(cls, audio_bytes: builtins.bytes, sample_rate: int = 16_000, last_chunk: bool = True) -> "AudioChunk":
        """From s16le."""
        return cls(np.frombuffer(audio_bytes, dtype="<i2"), sample_rate, last_chunk)


def _int16(data: Any) -> "Samples":
    array = np.asarray(data)
    if array.dtype == np.int16:
        return array
    if array.dtype.kind == "f":
        return np.rint(np.clip(array * np.float32(32768), -32768, 32767)).astype(np.int16)
    return array.astype(np.int16)


@dataclass
class VideoControl:
    """What :meth:`bithuman.AsyncBithuman.push` takes: speech, a motion to play, an emotion, or all of it.

    Attributes:
        audio: Speech.
        text: Unused: nothing here turns text into speech.
        target_video: A motion to play over and over instead of those of silence and speech; "" goes back to them.
        action: A motion to play, once in an utterance unless ``force_action``.
        emotion_preds: Emotions with their scores, the likeliest of which the face shows: pairs, or objects with ``emotion`` and ``score``.
        message_id: Comes back as ``source_message_id`` of the frames that carry this audio.
        end_of_speech: Ends the utterance after this audio.
        force_action: Plays ``action`` again.
        stop_on_user_speech: Unused.
        stop_on_agent_speech: Unused.
    """

    audio: Optional[AudioChunk] = None
    text: Optional[str] = None
    target_video: Optional[str] = None
    action: Union[str, Sequence[str], None] = None
    emotion_preds: Optional[Sequence[Any]] = None
    message_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    end_of_speech: bool = False
    force_action: bool = False
    stop_on_user_speech: Optional[bool] = None
    stop_on_agent_speech: Optional[bool] = None


class VideoFrame:
    """One picture with the sound that belongs to it.

    Attributes:
        image: The picture in ``pixel_format``: (height, width, channels) uint8, or a flat array for planar formats
            (see :attr:`planes`). None in a conversation without pictures, and for a frame that carries nothing but a flag. The
            array is the frame's own; nothing else writes to it.
        pixel_format: ``bgr``, ``rgb``, ``bgra``, ``rgba``, ``i420`` or ``nv12``.
        width: Width of the picture in pixels.
        height: Height of the picture in pixels.
        audio_chunk: The sound of this frame at the rate that it was pushed with: 40 ms, less at the end of an utterance, more
            after skipped pictures. None where nobody speaks.
        frame_index: Number in the conversation, from 0. Numbers of skipped pictures are left out.
        end_of_speech: The last frame of an utterance.
        source_message_id: The ``message_id`` that the audio was pushed with.
        is_speech: The frame belongs to an utterance.
        is_underrun: An utterance is under way, but its audio has not arrived in time.
        is_late: The frame left the library more than 20 ms after it was due.
        is_muted: The speech was muted: its samples are zeros and the mouth rests.
        is_concealed: The picture is not the one that was planned: a base frame is damaged, and another one is shown, or a network failed,
            and the mouth holds its shape or rests. The sound is intact.
        skipped: Pictures that were left out before this one because they would have been late. Their sound is here.
        base_frame: Which of the avatar's base frames lies underneath.
        gesture_started: Name of the gesture that begins with this frame. Loops are no gestures.
        gesture_ended: Name of the gesture that is over with this frame, the first one that doesn't show it.
    """

    __slots__ = (
        "_arkit",
        "_arkit_names",
        "_bgr",
        "_interruptions",
        "_rgb",
        "audio_chunk",
        "base_frame",
        "end_of_speech",
        "frame_index",
        "gesture_ended",
        "gesture_started",
        "height",
        "image",
        "is_concealed",
        "is_late",
        "is_muted",
        "is_speech",
        "is_underrun",
        "pixel_format",
        "skipped",
        "source_message_id",
        "width",
    )

    def __init__(
        self,
        image: "Optional[Image]" = None,
        *,
        pixel_format: str = "bgr",
        width: int = 0,
        height: int = 0,
        audio_chunk: Optional[AudioChunk] = None,
        frame_index: int = 0,
        end_of_speech: bool = False,
        source_message_id: Optional[str] = None,
        is_speech: bool = False,
        is_underrun: bool = False,
        is_late: bool = False,
        is_muted: bool = False,
        is_concealed: bool = False,
        skipped: int = 0,
        base_frame: int = 0,
        gesture_started: Optional[str] = None,
        gesture_ended: Optional[str] = None,
        arkit: "Optional[NDArray[np.float32]]" = None,
        arkit_names: Tuple[str, ...] = (),
    ) -> None:
        self.image = image
        self.pixel_format = pixel_format
        self.width = width
        self.height = height
        self.audio_chunk = audio_chunk
        self.frame_index = frame_index
        self.end_of_speech = end_of_speech
        self.source_message_id = source_message_id
        self.is_speech = is_speech
        self.is_underrun = is_underrun
        self.is_late = is_late
        self.is_muted = is_muted
        self.is_concealed = is_concealed
        self.skipped = skipped
        self.base_frame = base_frame
        self.gesture_started = gesture_started
        self.gesture_ended = gesture_ended
        self._arkit: "Union[NDArray[np.float32], Dict[str, float], None]" = arkit
        self._arkit_names = arkit_names
        self._interruptions = 0
        self._bgr: "Optional[Image]" = None
        self._rgb: "Optional[Image]" = None

    @property
    def has_image(self) -> bool:
        """Whether there is a picture. There is in every frame of a paced conversation with pictures, silent ones too."""
        return self.image is not None

    @property
    def bgr_image(self) -> "Optional[Image]":
        """The picture as (height, width, 3) uint8, blue first; None without one, or in a planar format.

        In a conversation with ``pixel_format="bgr"``, the default, this is ``image`` itself; otherwise it is converted once.
        """
        if self.pixel_format == "bgr":
            return self.image
        if self._bgr is None:
            self._bgr = self._reordered((2, 1, 0))
        return self._bgr

    @property
    def rgb_image(self) -> "Optional[Image]":
        """The picture as (height, width, 3) uint8, red first; None without one, or in a planar format."""
        if self.pixel_format == "rgb":
            return self.image
        if self._rgb is None:
            self._rgb = self._reordered((0, 1, 2))
        return self._rgb

    @property
    def planes(self) -> "Tuple[Image, ...]":
        """Views of the planes: Y, U, V of ``i420``; Y and UV (height, width, 2) of ``nv12``; else the one picture."""
        if self.image is None:
            return ()
        if self.pixel_format not in PLANAR:
            return (self.image,)
        width, height = self.width, self.height
        half_width, half_height = (width + 1) // 2, (height + 1) // 2
        luma = self.image[: width * height].reshape(height, width)
        chroma = self.image[width * height :]
        if self.pixel_format == "nv12":
            return (luma, chroma.reshape(half_height, half_width, 2))
        u, v = chroma.reshape(2, half_height, half_width)
        return (luma, u, v)

    @property
    def pts_samples(self) -> int:
        """When the frame is to be shown, in samples at 16 kHz: 640 × ``frame_index``."""
        return 640 * self.frame_index

    @property
    def arkit(self) -> Mapping[str, float]:
        """ARKit's blendshape values of the mouth that is shown, each in [0, 1], by ARKit's names."""
        if not isinstance(self._arkit, dict):
            values = [] if self._arkit is None else self._arkit.tolist()
            self._arkit = dict(zip(self._arkit_names, values))
        return self._arkit

    def _reordered(self, order: Tuple[int, int, int]) -> "Optional[Image]":
        packed = _PACKED.get(self.pixel_format)
        if self.image is None or packed is None:
            return None
        first = packed[1][order[0]]
        # Channels run up or down from 0 or 2, the fourth is left out.
        reordered = self.image[:, :, :3] if first == 0 else self.image[:, :, 2::-1]
        return np.ascontiguousarray(reordered)

    def __repr__(self) -> str:
        size = f"{self.width}x{self.height} {self.pixel_format}" if self.has_image else "no image"
        speech = " speech" if self.is_speech else ""
        end = " end_of_speech" if self.end_of_speech else ""
        return f"<VideoFrame {self.frame_index}: {size}{speech}{end}>"


#: What :meth:`bithuman.Bithuman.compose` gives: the same as a streamed frame.
ComposedFrame = VideoFrame
