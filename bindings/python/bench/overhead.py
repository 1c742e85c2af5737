"""What Python costs: speech to pictures through the C interface, from C and from Python.

    python overhead.py LIBESSENCE [ROUNDS]

Compiles ``overhead.c`` against the library that the package is then made to load as well. In one process, the same two seconds of
speech are drawn from C, by ``Bithuman.compose`` and by ``AsyncBithuman.run`` in turn, and the processor time of each is
compared within a round. Needs a C compiler.
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
from typing import Awaitable, Callable, Dict, List

ROOT = Path(__file__).resolve().parents[3]
AVATAR = ROOT / "testdata/avatars/mika.imx"
SECONDS = 2


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
    c.overhead_open.restype = ctypes.c_char_p
    c.overhead_speak.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    return c


def median(values: List[float]) -> "tuple[float, float, float]":
    """The median, after and before the bounds that hold the true one 95 times in 100 (by rank)."""
    ordered, count = sorted(values), len(values)
    low, middle, high = (
        ordered[min(max(int(count / 2 + z * math.sqrt(count)), 0), count - 1)] for z in (-0.98, 0.0, 0.98)
    )
    return low, middle, high


async def measure(library: Path, rounds: int) -> None:
    """Draws in turn and prints the differences."""
    from bithuman import AsyncBithuman, Bithuman
    from bithuman._engine import _packaged_runtime

    pcm = samples()
    data = ctypes.create_string_buffer(pcm, len(pcm))
    runtime = str(os.environ.get("ORT_DYLIB_PATH") or _packaged_runtime())
    with tempfile.TemporaryDirectory() as folder:
        c = compiled(library, folder)
        wrong = c.overhead_open(runtime.encode(), str(AVATAR).encode())
        if wrong is not None:
            raise SystemExit(wrong.decode())

        offline = Bithuman.load(AVATAR, provider="cpu", runtime_library=runtime)
        conversation = await AsyncBithuman.create(
            model_path=AVATAR, provider="cpu", runtime_library=runtime, pacing="unpaced"
        )

        async def bare() -> int:
            frames: int = c.overhead_speak(data, len(pcm) // 2)
            return frames

        async def composed() -> int:
            return sum(1 for _ in offline.compose(pcm))

        async def streamed() -> int:
            frames = 0
            await conversation.push_audio(pcm, 16_000)
            async for frame in conversation.run():
                frames += 1
                if frame.end_of_speech:
                    break
            return frames

        ways: "Dict[str, Callable[[], Awaitable[int]]]" = {
            "C": bare,
            "Bithuman.compose": composed,
            "AsyncBithuman.run": streamed,
        }
        times: "Dict[str, List[float]]" = {name: [] for name in ways}
        names = list(ways)
        for turn in range(-2, rounds):
            # Each is the first as often as the others.
            for name in names[turn % 3 :] + names[: turn % 3]:
                begin = time.process_time_ns()
                frames = await ways[name]()
                took = time.process_time_ns() - begin
                assert frames == 25 * SECONDS, f"{name}: {frames} frames"
                if turn >= 0:
                    times[name].append(took / frames / 1e6)
        offline.close()
        await conversation.shutdown()

    print(f"{rounds} rounds of {25 * SECONDS} frames; processor time a frame:")
    for name, values in times.items():
        low, middle, high = median([100 * (mine / its - 1) for mine, its in zip(values, times["C"])])
        said = "" if name == "C" else f"  {middle:+.1f} % ({low:+.1f} to {high:+.1f} with 95 % confidence)"
        print(f"{name:18} {median(values)[1]:6.3f} ms{said}")


def main() -> None:
    """Measures."""
    library = Path(sys.argv[1]).resolve()
    os.environ["ESSENCE_LIBRARY"] = str(library)
    asyncio.run(measure(library, int(sys.argv[2]) if len(sys.argv) > 2 else 60))


if __name__ == "__main__":
    main()
