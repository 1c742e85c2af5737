"""Mouth coefficients of filmed lips: ARKit's shapes fitted to landmarks.

The shapes are the ICT head's (`character/model.py`). Where a landmark lies on the lips or the chin decides which shapes move it how far; what
it is held against is the person's own face at rest. So the head's proportions don't matter, only the way its lips move:

    minimise over c in [0, 1]:  |W (rest + J c - landmarks)|² + penalties |c|² + change |c_t - c_(t-1)|²
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..character.model import LANDMARKS as ICT_LANDMARKS
from ..character.model import data_file
from ..speech.mouth import COEFFICIENTS
from .landmarks import JAW, LIPS_INNER, LIPS_OUTER

FITTED = tuple(name for name in COEFFICIENTS if name != "tongueTip")
"""The lips don't tell where the tongue is."""
ASIDE = ("jawLeft", "jawRight", "mouthLeft", "mouthRight", "mouthFrown")
"""Shapes that are fitted so that they don't bend the others, and then left out."""
NAMES = FITTED + ASIDE

POINTS = LIPS_OUTER + LIPS_INNER + JAW
DEPTH = 0.25
"""What a landmark's depth counts; it is a guess of MediaPipe's."""
CHIN = 0.5
"""What the chin's points count; a beard or a collar misleads them."""
PENALTY = 3e-4
"""For each coefficient, in square eyes: it needs a reason to be there."""
CHANGE = 1e-4
STEPS = 300

# Multi-PIE landmarks along each line, from the person's right to the left.
_CHIN = range(3, 14)
_OUTER_UPPER, _OUTER_LOWER = (48, 49, 50, 51, 52, 53, 54), (48, 59, 58, 57, 56, 55, 54)
_INNER_UPPER, _INNER_LOWER = (60, 61, 62, 63, 64), (60, 67, 66, 65, 64)


@dataclass
class Shapes:
    """How each shape moves each of `POINTS` of one person."""

    rest: np.ndarray
    """`[points, 3]` in eyes."""
    moves: np.ndarray
    """`[shapes, points, 3]` in eyes."""


def _model() -> tuple[np.ndarray, np.ndarray]:
    """Landmarks `[68, 3]` of the head and of its shapes `[shapes, 68, 3]`, in its eyes, y down as in pictures."""
    data = np.load(data_file(), allow_pickle=False)
    names = [str(name) for name in data["expression_names"]]
    rest = data["vertices"][ICT_LANDMARKS].astype(np.float64)
    offsets = data["expressions"][:, ICT_LANDMARKS].astype(np.float64)

    def shape(name: str) -> np.ndarray:
        return offsets[names.index(name)] if name in names else offsets[names.index(name + "_L")] + offsets[names.index(name + "_R")]

    scale = np.array([1.0, -1.0, -1.0]) / np.linalg.norm(rest[36] - rest[45])
    return rest * scale, np.stack([shape(name) for name in NAMES]) * scale


def shapes_of(rest: np.ndarray) -> Shapes:
    """The shapes carried over to a person with these landmarks at rest, `[478, 3]` in eyes."""
    head, offsets = _model()
    moves = np.zeros((len(NAMES), len(POINTS), 3))
    lines = (
        (LIPS_OUTER[:11], _OUTER_UPPER), (LIPS_OUTER[10:] + LIPS_OUTER[:1], _OUTER_LOWER[::-1]),
        (LIPS_INNER[:11], _INNER_UPPER), (LIPS_INNER[10:] + LIPS_INNER[:1], _INNER_LOWER[::-1]),
        (JAW, tuple(_CHIN)),
    )  # fmt: skip
    for points, line in lines:
        knots = _along(head[list(line)])
        at = _along(rest[list(points)])
        if points is JAW:
            # Both run around the chin but end at different places: matched by their height below the corners of the mouth.
            at, knots = _sideways(rest[list(points)], rest, (61, 291)), _sideways(head[list(line)], head, (48, 54))
        order = np.argsort(knots)
        for index, place in zip(points, at):
            row = POINTS.index(index)
            for axis in range(3):
                moves[:, row, axis] = [np.interp(place, knots[order], shape[order, axis]) for shape in offsets[:, list(line)]]
    # A wider mouth moves farther.
    wide = np.linalg.norm(rest[61] - rest[291]) / np.linalg.norm(head[48] - head[54])
    return Shapes(rest[list(POINTS)], moves * wide)


def _along(line: np.ndarray) -> np.ndarray:
    """Where the points of a line lie between its ends, 0 to 1, by its length."""
    steps = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line[:, :2], axis=0), axis=1))])
    return steps / steps[-1]


def _sideways(line: np.ndarray, face: np.ndarray, corners: tuple[int, int]) -> np.ndarray:
    right, left = face[corners[0], 0], face[corners[1], 0]
    return (line[:, 0] - right) / (left - right)


def rest_of(solid: np.ndarray, opening: np.ndarray) -> np.ndarray:
    """The face at rest, `[478, 3]`: the middle of the frames whose lips are shut or nearly, and still.

    `solid` `[n, 478, 3]` of all clips, `opening` `[n]` of the lips.
    """
    motion = np.abs(np.gradient(opening))
    shut = opening <= np.quantile(opening, 0.25)
    still = motion <= np.median(motion[shut])
    return np.median(solid[shut & still], axis=0)


def fit(shapes: Shapes, solid: np.ndarray, change: float = CHANGE) -> np.ndarray:
    """Coefficients `[n, 16]` f32 in the order of `COEFFICIENTS` for the frames of one clip, `solid` `[n, 478, 3]`."""
    weight = np.ones((len(POINTS), 3)) * [1.0, 1.0, DEPTH]
    weight[-len(JAW) :] *= CHIN
    weight = (weight / np.sqrt(len(POINTS))).reshape(-1)
    a = shapes.moves.reshape(len(NAMES), -1) * weight
    b = (solid[:, list(POINTS)] - shapes.rest).reshape(len(solid), -1) * weight
    square, target = a @ a.T + PENALTY * np.eye(len(NAMES)), b @ a.T
    lower, upper = np.zeros(len(NAMES)), np.ones(len(NAMES))
    step = 1.0 / (np.linalg.eigvalsh(square)[-1] + 4 * change)
    # Nesterov's accelerated projected gradient.
    value = np.zeros((len(solid), len(NAMES)))
    ahead, momentum = value.copy(), 1.0
    for _ in range(STEPS):
        slope = ahead @ square - target
        difference = change * np.diff(ahead, axis=0)
        slope[1:] += difference
        slope[:-1] -= difference
        new = np.clip(ahead - step * slope, lower, upper)
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = new + (momentum - 1) / following * (new - value)
        value, momentum = new, following
    out = np.zeros((len(solid), len(COEFFICIENTS)), np.float32)
    for i, name in enumerate(FITTED):
        out[:, COEFFICIENTS.index(name)] = value[:, i]
    return out


def residual(shapes: Shapes, solid: np.ndarray, coefficients: np.ndarray) -> float:
    """Root mean square distance in eyes, in the picture's plane, that the fit leaves at the lips."""
    values = np.stack([coefficients[:, COEFFICIENTS.index(name)] for name in FITTED], 1)
    made = shapes.rest + np.einsum("nc,cpk->npk", values, shapes.moves[: len(FITTED)])
    lips = slice(0, len(POINTS) - len(JAW))
    return float(np.sqrt((((made - solid[:, list(POINTS)])[:, lips, :2]) ** 2).sum(-1).mean()))
