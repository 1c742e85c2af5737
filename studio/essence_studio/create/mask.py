"""The patch's alpha: 1 where a mouth changes the picture, falling off softly around, 0 along the border.

What the mouth moves is learned from the footage: what is left of each pixel's variation once pose and light are accounted for, and follows the
coefficients. Landmarks of lips and chin bound it, so that a hand, a collar or a background doesn't count.
"""
from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter

from ..identity.samples import Samples
from . import geometry, landmarks

MOVED = 5.0 / 255
"""Deviation from which a pixel counts as moved by the mouth."""
AROUND = (205, 425, 92, 322, 2)
"""Cheeks beside the lips and below the nose: what lips pull along."""
FADE = 0.06
"""Width of the soft edge, as a part of the patch."""
BORDER = 3
"""Outermost pixels that stay 0."""


def alpha_of(samples: Samples, heads: list[geometry.Heads], patch: geometry.Patch) -> np.ndarray:
    """`[S, S]` f32."""
    size = patch.size
    bound = _hull(heads, patch)
    moved = (influence(samples) > MOVED) & (distance_transform_edt(~bound) < 0.02 * size)
    return soft(moved | bound)


def soft(moved: np.ndarray) -> np.ndarray:
    """The alpha `[S, S]` f32 around what moves."""
    size = len(moved)
    points = np.argwhere(moved)[:, ::-1].astype(np.int32)
    region = np.zeros((size, size), np.uint8)
    # The convex hull: the shorter the edge, the less there is to show.
    cv2.fillConvexPoly(region, cv2.convexHull(points), 1)
    fade = FADE * size
    y, x = np.mgrid[0:size, 0:size]
    border = np.minimum.reduce([x, y, size - 1 - x, size - 1 - y])
    inner = (region > 0) & (border >= BORDER + fade)
    alpha = np.clip(1 - distance_transform_edt(~inner) / fade, 0, 1)
    alpha = gaussian_filter(alpha * alpha * (3 - 2 * alpha), 0.01 * size)
    return (alpha * np.clip((border - BORDER + 1) / 4.0, 0, 1)).astype(np.float32)


def _hull(heads: list[geometry.Heads], patch: geometry.Patch) -> np.ndarray:
    """The region that lips and chin ever reach."""
    size = patch.size
    chin = landmarks.JAW[3:-3]
    flat = np.concatenate([head.flat for head in heads])
    reach = []
    for group, grow in ((landmarks.LIPS_OUTER, 0.04), (chin, 0.02), (AROUND, 0.0)):
        places = patch.pixels(flat[:, list(group)])
        for low, high in ((0.005, 0.005), (0.995, 0.995), (0.005, 0.995), (0.995, 0.005)):
            at = np.stack([np.quantile(places[..., 0], low, axis=0), np.quantile(places[..., 1], high, axis=0)], 1)
            reach.append(at + np.sign(at - at.mean(0)) * grow * size)
    region = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(region, cv2.convexHull(np.round(np.concatenate(reach)).astype(np.int32)), 1)
    return region > 0


def influence(samples: Samples) -> np.ndarray:
    """How far the coefficients move each pixel, `[S, S]`: deviation of the part that follows them and not pose and light."""
    chosen = samples.split()[0]
    chosen = chosen[:: max(1, len(chosen) // 1200)]
    size = samples.patches.shape[-1]
    grey = samples.patches[chosen].astype(np.float32).mean(1).reshape(len(chosen), -1) / 255
    c, pose = samples.coefficients[chosen], samples.pose[chosen]
    inputs = np.concatenate([c, pose, np.ones((len(c), 1), np.float32)], 1).astype(np.float64)
    scale = np.maximum(inputs.std(0), 1e-3)
    scale[-1] = 1.0
    inputs /= scale
    gram = inputs.T @ inputs + 1e-2 * len(inputs) * np.diag([1.0] * (inputs.shape[1] - 1) + [0.0])
    weights = np.linalg.solve(gram, inputs.T @ grey)[: c.shape[1]]
    part = inputs[:, : c.shape[1]] - inputs[:, : c.shape[1]].mean(0)
    return gaussian_filter((part @ weights).std(0).reshape(size, size), 0.01 * size)
