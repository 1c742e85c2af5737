"""Video files in: which shots there are, and their pictures at 25 a second, by their time stamps.

Every stage asks for pictures by clip and number, and reads them in order: nothing holds a whole video in memory. A clip is one shot: where the picture
jumps to another, the file is divided, so that nothing is smoothed, looped or joined across a cut.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Iterator

import numpy as np

from . import reading
from .reading import Refused

RATE = 25
"""Pictures a second, as in the avatar."""
SUFFIXES = (".mp4", ".mov", ".mpg", ".mpeg", ".mkv", ".webm", ".avi", ".m4v")
SHORTEST_SHOT = 25
"""Pictures at 25 a second; shorter shots are of no use."""
CUT = 9.0
"""Mean difference in levels from which a picture may be another shot's, ..."""
CUT_TIMES = 5.0
"""... if it is so many times the differences around it."""
AROUND = 12
"""Pictures before and after that are looked at."""
ALIKE = 22.0
"""Mean difference in levels of two shots' middle pictures up to which both are of one camera setting."""


@dataclass(frozen=True, eq=False)
class Clip:
    """One shot of a video file."""

    path: Path
    width: int
    height: int
    start: float
    """The file's time of the shot's first picture, in seconds."""
    times: np.ndarray
    """When each picture of the shot is shown, in seconds from its first."""
    length: float
    """Seconds."""
    number: int = 0
    """Of the shot's first picture in the file."""
    small: np.ndarray | None = field(default=None, repr=False)
    """A picture of the shot's middle, small."""
    change: Callable[[np.ndarray], np.ndarray] | None = None
    """What is done to every picture: a screen keyed, for example."""
    matte: Callable[[np.ndarray], np.ndarray] | None = None
    """The alpha of a picture as it was filmed, `[height, width]` u8, where a screen is keyed."""

    @property
    def name(self) -> str:
        """For messages."""
        return self.path.name if self.number == 0 else f"{self.path.name} from {self.start:.1f} s"

    @property
    def count(self) -> int:
        """Pictures at 25 a second."""
        return len(self.chosen())

    def chosen(self) -> np.ndarray:
        """For each picture at 25 a second, the number of the shot's picture that is shown at that time."""
        moments = (np.arange(int(np.floor(self.length * RATE + 0.5))) + 0.5) / RATE
        return np.maximum(np.searchsorted(self.times, moments, "right") - 1, 0)

    def pictures(self, with_matte: bool = False) -> Iterator[np.ndarray]:
        """The pictures at 25 a second, `[height, width, 3]` u8 RGB; with a fourth channel, alpha, if it is asked for and there is a matte."""
        wanted = np.bincount(self.chosen(), minlength=len(self.times))
        for times, picture in zip(wanted, reading.pictures(self.path, self.number, self.start)):
            if times:
                matte = self.matte(picture) if with_matte and self.matte else None
                picture = self.change(picture) if self.change else picture
                picture = picture if matte is None else np.dstack([picture, matte])
            for _ in range(times):
                yield picture


def clips_of(paths: list[Path]) -> list[Clip]:
    """The shots of files and folders, folders in the order of the names in them."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
            if not inside:
                raise Refused(f"{path}: no video in this folder ({', '.join(SUFFIXES)})")
            files += inside
        elif path.exists():
            files.append(path)
        else:
            raise Refused(f"{path}: there is no such file")
    clips = [clip for path in files for clip in shots(path)]
    sizes = {(clip.width, clip.height) for clip in clips}
    if len(sizes) > 1:
        raise Refused(f"the clips differ in size ({', '.join(f'{w}×{h}' for w, h in sorted(sizes))}): use clips of one camera setting")
    return clips


def shots(path: Path) -> list[Clip]:
    """The shots of a file, in their order."""
    film = reading.scanned(path)
    ends = [*cuts(film.small), len(film.times)]
    out = []
    for first, end in zip([0, *ends[:-1]], ends):
        until = film.times[end] if end < len(film.times) else film.times[-1] + film.step
        clip = Clip(
            path, film.width, film.height, float(film.start + film.times[first]), film.times[first:end] - film.times[first],
            float(until - film.times[first]), first, film.small[(first + end) // 2],
        )  # fmt: skip
        out.append(clip)
    long = [clip for clip in out if clip.count >= SHORTEST_SHOT]
    return long or out[:1]


def cuts(small: np.ndarray) -> list[int]:
    """Numbers of the pictures that begin another shot; `small` `[n, h, w, 3]`."""
    if len(small) < 3:
        return []
    apart = np.abs(np.diff(small.astype(np.float32), axis=0)).mean((1, 2, 3))
    found = []
    for at, step in enumerate(apart):
        near = np.concatenate([apart[max(0, at - AROUND) : at], apart[at + 1 : at + 1 + AROUND]])
        # A shot that is held still again after one picture is a flash, not a cut: both of its steps are large.
        usual = np.quantile(near, 0.8) if len(near) else step
        if step > CUT and step > CUT_TIMES * usual:
            found.append(at + 1)
    return found


def alike(clips: list[Clip]) -> tuple[list[Clip], list[Clip]]:
    """The shots of the setting that is seen longest, and the others: a mouth learned in one light doesn't fit another."""
    groups: list[list[Clip]] = []
    for clip in clips:
        same = next((group for group in groups if np.abs(group[0].small.astype(np.float32) - clip.small).mean() < ALIKE), None)
        if same is None:
            groups.append([clip])
        else:
            same.append(clip)
    main = max(groups, key=lambda group: sum(clip.length for clip in group))
    return main, [clip for clip in clips if not any(clip is each for each in main)]
