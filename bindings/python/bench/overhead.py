"""What Python costs: speech to pictures through the C interface, from C and from Python, turn by turn.

    python overhead.py LIBESSENCE [ROUNDS]

Compiles ``overhead.c`` against the library that the package is then made to load as well. Prints the least processor time a
frame of each, and the differences. Needs a C compiler.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
AVATAR = ROOT / "testdata/avatars/mika.imx"
PASSES = 3


def samples() -> bytes:
    """Eleven seconds of speech."""
    with wave.open(str(ROOT / "testdata/audio/speech_16000.wav")) as file:
        pcm: bytes = file.readframes(file.getnframes())
        return pcm


def composed() -> None:
    """Draws in this process by ``compose`` and prints as the C program does."""
    from bithuman import Bithuman

    pcm = samples()
    with Bithuman.load(AVATAR, provider="cpu") as avatar:
        for _ in range(PASSES):
            begin, frames = time.process_time_ns(), 0
            for _frame in avatar.compose(pcm):
                frames += 1
            print((time.process_time_ns() - begin) // frames)


def streamed() -> None:
    """The same by ``AsyncBithuman``, with its thread and its event loop."""
    from bithuman import AsyncBithuman

    async def main() -> None:
        pcm = samples()
        async with await AsyncBithuman.create(model_path=AVATAR, provider="cpu", pacing="unpaced") as avatar:
            for _ in range(PASSES):
                begin, frames = time.process_time_ns(), 0
                await avatar.push_audio(pcm, 16_000)
                async for frame in avatar.run():
                    frames += 1
                    if frame.end_of_speech:
                        break
                print((time.process_time_ns() - begin) // frames)

    asyncio.run(main())


def main() -> None:
    """Measures."""
    library = Path(sys.argv[1]).resolve()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    os.environ["ESSENCE_LIBRARY"] = str(library)
    from bithuman._engine import _packaged_runtime

    runtime = os.environ.get("ORT_DYLIB_PATH") or _packaged_runtime()
    with tempfile.TemporaryDirectory() as folder:
        program, pcm = Path(folder, "overhead"), Path(folder, "speech.pcm")
        pcm.write_bytes(samples())
        compiler = os.environ.get("CC", "cc")
        link = [str(library), f"-Wl,-rpath,{library.parent}"]
        source = str(Path(__file__).with_suffix(".c"))
        subprocess.run([compiler, "-O2", f"-I{ROOT / 'include'}", source, *link, "-o", str(program)], check=True)
        commands = {
            "C": [str(program), str(runtime), str(AVATAR), str(pcm), str(PASSES)],
            "Bithuman.compose": [sys.executable, __file__, "--composed"],
            "AsyncBithuman.run": [sys.executable, __file__, "--streamed"],
        }
        least = dict.fromkeys(commands, float("inf"))
        for _ in range(rounds):
            for name, command in commands.items():
                said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                least[name] = min(least[name], *map(float, said.split()))
    for name, nanoseconds in least.items():
        print(f"{name:18} {nanoseconds / 1e6:6.3f} ms a frame  {100 * (nanoseconds / least['C'] - 1):+.1f} %")


if __name__ == "__main__":
    {"--composed": composed, "--streamed": streamed}.get(" ".join(sys.argv[1:]), main)()
