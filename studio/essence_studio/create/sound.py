"""What the shared speech network makes of the footage's own sound, picture by picture."""
from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np

from .. import mel
from .footage import Clip

LOUD = 0.01
"""Root mean square above which a sound is heard at all."""


def samples_of(clip: Clip) -> np.ndarray | None:
    """16 kHz mono in [-1, 1]; None without a sound track or without ffmpeg."""
    program = shutil.which("ffmpeg")
    if program is None:
        return None
    command = [program, "-nostdin", "-loglevel", "error", "-i", str(clip.path), "-vn", "-ar", str(mel.RATE_HZ), "-ac", "1", "-f", "f32le", "-"]
    done = subprocess.run(command, capture_output=True)
    samples = np.frombuffer(done.stdout[: len(done.stdout) // 4 * 4], "<f4")
    return samples if done.returncode == 0 and len(samples) else None


def spoken(clips: list[Clip], networks: Path) -> list[np.ndarray] | None:
    """The speech network's coefficients `[n, 16]` of each clip; None where clips are silent or have no sound."""
    import onnxruntime

    tracks = [samples_of(clip) for clip in clips]
    if any(track is None for track in tracks):
        return None
    if np.sqrt(np.mean(np.concatenate(tracks) ** 2)) < LOUD:
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(networks / "speech.onnx"), options, providers=["CPUExecutionProvider"])
    window = json.loads((networks / "speech.json").read_text())["window"]
    out = []
    for clip, track in zip(clips, tracks):
        needed = clip.count * mel.HOP_SAMPLES * mel.VIDEO_FRAME_HOPS
        track = np.pad(track, (0, max(0, needed - len(track))))[:needed]
        out.append(session.run(None, {"mel": np.ascontiguousarray(mel.windows(track, window))})[0][: clip.count])
    return out
