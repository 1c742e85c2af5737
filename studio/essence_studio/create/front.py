"""What stands between sixteen coefficients and the decoder: a fixed matrix to the lips that they mean.

Coefficients are correlated, and different ones make lips that look alike; the decoder learns better from the lips themselves (docs/coefficients.md).
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..speech.mouth import COEFFICIENTS
from . import fit

AXES = 12
TONGUE = 2.0
"""What the tongue's tip counts beside the lips' axes, whose deviation is about 1."""


@dataclass(frozen=True)
class Front:
    """`inputs = coefficients @ matrix + offset`."""

    matrix: np.ndarray
    """`[16, K]` f32."""
    offset: np.ndarray
    """`[K]` f32."""

    def __call__(self, coefficients: np.ndarray) -> np.ndarray:
        return (coefficients @ self.matrix + self.offset).astype(np.float32)


def plain() -> Front:
    """The coefficients as they are."""
    return Front(np.eye(len(COEFFICIENTS), dtype=np.float32), np.zeros(len(COEFFICIENTS), np.float32))


def of_lips(shapes: fit.Shapes, coefficients: np.ndarray) -> Front:
    """The main axes of the lips that a person's coefficients `[n, 16]` mean, and the tongue."""
    units = fit.lips(shapes, np.concatenate([np.zeros((1, len(COEFFICIENTS))), np.eye(len(COEFFICIENTS))]))
    units = units.reshape(len(units), -1)
    moves = units[1:] - units[:1]
    lips = coefficients @ moves
    centre = lips.mean(0)
    _, _, axes = np.linalg.svd(lips[:: max(1, len(lips) // 2000)] - centre, full_matrices=False)
    axes = axes[:AXES].T
    scale = ((lips - centre) @ axes).std(0).mean()
    tongue = np.zeros((len(COEFFICIENTS), 1))
    tongue[COEFFICIENTS.index("tongueTip")] = TONGUE
    matrix = np.concatenate([moves @ axes / scale, tongue], 1)
    offset = np.concatenate([-centre @ axes / scale, [0.0]])
    return Front(matrix.astype(np.float32), offset.astype(np.float32))
