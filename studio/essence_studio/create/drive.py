"""An avatar that speaks through the engine's own command line: its pictures and what they were asked to show."""
from __future__ import annotations

import csv
import importlib.util
import io
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Iterator

import numpy as np
from PIL import Image

from .. import pack
from ..speech.mouth import COEFFICIENTS
from .footage import Refused

REPOSITORY = Path(__file__).resolve().parents[3]
SENTENCE = REPOSITORY / "testdata" / "audio" / "speech_48000.wav"
SMALL = 96


def program() -> str:
    """`bithuman`: named by `BITHUMAN`, on the path, or built in this repository."""
    found = os.environ.get("BITHUMAN") or shutil.which("bithuman")
    for kind in ("release", "debug"):
        built = REPOSITORY / "target" / kind / "bithuman"
        if found is None and built.exists():
            found = str(built)
    if found is None:
        raise Refused("the program `bithuman` was not found, which the finished avatar is tried with: `cargo install --path cli`, or `cargo build --release -p bithuman-cli`")
    return found


def environment() -> dict[str, str]:
    """The process's own, with ONNX Runtime where Python has it."""
    variables = dict(os.environ)
    spec = importlib.util.find_spec("onnxruntime")
    if "ORT_DYLIB_PATH" not in variables and spec and spec.origin:
        found = sorted(Path(spec.origin).parent.glob("capi/libonnxruntime.so*"))
        if found:
            variables["ORT_DYLIB_PATH"] = str(found[0])
    return variables


def render(avatar: Path, audio: Path, output: Path, verb: str = "render") -> None:
    """Runs `bithuman render`, or another verb with the same arguments."""
    done = subprocess.run(_command(verb, avatar, audio, output), capture_output=True, text=True, env=environment())
    if done.returncode:
        raise Refused(f"the engine does not play the avatar: {done.stderr.strip()}")


def _command(verb: str, avatar: Path, audio: Path, output: Path | str) -> list[str]:
    return [program(), verb, str(avatar), "--audio", str(audio), "--output", str(output)]


def curves(avatar: Path, audio: Path) -> np.ndarray:
    """The coefficients `[n, 16]` that each picture is asked to show."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "curves.csv")
        render(avatar, audio, table, "curves")
        with table.open() as file:
            rows = list(csv.DictReader(file))
    named = [next((each for each in (name, f"{name}Left") if each in rows[0]), None) for name in COEFFICIENTS]
    return np.array([[float(row[name]) if name else 0.0 for name in named] for row in rows])


def pictures(avatar: Path, audio: Path) -> Iterator[np.ndarray]:
    """The engine's pictures, RGB, as it draws them."""
    width, height = size(avatar)
    command = [*_command("render", avatar, audio, "-"), "--format", "rgb"]
    with tempfile.TemporaryFile() as told, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=told, env=environment()) as running:
        while len(data := running.stdout.read(3 * width * height)) == 3 * width * height:
            yield np.frombuffer(data, np.uint8).reshape(height, width, 3)
        running.stdout.close()
        if running.wait():
            told.seek(0)
            raise Refused(f"the engine does not play the avatar: {told.read().decode(errors='replace').strip()}")


def size(avatar: Path) -> tuple[int, int]:
    """Width and height of the frames."""
    frame = pack.read_imx(avatar)[0]["frame"]
    return frame["width"], frame["height"]


def small(jpeg: bytes) -> np.ndarray:
    """A base frame, small, in levels."""
    image = Image.open(io.BytesIO(jpeg)).convert("RGB")
    return np.asarray(image.resize((SMALL, max(8, round(SMALL * image.height / image.width))), Image.BOX), np.float32)
