"""Frames of ``AsyncBithuman`` that are drawn ahead, or on their way when something changes."""

from __future__ import annotations

import asyncio
import time

from bithuman import AsyncBithuman, AudioChunk, VideoControl
from conftest import Pcm
from conversations import TICK, Paced, heard, realtime, run, to_end, unpaced, upto_end


def drawn_ahead(runtime: AsyncBithuman) -> int:
    """Waits until the thread has drawn what it wants to, while nobody takes it."""
    frames = runtime._open_frames()
    while frames.drawing:
        time.sleep(0.001)
    return len(frames._ready)


def test_unpaced_frames_are_drawn_ahead_and_no_more_than_was_asked_for(speech: Pcm) -> None:
    async def main(size: int) -> None:
        async with await unpaced(output_buffer_size=size) as runtime:
            await runtime.push_audio(speech[0][:64_000], 16_000)
            stream = runtime.run()
            first = await stream.__anext__()
            assert size <= drawn_ahead(runtime) <= 4 * size
            rest = await to_end(runtime)
            assert heard([first, *rest]) == speech[0][:64_000]
            assert [frame.frame_index for frame in rest] == list(range(1, 50))

    run(lambda: main(6))
    run(lambda: main(2))


def test_an_interruption_drops_what_was_drawn_ahead(speech: Pcm) -> None:
    async def main() -> None:
        async with await unpaced() as runtime:
            for _ in range(20):
                await runtime.push(VideoControl(audio=AudioChunk.from_bytes(speech[0][:64_000]), message_id="before"))
                stream = runtime.run()
                assert (await stream.__anext__()).source_message_id == "before"
                assert drawn_ahead(runtime) >= 3
                runtime.interrupt()
                after = AudioChunk.from_bytes(speech[0][64_000:96_000])
                await runtime.push(VideoControl(audio=after, message_id="after", end_of_speech=True))
                frames = [frame async for frame in upto_end(stream)]
                assert heard(frames) == after.bytes, "nothing stale, nothing lost"
                assert {frame.source_message_id for frame in frames if frame.audio_chunk} == {"after"}

    run(main)


def test_an_interruption_drops_what_is_being_drawn_ahead(speech: Pcm) -> None:
    async def main() -> None:
        async with await unpaced() as runtime:
            stream = runtime.run()
            for turn in range(100):
                await runtime.push_audio(speech[0][:64_000], 16_000, last_chunk=False)
                await stream.__anext__()
                drawn_ahead(runtime)
                # Until more is being drawn.
                while not runtime._open_frames().drawing:
                    await stream.__anext__()
                time.sleep(turn % 20 * 5e-5)
                runtime.interrupt()
                await runtime.push_audio(speech[0][64_000:70_400], 16_000)
                frames = [frame async for frame in upto_end(stream)]
                assert {frame._interruptions for frame in frames} == {turn + 1}
                assert heard(frames) == speech[0][64_000:70_400]

    run(main)


def test_a_frame_drawn_before_an_interruption_is_not_heard_after_it(speech: Pcm) -> None:
    async def main() -> None:
        paced = await Paced.open()
        runtime = paced.runtime
        await runtime.push_audio(speech[0][:32_000], 16_000)
        assert (await paced.tick()).is_speech
        waiting = asyncio.ensure_future(paced.stream.__anext__())
        await asyncio.sleep(0)
        assert drawn_ahead(runtime) == 1
        runtime.interrupt()
        paced.clock.advance(TICK)
        frame = await waiting
        assert frame.has_image and frame.audio_chunk is None and not frame.is_speech
        await runtime.shutdown()

    run(main)


def test_what_is_said_at_once_after_an_interruption_is_heard_from_its_first_sample(speech: Pcm) -> None:
    async def main() -> None:
        async with await realtime() as runtime:
            stream = runtime.run()
            for _ in range(3):
                await runtime.push_audio(speech[0][:32_000], 16_000, last_chunk=False)
                for _ in range(2):
                    await stream.__anext__()
                waiting = asyncio.ensure_future(stream.__anext__())
                # It waits for its time; on a busy machine that has come already, and the frame is one of before.
                await asyncio.sleep(0.01)
                before = waiting.done()
                runtime.interrupt()
                await runtime.push_audio(speech[0][32_000:48_000], 16_000)
                frames = [await waiting][before:] + [frame async for frame in upto_end(stream)]
                assert heard(frames) == speech[0][32_000:48_000]

    run(main)
