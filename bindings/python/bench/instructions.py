"""Instructions of a frame through Python, by callgrind: a busy machine doesn't change them.

    python instructions.py LIBESSENCE [PACKAGE]

Two processes under callgrind draw speech that differs by 100 frames; the difference of their counts
is the cost of these frames, all threads and the interpreter included. PACKAGE is the folder that
holds `bithuman`, for another version of it. Needs valgrind.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
AVATAR = ROOT / "testdata/avatars/mika.imx"
SECONDS = 2


def samples() -> bytes:
    """Speech."""
    with wave.open(str(ROOT / "testdata/audio/speech_16000.wav")) as file:
        file.setpos(file.getframerate())
        pcm: bytes = file.readframes(SECONDS * file.getframerate())
        return pcm


def compose(utterances: int) -> int:
    """Draws with `Bithuman.compose`."""
    from bithuman import Bithuman

    avatar = Bithuman.load(AVATAR, provider="cpu")
    return sum(1 for _ in range(utterances) for _ in avatar.compose(samples()))


async def _run(utterances: int) -> int:
    from bithuman import AsyncBithuman

    avatar = await AsyncBithuman.create(model_path=AVATAR, provider="cpu", pacing="unpaced")
    frames = 0
    for _ in range(utterances):
        await avatar.push_audio(samples(), 16_000)
        await avatar.flush()
        async for frame in avatar.run():
            frames += 1
            if frame.end_of_speech:
                break
    await avatar.stop()
    return frames


def run(utterances: int) -> int:
    """Draws with `AsyncBithuman.run`."""
    return asyncio.run(_run(utterances))


WAYS = {"compose": compose, "run": run}


def count(way: str, utterances: int) -> "tuple[int, int]":
    """Instructions of a process, and its frames."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "counts")
        tool = ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}"]
        program = [sys.executable, __file__, "--draw", way, str(utterances)]
        frames = subprocess.run(tool + program, check=True, capture_output=True, text=True).stdout
        totals = re.findall(r"^(?:totals|summary): (\d+)", out.read_text(), re.MULTILINE)
        return max(map(int, totals)), int(frames)


def main() -> None:
    if sys.argv[1] == "--draw":
        print(WAYS[sys.argv[2]](int(sys.argv[3])))
        return
    os.environ["ESSENCE_LIBRARY"] = str(Path(sys.argv[1]).resolve())
    os.environ["PYTHONHASHSEED"] = "0"
    if len(sys.argv) > 2:
        os.environ["PYTHONPATH"] = sys.argv[2]
    print("way,frames,instructions_per_frame")
    for way in WAYS:
        (few, few_frames), (many, many_frames) = count(way, 1), count(way, 3)
        frames = many_frames - few_frames
        print(f"{way},{frames},{(many - few) // frames}", flush=True)


if __name__ == "__main__":
    main()
