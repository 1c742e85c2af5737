"""Drawing a moved mesh: for each pixel the place in the still picture that it shows."""
from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt

from . import landmarks
from .mesh import ABOVE_LIDS, LIDS, Mesh

LOWER_SHARE = 0.55
"""How far down the eye the lids meet: the upper lid goes that much of the way, the lower one the rest."""


def moved(mesh: Mesh, coefficients: dict[str, float], blink: float = 0.0) -> np.ndarray:
    """The mesh's points `[n, 2]` for coefficients and a blink in [0, 1]."""
    points = mesh.points.copy()
    for name, value in coefficients.items():
        if value and name in mesh.shapes:
            points += value * mesh.shapes[name]
    _part(points, mesh)
    if blink > 0:
        for (upper, lower), above in zip(LIDS, ABOVE_LIDS):
            for u, l, a in zip(upper, lower, above):
                way = points[l] - points[u]
                points[u] += 0.92 * blink * way
                points[a] += 0.35 * blink * way
                points[l] -= 0.04 * blink * way
    return points


def _part(points: np.ndarray, mesh: Mesh) -> None:
    """Lips that would go through each other meet in the middle, and push their outlines along."""
    inner, outer = landmarks.LIPS_INNER, landmarks.LIPS_OUTER
    down = mesh.points[152] - mesh.points[168]
    down = down / np.linalg.norm(down)
    for k in range(1, 10):
        upper, lower = inner[k], inner[20 - k]
        # What stood apart in the picture at rest may close, what touched may not cross.
        gap = float((points[lower] - points[upper]) @ down)
        if gap < 0:
            points[upper] += 0.5 * gap * down
            points[lower] -= 0.5 * gap * down
            points[outer[k]] += 0.3 * gap * down
            points[outer[20 - k]] -= 0.3 * gap * down


def source_map(mesh: Mesh, points: np.ndarray, affine: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """`[height, width, 2]` f32: for each pixel of a view the place in the still picture, in pixels with centres at .5.

    The view's coordinates go to the picture's by `affine` (`a b c d e f`); `size` is its width and height. Outside the mesh nothing moves.
    """
    width, height = size
    matrix = affine.reshape(2, 3)
    inverse = np.linalg.inv(matrix[:, :2])
    to_view = lambda p: (p - matrix[:, 2]) @ inverse.T  # noqa: E731
    there, back = to_view(points), to_view(mesh.points)
    shift = np.abs(points - mesh.points).max(1)
    moving = mesh.triangles[shift[mesh.triangles].max(1) >= 1e-3]
    corners = there[moving]
    reached = ((corners.max(1) > 0) & (corners.min(1) < [width, height])).all(1)
    moving, corners = moving[reached], corners[reached]
    edges = corners[:, 1:] - corners[:, :1]
    area = edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0]
    moving, corners, edges, area = (each[np.abs(area) > 1e-6] for each in (moving, corners, edges, area))
    # Triangles that have turned over lie under the others.
    still = back[moving[:, 1:]] - back[moving[:, :1]]
    upright = area * (still[:, 0, 0] * still[:, 1, 1] - still[:, 0, 1] * still[:, 1, 0]) > 0
    order = np.argsort(upright, kind="stable")
    moving, corners, edges = (each[order] for each in (moving, corners, edges))
    # Which triangle covers a pixel; then every pixel by its triangle's affine map.
    label = np.full((height, width), -1, np.int32)
    whole = np.round((corners - 0.5) * 16).astype(np.int32)
    for number, triangle in enumerate(whole):
        cv2.fillConvexPoly(label, triangle, number, shift=4)
    y, x = np.nonzero(label >= 0)
    number = label[y, x]
    torn = _torn(label, there, back) if len(x) else None
    sources = back[moving]
    linear = np.einsum("tij,tjk->tik", np.linalg.inv(edges), sources[:, 1:] - sources[:, :1])
    place = np.einsum("ni,nij->nj", np.stack([x, y], 1) + 0.5 - corners[number, 0], linear[number]) + sources[number, 0]
    across, down = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    out = np.stack([across, down], 2)
    out[y, x] = place
    if torn is not None and torn.any():
        nearest = distance_transform_edt(label < 0, return_distances=False, return_indices=True)[:, torn]
        out[torn] = out[nearest[0], nearest[1]]
    return (out @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def _torn(label: np.ndarray, there: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Pixels between lips that have parted: no triangle covers them, and what the picture has there is a lip that went elsewhere."""
    parted, at_rest = (np.zeros(label.shape, np.uint8) for _ in range(2))
    for mask, points in ((parted, there), (at_rest, back)):
        cv2.fillPoly(mask, [np.round(points[list(landmarks.LIPS_INNER)] * 16 - 8).astype(np.int32)], 1, shift=4)
    return (label < 0) & (cv2.dilate(parted, np.ones((3, 3), np.uint8)) > 0) & (cv2.erode(at_rest, np.ones((3, 3), np.uint8)) == 0)


def shown(picture: np.ndarray, places: np.ndarray) -> np.ndarray:
    """A picture seen through a map of places."""
    return cv2.remap(picture, places[..., 0] - 0.5, places[..., 1] - 0.5, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
