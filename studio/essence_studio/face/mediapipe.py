"""MediaPipe's own program: landmarks and ARKit scores of pictures, to measure with. Making avatars does without it."""
from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from ..create.reading import Refused


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
    """MediaPipe's landmarker for pictures on their own."""

    def __init__(self, bundle: Path):
        os.environ.setdefault("GLOG_minloglevel", "3")
        import mediapipe as mp
        from mediapipe.tasks.python import BaseOptions, vision

        self._mp = mp
        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(bundle)), running_mode=vision.RunningMode.IMAGE, num_faces=1,
            output_face_blendshapes=True, output_facial_transformation_matrixes=True,
        )  # fmt: skip
        with _quiet():
            self._task = vision.FaceLandmarker.create_from_options(options)

    def __call__(self, picture: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, tuple[str, ...]]]:
        """Each face of an RGB picture: points, scores, matrix, names of the scores."""
        image = self._mp.Image(image_format=self._mp.ImageFormat.SRGB, data=np.ascontiguousarray(picture))
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
