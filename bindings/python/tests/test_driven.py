"""The mouth driven from outside: curves, visemes, and gestures that begin and end."""

from __future__ import annotations

import asyncio
from typing import Any, List

import bithuman
import numpy as np
import pytest
from bithuman import AsyncBithuman, VideoControl, VideoFrame
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
