"""What the engine needs to move the film's own pixels: each base frame's landmarks, what its mouth shows already, the person's range."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..speech.mouth import COEFFICIENTS
from . import base, gesture, mouths
from .landmarks import CALM_SIGMA, Faces
from .prepare import Prepared

CALM = 0.012
"""How far, in eyes, lips may open and shut in a stretch that counts as at rest."""
DRAWN, FILM, NETWORK = "drawn", "film", "network"


@dataclass(frozen=True)
class Face:
    """The faces of some base frames."""

    points: np.ndarray
    """`[n, 478, 3]` in pixels."""
    own: np.ndarray
    """`[n, 16]`: what their mouths show."""


def of_loop(prepared: Prepared, track: Faces, loop: base.Loop, strip: base.Strip, moves: bool = True) -> Face:
    """The faces of a stretch. Where its lips keep still, what they show is the mouth at rest; so it is without `moves`, in a gesture."""
    points, sources = strip.points, loop.sources()
    opening = np.array([track.opening()[a] for a, _, _ in sources])
    if not moves or np.ptp(np.quantile(opening, (0.05, 0.95))) <= CALM:
        return Face(points, np.zeros((len(points), len(COEFFICIENTS))))
    shown = gaussian_filter1d(prepared.coefficients[loop.clip].astype(np.float64), CALM_SIGMA, axis=0, mode="nearest")
    # The tongue is heard, not seen.
    shown[:, COEFFICIENTS.index("tongueTip")] = 0
    return Face(points, np.stack([(1 - share) * shown[a] + share * shown[b] for a, b, share in sources]))


def of_gesture(made: gesture.Gesture, stretch: Face, loop: Face) -> Face:
    """The faces of a gesture's pictures, between those of its stretch and the loop's picture that it comes from."""
    return Face(made.points, np.stack([(1 - t) * loop.own[made.anchor] + t * stretch.own[number] for number, t in zip(made.inside, made.share)]))


def members(faces: list[Face], matrix: np.ndarray, limits: np.ndarray, inside: str, open_mouths: mouths.Mouths | None = None) -> tuple[dict[str, bytes], dict]:
    """The file's members, and the manifest's `warp`. Where there are the film's own mouths, they show between the lips."""
    numbers = {"landmarks": np.concatenate([face.points for face in faces]), "own": np.concatenate([face.own for face in faces]), "matrix": matrix, "limits": limits}
    said: dict = {name: f"warp/{name}.f32" for name in numbers} | {"inside": FILM if open_mouths else inside}
    data = {said[name]: np.asarray(values, "<f4").tobytes() for name, values in numbers.items()}
    if open_mouths:
        data |= open_mouths.members()
        said["mouths"] = open_mouths.manifest()
    return data, said
