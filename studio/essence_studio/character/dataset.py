"""The renders as training samples, and the mask of what the mouth moves."""
from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import binary_opening, distance_transform_edt, gaussian_filter, label
from scipy.spatial import ConvexHull

from ..identity.train import Samples, predict
from . import motion, view
from .model import COEFFICIENTS, LANDMARKS, Head


def read(path: Path) -> np.ndarray:
    """A picture as `[3, H, W]` u8."""
    return np.asarray(Image.open(path).convert("RGB")).transpose(2, 0, 1)


def load(folder: Path) -> Samples:
    """All training renders in `folder`; the base frames lie beside it."""
    paths = sorted(folder.glob("[0-9]*.png"))
    paths = [path for path in paths if len(path.name) == len("00000.png")]
    if not paths:
        raise SystemExit(f"{folder} has no renders; run `python -m essence_studio.character.render mouths {folder}` first")
    known = [motion.mouth(int(path.stem)) for path in paths]
    return Samples(
        coefficients=np.array([[c[name] for name in COEFFICIENTS] for c, _, _ in known], np.float32),
        pose=np.array([motion.pose_vector(pose) for _, _, pose in known], np.float32),
        patches=np.stack([read(path) for path in paths]),
        alpha=alpha_mask(folder, folder.parent / "base", [int(path.stem) for path in paths]),
        focus=mouth_box(),
    )


def alpha_mask(folder: Path, base: Path, indices: list[int]) -> np.ndarray:
    """The patch's alpha: 1 wherever a mouth changes the picture, falling off softly around, 0 along the border.

    Each training render is held against the base frame of the same pose, seen through the same similarity: what differs is the mouth's doing,
    its shadows included. What differs in hardly any render is noise.
    """
    size, changes = view.PATCH, []
    for index in indices[::3]:
        number = motion.base_of_mouth(index)
        frame = base / f"{number or 0:05d}.png"
        if number is None or not frame.exists():
            continue
        _, _, pose = motion.mouth(index)
        rest = Image.open(frame).convert("RGB").transform((size, size), Image.AFFINE, view.patch_similarity(pose).affine(), Image.BILINEAR)
        change = read(folder / f"{index:05d}.png").astype(np.float32) - np.asarray(rest, np.float32).transpose(2, 0, 1)
        changes.append(np.abs(gaussian_filter(change, (0, 1.5, 1.5))).max(0))
    if not changes:
        raise SystemExit(f"{base} has no base frames; run `python -m essence_studio.character.render base {base}` first")
    moved = binary_opening(np.quantile(changes, 0.97, axis=0) > 9.0, iterations=2)
    parts, _ = label(moved)
    # Its convex hull: the shorter the edge, the less there is to show.
    points = np.argwhere(parts == parts[size // 2, size // 2])[:, ::-1]
    hull = Image.new("1", (size, size))
    ImageDraw.Draw(hull).polygon([tuple(map(int, point)) for point in points[ConvexHull(points).vertices]], fill=1)
    moved = np.asarray(hull)
    y, x = np.mgrid[0:size, 0:size]
    border = np.minimum.reduce([x, y, size - 1 - x, size - 1 - y])
    solid = (distance_transform_edt(~moved) < 4) & (border > 10)
    alpha = np.clip(1.0 - distance_transform_edt(~solid) / 10.0, 0, 1)
    alpha = gaussian_filter(alpha * alpha * (3 - 2 * alpha), 1.5)
    return (alpha * np.clip((border - 2.0) / 4.0, 0, 1)).astype(np.float32)


def mouth_box() -> np.ndarray:
    """1 in the box around the lips, with room for an open jaw; 0 elsewhere."""
    at = view.patch_similarity({})
    to_patch = np.linalg.inv(np.array([[at.a, -at.d, at.c], [at.d, at.a, at.f], [0, 0, 1]]))
    lips = view.project(Head().rest[LANDMARKS[48:60]])
    lips = (np.concatenate([lips, np.ones((len(lips), 1))], 1) @ to_patch.T)[:, :2]
    (left, top), (right, bottom) = lips.min(0).astype(int), lips.max(0).astype(int)
    box = np.zeros((view.PATCH, view.PATCH), np.float32)
    box[top - 10 : bottom + 30, left - 12 : right + 12] = 1
    return box


def sheet(net, samples: Samples, path: Path, count: int = 12) -> None:
    """Held-out patches over what the network makes of them."""
    _, held = samples.split()
    held = held[:count]
    made = np.round(predict(net, samples, held)[:, :3] * 255).astype(np.uint8)
    rows = [np.concatenate(list(x.transpose(0, 2, 3, 1)), 1) for x in (samples.patches[held], made)]
    Image.fromarray(np.concatenate(rows)).save(path)
