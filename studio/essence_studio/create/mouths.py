"""The film's own open mouths: what the engine shows between the lips, chosen by how far they stand apart.

A mouth is taken as it lies between the inner lips: across from corner to corner, down from the upper lip to the lower one. For each of some gaps, a step
apart, one picture of the film is chosen: sharp, seen as the base loop is seen, and like its neighbours, so that one grows into the other unseen.
"""
from __future__ import annotations

import io
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from . import base
from .footage import Clip
from .landmarks import EYES, LIPS_INNER, LIPS_OUTER, Faces
from .prepare import Prepared

NARROWEST = 0.022
"""Gap, in eyes, of the first mouth."""
STEP = 1.28
"""From one gap to the next."""
NEAR = 0.16
"""Logarithm by which a picture's gap may differ from the one it stands for."""
LEAST = 4
"""Mouths without which there are too few, and the widest of which has to be open by `WIDE`."""
WIDE = 0.05
CANDIDATES = 24
"""Pictures that are looked at for each gap."""
INSET = 0.07
"""How far from either lip, as a part of the gap, a mouth begins: landmarks lie now and then on the lip."""
TURN = np.radians(6)
"""Turn of the head that costs as much as a unit."""
SOFT = 1.0
"""What a mouth without any detail costs, against the sharpest of its gap."""
LIPS = 4.0
"""What an inside costs that has the colour of lips all over."""
UNLIKE = 6.0
"""Levels of difference between neighbours that cost a unit, ..."""
UNUSUAL = 10.0
"""... and those from the middle of all that are open as far."""
QUALITY = 92
LARGEST = 192
_OUTER_UPPER, _OUTER_LOWER = LIPS_OUTER[3:8], (LIPS_OUTER[:1] + LIPS_OUTER[:9:-1])[3:8]
_UPPER, _LOWER = LIPS_INNER[:11], LIPS_INNER[:1] + LIPS_INNER[:9:-1]


@dataclass(frozen=True)
class Mouths:
    """Open mouths, from the nearly shut to the widest."""

    pictures: np.ndarray
    """`[k, h, w, 3]` u8"""
    gaps: np.ndarray
    """`[k]` in eyes"""

    def member(self) -> bytes:
        """All of them in one JPEG, one below the other."""
        out = io.BytesIO()
        Image.fromarray(np.concatenate(list(self.pictures))).save(out, "JPEG", quality=QUALITY, subsampling=0)
        return out.getvalue()

    def manifest(self, file: str) -> dict:
        count, height, width = self.pictures.shape[:3]
        return {"file": file, "width": width, "height": height, "gaps": [round(float(gap), 4) for gap in self.gaps]}


def chosen(prepared: Prepared, clips: list[Clip], tracks: list[Faces], loop: base.Loop) -> Mouths | None:
    """The mouths of a film; None where it shows too few."""
    open_by = [widest(track.points) for track in tracks]
    pose = np.median(prepared.heads[loop.clip].pose[loop.first : loop.first + loop.count], axis=0)
    away = [np.linalg.norm(heads.pose - pose, axis=1) / TURN for heads in prepared.heads]
    usable = [track.found & ~covered for track, covered in zip(tracks, prepared.covered)]
    every = np.concatenate([gaps[good] for gaps, good in zip(open_by, usable)])
    levels = _levels(every)
    picked: list[list[tuple[int, int]]] = []
    for level in levels:
        near = [
            (away[c][n] + abs(np.log(open_by[c][n] / level)) / NEAR, c, int(n))
            for c in range(len(tracks)) for n in np.flatnonzero(usable[c] & (np.abs(np.log(np.maximum(open_by[c], 1e-6) / level)) < NEAR))
        ]  # fmt: skip
        picked.append([(c, n) for _, c, n in sorted(near)[:CANDIDATES]])
    if not _suffice(levels) or min(map(len, picked)) == 0:
        return None
    wanted = {pair for pairs in picked for pair in pairs}
    size = _size(tracks, open_by, wanted)
    pictures, lips = {}, {}
    for c, clip in enumerate(clips):
        numbers = {n for other, n in wanted if other == c}
        for number, picture in enumerate(clip.pictures()):
            if number in numbers:
                pictures[c, number] = inside(picture, tracks[c].points[number], size)
                lips[c, number] = like_lips(pictures[c, number], picture, tracks[c].points[number])
            if number >= max(numbers, default=-1):
                break
    path = _path(
        [[pictures[pair] for pair in pairs] for pairs in picked],
        [[0.6 * away[c][n] + LIPS * lips[c, n] for c, n in pairs] for pairs in picked],
    )  # fmt: skip
    best = [pairs[at] for pairs, at in zip(picked, path)]
    return Mouths(np.stack([pictures[pair] for pair in best]), levels)


def _levels(gaps: np.ndarray) -> np.ndarray:
    """Gaps, a step apart, of which pictures with lips open by `gaps` `[n]` show mouths."""
    levels = NARROWEST * STEP ** np.arange(40)
    return levels[levels <= max(np.quantile(gaps, 0.995), NARROWEST)]


def _suffice(levels: np.ndarray) -> bool:
    return levels.size >= LEAST and levels[-1] >= WIDE


def enough(tracks: list[Faces]) -> bool:
    """Whether a film opens its mouth often and wide enough to show what lies in it: then no network has to learn that."""
    return _suffice(_levels(np.concatenate([widest(track.points)[track.found] for track in tracks])))


def widest(points: np.ndarray) -> np.ndarray:
    """How far the inner lips stand apart where they do most, in eyes, `[n]` of landmarks `[n, 478, 3]`."""
    right, left = points[:, _UPPER[0], :2], points[:, _UPPER[-1], :2]
    axis = (left - right) / np.maximum(np.linalg.norm(left - right, axis=1), 1e-3)[:, None]
    across = np.stack([-axis[:, 1], axis[:, 0]], 1)
    apart = np.einsum("ikd,id->ik", points[:, list(_LOWER), :2] - points[:, list(_UPPER), :2], across)
    return apart.max(1) / np.linalg.norm(points[:, EYES[0], :2] - points[:, EYES[1], :2], axis=1)


def inside(picture: np.ndarray, points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """What lies between the lips, `[height, width, 3]`."""
    width, height = size
    corner, other = points[_UPPER[0], :2], points[_UPPER[-1], :2]
    length = float(np.linalg.norm(other - corner))
    axis = (other - corner) / length
    across = np.array([-axis[1], axis[0]])

    def line(numbers: tuple[int, ...], at: np.ndarray) -> np.ndarray:
        along, beside = (points[list(numbers), :2] - corner) @ axis, (points[list(numbers), :2] - corner) @ across
        order = np.argsort(along)
        return np.interp(at, along[order], beside[order])

    u = (np.arange(width) + 0.5) / width * length
    v = INSET + (1 - 2 * INSET) * (np.arange(height) + 0.5) / height
    upper, lower = line(_UPPER, u), line(_LOWER, u)
    down = upper + v[:, None] * (lower - upper)
    places = corner + u[None, :, None] * axis + down[..., None] * across
    return cv2.remap(picture, *(places[..., k].astype(np.float32) - 0.5 for k in (0, 1)), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def like_lips(shown: np.ndarray, picture: np.ndarray, points: np.ndarray) -> float:
    """The part of an inside that has the lips' own colour: landmarks of rounded lips lie on them."""
    middles = (points[list(_OUTER_UPPER + _OUTER_LOWER), :2] + points[list(_UPPER[3:8] + _LOWER[3:8]), :2]) / 2
    x, y = middles.astype(int).T
    height, width = picture.shape[:2]
    lips = picture[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)].astype(np.float32).mean(0)

    def redness(colour: np.ndarray) -> np.ndarray:
        return colour[..., 0] - colour[..., 1:].mean(-1)

    colour = shown.astype(np.float32)
    return float(((redness(colour) > 0.75 * redness(lips)) & (colour.mean(-1) > 0.7 * lips.mean())).mean())


def _size(tracks: list[Faces], open_by: list[np.ndarray], wanted: set[tuple[int, int]]) -> tuple[int, int]:
    """As large as the widest of these mouths is filmed."""
    across = max(float(np.linalg.norm(tracks[c].points[n, _UPPER[0], :2] - tracks[c].points[n, _UPPER[-1], :2])) for c, n in wanted)
    down = max(float(open_by[c][n] * np.linalg.norm(tracks[c].points[n, EYES[0], :2] - tracks[c].points[n, EYES[1], :2])) for c, n in wanted)
    return min(LARGEST, 4 * int(np.ceil(across / 4))), min(LARGEST, max(8, 4 * int(np.ceil(down / 4))))


def _path(pictures: list[list[np.ndarray]], faults: list[list[float]]) -> list[int]:
    """One picture for each gap: sharp, usual, of few faults, like its neighbours (Viterbi)."""
    low = [np.stack([cv2.GaussianBlur(each, (0, 0), 2.0).astype(np.float32) for each in some]) for some in pictures]
    costs = []
    for some, soft, fault in zip(pictures, low, faults):
        detail = np.array([cv2.Laplacian(cv2.cvtColor(each, cv2.COLOR_RGB2GRAY), cv2.CV_32F).std() for each in some])
        unusual = np.sqrt(((soft - np.median(soft, axis=0)) ** 2).mean((1, 2, 3))) / UNUSUAL
        costs.append(np.array(fault) + unusual + SOFT * (1 - detail / max(detail.max(), 1e-6)))
    total, back = costs[0], []
    for k in range(1, len(pictures)):
        step = np.sqrt(((low[k][:, None] - low[k - 1][None]) ** 2).mean((2, 3, 4))) / UNLIKE
        through = step + total[None]
        back.append(through.argmin(1))
        total = costs[k] + through.min(1)
    path = [int(total.argmin())]
    for steps in reversed(back):
        path.append(int(steps[path[-1]]))
    return path[::-1]
