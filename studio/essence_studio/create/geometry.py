"""Where the head is in each picture: similarities that hold the skull still, pose, landmarks with the head's motion taken out.

Lengths are in eyes: the distance of the outer corners of the eyes in the person's mean face, whose middle between these corners is the origin.
"""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from .landmarks import EYES, STABLE, Faces

HEAD_SIGMA = 1.5
"""Frames by which the head's place is smoothed, forwards and backwards alike, so that nothing lags."""
LIPS_SIGMA = 0.4
"""Hardly any: lips shut for two frames."""
POSE = ("yaw", "pitch", "roll")


@dataclass
class Heads:
    """The heads of one clip."""

    to_frame: np.ndarray
    """`[n, 2, 3]`: takes aligned coordinates, in eyes, to pixels."""
    pose: np.ndarray
    """`[n, 3]` f32: yaw, pitch and roll in radians, less the clips' mean."""
    flat: np.ndarray
    """`[n, 478, 2]`: the landmarks in aligned coordinates."""
    solid: np.ndarray
    """`[n, 478, 3]`: the landmarks with turning and nodding taken out as well."""


def procrustes(points: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scale `[n]`, rotation `[n, d, d]` and shift `[n, d]` that best take each of `points` `[n, k, d]` to `target` `[k, d]` (Umeyama 1991)."""
    from_mean, to_mean = points.mean(1), target.mean(0)
    a, b = points - from_mean[:, None], target - to_mean
    u, s, vt = np.linalg.svd(np.einsum("kd,nke->nde", b, a))
    sign = np.ones_like(s)
    sign[:, -1] = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    rotation = np.einsum("nij,nj,njk->nik", u, sign, vt)
    scale = (s * sign).sum(1) / (a**2).sum((1, 2))
    return scale, rotation, to_mean - scale[:, None] * np.einsum("nij,nj->ni", rotation, from_mean)


def moved(points: np.ndarray, scale: np.ndarray, rotation: np.ndarray, shift: np.ndarray) -> np.ndarray:
    return scale[:, None, None] * np.einsum("nij,nkj->nki", rotation, points) + shift[:, None]


def mean_face(points: np.ndarray) -> np.ndarray:
    """The mean of faces `[n, 478, 3]`, upright, in eyes."""
    stable = points[:, STABLE].astype(np.float64)
    target = stable[0]
    for _ in range(4):
        target = moved(stable, *procrustes(stable, target)).mean(0)
        at = {index: target[STABLE.index(index)] for index in EYES}
        across = at[EYES[1]] - at[EYES[0]]
        length = np.linalg.norm(across)
        angle = np.arctan2(across[1], across[0])
        turn = np.eye(3)
        turn[:2, :2] = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
        target = (target - (at[EYES[0]] + at[EYES[1]]) / 2) @ turn.T / length
    everything = points.astype(np.float64)
    return moved(everything, *procrustes(stable, target)).mean(0)


def heads_of(faces: Faces, mean: np.ndarray) -> Heads:
    """One clip's heads held against the mean face."""
    points = faces.points.astype(np.float64)
    calm = gaussian_filter1d(points[:, STABLE], HEAD_SIGMA, axis=0, mode="nearest")
    flat = procrustes(calm[..., :2], mean[list(STABLE), :2])
    lips = gaussian_filter1d(points, LIPS_SIGMA, axis=0, mode="nearest")
    solid = procrustes(calm, mean[list(STABLE)])
    turn = np.swapaxes(solid[1], 1, 2)
    pose = np.stack([np.arctan2(turn[:, 0, 2], turn[:, 2, 2]), np.arcsin(np.clip(-turn[:, 1, 2], -1, 1)), np.arctan2(turn[:, 1, 0], turn[:, 1, 1])], 1)
    scale, rotation, shift = flat
    inverse = np.swapaxes(rotation, 1, 2) / scale[:, None, None]
    to_frame = np.concatenate([inverse, -np.einsum("nij,nj->ni", inverse, shift)[..., None]], 2)
    return Heads(to_frame, pose.astype(np.float32), moved(lips[..., :2], *flat), moved(lips, *solid))


@dataclass(frozen=True)
class Patch:
    """The square that the network draws, fixed on the skull."""

    size: int
    """In patch pixels."""
    left: float
    top: float
    width: float
    """In eyes."""

    def to_frame(self, to_frame: np.ndarray) -> np.ndarray:
        """`a b c d e f` from patch to frame coordinates, pixel centres at .5 in both, for similarities `[n, 2, 3]`."""
        step = self.width / self.size
        linear = to_frame[:, :, :2] * step
        shift = to_frame[:, :, :2] @ np.array([self.left, self.top]) + to_frame[:, :, 2]
        return np.concatenate([linear, shift[..., None]], 2).reshape(len(to_frame), 6)

    def pixels(self, aligned: np.ndarray) -> np.ndarray:
        """Patch coordinates of points in eyes."""
        return (aligned - np.array([self.left, self.top])) * (self.size / self.width)


def crop(picture: np.ndarray, affine: np.ndarray, size: int) -> np.ndarray:
    """The patch `[size, size, 3]` u8 that lies at `affine` (`a b c d e f`) in a picture."""
    matrix = affine.reshape(2, 3).copy()
    # OpenCV has pixel centres at whole numbers.
    matrix[:, 2] += matrix[:, :2] @ np.array([0.5, 0.5]) - 0.5
    shrink = np.hypot(matrix[0, 0], matrix[1, 0])
    if shrink > 1.5:
        picture = cv2.GaussianBlur(picture, (0, 0), 0.4 * shrink)
    return cv2.warpAffine(picture, matrix, (size, size), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE)
