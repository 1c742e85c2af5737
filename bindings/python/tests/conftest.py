"""What the tests share. None of them may hang: each has five minutes, then all threads' stacks are printed and it is over."""

from __future__ import annotations

import faulthandler
import os
import sys
import time
import wave
from importlib import metadata
from pathlib import Path
from typing import Iterator, Optional, Tuple

import pytest

ROOT = Path(__file__).resolve().parents[3]
TOY = ROOT / "testdata/avatars/toy.imx"
MIKA = ROOT / "testdata/avatars/mika.imx"
SPEECH = {rate: ROOT / f"testdata/audio/speech_{rate}.wav" for rate in (16_000, 24_000, 48_000)}

Pcm = Tuple[bytes, int]


def needs(distribution: str) -> None:
    """Passes a module of tests over where that is not installed. Where it is and can't be imported, they fail."""
    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        pytest.skip(f"{distribution} is not installed", allow_module_level=True)


def read_wav(path: Path) -> Pcm:
    """A file's samples as s16le, with their rate."""
    with wave.open(str(path)) as file:
        return file.readframes(file.getnframes()), file.getframerate()


def write_wav(path: Path, pcm: Pcm, seconds: float) -> None:
    """The beginning of some speech as a file."""
    samples, rate = pcm
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", "not compressed"))
        file.writeframes(samples[: 2 * int(rate * seconds)])


def threads(at_most: Optional[int] = None) -> int:
    """Threads of this process, those that Python does not know of as well.

    A thread that was joined is gone for Python a moment before it is for the system: ``at_most`` waits for that.
    """
    if sys.platform != "linux":
        return 0
    for _ in range(1000):
        count = len(os.listdir("/proc/self/task"))
        if at_most is None or count <= at_most:
            break
        time.sleep(0.01)
    return count


def descriptors() -> int:
    """Open files of this process."""
    return len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0


@pytest.fixture(autouse=True)
def guard() -> Iterator[None]:
    """Ends a test that hangs."""
    faulthandler.dump_traceback_later(300, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture(scope="session")
def speech() -> Pcm:
    """Eleven seconds of speech at 16 kHz."""
    return read_wav(SPEECH[16_000])
