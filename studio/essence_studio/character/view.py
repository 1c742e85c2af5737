"""Projection: where head points fall in the frame, and the patch's similarity that follows the skull."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .model import Head, head_transform

FRAME = 512
"""Width and height of the base frames."""
PATCH = 192
"""Width and height of the patch."""
VIEW_CENTRE = np.array([0.0, 0.75])
"""What the camera looks at, x and y in centimetres."""
VIEW_HEIGHT = 32.0
"""Height of the frame at `VIEW_DEPTH`."""
VIEW_DEPTH = 6.0
CAMERA_Z = 86.0
UNIT = FRAME * (CAMERA_Z - VIEW_DEPTH) / VIEW_HEIGHT
"""Frame pixels per unit of tangent."""

PATCH_CENTRE = np.array([0.0, -5.1])
"""What lies at the middle of the patch on the resting head, at depth `ANCHOR_DEPTH`."""
PATCH_WIDTH = 11.4
ANCHOR_DEPTH = 10.0


def project(points: np.ndarray) -> np.ndarray:
    """World points to frame pixels (x right, y down, pixel centres at .5)."""
    p = np.asarray(points, float)
    depth = CAMERA_Z - p[..., 2]
    x = (p[..., 0] - VIEW_CENTRE[0]) / depth * UNIT + FRAME / 2
    y = FRAME / 2 - (p[..., 1] - VIEW_CENTRE[1]) / depth * UNIT
    return np.stack([x, y], -1)


@dataclass
class Similarity:
    """Takes patch coordinates (u, v) of a square of `size` pixels to frame pixels: x = a u - d v + c, y = d u + a v + f."""

    a: float
    d: float
    c: float
    f: float

    def affine(self) -> list[float]:
        """`a b c d e f` of `geometry.f32`."""
        return [self.a, -self.d, self.c, self.d, self.a, self.f]

    def camera(self, size: int) -> tuple[float, tuple[float, float], float]:
        """Lens (focal length over sensor width), shift (in widths) and roll of a camera that sees exactly this square."""
        scale, turn = np.hypot(self.a, self.d), np.arctan2(self.d, self.a)
        centre = np.array([self.a, self.d]) * size / 2 + np.array([-self.d, self.a]) * size / 2 + np.array([self.c, self.f])
        off = (centre - FRAME / 2) * np.array([1, -1])  # y up
        roll = -turn  # the picture's y points down
        c, s = np.cos(-roll), np.sin(-roll)
        local = np.array([c * off[0] - s * off[1], s * off[0] + c * off[1]])
        width = scale * size
        return UNIT / width, (local[0] / width, local[1] / width), roll


WHOLE = Similarity(1.0, 0.0, 0.0, 0.0)
"""The frame itself."""


def patch_similarity(pose: dict[str, float]) -> Similarity:
    """The similarity that follows the skull: fitted to anchors about the mouth that are fixed to the upper jaw."""
    half = PATCH_WIDTH / 2
    g = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]]) * 0.6 * half
    anchors = np.concatenate([g + PATCH_CENTRE, np.full((4, 1), ANCHOR_DEPTH)], 1)
    m, t = head_transform(pose)
    frame = project(anchors @ m.T + t)
    scale = PATCH / PATCH_WIDTH
    patch = np.stack([(g[:, 0] + half) * scale, (half - g[:, 1]) * scale], 1)
    rows, values = [], []
    for (u, v), (x, y) in zip(patch, frame):
        rows += [[u, -v, 1, 0], [v, u, 0, 1]]
        values += [x, y]
    a, d, c, f = np.linalg.lstsq(np.array(rows), np.array(values), rcond=None)[0]
    return Similarity(float(a), float(d), float(c), float(f))
