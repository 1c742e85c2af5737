"""What the engine needs to move the film's own pixels: each base frame's landmarks, what its mouth shows already, the person's range."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..speech.mouth import COEFFICIENTS
from . import base, gesture, morph, mouths
from .landmarks import Faces
from .prepare import Prepared

SIGMA = 0.8
"""Pictures by which landmarks and coefficients of base frames are smoothed: the mesh must not tremble where the face keeps still."""
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
    landmarks = gaussian_filter1d(track.points.astype(np.float64), SIGMA, axis=0, mode="nearest")
    places, sources = prepared.heads[loop.clip].to_frame, loop.sources()
    points = np.stack([
        (1 - share) * morph.points(landmarks[a], places[a], to) + share * morph.points(landmarks[b], places[b], to)
        for (a, b, share), to in zip(sources, strip.to_frame)
    ])  # fmt: skip
    opening = np.array([track.opening()[a] for a, _, _ in sources])
    if not moves or np.ptp(np.quantile(opening, (0.05, 0.95))) <= CALM:
        return Face(points, np.zeros((len(points), len(COEFFICIENTS))))
    shown = gaussian_filter1d(prepared.coefficients[loop.clip].astype(np.float64), SIGMA, axis=0, mode="nearest")
    # The tongue is heard, not seen.
    shown[:, COEFFICIENTS.index("tongueTip")] = 0
    return Face(points, np.stack([(1 - share) * shown[a] + share * shown[b] for a, b, share in sources]))


def of_gesture(made: gesture.Gesture, stretch: tuple[base.Strip, Face], loop: tuple[base.Strip, Face]) -> Face:
    """The faces of a gesture's pictures, between those of its stretch and the loop's picture that it comes from."""
    (strip, inside), (idle, anchor) = stretch, loop
    points, own = [], []
    for number, t, place in zip(made.inside, made.share, made.to_frame):
        a = morph.points(anchor.points[made.anchor], idle.to_frame[made.anchor], place)
        b = morph.points(inside.points[number], strip.to_frame[number], place)
        points.append((1 - t) * a + t * b)
        own.append((1 - t) * anchor.own[made.anchor] + t * inside.own[number])
    return Face(np.stack(points), np.stack(own))


def members(faces: list[Face], matrix: np.ndarray, inside: str, open_mouths: mouths.Mouths | None = None) -> tuple[dict[str, bytes], dict]:
    """The file's members, and the manifest's `warp`. Where there are the film's own mouths, they show between the lips."""
    written = {
        "warp/landmarks.f32": np.concatenate([face.points for face in faces]), "warp/own.f32": np.concatenate([face.own for face in faces]), "warp/matrix.f32": matrix,
    }  # fmt: skip
    data = {name: np.asarray(values, "<f4").tobytes() for name, values in written.items()}
    said: dict = {"landmarks": "warp/landmarks.f32", "own": "warp/own.f32", "matrix": "warp/matrix.f32", "inside": FILM if open_mouths else inside}
    if open_mouths:
        data["warp/mouths.jpg"] = open_mouths.member()
        said["mouths"] = open_mouths.manifest("warp/mouths.jpg")
    return data, said
