"""Conversations for tests: in real time, unpaced, or on a clock of the test's."""

from __future__ import annotations

import asyncio
from typing import AsyncIterator, Awaitable, Callable, List, TypeVar

from bithuman import AsyncBithuman, FrameStream, ManualClock, VideoFrame
from conftest import TOY

T = TypeVar("T")

TICK = 0.04


def run(main: "Callable[[], Awaitable[T]]") -> T:
    """Runs a test's coroutine with asyncio's checks on."""

    async def checked() -> T:
        return await main()

    return asyncio.run(checked(), debug=True)


async def realtime() -> AsyncBithuman:
    return await AsyncBithuman.create(model_path=TOY)


async def unpaced(**options: object) -> AsyncBithuman:
    return await AsyncBithuman.create(model_path=TOY, pacing="unpaced", **options)  # type: ignore[arg-type]


async def to_end(runtime: AsyncBithuman) -> List[VideoFrame]:
    """Frames until the end of speech."""
    frames = []
    async for frame in runtime.run():
        frames.append(frame)
        if frame.end_of_speech:
            break
    return frames


async def upto_end(stream: FrameStream) -> "AsyncIterator[VideoFrame]":
    """Of one iterator, which goes on."""
    async for frame in stream:
        yield frame
        if frame.end_of_speech:
            break


def heard(frames: "List[VideoFrame]") -> bytes:
    return b"".join(frame.audio_chunk.bytes for frame in frames if frame.audio_chunk is not None)


class Paced:
    """A conversation in real time, on a clock of the test's."""

    def __init__(self, runtime: AsyncBithuman, clock: ManualClock) -> None:
        self.runtime = runtime
        self.clock = clock
        self.stream = runtime.run()

    @classmethod
    async def open(cls) -> "Paced":
        clock = ManualClock()
        return cls(await AsyncBithuman.create(model_path=TOY, clock=clock), clock)

    async def tick(self) -> VideoFrame:
        frame = await self.stream.__anext__()
        self.clock.advance(TICK)
        return frame
