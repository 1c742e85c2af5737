"""How each of ARKit's shapes moves MediaPipe's face mesh, from the ICT head (MIT licence).

Layout, little-endian: magic `ESFH`, u32 version 1, counts of points, triangles and shapes; points `[P, 3]` f32 of the
canonical face; triangles `[T, 3]` u16 without eyes and mouth; shape names, each ended by a newline, preceded by their
length in bytes as u32; offsets `[S, P, 3]` i16 in 1/32768. Lengths in distances between the eyes' outer corners, x to the
right and y down in the picture, z away from the camera, the origin between the eyes' outer corners.
"""
from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import numpy as np
from scipy.interpolate import PchipInterpolator, RBFInterpolator
from scipy.spatial import cKDTree

from ..character.model import LANDMARKS, data_file

SCALE = 32768
UPPER = (
    (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291), (76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306),
    (62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292), (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308),
)  # fmt: skip
"""The upper lip's rows of points, from its outline to where the lips meet; each from the person's right to the left."""
LOWER = (
    (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291), (76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306),
    (62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292), (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308),
)  # fmt: skip
LIP_KNOTS = ((48, 49, 50, 51, 52, 53, 54), (60, 61, 62, 63, 64), (48, 59, 58, 57, 56, 55, 54), (60, 67, 66, 65, 64))
"""Multi-PIE landmarks along the upper lip's outline and inside, then the lower lip's."""
LIDS = (
    ((33, 246, 161, 160, 159, 158, 157, 173, 133), (36, 37, 38, 39)), ((33, 7, 163, 144, 145, 153, 154, 155, 133), (36, 41, 40, 39)),
    ((362, 398, 384, 385, 386, 387, 388, 466, 263), (42, 43, 44, 45)), ((362, 382, 381, 380, 374, 373, 390, 249, 263), (42, 47, 46, 45)),
)  # fmt: skip
KNOWN = {
    **dict(zip((61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181), range(48, 60))), **dict(zip((78, 82, 13, 312, 308, 317, 14, 87), range(60, 68))),
    **dict(zip((33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380), range(36, 48))),
    **{168: 27, 6: 28, 197: 29, 4: 30, 2: 33, 98: 31, 327: 35, 152: 8, 148: 7, 377: 9, 149: 6, 378: 10, 172: 4, 397: 12, 132: 2, 361: 14},
    **{70: 17, 105: 19, 107: 21, 336: 22, 334: 24, 300: 26},
}  # fmt: skip
"""Points of the mesh and the Multi-PIE landmark that lies there."""
NEIGHBOURS = 6


def canonical(bundle: Path) -> tuple[np.ndarray, np.ndarray]:
    """The canonical face of MediaPipe's bundle: points `[468, 3]` in its centimetres, y up, and triangles `[898, 3]`."""
    from mediapipe.modules.face_geometry.protos import geometry_pipeline_metadata_pb2

    metadata = geometry_pipeline_metadata_pb2.GeometryPipelineMetadata()
    with zipfile.ZipFile(bundle) as archive:
        metadata.ParseFromString(archive.read("geometry_pipeline_metadata_landmarks.binarypb"))
    mesh = metadata.canonical_mesh
    return np.array(mesh.vertex_buffer).reshape(-1, 5)[:, :3], np.array(mesh.index_buffer).reshape(-1, 3)


def written(bundle: Path) -> bytes:
    """The head's file."""
    points, triangles = canonical(bundle)
    middle, unit = (points[33] + points[263]) / 2, np.linalg.norm(points[33] - points[263])
    names, offsets = shapes(points)
    flip = np.array([1.0, -1.0, -1.0])
    holes = [set(UPPER[3]) | set(LOWER[3])] + [set(LIDS[i][0]) | set(LIDS[i + 1][0]) for i in (0, 2)]
    skin = np.array([t for t in triangles if not any(set(t) <= hole for hole in holes)])
    text = "".join(f"{name}\n" for name in names).encode()
    head = struct.pack("<4s4I", b"ESFH", 1, len(points), len(skin), len(names))
    body = ((points - middle) / unit * flip).astype("<f4").tobytes() + skin.astype("<u2").tobytes()
    moves = np.round(offsets * flip * SCALE).clip(-SCALE, SCALE - 1).astype("<i2").tobytes()
    return head + body + struct.pack("<I", len(text)) + text + moves


def shapes(points: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Names, and offsets `[S, 468, 3]` in distances between the eyes, y up."""
    data = np.load(data_file(), allow_pickle=False)
    names, vertices, moves = [str(name) for name in data["expression_names"]], data["vertices"].astype(float), data["expressions"].astype(float)
    skin = np.unique(data["faces"][data["face_material"] == 0])
    skin = skin[skin >= 0]
    ours, theirs = np.array(list(KNOWN)), LANDMARKS[np.array(list(KNOWN.values()))]
    # The canonical face bent onto the ICT head: its known points exactly, the others smoothly between.
    bent = RBFInterpolator(points[ours], vertices[theirs], kernel="thin_plate_spline")(points)
    distances, nearest = cKDTree(vertices[skin]).query(bent, NEIGHBOURS)
    weights = 1 / (distances + 0.05) ** 2
    weights /= weights.sum(1, keepdims=True)
    out = np.einsum("pk,spkc->spc", weights, moves[:, skin[nearest]])
    for line, knots in LIDS:
        out[:, list(line)] = _along(points[list(line)], vertices[LANDMARKS[list(knots)]], moves[:, LANDMARKS[list(knots)]])
    for rows, knots in ((UPPER, LIP_KNOTS[:2]), (LOWER, LIP_KNOTS[2:])):
        outline, inside = (
            _along(points[list(row)], vertices[LANDMARKS[list(knot)]], moves[:, LANDMARKS[list(knot)]]) for row, knot in ((rows[0], knots[0]), (rows[3], knots[1]))
        )
        for step, row in enumerate(rows):
            out[:, list(row)] = outline + (inside - outline) * step / 3
    unit = np.linalg.norm(vertices[LANDMARKS[36]] - vertices[LANDMARKS[45]])
    return names, out / unit


def _along(line: np.ndarray, knots: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Moves `[S, K, 3]` known at knots, for each point of a line, by its share of the length."""
    at, known = _share(line), _share(knots)
    return PchipInterpolator(known, moves, axis=1)(at)


def _share(line: np.ndarray) -> np.ndarray:
    steps = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    return steps / steps[-1]
