"""Pictures in which something is before the mouth: a hand, a cup, a microphone that comes and goes.

Lips stay as red as they are, and the skin around them as pale, however a mouth moves: at places that go with the landmarks, colours change with the light and
with the head's turn. What the turn explains is fitted so that pictures unlike the others don't count; a picture whose colours are still far from it shows
something else. A hand of the skin's own colour is known by the lips that it hides.
"""
from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import binary_dilation

from .landmarks import EYES, LIPS_INNER, LIPS_OUTER

SKIN = (
    164, 167, 393, 2, 326, 97, 18, 83, 313, 200, 199, 208, 428, 106, 335, 182, 406, 204, 424, 202, 422, 212, 432, 216, 436, 206, 426, 92, 322, 57, 287, 43, 273,
)  # fmt: skip
"""Points around the lips, from below the nose to the chin."""
UPPER = (195, 5, 4, 50, 280, 101, 330, 36, 266, 118, 347)
"""Points of nose and cheekbones, whose light is taken out of the others."""
AROUND = 0.06
"""Side of the square, in eyes, over which a colour is taken."""
PLACES = 0.6
"""Part of the places whose colours have to be as usual: beyond the far cheek of a turned head lies the ground."""
ROUNDS = 12
USUAL = 1.5
"""Times the median distance from which a picture counts less for what is usual."""
TIMES, LEAST, SURE = 5.0, 7.0, 14.0
"""A picture is covered from so many times the median distance on, but from `LEAST` levels at the least, and from `SURE` levels in any film."""
BESIDE = 5
"""Pictures before and after, in which the hand comes and goes."""


def colours(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Colours `[k, 3]` f32 of lips, of the skin around them and last of nose and cheekbones, for landmarks `[478, 3]`."""
    outer, inner = points[list(LIPS_OUTER), :2], points[list(LIPS_INNER), :2]
    at = np.concatenate([(outer + inner) / 2, points[list(SKIN + UPPER), :2]])
    side = max(3, int(AROUND * np.linalg.norm(points[EYES[0], :2] - points[EYES[1], :2])) | 1)
    height, width = picture.shape[:2]
    at = np.clip(at.astype(int), 0, [width - 1, height - 1])
    (left, top), (right, bottom) = np.maximum(at.min(0) - side, 0), at.max(0) + side + 1
    soft = cv2.blur(np.ascontiguousarray(picture[top:bottom, left:right]), (side, side))
    return soft[at[:, 1] - top, at[:, 0] - left].astype(np.float32)


def flags(shown: list[np.ndarray], pose: list[np.ndarray]) -> list[np.ndarray]:
    """Whether the mouth is covered, per clip of one setting `[n]`: their `colours` `[n, k, 3]` and the head's turn `[n, 3]`."""
    far = unlike(np.concatenate(shown), np.concatenate(pose))
    found = far > np.clip(TIMES * np.median(far), LEAST, SURE)
    ends = np.cumsum([len(each) for each in shown])[:-1]
    return [binary_dilation(each, iterations=BESIDE) for each in np.split(found, ends)]


def unlike(shown: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """How far, in levels, colours are from what the head's turn explains, `[n]`."""
    light = shown[:, -len(UPPER) :].mean(1, keepdims=True)
    lower = shown[:, : -len(UPPER)] * (np.median(light, axis=0) / np.maximum(light, 1.0))
    lower = lower.reshape(len(lower), -1)
    turn = np.clip((pose - np.median(pose, axis=0)) / np.maximum(pose.std(0), 1e-3), -3, 3)
    known = np.concatenate([np.ones((len(turn), 1)), turn, turn**2], 1)
    left = lower - np.median(lower, axis=0)
    for _ in range(ROUNDS):
        far = _far(left)
        weight = 1 / (1 + (far / max(USUAL * float(np.median(far)), 1e-3)) ** 4)
        ridge = 0.01 * weight.sum() * np.diag([0.0] + [1.0] * (known.shape[1] - 1))
        left = lower - known @ np.linalg.solve(known.T @ (weight[:, None] * known) + ridge, known.T @ (weight[:, None] * lower))
    return _far(left)


def _far(left: np.ndarray) -> np.ndarray:
    """Of what is left of the colours of each picture, `[n, 3 k]`, the distance within which most places lie."""
    return np.quantile(np.sqrt((left.reshape(len(left), -1, 3) ** 2).mean(2)), PLACES, axis=1)
