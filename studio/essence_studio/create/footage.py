"""Video files in: which clips there are, and their pictures at 25 frames a second.

Every stage asks for pictures by clip and number, and reads them in order: nothing holds a whole video in memory.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator

import cv2
import numpy as np

RATE = 25
"""Pictures a second, as in the avatar."""
SUFFIXES = (".mp4", ".mov", ".mpg", ".mpeg", ".mkv", ".webm", ".avi", ".m4v")


class Refused(ValueError):
    """The input can't become an avatar; the message says why and what would help."""


@dataclass(frozen=True)
class Clip:
    """One video file."""

    path: Path
    width: int
    height: int
    rate: float
    """Pictures a second in the file."""
    source_count: int
    """Pictures in the file that decode."""
    change: Callable[[np.ndarray], np.ndarray] | None = None
    """What is done to every picture: a screen keyed, for example."""
    matte: Callable[[np.ndarray], np.ndarray] | None = None
    """The alpha of a picture as it was filmed, `[height, width]` u8, where a screen is keyed."""

    @property
    def count(self) -> int:
        """Pictures at 25 a second."""
        return len(self.chosen())

    def chosen(self) -> np.ndarray:
        """For each picture at 25 a second, the number of the picture in the file that is shown at that time."""
        count = int(np.floor(self.source_count / self.rate * RATE + 0.5))
        chosen = np.floor((np.arange(count) + 0.5) / RATE * self.rate).astype(int)
        return np.minimum(chosen, self.source_count - 1)

    def pictures(self, with_matte: bool = False) -> Iterator[np.ndarray]:
        """The pictures at 25 a second, `[height, width, 3]` u8 RGB; with a fourth channel, alpha, if it is asked for and there is a matte."""
        wanted = np.bincount(self.chosen(), minlength=self.source_count)
        for number, picture in enumerate(_decoded(self.path)):
            times = wanted[number] if number < len(wanted) else 0
            if times:
                matte = self.matte(picture) if with_matte and self.matte else None
                picture = self.change(picture) if self.change else picture
                picture = picture if matte is None else np.dstack([picture, matte])
            for _ in range(times):
                yield picture


def clips_of(paths: list[Path]) -> list[Clip]:
    """The clips of files and folders, folders in the order of the names in them."""
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
    clips = [_opened(path) for path in files]
    sizes = {(clip.width, clip.height) for clip in clips}
    if len(sizes) > 1:
        raise Refused(f"the clips differ in size ({', '.join(f'{w}×{h}' for w, h in sorted(sizes))}): use clips of one camera setting")
    return clips


def _opened(path: Path) -> Clip:
    capture = cv2.VideoCapture(str(path))
    rate = capture.get(cv2.CAP_PROP_FPS) if capture.isOpened() else 0.0
    if not capture.isOpened() or not 1 <= rate <= 240:
        raise Refused(f"{path}: not a video that can be read; convert it to H.264 in MP4")
    count, size = 0, (0, 0)
    while True:
        done, picture = capture.read()
        if not done:
            break
        if count and picture.shape[:2] != size:
            raise Refused(f"{path}: the pictures change their size")
        count, size = count + 1, picture.shape[:2]
    announced = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    capture.release()
    if count == 0:
        raise Refused(f"{path}: no picture of it can be decoded; the file is damaged")
    if announced > 0 and count < 0.9 * announced:
        raise Refused(f"{path}: only {count} of {announced} pictures can be decoded; the file is damaged or cut off")
    return Clip(path, size[1], size[0], rate, count)


def _decoded(path: Path) -> Iterator[np.ndarray]:
    capture = cv2.VideoCapture(str(path))
    try:
        while True:
            done, picture = capture.read()
            if not done:
                return
            yield np.ascontiguousarray(picture[..., ::-1])
    finally:
        capture.release()
