"""Green and blue screens: found at the picture's border, replaced by a background of one's choice."""
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


@dataclass(frozen=True)
class Key:
    """A screen's colour and what takes its place."""

    cr: float
    cb: float
    background: np.ndarray
    """`[height, width, 3]` u8."""

    def alpha(self, picture: np.ndarray) -> np.ndarray:
        """1 where the person is, 0 where the screen is, `[height, width]` f32."""
        colours = cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb).astype(np.float32)
        away = np.hypot(colours[..., 1] - self.cr, colours[..., 2] - self.cb)
        full = np.hypot(self.cr - 128, self.cb - 128)
        t = np.clip((away / full - 0.3) / 0.4, 0, 1)
        return cv2.GaussianBlur(t * t * (3 - 2 * t), (0, 0), 0.7)

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        alpha = self.alpha(picture)[..., None]
        person = picture.astype(np.float32)
        # The screen's light on hair and shoulders: its colour may not exceed the other two.
        spilled = 1 if self.cr < 128 and self.cb < 128 else 2
        others = np.delete(person, spilled, axis=2).max(2)
        person[..., spilled] = np.minimum(person[..., spilled], others)
        return np.round(person * alpha + self.background * (1 - alpha)).astype(np.uint8)


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


def background(wanted: str | None, width: int, height: int) -> np.ndarray:
    """A colour (`#rrggbb`) or a picture, filling the frame."""
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
