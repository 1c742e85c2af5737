"""Captured articulation: rig curves of a Mandarin speaker beside her voice (FACEGOOD, MIT licence), to train on and to measure with.

The last fifth of each recording is held out of training. The rig's jaw reaches as far as the mouth table's (95 % of both lie below 0.3 to
0.4); of the other curves only the lips' pushing forward has a counterpart that means the same.
"""

import warnings
from pathlib import Path

import numpy as np
import soundfile

from essence_studio.speech.mouth import COEFFICIENTS
from essence_studio.speech.targets import RATE_HZ

CAPTURED_HZ = 30
HELD_OUT = 0.2


def part(wav: Path, held_out: bool) -> tuple[np.ndarray, np.ndarray]:
    """16 kHz samples and coefficients `[steps, 16]` at 100 Hz, NaN for those that weren't captured."""
    samples, rate = soundfile.read(wav, dtype="float32")
    assert rate == 16000, f"{wav}: {rate} Hz, expected 16000"
    names = wav.with_name("names.txt").read_text().split()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # numpy says that Python 2 wrote the file
        captured = np.load(wav.with_suffix(".npy"), encoding="latin1")
    count = min(len(samples) // 160, int(len(captured) * RATE_HZ / CAPTURED_HZ))
    moments = np.arange(count) / RATE_HZ * CAPTURED_HZ
    curve = {name: np.interp(moments, np.arange(len(captured)), captured[:, i]) for i, name in enumerate(names)}
    target = np.full((count, len(COEFFICIENTS)), np.nan, np.float32)
    target[:, COEFFICIENTS.index("jawOpen")] = curve["mouth_stretch_c"]
    target[:, COEFFICIENTS.index("mouthPucker")] = np.maximum(curve["mouth_pucker_l"], curve["mouth_oh_c"])
    cut = round(count * (1 - HELD_OUT))
    span = slice(cut, count) if held_out else slice(0, cut)
    return samples[160 * span.start : 160 * span.stop], target[span]
