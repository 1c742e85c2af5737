"""What the shared speech network makes of the footage's own sound, picture by picture, and how far the sound is from the lips."""
from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import mel
from . import calibrate, reading
from .footage import Clip

LOUD = 0.01
"""Root mean square above which a sound is heard at all."""
REACH = 12
"""Pictures by which the sound may be early or late."""
SURE_R = 0.35
"""Correlation of heard and seen lips from which the offset is believed, ..."""
SURE_LEAD = 0.06
"""... if it is by so much better than any that is three pictures away and more."""
STILL = 0.03
"""Opening in eyes that lips reach in a twentieth of the pictures, below which nobody speaks."""


@dataclass(frozen=True)
class Offset:
    """How the sound lies against the lips."""

    pictures: int
    """By which the sound is late (negative: early)."""
    r: float
    """Correlation of the lips' opening with what is heard, there."""
    lead: float
    """How much worse the best other place is."""

    @property
    def is_sure(self) -> bool:
        return self.r >= SURE_R and self.lead >= SURE_LEAD


def samples_of(clip: Clip) -> np.ndarray | None:
    """16 kHz mono in [-1, 1] from the shot's first picture on; None without a sound track."""
    found = reading.sound(clip.path, mel.RATE_HZ)
    if found is None:
        return None
    samples, begins = found
    late = int(round((begins - clip.start) * mel.RATE_HZ))
    samples = np.pad(samples, (max(0, late), 0))[max(0, -late) :]
    return samples[: int(clip.length * mel.RATE_HZ)]


def spoken(clips: list[Clip], networks: Path) -> list[np.ndarray] | None:
    """The speech network's coefficients `[n, 16]` of each clip; None where clips are silent or have no sound."""
    tracks = [samples_of(clip) for clip in clips]
    if any(track is None for track in tracks):
        return None
    joined = np.concatenate(tracks)
    if not len(joined) or np.sqrt(np.mean(joined**2)) < LOUD:
        return None
    return [heard(track, clip.count, networks) for clip, track in zip(clips, tracks)]


def heard(samples: np.ndarray, count: int, networks: Path) -> np.ndarray:
    """What the speech network makes of 16 kHz `samples`: `[count, 16]`."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(networks / "speech.onnx"), options, providers=["CPUExecutionProvider"])
    window = json.loads((networks / "speech.json").read_text())["window"]
    needed = count * mel.HOP_SAMPLES * mel.VIDEO_FRAME_HOPS
    samples = np.pad(samples, (0, max(0, needed - len(samples))))[:needed].astype(np.float32)
    return session.run(None, {"mel": np.ascontiguousarray(mel.windows(samples, window))})[0][:count]


def offset(spoken: list[np.ndarray], opening: list[np.ndarray]) -> Offset:
    """Where in time the lips' `opening` `[n]` of each clip fits best what is `spoken` `[n, 16]`."""
    places = np.arange(-REACH, REACH + 1)
    values = np.array([_agreement(spoken, opening, int(late)) for late in places])
    best = int(values.argmax())
    others = values[np.abs(places - places[best]) >= 3]
    return Offset(int(places[best]), float(values[best]), float(values[best] - others.max()))


def _agreement(spoken: list[np.ndarray], opening: list[np.ndarray], late: int) -> float:
    """Correlation over all clips, each from its own middle, if the sound comes `late` pictures behind the lips."""
    a, b = [], []
    for said, lips in zip(spoken, opening):
        asked = calibrate.asked(shifted(said, late))
        inside = slice(REACH, len(lips) - REACH)
        if len(lips) > 4 * REACH:
            a.append(asked[inside] - asked[inside].mean())
            b.append(lips[inside] - lips[inside].mean())
    if not a:
        return 0.0
    a, b = np.concatenate(a), np.concatenate(b)
    scale = np.sqrt((a**2).sum() * (b**2).sum())
    return float((a * b).sum() / scale) if scale > 0 else 0.0


def shifted(said: np.ndarray, late: int) -> np.ndarray:
    """What is heard `[n, 16]`, moved to the pictures that it belongs to; silence where nothing is known."""
    out = np.zeros_like(said)
    if late >= 0:
        out[: len(said) - late] = said[late:]
    else:
        out[-late:] = said[:late]
    return out
