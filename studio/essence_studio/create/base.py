"""The base loop: which stretch of the footage plays behind the mouth, and how its end grows into its start."""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from . import calibrate, morph
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
ENOUGH = 1.5
"""Times the least motion of a talking loop beyond which more is not better."""
SMALL = 96
"""Width of the pictures that are compared."""
OPEN = 30.0
"""What an eye of open lips costs, ..."""
SHAPED = 2.0
"""... a unit of the mouth's coefficients, ..."""
SOFT = 6.0
"""... and skin without any detail, against the film's usual."""


MORPH = 12
"""Pictures over which the end of the loop grows into what came before its start."""
VOICED = 0.05
"""Opening that a voice asks for, from which somebody speaks, ..."""
PAUSE = 8
"""... and so many pictures before and after."""
SPEAKING = 4.0
"""What a picture in which somebody speaks costs: a loop of them nods and frowns at nothing."""


@dataclass(frozen=True)
class Loop:
    """A stretch of one clip."""

    clip: int
    first: int
    count: int
    kind: str
    step: float
    """Difference of the pictures where the loop closes, as a part of the largest between neighbours."""
    morph: int = 0
    """Pictures at its end that grow into those before `first`, so that the first one follows."""

    def sources(self) -> list[tuple[int, int, float]]:
        """For each picture two of the clip, and how far the second one shows."""
        plain = [(self.first + k, self.first + k, 0.0) for k in range(self.count - self.morph)]
        end = self.first + self.count - self.morph
        return plain + [(end + k, self.first - self.morph + k, morph.eased((k + 1) / (self.morph + 1))) for k in range(self.morph)]


@dataclass(frozen=True)
class Strip:
    """A stretch's pictures, as they will be shown."""

    frames: list[np.ndarray]
    """`[height, width, 3]` RGB, or 4 with alpha where the clip has a matte."""
    to_frame: np.ndarray
    """`[n, 2, 3]`: where the heads are."""
    pose: np.ndarray
    """`[n, P]`"""
    points: np.ndarray | None = None
    """`[n, 478, 3]`: the faces, where they were tracked."""


def choose(prepared: Prepared, tracks: list[Faces], spoken: list[np.ndarray] | None = None, longest: int = LONGEST) -> Loop:
    """The calmest stretch with the mouth nearest to rest, one without speech if there is one; its end grows into its start."""
    centre = np.median(np.concatenate(prepared.pose)[:, :3], axis=0)
    best: tuple[float, int, int, int] | None = None
    for number, track in enumerate(tracks):
        cost = _costs(prepared, track, number, centre)
        if spoken is not None:
            cost = cost + SPEAKING * voiced(spoken[number])[: len(cost)]
        for first, count in _runs(np.isfinite(cost), longest):
            for at in range(first, first + max(1, count - longest + 1), 5):
                for length in {min(each, first + count - at) for each in (longest, longest // 2)}:
                    # Longer is better: people see a loop of three seconds return.
                    value = float(cost[at : at + length].mean()) - 1.5 * length / longest
                    if best is None or value < best[0]:
                        best = (value, number, at, length)
    if best is None:
        raise Refused(f"no stretch of {SHORTEST / RATE:.0f} s shows the face without a break: film a longer one")
    _, number, first, count = best
    first, count = _eyes_open(tracks[number], first, count)
    lids = tracks[number].lids()
    start, end, step = _closing(_small(prepared, number, first, count), lids[first : first + count] / np.median(lids))
    grown = _morph(count)
    return Loop(number, first + start + grown, end - start - grown, "cycle", step, grown)


def voiced(spoken: np.ndarray) -> np.ndarray:
    """1 where somebody speaks, or has just spoken, or will, `[n]`."""
    loud = calibrate.asked(spoken) > VOICED
    return np.convolve(loud, np.ones(2 * PAUSE + 1), "same") > 0


def _morph(count: int) -> int:
    return min(MORPH, count // 4)


def lively(prepared: Prepared, tracks: list[Faces], idle: Loop) -> Loop | None:
    """A stretch in which the head moves, as people's do who talk, with the mouth near rest; None where it hardly moves more than in `idle`."""
    centre = np.median(np.concatenate(prepared.pose)[:, :3], axis=0)
    motion = [_speed(prepared, number) for number in range(len(tracks))]
    least = LIVELIER * motion[idle.clip][idle.first : idle.first + idle.count].mean()
    best: tuple[float, int, int, int] | None = None
    for number, track in enumerate(tracks):
        usable = track.found & ~prepared.covered[number]
        if number == idle.clip:
            usable[idle.first : idle.first + idle.count] = False
        away = np.linalg.norm(prepared.pose[number][:, :3] - centre, axis=1)
        unlike = 0.5 * _unlike_rest(prepared, track, number)
        for first, count in _runs(usable, LIVELY):
            for at in range(first, first + max(1, count - LIVELY + 1), 5):
                stretch = slice(at, at + min(LIVELY, first + count - at))
                moves = float(motion[number][stretch].mean())
                value = min(moves / max(least, 1e-6), ENOUGH) - float(unlike[stretch].mean())
                if moves > least and stretch.stop - at >= 2 * SHORTEST and away[stretch].max() < 4.0 and (best is None or value > best[0]):
                    best = (value, number, at, stretch.stop - at)
    return None if best is None else Loop(best[1], best[2], best[3], "cycle", 0.0)


def _speed(prepared: Prepared, number: int) -> np.ndarray:
    """How fast the head turns, picture by picture."""
    pose = prepared.pose[number][:, :3]
    return np.linalg.norm(np.gradient(pose, axis=0), axis=1) if len(pose) > 2 else np.zeros(len(pose))


def _costs(prepared: Prepared, track: Faces, number: int, centre: np.ndarray) -> np.ndarray:
    """Per picture: a mouth that is not at rest, soft skin, a head that is turned or moves fast. Infinite where the face isn't seen."""
    pose = prepared.pose[number][:, :3]
    cost = _unlike_rest(prepared, track, number) + 0.5 * np.linalg.norm(pose - centre, axis=1) + 2 * _speed(prepared, number)
    cost[~track.found | prepared.covered[number]] = np.inf
    return cost


def _unlike_rest(prepared: Prepared, track: Faces, number: int) -> np.ndarray:
    """What pictures cost whose mouth speech has to undo first, or whose skin is soft, `[n]`."""
    cost = OPEN * track.opening() + SHAPED * np.linalg.norm(prepared.coefficients[number], axis=1)
    if prepared.detail:
        usual = np.median(np.concatenate(prepared.detail))
        cost = cost + SOFT * np.clip(1 - prepared.detail[number] / max(usual, 1e-6), 0, 0.5)
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


def _closing(small: np.ndarray, lids: np.ndarray) -> tuple[int, int, float]:
    """Start and end (exclusive) of the part whose last pictures are most like its first ones, and how unlike they are over the largest step inside it.

    `lids` `[n]`: how far they are open, 1 as usual: a blink can't be laid over open eyes.
    """
    n, grown = len(small), _morph(len(small))
    largest = max(float(differences(small[1:], small[:-1]).max()), 1e-6)
    best = (0, n, np.inf)
    for start in range(0, max(1, n // 3), 2):
        for end in range(max(start + 2 * SHORTEST, int(0.6 * n)), n + 1, 2):
            tail, head = slice(end - grown, end), slice(start, start + grown)
            value = float(differences(small[tail], small[head]).mean()) / largest + 0.3 * (1 - (end - start) / n)
            value += float(np.abs(lids[tail] - lids[head]).max())
            if value < best[2]:
                best = (start, end, value)
    start, end, _ = best
    return start, end, float(differences(small[end - grown : end], small[start : start + grown]).mean() / largest)


def whole(prepared: Prepared, number: int) -> Loop:
    """All of a clip, as it is."""
    return Loop(number, 0, len(prepared.pose[number]), "once", 0.0)


def strip(prepared: Prepared, loop: Loop, track: Faces | None = None) -> Strip:
    """The loop's pictures at full size, its end grown into its start. Where its faces were tracked, they are bent so that lips lie on lips."""
    sources = loop.sources()
    first, end = min(b for _, b, _ in sources), max(a for a, _, _ in sources) + 1
    film = {}
    for at, picture in enumerate(prepared.clips[loop.clip].pictures(with_matte=True)):
        if at >= end:
            break
        if at >= first:
            film[at] = picture
    places, poses = prepared.heads[loop.clip].to_frame, prepared.pose[loop.clip]
    calm = None if track is None else track.calm()
    frames, to_frame, points = [], [], []
    for a, b, share in sources:
        place = (1 - share) * places[a] + share * places[b]
        to_frame.append(place)
        faces = None if calm is None else (calm[a], calm[b])
        frames.append(film[a] if share == 0 else morph.blended(film[a], places[a], film[b], places[b], place, share, faces))
        if faces:
            points.append(morph.mixed(faces[0], places[a], faces[1], places[b], place, share))
    pose = np.stack([(1 - share) * poses[a] + share * poses[b] for a, b, share in sources])
    return Strip(frames, np.stack(to_frame), pose.astype(np.float32), np.stack(points) if points else None)
