"""An avatar that speaks through the engine's own command line: its pictures and what they were asked to show."""
from __future__ import annotations

import csv
import importlib.util
import io
import os
import shutil
import subprocess
from pathlib import Path

import cv2
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
    done = subprocess.run([program(), verb, str(avatar), "--audio", str(audio), "--output", str(output)], capture_output=True, text=True, env=environment())
    if done.returncode:
        raise Refused(f"the engine does not play the avatar: {done.stderr.strip()}")


def spoken(avatar: Path, audio: Path, folder: Path) -> tuple[list[Path], np.ndarray]:
    """The engine's pictures as files, and the coefficients `[n, 16]` that each was asked to show."""
    render(avatar, audio, folder / "%05d.png")
    render(avatar, audio, folder / "curves.csv", "curves")
    with (folder / "curves.csv").open() as file:
        rows = list(csv.DictReader(file))
    named = [next((each for each in (name, f"{name}Left") if each in rows[0]), None) for name in COEFFICIENTS]
    curves = np.array([[float(row[name]) if name else 0.0 for name in named] for row in rows])
    return sorted(folder.glob("*.png")), curves


def picture(path: Path) -> np.ndarray:
    """RGB."""
    return np.ascontiguousarray(cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1])


def size(avatar: Path) -> tuple[int, int]:
    """Width and height of the frames."""
    frame = pack.read_imx(avatar)[0]["frame"]
    return frame["width"], frame["height"]


def small(jpeg: bytes) -> np.ndarray:
    """A base frame, small, in levels."""
    image = Image.open(io.BytesIO(jpeg)).convert("RGB")
    return np.asarray(image.resize((SMALL, max(8, round(SMALL * image.height / image.width))), Image.BOX), np.float32)
