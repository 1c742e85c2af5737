"""What a portrait's pictures are measured by: closures, opening, blinks, gaze, stillness at rest."""
from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..face.mediapipe import Landmarker
from ..speech.mouth import COEFFICIENTS
from .rig import State, drawn

AT = 512
"""Longer side that lips' distances are given at, in pixels."""
PRESSED = 0.15
"""`mouthPress` from which on speech asks for shut lips, over a jaw that `mouthClose` shuts them for."""
OPEN = 0.02
"""`jawOpen` without `mouthClose` up to which it does."""
EVERY = 4
"""Of the frames in which speech doesn't press the lips, every so many are measured."""
SHUT = 1.0
"""Pixels at [`AT`] that shut lips are apart at most."""
GAZES = ((-15.0, 0.0), (15.0, 0.0), (0.0, -15.0), (0.0, 15.0))
LIDS = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (362, 398, 384, 385, 386, 387, 388, 466, 263, 249, 390, 373, 374, 380, 381, 382),
)
"""The eyes' outlines, the person's right one first."""
IRISES = ((468, 469, 470, 471, 472), (473, 474, 475, 476, 477))
"""Middle, then right, top, left and bottom of each iris."""


@dataclass
class Measured:
    """One portrait's figures."""

    rest_db: float
    """PSNR of the face at rest against the picture; infinite where they are the same."""
    opening_r: float
    """Correlation of the lips' opening with what the rig sets."""
    shut: float
    """Share of the frames for which speech presses the lips in which they are at most a pixel apart."""
    shut_as_rest: float
    """The same, where the gap that is seen in the picture itself, whose lips are shut, counts as none."""
    pressed: int
    """Frames for which speech presses the lips."""
    gap_at_rest: float
    """Distance of the lips that is seen in the picture itself, in pixels at [`AT`]."""
    blinks: tuple[float, float]
    """`eyeBlink` of the right and the left eye when they are shut."""
    blinks_at_rest: tuple[float, float]
    bright: float
    """Share of the shut eyes' pixels that are lighter than any skin around them."""
    gaze_degrees: float
    """Mean of what the irises go for 15°."""
    iris_change: float
    """Largest change of an iris's width against its height in a glance, as a share."""
    message: str


def speech(table: Path) -> list[State]:
    """The states of a voice, from the table of `bithuman curves`."""
    with table.open() as file:
        rows = list(csv.DictReader(file))
    names = {name: name.removesuffix("Left") for name in rows[0] if name.removesuffix("Left") in COEFFICIENTS}
    return [State(mouth={known: float(row[name]) for name, known in names.items()}, talk=1.0) for row in rows]


def pressed(state: State) -> bool:
    """Whether speech asks for shut lips."""
    mouth = state.mouth
    return mouth.get("mouthPress", 0.0) > PRESSED and mouth.get("jawOpen", 0.0) - mouth.get("mouthClose", 0.0) < OPEN


def measured(picture: Path, table: Path, landmarker: Landmarker) -> Measured:
    """The figures of a picture file's portrait, which says what the table has."""
    rest, shut = State(), State(blink=(1.0, 1.0))
    spoken = [state for number, state in enumerate(speech(table)) if pressed(state) or number % EVERY == 0]
    states = [rest, shut, *(State(gaze=gaze) for gaze in GAZES), *spoken]
    shown = drawn(picture, states)
    pictures = shown.pictures
    opaque = np.ascontiguousarray(pictures[..., :3])
    faces = [_face(landmarker, one) for one in opaque]
    scale = AT / max(pictures.shape[1:3])
    gaps = np.array([np.nan if face is None else _gap(face[0]) * scale for face in faces])
    lips = shown.lips * scale
    talking = slice(2 + len(GAZES), None)
    seen = ~np.isnan(gaps[talking])
    asked = np.array([pressed(state) for state in spoken]) & seen
    at_rest = gaps[0]
    still = faces[0]
    if still is None:
        raise ValueError(f"{picture}: MediaPipe finds no face at rest")
    own = at_rest if shown.lips[0] * scale < SHUT else 0.0
    closed = gaps[talking][asked]
    glances = [faces[2 + k] for k in range(len(GAZES))]
    return Measured(
        rest_db=_psnr(picture, opaque[0]),
        opening_r=float(np.corrcoef(lips[talking][seen], gaps[talking][seen])[0, 1]),
        shut=float(np.mean(closed <= SHUT)), shut_as_rest=float(np.mean(closed <= SHUT + own)), pressed=int(asked.sum()), gap_at_rest=float(at_rest),
        blinks=_blinks(faces[1]), blinks_at_rest=_blinks(still), bright=_bright(opaque[0], opaque[1], still[0]),
        gaze_degrees=float(np.mean([_glance(still[0], face[0], gaze) for face, gaze in zip(glances, GAZES) if face is not None])),
        iris_change=float(max(_iris_change(still[0], face[0]) for face in glances if face is not None)), message=shown.message,
    )  # fmt: skip


def _face(landmarker: Landmarker, picture: np.ndarray):
    faces = landmarker(picture)
    if not faces:
        return None
    points, scores, _, names = max(faces, key=lambda face: np.ptp(face[0][:, 0]))
    return points, dict(zip(names, scores))


def _gap(points: np.ndarray) -> float:
    """Distance of the inner lips' middles across the mouth: one that lies beside the other parts no lips."""
    right, left, upper, lower = points[[78, 308, 13, 14], :2]
    (x, y), (u, v) = left - right, lower - upper
    return float(abs(x * v - y * u) / np.hypot(x, y))


def _blinks(face) -> tuple[float, float]:
    return (0.0, 0.0) if face is None else (float(face[1]["eyeBlinkRight"]), float(face[1]["eyeBlinkLeft"]))


def _psnr(path: Path, shown: np.ndarray) -> float:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1]
    if picture.shape != shown.shape:
        picture = cv2.resize(picture, shown.shape[1::-1], interpolation=cv2.INTER_AREA)
    error = np.mean((picture.astype(np.float64) - shown) ** 2)
    return float(10 * np.log10(255**2 / error)) if error else float("inf")


def _bright(rest: np.ndarray, shut: np.ndarray, points: np.ndarray) -> float:
    """Share of the eyes' openings in which shut lids show something lighter than the skin around the eye."""
    light, before = (cv2.cvtColor(one, cv2.COLOR_RGB2GRAY).astype(np.float32) for one in (shut, rest))
    light = cv2.GaussianBlur(light, (0, 0), 0.6)
    count = total = 0
    for lids in LIDS:
        opening = np.zeros(light.shape, np.uint8)
        cv2.fillPoly(opening, [np.round(points[list(lids), :2]).astype(np.int32)], 1)
        width = np.ptp(points[list(lids), 0])
        near = cv2.dilate(opening, np.ones((max(3, int(0.5 * width)), max(3, int(0.3 * width))), np.uint8))
        around = (near > 0) & (cv2.dilate(opening, np.ones((5, 5), np.uint8)) == 0)
        lightest = np.quantile(before[around], 0.98) + 10
        inside = cv2.dilate(opening, np.ones((3, 3), np.uint8)) > 0
        count += int((light[inside] > lightest).sum())
        total += int(inside.sum())
    return count / max(total, 1)


def _glance(rest: np.ndarray, seen: np.ndarray, gaze: tuple[float, float]) -> float:
    """How far the irises went in the direction asked for, in degrees: an eyeball's radius is 2.05 of its iris's, so the iris turns at 1.79."""
    went = []
    axis = 0 if gaze[0] else 1
    for middle, *edge in IRISES:
        radius = np.linalg.norm(rest[edge, :2] - rest[middle, :2], axis=1).mean()
        by = (seen[middle, :2] - rest[middle, :2])[axis] * np.sign(gaze[axis])
        went.append(np.degrees(np.arcsin(np.clip(by / (1.79 * radius), -1, 1))))
    return float(np.mean(went))


def _iris_change(rest: np.ndarray, seen: np.ndarray) -> float:
    def shape(points: np.ndarray, edge: list[int]) -> float:
        right, top, left, bottom = points[edge, :2]
        return float(np.linalg.norm(right - left) / np.linalg.norm(top - bottom))

    return max(abs(shape(seen, edge) / shape(rest, edge) - 1) for _, *edge in IRISES)
