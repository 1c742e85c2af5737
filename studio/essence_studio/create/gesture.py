"""Named motions from clips of their own, and the talking loop: entered from and left to one picture of the base loop, by a short morph.

Where a gesture begins and ends is chosen so that the picture jumps least; a few frames between are the two pictures laid over each other, both
bent to the same place of the head.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from . import base, morph
from .footage import Refused
from .landmarks import opening

MORPH = 5
"""Frames from the loop into a gesture, and out of it."""
SMOOTH = 4.0
"""A talking loop returns every few seconds: its joints may be so many of the idle loop's largest steps before the morph, not more."""
LIPS = 30.0
"""Levels of difference that an eye of lips apart counts as much as, where a gesture is joined to the loop."""
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
    points: np.ndarray | None = None
    """`[n, 478, 3]`: the faces, where they were tracked."""
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
    name: str, stretch: base.Strip, loop: base.Strip, anchor: int | None = None, kind: str = "once", least: int = LEAST
) -> Gesture:
    """The gesture of a stretch, of `least` pictures; all gestures share the first one's `anchor`."""
    pictures, loop_frames = stretch.frames, loop.frames
    if len(pictures) < least + 2:
        raise Refused(f"--motion {name}: {len(pictures)} pictures are too few for a gesture, {least + 2} are needed")
    small = _small(pictures)
    still = _small(loop_frames)
    third = max(1, (len(small) - least) // 2)
    apart = np.stack([base.differences(still, each[None]) for each in small])
    # One picture of the loop is both door in and door out.
    doors = apart + _lips(stretch, loop)
    cost = doors[:third].min(0) + doors[-third:].min(0)
    anchor = int(cost.argmin()) if anchor is None else anchor
    begin = int(doors[:third, anchor].argmin())
    end = len(small) - third + int(doors[-third:, anchor].argmin())
    largest = max(float(base.differences(still[1:], still[:-1]).max()), 1e-6)
    jump = max(apart[begin, anchor], apart[end, anchor]) / largest
    at_anchor, pose_anchor = loop.to_frame[anchor], loop.pose[anchor]
    own, own_pose = stretch.to_frame, stretch.pose
    tracked = stretch.points is not None and loop.points is not None
    frames, places, poses, numbers, shares, points = [], [], [], [], [], []
    for k in range(begin - MORPH, end + MORPH + 1):
        inside = min(max(k, begin), end)
        # 0 at the loop's picture, 1 inside the gesture.
        outside = (begin - k if k < begin else k - end) / (MORPH + 1)
        t = 1 - max(0.0, outside)
        t = morph.eased(t)
        place = (1 - t) * at_anchor + t * own[inside]
        faces = (loop.points[anchor], stretch.points[inside]) if tracked else None
        frames.append(morph.blended(loop_frames[anchor], at_anchor, pictures[inside], own[inside], place, t, faces))
        if faces:
            points.append(morph.mixed(faces[0], at_anchor, faces[1], own[inside], place, t))
        places.append(place)
        numbers.append(inside)
        shares.append(t)
        poses.append((1 - t) * pose_anchor + t * own_pose[inside])
    return Gesture(
        name, frames, np.stack(places), np.stack(poses).astype(np.float32), anchor, float(jump), np.array(numbers), np.array(shares),
        np.stack(points) if points else None, kind,
    )  # fmt: skip


def _lips(stretch: base.Strip, loop: base.Strip) -> np.ndarray:
    """What joints cost whose mouths are unlike, or open, `[stretch, loop]`."""
    if stretch.points is None or loop.points is None:
        return np.zeros((len(stretch.frames), len(loop.frames)))
    a, b = (opening(each.points) for each in (stretch, loop))
    return LIPS * (np.abs(a[:, None] - b) + 0.5 * (a[:, None] + b))


def exits_near(anchor: int, loop_frames: list[np.ndarray]) -> list[int]:
    """Pictures of the loop from which the anchor's successor is no larger a step than the loop's own largest."""
    small = _small(loop_frames)
    largest = float(base.differences(small[1:], small[:-1]).max())
    return np.flatnonzero(base.differences(small, small[anchor][None]) <= largest).tolist()


def _small(pictures: list[np.ndarray]) -> np.ndarray:
    height = max(8, round(base.SMALL * pictures[0].shape[0] / pictures[0].shape[1]))
    return np.stack([cv2.resize(each[..., :3], (base.SMALL, height), interpolation=cv2.INTER_AREA) for each in pictures]).astype(np.float32)
