"""The face of each picture of a clip: 478 landmarks."""
from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..face import finder
from .footage import Clip, Refused

EYES = (33, 263)
"""Outer corners; their distance is the unit of lengths in a face."""
STABLE = (33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 48, 278, 98, 327, 10, 151, 9, 8, 107, 336, 127, 356, 234, 454)
"""Points that the mouth doesn't move: corners of the eyes, nose, forehead, temples."""
LIPS_OUTER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
LIPS_INNER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)
"""Both run from the right corner over the upper lip to the left corner and back over the lower lip."""
LIPS = LIPS_OUTER + LIPS_INNER
JAW = (172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397)
"""The edge of the chin from side to side."""

LIDS = ((159, 145), (386, 374))
"""The lids' middles of the person's right and left eye."""
CORNERS = ((33, 133), (362, 263))
CALM_SIGMA = 0.8
"""Pictures by which landmarks of base frames are smoothed."""


@dataclass
class Faces:
    """One clip's faces."""

    points: np.ndarray
    """`[n, 478, 3]` f32: x and y in pixels, z in pixels towards the camera negative."""
    found: np.ndarray
    """`[n]` bool; frames without a face repeat their neighbour."""

    def opening(self) -> np.ndarray:
        """`opening` of these faces, `[n]`."""
        return opening(self.points)

    def calm(self) -> np.ndarray:
        """The landmarks of a mesh over base frames, `[n, 478, 3]`: it must not tremble where the face keeps still."""
        return gaussian_filter1d(self.points.astype(np.float64), CALM_SIGMA, axis=0, mode="nearest")

    def lids(self) -> np.ndarray:
        """How far the lids stand apart as a share of the eyes' width, the mean of both eyes, `[n]`."""
        return np.mean([_apart(self.points, *lids) / _apart(self.points, *corners) for lids, corners in zip(LIDS, CORNERS)], axis=0)


def opening(points: np.ndarray) -> np.ndarray:
    """Distance of the inner lips' middles as a share of the eyes' distance, `[n]` of landmarks `[n, 478, 3]`."""
    return _apart(points, 13, 14) / _apart(points, *EYES)


def _apart(points: np.ndarray, a: int, b: int) -> np.ndarray:
    return np.linalg.norm(points[:, a, :2] - points[:, b, :2], axis=1)


def seen(picture: np.ndarray) -> np.ndarray | None:
    """The landmarks `[478, 3]` of the largest face of an RGB picture; None where there is none."""
    for bounds, eyes in finder.boxes(picture)[:1]:
        found = finder.landmarks(picture, bounds, eyes)
        if found.presence >= finder.LEAST_PRESENCE:
            return found.points
    return None


def track(clip: Clip, tick: Callable[[int], None] = lambda _: None) -> Faces:
    """The face of every picture of a clip, each on a square around the one before; `tick` is told how many are done."""
    rows: list[np.ndarray | None] = []
    for picture in clip.pictures():
        last, points = rows[-1] if rows else None, None
        if last is not None:
            found = finder.again(picture, last)
            points = found.points if found.presence >= finder.LEAST_PRESENCE else None
        rows.append(seen(picture) if points is None else points)
        tick(len(rows))
    found = np.array([row is not None for row in rows])
    if not found.any():
        raise Refused(f"{clip.name}: no face was found; film the face from the front, lit, with nothing before it")
    places = np.flatnonzero(found)
    nearest = [rows[places[np.abs(places - i).argmin()]] for i in range(len(rows))]
    return Faces(np.stack(nearest), found)


def tracked(clip: Clip, kept: Path, tick: Callable[[int], None] = lambda _: None) -> Faces:
    """`track`, kept in a file for the next time."""
    if not kept.exists():
        save(kept, track(clip, tick))
    return load(kept)


def save(path: Path, faces: Faces) -> None:
    part = path.with_suffix(".part.npz")
    np.savez(part, points=faces.points, found=faces.found)
    os.replace(part, path)


def load(path: Path) -> Faces:
    with np.load(path) as file:
        return Faces(file["points"], file["found"])
