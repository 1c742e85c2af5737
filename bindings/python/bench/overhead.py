"""What Python costs: speech to pictures through the C interface, from C and from Python.

    python overhead.py LIBESSENCE [ROUNDS]

Compiles ``overhead.c`` against the library that the package is then made to load as well. In one process, the same two seconds of
speech are drawn by ``Bithuman.compose``, by ``AsyncBithuman.run``, and by C out of the very sessions that these use, in the threads
that draw them there (another session's memory lies elsewhere, and another thread's core has other things in its cache, which alone
make differences of per cents), in turn. The time of each, and its processor time (of all
threads), are compared with C's of the same round: C that draws over the same picture each time, which stays in the processor's cache, and C
that leaves a picture alone while it draws the next, as Python's must. Needs a C compiler and a quiet machine: beside
other work, whatever runs between two runs of the networks takes several times as long.
"""

from __future__ import annotations

import asyncio
import ctypes
import math
import os
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path
from typing import Awaitable, Callable, Dict, List, Optional, Tuple

LIBRARY = Path(sys.argv[1]).resolve()
os.environ["ESSENCE_LIBRARY"] = str(LIBRARY)

from bithuman import AsyncBithuman, Bithuman  # noqa: E402
from bithuman._library import ffi  # noqa: E402
from bithuman._session import Session  # noqa: E402
from bithuman._worker import Worker  # noqa: E402

Way = Callable[[bytes], Awaitable[int]]

ROOT = Path(__file__).resolve().parents[3]
AVATAR = ROOT / "testdata/avatars" / (os.environ.get("AV", "mika") + ".imx")
SECONDS = 2
CLOCKS = {"in all": time.perf_counter_ns, "of processor time": time.process_time_ns}


def samples() -> bytes:
    """Speech."""
    with wave.open(str(ROOT / "testdata/audio/speech_16000.wav")) as file:
        file.setpos(file.getframerate())
        pcm: bytes = file.readframes(SECONDS * file.getframerate())
        return pcm


def compiled(library: Path, folder: str) -> ctypes.CDLL:
    """The C side."""
    path = Path(folder, "overhead.so")
    link = [str(library), f"-Wl,-rpath,{library.parent}"]
    source = str(Path(__file__).with_suffix(".c"))
    compiler = os.environ.get("CC", "cc")
    subprocess.run(
        [compiler, "-O2", "-shared", "-fPIC", f"-I{ROOT / 'include'}", source, *link, "-o", str(path)], check=True
    )
    c = ctypes.CDLL(str(path))
    c.overhead_open.restype = ctypes.c_void_p
    c.overhead_open.argtypes = [ctypes.c_void_p]
    c.overhead_speak.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
    return c


def median(values: List[float]) -> "tuple[float, float, float]":
    """The median, after and before the bounds that hold the true one 95 times in 100 (by rank)."""
    ordered, count = sorted(values), len(values)
    low, middle, high = (
        ordered[min(max(int(count / 2 + z * math.sqrt(count)), 0), count - 1)] for z in (-0.98, 0.0, 0.98)
    )
    return low, middle, high


class Bare:
    """C on a session of Python's, in its worker's thread if it has one."""

    def __init__(self, c: ctypes.CDLL, session: Session, worker: Optional[Worker] = None) -> None:
        self.c = c
        self.worker = worker
        with session.handle as pointer:
            self.session = int(ffi.cast("uintptr_t", pointer))
        self.room = c.overhead_open(self.session)
        assert self.room, "C has room for frames"

    async def over(self, pcm: bytes) -> int:
        """Into one picture."""
        return await self._speak(1, pcm)

    async def in_turn(self, pcm: bytes) -> int:
        """Into two."""
        return await self._speak(2, pcm)

    async def _speak(self, pictures: int, pcm: bytes) -> int:
        def speak() -> int:
            frames: int = self.c.overhead_speak(self.session, self.room, pictures, pcm, len(pcm) // 2)
            return frames

        return speak() if self.worker is None else await self.worker.result(speak)


async def measure(library: Path, rounds: int) -> None:
    """Draws in turn and prints the differences."""
    pcm = samples()
    offline = Bithuman.load(AVATAR, provider="cpu")
    conversation = await AsyncBithuman.create(model_path=AVATAR, provider="cpu", pacing="unpaced")

    async def composed(pcm: bytes) -> int:
        return sum(1 for _ in offline.compose(pcm))

    async def settled() -> None:
        """Until nothing is drawn ahead any more: C is to get its frames itself."""
        while conversation._open_frames().drawing:
            await asyncio.sleep(0.001)

    async def streamed(pcm: bytes) -> int:
        frames = 0
        await conversation.push_audio(pcm, 16_000)
        async for frame in conversation.run():
            frames += 1
            if frame.end_of_speech:
                break
        return frames

    with tempfile.TemporaryDirectory() as folder:
        c = compiled(library, folder)
        opened = conversation._check()
        bare = Bare(c, offline._session), Bare(c, opened.frames.session, opened.worker)
        groups: "Dict[str, Tuple[Way, ...]]" = {
            "Bithuman.compose": (composed, bare[0].over, bare[0].in_turn),
            "AsyncBithuman.run": (streamed, bare[1].over, bare[1].in_turn),
        }
        times: "Dict[str, Dict[str, Tuple[List[float], ...]]]" = {
            clock: {name: ([], [], []) for name in groups} for clock in CLOCKS
        }
        for turn in range(-3, rounds):
            for name, group in groups.items():
                # Each is the first as often as the others.
                for which in ((0, 1, 2), (1, 2, 0), (2, 0, 1))[turn % 3]:
                    begin = [clock() for clock in CLOCKS.values()]
                    frames = await group[which](pcm)
                    took = [clock() - begin for clock, begin in zip(CLOCKS.values(), begin)]
                    assert frames == 25 * SECONDS, f"{name}: {frames} frames"
                    await settled()
                    if turn >= 0:
                        for clock, its in zip(CLOCKS, took):
                            times[clock][name][which].append(its / frames / 1e6)
    offline.close()
    await conversation.shutdown()

    print(f"{rounds} rounds of {25 * SECONDS} frames")
    for clock, by_name in times.items():
        for name, (mine, *others) in by_name.items():
            print(f"{name}: {median(mine)[1]:.3f} ms {clock} a frame")
            for other, theirs in zip(("one picture", "two in turn"), others):
                low, middle, high = median([100 * (a / b - 1) for a, b in zip(mine, theirs)])
                print(
                    f"    against C, {other}, {median(theirs)[1]:.3f} ms: "
                    f"{middle:+.1f} % ({low:+.1f} to {high:+.1f} with 95 % confidence)"
                )


def main() -> None:
    """Measures."""
    asyncio.run(measure(LIBRARY, int(sys.argv[2]) if len(sys.argv) > 2 else 60))


if __name__ == "__main__":
    main()
