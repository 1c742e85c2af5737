"""``pipecat-bithuman``, as it comes from the registry, drives this package: its video service in a pipeline."""

from __future__ import annotations

import asyncio
import sys
import zlib
from typing import Any, Callable, List, Tuple

import pytest
from conftest import SPEECH, TOY, Pcm, needs, read_wav

if sys.version_info < (3, 11):
    pytest.skip("pipecat needs Python 3.11", allow_module_level=True)
needs("pipecat-bithuman")

from pipecat.frames.frames import (
    EndFrame,
    ErrorFrame,
    Frame,
    InterruptionFrame,
    OutputImageRawFrame,
    TTSAudioRawFrame,
    TTSStoppedFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner
from pipecat_bithuman import BitHumanRuntime, BitHumanVideoService


class Sink(FrameProcessor):  # type: ignore[misc, unused-ignore]
    """What comes out at the end of the pipeline."""

    def __init__(self) -> None:
        super().__init__(enable_direct_mode=True)
        self.pictures: List[Tuple[Any, int]] = []
        self.sound = bytearray()
        self.rates: "set[int]" = set()
        self.stopped = asyncio.Event()
        self.errors: List[str] = []

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, OutputImageRawFrame):
            self.pictures.append((frame.size, zlib.crc32(frame.image)))
        elif isinstance(frame, TTSAudioRawFrame):
            self.sound += frame.audio
            self.rates.add(frame.sample_rate)
        elif isinstance(frame, TTSStoppedFrame):
            self.stopped.set()
        await self.push_frame(frame, direction)

    async def until(self, condition: "Callable[[], bool]") -> None:
        """Waits while pictures come."""
        seen = len(self.pictures)
        while not condition():
            await asyncio.sleep(0.01)
            assert len(self.pictures) < seen + 500, "twenty seconds of pictures"


class Source(FrameProcessor):  # type: ignore[misc, unused-ignore]
    """What goes upstream, to the beginning of the pipeline."""

    def __init__(self) -> None:
        super().__init__(enable_direct_mode=True)
        self.errors: List[str] = []

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, ErrorFrame):
            self.errors.append(frame.error)
        await self.push_frame(frame, direction)


async def in_a_pipeline(service: BitHumanVideoService, talk: "Callable[[PipelineWorker, Sink], Any]") -> "Tuple[Source, Sink]":
    """Runs ``talk`` beside a pipeline, then ends the pipeline."""
    source, sink = Source(), Sink()
    worker = PipelineWorker(Pipeline([source, service, sink]), cancel_on_idle_timeout=False)
    started = asyncio.Event()

    @worker.event_handler("on_pipeline_started")  # type: ignore[untyped-decorator, unused-ignore]
    async def on_started(worker: PipelineWorker, frame: Frame) -> None:
        started.set()

    async def run() -> None:
        await asyncio.wait_for(started.wait(), 30)
        await talk(worker, sink)
        await worker.queue_frame(EndFrame())

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await asyncio.gather(runner.run(), run())
    return source, sink


async def say(worker: PipelineWorker, pcm: bytes, rate: int) -> None:
    for start in range(0, len(pcm), 1_920):
        await worker.queue_frame(TTSAudioRawFrame(audio=pcm[start : start + 1_920], sample_rate=rate, num_channels=1))
    await worker.queue_frame(TTSStoppedFrame())


def test_the_service_speaks_is_interrupted_and_speaks_again() -> None:
    pcm, rate = read_wav(SPEECH[24_000])
    # The service leaves out nothing but zeros before the first sound, so there are none here.
    pcm = pcm[rate : 11 * rate]
    heard: List[bytes] = []
    spoken: List[int] = []

    async def talk(worker: PipelineWorker, sink: Sink) -> None:
        await say(worker, pcm, rate)
        await asyncio.wait_for(sink.stopped.wait(), 30)
        heard.append(bytes(sink.sound))
        spoken.append(len(sink.pictures))

        sink.sound.clear()
        await say(worker, pcm, rate)
        await sink.until(lambda: len(sink.sound) > 2 * rate)
        await worker.queue_frame(InterruptionFrame())
        shown = len(sink.pictures)
        await sink.until(lambda: len(sink.pictures) > shown + 5)
        cut = len(sink.sound)
        await sink.until(lambda: len(sink.pictures) > shown + 15)
        assert len(sink.sound) == cut, "silent, and the picture goes on"
        assert cut < 4 * rate

        sink.sound.clear()
        sink.stopped.clear()
        await say(worker, pcm[: 4 * rate], rate)
        await asyncio.wait_for(sink.stopped.wait(), 30)
        heard.append(bytes(sink.sound))

    async def main() -> "Tuple[Source, Sink]":
        return await in_a_pipeline(BitHumanVideoService(model_path=TOY, api_secret="unused"), talk)

    source, sink = asyncio.run(main())
    assert source.errors == []
    assert heard == [pcm, pcm[: 4 * rate]], "every sample, in order"
    assert sink.rates == {rate}
    # Late pictures are left out, and a busy machine is late; sound never is.
    assert spoken[0] > 60, "pictures of five seconds"
    assert {size for size, _ in sink.pictures} == {(64, 48)}
    assert len(set(sink.pictures)) > 20, "it moves"


def test_an_avatar_that_cant_be_opened_is_reported_and_the_voice_goes_on(speech: Pcm) -> None:
    async def talk(worker: PipelineWorker, sink: Sink) -> None:
        await say(worker, speech[0][:19_200], 16_000)
        await asyncio.wait_for(sink.stopped.wait(), 30)

    async def main() -> "Tuple[Source, Sink]":
        return await in_a_pipeline(BitHumanVideoService(model_path="no-such-file.imx", api_secret="unused"), talk)

    source, sink = asyncio.run(main())
    assert len(source.errors) == 1 and "ModelNotFoundError" in source.errors[0] and "no-such-file.imx" in source.errors[0]
    assert bytes(sink.sound) == speech[0][:19_200] and sink.pictures == []


def test_a_runtime_is_what_the_service_expects() -> None:
    from bithuman import AsyncBithuman

    async def main() -> None:
        async with await AsyncBithuman.create(model_path=TOY) as runtime:
            assert isinstance(runtime, BitHumanRuntime)

    asyncio.run(main())
