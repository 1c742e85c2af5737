"""A sentence spoken by the finished avatar, rendered by the engine's own command line."""
from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

from .footage import Refused

REPOSITORY = Path(__file__).resolve().parents[3]


def program() -> str:
    """`bithuman`: on the path, or built in this repository."""
    found = shutil.which("bithuman")
    for kind in ("release", "debug"):
        built = REPOSITORY / "target" / kind / "bithuman"
        if found is None and built.exists():
            found = str(built)
    if found is None:
        raise Refused("--preview needs the program `bithuman`: `cargo install --path cli`, or `cargo build --release -p bithuman-cli`")
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


def render(avatar: Path, audio: Path, output: Path) -> None:
    command = [program(), "render", str(avatar), "--audio", str(audio), "--output", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment())
    if done.returncode:
        raise Refused(f"the preview could not be rendered: {done.stderr.strip()}")
