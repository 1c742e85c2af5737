"""Hat, hair, collar and brows: geometry made of parametric surfaces, as (vertices, faces) arrays.

The first two ride on the head, the collar on the torso, the brows on the face's own vertices.
"""
from __future__ import annotations

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d

from .model import BACK, FACE, LANDMARKS, Head, smoothstep


def grid(points: np.ndarray, wrap: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """A quad mesh from points [rows, columns, 3]; `wrap` joins the last column with the first."""
    rows, cols = points.shape[:2]
    i = np.arange(rows * cols).reshape(rows, cols)
    if wrap:
        i = np.concatenate([i, i[:, :1]], 1)
    quads = np.stack([i[:-1, :-1], i[:-1, 1:], i[1:, 1:], i[1:, :-1]], -1).reshape(-1, 4)
    return points.reshape(-1, 3), quads


class Skull:
    """The head's radius about the vertical axis through `centre`, by azimuth (0 = front) and height."""

    def __init__(self, head: Head):
        self.centre = np.array([0.0, 0.0, 1.5])
        v = head.rest[head.vertices_of(FACE, BACK)]
        v = v[(v[:, 1] > 3.0) & ~((np.abs(v[:, 0]) > 7.2) & (v[:, 1] < 6.5))]
        self.top = v[:, 1].max()
        d = v - self.centre
        self.azimuth, self.height = np.arctan2(d[:, 0], d[:, 2]), v[:, 1]
        self.r = np.hypot(d[:, 0], d[:, 2])

    def radius(self, azimuth: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Outermost radius near (azimuth, y), smoothed by a Gaussian window."""
        a, h = np.broadcast_arrays(azimuth, y)
        out = np.empty(a.shape)
        for k in np.ndindex(a.shape):
            da = np.angle(np.exp(1j * (self.azimuth - a[k])))
            w = np.exp(-((da / 0.16) ** 2) - ((self.height - h[k]) / 0.8) ** 2) + 1e-12
            w = w * self.r**6  # leans to the outside
            out[k] = (w * self.r).sum() / w.sum()
        return out

    def at(self, azimuth, y, r) -> np.ndarray:
        """Points from cylinder coordinates."""
        a, y, r = np.broadcast_arrays(azimuth, y, r)
        return np.stack([r * np.sin(a), y, r * np.cos(a)], -1) + self.centre


def brim_height(azimuth: np.ndarray) -> np.ndarray:
    """Where the hat's edge sits: high on the brow, lower behind."""
    return 6.3 + 2.6 * np.cos(azimuth) + 0.35 * np.sin(azimuth)


def beanie(skull: Skull, ribs: int = 54) -> list[tuple[np.ndarray, np.ndarray]]:
    """Crown and folded brim of a ribbed knitted hat."""
    a = np.linspace(-np.pi, np.pi, ribs * 6, endpoint=False)
    rib = np.abs(np.cos(a * ribs / 2)) ** 0.7
    low = brim_height(a)
    coarse = a[::9]
    levels = np.linspace(0, 1, 26)
    top = skull.top + 1.7
    def around(y):
        body = skull.radius(coarse, np.minimum(y[::9], skull.top - 2.2))
        return gaussian_filter1d(np.interp(a, np.append(coarse, np.pi), np.append(body, body[0])), 9, mode="wrap")

    edge = around(low + 0.6)
    crown = []
    for t in levels:
        y = low + (top - low) * np.sin(t * np.pi / 2)
        closing = np.cos(t * np.pi / 2) ** 0.8
        slouch = 0.35 * np.sin(np.pi * t)
        r = (edge + 0.55 + slouch) * (closing * 0.99 + 0.01) + 0.15 * rib * closing
        crown.append(skull.at(a, y, r))
    fold = []
    for s in np.linspace(0, 1, 15):
        ang = -np.pi / 2 + s * np.pi  # a rounded band
        y = low - 0.25 + 3.3 * (s - 0.0)
        bulge = 0.42 * np.cos(ang) ** 0.5 if 0 < s < 1 else 0.0
        taper = 1 - 0.04 * smoothstep(s, 0.2, 1.0)
        fold.append(skull.at(a, y, (edge + 0.62) * taper + bulge + 0.2 * rib * (0.3 + 0.7 * np.sin(np.pi * s))))
    return [grid(gaussian_filter1d(np.array(crown), 0.6, axis=0), True), grid(np.array(fold), True)]


def _strands(a, s, phase, n, depth):
    """Grooves between locks of hair, wandering a little along their length."""
    wave = n * a + phase + 0.5 * np.sin(2.2 * s * np.pi + 3 * a)
    return depth * (np.abs(np.sin(wave)) ** 0.8 - 0.5) + 0.3 * depth * np.abs(np.sin(2.7 * wave + 1.3))


def bob(skull: Skull) -> list[tuple[np.ndarray, np.ndarray]]:
    """Hair under the hat: two curtains beside the face that meet behind, and a swept fringe."""
    out = []
    a = np.linspace(0.86, 2 * np.pi - 0.86, 260)
    aw = np.angle(np.exp(1j * a))
    front = np.exp(-((np.abs(aw) - 0.86) / 0.35) ** 2)
    s = np.linspace(0, 1, 44)
    rows = []
    for t in s:
        low = brim_height(a) + 1.2
        end = -7.3 - 0.5 * np.cos(aw) + 0.9 * front * 0.5
        y = low + (end - low) * t
        body = 7.05 + 1.0 * np.sin(np.abs(aw)) + 0.15 * np.cos(aw)
        swell = 0.8 * np.sin(np.pi * np.clip(t * 0.95, 0, 1)) + 0.25
        tuck = -1.9 * smoothstep(t, 0.70, 1.0) ** 1.2
        r = body + swell + tuck + _strands(a, t, 0.0, 26, 0.26) + 0.25 * np.sin(5 * a + 1) * t
        r = r - 0.55 * front * (1 - 0.6 * t)
        rows.append(skull.at(a, y, r))
    out.append(grid(np.array(rows)))
    a = np.linspace(-1.02, 1.02, 150)
    rows = []
    for t in np.linspace(0, 1, 22):
        low = brim_height(a) + 1.0
        length = 2.4 + 1.7 * smoothstep(a, -0.1, -0.95) + 2.3 * smoothstep(a, 0.25, 1.02) + 0.25 * np.sin(21 * a) * smoothstep(t, 0.4, 1)
        y = low - length * t
        swept = a + 0.16 * t * np.cos(a * 1.3)
        body = skull.radius(np.linspace(-1.1, 1.25, 24), np.full(24, 8.0))
        body = np.interp(swept, np.linspace(-1.1, 1.25, 24), body)
        r = body + 0.35 + 0.42 * np.sin(np.pi * (0.15 + 0.75 * t)) + _strands(a, t, 0.7, 17, 0.22)
        rows.append(skull.at(swept, y, r))
    out.append(grid(np.array(rows)))
    return out


def collar(ribs: int = 60) -> list[tuple[np.ndarray, np.ndarray]]:
    """Shoulders of a jumper and its rolled collar."""
    a = np.linspace(-np.pi, np.pi, ribs * 6, endpoint=False)
    rib = np.abs(np.cos(a * ribs / 2)) ** 0.7
    y = np.array([-12.6, -13.6, -14.6, -15.6, -16.8, -18.4, -20.5, -23.5, -28, -36])
    w = np.array([6.6, 7.4, 9.0, 11.4, 14.0, 16.6, 18.6, 19.8, 20.4, 21.0])
    d = np.array([6.2, 6.7, 7.4, 8.2, 8.9, 9.7, 10.4, 11.0, 11.4, 11.8])
    ys = np.linspace(-12.6, -36, 60)
    order = y[::-1]
    wide, deep = CubicSpline(order, w[::-1])(ys), CubicSpline(order, d[::-1])(ys)
    knit = 0.05 * np.abs(np.cos(a * 70))
    body = np.stack([np.stack([(W + knit) * np.sin(a), np.full_like(a, Y), (D + knit) * np.cos(a) + 0.3], -1)
                     for Y, W, D in zip(ys, wide, deep)])
    roll = []
    for s in np.linspace(0, 1, 26):
        ang = np.pi * (-0.35 + 1.75 * s)
        r = 6.35 + 0.75 * np.cos(ang) + 0.13 * rib
        yy = -12.3 + 1.15 * np.sin(ang) - 0.55 * np.cos(a)
        roll.append(np.stack([r * 1.02 * np.sin(a), yy, r * np.cos(a) * 0.98 + 0.6], -1))
    return [grid(body, True), grid(np.array(roll), True)]


def brow_strips(v: np.ndarray, normals: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Two soft brows along the brow landmarks of the moved face."""
    out = []
    for ids, inner in ((LANDMARKS[17:22], 4), (LANDMARKS[22:27], 0)):
        ids = ids if inner == 4 else ids[::-1]
        p, n = v[ids], normals[ids]
        t = np.linspace(0, 1, 5)
        u = np.linspace(0.06, 1.0, 22)
        c, nn = CubicSpline(t, p)(u), CubicSpline(t, n)(u)
        nn /= np.linalg.norm(nn, axis=1, keepdims=True)
        along = np.gradient(c, axis=0)
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        side = np.cross(nn, along)
        width = 0.36 * (0.12 + 0.88 * np.sin(np.pi * np.clip(0.10 + 0.80 * u, 0, 1)) ** 0.8) * (0.65 + 0.5 * u)
        thick = 0.55 * width
        c = c + 0.05 * nn
        ring = np.linspace(0, 2 * np.pi, 14, endpoint=False)
        pts = c[:, None] + side[:, None] * (width[:, None] * np.cos(ring))[..., None] + nn[:, None] * (thick[:, None] * np.sin(ring))[..., None]
        caps = np.concatenate([np.repeat(c[:1, None], 14, 1) - 0.1 * along[:1, None], pts, np.repeat(c[-1:, None], 14, 1) + 0.1 * along[-1:, None]])
        out.append(grid(caps, True))
    return out
