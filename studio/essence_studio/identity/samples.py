"""What an identity network is trained on; needs no PyTorch."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

HELD_OUT = 10
"""Every tenth sample is never trained on, where nothing else is said."""


@dataclass
class Samples:
    """Patches with what they show."""

    coefficients: np.ndarray
    """`[n, C]` f32."""
    pose: np.ndarray
    """`[n, P]` f32."""
    patches: np.ndarray
    """`[n, 3, S, S]` u8."""
    alpha: np.ndarray
    """`[S, S]` f32: the mask."""
    focus: np.ndarray
    """`[S, S]` f32: the mouth box, 1 inside, where errors count more and quality is measured."""
    held: np.ndarray | None = None
    """Indices that are never trained on; every tenth where nothing is said."""

    def split(self) -> tuple[np.ndarray, np.ndarray]:
        """Indices to train on and indices held out."""
        index = np.arange(len(self.patches))
        if self.held is not None:
            return np.setdiff1d(index, self.held), self.held
        held = index % HELD_OUT == HELD_OUT - 1
        return index[~held], index[held]
