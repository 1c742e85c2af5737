"""Mouth coefficients of filmed lips: ARKit's shapes fitted to landmarks.

The shapes are the ICT head's (`character/model.py`). Where a landmark lies on the lips or the chin decides which shapes move it how far; what
it is held against is the person's own face at rest. So the head's proportions don't matter, only the way its lips move:

    minimise over c in [0, 1]:  |W (rest + J c - landmarks)|² + penalty |c|²
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..character.model import LANDMARKS as ICT_LANDMARKS
from ..speech.mouth import COEFFICIENTS
from .landmarks import JAW, LIPS_INNER, LIPS_OUTER

LANDMARKS_FILE = Path(__file__).with_name("head.npz")
"""Written by `python -m essence_studio.face`."""
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
PENALTY = 1e-4
"""For each coefficient, in square eyes: it needs a reason to be there."""
SWEEPS = 150
LIKE_MODEL = 2.0
"""How many frames of a shape at its fullest it takes to believe the footage as much as the head."""
ROUNDS = 4
MOST_FRAMES = 2500
"""That shapes are adapted to."""

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


def model() -> tuple[np.ndarray, np.ndarray]:
    """Landmarks `[68, 3]` of the ICT head (MIT) and of its shapes `[shapes, 68, 3]`, in its eyes, y down as in pictures."""
    with np.load(LANDMARKS_FILE) as data:
        return data["rest"].astype(np.float64), data["moves"].astype(np.float64)


def model_of(head: Path) -> tuple[np.ndarray, np.ndarray]:
    """What `model` gives, from the whole head: what the package carries of it."""
    data = np.load(head, allow_pickle=False)
    names = [str(name) for name in data["expression_names"]]
    rest = data["vertices"][ICT_LANDMARKS].astype(np.float64)
    offsets = data["expressions"][:, ICT_LANDMARKS].astype(np.float64)

    def shape(name: str) -> np.ndarray:
        return offsets[names.index(name)] if name in names else offsets[names.index(name + "_L")] + offsets[names.index(name + "_R")]

    scale = np.array([1.0, -1.0, -1.0]) / np.linalg.norm(rest[36] - rest[45])
    return rest * scale, np.stack([shape(name) for name in NAMES]) * scale


def shapes_of(rest: np.ndarray) -> Shapes:
    """The shapes carried over to a person with these landmarks at rest, `[478, 3]` in eyes."""
    head, offsets = model()
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
    shut = opening <= opening.min() + 0.12 * (np.quantile(opening, 0.95) - opening.min())
    still = motion <= np.median(motion[shut])
    return np.median(solid[shut & still], axis=0)


def adapted(shapes: Shapes, solid: np.ndarray) -> Shapes:
    """The shapes as this person makes them: between how the head's lips move and how the filmed ones do.

    `solid` `[n, 478, 3]` of all clips. In turns, coefficients are fitted with the shapes, and the shapes with the coefficients.
    """
    solid = solid[:: max(1, len(solid) // MOST_FRAMES)]
    seen = (solid[:, list(POINTS)] - shapes.rest).reshape(len(solid), -1)
    model = shapes.moves.reshape(len(NAMES), -1)
    own = shapes
    for _ in range(ROUNDS):
        used = values(own, solid)
        # A shape that this person hardly uses stays the head's.
        gram = used.T @ used + LIKE_MODEL * np.eye(len(NAMES))
        own = Shapes(shapes.rest, (np.linalg.solve(gram, used.T @ seen + LIKE_MODEL * model)).reshape(shapes.moves.shape))
    return own


def fit(shapes: Shapes, solid: np.ndarray) -> np.ndarray:
    """Coefficients `[n, 16]` f32 in the order of `COEFFICIENTS` for frames `solid` `[n, 478, 3]`."""
    each = values(shapes, solid)
    out = np.zeros((len(solid), len(COEFFICIENTS)), np.float32)
    for i, name in enumerate(FITTED):
        out[:, COEFFICIENTS.index(name)] = each[:, i]
    return out


def values(shapes: Shapes, solid: np.ndarray) -> np.ndarray:
    """All of `NAMES`, `[n, shapes]`, by coordinate descent: exact for every frame on its own."""
    weight = np.ones((len(POINTS), 3)) * [1.0, 1.0, DEPTH]
    weight[-len(JAW) :] *= CHIN
    weight = (weight / np.sqrt(len(POINTS))).reshape(-1)
    a = shapes.moves.reshape(len(NAMES), -1) * weight
    b = (solid[:, list(POINTS)] - shapes.rest).reshape(len(solid), -1) * weight
    square, target = a @ a.T + PENALTY * np.eye(len(NAMES)), (b @ a.T).T
    value = np.zeros((len(NAMES), len(solid)))
    for _ in range(SWEEPS):
        for i in range(len(NAMES)):
            value[i] = np.clip(value[i] + (target[i] - square[i] @ value) / square[i, i], 0.0, 1.0)
    return value.T


def parting(shapes: Shapes) -> np.ndarray:
    """How far each coefficient parts the middles of the lips, `[16]`, in eyes."""
    upper, lower = (POINTS.index(index) for index in (LIPS_INNER[5], LIPS_INNER[15]))
    out = np.zeros(len(COEFFICIENTS))
    for i, name in enumerate(FITTED):
        out[COEFFICIENTS.index(name)] = shapes.moves[i, lower, 1] - shapes.moves[i, upper, 1]
    return out


def residual(shapes: Shapes, solid: np.ndarray, coefficients: np.ndarray) -> float:
    """Root mean square distance in eyes, in the picture's plane, that the fit leaves at the lips."""
    seen = solid[:, list(POINTS)][:, : len(POINTS) - len(JAW), :2]
    return float(np.sqrt(((lips(shapes, coefficients) - seen) ** 2).sum(-1).mean()))


def lips(shapes: Shapes, coefficients: np.ndarray) -> np.ndarray:
    """The lips' points `[n, 40, 2]` that coefficients `[n, 16]` mean, in eyes."""
    fitted = np.stack([coefficients[:, COEFFICIENTS.index(name)] for name in FITTED], 1)
    made = shapes.rest + np.einsum("nc,cpk->npk", fitted, shapes.moves[: len(FITTED)])
    return made[:, : len(POINTS) - len(JAW), :2]
