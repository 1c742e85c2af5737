"""``examples/pipecat/bot.py`` greets, with a server of this test's own in OpenAI's place."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import List

import pytest
from conftest import SPEECH, TOY, needs, read_wav

if sys.version_info < (3, 11):
    pytest.skip("pipecat needs Python 3.11", allow_module_level=True)
needs("pipecat-bithuman")

from aiohttp import web
from pipecat.frames.frames import EndFrame, Frame, LLMRunFrame
from pipecat.pipeline.worker import PipelineWorker
from pipecat.workers.runner import WorkerRunner
from test_pipecat import Sink, Source

BOT = Path(__file__).parents[3] / "examples/pipecat/bot.py"


class Provider:
    """Chat and speech."""

    def __init__(self) -> None:
        self.asked: List[str] = []
        self.spoken: List[str] = []

    async def chat(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(json.dumps((await request.json())["messages"]))
        answer = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await answer.prepare(request)
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        for text in ("Welcome ", "to the house.", None):
            delta = {"content": text} if text else {}
            chunk["choices"] = [{"index": 0, "delta": delta, "finish_reason": None if text else "stop"}]
            await answer.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        await answer.write(b"data: [DONE]\n\n")
        return answer

    async def speech(self, request: web.Request) -> web.Response:
        self.spoken.append((await request.json())["input"])
        pcm, rate = read_wav(SPEECH[24_000])
        return web.Response(body=pcm[rate : 5 * rate], content_type="audio/pcm")


def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bot", BOT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def talk(monkeypatch: pytest.MonkeyPatch) -> "tuple[Provider, Source, Sink]":
    provider = Provider()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", provider.chat)
    app.router.add_post("/v1/audio/speech", provider.speech)
    server = web.AppRunner(app)
    await server.setup()
    site = web.TCPSite(server, "127.0.0.1", 0)
    await site.start()
    port = server.addresses[0][1]
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{port}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "a-key")
    monkeypatch.setenv("BITHUMAN_MODEL_PATH", str(TOY))
    source, sink = Source(), Sink()
    worker = PipelineWorker(example().pipeline(source, sink), cancel_on_idle_timeout=False)
    started = asyncio.Event()

    @worker.event_handler("on_pipeline_started")  # type: ignore[untyped-decorator, unused-ignore]
    async def on_started(worker: PipelineWorker, frame: Frame) -> None:
        started.set()

    async def run() -> None:
        await asyncio.wait_for(started.wait(), 60)
        await worker.queue_frame(LLMRunFrame())
        await asyncio.wait_for(sink.stopped.wait(), 60)
        await worker.queue_frame(EndFrame())

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await asyncio.gather(runner.run(), run())
    await server.cleanup()
    return provider, source, sink


def test_the_bot_greets_with_a_face(monkeypatch: pytest.MonkeyPatch) -> None:
    provider, source, sink = asyncio.run(talk(monkeypatch))
    assert source.errors == []
    assert "Greet the person" in provider.asked[0]
    assert "".join(provider.spoken) == "Welcome to the house."
    # Two seconds of speech came back with their pictures, and idle pictures around them.
    assert len(sink.sound) >= 2 * 2 * 16_000 * 0.9
    assert len(sink.pictures) >= 45
