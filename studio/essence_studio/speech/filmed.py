"""Lips as filmed: how far they stand open in the GRID clips that training leaves out, by MediaPipe's landmarks, against what the network
makes of their sound. The only reference here that no aligner and no mouth table stands behind.
"""

from pathlib import Path

import numpy as np

from essence_studio.speech import measures
from essence_studio.speech.mouth import COEFFICIENTS

FRAMES_HZ = 25


def held_out(folder: Path) -> list[Path]:
    """The last sixth of the clips; `real.label_videos` labels the others for training."""
    videos = sorted(folder.glob("*.mpg"))
    return videos[len(videos) * 5 // 6 :]


def film(folder: Path, out: Path) -> None:
    """Writes the lips' opening of each held-out clip, `[frames]`, and its sound. Needs PyAV."""
    from essence_studio.create import footage, landmarks, sound

    out.mkdir(parents=True, exist_ok=True)
    for path in held_out(folder):
        target = out / f"{path.stem}.npz"
        if target.exists():
            continue
        clip = footage.clips_of([path])[0]
        faces, samples = landmarks.track(clip), sound.samples_of(clip)
        np.savez(target, opening=faces.opening(), samples=samples)


def opening(curves: np.ndarray) -> np.ndarray:
    """The lips' opening that coefficients `[steps, 16]` ask for, in no unit."""
    value = {name: curves[:, i] for i, name in enumerate(COEFFICIENTS)}
    return value["jawOpen"] - value["mouthClose"] + 0.5 * value["mouthLowerDown"] + 0.3 * value["mouthUpperUp"]


def compare(run, folder: Path) -> dict[str, float]:
    """Mean correlation of the predicted opening with the filmed one, and the lag of all clips together; `run` gives coefficients at 50 Hz."""
    rows, predicted, filmed = [], [], []
    for path in sorted(folder.glob("*.npz")):
        clip = np.load(path)
        curve = opening(run(clip["samples"]))
        moments = np.arange(len(curve)) / measures.RATE_HZ * FRAMES_HZ
        lips = np.interp(moments, np.arange(len(clip["opening"])), clip["opening"])
        rows.append(measures.correlation(curve, lips))
        predicted.append(curve)
        filmed.append(lips)
    return {"r": float(np.mean(rows)), "worst r": min(rows), "lag ms": measures.lag(np.concatenate(predicted), np.concatenate(filmed)), "clips": len(rows)}
