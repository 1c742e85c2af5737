"""How much fine detail parts of a face show: the Laplacian's deviation."""
from __future__ import annotations

import cv2
import numpy as np

from . import landmarks

PARTS = ("lips", "chin", "cheeks")


def of(picture: np.ndarray, points: np.ndarray) -> dict[str, float]:
    """Per part, of an RGB picture with landmarks `[478, 3]`; not a number where the part is outside."""
    eyes = np.linalg.norm(points[33, :2] - points[263, :2])
    lips = points[list(landmarks.LIPS), :2]
    low, high = lips.min(0), lips.max(0)
    chin = 0.45 * points[17, :2] + 0.55 * points[152, :2]
    cheeks = [0.6 * points[a, :2] + 0.4 * points[b, :2] for a, b in ((205, 61), (425, 291))]
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return {
        "lips": _laplacian(grey, (low + high) / 2, *((high - low) / 2 + 0.03 * eyes)),
        "chin": _laplacian(grey, chin, 0.12 * eyes, 0.084 * eyes),
        "cheeks": float(np.mean([_laplacian(grey, at, 0.1 * eyes, 0.07 * eyes) for at in cheeks])),
    }


def _laplacian(grey: np.ndarray, middle: np.ndarray, width: float, height: float) -> float:
    (x0, y0), (x1, y1) = (middle - [width, height]).astype(int), (middle + [width, height]).astype(int)
    part = grey[max(0, y0 - 2) : y1 + 2, max(0, x0 - 2) : x1 + 2]
    if min(part.shape) < 6:
        return np.nan
    return float(cv2.Laplacian(part, cv2.CV_32F)[2:-2, 2:-2].std())
