"""A face as a mesh over its picture: MediaPipe's triangles, moved by the ICT head's shapes, drawn by bending the picture.

The mesh has holes at the mouth and the eyes; around it lies a ring that stays where it is, so that neck and hair give way.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ..character.model import LANDMARKS as ICT_LANDMARKS
from ..character.model import data_file
from . import landmarks

OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234,
    127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
RING = (1.25, 1.6)
"""The rings around the face, as multiples of its outline: the first follows the chin by a third, the second stays."""
FOLLOWS = (0.35, 0.0)
LIPS_OF_ICT = dict(zip((61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181), range(48, 60)))
INNER_OF_ICT = dict(zip((78, 82, 13, 312, 308, 317, 14, 87), range(60, 68)))
EYES_OF_ICT = dict(zip((33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380), range(36, 48)))
NOSE_OF_ICT = {168: 27, 6: 28, 197: 29, 4: 30, 2: 33, 98: 31, 327: 35}
CHIN_OF_ICT = {152: 8, 148: 7, 377: 9, 149: 6, 378: 10, 172: 4, 397: 12, 132: 2, 361: 14}
KNOWN = {**LIPS_OF_ICT, **INNER_OF_ICT, **EYES_OF_ICT, **NOSE_OF_ICT, **CHIN_OF_ICT}
"""MediaPipe's points and the Multi-PIE landmark that lies there."""
LIDS = ((246, 161, 160, 159, 158, 157, 173), (7, 163, 144, 145, 153, 154, 155)), ((466, 388, 387, 386, 385, 384, 398), (249, 390, 373, 374, 380, 381, 382))
"""Upper and lower lid of each eye, point against point."""
ABOVE_LIDS = (247, 30, 29, 27, 28, 56, 190), (467, 260, 259, 257, 258, 286, 414)
"""The crease above each upper lid, which follows it by half."""


@dataclass
class Mesh:
    points: np.ndarray
    """`[n, 2]` in pixels: 468 landmarks and the rings."""
    triangles: np.ndarray
    shapes: dict[str, np.ndarray]
    """Offsets in pixels of each ARKit shape, `[n, 2]`."""
    eyes: float
    """Pixels between the eyes' outer corners."""


def triangles_of(points: np.ndarray) -> np.ndarray:
    """MediaPipe's triangles `[t, 3]` without mouth and eyes."""
    from mediapipe.python.solutions.face_mesh_connections import FACEMESH_TESSELATION

    near: dict[int, set[int]] = {}
    for a, b in FACEMESH_TESSELATION:
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    found = sorted({tuple(sorted((a, b, c))) for a, b in FACEMESH_TESSELATION for c in near[a] & near[b]})
    holes = [set(landmarks.LIPS_INNER)] + [{*upper, *lower, *corners} for (upper, lower), corners in zip(LIDS, ((33, 133), (263, 362)))]
    # Three neighbours of one point may be joined around it: a triangle that holds a neighbour of all three is none. Other points may well lie
    # in it: those of the other lip, where lips are shut.
    keep = []
    for triangle in found:
        a, b, c = triangle
        inside = _inside(points[sorted(near[a] & near[b] & near[c]), :2], points[list(triangle), :2])
        if not inside.any() and not any(set(triangle) <= hole for hole in holes):
            keep.append(triangle)
    return np.array(keep)


def _inside(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    a, b, c = corners
    area = _cross(b - a, c - a)
    if abs(area) < 1e-9:
        return np.zeros(len(points), bool)
    u, v = _cross(points - a, c - a) / area, _cross(b - a, points - a) / area
    return (u > 0.02) & (v > 0.02) & (u + v < 0.98)


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def mesh_of(points: np.ndarray, matrix: np.ndarray) -> Mesh:
    """The mesh of a face, `points` `[478, 3]` in pixels, `matrix` MediaPipe's pose of the head."""
    eyes = float(np.linalg.norm(points[landmarks.EYES[0], :2] - points[landmarks.EYES[1], :2]))
    own = triangles_of(points)
    outline = points[list(OVAL), :2]
    middle = outline.mean(0)
    rings = [middle + times * (outline - middle) for times in RING]
    everything = np.concatenate([points[:468, :2], *rings])
    count = len(OVAL)
    around = []
    inner, start = np.array(OVAL), 468
    for _ in RING:
        outer = np.arange(start, start + count)
        for i in range(count):
            j = (i + 1) % count
            around += [(inner[i], inner[j], outer[i]), (inner[j], outer[j], outer[i])]
        inner, start = outer, start + count
    moves = _shapes(points, matrix, eyes)
    shapes = {}
    for name, move in moves.items():
        shapes[name] = np.concatenate([move, *(follow * move[list(OVAL)] for follow in FOLLOWS)])
    return Mesh(everything, np.concatenate([own, np.array(around)]), shapes, eyes)


def _shapes(points: np.ndarray, matrix: np.ndarray, eyes: float) -> dict[str, np.ndarray]:
    """Every ICT shape carried over to the landmarks, in pixels, `[468, 2]`, seen as the head is turned."""
    data = np.load(data_file(), allow_pickle=False)
    names = [str(name) for name in data["expression_names"]]
    rest = data["vertices"].astype(np.float64)
    skin = np.unique(data["faces"][data["face_material"] == 0])
    skin = skin[skin >= 0]
    turn = matrix[:3, :3] / np.linalg.norm(matrix[:3, 0])
    scale = eyes / np.linalg.norm(rest[ICT_LANDMARKS[36]] - rest[ICT_LANDMARKS[45]]) / max(np.linalg.norm(turn[:2, 0]), 0.5)
    seen = rest @ turn.T * [scale, -scale, -scale]
    at = np.array(list(KNOWN))
    to = ICT_LANDMARKS[np.array(list(KNOWN.values()))]
    # The landmarks that are known bring the others near: where they are off, their neighbours are off by the same.
    placed = points[:468].astype(np.float64)
    placed[:, 2] -= placed[at, 2].mean() - seen[to, 2].mean()
    offset = placed[at] - seen[to]
    weight = 1 / (np.linalg.norm(placed[:, None, :2] - placed[None, at, :2], axis=2) + 0.02 * eyes) ** 3
    guess = placed - (weight @ offset) / weight.sum(1, keepdims=True)
    depthless = np.array([1, 1, 0.15])
    nearest = skin[cKDTree(seen[skin] * depthless).query(guess * depthless)[1]]
    nearest[at] = to
    moves: dict[str, np.ndarray] = {}
    sided = {name[:-2] for name in names if name.endswith("_L")}
    for name in [n for n in names if n[-2:] not in ("_L", "_R")] + sorted(sided):
        shape = data["expressions"][names.index(name)] if name in names else None
        if shape is None:
            shape = data["expressions"][names.index(name + "_L")].astype(np.float64) + data["expressions"][names.index(name + "_R")]
        flat = shape[nearest].astype(np.float64) @ turn.T * [scale, -scale, -scale]
        for line, known in _lines():
            for index in line:
                flat[index] = _between(index, line, known, points, flat)
        moves[name] = flat[:, :2]
    return moves


def _lines() -> list[tuple[tuple[int, ...], list[int]]]:
    """The lips' lines, upper and lower apart, with those of their points whose counterpart is known."""
    outer, inner = landmarks.LIPS_OUTER, landmarks.LIPS_INNER
    lines = [outer[:11], outer[10:] + outer[:1], inner[:11], inner[10:] + inner[:1]]
    return [(line, [index for index in line if index in KNOWN]) for line in lines]


def _between(index: int, line: tuple[int, ...], known: list[int], points: np.ndarray, flat: np.ndarray) -> np.ndarray:
    """A lip point's move from those of the known points beside it on its line."""
    if index in known:
        return flat[index]
    where = {i: k for k, i in enumerate(line)}
    before = max((k for k in known if where[k] < where[index]), key=lambda k: where[k])
    after = min((k for k in known if where[k] > where[index]), key=lambda k: where[k])
    a, b = (np.linalg.norm(points[index, :2] - points[k, :2]) for k in (before, after))
    return (flat[before] * b + flat[after] * a) / max(a + b, 1e-9)

