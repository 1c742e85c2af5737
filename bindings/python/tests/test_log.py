"""The engine's messages in Python's logging."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import bithuman
import pytest
from bithuman import Bithuman, Engine, _log
from conftest import ROOT, TOY, Pcm

BAD = ROOT / "testdata/bad"


def test_what_is_opened_is_told_at_info(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "bithuman"):
        bithuman.open(TOY, engine=Engine(provider="cpu"))
    told = [record.getMessage() for record in caplog.records if record.name == "bithuman"]
    assert any("ONNX Runtime 1." in message for message in told), told
    assert any("opened \"toy\"" in message and "cpu" in message for message in told), told
    assert {record.levelno for record in caplog.records} == {logging.INFO}


def test_what_can_not_be_opened_is_told_as_an_error(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "bithuman"), pytest.raises(bithuman.ModelLoadError):
        bithuman.open(BAD / "bad_magic.imx", engine=Engine())
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "bad_magic.imx" in caplog.text


def test_the_level_is_that_of_the_logger_when_an_avatar_is_opened(caplog: pytest.LogCaptureFixture) -> None:
    engine = Engine()
    for level in (logging.CRITICAL, logging.INFO, logging.CRITICAL):
        caplog.clear()
        with caplog.at_level(level, "bithuman"):
            bithuman.open(TOY, engine=engine)
        assert bool(caplog.records) == (level == logging.INFO)


def test_every_frame_is_told_at_a_level_below_debug(caplog: pytest.LogCaptureFixture, speech: Pcm) -> None:
    with caplog.at_level(_log.TRACE, "bithuman"), Bithuman.load(TOY, engine=Engine()) as composer:
        frames = len(list(composer.compose(speech[0][:32_000])))
    traced = [record for record in caplog.records if record.levelno == _log.TRACE]
    assert frames == 25 == len(traced) and traced[0].levelname == "TRACE"
    debugged = " ".join(record.getMessage() for record in caplog.records if record.levelno == logging.DEBUG)
    assert "utterance" in debugged


def test_a_program_that_sets_up_no_logging_is_told_by_exceptions_alone() -> None:
    program = """
import sys, bithuman
try:
    bithuman.open(sys.argv[1])
except bithuman.ModelLoadError:
    print("told")
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(BAD / "bad_magic.imx")], capture_output=True, text=True, timeout=100, check=False
    )
    assert (done.stdout, done.stderr) == ("told\n", "")


def test_a_program_ends_cleanly_while_conversations_log_everything() -> None:
    program = """
import asyncio, logging, sys
import bithuman
logging.basicConfig(level=1, filename=sys.argv[2])

async def main():
    kept = [await bithuman.AsyncBithuman.create(model_path=sys.argv[1]) for _ in range(4)]
    for runtime in kept:
        await runtime.push_audio(bytes(320000))
    async for frame in kept[0].run():
        if frame.frame_index > 3:
            return kept

kept = asyncio.run(main())
print("ended")
"""
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", program, str(TOY), os.devnull], capture_output=True, text=True, timeout=100, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "ended\n", "")
