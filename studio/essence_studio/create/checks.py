"""What footage has to be like: refusals with their reasons, and warnings."""
from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from ..face import finder
from . import geometry
from .footage import RATE, Clip, Refused
from .landmarks import EYES, STABLE, Faces

SHORTEST_S = 6.0
LONGEST_S = 360.0
SMALLEST_EYES = 40.0
"""Pixels between the eyes' outer corners: below, lips are a handful of pixels."""
SOFT_EYES = 80.0
LARGEST_YAW = 42.0
DARKEST = 30.0
"""Mean brightness of the face's skin, 0 to 255."""
DISK_BYTES = 300_000_000
MEMORY_BYTES = 1_200_000_000
"""PyTorch and the programs around it."""
PATCHES_BYTES = 600 << 20
"""As `prepare` keeps at most."""
MOST_COVERED = 0.2
"""Part of the pictures in which something may be before the mouth."""
LOOKS = 8
"""Pictures that are searched for more than one face."""


def writable(path: Path) -> None:
    """Refuses an output that could not be written after all the work."""
    folder = path.parent
    if path.is_dir():
        raise Refused(f"{path} is a folder: name a file")
    if not folder.is_dir():
        raise Refused(f"{folder}: there is no such folder to write {path.name} into")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise Refused(f"{folder}: nothing can be written there ({error.strerror})") from None
    if path.exists() and not os.access(path, os.W_OK):
        raise Refused(f"{path} can't be written: it is protected")


def room(folder: Path, clips: list[Clip]) -> None:
    """Refuses work that the disk or the memory is too small for."""
    pictures = sum(clip.count for clip in clips)
    disk = DISK_BYTES + 8000 * pictures
    free = shutil.disk_usage(folder).free
    if free < disk:
        raise Refused(f"{folder}: {free / 1e9:.1f} GB are free on the disk, {disk / 1e9:.1f} GB are needed: make room, or name another folder with --work")
    memory = MEMORY_BYTES + 2 * min(PATCHES_BYTES, pictures * 3 * 224 * 224)
    found = available_memory()
    if found is not None and found < memory:
        raise Refused(f"{found / 1e9:.1f} GB of memory are free, {memory / 1e9:.1f} GB are needed: close other programs, or give less footage")


def available_memory() -> int | None:
    """Bytes that programs can still take; None where the system doesn't say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        return None


def long_enough(clips: list[Clip], others: list[Clip] = []) -> list[Clip]:
    """The clips that are used: from the first on, at most six minutes."""
    seconds = sum(clip.count for clip in clips) / RATE
    if seconds < SHORTEST_S:
        cut = f" without the {len(others)} shots that show something else" if others else ""
        raise Refused(f"the footage lasts {seconds:.1f} s{cut}: at least {SHORTEST_S:.0f} s of one person in one setting are needed, better half a minute")
    used, total = [], 0.0
    for clip in clips:
        if total and total + clip.count / RATE > LONGEST_S:
            break
        used.append(clip)
        total += clip.count / RATE
    return used


def one_face(clips: list[Clip]) -> None:
    """Refuses pictures of nobody or of several people, before the long work starts."""
    counts = []
    chosen = [clips[i] for i in np.linspace(0, len(clips) - 1, min(LOOKS, len(clips))).astype(int)]
    for clip in chosen:
        wanted = set(np.linspace(0, clip.count - 1, max(1, LOOKS // len(chosen)) + 2).astype(int)[1:-1].tolist())
        for number, picture in enumerate(clip.pictures()):
            if number in wanted:
                widths = [bounds[2] - bounds[0] for bounds, _ in finder.boxes(picture)]
                counts.append(sum(width > 0.4 * widths[0] for width in widths))
            if number >= max(wanted):
                break
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
    yaw = turned(points)
    if np.median(yaw) > LARGEST_YAW:
        raise Refused(f"the face is turned away by {np.median(yaw):.0f}°: at most {LARGEST_YAW:.0f}° are possible")
    if np.mean(yaw > LARGEST_YAW) > 0.1:
        warnings.append(f"the face is turned away by more than {LARGEST_YAW:.0f}° in {100 * np.mean(yaw > LARGEST_YAW):.0f} % of the pictures")
    light = brightness(clips, tracks)
    if light < DARKEST:
        raise Refused(f"the face is too dark (brightness {light:.0f} of 255, at least {DARKEST:.0f} is needed): film with more light")
    return warnings


def uncovered(clips: list[Clip], covered: list[np.ndarray]) -> list[str]:
    """Refuses mouths that are hidden too often, by `covered` `[n]` of each clip; returns warnings."""
    share = float(np.concatenate(covered).mean())
    if share > MOST_COVERED:
        raise Refused(f"something covers the mouth in {100 * share:.0f} % of the pictures: film the face with nothing before it, no hand and no microphone")
    return [f"{clip.name}, {a:.1f} to {b:.1f} s: something covers the mouth; left out" for clip, flags in zip(clips, covered) for a, b in spans(flags)]


def turned(points: np.ndarray) -> np.ndarray:
    """How far heads are turned to the side, in degrees `[n]`, from landmarks `[n, 478, 3]`."""
    head = finder.canonical()[list(STABLE)]
    turn = geometry.procrustes(points[:, list(STABLE)].astype(np.float64), head)[1]
    return np.degrees(np.abs(np.arctan2(turn[:, 2, 0], np.hypot(turn[:, 2, 1], turn[:, 2, 2]))))


def brightness(clips: list[Clip], tracks: list[Faces]) -> float:
    """Of the middle of the face, the median over pictures of up to eight clips: a film may begin in black."""
    values = []
    for index in np.linspace(0, len(clips) - 1, min(LOOKS, len(clips))).astype(int):
        moment = clips[index].count // 2
        picture = next(itertools.islice(clips[index].pictures(), moment, None))
        at = tracks[index].points[moment][list(STABLE), :2]
        (left, top), (right, bottom) = np.quantile(at, 0.2, axis=0).astype(int), np.quantile(at, 0.8, axis=0).astype(int)
        part = picture[max(top, 0) : max(bottom, 1), max(left, 0) : max(right, 1)]
        if part.size:
            values.append(part.mean())
    return float(np.median(values)) if values else 0.0


def spans(flags: np.ndarray) -> list[tuple[float, float]]:
    """Where flags are set, in seconds from the start."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return [(begin / RATE, end / RATE) for begin, end in zip(edges[::2], edges[1::2])]
