"""Two pictures laid over each other with their heads brought to one place: how a stretch of film grows into another."""
from __future__ import annotations

import cv2
import numpy as np


def eased(t: float) -> float:
    """0 to 1, without a jerk at either end."""
    return t * t * (3 - 2 * t)


def blended(first: np.ndarray, at_first: np.ndarray, second: np.ndarray, at_second: np.ndarray, place: np.ndarray, t: float) -> np.ndarray:
    """Two pictures whose heads lie at similarities `[2, 3]`, brought to `place`, the second shown by `t`."""
    if t >= 1:
        return second
    a, b = (_brought(picture, at, place) for picture, at in ((first, at_first), (second, at_second)))
    return np.round(a.astype(np.float32) * (1 - t) + b.astype(np.float32) * t).astype(np.uint8)


def _brought(picture: np.ndarray, at: np.ndarray, to: np.ndarray) -> np.ndarray:
    whole = [np.vstack([each, [0, 0, 1]]) for each in (at, to)]
    places = (whole[0] @ np.linalg.inv(whole[1]))[:2]
    # OpenCV has pixel centres at whole numbers.
    places[:, 2] += places[:, :2] @ np.array([0.5, 0.5]) - 0.5
    size = (picture.shape[1], picture.shape[0])
    return cv2.warpAffine(picture, places, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE)


def points(landmarks: np.ndarray, at: np.ndarray, to: np.ndarray) -> np.ndarray:
    """Landmarks `[k, 3]` of a head that was at one place, at another; depth goes with the size."""
    linear = to[:, :2] @ np.linalg.inv(at[:, :2])
    flat = (landmarks[:, :2] - at[:, 2]) @ linear.T + to[:, 2]
    return np.concatenate([flat, landmarks[:, 2:] * np.sqrt(abs(np.linalg.det(linear)))], 1)
