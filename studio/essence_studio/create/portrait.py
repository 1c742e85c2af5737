"""A portrait distilled: mouths and a quiet loop that the engine draws of the picture, as footage for the patch of an essence avatar."""
from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Callable, Iterator

import numpy as np
from PIL import Image, ImageOps

from ..character import motion
from ..identity.samples import Samples
from ..portrait.rig import Drawer, State
from ..speech.mouth import COEFFICIENTS
from . import fit, geometry, landmarks, mask, prepare
from .footage import Refused
from .front import plain
from .drive import environment, program

MOUTHS = 720
"""Drawn to learn from."""
STEPS = 1500
"""Of training: mouths without noise are learned soon."""
FRAMES = 150
"""Of the base loop."""
LARGEST = 720
"""Width or height of the frames at most."""
BLINKS = (31, 104)
BLINK = (0.45, 0.9, 1.0, 0.75, 0.4, 0.15)
GLANCES = ((46, -5.0, 1.0), (71, 2.0, -1.0), (118, 0.0, 0.0))
"""Frame from which on the eyes look elsewhere, and where to, right and down in degrees."""
SPREAD = (2.0, 1.2, 1.0)
"""Degrees of yaw, pitch and roll that are one unit of the pose that the network sees."""
REACHED = 8
"""Levels from which on a mouth counts as having changed a pixel."""
COMPARED = 240
"""Mouths that are drawn a second time at rest, to see which pixels they change."""
BACKDROP = 128
"""Grey behind a picture that has an alpha channel, in a viewer that shows none of its own."""


def created(picture: Path, output: Path, name: str | None, license: str, force: bool) -> dict:
    """The expression avatar of a picture by `bithuman create`, with what it says of the face."""
    command = [program(), "create", str(picture), "--output", str(output), "--license", license, "--json"]
    command += ["--name", name] if name else []
    command += ["--force"] if force else []
    done = subprocess.run(command, capture_output=True, text=True, env=environment())
    if done.returncode:
        raise Refused(done.stderr.strip().removeprefix("error: "))
    return json.loads(done.stdout)


def shrunk(picture: Path, folder: Path) -> Path:
    """The picture upright and at most [`LARGEST`] high and wide, as a file of its own."""
    with Image.open(picture) as given:
        upright = ImageOps.exif_transpose(given)
        kept = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    scale = min(1.0, LARGEST / max(kept.size))
    size = tuple(max(2, round(side * scale / 2) * 2) for side in kept.size)
    path = folder / "portrait.png"
    kept.resize(size, Image.Resampling.LANCZOS).save(path)
    return path


class Loop:
    """The base loop's pictures, in the place of a clip."""

    def __init__(self, path: Path, pictures: np.ndarray):
        self.path = path
        self.count, self.height, self.width = pictures.shape[:3]
        self.matte = bool((pictures[..., 3] < 255).any())
        self._pictures = pictures

    def pictures(self, with_matte: bool = False) -> Iterator[np.ndarray]:
        """`[height, width, 3]` u8 RGB; with alpha as a fourth channel, if it is asked for and there is some."""
        for drawn in self._pictures:
            alpha = drawn[..., 3:]
            opaque = np.round((drawn[..., :3] * alpha.astype(np.float32) + BACKDROP * (255.0 - alpha)) / 255).astype(np.uint8)
            yield np.concatenate([opaque, alpha], 2) if with_matte and self.matte else opaque


def prepared(drawer: Drawer, path: Path, tick: Callable[[int], None] = lambda _: None) -> prepare.Prepared:
    """The portrait with all that is learned from it, as footage would be."""
    rest = drawer.draw(State(talk=1.0))["landmarks"].astype(np.float64)
    mean = _aligned(rest)
    mouth = mean[list(landmarks.LIPS)].mean(0)
    size = next((size for size in prepare.SIZES if size >= 0.97 * prepare.WIDTH * _eyes(rest)), prepare.SIZES[-1])
    patch = geometry.Patch(size, mouth[0] - prepare.WIDTH / 2, mouth[1] - prepare.ABOVE * prepare.WIDTH, prepare.WIDTH)
    mouths = [motion.mouth(number)[0] for number in range(MOUTHS)]
    mouths[0] = dict.fromkeys(COEFFICIENTS, 0.0)

    patches = np.zeros((MOUTHS, size, size, 3), np.uint8)
    changed = np.zeros((COMPARED, size, size), np.uint8)
    poses, reach = [], []
    for number, shapes in enumerate(mouths):
        state = life(number * FRAMES // MOUTHS, blinking=False)
        one = drawer.draw(State(mouth=shapes, talk=1.0, turn=state.turn, shift=state.shift))
        to_frame = _placed(one["landmarks"], mean)
        patches[number] = _cropped(one["picture"], patch, to_frame)
        poses.append(_pose(state))
        reach.append(_flat(one["landmarks"], to_frame))
        if number % (MOUTHS // COMPARED) == 0:
            shut = drawer.draw(State(talk=1.0, turn=state.turn, shift=state.shift))["picture"]
            apart = patches[number].astype(np.int16) - _cropped(shut, patch, to_frame)
            changed[number // (MOUTHS // COMPARED)] = np.abs(apart).max(2)
        tick(number + 1)
    heads = geometry.Heads(np.zeros((0, 2, 3)), np.zeros((0, 3), np.float32), np.stack(reach), np.zeros((0, 0, 3)))
    samples = Samples(
        coefficients=np.array([[mouth[name] for name in COEFFICIENTS] for mouth in mouths], np.float32), pose=np.stack(poses),
        patches=patches.transpose(0, 3, 1, 2), alpha=mask.soft(np.quantile(changed, 0.97, axis=0) > REACHED), focus=prepare.mouth_box([heads], patch),
    )  # fmt: skip

    shown = [drawer.draw(life(number)) for number in range(FRAMES)]
    places = np.stack([_placed(one["landmarks"], mean) for one in shown])
    loop = Loop(path, np.stack([one["picture"] for one in shown]))
    pose = np.stack([_pose(life(number)) for number in range(FRAMES)])
    held = geometry.Heads(places, np.zeros((FRAMES, 3), np.float32), np.zeros((0, len(rest), 2)), np.zeros((0, len(rest), 3)))
    shapes = fit.Shapes(np.zeros((0, 3)), np.zeros((0, 0, 3)))
    return prepare.Prepared([loop], [held], mean, patch, shapes, [], [pose], samples, np.zeros((MOUTHS, 2), int), samples.coefficients, plain())


def life(number: int, blinking: bool = True) -> State:
    """A frame of the base loop, which after `FRAMES` begins again: breath, sway, blinks and glances of a face whose lips rest."""
    t = 2 * np.pi * number / FRAMES
    turn = (
        1.9 * np.sin(t + 0.4) + 0.9 * np.sin(2 * t + 1.9) + 0.4 * np.sin(3 * t),
        0.9 * np.sin(t + 2.2) + 0.6 * np.sin(2 * t + 0.3),
        0.8 * np.sin(t + 1.1) + 0.4 * np.sin(3 * t + 0.7),
    )
    shift = (0.012 * np.sin(t) - 0.005 * np.sin(2 * t), 0.006 * (1 - np.cos(2 * t)))
    if not blinking:
        return State(turn=turn, shift=shift)
    blink = max((BLINK[number - begin] for begin in BLINKS if 0 <= number - begin < len(BLINK)), default=0.0)
    gaze = next(((right, down) for begin, right, down in reversed(GLANCES) if number >= begin), (0.0, 0.0))
    return State(talk=1.0, blink=(blink, blink), gaze=gaze, turn=turn, shift=shift)


def _eyes(points: np.ndarray) -> float:
    right, left = points[list(landmarks.EYES)]
    return float(np.linalg.norm(left - right))


def _aligned(points: np.ndarray) -> np.ndarray:
    """Landmarks upright, in eyes, around the middle of the eyes' outer corners."""
    right, left = points[list(landmarks.EYES)]
    x, y = left - right
    turn = np.array([[x, -y], [y, x]])
    return (points - (right + left) / 2) @ turn / (x * x + y * y)


def _placed(points: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """`[2, 3]`: takes aligned coordinates to the frame in which the landmarks lie so."""
    still = list(landmarks.STABLE)
    scale, rotation, shift = geometry.procrustes(points[None, still].astype(np.float64), mean[still])
    inverse = rotation[0].T / scale[0]
    return np.concatenate([inverse, -(inverse @ shift[0])[:, None]], 1)


def _flat(points: np.ndarray, to_frame: np.ndarray) -> np.ndarray:
    return (points - to_frame[:, 2]) @ np.linalg.inv(to_frame[:, :2]).T


def _cropped(picture: np.ndarray, patch: geometry.Patch, to_frame: np.ndarray) -> np.ndarray:
    return geometry.crop(np.ascontiguousarray(picture[..., :3]), patch.to_frame(to_frame[None])[0], patch.size)


def _pose(state: State) -> np.ndarray:
    pose = np.zeros(len(prepare.pose_names()), np.float32)
    pose[:3] = np.array(state.turn) / SPREAD
    return pose
