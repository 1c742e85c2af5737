"""Green and blue screens: found at the picture's border, keyed to a matte, or replaced by a picture."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from .footage import Refused

SATURATED = 60.0
"""Distance from grey, in Cr and Cb, that a screen has at least."""
UNIFORM = 14.0
"""Deviation in Cr and Cb that a screen has at most."""
PART = 0.7
"""Of the border that has to be screen."""
GREY = (214, 216, 220)
"""The background where none is asked for."""


EDGE = 16
"""Pixels beyond the matte's edge over which the person's colors go on; twice a block of JPEG's, chroma at half size."""
FADED = 40
"""Pixels beyond the matte's edge from which on only the background is left."""


RIM = 1 / 240
"""Of the picture's height: the edge in which a camera mixes person and screen."""


@dataclass(frozen=True)
class Key:
    """A screen's color, and the background that takes its place."""

    cr: float
    cb: float
    background: np.ndarray
    """`[height, width, 3]` u8."""
    keeps_matte: bool = False
    """Whether the avatar keeps its matte; else the background becomes a part of its pictures."""

    def alpha(self, picture: np.ndarray) -> np.ndarray:
        """1 where the person is, 0 where the screen is, `[height, width]` f32."""
        colors = cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb).astype(np.float32)
        away = np.hypot(colors[..., 1] - self.cr, colors[..., 2] - self.cb)
        full = np.hypot(self.cr - 128, self.cb - 128)
        return cv2.GaussianBlur(_step(away / full, 0.3, 0.7), (0, 0), 0.7)

    def matte(self, picture: np.ndarray) -> np.ndarray:
        """The alpha as levels, `[height, width]` u8."""
        return np.round(255 * np.clip(self.alpha(picture), 0, 1)).astype(np.uint8)

    def despilled(self, picture: np.ndarray, inside: np.ndarray | None = None) -> np.ndarray:
        """The picture without the screen's light: its color may not exceed the larger one of the other two. f32.

        Hair and shoulders near the edge reflect most. There, by `inside`, 0 at the edge and 1 deep inside, their mean is the limit.
        """
        person = picture.astype(np.float32)
        spilled = 1 if self.cr < 128 and self.cb < 128 else 2
        others = np.delete(person, spilled, axis=2)
        limit = others.max(2)
        if inside is not None:
            limit = limit * inside + others.mean(2) * (1 - inside)
        person[..., spilled] = np.minimum(person[..., spilled], limit)
        return person

    def foreground(self, picture: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        """The person's own colors, not multiplied by alpha, which go on beyond the matte's edge. f32.

        Pixels at the edge are part screen, even where alpha is nearly 1. They take the colors of the person's nearest pixels inside instead.
        """
        depth = cv2.distanceTransform((alpha > 0.98).astype(np.uint8), cv2.DIST_L2, 3)
        rim = max(2.0, RIM * picture.shape[0])
        own = self.despilled(picture, _step(depth, 3 * rim, 8 * rim))
        beyond = _coarsely_extended(own, (depth > rim).astype(np.float32))
        kept = _step(depth, 0.5 * rim, 1.5 * rim)[..., None]
        return own * kept + beyond * (1 - kept)

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        alpha = self.alpha(picture)
        if not self.keeps_matte:
            over = self.despilled(picture) * alpha[..., None] + self.background * (1 - alpha[..., None])
            return np.round(over).astype(np.uint8)
        away = cv2.distanceTransform((alpha < 0.02).astype(np.uint8), cv2.DIST_L2, 3)
        faded = np.clip((away - EDGE) / (FADED - EDGE), 0, 1)[..., None]
        return np.round(self.foreground(picture, alpha) * (1 - faded) + self.background * faded).astype(np.uint8)


def _step(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 up to `low`, 1 from `high` on, smooth between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _coarsely_extended(colors: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """[`extended`] at a quarter of the size, which what is smooth loses nothing by."""
    height, width = weight.shape
    small = (max(1, width // 4), max(1, height // 4))
    weights = cv2.resize(weight, small, interpolation=cv2.INTER_AREA)
    summed = cv2.resize(colors * weight[..., None], small, interpolation=cv2.INTER_AREA)
    coarse = extended(summed / np.maximum(weights, 1e-6)[..., None], np.minimum(4 * weights, 1))
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)


def extended(colors: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Colors where `weight` is 1, and a smooth continuation of them elsewhere: means of ever larger surroundings (push-pull)."""
    if min(weight.shape) <= 4 or weight.min() >= 1:
        mean = (colors * weight[..., None]).sum((0, 1)) / max(float(weight.sum()), 1e-6)
        return np.where(weight[..., None] > 0, colors, mean.astype(np.float32))
    summed = cv2.pyrDown(colors * weight[..., None])
    weights = cv2.pyrDown(weight)
    below = extended(summed / np.maximum(weights, 1e-6)[..., None], np.minimum(4 * weights, 1))
    above = cv2.pyrUp(below, dstsize=weight.shape[::-1])
    return colors * weight[..., None] + above * (1 - weight[..., None])


def screen_of(picture: np.ndarray) -> tuple[float, float] | None:
    """Cr and Cb of the screen behind the person, if there is one."""
    height, width = picture.shape[:2]
    colours = cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb).astype(np.float32)[..., 1:]
    band, side = max(2, height // 12), max(2, width // 20)
    border = np.concatenate([colours[:band].reshape(-1, 2), colours[: height // 2, :side].reshape(-1, 2), colours[: height // 2, -side:].reshape(-1, 2)])
    middle = np.median(border, axis=0)
    near = np.hypot(*(border - middle).T) < 2 * UNIFORM
    colour = border[near].mean(0) if near.any() else middle
    if near.mean() < PART or np.hypot(*(colour - 128)) < SATURATED or border[near].std(0).max() > UNIFORM or colour[0] > 128:
        return None
    return float(colour[0]), float(colour[1])


def obvious(cr: float, cb: float) -> bool:
    """Green as only screens are."""
    return cb < 100 and np.hypot(cr - 128, cb - 128) > 85


def is_color(wanted: str | None) -> bool:
    """Whether a background is one color, so that the avatar keeps its matte."""
    return wanted is None or wanted.startswith("#")


def background(wanted: str | None, width: int, height: int) -> np.ndarray:
    """A color (`#rrggbb`) or a picture, filling the frame."""
    if wanted is None:
        return np.full((height, width, 3), GREY, np.uint8)
    if wanted.startswith("#") and len(wanted) == 7:
        try:
            return np.full((height, width, 3), [int(wanted[i : i + 2], 16) for i in (1, 3, 5)], np.uint8)
        except ValueError as error:
            raise Refused(f"--background {wanted}: a colour is #rrggbb") from error
    picture = cv2.imread(wanted) if Path(wanted).is_file() else None
    if picture is None:
        raise Refused(f"--background {wanted}: neither a colour (#rrggbb) nor a picture that can be read")
    scale = max(width / picture.shape[1], height / picture.shape[0])
    picture = cv2.resize(picture, (int(np.ceil(picture.shape[1] * scale)), int(np.ceil(picture.shape[0] * scale))), interpolation=cv2.INTER_AREA)
    top, left = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    return np.ascontiguousarray(picture[top : top + height, left : left + width, ::-1])
