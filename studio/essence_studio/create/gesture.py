"""Named motions from clips of their own, and the talking loop: entered from and left to one picture of the base loop, by a short morph.

Where a gesture begins and ends is chosen so that the picture jumps least; a few frames between are the two pictures laid over each other, both
bent to the same place of the head.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from . import base
from .footage import Refused
from .prepare import Prepared

MORPH = 5
"""Frames from the loop into a gesture, and out of it."""
SMOOTH = 4.0
"""A talking loop returns every few seconds: its joints may be so many of the idle loop's largest steps before the morph, not more."""
LEAST = 12
"""Frames of a gesture between its morphs."""


@dataclass(frozen=True)
class Gesture:
    name: str
    frames: list[np.ndarray]
    to_frame: np.ndarray
    """`[n, 2, 3]`."""
    pose: np.ndarray
    """`[n, P]`."""
    anchor: int
    """The loop's picture that it comes from and goes back to."""
    jump: float
    """The larger of its two joints' differences over the largest step inside the loop, before the morph."""
    inside: np.ndarray
    """`[n]`: the stretch's picture that each one shows, ..."""
    share: np.ndarray
    """`[n]`: ... and by how much; the rest is the anchor."""
    loop: str = "once"
    """`cycle` for the talking loop."""


def names(given: list[str]) -> dict[str, Path]:
    """Gestures' names and files of `--motion NAME=FILE`."""
    found: dict[str, Path] = {}
    for each in given:
        name, _, path = each.partition("=")
        if not path or not name.isidentifier() or name in ("idle", "talking") or name in found:
            raise Refused(f"--motion {each}: give NAME=FILE, each name once; `idle` and `talking` are the base loops")
        found[name] = Path(path)
    return found


def made(
    name: str, prepared: Prepared, stretch: base.Loop, pictures: list[np.ndarray], loop: base.Loop, loop_frames: list[np.ndarray], anchor: int | None = None,
    least: int = LEAST,
) -> Gesture:
    """The gesture of a stretch whose `pictures` these are, `least` of them; all gestures share the first one's `anchor`."""
    if len(pictures) < least + 2:
        raise Refused(f"--motion {name}: {len(pictures)} pictures are too few for a gesture, {least + 2} are needed")
    small = _small(pictures)
    still = _small(loop_frames)
    third = max(1, (len(small) - least) // 2)
    apart = np.stack([base.differences(still, each[None]) for each in small])
    # One picture of the loop is both door in and door out.
    cost = apart[:third].min(0) + apart[-third:].min(0)
    anchor = int(cost.argmin()) if anchor is None else anchor
    begin = int(apart[:third, anchor].argmin())
    end = len(small) - third + int(apart[-third:, anchor].argmin())
    largest = max(float(base.differences(still[1:], still[:-1]).max()), 1e-6)
    jump = max(apart[begin, anchor], apart[end, anchor]) / largest
    at_anchor = prepared.heads[loop.clip].to_frame[loop.first + anchor]
    pose_anchor = prepared.pose[loop.clip][loop.first + anchor]
    inside_clip = slice(stretch.first, stretch.first + len(pictures))
    own, own_pose = prepared.heads[stretch.clip].to_frame[inside_clip], prepared.pose[stretch.clip][inside_clip]
    frames, places, poses, numbers, shares = [], [], [], [], []
    for k in range(begin - MORPH, end + MORPH + 1):
        inside = min(max(k, begin), end)
        # 0 at the loop's picture, 1 inside the gesture.
        outside = (begin - k if k < begin else k - end) / (MORPH + 1)
        t = 1 - max(0.0, outside)
        t = t * t * (3 - 2 * t)
        place = (1 - t) * at_anchor + t * own[inside]
        frames.append(blended(loop_frames[anchor], at_anchor, pictures[inside], own[inside], place, t))
        places.append(place)
        numbers.append(inside)
        shares.append(t)
        poses.append((1 - t) * pose_anchor + t * own_pose[inside])
    return Gesture(name, frames, np.stack(places), np.stack(poses).astype(np.float32), anchor, float(jump), np.array(numbers), np.array(shares), stretch.kind)


def blended(first: np.ndarray, at_first: np.ndarray, second: np.ndarray, at_second: np.ndarray, place: np.ndarray, t: float) -> np.ndarray:
    """Two pictures with their heads brought to one place, the second shown by `t`."""
    if t >= 1:
        return second
    a, b = (_brought(picture, at, place) for picture, at in ((first, at_first), (second, at_second)))
    return np.round(a.astype(np.float32) * (1 - t) + b.astype(np.float32) * t).astype(np.uint8)


def _brought(picture: np.ndarray, at: np.ndarray, to: np.ndarray) -> np.ndarray:
    whole = [np.vstack([each, [0, 0, 1]]) for each in (at, to)]
    matrix = (whole[0] @ np.linalg.inv(whole[1]))[:2]
    places = np.array([matrix[0, 0], matrix[0, 1], matrix[0, 2], matrix[1, 0], matrix[1, 1], matrix[1, 2]]).reshape(2, 3)
    places[:, 2] += places[:, :2] @ np.array([0.5, 0.5]) - 0.5
    size = (picture.shape[1], picture.shape[0])
    return cv2.warpAffine(picture, places, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE)


def exits_near(anchor: int, loop_frames: list[np.ndarray]) -> list[int]:
    """Pictures of the loop from which the anchor's successor is no larger a step than the loop's own largest."""
    small = _small(loop_frames)
    largest = float(base.differences(small[1:], small[:-1]).max())
    return np.flatnonzero(base.differences(small, small[anchor][None]) <= largest).tolist()


def _small(pictures: list[np.ndarray]) -> np.ndarray:
    height = max(8, round(base.SMALL * pictures[0].shape[0] / pictures[0].shape[1]))
    return np.stack([cv2.resize(each[..., :3], (base.SMALL, height), interpolation=cv2.INTER_AREA) for each in pictures]).astype(np.float32)
