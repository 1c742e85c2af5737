"""What footage has to be like: refusals with their reasons, and warnings."""
from __future__ import annotations

from pathlib import Path

import numpy as np

from .footage import RATE, Clip, Refused
from .landmarks import EYES, STABLE, Faces, Landmarker

SHORTEST_S = 6.0
LONGEST_S = 360.0
SMALLEST_EYES = 40.0
"""Pixels between the eyes' outer corners: below, lips are a handful of pixels."""
SOFT_EYES = 80.0
LARGEST_YAW = 48.0
SEEN_TURN = 0.71
"""Part of a head's turn that MediaPipe's pose shows: 24.6° of 35°, 35.9° of 50°, measured on renders."""
DARKEST = 30.0
"""Mean brightness of the face's skin, 0 to 255."""
LOOKS = 8
"""Pictures that are searched for more than one face."""


def long_enough(clips: list[Clip]) -> list[Clip]:
    """The clips that are used: from the first on, at most six minutes."""
    seconds = sum(clip.count for clip in clips) / RATE
    if seconds < SHORTEST_S:
        raise Refused(f"the footage lasts {seconds:.1f} s: at least {SHORTEST_S:.0f} s are needed, better half a minute")
    used, total = [], 0.0
    for clip in clips:
        if total and total + clip.count / RATE > LONGEST_S:
            break
        used.append(clip)
        total += clip.count / RATE
    return used


def one_face(clips: list[Clip], bundle: Path) -> None:
    """Refuses pictures of nobody or of several people, before the long work starts."""
    landmarker = Landmarker(bundle, video=False, faces=3)
    counts = []
    chosen = [clips[i] for i in np.linspace(0, len(clips) - 1, min(LOOKS, len(clips))).astype(int)]
    for clip in chosen:
        wanted = set(np.linspace(0, clip.count - 1, max(1, LOOKS // len(chosen)) + 2).astype(int)[1:-1].tolist())
        for number, picture in enumerate(clip.pictures()):
            if number in wanted:
                sizes = sorted((eye_distance(face[0][None])[0] for face in landmarker(picture)), reverse=True)
                counts.append(sum(size > 0.4 * sizes[0] for size in sizes))
            if number >= max(wanted):
                break
    landmarker.close()
    if max(counts) == 0:
        raise Refused("no face was found: the face has to be seen from the front, lit, and not covered")
    if np.mean(np.array(counts) > 1) >= 0.25:
        raise Refused(f"{max(counts)} faces were found: cut the picture so that one person is in it")


def eye_distance(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[:, EYES[0], :2] - points[:, EYES[1], :2], axis=1)


def face_fit(clips: list[Clip], tracks: list[Faces]) -> list[str]:
    """Refuses faces that are lost, too small, turned away or too dark; returns warnings."""
    warnings = []
    found = np.concatenate([track.found for track in tracks])
    if found.mean() < 0.8:
        raise Refused(f"the face is lost in {100 * (1 - found.mean()):.0f} % of the pictures: use a part in which it is always seen")
    if found.mean() < 0.99:
        warnings.append(f"the face is lost in {100 * (1 - found.mean()):.1f} % of the pictures; they are left out")
    points = np.concatenate([track.points for track in tracks])
    eyes = float(np.median(eye_distance(points)))
    if eyes < SMALLEST_EYES:
        raise Refused(f"the face is too small: {eyes:.0f} pixels between the outer corners of the eyes, at least {SMALLEST_EYES:.0f} are needed")
    if eyes < SOFT_EYES:
        warnings.append(f"the face is small ({eyes:.0f} pixels between the outer corners of the eyes): the avatar can't be sharper than the footage")
    yaw = turned(np.concatenate([track.matrix for track in tracks]))
    if np.median(yaw) > LARGEST_YAW:
        raise Refused(f"the face is turned away by {np.median(yaw):.0f}°: at most {LARGEST_YAW:.0f}° are possible")
    if np.mean(yaw > LARGEST_YAW) > 0.1:
        warnings.append(f"the face is turned away by more than {LARGEST_YAW:.0f}° in {100 * np.mean(yaw > LARGEST_YAW):.0f} % of the pictures")
    light = brightness(clips, tracks)
    if light < DARKEST:
        raise Refused(f"the face is too dark (brightness {light:.0f} of 255, at least {DARKEST:.0f} is needed): film with more light")
    return warnings


def turned(matrix: np.ndarray) -> np.ndarray:
    """How far heads are turned to the side, in degrees `[n]`, from MediaPipe's poses `[n, 4, 4]`."""
    return np.degrees(np.abs(np.arctan2(matrix[:, 0, 2], matrix[:, 2, 2]))) / SEEN_TURN


def brightness(clips: list[Clip], tracks: list[Faces]) -> float:
    """Of the middle of the face, in the first picture of up to eight clips."""
    values = []
    for index in np.linspace(0, len(clips) - 1, min(LOOKS, len(clips))).astype(int):
        picture = next(clips[index].pictures())
        at = tracks[index].points[0][list(STABLE), :2]
        (left, top), (right, bottom) = np.quantile(at, 0.2, axis=0).astype(int), np.quantile(at, 0.8, axis=0).astype(int)
        part = picture[max(top, 0) : max(bottom, 1), max(left, 0) : max(right, 1)]
        if part.size:
            values.append(part.mean())
    return float(np.mean(values)) if values else 0.0


def spans(flags: np.ndarray) -> list[tuple[float, float]]:
    """Where flags are set, in seconds from the start."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return [(begin / RATE, end / RATE) for begin, end in zip(edges[::2], edges[1::2])]
