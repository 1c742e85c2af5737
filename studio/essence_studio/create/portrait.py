"""A portrait as footage: mouths drawn by bending the picture, and a quiet loop of breath, sway and blinks."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator

import cv2
import numpy as np

from ..character import motion
from ..identity.samples import Samples
from ..speech.mouth import COEFFICIENTS
from . import bend, checks, fit, geometry, innermouth, landmarks, mask, mesh, prepare
from .footage import Refused
from .front import plain

MOUTHS = 720
"""Drawn to learn from."""
STEPS = 900
"""Of training: mouths without noise are learned soon."""
FRAMES = 150
"""Of the base loop."""
LARGEST = 720
"""Width or height of the frames at most."""
SMALLEST_EYES = 60.0
BLINKS = (31, 104)
BLINK = (0.45, 0.9, 1.0, 0.75, 0.4, 0.15)
SWAY = 0.022
"""In eyes."""
TILT = 0.9
"""Degrees."""


@dataclass
class Portrait:
    picture: np.ndarray
    mesh: mesh.Mesh
    palette: innermouth.Palette
    patch: geometry.Patch
    still: np.ndarray
    """`[2, 3]`: takes aligned coordinates, in eyes, to the still picture's pixels."""

    def affine(self) -> np.ndarray:
        return self.patch.to_frame(self.still[None])[0]

    def drawn(self, coefficients: dict[str, float]) -> np.ndarray:
        """The patch `[S, S, 3]` with this mouth."""
        affine, size = self.affine(), self.patch.size
        points = bend.moved(self.mesh, coefficients)
        places = bend.source_map(self.mesh, points, affine, (size, size))
        jaw = self.mesh.shapes["jawOpen"][14] * coefficients.get("jawOpen", 0.0)
        return innermouth.paint(bend.shown(self.picture, places), self.mesh, points, jaw, coefficients.get("tongueTip", 0.0), self.palette, affine)


class Still:
    """The loop's pictures, in the place of a clip."""

    def __init__(self, portrait: Portrait, path: Path):
        self.path = path
        self._portrait = portrait
        self.height, self.width = portrait.picture.shape[:2]
        self.count = FRAMES

    def pictures(self) -> Iterator[np.ndarray]:
        for number in range(FRAMES):
            yield frame(self._portrait, number)


def opened(path: Path, bundle: Path) -> Portrait:
    """The picture with its face, refused with a reason if it can't speak."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise Refused(f"{path}: not a picture that can be read (PNG or JPEG)")
    picture = np.ascontiguousarray(picture[..., ::-1])
    landmarker = landmarks.Landmarker(bundle, video=False, faces=3)
    faces = landmarker(picture)
    if not faces:
        raise Refused(f"{path}: no face was found; a drawing needs two eyes, a nose and a mouth in their usual places, seen from the front")
    sizes = [np.linalg.norm(face[0][landmarks.EYES[0], :2] - face[0][landmarks.EYES[1], :2]) for face in faces]
    if len(faces) > 1 and sorted(sizes)[-2] > 0.5 * max(sizes):
        raise Refused(f"{path}: {len(faces)} faces were found; cut the picture so that one is in it")
    eyes = max(sizes)
    if eyes < SMALLEST_EYES:
        raise Refused(f"{path}: the face is too small ({eyes:.0f} pixels between the outer corners of the eyes, at least {SMALLEST_EYES:.0f} are needed)")
    yaw = float(checks.turned(faces[int(np.argmax(sizes))][2][None])[0])
    if yaw > checks.LARGEST_YAW:
        raise Refused(f"{path}: the face is turned away by {yaw:.0f}°: at most {checks.LARGEST_YAW:.0f}° are possible")
    scale = min(1.0, LARGEST / max(picture.shape[:2]), prepare.SIZES[-1] / (prepare.WIDTH * eyes))
    height, width = (max(2, int(round(side * scale / 2)) * 2) for side in picture.shape[:2])
    if scale < 1 or (height, width) != picture.shape[:2]:
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    points, _, matrix, _ = landmarker(picture)[0] if len(faces) == 1 else faces[int(np.argmax(sizes))]
    landmarker.close()
    own = mesh.mesh_of(points, matrix)
    across = points[landmarks.EYES[1], :2] - points[landmarks.EYES[0], :2]
    turn = np.array([[across[0], -across[1]], [across[1], across[0]]])
    middle = (points[landmarks.EYES[0], :2] + points[landmarks.EYES[1], :2]) / 2
    still = np.concatenate([turn, middle[:, None]], 1).astype(np.float64)
    aligned = (points[list(landmarks.LIPS), :2] - middle) @ np.linalg.inv(turn).T
    size = next((size for size in prepare.SIZES if size >= 0.97 * prepare.WIDTH * own.eyes), prepare.SIZES[-1])
    mouth = aligned.mean(0)
    patch = geometry.Patch(size, mouth[0] - prepare.WIDTH / 2, mouth[1] - prepare.ABOVE * prepare.WIDTH, prepare.WIDTH)
    return Portrait(picture, own, innermouth.palette_of(picture, own), patch, still)


def prepared(portrait: Portrait, path: Path, tick: Callable[[int], None] = lambda _: None) -> prepare.Prepared:
    """The portrait with all that is learned from it, as footage would be."""
    mouths = [motion.mouth(number)[0] for number in range(MOUTHS)]
    mouths[0] = dict.fromkeys(COEFFICIENTS, 0.0)
    patches = []
    for number, mouth in enumerate(mouths):
        patches.append(portrait.drawn(mouth).transpose(2, 0, 1))
        tick(number + 1)
    stacked = np.stack(patches)
    size, pose = portrait.patch.size, len(prepare.pose_names())
    corners = portrait.patch.pixels((portrait.mesh.points[list(landmarks.LIPS)] - portrait.still[:, 2]) @ np.linalg.inv(portrait.still[:, :2]).T)
    (left, top), (right, bottom) = corners.min(0), corners.max(0)
    focus = np.zeros((size, size), np.float32)
    focus[int(top - 0.04 * size) : int(bottom + 0.16 * size), int(left - 0.05 * size) : int(right + 0.05 * size)] = 1
    changed = np.abs(stacked.astype(np.int16) - stacked[:1]).max(1)
    samples = Samples(
        coefficients=np.array([[mouth[name] for name in COEFFICIENTS] for mouth in mouths], np.float32), pose=np.zeros((MOUTHS, pose), np.float32),
        patches=stacked, alpha=mask.soft(np.quantile(changed, 0.97, axis=0) > 8), focus=focus,
    )  # fmt: skip
    places = np.stack([_placed(portrait, number) for number in range(FRAMES)])
    heads = geometry.Heads(places, np.zeros((FRAMES, 3), np.float32), np.zeros((0, 478, 2)), np.zeros((0, 478, 3)))
    shapes = fit.Shapes(np.zeros((0, 3)), np.zeros((0, 0, 3)))
    picture = np.zeros((MOUTHS, 2), int)
    return prepare.Prepared(
        [Still(portrait, path)], [heads], np.zeros((478, 3)), portrait.patch, shapes, [], [np.zeros((FRAMES, pose), np.float32)], samples, picture,
        samples.coefficients, plain(),
    )  # fmt: skip


def frame(portrait: Portrait, number: int) -> np.ndarray:
    """One picture of the base loop."""
    height, width = portrait.picture.shape[:2]
    inverse = np.linalg.inv(np.vstack([_swayed(portrait, number), [0, 0, 1]]))[:2]
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    here = np.stack([x, y], 2)
    places = here + _weight(portrait)[..., None] * (here @ inverse[:, :2].T + inverse[:, 2] - here)
    blink = max((BLINK[number - begin] for begin in BLINKS if 0 <= number - begin < len(BLINK)), default=0.0)
    if blink:
        bent = bend.source_map(portrait.mesh, bend.moved(portrait.mesh, {}, blink), np.array([1.0, 0, 0, 0, 1.0, 0]), (width, height))
        at = places.astype(np.float32)
        places = cv2.remap(bent, at[..., 0] - 0.5, at[..., 1] - 0.5, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return bend.shown(portrait.picture, places.astype(np.float32))


def _swayed(portrait: Portrait, number: int) -> np.ndarray:
    """`[2, 3]`: where the head's pixels go; after `FRAMES` pictures as at first, where nothing moves."""
    t = 2 * np.pi * number / FRAMES
    eyes = portrait.mesh.eyes
    shift = SWAY * eyes * np.array([np.sin(t) - 0.4 * np.sin(2 * t), 0.5 * (1 - np.cos(2 * t)) + 0.3 * np.sin(t)])
    angle, scale = np.radians(TILT) * (0.6 * np.sin(t) + 0.4 * np.sin(3 * t) / 2), 1 + 0.003 * (1 - np.cos(2 * t)) / 2
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    pivot = portrait.mesh.points[152] + 0.4 * (portrait.mesh.points[152] - portrait.mesh.points[10])
    return np.concatenate([turn, (pivot - turn @ pivot + shift)[:, None]], 1)


def _placed(portrait: Portrait, number: int) -> np.ndarray:
    sway = _swayed(portrait, number)
    return np.concatenate([sway[:, :2] @ portrait.still[:, :2], (sway[:, :2] @ portrait.still[:, 2] + sway[:, 2])[:, None]], 1)


def _weight(portrait: Portrait) -> np.ndarray:
    """How far a pixel goes with the head: all the way over face and patch, not at all far from it or at the picture's edge."""
    height, width = portrait.picture.shape[:2]
    outline = portrait.mesh.points[list(mesh.OVAL)]
    middle, radius = outline.mean(0), 1.35 * (outline.max(0) - outline.min(0)) / 2
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    far = np.hypot((x - middle[0]) / radius[0], (y - middle[1]) / radius[1])
    t = np.clip((2.0 - far) / 1.0, 0, 1)
    edge = np.clip(np.minimum.reduce([x, y, width - x, height - y]) / (0.03 * min(width, height)), 0, 1)
    edge = np.where(far < 1.0, 1.0, edge)
    return t * t * (3 - 2 * t) * edge
