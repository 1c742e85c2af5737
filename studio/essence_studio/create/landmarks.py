"""Faces found in pictures: MediaPipe's 478 landmarks, ARKit scores and head pose, frame by frame."""
from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np

from .footage import Clip, Refused

EYES = (33, 263)
"""Outer corners; their distance is the unit of lengths in a face."""
STABLE = (33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 48, 278, 98, 327, 10, 151, 9, 8, 107, 336, 127, 356, 234, 454)
"""Points that the mouth doesn't move: corners of the eyes, nose, forehead, temples."""
LIPS_OUTER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
LIPS_INNER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)
"""Both run from the right corner over the upper lip to the left corner and back over the lower lip."""
LIPS = LIPS_OUTER + LIPS_INNER
APART_MS = 1_000_000
"""Between pictures' time stamps, which MediaPipe's filter of the landmarks goes by. At the true rate it holds lips back by half a frame, and at any
rate of a second and less it leaves them 0.2 % of the face behind whatever they do: lips that shut for two frames never arrive. This far apart it does nothing."""
JAW = (172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397)
"""The edge of the chin from side to side."""


@dataclass
class Faces:
    """One clip's faces."""

    points: np.ndarray
    """`[n, 478, 3]` f32: x and y in pixels, z in pixels towards the camera negative."""
    scores: np.ndarray
    """`[n, 52]` f32: ARKit's blendshapes as MediaPipe sees them."""
    matrix: np.ndarray
    """`[n, 4, 4]` f32: the head's pose."""
    found: np.ndarray
    """`[n]` bool; frames without a face repeat their neighbour."""
    score_names: tuple[str, ...] = ()

    def opening(self) -> np.ndarray:
        """Distance of the inner lips' middles as a share of the eyes' distance, `[n]`."""
        eyes = np.linalg.norm(self.points[:, EYES[0], :2] - self.points[:, EYES[1], :2], axis=1)
        return np.linalg.norm(self.points[:, 13, :2] - self.points[:, 14, :2], axis=1) / eyes


def landmarker_path(given: str | None) -> Path:
    """The landmarker's bundle: the one given, `ESSENCE_FACE_LANDMARKER`, or where MediaPipe's users keep it."""
    places = [Path(given)] if given else []
    if not given:
        if os.environ.get("ESSENCE_FACE_LANDMARKER"):
            places.append(Path(os.environ["ESSENCE_FACE_LANDMARKER"]))
        places += [Path("face_landmarker.task"), Path.home() / ".cache/mediapipe/face_landmarker.task"]
        if os.environ.get("ESSENCE_DATA"):
            places.append(Path(os.environ["ESSENCE_DATA"]) / "face/face_landmarker.task")
    for place in places:
        if place.is_file():
            return place
    raise Refused(
        "MediaPipe's face landmarker was not found (tried " + ", ".join(map(str, places)) + "): "
        "download face_landmarker.task from MediaPipe's documentation and name it with --face-landmarker"
    )


class Landmarker:
    """MediaPipe's landmarker for one clip (`video`) or for pictures on their own."""

    def __init__(self, bundle: Path, video: bool, faces: int = 1):
        os.environ.setdefault("GLOG_minloglevel", "3")
        import mediapipe as mp
        from mediapipe.tasks.python import BaseOptions, vision

        self._mp = mp
        self._video = video
        mode = vision.RunningMode.VIDEO if video else vision.RunningMode.IMAGE
        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(bundle)), running_mode=mode, num_faces=faces,
            output_face_blendshapes=True, output_facial_transformation_matrixes=True,
        )  # fmt: skip
        with _quiet():
            self._task = vision.FaceLandmarker.create_from_options(options)
        self._number = 0

    def __call__(self, picture: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, tuple[str, ...]]]:
        """Each face of an RGB picture: points, scores, matrix, names of the scores."""
        image = self._mp.Image(image_format=self._mp.ImageFormat.SRGB, data=np.ascontiguousarray(picture))
        if self._video:
            result = self._task.detect_for_video(image, self._number * APART_MS)
            self._number += 1
        else:
            result = self._task.detect(image)
        height, width = picture.shape[:2]
        faces = []
        for points, scores, matrix in zip(result.face_landmarks, result.face_blendshapes, result.facial_transformation_matrixes):
            xyz = np.array([(p.x * width, p.y * height, p.z * width) for p in points], np.float32)
            names = tuple(score.category_name for score in scores)
            faces.append((xyz, np.array([s.score for s in scores], np.float32), np.asarray(matrix, np.float32), names))
        return faces

    def close(self) -> None:
        self._task.close()


class _quiet:
    """Keeps the C++ side's start messages off standard error."""

    def __enter__(self) -> None:
        sys.stderr.flush()
        self._kept = os.dup(2)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os.close(null)

    def __exit__(self, *_: object) -> None:
        os.dup2(self._kept, 2)
        os.close(self._kept)


def track(clip: Clip, bundle: Path, tick: Callable[[int], None] = lambda _: None) -> Faces:
    """The face of every picture of a clip; `tick` is told how many are done."""
    landmarker = Landmarker(bundle, video=True)
    rows: list[tuple | None] = []
    for picture in clip.pictures():
        faces = landmarker(picture)
        rows.append(faces[0] if faces else None)
        tick(len(rows))
    landmarker.close()
    found = np.array([row is not None for row in rows])
    if not found.any():
        raise Refused(f"{clip.path}: no face found")
    seen = np.flatnonzero(found)
    nearest = [rows[seen[np.abs(seen - i).argmin()]] for i in range(len(rows))]
    return Faces(np.stack([r[0] for r in nearest]), np.stack([r[1] for r in nearest]), np.stack([r[2] for r in nearest]), found, nearest[0][3])


def tracked(clip: Clip, bundle: Path, kept: Path, tick: Callable[[int], None] = lambda _: None) -> Faces:
    """`track`, kept in a file for the next time."""
    if not kept.exists():
        save(kept, track(clip, bundle, tick))
    return load(kept)


def save(path: Path, faces: Faces) -> None:
    part = path.with_suffix(".part.npz")
    np.savez(part, points=faces.points, scores=faces.scores, matrix=faces.matrix, found=faces.found, score_names=np.array(faces.score_names))
    os.replace(part, path)


def load(path: Path) -> Faces:
    with np.load(path) as file:
        return Faces(file["points"], file["scores"], file["matrix"], file["found"], tuple(file["score_names"].tolist()))
