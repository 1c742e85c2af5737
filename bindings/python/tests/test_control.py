"""What a server steers by: threads, limits, pause, mute, statistics, capacity, frames without pictures."""

from __future__ import annotations

import asyncio
from typing import Any, Awaitable, Callable, List

import bithuman
import numpy as np
import pytest
from bithuman import AsyncBithuman, Bithuman, Engine, ManualClock, VideoFrame
from conftest import TOY, Pcm

PCM = np.arange(16_000, dtype=np.int16) * 3


async def paced(**options: Any) -> "tuple[AsyncBithuman, Callable[[], Awaitable[VideoFrame]]]":
    """A conversation on a clock that is moved by hand, and what gives its next frame."""
    clock = ManualClock()
    runtime = await AsyncBithuman.create(model_path=TOY, clock=clock, **options)
    stream = runtime.run()

    async def tick() -> VideoFrame:
        frame = await stream.__anext__()
        clock.advance(0.04)
        return frame

    return runtime, tick


def test_speech_that_is_held_goes_on_where_it_was_held() -> None:
    async def main() -> None:
        runtime, tick = await paced()
        await runtime.push_audio(PCM)
        heard: List[bytes] = []
        for number in range(32):
            if number in (5, 12):
                runtime.set_paused(number == 5)
            frame = await tick()
            assert frame.has_image and (frame.audio_chunk is None) == (5 <= number < 12)
            heard.append(frame.audio_chunk.bytes if frame.audio_chunk else b"")
        assert b"".join(heard) == PCM.tobytes(), "nothing is lost"
        statistics = runtime.statistics
        assert (statistics.frames, statistics.speech, statistics.samples) == (32, 25, 16_000)
        assert (statistics.underruns, statistics.late, statistics.skipped) == (0, 0, 0)
        await runtime.shutdown()

    asyncio.run(main())


def test_muted_speech_takes_its_time_in_silence() -> None:
    async def main() -> None:
        runtime, tick = await paced()
        await runtime.push_audio(PCM)
        for number in range(25):
            if number in (5, 12):
                runtime.set_muted(number == 5)
            frame = await tick()
            assert frame.audio_chunk is not None and frame.is_muted == (5 <= number < 12)
            assert frame.audio_chunk.array.any() == (not frame.is_muted)
        assert frame.end_of_speech
        await runtime.shutdown()

    asyncio.run(main())


def test_a_composed_utterance_can_be_muted() -> None:
    with Bithuman.load(TOY) as composer:
        composer.set_muted(True)
        assert all(frame.is_muted for frame in composer.compose(PCM))
        composer.set_muted(False)
        frames = list(composer.compose(PCM))
        assert not any(frame.is_muted or frame.is_late for frame in frames)
        assert composer.statistics.frames == 50 and composer.statistics.worst_delay == 0


def test_a_frame_that_leaves_late_says_so() -> None:
    async def main() -> None:
        clock = ManualClock()
        runtime = await AsyncBithuman.create(model_path=TOY, clock=clock)
        stream = runtime.run()
        assert not (await stream.__anext__()).is_late
        clock.advance(0.075)
        assert (await stream.__anext__()).is_late
        statistics = runtime.statistics
        assert statistics.late == 1 and statistics.worst_delay == pytest.approx(0.035)
        await runtime.shutdown()

    asyncio.run(main())


def test_frames_without_pictures_carry_the_same_sound_and_curves(speech: Pcm) -> None:
    with Bithuman.load(TOY) as seen, Bithuman.load(TOY, pictures=False) as blind:
        pairs = list(zip(seen.compose(speech[0]), blind.compose(speech[0])))
    assert len(pairs) == 276
    for frame, without in pairs:
        assert frame.has_image and not without.has_image and without.planes == () and without.bgr_image is None
        assert frame.arkit == without.arkit and frame.base_frame == without.base_frame
        assert frame.audio_chunk is not None and without.audio_chunk is not None
        assert frame.audio_chunk.bytes == without.audio_chunk.bytes

    async def main() -> None:
        async with await AsyncBithuman.create(model_path=TOY, pacing="unpaced", pictures=False) as runtime:
            first = runtime.get_first_frame()
            assert first is not None and first.shape == (48, 64, 3), "it is known all the same"
            await runtime.push_audio(speech[0][:32_000])
            async for frame in runtime.run():
                assert not frame.has_image
                if frame.end_of_speech:
                    break

    asyncio.run(main())


def test_an_engine_has_the_threads_and_conversations_that_it_was_told() -> None:
    async def main() -> None:
        engine = Engine(provider="cpu", num_threads=1, max_sessions=1)
        assert (engine.threads, engine.sessions) == (1, 0)
        assert engine.runtime_version.startswith("1.") and "cpu" in engine.available_providers
        own = Engine(provider="builtin")
        assert own.runtime_version == "" and own.available_providers == ("builtin",)
        with bithuman.open(TOY, engine=own) as alone:
            assert alone.provider.provider == "builtin"
        first = await AsyncBithuman.create(model_path=TOY, engine=engine)
        assert engine.sessions == 1
        with pytest.raises(bithuman.LimitExceeded, match="1"):
            await AsyncBithuman.create(model_path=TOY, engine=engine)
        engine.set_max_sessions(None)
        second = await AsyncBithuman.create(model_path=TOY, engine=engine)
        assert engine.sessions == 2 and first._check().avatar is second._check().avatar
        engine.set_max_sessions(0)
        with pytest.raises(bithuman.LimitExceeded):
            await AsyncBithuman.create(model_path=TOY, engine=engine)
        assert len(list(bithuman.open(TOY, engine=engine).render(PCM))) == 25, "unpaced ones don't count"
        await first.shutdown()
        await second.shutdown()
        assert engine.sessions == 0

    asyncio.run(main())


def test_conversations_that_ask_for_the_same_threads_share_an_engine() -> None:
    async def main() -> None:
        async with await AsyncBithuman.create(model_path=TOY, num_threads=2) as first:
            async with await AsyncBithuman.create(model_path=TOY, num_threads=int(np.int64(2))) as second:
                avatar = first._check().avatar
                assert avatar is second._check().avatar and avatar.engine.threads == 2
            with bithuman.open(TOY, num_threads=1) as other:
                assert other._avatar is not None and other._avatar.engine.threads == 1
            with bithuman.open(TOY) as usual:
                assert usual._avatar is not None and usual._avatar.engine not in (avatar.engine, other._avatar)

    asyncio.run(main())


def test_base_frames_that_are_not_kept_are_the_same(speech: Pcm) -> None:
    frugal = Engine(base_cache_bytes=0)
    with bithuman.open(TOY) as usual, bithuman.open(TOY, engine=frugal) as other:
        for a, b in zip(usual.render(speech[0]), other.render(speech[0])):
            assert np.array_equal(a, b)
    with pytest.raises(bithuman.InvalidArgument, match="base_cache_bytes"):
        Engine(base_cache_bytes=-1)
    with pytest.raises(bithuman.InvalidArgument, match="max_sessions"):
        Engine(max_sessions=-1)


def test_no_more_audio_waits_than_was_allowed() -> None:
    async def main() -> None:
        async with await AsyncBithuman.create(model_path=TOY, pacing="unpaced", queue_limit=2) as runtime:
            await runtime.push_audio(bytes(2 * 16_000 * 2), last_chunk=False)
            with pytest.raises(bithuman.LimitExceeded, match="limit of 2 s"):
                await runtime.push_audio(bytes(320))

    asyncio.run(main())


def test_capacity_is_measured() -> None:
    with bithuman.open(TOY) as avatar:
        assert avatar.measure_capacity() > 0, "any machine can serve toys"

    async def main() -> int:
        async with await AsyncBithuman.create(model_path=TOY) as runtime:
            return await runtime.measure_capacity()

    assert asyncio.run(main()) > 0
