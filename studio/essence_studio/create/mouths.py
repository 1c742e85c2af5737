"""The film's own open mouths: what the engine shows between the lips, by how far they stand apart, how wide the mouth is and how far down the chin.

A mouth is taken as it lies between the inner lips: across from corner to corner, down from the upper lip to the lower one. For each of some gaps, a step
apart, there is a grid of widths and of distances from the lower lip to the chin, where the film has them: lips that part as far show other teeth in *ee* than
in *oo*. Light and dark of each mouth are the mean of all pictures that lie near it, since a single one has its own accidents of tongue and light; what is
finer is one picture's, sharp, seen as the base loop is seen, and like its neighbours', so that one grows into the other unseen.
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
SHAPES = (3, 3)
"""Widths, and distances of the chin, of which each gap has mouths: at the middles of as many equal parts of the film's."""
NEAR_SHAPE = 0.5
"""Distance, in the film's deviations at that gap, at which a picture's width or chin counts as little as at `NEAR` its gap."""
FINE = 1 / 40
"""What is finer than this part of the mouth's width is one picture's, what is coarser the mean of many."""
SEEN = 1500
"""Pictures that are looked at, ..."""
CANDIDATES = 24
"""... and those of them among which a mouth's fine detail is chosen."""
SWEEPS = 4
"""Times that each mouth's choice is made again, by its neighbours'."""
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
"""... and those from the mean that it is laid over."""
QUALITY = 92
LARGEST = 192
_OUTER_UPPER, _OUTER_LOWER = LIPS_OUTER[3:8], (LIPS_OUTER[:1] + LIPS_OUTER[:9:-1])[3:8]
CHIN = 152
_UPPER, _LOWER = LIPS_INNER[:11], LIPS_INNER[:1] + LIPS_INNER[:9:-1]


@dataclass(frozen=True)
class Mouths:
    """Open mouths, from the nearly shut to the widest."""

    pictures: np.ndarray
    """`[k, a, b, h, w, 3]` u8: by gap, width and distance of the chin"""
    gaps: np.ndarray
    """`[k]` in eyes"""
    widths: np.ndarray
    """`[k, a]` in eyes"""
    chins: np.ndarray
    """`[k, b]` in eyes"""

    def members(self) -> dict[str, bytes]:
        """The usual mouth of each gap, one below the other, for readers that go by the gap alone; and all of them, a row for each gap."""
        k, a, b, height, width, _ = self.pictures.shape
        every = self.pictures.transpose(0, 3, 1, 2, 4, 5).reshape(k * height, a * b * width, 3)
        return {"warp/mouths.jpg": _jpeg(np.concatenate(list(self.pictures[:, a // 2, b // 2]))), "warp/shapes.jpg": _jpeg(every)}

    def manifest(self) -> dict:
        """`warp.mouths` of the manifest."""
        height, width = self.pictures.shape[3:5]
        shapes = {name: np.round(values.astype(float), 4).tolist() for name, values in (("widths", self.widths), ("chins", self.chins))}
        gaps = [round(float(gap), 4) for gap in self.gaps]
        return {"file": "warp/mouths.jpg", "width": width, "height": height, "gaps": gaps, "shapes": {"file": "warp/shapes.jpg"} | shapes}


def _jpeg(picture: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=QUALITY, subsampling=0)
    return out.getvalue()


@dataclass(frozen=True)
class Seen:
    """Open mouths of a film's pictures, of which some are chosen."""

    pictures: np.ndarray
    """`[n, h, w, 3]` u8"""
    gaps: np.ndarray
    """`[n]` in eyes, as are the others"""
    widths: np.ndarray
    chins: np.ndarray
    turned: np.ndarray
    """`[n]`: how far the head is turned from where the base loop holds it, in `TURN`"""
    lips: np.ndarray
    """`[n]`: `like_lips`"""


def chosen(prepared: Prepared, clips: list[Clip], tracks: list[Faces], loop: base.Loop) -> Mouths | None:
    """The mouths of a film; None where it shows too few."""
    open_by = [widest(track.points) for track in tracks]
    usable = [track.found & ~covered for track, covered in zip(tracks, prepared.covered)]
    levels = _levels(np.concatenate([gaps[good] for gaps, good in zip(open_by, usable)]))
    wanted = [
        (c, int(n)) for c, gaps in enumerate(open_by)
        for n in np.flatnonzero(usable[c] & (gaps > levels[0] * np.exp(-2 * NEAR)) & (gaps < levels[-1] * np.exp(2 * NEAR)))
    ]  # fmt: skip
    wanted = [wanted[at] for at in np.unique(np.linspace(0, len(wanted) - 1, min(len(wanted), SEEN)).astype(int))] if wanted else []
    gaps = np.array([open_by[c][n] for c, n in wanted])
    if not _suffice(levels) or not all((np.abs(np.log(gaps / level)) < NEAR).any() for level in levels):
        return None
    size = _size(tracks, open_by, wanted)
    pose = np.median(prepared.heads[loop.clip].pose[loop.first : loop.first + loop.count], axis=0)
    pictures, lips = [], []
    for c, clip in enumerate(clips):
        numbers = {n for other, n in wanted if other == c}
        for number, picture in enumerate(clip.pictures()):
            if number in numbers:
                pictures.append(inside(picture, tracks[c].points[number], size))
                lips.append(like_lips(pictures[-1], picture, tracks[c].points[number]))
            if number >= max(numbers, default=-1):
                break
    shapes = np.concatenate([_shape(tracks[c].points[[n for other, n in wanted if other == c]]) for c in range(len(tracks))])
    turned = np.array([np.linalg.norm(prepared.heads[c].pose[n] - pose) / TURN for c, n in wanted])
    return atlas(Seen(np.stack(pictures), gaps, shapes[:, 0], shapes[:, 1], turned, np.array(lips)), levels)


def atlas(seen: Seen, levels: np.ndarray) -> Mouths:
    """Mouths for the gaps `levels`, out of those that a film shows."""
    fine = FINE * seen.pictures.shape[2]
    coarse = np.stack([cv2.GaussianBlur(each, (0, 0), fine) for each in seen.pictures])
    detail = np.array([cv2.Laplacian(cv2.cvtColor(each, cv2.COLOR_RGB2GRAY), cv2.CV_32F).std() for each in seen.pictures])
    widths, chins = (np.zeros((len(levels), count)) for count in SHAPES)
    cells: dict[tuple[int, int, int], _Cell] = {}
    for k, level in enumerate(levels):
        away = np.log(seen.gaps / level) / NEAR
        near = np.flatnonzero(np.abs(away) < 2)
        around = coarse[near].astype(np.float32)
        unwanted = (seen.turned[near] / 2) ** 2 / 2 + 2 * seen.lips[near]
        for places, values in ((widths, seen.widths), (chins, seen.chins)):
            places[k] = np.quantile(values[near], (np.arange(places.shape[1]) + 0.5) / places.shape[1])
        for a, b in np.ndindex(SHAPES):
            far = away[near] ** 2
            for place, values in ((widths[k, a], seen.widths[near]), (chins[k, b], seen.chins[near])):
                far = far + ((values - place) / max(NEAR_SHAPE * values.std(), 1e-6)) ** 2
            weights = np.exp(-far / 2 - unwanted + (far / 2 + unwanted).min())
            mean = np.tensordot((weights / weights.sum()).astype(np.float32), around, 1)
            best = np.argsort(far, kind="stable")[:CANDIDATES]
            some, soft = near[best], around[best]
            shown = np.clip(np.round(mean + seen.pictures[some].astype(np.float32) - soft), 0, 255).astype(np.uint8)
            unusual = np.sqrt(((soft - mean) ** 2).mean((1, 2, 3))) / UNUSUAL
            faults = 0.6 * seen.turned[some] + LIPS * seen.lips[some] + unusual + SOFT * (1 - detail[some] / max(detail[some].max(), 1e-6))
            cells[k, a, b] = _Cell(shown, faults)
    pictures = np.zeros((len(levels), *SHAPES, *seen.pictures.shape[1:]), np.uint8)
    for place, picked in _settled(cells).items():
        pictures[place] = cells[place].shown[picked]
    return Mouths(pictures, levels, widths, chins)


@dataclass(frozen=True)
class _Cell:
    """The candidates for one mouth."""

    shown: np.ndarray
    """`[n, h, w, 3]` u8"""
    faults: np.ndarray
    """`[n]`"""


def _settled(cells: dict[tuple[int, int, int], _Cell]) -> dict[tuple[int, int, int], int]:
    """One candidate for each mouth: of few faults, like its neighbours."""
    picked = {place: int(cell.faults.argmin()) for place, cell in cells.items()}
    for _ in range(SWEEPS):
        before = dict(picked)
        for place, cell in cells.items():
            shown, costs = cell.shown.astype(np.float32), cell.faults.copy()
            for axis in range(3):
                for step in (-1, 1):
                    other = tuple(at + step * (axis == k) for k, at in enumerate(place))
                    if other in cells:
                        costs += np.sqrt(((shown - cells[other].shown[picked[other]]) ** 2).mean((1, 2, 3))) / UNLIKE
            picked[place] = int(costs.argmin())
        if picked == before:
            break
    return picked


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
    apart = np.einsum("ikd,id->ik", points[:, list(_LOWER), :2] - points[:, list(_UPPER), :2], _across(points))
    return apart.max(1) / _eyes(points)


def _shape(points: np.ndarray) -> np.ndarray:
    """How far the mouth's inner corners stand apart, and how far the chin lies below the lower lip, in eyes, `[n, 2]`."""
    width = np.linalg.norm(points[:, _UPPER[-1], :2] - points[:, _UPPER[0], :2], axis=1)
    chin = np.einsum("id,id->i", points[:, CHIN, :2] - points[:, _LOWER[5], :2], _across(points))
    return np.stack([width, chin], 1) / _eyes(points)[:, None]


def _across(points: np.ndarray) -> np.ndarray:
    """The direction across the mouth, down, `[n, 2]`."""
    right, left = points[:, _UPPER[0], :2], points[:, _UPPER[-1], :2]
    axis = (left - right) / np.maximum(np.linalg.norm(left - right, axis=1), 1e-3)[:, None]
    return np.stack([-axis[:, 1], axis[:, 0]], 1)


def _eyes(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[:, EYES[0], :2] - points[:, EYES[1], :2], axis=1)


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


def _size(tracks: list[Faces], open_by: list[np.ndarray], wanted: list[tuple[int, int]]) -> tuple[int, int]:
    """As large as the widest of these mouths is filmed."""
    across = max(float(np.linalg.norm(tracks[c].points[n, _UPPER[0], :2] - tracks[c].points[n, _UPPER[-1], :2])) for c, n in wanted)
    down = max(float(open_by[c][n] * np.linalg.norm(tracks[c].points[n, EYES[0], :2] - tracks[c].points[n, EYES[1], :2])) for c, n in wanted)
    return min(LARGEST, 4 * int(np.ceil(across / 4))), min(LARGEST, max(8, 4 * int(np.ceil(down / 4))))
