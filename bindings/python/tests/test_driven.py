"""The mouth driven from outside: curves, visemes, and gestures that begin and end."""

from __future__ import annotations

import asyncio
import struct
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any, List

import bithuman
import numpy as np
import pytest
from bithuman import AsyncBithuman, AudioChunk, Bithuman, Curves, UnknownAction, VideoControl, VideoFrame, Visemes
from conftest import MIKA, TOY, Pcm


async def utterance(runtime: AsyncBithuman) -> List[VideoFrame]:
    """The frames up to the end of an utterance, which is flushed here."""
    await runtime.flush()
    frames = []
    async for frame in runtime.run():
        frames.append(frame)
        if frame.end_of_speech:
            break
    return frames


async def unpaced(**options: Any) -> AsyncBithuman:
    return await AsyncBithuman.create(model_path=TOY, **{"pacing": "unpaced", **options})


def test_curves_pushed_out_and_in_again_give_the_same_frames(speech: Pcm) -> None:
    async def main() -> None:
        runtime = await AsyncBithuman.create(model_path=MIKA, pacing="unpaced")
        samples, rate = speech[0][: 2 * 16_000 * 2], speech[1]
        await runtime.push_audio(samples, rate, last_chunk=False)
        spoken = await utterance(runtime)
        await runtime.shutdown()
        runtime = await AsyncBithuman.create(model_path=MIKA, pacing="unpaced")
        names = list(spoken[0].arkit)
        runtime.push_curves(names, [k / 25 for k in range(len(spoken))], [list(frame.arkit.values()) for frame in spoken])
        await runtime.push_audio(samples, rate, last_chunk=False)
        again = await utterance(runtime)
        await runtime.shutdown()
        assert len(again) == len(spoken) == 50
        for one, other in zip(spoken, again):
            assert one.image is not None and other.image is not None
            assert np.array_equal(one.image, other.image) and one.arkit == other.arkit

    asyncio.run(main())


def test_visemes_without_sound_shut_the_lips() -> None:
    async def main() -> None:
        runtime = await unpaced(pictures=False)
        runtime.push_visemes([("sil", 0.0), ("aa", 0.3), ("PP", 0.6, 0.7), ("ou", 0.7, 1.0)], "oculus", without_sound=True)
        frames = await utterance(runtime)
        assert len(frames) == 25 and all(frame.is_speech and frame.audio_chunk is None for frame in frames)
        assert max(frame.arkit["mouthPressLeft"] for frame in frames[15:18]) > 0.39
        assert frames[11].arkit["jawOpen"] > 0.4 and frames[2].arkit["jawOpen"] == 0
        # A flush behind them ends nothing else.
        runtime.push_curves(["jawOpen"], np.array([0.0]), np.array([[0.5]]))
        assert [frame.arkit["jawOpen"] for frame in await utterance(runtime)] == [0.5]
        await runtime.shutdown()

    asyncio.run(main())


def test_what_is_wrong_with_curves_and_visemes_is_named() -> None:
    async def main() -> None:
        runtime = await unpaced()
        for values, error, said in (
            ((["jawOpn"], [0.0], [0.0]), bithuman.InvalidArgument, "jawOpn"),
            ((["jawOpen"], [0.0], [0.0, 1.0]), bithuman.InvalidArgument, "a value each"),
            ((["jawOpen"], ["now"], [0.0]), bithuman.InvalidType, "times"),
            (("jawOpen", [0.0], [0.0]), bithuman.InvalidType, "sequence of strings"),
            ((["jaw\0"], [0.0], [0.0]), bithuman.InvalidArgument, "character 0"),
        ):
            with pytest.raises(error, match=said):
                runtime.push_curves(*values)
        with pytest.raises(bithuman.InvalidArgument, match="set of visemes"):
            runtime.push_visemes([("AA", 0.0)], "sapi")
        with pytest.raises(bithuman.InvalidArgument, match="`QQ`"):
            runtime.push_visemes([("QQ", 0.0)], "arpabet")
        with pytest.raises(bithuman.InvalidType, match="tuples"):
            runtime.push_visemes(["AA"], "arpabet")  # type: ignore[list-item]
        await runtime.shutdown()

    asyncio.run(main())


def test_frames_name_the_gesture_that_begins_and_ends() -> None:
    async def main() -> None:
        runtime = await unpaced()
        await runtime.push(VideoControl(action="wave"))
        await runtime.push_audio(np.ones(32_000, np.int16), last_chunk=False)
        frames = await utterance(runtime)
        started = [frame.gesture_started for frame in frames if frame.gesture_started]
        ended = [frame.gesture_ended for frame in frames if frame.gesture_ended]
        assert started == ended == ["wave"]
        await runtime.shutdown()

    asyncio.run(main())


def test_an_utterance_is_composed_from_visemes_and_from_curves() -> None:
    with Bithuman.load(TOY, pictures=False) as avatar:
        visemes = Visemes([("sil", 0.0), ("aa", 0.3), ("PP", 0.6, 0.7), ("ou", 0.7, 1.0)], "oculus")
        frames = list(avatar.compose(visemes=visemes))
        assert len(frames) == 25 and all(frame.is_speech and frame.audio_chunk is None for frame in frames)
        assert max(frame.arkit["mouthPressLeft"] for frame in frames[15:18]) > 0.39
        # With sound they drive the mouth of the same frames.
        silence = np.zeros(16_000, np.int16)
        spoken = list(avatar.compose(silence, visemes=visemes))
        assert [frame.arkit for frame in spoken] == [frame.arkit for frame in frames]
        assert all(frame.audio_chunk is not None for frame in spoken)
        curves = Curves(["jawOpen"], [k / 25 for k in range(25)], [[k / 25] for k in range(25)])
        opened = [frame.arkit["jawOpen"] for frame in avatar.compose(silence, curves=curves)]
        assert np.allclose(opened, [k / 25 for k in range(25)])
        with pytest.raises(bithuman.InvalidArgument, match="nothing to compose"):
            avatar.compose()
        with pytest.raises(bithuman.InvalidType, match="bithuman.Visemes"):
            avatar.compose(silence, visemes=visemes.visemes)  # type: ignore[arg-type]
        with pytest.raises(bithuman.InvalidArgument, match="jawOpn"):
            next(avatar.compose(curves=Curves(["jawOpn"], [0.0], [0.0])))
        # What was refused leaves nothing behind.
        assert len(list(avatar.compose(silence))) == 25


def test_a_message_comes_back_on_the_frames_of_its_audio(speech: Pcm) -> None:
    samples = np.frombuffer(speech[0], np.int16)
    with Bithuman.load(TOY, pictures=False) as avatar:
        for message in ("first", None, "second"):
            frames = list(avatar.compose(samples[:8_000], message_id=message))
            assert [frame.source_message_id for frame in frames] == [message] * 13

    async def main() -> None:
        runtime = await unpaced(pictures=False)
        # "b" begins within the fourth frame: that frame's first sample is of "a".
        for message, count in (("a", 2_000), ("b", 3_000), ("b", 3_000)):
            await runtime.push(VideoControl(audio=AudioChunk(samples[:count], last_chunk=False), message_id=message))
        await runtime.push_audio(samples[:640], last_chunk=False)
        frames = await utterance(runtime)
        assert [frame.source_message_id for frame in frames] == ["a"] * 4 + ["b"] * 9 + [None]
        # An interruption drops messages with their audio.
        await runtime.push(VideoControl(audio=AudioChunk(samples[:64_000]), message_id="dropped"))
        async for _ in runtime.run():
            break
        runtime.interrupt()
        await runtime.push(VideoControl(audio=AudioChunk(samples[:6_400]), message_id="after"))
        spoken = [frame.source_message_id for frame in await utterance(runtime) if frame.audio_chunk]
        assert spoken == ["after"] * 10
        await runtime.shutdown()

    asyncio.run(main())


def test_an_utterance_after_one_that_was_left_begins_at_once(speech: Pcm) -> None:
    with Bithuman.load(TOY) as avatar:
        frames = avatar.compose(speech[0][:64_000])
        last = [next(frames).frame_index for _ in range(6)][-1]
        frames.close()
        again = [frame.frame_index for frame in avatar.compose(speech[0][:32_000])]
        assert again == list(range(last + 1, last + 26)), "no picture that closes the mouth comes between"


def png(pixels: "np.ndarray[Any, np.dtype[np.uint8]]") -> bytes:
    """A picture, red first, as a file."""
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_a_portrait_shows_emotions(tmp_path: Path) -> None:
    with Bithuman.load(MIKA, pixel_format="rgb") as avatar:
        assert avatar.info.emotions == ("neutral",)
        face = next(avatar.compose(np.zeros(6_400, np.int16))).image
        with pytest.raises(UnknownAction, match="joy.*neutral"):
            avatar.set_emotion("joy", 0.5)
        avatar.set_emotion("neutral")
    assert face is not None
    path = tmp_path / "face.png"
    path.write_bytes(png(face))
    with Bithuman.load(path) as avatar:
        assert avatar.info.emotions == ("neutral", "joy", "sadness", "anger", "surprise", "fear", "disgust")
        neutral = list(avatar.compose(np.zeros(16_000, np.int16)))
    with Bithuman.load(path) as avatar:
        avatar.set_emotion("joy", 0.8)
        joy = list(avatar.compose(np.zeros(16_000, np.int16)))
        for strength, error in ((1.5, bithuman.InvalidArgument), ("much", bithuman.InvalidType)):
            with pytest.raises(error, match="strength"):
                avatar.set_emotion("joy", strength)  # type: ignore[arg-type]
        with pytest.raises(bithuman.InvalidArgument, match="`bliss` is not an emotion"):
            avatar.set_emotion("bliss")
    first, last = (np.abs(_image(neutral[k]).astype(int) - _image(joy[k])).mean() for k in (0, 24))
    assert last > 0.3 and first < last / 5, "it comes slowly"

    async def main() -> None:
        runtime = await AsyncBithuman.create(model_path=path, pacing="unpaced")
        score = [("ANGER", 0.1), SimpleNamespace(emotion=SimpleNamespace(value="JOY"), score=0.8)]
        await runtime.push(VideoControl(emotion_preds=score))
        await runtime.push_audio(np.zeros(16_000, np.int16), last_chunk=False)
        frames = await utterance(runtime)
        assert all(np.array_equal(_image(one), _image(other)) for one, other in zip(joy, frames))
        await runtime.shutdown()
        # One that was filmed passes over what it can't show.
        runtime = await unpaced()
        await runtime.push(VideoControl(emotion_preds=score))
        with pytest.raises(bithuman.InvalidType, match="pairs"):
            await runtime.push(VideoControl(emotion_preds=["joy"]))
        await runtime.shutdown()

    asyncio.run(main())


def _image(frame: VideoFrame) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    assert frame.image is not None
    return frame.image
