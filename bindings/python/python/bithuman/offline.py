"""The surfaces that render what is there already: a file, an array, pieces as they come. As fast as the machine can."""

from __future__ import annotations

import os
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Iterator, Optional, Tuple, Type, TypeVar, Union, overload

import numpy as np

from . import _abi, _engine, _pcm
from ._abi import Unique, call, sized
from ._arguments import Background, Colour, Fit, Size
from ._session import Session, Statistics
from .driving import Curves, Visemes
from .exceptions import InvalidArgument, InvalidType, RuntimeNotReadyError
from .frames import ComposedFrame, VideoFrame
from .settings import FPS, INPUT_SAMPLE_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._engine import AvatarFile, AvatarInfo, ProviderReport
from ._library import ffi, lib

__all__ = ["Avatar", "Bithuman", "Rendered", "open"]

#: Frames that are drawn together. More save nothing, and a motion that is asked for begins behind them.
TOGETHER = 6

_T = TypeVar("_T")
_Self = TypeVar("_Self", bound="_Opened")


def open(
    source: "_engine.Source",
    *,
    provider: str = "auto",
    runtime_library: "Optional[_engine.PathLike]" = None,
    num_threads: int = 0,
    engine: "Optional[_engine.Engine]" = None,
    **unused: object,
) -> "Avatar":
    """Opens an avatar. One that is open already is shared.

    Args:
        source: The path of an ``.imx`` file, the name of an avatar in ``~/.cache/bithuman``, the bytes of a file, or a file that is
            open to be read as bytes. What is in memory already is not shared.
        provider: ``auto``, ``cpu``, ``cuda``, ``coreml``, ``openvino`` or ``webgpu``.
        runtime_library: ONNX Runtime's library. Default: ``ORT_DYLIB_PATH``, then the ``onnxruntime`` package's.
        num_threads: Networks that run at a time; see :class:`Engine`.
        engine: The engine to open it with, instead of the three above.
        unused: What other versions know, such as ``api_secret``. Logged.

    Raises:
        InvalidAvatar: The file is missing, is no avatar, or is damaged.
        NotSupported: ONNX Runtime is missing, or the provider can't run the avatar.
    """
    _engine.log_unused(unused)
    return Avatar(_engine.open_avatar(source, provider, runtime_library, num_threads, engine))


class _Opened(Unique):
    """What :class:`Avatar` and :class:`Bithuman` have in common."""

    def __init__(self, avatar: "AvatarFile") -> None:
        self._avatar: "Optional[AvatarFile]" = avatar
        self._info = avatar.info
        self._provider = avatar.provider

    @property
    def info(self) -> "AvatarInfo":
        """What the avatar is."""
        return self._info

    @property
    def provider(self) -> "ProviderReport":
        """Which execution provider runs it, and why not another."""
        return self._provider

    @property
    def fps(self) -> int:
        """Frames a second."""
        return FPS

    def measure_capacity(self) -> int:
        """Measures how many conversations with this avatar the engine's threads can keep speaking in real time.

        Draws some forty frames. A machine that is busy with something else gives fewer.
        """
        return self._opened().measure_capacity()

    def close(self) -> None:
        """Gives the avatar back. What is being rendered goes on to its end."""
        self._avatar = None

    def _opened(self) -> "AvatarFile":
        _abi.check_fork()
        if self._avatar is None:
            raise RuntimeNotReadyError("this avatar is closed; open it again")
        return self._avatar

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()


class Avatar(_Opened):
    """An opened avatar: speech in, pictures or an MP4 file out. Made by :func:`bithuman.open`."""

    @property
    def width(self) -> int:
        """Width of its picture in pixels."""
        return self._info.width

    @property
    def height(self) -> int:
        """Height of its picture in pixels."""
        return self._info.height

    @overload
    def render(
        self, audio: "_pcm.Audio", out: None = None, *, sample_rate: int = ..., size: Size = ..., letterbox: Colour = ..., fit: Fit = ..., background: Background = ...
    ) -> "Pictures": ...

    @overload
    def render(
        self,
        audio: "_pcm.Audio",
        out: "_engine.PathLike",
        *,
        sample_rate: int = ...,
        size: Size = ...,
        letterbox: Colour = ...,
        fit: Fit = ...,
        background: Background = ...,
        quality: str = ...,
    ) -> int: ...

    def render(
        self,
        audio: "_pcm.Audio",
        out: "Optional[_engine.PathLike]" = None,
        *,
        sample_rate: int = INPUT_SAMPLE_RATE,
        size: Size = None,
        letterbox: Colour = None,
        fit: Fit = "contain",
        background: Background = None,
        quality: str = "medium",
    ) -> "Union[Pictures, int]":
        """Renders speech.

        Args:
            audio: A file (wav, flac, mp3, ogg, m4a) by its path or opened, s16le bytes, int16 or float samples (an array of numpy's,
                an ``array.array``, a memoryview, a list), or an iterable of such pieces.
            out: An MP4 file to write. Without one, the pictures are given.
            sample_rate: Of audio that does not say so itself.
            size: Size of the pictures: ``(width, height)``, or the longer side alone. Default: the avatar's own.
            letterbox: Red, green and blue of the bars where the avatar's proportions differ from ``size``. Default: black.
            fit: ``contain`` (with bars), ``cover`` (cut off), or the left and top of the part that is cut out at its own scale.
            background: A colour, or a picture as (height, width, 3) uint8, red first, behind an avatar that was keyed and in place of bars.
            quality: Of the MP4 file: ``low``, ``medium`` or ``high``.

        Returns:
            An iterator of pictures, (height, width, 3) uint8, red first, 25 a second; closing it interrupts. With ``out``, the
            number of frames in the file.
        """
        pieces = _pcm.pieces(audio, sample_rate)
        if out is None:
            return Pictures(self._session("rgb", size, letterbox, fit, background), pieces)
        return self._write(pieces, out, self._session("i420", size, letterbox, fit, background), quality).frames

    def render_file(
        self,
        audio: "_pcm.Audio",
        out: "_engine.PathLike",
        *,
        sample_rate: int = INPUT_SAMPLE_RATE,
        size: Size = None,
        letterbox: Colour = None,
        fit: Fit = "contain",
        background: Background = None,
        quality: str = "medium",
    ) -> "Rendered":
        """The same as :meth:`render` with ``out``, and says more of the file."""
        pieces = _pcm.pieces(audio, sample_rate)
        return self._write(pieces, out, self._session("i420", size, letterbox, fit, background), quality)

    def _session(self, pixel_format: str, size: Size, letterbox: Colour, fit: Fit, background: Background) -> Session:
        return Session(
            self._opened(),
            pacing="unpaced",
            pixel_format=pixel_format,
            size=size,
            letterbox=letterbox,
            fit=fit,
            background=background,
        )

    def _write(self, pieces: "Iterator[_pcm.Samples]", out: "_engine.PathLike", session: Session, quality: str) -> "Rendered":
        try:
            return _Mp4(session, out, quality).write(pieces)
        finally:
            session.close()


class Bithuman(_Opened):
    """One conversation with an avatar, for programs without an event loop. Made by :meth:`load`."""

    def __init__(self, avatar: "AvatarFile", session: Session) -> None:
        super().__init__(avatar)
        self._session = session

    @classmethod
    def load(
        cls,
        model_path: "_engine.Source",
        *,
        output_size: Size = None,
        pixel_format: str = "bgr",
        letterbox: Colour = None,
        fit: Fit = "contain",
        background: Background = None,
        yuv: str = "bt601",
        queue_limit: int = 600,
        pictures: bool = True,
        provider: str = "auto",
        runtime_library: "Optional[_engine.PathLike]" = None,
        num_threads: int = 0,
        engine: "Optional[_engine.Engine]" = None,
        **unused: object,
    ) -> "Bithuman":
        """Opens an avatar for a conversation.

        Args:
            model_path: The path of an ``.imx`` file, its bytes, or the file opened to be read as bytes.
            output_size: Size of the pictures: ``(width, height)``, or the longer side alone. Default: the avatar's own.
            pixel_format: ``bgr``, ``rgb``, ``bgra``, ``rgba``, ``i420`` or ``nv12``.
            letterbox: Red, green and blue of the bars where the avatar's proportions differ from ``output_size``. Default: black.
            fit: ``contain`` (with bars), ``cover`` (cut off), or the left and top of the part that is cut out at its own scale.
            background: A colour, or a picture as (height, width, 3) uint8, red first, behind an avatar that was keyed and in place of bars.
                None: formats with alpha are transparent there.
            yuv: Of ``i420`` and ``nv12``: ``bt601``, ``bt709``, ``bt601-full`` or ``bt709-full``.
            queue_limit: Most audio that may wait to be spoken, in seconds.
            pictures: False: frames carry sound, ARKit values and the number of the base frame, at a fraction of the cost.
            provider: ``auto``, ``cpu``, ``cuda``, ``coreml``, ``openvino`` or ``webgpu``.
            runtime_library: ONNX Runtime's library. Default: ``ORT_DYLIB_PATH``, then the ``onnxruntime`` package's.
            num_threads: Networks that run at a time; see :class:`Engine`.
            engine: The engine to open it with, instead of the three above.
            unused: What other versions know, such as ``api_secret``. Logged.

        Raises:
            ModelNotFoundError: There is no such file.
            BithumanError: It can't be used; the class says why.
        """
        _engine.log_unused(unused)
        avatar = _engine.open_avatar(model_path, provider, runtime_library, num_threads, engine)
        session = Session(
            avatar,
            pacing="unpaced",
            pixel_format=pixel_format,
            size=output_size,
            letterbox=letterbox,
            queue_limit=queue_limit,
            pictures=pictures,
            fit=fit,
            background=background,
            yuv=yuv,
        )
        return cls(avatar, session)

    @property
    def frame_width(self) -> int:
        """Width of the pictures in pixels."""
        return self._session.width

    @property
    def frame_height(self) -> int:
        """Height of the pictures in pixels."""
        return self._session.height

    @property
    def sample_rate(self) -> int:
        """Samples a second that the networks hear. Audio at any other rate is resampled for them."""
        return INPUT_SAMPLE_RATE

    def compose(
        self,
        audio: "Optional[_pcm.Audio]" = None,
        *,
        sample_rate: int = INPUT_SAMPLE_RATE,
        curves: Optional[Curves] = None,
        visemes: Optional[Visemes] = None,
        message_id: Optional[str] = None,
    ) -> "Frames":
        """Speaks an utterance.

        Args:
            audio: A file (wav, flac, mp3, ogg, m4a) by its path or opened, s16le bytes, int16 or float samples (an array of numpy's,
                an ``array.array``, a memoryview, a list), or an iterable of such pieces. None: curves or visemes alone make the frames.
            sample_rate: Of audio that does not say so itself.
            curves: ARKit values that replace what the speech network makes.
            visemes: Visemes that the mouth is taken from.
            message_id: Comes back as ``source_message_id`` of the frames with this audio.

        Returns:
            An iterator of frames, each with its 40 ms of audio; closing it interrupts. Draw it to its end, or close it, before
            the next utterance. Up to six frames are drawn at a time, as far as there is audio.
        """
        self._opened()
        if audio is None and curves is None and visemes is None:
            raise InvalidArgument("nothing to compose: give audio, curves or visemes")
        for given, kind in ((curves, Curves), (visemes, Visemes)):
            if not isinstance(given, (kind, type(None))):
                raise InvalidType(f"{kind.__name__.lower()} are given as bithuman.{kind.__name__}, not as {type(given).__name__}")
        if not isinstance(message_id, (str, type(None))):
            raise InvalidType(f"a message_id is a str, not {type(message_id).__name__}")
        pieces = iter(()) if audio is None else _pcm.pieces(audio, sample_rate)
        frames = Frames(self._session, pieces, closes=False)
        frames._drive(curves, visemes, without_sound=audio is None)
        frames._message_id = message_id
        return frames

    def perform(self, motion: str) -> None:
        """Plays a motion once, from the next frame where it can begin without a jump, and once in an utterance. Frames that are drawn
        already come before: up to five.

        Raises:
            UnknownAction: The avatar has no such motion.
        """
        self._opened()
        self._session.perform(motion)

    def set_emotion(self, emotion: str, strength: float = 1.0) -> None:
        """Lets the face show an emotion in place of the one before, until another one is asked for. It comes and goes within 0.7 s, behind
        the frames that are drawn already: up to five.

        Args:
            emotion: ``neutral``, ``joy``, ``sadness``, ``anger``, ``surprise``, ``fear`` or ``disgust``.
            strength: From 0 to 1.

        Raises:
            UnknownAction: Not one of the avatar's ``emotions``: one that was filmed has ``neutral`` alone.
        """
        self._opened()
        self._session.set_emotion(emotion, strength)

    def set_muted(self, muted: bool) -> None:
        """Mutes speech, or lets it be heard again. Muted speech takes its time, but its samples are zeros and the mouth rests."""
        self._opened()
        self._session.set_muted(muted)

    @property
    def statistics(self) -> Statistics:
        """Counts of what has happened in the conversation so far."""
        self._opened()
        return self._session.statistics()

    def interrupt(self) -> None:
        """Drops what is being composed."""
        self._opened()
        self._session.interrupt()

    def close(self) -> None:
        """Ends the conversation and gives the avatar back."""
        super().close()
        self._session.close()


class _Drawn(Unique, Generic[_T]):
    """An utterance as an iterator of what :meth:`_convert` makes of its frames."""

    def __init__(self, session: Session, pieces: "Iterator[_pcm.Samples]", closes: bool) -> None:
        self._session: Optional[Session] = session
        self._pieces = pieces
        self._closes = closes
        self._curves: Optional[Curves] = None
        self._visemes: Optional[Visemes] = None
        self._without_sound = False
        self._message_id: Optional[str] = None
        self._pushed = False
        self._flushed = False
        self._speaking = False

    def _drive(self, curves: Optional[Curves], visemes: Optional[Visemes], without_sound: bool) -> None:
        self._curves, self._visemes, self._without_sound = curves, visemes, without_sound

    def __iter__(self) -> "Iterator[_T]":
        return self

    def __next__(self) -> _T:
        session = self._session
        if session is None:
            raise StopIteration
        try:
            if not self._pushed:
                # First: what an utterance before was closed with would be drawn otherwise.
                self._pushed = True
                self._begin(session)
            frame = session.draw(TOGETHER) or self._draw(session)
            while frame is not None and not (self._speaking or frame.is_speech):
                # It closes the mouth after an utterance that was interrupted, and belongs to none.
                frame = session.draw(TOGETHER) or self._draw(session)
            self._speaking = True
        except BaseException:
            self.close()
            raise
        if frame is None:
            self._end(session)
            raise StopIteration
        return self._convert(frame)

    def _begin(self, session: Session) -> None:
        """Pushes what drives the mouth, and the first piece of audio."""
        curves, visemes, without_sound = self._curves, self._visemes, self._without_sound
        if curves is not None:
            session.push_curves(
                curves.names, curves.times, curves.values, ignore_unknown=curves.ignore_unknown, without_sound=without_sound
            )
        if visemes is not None:
            session.push_visemes(visemes.visemes, visemes.set, ignore_unknown=visemes.ignore_unknown, without_sound=without_sound)
        self._push(session)

    def _push(self, session: Session) -> None:
        """Pushes the next piece of audio, or ends the utterance."""
        piece = next(self._pieces, None)
        if piece is None:
            session.flush()
            self._flushed = True
        else:
            session.push(*piece, self._message_id)

    def _draw(self, session: Session) -> Optional[VideoFrame]:
        while True:
            frame = session.draw(TOGETHER)
            if frame is not None or self._flushed:
                return frame
            self._push(session)

    def _convert(self, frame: VideoFrame) -> _T:
        raise NotImplementedError

    def close(self) -> None:
        """Ends the iterator and drops what it has not given."""
        session = self._session
        if session is not None:
            if not session.handle.closed:
                session.interrupt()
            self._end(session)

    def _end(self, session: Session) -> None:
        self._session = None
        if self._closes:
            session.close()

    def __enter__(self: "_D") -> "_D":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        # Not there where the constructor has failed.
        if getattr(self, "_session", None) is None:
            return
        try:
            self.close()
        except RuntimeNotReadyError:
            pass


_D = TypeVar("_D", bound="_Drawn[Any]")


class Pictures(_Drawn["NDArray[np.uint8]"]):
    """What :meth:`Avatar.render` gives: an iterator of pictures."""

    def __init__(self, session: Session, pieces: "Iterator[_pcm.Samples]") -> None:
        super().__init__(session, pieces, closes=True)

    def _convert(self, frame: VideoFrame) -> "NDArray[np.uint8]":
        assert frame.image is not None, "what is drawn has a picture"
        return frame.image


class Frames(_Drawn[ComposedFrame]):
    """What :meth:`Bithuman.compose` gives: an iterator of frames."""

    def _convert(self, frame: VideoFrame) -> ComposedFrame:
        return frame


@dataclass(frozen=True)
class Rendered:
    """What an MP4 file has become.

    Attributes:
        path: The file.
        frames: Pictures in it, 25 a second.
        size_bytes: Its size.
        width: Width of the pictures in pixels.
        height: Height of the pictures in pixels.
        sample_rate: Samples a second of the sound.
    """

    path: str
    frames: int
    size_bytes: int
    width: int
    height: int
    sample_rate: int

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.frames / FPS


class _Mp4:
    """A session's frames into an MP4 file, which is complete or not there."""

    def __init__(self, session: Session, out: "_engine.PathLike", quality: str) -> None:
        qualities = {name: getattr(lib, f"ESSENCE_QUALITY_{name.upper()}") for name in ("low", "medium", "high")}
        if not isinstance(quality, str):
            raise InvalidType(f"a quality is named by a str, not by {type(quality).__name__}; choose one of {', '.join(qualities)}")
        if quality not in qualities:
            raise InvalidArgument(f"`{quality}` is not a quality; choose one of {', '.join(qualities)}")
        self._session = session
        try:
            self._path = os.fspath(out)
        except TypeError:
            raise InvalidType(f"an MP4 file is named by a path, not by {type(out).__name__}") from None
        self._options = _abi.options("essence_mp4_options", lib.essence_mp4_options_init)
        self._options.width, self._options.height = session.width, session.height
        self._options.quality = qualities[quality]
        # The library puts its writer here: an interruption that comes as soon as it has done so leaves no file either.
        self._writer = ffi.new("essence_mp4_writer **")

    def write(self, pieces: "Iterator[_pcm.Samples]") -> Rendered:
        try:
            for samples, rate in pieces:
                self._open(rate)
                self._session.push(samples, rate)
                self._drain()
            self._session.flush()
            self._drain()
            return self._finish()
        finally:
            if not _abi.is_forked():
                lib.essence_mp4_writer_destroy(self._writer[0])

    def _open(self, rate: int) -> None:
        if self._writer[0] == ffi.NULL:
            self._options.rate_hz = rate
            call(lib.essence_mp4_writer_create, _abi.path_bytes(self._path), self._options, self._writer)

    def _drain(self) -> None:
        if self._writer[0] == ffi.NULL:
            return
        frame = self._session.frame
        with self._session.handle as session:
            while call(lib.essence_session_next_frame, session, frame, ffi.NULL, ffi.NULL) == lib.ESSENCE_OK:
                call(lib.essence_mp4_writer_write_frame, self._writer[0], frame)

    def _finish(self) -> Rendered:
        if self._writer[0] == ffi.NULL:
            raise InvalidArgument("there is no audio to render")
        info = sized("essence_mp4_info")
        call(lib.essence_mp4_writer_finish, self._writer[0], info)
        return Rendered(self._path, info.frames, info.bytes, info.width, info.height, info.rate_hz)
