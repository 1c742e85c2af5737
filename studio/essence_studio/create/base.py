"""The base loop: which stretch of the footage plays behind the mouth, and how its end meets its start."""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .footage import RATE, Refused
from .landmarks import Faces
from .prepare import Prepared

LONGEST = 150
"""Frames of the loop."""
SHORTEST = 25
BLINK = 0.75
"""Of the lids' usual distance, below which an eye counts as closing."""
LIVELY = 75
"""Frames of the talking loop at most."""
LIVELIER = 1.3
"""Times the idle loop's motion of the head that makes a talking loop worth its place in the file."""
SMALL = 96
"""Width of the pictures that are compared."""


@dataclass(frozen=True)
class Loop:
    """A stretch of one clip."""

    clip: int
    first: int
    count: int
    kind: str
    """`cycle` or `bounce`."""
    step: float
    """Difference of the pictures where the loop closes, as a part of the largest between neighbours; 0 for `bounce`."""


def choose(prepared: Prepared, tracks: list[Faces], longest: int = LONGEST) -> Loop:
    """The calmest stretch with the mouth nearest to rest; a cycle where its ends can meet, else back and forth."""
    centre = np.median(np.concatenate(prepared.pose)[:, :3], axis=0)
    best: tuple[float, int, int, int] | None = None
    for number, track in enumerate(tracks):
        cost = _costs(prepared, track, number, centre)
        for first, count in _runs(np.isfinite(cost), longest):
            for at in range(first, first + max(1, count - longest + 1), 5):
                length = min(longest, first + count - at)
                # Longer is better: people see a loop of three seconds return.
                value = float(cost[at : at + length].mean()) - 1.5 * length / longest
                if best is None or value < best[0]:
                    best = (value, number, at, length)
    if best is None:
        raise Refused(f"no stretch of {SHORTEST / RATE:.0f} s shows the face without a break: film a longer one")
    _, number, first, count = best
    first, count = _eyes_open(tracks[number], first, count)
    small = _small(prepared, number, first, count)
    start, end, step = _closing(small)
    if step <= 1.0:
        return Loop(number, first + start, end - start, "cycle", step)
    return Loop(number, first, count, "bounce", 0.0)


def lively(prepared: Prepared, tracks: list[Faces], idle: Loop) -> Loop | None:
    """The stretch in which the head moves most, as people's do who talk; None where it hardly moves more than in `idle`."""
    centre = np.median(np.concatenate(prepared.pose)[:, :3], axis=0)
    motion = [_speed(prepared, number) for number in range(len(tracks))]
    least = LIVELIER * motion[idle.clip][idle.first : idle.first + idle.count].mean()
    best: tuple[float, int, int, int] | None = None
    for number, track in enumerate(tracks):
        usable = track.found & ~prepared.covered[number]
        if number == idle.clip:
            usable[idle.first : idle.first + idle.count] = False
        away = np.linalg.norm(prepared.pose[number][:, :3] - centre, axis=1)
        for first, count in _runs(usable, LIVELY):
            for at in range(first, first + max(1, count - LIVELY + 1), 5):
                stretch = slice(at, at + min(LIVELY, first + count - at))
                value = float(motion[number][stretch].mean())
                if value > least and stretch.stop - at >= 2 * SHORTEST and away[stretch].max() < 4.0 and (best is None or value > best[0]):
                    best = (value, number, at, stretch.stop - at)
    return None if best is None else Loop(best[1], best[2], best[3], "cycle", 0.0)


def _speed(prepared: Prepared, number: int) -> np.ndarray:
    """How fast the head turns, picture by picture."""
    pose = prepared.pose[number][:, :3]
    return np.linalg.norm(np.gradient(pose, axis=0), axis=1) if len(pose) > 2 else np.zeros(len(pose))


def _costs(prepared: Prepared, track: Faces, number: int, centre: np.ndarray) -> np.ndarray:
    """Per picture: open lips, a head that is turned or moves fast. Infinite where the face isn't seen."""
    pose = prepared.pose[number][:, :3]
    opening = track.opening()
    cost = 3 * opening / 0.1 + 0.5 * np.linalg.norm(pose - centre, axis=1) + 2 * _speed(prepared, number)
    cost[~track.found | prepared.covered[number]] = np.inf
    return cost


def _runs(usable: np.ndarray, longest: int) -> list[tuple[int, int]]:
    """First picture and length of the stretches without a gap."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], usable.astype(int), [0]])))
    return [(int(a), int(b - a)) for a, b in zip(edges[::2], edges[1::2]) if b - a >= SHORTEST]


def _eyes_open(track: Faces, first: int, count: int) -> tuple[int, int]:
    """The stretch without blinks at its ends."""
    lids = track.lids()
    open_eyes = lids[first : first + count] > BLINK * np.median(lids)
    inside = np.flatnonzero(open_eyes)
    if len(inside) < 2 or inside[-1] - inside[0] < SHORTEST:
        return first, count
    return first + int(inside[0]), int(inside[-1] - inside[0]) + 1


def _small(prepared: Prepared, number: int, first: int, count: int) -> np.ndarray:
    """The stretch's pictures, whole and small, `[n, h, SMALL, 3]` f32."""
    clip, out = prepared.clips[number], []
    height = max(8, round(SMALL * clip.height / clip.width))
    for at, picture in enumerate(clip.pictures()):
        if at >= first + count:
            break
        if at >= first:
            out.append(cv2.resize(picture, (SMALL, height), interpolation=cv2.INTER_AREA).astype(np.float32))
    return np.stack(out)


def differences(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Root mean square differences between pictures, pair by pair."""
    return np.sqrt(((a - b) ** 2).mean(tuple(range(1, a.ndim))))


def _closing(small: np.ndarray) -> tuple[int, int, float]:
    """Start and end (exclusive) of the best cycle in the stretch, and its closing step over the largest step inside it.

    Where the loop closes, picture `end - 1` is followed by `start`: that step and the motion before and after it have to look like any other.
    """
    n = len(small)
    largest = differences(small[1:], small[:-1]).max()
    best = (0, n, np.inf)
    for start in range(0, max(1, n // 3), 2):
        ends = np.arange(max(start + SHORTEST * 2, int(0.6 * n)), n + 1)
        if not len(ends):
            continue
        step = differences(small[ends - 1], small[start][None])
        # Moving on from where it came: the picture after the end, if there is one, looks like the start.
        onward = differences(small[np.minimum(ends, n - 1)], small[start][None])
        value = (0.5 * step + 0.5 * onward) / max(largest, 1e-6) + 0.2 * (1 - (ends - start) / n)
        at = int(value.argmin())
        if value[at] < best[2]:
            best = (start, int(ends[at]), float(value[at]))
    start, end, _ = best
    step = float(differences(small[end - 1 : end], small[start : start + 1])[0] / max(largest, 1e-6))
    return start, end, step


def whole(prepared: Prepared, number: int) -> Loop:
    """All of a clip, as it is."""
    return Loop(number, 0, len(prepared.pose[number]), "once", 0.0)


def pictures(prepared: Prepared, loop: Loop) -> list[np.ndarray]:
    """The loop's pictures at full size, `[height, width, 3]` RGB, or 4 with alpha where the clip has a matte."""
    out = []
    for at, picture in enumerate(prepared.clips[loop.clip].pictures(with_matte=True)):
        if at >= loop.first + loop.count:
            break
        if at >= loop.first:
            out.append(picture)
    return out
