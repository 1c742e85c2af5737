"""``examples/local`` hears by a stand-in for libbithuman_brain, through Pipecat's and LiveKit's classes."""

from __future__ import annotations

import array
import asyncio
import importlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator

import pytest
from conftest import needs

ROOT = Path(__file__).parents[3]
LOUD = array.array("h", [8_000, -8_000] * 8_000).tobytes()


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A model's file, with the stand-in's library beside it."""
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    library = tmp_path / "libbithuman_brain.so"
    source = ROOT / "brain/tests/local/fake.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    monkeypatch.setenv("BITHUMAN_BRAIN_LIBRARY", str(library))
    monkeypatch.syspath_prepend(str(ROOT / "examples/local"))
    model = tmp_path / "ggml-tiny.en.bin"
    model.write_bytes(b"a model")
    yield model
    for name in ("whisper", "pipecat_local", "livekit_local"):
        sys.modules.pop(name, None)


def test_whisper_hears_words_and_no_silence(model: Path) -> None:
    whisper = importlib.import_module("whisper").Whisper(model)
    assert whisper.hear(LOUD).startswith("call ")
    assert whisper.hear(bytes(32_000)) == ""
    # The stand-in's way to fail.
    with pytest.raises(RuntimeError, match="out of ideas"):
        whisper.hear(array.array("h", [-32_768] * 16).tobytes())
    whisper.close()


def test_pipecats_service_hears(model: Path) -> None:
    if sys.version_info < (3, 11):
        pytest.skip("pipecat needs Python 3.11")
    needs("pipecat-ai")
    example: Any = importlib.import_module("pipecat_local")

    async def heard() -> Any:
        return [frame async for frame in example.LocalSTTService(model).run_stt(LOUD)]

    frames = asyncio.run(heard())
    assert [type(frame).__name__ for frame in frames] == ["TranscriptionFrame"]
    assert frames[0].text.endswith(" in en")


def test_livekits_plugin_hears_at_any_rate(model: Path) -> None:
    needs("livekit-agents")
    from livekit import rtc
    from livekit.agents import APIConnectOptions

    example: Any = importlib.import_module("livekit_local")

    async def heard() -> str:
        plugin = example.LocalSTT(model)
        frame = rtc.AudioFrame(LOUD, 48_000, 1, len(LOUD) // 2)
        event = await plugin.recognize(frame, conn_options=APIConnectOptions())
        return str(event.alternatives[0].text)

    assert asyncio.run(heard()).endswith(" in en")
