"""Which numbers should tell the network what the mouth does: measured on held-out clips of one speaker.

    python -m essence_studio.create.measure_space FOLDER --work work/space

One small decoder is trained on each candidate, all else being equal, and asked for the clips it has not seen. `docs/coefficients.md` has the result.
"""
from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from ..identity import train
from . import fit, geometry, landmarks
from .footage import clips_of

SIZE = 96
PCA = 12
NEIGHBOURS = (-2, -1, 1, 2)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m essence_studio.create.measure_space", description=__doc__.splitlines()[0])
    parser.add_argument("videos", type=Path, help="folder of clips of one speaker")
    parser.add_argument("--clips", type=int, default=30)
    parser.add_argument("--held", type=int, default=6, help="clips of these that are held out")
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--space", nargs="*", help="only these candidates")
    parser.add_argument("--work", type=Path, default=Path("work/space"))
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    clips = clips_of([options.videos])[: options.clips]
    tracks = [landmarks.tracked(clip, options.work / f"{clip.path.stem}.npz") for clip in clips]
    mean = geometry.mean_face(np.concatenate([track.points[::5] for track in tracks]))
    heads = [geometry.heads_of(track, mean) for track in tracks]
    held = np.concatenate([np.full(len(track.points), i % (len(clips) // options.held) == 0) for i, track in enumerate(tracks)])
    patch, box = placed(mean, heads)
    patches = np.concatenate([
        [geometry.crop(picture, affine, SIZE).transpose(2, 0, 1) for picture, affine in zip(clip.pictures(), patch.to_frame(head.to_frame))]
        for clip, head in zip(clips, heads)
    ])  # fmt: skip
    pose = np.concatenate([head.pose for head in heads])
    pose = (pose / pose[~held].std(0)).astype(np.float32)
    report = {"clips": len(clips), "held_out_clips": options.held, "steps": options.steps, "size": SIZE}
    still = patches[~held].mean(0)
    rows, columns = np.where(box > 0.5)
    inside = (slice(None), slice(None), slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
    error = ((patches[held][inside] / 255.0 - still[None][inside] / 255.0) ** 2).mean((1, 2, 3))
    report["mean frame"] = round(float((-10 * np.log10(error)).mean()), 2)
    print(json.dumps(report), flush=True)
    for name, inputs in candidates(tracks, heads, held).items():
        if options.space and name not in options.space:
            continue
        inputs = inputs / inputs[~held].std(0).mean()
        samples = train.Samples(inputs.astype(np.float32), pose, patches, np.ones((SIZE, SIZE), np.float32), box, np.flatnonzero(held))
        checkpoint = options.work / f"{name}-{options.steps}.pt"
        net = train.train(samples, checkpoint, options.steps)
        report[name] = dict(train.evaluate(net, samples), inputs=inputs.shape[1])
        print(name, json.dumps(report[name]), flush=True)
    (options.work / "report.json").write_text(json.dumps(report, indent=1))


def placed(mean: np.ndarray, heads: list[geometry.Heads]) -> tuple[geometry.Patch, np.ndarray]:
    """A patch from the nose to below the chin, and the box around the lips in it."""
    mouth = mean[list(landmarks.LIPS), :2].mean(0)
    width = 1.45
    patch = geometry.Patch(SIZE, mouth[0] - width / 2, mouth[1] - 0.42 * width, width)
    lips = patch.pixels(np.concatenate([head.flat[:, list(landmarks.LIPS)] for head in heads]).reshape(-1, 2))
    (left, top), (right, bottom) = np.quantile(lips, 0.001, axis=0), np.quantile(lips, 0.999, axis=0)
    box = np.zeros((SIZE, SIZE), np.float32)
    box[int(top) - 2 : int(bottom) + 4, int(left) - 2 : int(right) + 4] = 1
    return patch, box


def candidates(tracks: list[landmarks.Faces], heads: list[geometry.Heads], held: np.ndarray) -> dict[str, np.ndarray]:
    """The inputs `[n, C]` that compete."""
    flat = np.concatenate([head.flat[:, list(landmarks.LIPS)] for head in heads])
    solid = np.concatenate([head.solid for head in heads])
    shapes = fit.shapes_of(fit.rest_of(solid[~held], np.concatenate([track.opening() for track in tracks])[~held]))
    shapes = fit.adapted(shapes, solid[~held])
    fitted = [fit.fit(shapes, head.solid) for head in heads]
    around = [
        np.concatenate([each] + [each[np.clip(np.arange(len(each)) + k, 0, len(each) - 1)] for k in NEIGHBOURS], 1) for each in fitted
    ]
    return {
        "pca": main_axes(flat, held),
        "pca without pose": main_axes(solid[:, list(landmarks.LIPS)], held),
        "fitted": np.concatenate(fitted),
        "fitted, as lips": main_axes(fit.lips(shapes, np.concatenate(fitted)), held),
        "fitted with sides": np.concatenate([fit.values(shapes, head.solid) for head in heads]),
        "fitted with neighbours": np.concatenate(around),
    }


def main_axes(points: np.ndarray, held: np.ndarray) -> np.ndarray:
    """The strongest `PCA` axes of points `[n, k, d]`."""
    flat = points.reshape(len(points), -1)
    centre = flat[~held].mean(0)
    _, _, axes = np.linalg.svd(flat[~held] - centre, full_matrices=False)
    return (flat - centre) @ axes[:PCA].T


if __name__ == "__main__":
    main()
