"""The skin's colour, painted in the face's texture space from positions on the rest head."""
from __future__ import annotations

import numpy as np
from scipy.interpolate import splev, splprep
from scipy.ndimage import distance_transform_edt, gaussian_filter

from .model import FACE, LANDMARKS, Head, smoothstep

SKIN = np.array([0.86, 0.60, 0.47])
"""Base skin colour, linear."""
LIPS = np.array([0.66, 0.17, 0.17])
BLUSH = np.array([0.88, 0.38, 0.31])


def position_map(head: Head, size: int) -> tuple[np.ndarray, np.ndarray]:
    """For each texel of the face's texture the rest position it lies on, and whether one does."""
    out, hit = np.zeros((size, size, 3)), np.zeros((size, size), bool)
    use = head.material == FACE
    for f, t in zip(head.faces[use], head.face_uv[use]):
        for tri in ((0, 1, 2), (0, 2, 3)):
            if min(f[list(tri)]) < 0:
                continue
            uv = head.uv[t[list(tri)]] * size
            p = head.rest[f[list(tri)]]
            lo = np.maximum(np.floor(uv.min(0) - 0.5).astype(int), 0)
            hi = np.minimum(np.ceil(uv.max(0) + 0.5).astype(int), size)
            if (hi <= lo).any():
                continue
            x, y = np.meshgrid(np.arange(lo[0], hi[0]) + 0.5, np.arange(lo[1], hi[1]) + 0.5)
            m = np.array([uv[1] - uv[0], uv[2] - uv[0]]).T
            if abs(np.linalg.det(m)) < 1e-9:
                continue
            b = np.linalg.solve(m, np.stack([x.ravel(), y.ravel()]) - uv[0][:, None])
            inside = (b[0] > -0.02) & (b[1] > -0.02) & (b.sum(0) < 1.02)
            pos = p[0] + b.T @ np.array([p[1] - p[0], p[2] - p[0]])
            iy, ix = y.ravel().astype(int)[inside], x.ravel().astype(int)[inside]
            out[iy, ix], hit[iy, ix] = pos[inside], True
    # Grow past the charts' edges so that filtering never meets the void.
    near = distance_transform_edt(~hit, return_distances=False, return_indices=True)
    return out[near[0], near[1]], hit


def signed_distance(points: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """Distance to a closed outline in the plane, negative inside."""
    d = np.full(len(points), np.inf)
    inside = np.zeros(len(points), bool)
    for a, b in zip(outline, np.roll(outline, -1, 0)):
        ab, ap = b - a, points - a
        h = np.clip((ap @ ab) / max(ab @ ab, 1e-12), 0, 1)
        d = np.minimum(d, np.linalg.norm(ap - h[:, None] * ab, axis=1))
        cross = (a[1] > points[:, 1]) != (b[1] > points[:, 1])
        with np.errstate(divide="ignore", invalid="ignore"):
            x = a[0] + (points[:, 1] - a[1]) / (b[1] - a[1]) * (b[0] - a[0])
        inside ^= cross & (points[:, 0] < x)
    return np.where(inside, -d, d)


def smooth_loop(points: np.ndarray, samples: int = 120) -> np.ndarray:
    """A closed curve through points of the plane."""
    closed = np.concatenate([points, points[:1]])
    spline, _ = splprep(closed.T, s=0.0, per=True)
    return np.array(splev(np.linspace(0, 1, samples, endpoint=False), spline)).T


def skin_texture(head: Head, size: int = 1024) -> np.ndarray:
    """Linear RGB [size, size, 3], row 0 at v = 0."""
    pos, _ = position_map(head, size)
    p = pos.reshape(-1, 3)
    colour = np.tile(SKIN, (len(p), 1))

    def mix(colour, paint, amount):
        return colour + (paint - colour) * np.clip(amount, 0, 1)[:, None]

    front = smoothstep(p[:, 2], 4.0, 7.0)
    cheek = sum(np.exp(-(((p[:, 0] - s * 4.5) / 1.7) ** 2) - ((p[:, 1] - 0.6) / 1.35) ** 2) for s in (-1, 1))
    nose = np.exp(-((p[:, 0] / 1.1) ** 2) - ((p[:, 1] - 0.3) / 1.0) ** 2) * smoothstep(p[:, 2], 10.5, 12.5)
    chin = np.exp(-((p[:, 0] / 1.4) ** 2) - ((p[:, 1] + 6.8) / 0.8) ** 2)
    colour = mix(colour, BLUSH, front * (0.62 * cheek + 0.40 * nose + 0.14 * chin))
    lm = head.rest[LANDMARKS]
    for ids in (range(36, 42), range(42, 48)):  # a shade about the eyes
        d = signed_distance(p[:, :2], smooth_loop(lm[list(ids), :2]))
        colour = mix(colour, np.array([0.55, 0.24, 0.20]), front * 0.42 * np.exp(-((d - 0.15) / 0.42) ** 2))
    outline = lm[48:60, :2].copy()
    d = signed_distance(p[:, :2], smooth_loop(outline))
    near_mouth = smoothstep(p[:, 2], 8.6, 9.6)
    lip = smoothstep(-d, -0.07, 0.13) * near_mouth
    colour = mix(colour, LIPS, lip * 0.92)
    # Inside of the mouth: everything that the lips hide at rest.
    inner = smoothstep(-p[:, 2] - 0.06 * p[:, 0] ** 2, -10.15, -9.6) * (np.abs(p[:, 0]) < 3.2) * (np.abs(p[:, 1] + 3.4) < 1.6) * (d < 0.3)
    colour = mix(colour, np.array([0.36, 0.07, 0.07]), inner)
    image = colour.reshape(size, size, 3)
    return gaussian_filter(image, (0.7, 0.7, 0))
