"""What the engine needs to move the film's own pixels: each base frame's landmarks, what its mouth shows already, the person's range."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..speech.mouth import COEFFICIENTS
from . import base, gesture
from .landmarks import Faces
from .prepare import Prepared

SIGMA = 0.8
"""Pictures by which landmarks and coefficients of base frames are smoothed: the mesh must not tremble where the face keeps still."""
CALM = 0.012
"""How far, in eyes, lips may open and shut in a stretch that counts as at rest."""
DRAWN, NETWORK = "drawn", "network"


@dataclass(frozen=True)
class Face:
    """The faces of some base frames."""

    points: np.ndarray
    """`[n, 478, 3]` in pixels."""
    own: np.ndarray
    """`[n, 16]`: what their mouths show."""


def of_loop(prepared: Prepared, track: Faces, loop: base.Loop, speaks: bool) -> Face:
    """The faces of a stretch. Where its lips keep still, what they show is the mouth at rest."""
    stretch = slice(loop.first, loop.first + loop.count)
    points = gaussian_filter1d(track.points.astype(np.float64), SIGMA, axis=0, mode="nearest")[stretch]
    own = np.zeros((len(points), len(COEFFICIENTS)))
    opening = track.opening()[stretch]
    if speaks and np.ptp(np.quantile(opening, (0.05, 0.95))) > CALM:
        own = gaussian_filter1d(prepared.coefficients[loop.clip].astype(np.float64), SIGMA, axis=0, mode="nearest")[stretch].copy()
        # The tongue is heard, not seen.
        own[:, COEFFICIENTS.index("tongueTip")] = 0
    return Face(points, own)


def of_gesture(made: gesture.Gesture, inside: Face, anchor: Face, prepared: Prepared, loop: base.Loop, stretch: base.Loop) -> Face:
    """The faces of a gesture's pictures, between those of its stretch and the loop's picture that it comes from."""
    at_anchor = prepared.heads[loop.clip].to_frame[loop.first + made.anchor]
    own_places = prepared.heads[stretch.clip].to_frame[stretch.first : stretch.first + stretch.count]
    points, own = [], []
    for number, t, place in zip(made.inside, made.share, made.to_frame):
        a, b = _brought(anchor.points[made.anchor], at_anchor, place), _brought(inside.points[number], own_places[number], place)
        points.append((1 - t) * a + t * b)
        own.append((1 - t) * anchor.own[made.anchor] + t * inside.own[number])
    return Face(np.stack(points), np.stack(own))


def _brought(points: np.ndarray, at: np.ndarray, to: np.ndarray) -> np.ndarray:
    """Landmarks of a head that was at one place, at another; depth goes with the size."""
    linear = to[:, :2] @ np.linalg.inv(at[:, :2])
    flat = (points[:, :2] - at[:, 2]) @ linear.T + to[:, 2]
    return np.concatenate([flat, points[:, 2:] * np.sqrt(abs(np.linalg.det(linear)))], 1)


def members(faces: list[Face], matrix: np.ndarray, inside: str) -> tuple[dict[str, bytes], dict]:
    """The file's members, and the manifest's `warp`."""
    written = {
        "warp/landmarks.f32": np.concatenate([face.points for face in faces]), "warp/own.f32": np.concatenate([face.own for face in faces]), "warp/matrix.f32": matrix,
    }  # fmt: skip
    data = {name: np.asarray(values, "<f4").tobytes() for name, values in written.items()}
    return data, {"landmarks": "warp/landmarks.f32", "own": "warp/own.f32", "matrix": "warp/matrix.f32", "inside": inside}
