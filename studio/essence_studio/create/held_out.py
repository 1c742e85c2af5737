"""How near a film's own pixels come to pictures that they are not taken from.

    python -m essence_studio.create.held_out avatar.imx --video me.mp4 [--seconds 10]

The last seconds are held out. For each picture of them the known picture whose head lies most like it is moved, by the engine, to the mouth that is held out,
with the known part's open mouths between the lips; in the patch of networks (`prepare`), so that training's figures may be put beside. What is lost where is
told by the same pictures with the light, and with the inside of the mouth, of those held out. Needs the package `bithuman` of `bindings/python`.
"""
from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import cv2
import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d

from .. import pack
from ..character.packing import arkit
from ..identity.train import ssim
from ..speech.mouth import COEFFICIENTS
from . import base, geometry, landmarks, mouths, packing, prepare, warp
from .footage import RATE, clips_of

RESTING = 1.0
"""What a unit of a known mouth's coefficients costs, against one of the head's place and light."""
GREY = np.array([0.299, 0.587, 0.114], np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m essence_studio.create.held_out", description=__doc__.splitlines()[0])
    parser.add_argument("avatar", type=Path, help="of this film: its networks are taken over")
    parser.add_argument("--video", type=Path, required=True)
    parser.add_argument("--seconds", type=int, default=10)
    options = parser.parse_args()
    clip = clips_of([options.video])[0]
    track = landmarks.track(clip)
    prepared = prepare.prepare([clip], [track], [np.zeros((clip.count, len(COEFFICIENTS)), np.float32)], size=prepare.SIZES[0])
    patch = prepare.placed(prepared.mean, [track])
    end = clip.count - options.seconds * RATE
    held, known = np.arange(end, clip.count), np.arange(end)
    pose, shown = prepared.pose[0], prepared.coefficients[0]
    apart = np.linalg.norm(pose[held][:, None] - pose[known], axis=2) + RESTING * np.linalg.norm(shown[known], axis=1)
    nearest = known[apart.argmin(1)]
    wanted = {*held.tolist(), *nearest.tolist()}
    film = {number: picture for number, picture in enumerate(clip.pictures()) if number in wanted}
    affines = patch.to_frame(prepared.heads[0].to_frame)
    drawn = moved(options.avatar, prepared, track, [film[number] for number in nearest], nearest, shown[held], end)
    box = np.argwhere(prepare.mouth_box(prepared.heads, patch) > 0.5)
    rows, columns = (slice(low, high + 1) for low, high in zip(box.min(0), box.max(0)))

    def cut(picture: np.ndarray, number: int) -> np.ndarray:
        return geometry.crop(picture, affines[number], patch.size)

    filmed = np.stack([cut(film[number], number) for number in held])
    made = np.stack([cut(picture, number) for picture, number in zip(drawn, nearest)])
    inside = np.stack([between_lips(patch.pixels(prepared.heads[0].flat[number]), patch.size) for number in held])
    figures = {
        "moved": made,
        "moved_in_their_light": lit(made, filmed, (rows, columns)),
        "moved_with_their_inside": made * (1 - inside) + filmed * inside,
        "as_they_are": np.stack([cut(film[number], number) for number in nearest]),
        "mean": np.repeat(filmed.mean(0, keepdims=True), len(filmed), 0),
    }
    print(json.dumps({name: compared(pictures[:, rows, columns], filmed[:, rows, columns]) for name, pictures in figures.items()}, indent=1))


def between_lips(points: np.ndarray, size: int) -> np.ndarray:
    """1 between the inner lips of landmarks `[478, 2]`, 0 elsewhere, with a soft edge, `[size, size, 1]`."""
    mask = np.zeros((size, size), np.float32)
    cv2.fillPoly(mask, [np.round(16 * points[list(landmarks.LIPS_INNER)]).astype(np.int32)], 1.0, shift=4)
    return cv2.GaussianBlur(mask, (0, 0), 1.0)[..., None]


def lit(made: np.ndarray, filmed: np.ndarray, box: tuple[slice, slice]) -> np.ndarray:
    """Pictures `[n, h, w, 3]` with the mean colour that others have around a box."""
    around = np.ones(made.shape[1:3], bool)
    around[box] = False
    gain = filmed[:, around].mean(1, dtype=np.float64) / np.maximum(made[:, around].mean(1, dtype=np.float64), 1.0)
    return np.clip(made * gain[:, None, None], 0, 255)


def moved(avatar: Path, prepared: prepare.Prepared, track: landmarks.Faces, frames: list[np.ndarray], nearest: np.ndarray, wanted: np.ndarray, end: int) -> list[np.ndarray]:
    """Base frames, drawn by the engine with other mouths `[n, 16]`; the inside of mouths is that of pictures before `end`."""
    from bithuman import Bithuman, Curves

    manifest, members = pack.read_imx(avatar)
    members = {name: data for name, data in members.items() if not name.startswith(("frames/", "warp/"))}
    for unwanted in ("files", "verdict", "matte"):
        manifest.pop(unwanted, None)
    own = gaussian_filter1d(prepared.coefficients[0].astype(np.float64), landmarks.CALM_SIGMA, axis=0, mode="nearest")
    own[:, COEFFICIENTS.index("tongueTip")] = 0
    known = landmarks.Faces(track.points, track.found & (np.arange(len(track.found)) < end))
    inside = mouths.chosen(prepared, prepared.clips, [known], base.Loop(0, int(nearest[0]), 1, "cycle", 0.0))
    data, manifest["warp"] = warp.members([warp.Face(track.calm()[nearest], own[nearest])], np.eye(len(COEFFICIENTS)), np.ones(len(COEFFICIENTS)), warp.DRAWN, inside)
    members |= data
    count = len(frames)
    members |= {f"frames/{index:05d}.jpg": jpeg for index, jpeg in enumerate(packing.jpegs(frames, 10**9))}
    affines = prepared.patch.to_frame(prepared.heads[0].to_frame)
    members["geometry.f32"] = np.concatenate([prepared.pose[0][nearest], affines[nearest]], 1).astype("<f4").tobytes()
    manifest["frame"]["count"] = count
    manifest["motions"] = {"idle": {"first": 0, "count": count, "loop": "cycle", "entries": [0], "exits": [count - 1]}}
    names = arkit()
    columns = [COEFFICIENTS.index(next(iter(parts))) for parts in names.values()]
    curves = Curves(list(names), [number / RATE for number in range(count)], wanted[:, columns].tolist())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "held.imx")
        pack.write_imx(path, members, manifest)
        with Bithuman.load(str(path)) as opened:
            return [frame.rgb_image.copy() for frame in opened.compose(curves=curves)][:count]


def compared(made: np.ndarray, filmed: np.ndarray) -> dict[str, float]:
    """PSNR in dB, SSIM, and the Laplacian's deviation over the film's, of pictures `[n, h, w, 3]`; as `train.evaluate` has them."""
    a, b = (each.astype(np.float32) / 255 for each in (made, filmed))
    psnr = 10 * np.log10(1 / np.maximum(((a - b) ** 2).mean((1, 2, 3)), 1e-10))
    grey = [torch.from_numpy((each @ GREY)[:, None]) for each in (a, b)]
    detail = [np.array([cv2.Laplacian(picture @ GREY, cv2.CV_32F).std() for picture in each]) for each in (a, b)]
    return {
        "psnr_db": round(float(psnr.mean()), 2), "psnr_worst_db": round(float(psnr.min()), 2), "ssim": round(float(ssim(*grey)), 4),
        "sharpness": round(float((detail[0] / detail[1]).mean()), 3),
    }  # fmt: skip


if __name__ == "__main__":
    main()
