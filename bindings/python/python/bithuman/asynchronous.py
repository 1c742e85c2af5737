"""The streaming surface: audio in as it comes, frames out at 25 a second, nothing that blocks the event loop."""

from __future__ import annotations

import asyncio
import functools
import os
import uuid
import weakref
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Optional, Sequence, Tuple, Type, Union

import numpy as np

from . import _abi, _arguments, _engine, _pcm
from ._abi import Unique
from ._arguments import Background, Colour, Fit, Size
from ._log import logger
from ._prefetch import Prefetcher
from ._session import Clock, ManualClock, Session, Statistics
from ._worker import Worker
from .driving import Viseme
from .exceptions import InvalidArgument, InvalidType, RuntimeNotReadyError
from .frames import AudioChunk, VideoControl, VideoFrame
from .settings import FPS, INPUT_SAMPLE_RATE, Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._engine import AvatarFile, AvatarInfo, ProviderReport

__all__ = ["AsyncBithuman", "FrameStream"]


class AsyncBithuman(Unique):
    """One conversation with an avatar. Made by :meth:`create`; used from one event loop at a time.

    Push audio as it comes and draw frames from :meth:`run` at the same time. In real time, which is the default, there is a
    frame every 40 ms, speech or not, and a frame of speech carries the exact 40 ms of audio that belong to it.

    ``async with await AsyncBithuman.create(...) as runtime:`` shuts it down at the end.
    """

    def __init__(self, opened: "_Opened") -> None:
        self._opened: Optional[_Opened] = opened
        self._avatar_info = opened.avatar.info
        self._provider = opened.avatar.provider
        self._first_frame = opened.first_frame
        self._latency = opened.frames.session.latency
        self._settings = Settings(opened.frames.session.width, opened.frames.session.height)
        self._frames: Optional[Prefetcher] = opened.frames
        self._transaction_id = uuid.uuid4().hex
        self._stream: Optional[FrameStream] = None
        # Samples that no frame has carried away yet.
        self._unheard = 0
        self._owes_end = False
        self._silenced = False
        # Curves or visemes were pushed since the last flush.
        self._driven = False
        self._finalizer = weakref.finalize(self, opened.release)

    @classmethod
    async def create(
        cls,
        *,
        model_path: "Optional[_engine.Source]" = None,
        api_secret: Optional[str] = None,
        token: Optional[str] = None,
        api_url: Optional[str] = None,
        agent_code: Optional[str] = None,
        output_size: Size = None,
        num_threads: int = 0,
        input_buffer_size: int = 0,
        output_buffer_size: int = 6,
        pacing: str = "realtime",
        pixel_format: str = "bgr",
        letterbox: Colour = None,
        fit: Fit = "contain",
        background: Background = None,
        yuv: str = "bt601",
        queue_limit: int = 600,
        pictures: bool = True,
        provider: str = "auto",
        runtime_library: Union[str, "os.PathLike[str]", None] = None,
        engine: "Optional[_engine.Engine]" = None,
        clock: Optional[Clock] = None,
        **unused: object,
    ) -> "AsyncBithuman":
        """Opens an avatar. Avatars that are open already are shared.

        Args:
            model_path: The path of an ``.imx`` file, its bytes, or the file opened to be read as bytes. Default: the environment's
                ``BITHUMAN_MODEL_PATH``.
            api_secret: Unused, as are ``token`` and ``api_url``: nothing here needs a permission.
            token: Unused.
            api_url: Unused.
            agent_code: Name of an avatar in ``~/.cache/bithuman``, instead of ``model_path``.
            output_size: Size of the pictures: ``(width, height)``, or the longer side alone. Default: the avatar's own.
            num_threads: Threads that prepare frames, and networks that run at a time, for all conversations together that ask for the
                same number (see :class:`Engine`). 0: as many as the process may use cores.
            input_buffer_size: Unused: what is pushed is kept until it is spoken, up to ``queue_limit``.
            output_buffer_size: Unpaced, half of how many frames (twelve at most) are drawn in one go, while those of the go before wait
                to be taken, so that drawing and the event loop need not wait for each other. In real time a frame is drawn when it is due.
            pacing: ``realtime``, or ``unpaced``: frames as fast as they can be had, and none but speech.
            pixel_format: ``bgr``, ``rgb``, ``bgra``, ``rgba``, ``i420`` or ``nv12``.
            letterbox: Red, green and blue of the bars where the avatar's proportions differ from ``output_size``. Default: black.
            fit: ``contain`` (with bars), ``cover`` (cut off), or the left and top of the part that is cut out at its own scale.
            background: A colour, or a picture as (height, width, 3) uint8, red first, behind an avatar that was keyed and in place of bars.
                None: formats with alpha are transparent there.
            yuv: Of ``i420`` and ``nv12``: ``bt601``, ``bt709``, ``bt601-full`` or ``bt709-full``.
            queue_limit: Most audio that may wait to be spoken, in seconds; pushing more raises :class:`LimitExceeded`.
            pictures: False: frames carry sound, ARKit values and the number of the base frame, at a fraction of the cost.
            provider: ``auto``, ``builtin``, ``cpu``, ``cuda``, ``coreml``, ``openvino`` or ``webgpu``.
            runtime_library: ONNX Runtime's library. Default: ``ORT_DYLIB_PATH``, then the ``onnxruntime`` package's.
            engine: The engine to open it with, instead of ``provider``, ``runtime_library`` and ``num_threads``.
            clock: A clock of the program's instead of the system's: a :class:`HostClock` at the pace of a sound card, or, for tests, a
                :class:`ManualClock` that is moved by hand.
            unused: Arguments of other versions. Logged.

        Raises:
            ModelNotFoundError: There is no such file.
            BithumanError: It can't be used; the class says why.
        """
        _engine.log_unused({"api_secret": api_secret, "token": token, "api_url": api_url, **unused})
        source = model_path or agent_code or os.environ.get("BITHUMAN_MODEL_PATH")
        if not source:
            raise InvalidArgument("no avatar: give model_path, or set BITHUMAN_MODEL_PATH")
        conversation = functools.partial(
            Session,
            pacing=pacing,
            pixel_format=pixel_format,
            size=output_size,
            letterbox=letterbox,
            clock=clock,
            queue_limit=queue_limit,
            pictures=pictures,
            fit=fit,
            background=background,
            yuv=yuv,
        )
        ahead_frames = _arguments.count(output_buffer_size, "output_buffer_size")
        worker = Worker()
        prefetcher = functools.partial(Prefetcher, worker=worker, ahead=ahead_frames, paced=pacing != "unpaced")
        avatar = functools.partial(_engine.open_avatar, source, provider, runtime_library, num_threads, engine)
        try:
            opened = await worker.result(functools.partial(_Opened, worker, conversation, prefetcher, avatar))
        except BaseException:
            worker.end()
            raise
        runtime = cls(opened)
        if isinstance(clock, ManualClock):
            clock._listeners.add(runtime)
        return runtime

    # Facts about it.

    @property
    def frame_width(self) -> int:
        """Width of the pictures in pixels."""
        return self._settings.OUTPUT_WIDTH

    @property
    def frame_height(self) -> int:
        """Height of the pictures in pixels."""
        return self._settings.OUTPUT_HEIGHT

    @property
    def sample_rate(self) -> int:
        """Samples a second that the networks hear. Audio at any other rate is resampled for them."""
        return INPUT_SAMPLE_RATE

    @property
    def fps(self) -> int:
        """Frames a second."""
        return FPS

    @property
    def settings(self) -> Settings:
        """These figures under the names that programs know them by."""
        return self._settings

    @property
    def latency(self) -> float:
        """Seconds from speaking to the frame that shows it, where audio is pushed as it is spoken."""
        return self._latency

    @property
    def avatar(self) -> "AvatarInfo":
        """What the avatar is."""
        return self._avatar_info

    @property
    def provider(self) -> "ProviderReport":
        """Which execution provider runs it, and why not another."""
        return self._provider

    @property
    def statistics(self) -> Statistics:
        """Counts of what has happened in the conversation so far. :meth:`stop` begins another."""
        return self._open_session().statistics()

    async def measure_capacity(self) -> int:
        """Measures how many conversations with this avatar the engine's threads can keep speaking in real time.

        Draws some forty frames. A machine that is busy with something else gives fewer.
        """
        avatar = self._check().avatar
        return await asyncio.get_running_loop().run_in_executor(None, avatar.measure_capacity)

    @property
    def transaction_id(self) -> str:
        """A name of this conversation, for logs."""
        return self._transaction_id

    def _regenerate_transaction_id(self) -> None:
        self._transaction_id = uuid.uuid4().hex

    async def _initialize_token(self) -> None:
        """Nothing to do: there are no tokens here."""

    def get_first_frame(self) -> "Optional[NDArray[np.uint8]]":
        """The avatar at rest, as (height, width, 3) uint8, blue first, known from the start."""
        return None if self._first_frame is None else self._first_frame.copy()

    # Audio in.

    async def push_audio(
        self, data: "Union[_pcm.Piece, NDArray[Any]]", sample_rate: int = INPUT_SAMPLE_RATE, last_chunk: bool = True
    ) -> None:
        """Takes speech.

        Args:
            data: s16le bytes, mono, or int16 or float samples: an array of numpy's, an ``array.array``, a memoryview, a list.
            sample_rate: 8,000 to 192,000 samples a second, the same throughout an utterance.
            last_chunk: Ends the utterance, as :meth:`flush` does.
        """
        self._push(_pcm.samples(data), sample_rate, None)
        if last_chunk:
            await self.flush()

    async def push(self, control: VideoControl) -> None:
        """Takes speech, plays a motion, shows an emotion, or all of it.

        ``action`` plays once in an utterance unless ``force_action``; ``target_video`` plays over and over, until another or "". Of
        ``emotion_preds`` the likeliest is shown where the avatar can.

        Raises:
            UnknownAction: The avatar has no such motion. Audio of the same command is spoken all the same.
        """
        session = self._open_session()
        # First, so that an action counts for the utterance that it comes with.
        if control.audio is not None:
            if not isinstance(control.audio, AudioChunk):
                raise InvalidType(f"audio of a command is an AudioChunk, not {type(control.audio).__name__}")
            self._push(_pcm.samples(control.audio), control.audio.sample_rate, control.message_id)
        if control.target_video is not None:
            session.set_loop(control.target_video or None)
        if control.emotion_preds:
            emotion, strength = _strongest(control.emotion_preds)
            if emotion in self._avatar_info.emotions:
                session.set_emotion(emotion, strength)
            else:
                logger.debug("not used: the avatar can't show the emotion %s", emotion)
        for action in _actions(control):
            session.perform(action, control.force_action)
        if control.end_of_speech:
            await self.flush()
        if control.text is not None:
            logger.debug("not used: text")

    async def flush(self) -> None:
        """Ends the utterance. Its last frame has ``end_of_speech``; so has the next frame if nothing is left to be spoken."""
        self._open_session().flush()
        # The library marks the end of speech. A flush without speech is answered by an end, too.
        self._owes_end = self._owes_end or not (self._unheard or self._silenced or self._driven)
        self._driven = False
        self._wake()

    def interrupt(self) -> None:
        """Drops queued audio and prefetched frames at once. :meth:`run` stays alive: the mouth closes, and the next
        audio is spoken.
        """
        self._check()
        if self._frames is not None:
            self._frames.interrupt()
        self._owes_end = False
        self._silenced = True
        self._unheard = 0
        self._wake()

    def set_paused(self, paused: bool) -> None:
        """Holds speech back, or lets it go on where it was held. What is held loses nothing; the mouth closes and the avatar idles."""
        self._open_session().set_paused(paused)
        self._wake()

    def set_muted(self, muted: bool) -> None:
        """Mutes speech, or lets it be heard again. Muted speech takes its time, but its samples are zeros and the mouth rests."""
        self._open_session().set_muted(muted)
        self._wake()

    def set_emotion(self, emotion: str, strength: float = 1.0) -> None:
        """Lets the face show an emotion in place of the one before, until another one is asked for. It comes and goes within 0.7 s.

        Args:
            emotion: ``neutral``, ``joy``, ``sadness``, ``anger``, ``surprise``, ``fear`` or ``disgust``.
            strength: From 0 to 1.

        Raises:
            UnknownAction: Not one of the avatar's ``emotions``: one that was filmed has ``neutral`` alone.
        """
        self._open_session().set_emotion(emotion, strength)

    def push_curves(
        self, names: "Sequence[str]", times: Any, values: Any, *, ignore_unknown: bool = False, without_sound: bool = False
    ) -> None:
        """Takes ARKit values of the mouth at times, for the utterance that is being pushed; they begin one if there is none.

        From a keyframe to the next one, linearly interpolated, the values that both name replace what the speech network makes.
        Push them before the sound of their time. Frames' ``arkit`` values, pushed back with the same sound, give the same frames.

        Args:
            names: ARKit's names, of the avatar's ``arkit_names``.
            times: Seconds from the utterance's start, ascending; frame k shows the values at k / 25.
            values: (times, names), clamped to [0, 1].
            ignore_unknown: Passes over names that the avatar lacks instead of refusing them.
            without_sound: No sound comes with this utterance; frames come as keyframes do.
        """
        self._open_session().push_curves(names, times, values, ignore_unknown=ignore_unknown, without_sound=without_sound)
        self._driven = True
        self._wake()

    def push_visemes(
        self, visemes: "Sequence[Viseme]", set: str, *, ignore_unknown: bool = False, without_sound: bool = False
    ) -> None:
        """Takes visemes or phonemes with their times, as speech engines give them, for the utterance that is being pushed; they begin
        one if there is none.

        The utterance takes its whole mouth from them. Lips shut for p, b and m in at least one frame. Push them before the sound of
        their time.

        Args:
            visemes: (symbol, start) or (symbol, start, end), seconds from the utterance's start. Without an end, a viseme lasts until
                the next one begins.
            set: Whose symbols: ``arpabet``, ``azure``, ``espeak``, ``ipa``, ``oculus`` or ``polly``.
            ignore_unknown: Takes symbols that the set lacks as a part of the viseme before instead of refusing them.
            without_sound: No sound comes with this utterance; frames come as visemes do.
        """
        self._open_session().push_visemes(visemes, set, ignore_unknown=ignore_unknown, without_sound=without_sound)
        self._driven = True
        self._wake()

    def _push(self, samples: "NDArray[Any]", sample_rate: int, message_id: Optional[str]) -> None:
        self._open_session().push(samples, sample_rate, message_id)
        if len(samples):
            self._silenced = False
            self._unheard += len(samples)
        self._wake()

    # Frames out.

    def run(self) -> "FrameStream":
        """Frames, as an async iterator: 25 a second in real time, speech or not.

        Leaving the loop keeps what was pushed: the next :meth:`run` goes on where it was left, however long that is ago. A new one
        ends the one before.
        """
        self._open_session().restart_clock()
        self._stream = FrameStream(self)
        self._wake(everybody=True)
        return self._stream

    def _account(self, frame: "Union[VideoFrame, BaseException]", interrupted: bool) -> VideoFrame:
        """Puts on a frame what this side knows of it."""
        if not isinstance(frame, VideoFrame):
            raise frame
        if interrupted:
            # Drawn before the interruption: a picture to show, but nothing to hear.
            frame.audio_chunk = None
            frame.is_speech = frame.end_of_speech = False
            frame.source_message_id = None
            return frame
        if frame.audio_chunk is not None:
            self._unheard = max(0, self._unheard - len(frame.audio_chunk))
        if self._owes_end and not frame.is_speech:
            self._owes_end = False
            frame.end_of_speech = True
        return frame

    def _wake(self, everybody: bool = False) -> None:
        if self._frames is not None:
            self._frames.wake(everybody)

    # The end.

    async def start(self) -> None:
        """Nothing to do: :meth:`run` and :meth:`push_audio` begin by themselves."""
        self._open_session()

    async def stop(self) -> None:
        """Stops frames and drops queued audio; iterators of :meth:`run` end. The avatar stays open, for another :meth:`run`."""
        self._stop()

    async def shutdown(self) -> None:
        """Ends everything; no thread and no memory of the library's is left. Calling it again is fine."""
        opened = self._end()
        if opened is not None:
            await opened.worker.result(opened.release)
            opened.worker.join()

    def cleanup(self) -> None:
        """The same as :meth:`shutdown` for callers that can't wait: a frame that is being drawn ends by itself."""
        opened = self._end()
        if opened is not None:
            opened.release()

    def _stop(self) -> None:
        frames, self._frames = self._frames, None
        self._stream = None
        self._owes_end = False
        self._unheard = 0
        if frames is not None:
            frames.close()

    def _end(self) -> "Optional[_Opened]":
        self._stop()
        self._finalizer.detach()
        opened, self._opened = self._opened, None
        return opened

    def _open_session(self) -> Session:
        return self._open_frames().session

    def _open_frames(self) -> Prefetcher:
        opened = self._check()
        if self._frames is None:
            self._frames = opened.converse()
        return self._frames

    def _check(self) -> "_Opened":
        _abi.check_fork()
        if self._opened is None:
            raise RuntimeNotReadyError("this runtime is shut down; create another")
        return self._opened

    async def __aenter__(self) -> "AsyncBithuman":
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.shutdown()


class FrameStream(Unique):
    """What :meth:`AsyncBithuman.run` gives: an async iterator of :class:`VideoFrame`."""

    def __init__(self, runtime: AsyncBithuman) -> None:
        self._runtime = runtime

    def __aiter__(self) -> "FrameStream":
        return self

    async def __anext__(self) -> VideoFrame:
        runtime = self._runtime
        while True:
            frames = runtime._frames
            if frames is None or runtime._stream is not self:
                raise StopAsyncIteration
            # A frame whose waiter was cancelled is for the next call.
            drawn = frames.take()
            if drawn is not None:
                return runtime._account(*drawn)
            if runtime._owes_end and frames.exhausted:
                runtime._owes_end = False
                return VideoFrame(end_of_speech=True)
            await frames.wait()

    async def aclose(self) -> None:
        """Ends the iterator. The conversation goes on."""
        if self._runtime._stream is self:
            self._runtime._stream = None
            self._runtime._wake(everybody=True)


class _Opened:
    """What has to be given back: the worker's thread, the avatar, the conversation. Made in that thread."""

    def __init__(
        self,
        worker: Worker,
        conversation: "Callable[..., Session]",
        prefetcher: "Callable[[Session], Prefetcher]",
        avatar: "Callable[[], AvatarFile]",
    ) -> None:
        self.worker = worker
        self._conversation = conversation
        self._prefetcher = prefetcher
        self.avatar = avatar()
        self.frames: Prefetcher = self.converse()
        self.first_frame = self._at_rest()

    def converse(self) -> Prefetcher:
        """Begins a conversation."""
        self.frames = self._prefetcher(self._conversation(self.avatar))
        return self.frames

    def _at_rest(self) -> "Optional[NDArray[np.uint8]]":
        session = self._conversation(self.avatar, pacing="unpaced", pixel_format="bgr", clock=None, pictures=True)
        session.push(np.zeros(INPUT_SAMPLE_RATE // FPS, np.int16), INPUT_SAMPLE_RATE)
        session.flush()
        frame = session.draw()
        session.close()
        return None if frame is None else frame.bgr_image

    def release(self) -> None:
        """Gives all back without waiting for a draw that is under way; safe in any thread, and more than once."""
        self.frames.session.close()
        self.worker.end()


def _actions(control: VideoControl) -> "Sequence[str]":
    if control.action is None:
        return ()
    if isinstance(control.action, str):
        return (control.action,)
    try:
        return tuple(control.action)
    except TypeError:
        raise InvalidType(f"an action is the name of a motion, or several, not {type(control.action).__name__}") from None


def _strongest(predictions: "Sequence[Any]") -> "Tuple[str, float]":
    """The likeliest of some predictions: objects with ``emotion`` and ``score``, or pairs of both."""
    pairs = []
    for prediction in predictions:
        try:
            emotion, score = prediction if isinstance(prediction, (tuple, list)) else (prediction.emotion, prediction.score)
            pairs.append((float(score), str(getattr(emotion, "value", emotion)).lower()))
        except (AttributeError, TypeError, ValueError):
            raise InvalidType("emotion_preds are pairs (emotion, score), or objects with `emotion` and `score`") from None
    score, emotion = max(pairs)
    return emotion, min(max(score, 0.0), 1.0)
