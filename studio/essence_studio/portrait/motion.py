"""How a portrait moves over a minute of speech: steps between frames, and the head against the voice's stress."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from scipy.io import wavfile

from ..face.mediapipe import Landmarker

SLOW = 1.0
"""Seconds of the mean that motion and stress are taken against: sway is slower than nods."""
LATEST = 0.32
"""The most that the head may follow the voice by, in seconds."""
STILL = 0.6
"""Seconds after the voice's end from which on a silence counts: what has begun comes to an end."""
SILENT = 0.003
"""Root mean square of samples below which a frame counts as silent."""
NOSE = (1, 4, 5, 195, 197)


@dataclass
class Motion:
    """One film's figures."""

    frames: int
    largest_step: float
    """Largest mean difference of two neighbouring frames, in medians of it while the voice speaks."""
    stress_r: float
    """Correlation of the head's height with the voice's stress, both against their slow means."""
    lag_s: float
    """How far the head follows the voice."""
    stillness: float
    """The head's speed in silence as a share of that in speech, both against their slow means."""


def moved(film: Path, voice: Path, landmarker: Landmarker) -> Motion:
    """The figures of a film that `bithuman render` made of a portrait and this voice."""
    heights, steps, rate = _seen(film, landmarker)
    level = _levels(voice, rate, len(heights))
    silent = level < SILENT
    mean = level[~silent].mean()
    stress = np.where(silent, 0.0, np.clip(level / mean - 0.75, 0.0, 1.6))
    stress, height = (_quick(values, rate) for values in (_soft(stress), heights))
    lags = range(int(LATEST * rate) + 1)
    # Stress has no meaning in a silence.
    spoken = ~_after(silent, int(STILL * rate))
    correlations = [np.corrcoef(stress[: len(stress) - lag][spoken[lag:]], height[lag:][spoken[lag:]])[0, 1] for lag in lags]
    best = int(np.argmax(correlations))
    speed = np.abs(np.gradient(height))
    usual = max(float(np.median(steps[spoken[1:]])), 1e-6)
    return Motion(len(heights), float(steps.max() / usual), float(correlations[best]), best / rate, float(speed[~spoken].mean() / speed[spoken].mean()))


def _seen(film: Path, landmarker: Landmarker) -> tuple[np.ndarray, np.ndarray, float]:
    """The nose's height in each frame, the mean difference from frame to frame, and the frames a second."""
    capture = cv2.VideoCapture(str(film))
    rate = capture.get(cv2.CAP_PROP_FPS)
    heights, steps, last = [], [], None
    while True:
        there, picture = capture.read()
        if not there:
            break
        faces = landmarker(np.ascontiguousarray(picture[..., ::-1]))
        heights.append(faces[0][0][list(NOSE), 1].mean() if faces else np.nan)
        if last is not None:
            steps.append(cv2.absdiff(picture, last).mean())
        last = picture
    if not steps:
        raise ValueError(f"{film}: there are no frames")
    heights = np.array(heights)
    known = np.flatnonzero(~np.isnan(heights))
    if not len(known):
        raise ValueError(f"{film}: MediaPipe finds no face")
    return np.interp(np.arange(len(heights)), known, heights[known]), np.array(steps), rate


def _levels(voice: Path, rate: float, count: int) -> np.ndarray:
    hz, samples = wavfile.read(voice)
    samples = samples.reshape(len(samples), -1) / (np.iinfo(samples.dtype).max if samples.dtype.kind == "i" else 1.0)
    ends = (np.arange(count + 1) * hz / rate).astype(int)
    parts = (samples[a:b].mean(1) if a < len(samples) else np.zeros(1) for a, b in zip(ends, ends[1:]))
    return np.array([np.sqrt(np.mean(part**2)) for part in parts])


def _soft(values: np.ndarray) -> np.ndarray:
    """As a head follows: over some 0.2 s."""
    kernel = np.array([1.0, 2.0, 3.0, 2.0, 1.0])
    return np.convolve(values, kernel / kernel.sum(), "same")


def _quick(values: np.ndarray, rate: float) -> np.ndarray:
    """Values against their slow mean."""
    width = int(SLOW * rate) | 1
    padded = np.pad(values, width // 2, mode="edge")
    return values - np.convolve(padded, np.ones(width) / width, "valid")


def _after(silent: np.ndarray, frames: int) -> np.ndarray:
    """Where it has been silent for so many frames."""
    run, out = 0, np.zeros(len(silent), bool)
    for i, still in enumerate(silent):
        run = run + 1 if still else 0
        out[i] = run > frames
    return out
