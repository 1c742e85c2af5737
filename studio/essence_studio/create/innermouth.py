"""The inside of a mouth that a picture doesn't show: teeth, tongue and dark, painted in the picture's own light and colours.

The upper teeth hang on the skull, lower teeth and tongue on the jaw.
"""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from . import landmarks
from .mesh import LIDS, Mesh


APART = 1.3
"""Pixels between lips from which there is something to see between them."""


@dataclass
class Palette:
    """Colours in [0, 255] RGB."""

    dark: np.ndarray
    gum: np.ndarray
    teeth: np.ndarray
    tongue: np.ndarray
    flat: float
    """0 for a photograph; towards 1 for drawings: no shading, hard edges."""


def palette_of(picture: np.ndarray, mesh: Mesh) -> Palette:
    """From the skin around the mouth, the lips, and the darkest parts of the face."""
    face = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillConvexPoly(face, cv2.convexHull(np.round(mesh.points[:468]).astype(np.int32)), 1)
    pixels = picture[face > 0].astype(np.float64)
    light = pixels @ [0.299, 0.587, 0.114]
    bright = pixels[light >= np.quantile(light, 0.85)].mean(0)
    dim = pixels[light <= np.quantile(light, 0.03)].mean(0)
    lips = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(lips, [np.round(mesh.points[list(landmarks.LIPS_OUTER)]).astype(np.int32)], 1)
    red = np.median(picture[lips > 0].astype(np.float64), axis=0)
    # Drawings have large patches of one colour: neighbours that hardly differ at all.
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float64)
    even = np.abs(np.diff(grey, axis=1))[face[:, 1:] > 0]
    flat = float(np.clip((np.mean(even < 0.6) - 0.55) / 0.3, 0, 1))
    skin = bright * 0.55 + 0.45 * bright.mean() * np.array([1.02, 1.0, 0.95]) + 12
    teeth = np.clip(0.4 * skin + 0.6 * _whites(picture, mesh, bright) * np.array([0.97, 0.95, 0.90]), 0, 245)
    return Palette(0.45 * dim + 0.10 * red, 0.55 * red, teeth, np.clip(0.75 * red + [12, 0, 0], 0, 255), flat)


def _whites(picture: np.ndarray, mesh: Mesh, bright: np.ndarray) -> np.ndarray:
    """The eyes' whites, `[3]`: how light something white is in this picture's light; never darker than the skin is."""
    eyes = np.zeros(picture.shape[:2], np.uint8)
    for upper, lower in LIDS:
        cv2.fillPoly(eyes, [np.round(mesh.points[[*upper, *lower[::-1]]]).astype(np.int32)], 1)
    pixels = picture[eyes > 0].astype(np.float64)
    light = pixels @ [0.299, 0.587, 0.114]
    whites = pixels[light >= np.quantile(light, 0.8)].mean(0) if len(pixels) else bright
    return np.maximum(whites, bright.mean())


def paint(drawn: np.ndarray, mesh: Mesh, points: np.ndarray, jaw: np.ndarray, tongue: float, palette: Palette, affine: np.ndarray) -> np.ndarray:
    """Fills the gap between the lips of a drawn view.

    `points` the moved mesh, `jaw` how far the lower teeth have moved (pixels of the picture), `affine` from view to picture.
    """
    height, width = drawn.shape[:2]
    matrix = affine.reshape(2, 3)
    inverse = np.linalg.inv(matrix[:, :2])
    view = lambda p: (np.asarray(p) - matrix[:, 2]) @ inverse.T  # noqa: E731
    lips = view(points[list(landmarks.LIPS_INNER)])
    gap = _polygon(lips, height, width)
    if gap.max() < 0.02:
        return drawn
    # Along the mouth, at rest: x from -1 in one corner to 1 in the other, y downwards in half mouth widths.
    right, left = view(mesh.points[61]), view(mesh.points[291])
    middle, half = (right + left) / 2, (left - right) / 2
    length = np.linalg.norm(half)
    x_axis = half / length
    y_axis = np.array([-x_axis[1], x_axis[0]])
    gap *= _parted(lips, view(mesh.points[list(landmarks.LIPS_INNER)]), middle, x_axis, y_axis, (height, width))
    if gap.max() < 0.02:
        return drawn
    seam = (view(mesh.points[[13, 14]]).mean(0) - middle) @ y_axis / length
    yy, xx = np.mgrid[0:height, 0:width] + 0.5
    rel = np.stack([xx - middle[0], yy - middle[1]], 2)
    x, y = rel @ x_axis / length, rel @ y_axis / length - seam
    drop = float((view(points[14]) - view(points[14] - jaw)) @ y_axis / length)
    side = float((view(points[14]) - view(points[14] - jaw)) @ x_axis / length)
    soft = 1.5 / length
    shade = np.clip(1.0 - 0.75 * (np.abs(x) / 0.85) ** 2.2, 0.12, 1) * (1 - palette.flat) + palette.flat
    out = np.broadcast_to(palette.dark, (height, width, 3)).astype(np.float64).copy()
    # Tongue: a mound on the floor of the mouth, its tip lifted.
    lift = 0.22 * tongue
    mound = drop + 0.10 - 0.16 - lift * np.exp(-((x - side) ** 2) / 0.12) + 0.28 * (x - side) ** 2
    body = _step(y - mound, 0.08 * (1 - palette.flat) + soft) * _step(0.62 - np.abs(x - side), 0.15)
    light = 0.35 + 0.65 * np.clip(1 - (y - mound) / 0.5, 0, 1)
    out = _over(out, palette.tongue * (light * shade)[..., None], body)
    # Lower teeth, mostly behind the lip; upper teeth, whose edge curves with the smile line.
    lower = drop - 0.035 + 0.10 * (x - side) ** 2
    row = _step(y - lower, soft) * _step(0.62 - np.abs(x - side), 0.1)
    out = _over(out, palette.teeth * (0.72 * shade)[..., None], row * float(np.clip(drop / 0.08, 0, 1)))
    edge = 0.105 - 0.075 * x**2
    row = _step(edge - y, soft) * _step(0.72 - np.abs(x), 0.1)
    lines = 1 - 0.10 * (1 - palette.flat) * np.exp(-(((x / 0.145 + 0.5) % 1 - 0.5) ** 2) / 0.006)
    out = _over(out, palette.teeth * (shade * lines)[..., None], row)
    # The lips' shadow.
    top = np.interp(x, *_line(lips[:11], middle, x_axis, y_axis, length, seam))
    shadow = 1 - 0.45 * (1 - palette.flat) * np.exp(-np.clip(y - top, 0, None) / 0.05)
    out *= shadow[..., None]
    return np.round(np.clip(drawn * (1 - gap[..., None]) + out * gap[..., None], 0, 255)).astype(np.uint8)


def _polygon(points: np.ndarray, height: int, width: int) -> np.ndarray:
    """Coverage in [0, 1], edges smooth."""
    mask = np.zeros((height * 4, width * 4), np.uint8)
    cv2.fillPoly(mask, [np.round(points * 4 * 16 - 8).astype(np.int32)], 255, shift=4)
    # OpenCV paints outlines as well: closed lips would get a dark line.
    mask = cv2.erode(mask, np.ones((3, 3), np.uint8))
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA).astype(np.float64) / 255


def _parted(lips: np.ndarray, rest: np.ndarray, middle: np.ndarray, x_axis: np.ndarray, y_axis: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """1 where lips stand apart by more than a pixel or two, and by more than in the picture itself; 0 where they touch, as in the corners."""
    yy, xx = np.mgrid[0 : size[0], 0 : size[1]] + 0.5
    x = (np.stack([xx, yy], 2) - middle) @ x_axis
    apart = []
    for line in (lips, rest):
        upper, lower = (_line(part, middle, x_axis, y_axis, 1.0, 0.0) for part in (line[:11], np.concatenate([line[10:], line[:1]])))
        apart.append(np.interp(x, *lower) - np.interp(x, *upper))
    opened, before = apart
    return _step(opened - APART, APART / 2) * np.where(before > 1, _step(opened - before - APART, APART / 2), 1.0)


def _step(value: np.ndarray, soft: float) -> np.ndarray:
    t = np.clip(value / (2 * soft) + 0.5, 0, 1)
    return t * t * (3 - 2 * t)


def _over(below: np.ndarray, above: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return below + (above - below) * alpha[..., None]


def _line(points: np.ndarray, middle: np.ndarray, x_axis: np.ndarray, y_axis: np.ndarray, length: float, seam: float) -> tuple[np.ndarray, np.ndarray]:
    x, y = (points - middle) @ x_axis / length, (points - middle) @ y_axis / length - seam
    order = np.argsort(x)
    return x[order], y[order]
