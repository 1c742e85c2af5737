"""``AsyncBithuman``: every member does what it says."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from typing import Awaitable, Callable, List, Optional

import numpy as np
import pytest
from bithuman import (
    AsyncBithuman,
    AudioChunk,
    InvalidArgument,
    RuntimeNotReadyError,
    UnknownAction,
    VideoControl,
    VideoFrame,
)
from conftest import MIKA, TOY, Pcm, threads
from conversations import TICK, Paced, heard, realtime, run, to_end, unpaced


def test_sizes_and_figures_are_known_before_the_first_frame() -> None:
    async def main() -> None:
        async with await AsyncBithuman.create(model_path=TOY, output_size=(100, 60)) as runtime:
            assert (runtime.frame_width, runtime.frame_height) == (100, 60)
            assert (runtime.sample_rate, runtime.fps) == (16_000, 25)
            settings = runtime.settings
            assert (settings.FPS, settings.INPUT_SAMPLE_RATE, settings.OUTPUT_WIDTH) == (25, 16_000, 100)
            assert runtime.latency == pytest.approx(0.16)
            first = runtime.get_first_frame()
            assert first is not None and first.shape == (60, 100, 3) and first.dtype == np.uint8 and first.any()
            assert runtime.avatar.name == "toy" and "wave" in runtime.avatar.motions
            assert runtime.provider.provider in ("builtin", "cpu") and runtime.provider.runtime_version
            name = runtime.transaction_id
            runtime._regenerate_transaction_id()
            assert name != runtime.transaction_id
            await runtime._initialize_token()

    run(main)


def test_one_side_of_the_output_size_keeps_the_proportions() -> None:
    async def main() -> None:
        async with await AsyncBithuman.create(model_path=TOY, output_size=128) as runtime:
            assert (runtime.frame_width, runtime.frame_height) == (128, 96)

    run(main)


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000, 44_100, 48_000])
def test_every_sample_comes_back_with_its_frame(speech: Pcm, rate: int) -> None:
    pcm = speech[0][: 3 * rate]

    async def main() -> List[VideoFrame]:
        async with await unpaced() as runtime:
            for start in range(0, len(pcm), 2 * 441):
                await runtime.push_audio(pcm[start : start + 2 * 441], rate, last_chunk=False)
            await runtime.flush()
            return await to_end(runtime)

    frames = run(main)
    assert len(frames) == 38, "ceil(1.5 s · 25)"
    assert heard(frames) == pcm
    assert [frame.frame_index for frame in frames] == list(range(38))
    assert [frame.end_of_speech for frame in frames] == [False] * 37 + [True]
    for frame in frames:
        assert frame.has_image and frame.bgr_image is not None and frame.bgr_image.shape == (48, 64, 3)
        assert frame.audio_chunk is not None and frame.audio_chunk.sample_rate == rate
        assert frame.audio_chunk.last_chunk is frame.end_of_speech
    assert frames[0].audio_chunk is not None and frames[0].audio_chunk.duration == pytest.approx(TICK, rel=0.01)


def test_last_chunk_ends_the_utterance(speech: Pcm) -> None:
    async def main() -> None:
        async with await unpaced() as runtime:
            await runtime.push_audio(speech[0][:32_000], 16_000)
            assert len(await to_end(runtime)) == 25
            await runtime.push_audio(np.frombuffer(speech[0], np.int16)[:16_000], 16_000)
            assert len(await to_end(runtime)) == 25, "another utterance, from an array"

    run(main)


def test_audio_may_come_while_frames_are_drawn(speech: Pcm) -> None:
    async def main() -> None:
        async with await unpaced() as runtime:
            drawing = asyncio.ensure_future(to_end(runtime))
            for start in range(0, 32_000, 640):
                await runtime.push_audio(speech[0][start : start + 640], 16_000, last_chunk=False)
                await asyncio.sleep(0)
            await runtime.flush()
            assert heard(await drawing) == speech[0][:32_000]

    run(main)


def test_in_real_time_there_is_a_frame_every_tick_speech_or_not(speech: Pcm) -> None:
    async def main() -> None:
        paced = await Paced.open()
        idle = [await paced.tick() for _ in range(5)]
        assert all(frame.has_image and frame.audio_chunk is None and not frame.is_speech for frame in idle)
        await paced.runtime.push_audio(speech[0][:16_000], 16_000)
        spoken = [await paced.tick() for _ in range(15)]
        assert [frame.is_speech for frame in spoken] == [True] * 13 + [False] * 2
        assert heard(spoken) == speech[0][:16_000]
        assert [frame.frame_index for frame in idle + spoken] == list(range(20))
        await paced.runtime.shutdown()

    run(main)


def test_a_frame_is_not_given_before_it_is_due() -> None:
    async def main() -> None:
        paced = await Paced.open()
        await paced.stream.__anext__()
        early = asyncio.ensure_future(paced.stream.__anext__())
        for _ in range(20):
            await asyncio.sleep(0)
        assert not early.done()
        paced.clock.advance(TICK)
        assert (await early).frame_index == 1
        await paced.runtime.shutdown()

    run(main)


def test_an_interruption_drops_audio_and_keeps_frames_coming(speech: Pcm) -> None:
    async def main() -> None:
        paced = await Paced.open()
        runtime = paced.runtime
        await runtime.push_audio(speech[0][:64_000], 16_000, last_chunk=False)
        for _ in range(10):
            assert (await paced.tick()).is_speech
        runtime.interrupt()
        after = [await paced.tick() for _ in range(10)]
        assert not any(frame.is_speech or frame.end_of_speech or frame.audio_chunk for frame in after)
        assert all(frame.has_image for frame in after), "the picture goes on"
        assert max(after[-1].arkit.values()) == 0, "the mouth is closed"
        await runtime.push_audio(speech[0][:16_000], 16_000)
        assert heard([await paced.tick() for _ in range(14)]) == speech[0][:16_000], "and speaks again"
        await runtime.shutdown()

    run(main)


def test_flushing_where_nothing_was_said_gives_an_end_all_the_same() -> None:
    async def main() -> None:
        paced = await Paced.open()
        await paced.runtime.flush()
        frames = [await paced.tick() for _ in range(3)]
        assert [frame.end_of_speech for frame in frames] == [True, False, False]
        await paced.runtime.shutdown()
        async with await unpaced() as runtime:
            await runtime.flush()
            (frame,) = await to_end(runtime)
            assert not frame.has_image and frame.bgr_image is None and frame.rgb_image is None and frame.planes == ()

    run(main)


def test_flushing_after_an_interruption_gives_no_end(speech: Pcm) -> None:
    async def main() -> None:
        paced = await Paced.open()
        await paced.runtime.push_audio(speech[0][:16_000], 16_000, last_chunk=False)
        paced.runtime.interrupt()
        await paced.runtime.flush()
        assert not any([(await paced.tick()).end_of_speech for _ in range(5)])
        await paced.runtime.shutdown()

    run(main)


def test_frames_name_the_message_that_their_audio_came_with(speech: Pcm) -> None:
    async def main() -> None:
        async with await unpaced() as runtime:
            for name, seconds in (("a", 1.0), ("b", 0.5)):
                audio = AudioChunk(np.frombuffer(speech[0], np.int16)[: int(16_000 * seconds)], 16_000)
                await runtime.push(VideoControl(audio=audio, message_id=name))
            await runtime.push(VideoControl(end_of_speech=True))
            names = [frame.source_message_id for frame in await to_end(runtime)]
            assert names == ["a"] * 25 + ["b"] * 13

    run(main)


def test_an_action_plays_once_in_an_utterance_unless_forced(speech: Pcm) -> None:
    wave = range(2, 7)

    async def main() -> None:
        paced = await Paced.open()
        runtime = paced.runtime

        async def plays() -> bool:
            frames = [await paced.tick() for _ in range(16)]
            shown = [frame.base_frame for frame in frames]
            return any(shown[i : i + 5] == list(wave) for i in range(len(shown)))

        async def speak() -> None:
            await runtime.push_audio(speech[0][:64_000], 16_000, last_chunk=False)

        assert not await plays(), "nobody has asked for it"
        await speak()
        await runtime.push(VideoControl(action="wave"))
        assert await plays()
        await runtime.push(VideoControl(action="wave"))
        assert not await plays(), "once in an utterance"
        await runtime.push(VideoControl(action=["wave"], force_action=True))
        assert await plays(), "forced"
        runtime.interrupt()
        await speak()
        await runtime.push(VideoControl(action="wave"))
        assert await plays(), "another utterance"
        await runtime.push(VideoControl(target_video="wave"))
        assert [await plays() for _ in range(3)] == [True] * 3, "over and over"
        await runtime.push(VideoControl(target_video=""))
        await plays()
        assert not await plays(), "and no more"
        await runtime.shutdown()

    run(main)


def test_an_unknown_action_says_what_there_is(speech: Pcm) -> None:
    async def main() -> None:
        async with await unpaced() as runtime:
            with pytest.raises(UnknownAction, match="dance.*idle, nod, talking, wave") as caught:
                await runtime.push(VideoControl(action="dance", audio=AudioChunk(np.ones(640, np.int16))))
            assert caught.value.code == "unknown_action" and isinstance(caught.value, LookupError)
            await runtime.flush()
            assert len(await to_end(runtime)) == 1, "spoken all the same"

    run(main)


def test_stopping_ends_frames_and_keeps_the_avatar(speech: Pcm) -> None:
    async def main() -> None:
        async with await unpaced() as runtime:
            await runtime.push_audio(speech[0], 16_000)
            stream = runtime.run()
            await stream.__anext__()
            await runtime.stop()
            assert [frame async for frame in stream] == [], "it has ended"
            await runtime.push_audio(speech[0][:32_000], 16_000)
            assert heard(await to_end(runtime)) == speech[0][:32_000], "queued audio was dropped, more is spoken"

    run(main)


def test_a_waiting_iterator_ends_when_frames_are_stopped() -> None:
    async def main(stop: "Callable[[AsyncBithuman], Optional[Awaitable[None]]]") -> None:
        runtime = await unpaced()

        async def frames() -> List[VideoFrame]:
            return [frame async for frame in runtime.run()]

        waiting = asyncio.ensure_future(frames())
        while runtime._frames is None or not runtime._frames.waited_for:
            await asyncio.sleep(0)
        stopping = stop(runtime)
        if stopping is not None:
            await stopping
        assert await waiting == []
        await runtime.shutdown()

    run(lambda: main(AsyncBithuman.stop))
    run(lambda: main(AsyncBithuman.shutdown))
    run(lambda: main(AsyncBithuman.cleanup))


def test_a_new_run_takes_over_from_the_one_before(speech: Pcm) -> None:
    async def main() -> None:
        async with await unpaced() as runtime:
            await runtime.push_audio(speech[0][:32_000], 16_000)
            first = runtime.run()
            begun = [await first.__anext__() for _ in range(3)]
            second = await to_end(runtime)
            assert heard(begun + second) == speech[0][:32_000], "nothing is lost between them"
            assert [frame async for frame in first] == []

    run(main)


def test_after_a_pause_a_new_run_goes_on_where_it_was_left(speech: Pcm) -> None:
    async def main() -> None:
        paced = await Paced.open()
        await paced.runtime.push_audio(speech[0][:32_000], 16_000)
        begun = [await paced.tick() for _ in range(5)]
        paced.clock.advance(0.5)
        paced.stream = paced.runtime.run()
        rest = [await paced.tick() for _ in range(20)]
        assert heard(begun + rest) == speech[0][:32_000]
        assert [frame.skipped for frame in rest] == [0] * 20, "nothing is late"
        assert [frame.frame_index for frame in begun + rest] == list(range(25))
        await paced.runtime.shutdown()

    run(main)


def test_a_slow_program_loses_pictures_and_no_sound(speech: Pcm) -> None:
    async def main() -> None:
        paced = await Paced.open()
        await paced.runtime.push_audio(speech[0][:32_000], 16_000)
        frames: List[VideoFrame] = []
        while not (frames and frames[-1].end_of_speech):
            frames.append(await paced.tick())
            paced.clock.advance(2 * TICK)
        assert heard(frames) == speech[0][:32_000]
        assert len(frames) + sum(frame.skipped for frame in frames) == 25 and len(frames) < 12
        await paced.runtime.shutdown()

    run(main)


def test_cancelling_loses_no_frame(speech: Pcm) -> None:
    async def main() -> None:
        # An avatar that takes its time, so that there is something to wait for.
        async with await AsyncBithuman.create(model_path=MIKA, pacing="unpaced", output_buffer_size=1) as runtime:
            await runtime.push_audio(speech[0][:128_000], 16_000)
            frames: List[VideoFrame] = []
            stream = runtime.run()
            cancelled = 0
            while not (frames and frames[-1].end_of_speech):
                waiting = asyncio.ensure_future(stream.__anext__())
                await asyncio.sleep(0)
                if not waiting.done() and cancelled < 10:
                    waiting.cancel()
                    cancelled += 1
                try:
                    frames.append(await waiting)
                except asyncio.CancelledError:
                    pass
            assert cancelled == 10 and heard(frames) == speech[0][:128_000]

    run(main)


def test_a_conversation_goes_on_in_another_event_loop(speech: Pcm) -> None:
    runtime = run(unpaced)

    async def speak() -> bytes:
        await runtime.push_audio(speech[0][:32_000], 16_000)
        return heard(await to_end(runtime))

    assert run(speak) == run(speak) == speech[0][:32_000]
    run(runtime.shutdown)


def test_what_is_shut_down_says_so() -> None:
    async def main() -> None:
        runtime = await unpaced()
        await runtime.shutdown()
        await runtime.shutdown()
        runtime.cleanup()
        await runtime.stop()
        with pytest.raises(RuntimeNotReadyError, match="shut down; create another") as caught:
            await runtime.push_audio(b"\0\0", 16_000)
        assert caught.value.code == "runtime_not_ready"
        with pytest.raises(RuntimeNotReadyError):
            runtime.run()
        with pytest.raises(RuntimeNotReadyError):
            runtime.interrupt()
        assert runtime.frame_width == 64, "figures stay"

    run(main)


@pytest.mark.parametrize("create", [unpaced, realtime])
def test_no_thread_is_left_however_it_ends(create: "Callable[[], Awaitable[AsyncBithuman]]") -> None:
    async def warm_up() -> None:
        await (await create()).shutdown()

    run(warm_up)
    gc.collect()
    before = threads(), threading.active_count()

    async def by(end: "Callable[[AsyncBithuman], Optional[Awaitable[None]]]", *, drawing: bool) -> None:
        runtime = await create()
        assert threading.active_count() == before[1] + 1
        if drawing:
            await runtime.push_audio(bytes(6_400), 16_000)
            await to_end(runtime)
        ending = end(runtime)
        if ending is not None:
            await ending
        worker = [thread for thread in threading.enumerate() if thread.name.startswith("bithuman")]
        del runtime
        gc.collect()
        for thread in worker:
            thread.join(10)

    async def forget(_: AsyncBithuman) -> None:
        """Leaves it to the garbage collector."""

    for drawing in (False, True):
        for end in (AsyncBithuman.shutdown, AsyncBithuman.cleanup, forget):
            asyncio.run(by(end, drawing=drawing))
            assert (threads(before[0]), threading.active_count()) == before, end


def test_after_shutdown_no_thread_is_left_to_wait_for() -> None:
    before = threading.active_count()

    async def main() -> None:
        runtime = await unpaced()
        await runtime.push_audio(bytes(64_000), 16_000)
        await runtime.run().__anext__()
        await runtime.shutdown()
        assert threading.active_count() == before

    run(main)


def test_cancelling_create_leaves_nothing() -> None:
    before = threading.active_count()

    async def main() -> None:
        creating = asyncio.ensure_future(AsyncBithuman.create(model_path=MIKA))
        await asyncio.sleep(0)
        creating.cancel()
        with pytest.raises(asyncio.CancelledError):
            await creating

    run(main)
    for thread in threading.enumerate():
        if thread.name.startswith("bithuman"):
            thread.join(10)
    assert threading.active_count() == before


def test_the_event_loop_goes_on_meanwhile(speech: Pcm) -> None:
    """The longest the loop stands still while an avatar opens and speaks, against a frame's time."""

    async def main() -> float:
        longest = 0.0
        done = asyncio.Event()

        async def watch() -> None:
            nonlocal longest
            while not done.is_set():
                begin = time.thread_time()
                await asyncio.sleep(0)
                longest = max(longest, time.thread_time() - begin)

        watching = asyncio.ensure_future(watch())
        await asyncio.sleep(0)
        async with await AsyncBithuman.create(model_path=MIKA, pacing="unpaced") as runtime:
            await runtime.push_audio(speech[0][:32_000], 16_000)
            await to_end(runtime)
        done.set()
        await watching
        return longest

    # Counted in the thread's own processor time, so that a busy machine does no harm, and three times, since a virtual machine's
    # host may take the processor away and count that, too.
    assert min(asyncio.run(main()) for _ in range(3)) < 0.04


def test_what_is_accepted_and_unused_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        runtime = await AsyncBithuman.create(
            model_path=str(TOY), api_secret="s", token="t", api_url="https://example.org", num_threads=2, tags=["x"]
        )
        await runtime.shutdown()

    with caplog.at_level("DEBUG", logger="bithuman"):
        run(main)
    lines = [record.getMessage() for record in caplog.records if "not used" in record.getMessage()]
    assert lines == ["not needed and not used: api_secret, token, api_url, tags"]
    assert "https" not in caplog.text


def test_an_avatar_has_to_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BITHUMAN_MODEL_PATH", raising=False)

    async def main() -> None:
        with pytest.raises(InvalidArgument, match="model_path"):
            await AsyncBithuman.create()
        monkeypatch.setenv("BITHUMAN_MODEL_PATH", str(TOY))
        await (await AsyncBithuman.create()).shutdown()

    run(main)
