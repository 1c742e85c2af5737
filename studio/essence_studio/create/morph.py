"""Two pictures laid over each other with their heads brought to one place: how a stretch of film grows into another."""
from __future__ import annotations

import cv2
import numpy as np
from scipy.interpolate import LinearNDInterpolator

SKIN = 468
"""Landmarks that are no iris."""
ROOM = 0.3
"""Part of the face's size around it over which a bend fades."""
FLOW_WIDTH = 128
"""Width of the pictures in which the flow is looked for: it has to reach across a head that has turned."""
KEPT = 0.06
"""Part of the face's size over which what flows around it fades: lips and eyes lie on each other already."""


def eased(t: float) -> float:
    """0 to 1, without a jerk at either end."""
    return t * t * (3 - 2 * t)


def blended(
    first: np.ndarray, at_first: np.ndarray, second: np.ndarray, at_second: np.ndarray, place: np.ndarray, t: float,
    faces: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:  # fmt: skip
    """Two pictures whose heads lie at similarities `[2, 3]`, brought to `place`, the second shown by `t`.

    With the `faces` `[478, 3]` of both, each is bent to the face between them: lips lie on lips, where else one mouth would show through the other. Around
    the face, hair, shoulders and the ground flow from one picture's to the other's: nothing is seen twice.
    """
    if t >= 1:
        return second
    between = None if faces is None else mixed(faces[0], at_first, faces[1], at_second, place, t)[:SKIN, :2]
    found = zip((first, second), (at_first, at_second), faces or (None, None))
    a, b = (_brought(picture, at, place, face, between) for picture, at, face in found)
    a, b = _flowing(a, b, between, t), _flowing(b, a, between, 1 - t)
    return np.round(a.astype(np.float32) * (1 - t) + b.astype(np.float32) * t).astype(np.uint8)


def mixed(first: np.ndarray, at_first: np.ndarray, second: np.ndarray, at_second: np.ndarray, place: np.ndarray, t: float) -> np.ndarray:
    """The landmarks `[478, 3]` between two faces, of a head at `place`."""
    return (1 - t) * points(first, at_first, place) + t * points(second, at_second, place)


def _brought(picture: np.ndarray, at: np.ndarray, to: np.ndarray, face: np.ndarray | None, between: np.ndarray | None) -> np.ndarray:
    whole = [np.vstack([each, [0, 0, 1]]) for each in (at, to)]
    back = (whole[0] @ np.linalg.inv(whole[1]))[:2]
    height, width = picture.shape[:2]
    # Pixel centres lie at half a pixel; OpenCV has them at whole numbers.
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    places = np.stack([x, y], -1) @ back[:, :2].T + back[:, 2]
    if between is not None:
        _bend(places, face[:SKIN, :2] - (between @ back[:, :2].T + back[:, 2]), between)
    return cv2.remap(picture, *(places[..., k].astype(np.float32) - 0.5 for k in (0, 1)), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _flowing(picture: np.ndarray, other: np.ndarray, face: np.ndarray | None, t: float) -> np.ndarray:
    """A picture whose parts have gone by `t` to where `other` shows them, but for the `face` `[k, 2]`; flow by inverse search (Kroeger et al. 2016)."""
    height, width = picture.shape[:2]
    grey = [cv2.cvtColor(np.ascontiguousarray(each[..., :3]), cv2.COLOR_RGB2GRAY) for each in (picture, other)]
    times = max(1.0, width / FLOW_WIDTH)
    small = [cv2.resize(each, None, fx=1 / times, fy=1 / times, interpolation=cv2.INTER_AREA) for each in grey]
    flow = times * cv2.resize(cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(*small, None), (width, height))
    if face is not None:
        kept = np.zeros((height, width), np.float32)
        cv2.fillConvexPoly(kept, cv2.convexHull(np.round(face).astype(np.int32)), 1.0)
        flow *= 1 - cv2.GaussianBlur(kept, (0, 0), KEPT * float(np.ptp(face[:, 0])))[..., None]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return cv2.remap(picture, x - t * flow[..., 0], y - t * flow[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _bend(places: np.ndarray, by: np.ndarray, at: np.ndarray) -> None:
    """Adds moves `by` `[k, 2]` at points `at` to `places` `[height, width, 2]`, linearly between them and down to none around the face."""
    low, high = at.min(0), at.max(0)
    low, high = low - ROOM * (high - low), high + ROOM * (high - low)
    share = np.linspace(0, 1, 9)[:, None]
    corners = [low, [high[0], low[1]], high, [low[0], high[1]], low]
    ring = np.concatenate([a + share[:-1] * (np.array(b) - a) for a, b in zip(map(np.array, corners), corners[1:])])
    moves = LinearNDInterpolator(np.concatenate([at, ring]), np.concatenate([by, np.zeros_like(ring)]), fill_value=0.0)
    left, top = np.maximum(low.astype(int), 0)
    right, bottom = np.maximum(high.astype(int), 0)
    part = places[top:bottom, left:right]
    x, y = np.meshgrid(left + np.arange(part.shape[1]) + 0.5, top + np.arange(part.shape[0]) + 0.5)
    part += moves(x, y)


def points(landmarks: np.ndarray, at: np.ndarray, to: np.ndarray) -> np.ndarray:
    """Landmarks `[k, 3]` of a head that was at one place, at another; depth goes with the size."""
    linear = to[:, :2] @ np.linalg.inv(at[:, :2])
    flat = (landmarks[:, :2] - at[:, 2]) @ linear.T + to[:, 2]
    return np.concatenate([flat, landmarks[:, 2:] * np.sqrt(abs(np.linalg.det(linear)))], 1)
