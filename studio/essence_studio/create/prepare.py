"""From tracked footage to what the network learns from: aligned patches, coefficients, pose, and what is held out."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable

import numpy as np
from scipy.ndimage import gaussian_filter

from ..identity.samples import Samples
from ..speech.mouth import COEFFICIENTS
from . import covered, detail, fit, geometry, landmarks
from .footage import Clip
from .front import Front, of_lips

WIDTH = 1.45
"""Of the patch, in eyes: from the nose to below the chin."""
ABOVE = 0.42
"""Part of it above the middle of the lips."""
SIZES = (96, 128, 160, 192, 224)
LIGHTS = 4
"""Numbers that tell the light and the shade of the face beside the mouth."""
HELD_PART = 6
"""Every sixth clip, or the last sixth of a single one, is held out."""
MOST_BYTES = 600 << 20
"""Of patches in memory; of longer footage every second picture is used, or every third."""


@dataclass
class Prepared:
    """One person's footage, every picture described."""

    clips: list[Clip]
    heads: list[geometry.Heads]
    mean: np.ndarray
    patch: geometry.Patch
    shapes: fit.Shapes
    coefficients: list[np.ndarray]
    """Per clip `[n, 16]`."""
    pose: list[np.ndarray]
    """Per clip `[n, P]`."""
    samples: Samples
    """What is trained on and held out: `picture` says of which clip and number."""
    picture: np.ndarray
    """`[samples, 2]`."""
    mouths: np.ndarray
    """`[samples, 16]`: the samples' coefficients before `front`."""
    front: Front
    covered: list[np.ndarray] = field(default_factory=list)
    """Per clip `[n]`: pictures in which something covers the mouth."""
    left: float = 0.0
    """What the fit leaves of the lips' motion, in eyes."""
    detail: list[np.ndarray] = field(default_factory=list)
    """Per clip `[n]`: how much fine detail the skin shows around the mouth."""


def pose_names() -> list[str]:
    return [*geometry.POSE, *(f"light{i}" for i in range(LIGHTS))]


def prepare(
    clips: list[Clip], tracks: list[landmarks.Faces], spoken: list[np.ndarray] | None, tick: Callable[[int], None] = lambda _: None, gestures: int = 0, size: int | None = None
) -> Prepared:
    """`spoken`: the speech network's coefficients, for what lips don't tell; None where nobody speaks. `size`: the patch's, else the footage's own. The last `gestures` clips are gestures: never held out."""
    every = max(1, sum(len(track.points) for track in tracks) // 2000)
    mean = geometry.mean_face(np.concatenate([track.points[track.found] for track in tracks])[::every])
    heads = [geometry.heads_of(track, mean) for track in tracks]
    patch = placed(mean, tracks, size)
    patches, skin, shown = _patches(clips, tracks, heads, patch, tick)
    lights = _lights(patches, heads, patch)
    hidden = covered.flags(shown, [head.pose for head in heads])
    bare = ~np.concatenate(hidden)
    if not bare.any():
        bare[:] = True
    solid = np.concatenate([head.solid for head in heads])
    shapes = fit.shapes_of(fit.rest_of(solid[bare], np.concatenate([track.opening() for track in tracks])[bare]))
    if spoken is not None:
        # In lips that don't speak there is nothing to learn from.
        shapes = fit.adapted(shapes, solid[bare])
    coefficients = [fit.fit(shapes, head.solid) for head in heads]
    if spoken is not None:
        for own, heard in zip(coefficients, spoken):
            own[:, COEFFICIENTS.index("tongueTip")] = heard[: len(own), COEFFICIENTS.index("tongueTip")]
    turn = np.concatenate([head.pose for head in heads])
    spread = np.maximum(turn.std(0), np.radians(0.5))
    pose = [np.concatenate([head.pose / spread, light], 1).astype(np.float32) for head, light in zip(heads, lights)]
    samples, picture = _samples(tracks, heads, patch, patches, coefficients, pose, hidden, len(tracks) - gestures)
    mouths = samples.coefficients
    lips = of_lips(shapes, mouths[samples.split()[0]])
    samples.coefficients = lips(mouths)
    left = fit.residual(shapes, solid, np.concatenate(coefficients))
    return Prepared(clips, heads, mean, patch, shapes, coefficients, pose, samples, picture, mouths, lips, hidden, left, skin)


def placed(mean: np.ndarray, tracks: list[landmarks.Faces], size: int | None = None) -> geometry.Patch:
    """The patch, at the footage's own resolution as far as the sizes go."""
    eyes = np.median([np.linalg.norm(t.points[:, landmarks.EYES[0], :2] - t.points[:, landmarks.EYES[1], :2], axis=1).mean() for t in tracks])
    size = size or next((size for size in SIZES if size >= 0.97 * WIDTH * eyes), SIZES[-1])
    mouth = mean[list(landmarks.LIPS), :2].mean(0)
    return geometry.Patch(size, mouth[0] - WIDTH / 2, mouth[1] - ABOVE * WIDTH, WIDTH)


def mouth_box(heads: list[geometry.Heads], patch: geometry.Patch) -> np.ndarray:
    """1 in the box that the lips keep to, 0 elsewhere."""
    lips = patch.pixels(np.concatenate([head.flat[:, list(landmarks.LIPS)] for head in heads]).reshape(-1, 2))
    margin = 0.03 * patch.size
    left, top = np.floor(np.quantile(lips, 0.001, axis=0) - margin).astype(int)
    right, bottom = np.ceil(np.quantile(lips, 0.999, axis=0) + margin).astype(int)
    box = np.zeros((patch.size, patch.size), np.float32)
    box[max(top, 2) : bottom, max(left, 2) : right] = 1
    return box


def _patches(
    clips: list[Clip], tracks: list[landmarks.Faces], heads: list[geometry.Heads], patch: geometry.Patch, tick: Callable[[int], None]
) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """Per clip `[n, S, S, 3]` u8 of each used picture, `step` apart; of every picture the skin's detail, and the colours that tell whether the mouth is covered."""
    step, done, out, skin, shown = stride(clips, patch.size), 0, [], [], []
    for clip, track, head in zip(clips, tracks, heads):
        affines = patch.to_frame(head.to_frame)
        kept, amounts, seen = [], [], []
        for number, picture in enumerate(clip.pictures()):
            if number % step == 0 and number < len(affines):
                kept.append(geometry.crop(picture, affines[number], patch.size))
            if number < len(affines):
                parts = detail.of(picture, track.points[number])
                amounts.append(np.nanmean([parts["chin"], parts["cheeks"]]))
                seen.append(covered.colours(picture, track.points[number]))
            done += 1
        tick(done)
        out.append(np.stack(kept))
        skin.append(np.nan_to_num(np.array(amounts)))
        shown.append(np.stack(seen))
    return out, skin, shown


def stride(clips: list[Clip], size: int) -> int:
    return max(1, -(-sum(clip.count for clip in clips) * 3 * size * size // MOST_BYTES))


def _lights(patches: list[np.ndarray], heads: list[geometry.Heads], patch: geometry.Patch) -> list[np.ndarray]:
    """Per clip the light `[n, LIGHTS]` of the face above the lips, for every picture."""
    size = patch.size
    top = int(patch.pixels(np.concatenate([head.flat[:, 0] for head in heads]))[:, 1].min() - 0.03 * size)
    cells = size // 16
    small = [_shrunk(p, cells) for p in patches]
    upper = np.concatenate([s[:, : max(top // cells, 2)].reshape(len(s), -1) for s in small])
    centre = upper.mean(0)
    _, strength, axes = np.linalg.svd(upper[:: max(1, len(upper) // 1500)] - centre, full_matrices=False)
    axes = axes[:LIGHTS]
    values = (upper - centre) @ axes.T
    values /= np.maximum(values.std(0), 1e-3)
    lights, at = [], 0
    for kept, head in zip(patches, heads):
        count, total = len(kept), len(head.pose)
        index = np.minimum(np.round(np.arange(total) * (count / total)).astype(int), count - 1)
        smooth = _smooth(values[at : at + count])
        lights.append(smooth[index].astype(np.float32))
        at += count
    return lights


def _shrunk(patches: np.ndarray, cells: int) -> np.ndarray:
    """Means over squares of `cells` pixels, in [0, 1]."""
    n, s = len(patches), patches.shape[1] // cells
    return patches.reshape(n, s, cells, s, cells, 3).mean((2, 4)).astype(np.float32) / 255


def _smooth(values: np.ndarray) -> np.ndarray:
    return gaussian_filter(values, (geometry.HEAD_SIGMA, 0), mode="nearest")


def _samples(tracks, heads, patch, patches, coefficients, pose, hidden, talks: int) -> tuple[Samples, np.ndarray]:
    held_clips = [i for i in range(talks) if talks >= HELD_PART and i % HELD_PART == HELD_PART - 1]
    length = sum(len(track.points) for track in tracks[:talks])
    picture, held = [], []
    for number, track in enumerate(tracks):
        total, count = len(track.points), len(patches[number])
        step = -(-total // count)
        for at in range(0, count):
            moment = at * step
            if not track.found[moment] or hidden[number][moment]:
                continue
            last = talks < HELD_PART and number == talks - 1 and moment >= total - length // HELD_PART
            if number in held_clips or last:
                held.append(len(picture))
            picture.append((number, moment, at))
    picture = np.array(picture)
    size = patch.size
    samples = Samples(
        coefficients=np.stack([coefficients[c][m] for c, m, _ in picture]),
        pose=np.stack([pose[c][m] for c, m, _ in picture]),
        patches=np.stack([patches[c][a] for c, _, a in picture]).transpose(0, 3, 1, 2),
        alpha=np.ones((size, size), np.float32), focus=mouth_box(heads, patch), held=np.array(held, int),
    )  # fmt: skip
    return samples, picture[:, :2]
