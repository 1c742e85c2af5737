"""The renders as training samples, and the mask of what the mouth moves."""
from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import distance_transform_edt, gaussian_filter

from ..identity.train import Samples, predict
from . import motion, view
from .model import COEFFICIENTS, FACE, LANDMARKS, Head


def read(path: Path) -> np.ndarray:
    """A picture as `[3, H, W]` u8."""
    return np.asarray(Image.open(path).convert("RGB")).transpose(2, 0, 1)


def load(folder: Path) -> Samples:
    """All training renders in `folder`."""
    paths = sorted(folder.glob("[0-9]*.png"))
    paths = [path for path in paths if len(path.name) == len("00000.png")]
    if not paths:
        raise SystemExit(f"{folder} has no renders; run `python -m essence_studio.character.render mouths {folder}` first")
    known = [motion.mouth(int(path.stem)) for path in paths]
    alpha, focus = masks()
    return Samples(
        coefficients=np.array([[c[name] for name in COEFFICIENTS] for c, _, _ in known], np.float32),
        pose=np.array([motion.pose_vector(pose) for _, _, pose in known], np.float32),
        patches=np.stack([read(path) for path in paths]),
        alpha=alpha,
        focus=focus,
    )


def masks() -> tuple[np.ndarray, np.ndarray]:
    """The patch's alpha and the mouth box.

    Alpha is 1 wherever some coefficient moves the face by more than half a millimetre (its shadow on the neck included) and falls off
    softly around that; it is 0 along the border.
    """
    head, size = Head(), view.PATCH
    ids = head.vertices_of(FACE)
    at = view.patch_similarity({})
    to_patch = np.linalg.inv(np.array([[at.a, -at.d, at.c], [at.d, at.a, at.f], [0, 0, 1]]))

    def seen(points: np.ndarray) -> np.ndarray:
        frame = view.project(points)
        return (np.concatenate([frame, np.ones((len(frame), 1))], 1) @ to_patch.T)[:, :2]

    moved = np.zeros((size, size), bool)
    for name in COEFFICIENTS[:-1]:
        v = head.expression({name: 0.8})
        far = np.linalg.norm((v - head.rest)[ids], axis=1) > 0.05
        for points in (head.rest[ids][far], v[ids][far]):
            x, y = np.floor(seen(points)).astype(int).T
            ok = (x >= 0) & (x < size) & (y >= 0) & (y < size) & (points[:, 2] > 0)
            moved[y[ok], x[ok]] = True
    # Close the gaps between vertices, then keep a soft edge clear of the border.
    reach = distance_transform_edt(~moved)
    y, x = np.mgrid[0:size, 0:size]
    border = np.minimum.reduce([x, y, size - 1 - x, size - 1 - y])
    solid = (reach < 7) & (border > 16)
    alpha = np.clip(1.0 - (distance_transform_edt(~solid) / 13.0), 0, 1)
    alpha = gaussian_filter(alpha * alpha * (3 - 2 * alpha), 1.5)
    alpha *= np.clip((border - 2.0) / 4.0, 0, 1)
    lips = seen(head.rest[LANDMARKS[48:60]])
    focus = np.zeros((size, size), np.float32)
    (left, top), (right, bottom) = lips.min(0).astype(int), lips.max(0).astype(int)
    focus[top - 10 : bottom + 30, left - 12 : right + 12] = 1
    return alpha.astype(np.float32), focus


def sheet(net, samples: Samples, path: Path, count: int = 12) -> None:
    """Held-out patches over what the network makes of them."""
    _, held = samples.split()
    held = held[:count]
    made = np.round(predict(net, samples, held)[:, :3] * 255).astype(np.uint8)
    rows = [np.concatenate(list(x.transpose(0, 2, 3, 1)), 1) for x in (samples.patches[held], made)]
    Image.fromarray(np.concatenate(rows)).save(path)
