"""Held-out pictures put back into their frames: are the same lips seen, does the patch's edge show?"""
from __future__ import annotations

import numpy as np

from ..identity import train
from ..identity.network import Identity
from . import landmarks
from .packing import composed
from .prepare import Prepared

MOST = 60
"""Pictures that are looked at."""


def in_frames(prepared: Prepared, net: Identity) -> dict[str, float]:
    """`lip_distance`: mean distance of the lips' landmarks in drawn and filmed frames, as a part of the eyes' distance.
    `edge`: the gradient in the patch's soft edge, over the same place's in the filmed frame."""
    samples = prepared.samples
    held = samples.split()[1]
    chosen = held[np.linspace(0, len(held) - 1, min(MOST, len(held))).astype(int)]
    order = sorted(chosen.tolist(), key=lambda i: tuple(prepared.picture[i]))
    distances, edges = [], []
    for index, frame in zip(order, _frames(prepared, order)):
        number, moment = prepared.picture[index]
        affine = prepared.patch.to_frame(prepared.heads[number].to_frame[moment : moment + 1])[0]
        patch = train.predict(net, samples, np.array([index]))[0].transpose(1, 2, 0)
        drawn = composed(frame, patch, affine)
        white = np.concatenate([np.ones_like(patch[..., :3]), patch[..., 3:]], 2)
        alpha = composed(np.zeros_like(frame), white, affine)[..., 0] / 255
        rim = (alpha > 0.02) & (alpha < 0.98)
        edges.append(_gradient(drawn)[rim].mean() / max(_gradient(frame)[rim].mean(), 1e-6))
        a, b = (landmarks.seen(picture) for picture in (frame, drawn))
        if a is not None and b is not None:
            eyes = np.linalg.norm(a[landmarks.EYES[0], :2] - a[landmarks.EYES[1], :2])
            distances.append(np.linalg.norm((a - b)[list(landmarks.LIPS), :2], axis=1).mean() / eyes)
    if not distances:
        return {}
    return {"lip_distance": round(float(np.mean(distances)), 4), "edge": round(float(np.mean(edges)), 3)}


def _frames(prepared: Prepared, order: list[int]):
    """The frames of samples that are sorted by clip and number."""
    at = 0
    for number, clip in enumerate(prepared.clips):
        wanted = [int(prepared.picture[i][1]) for i in order if prepared.picture[i][0] == number]
        if not wanted:
            continue
        for moment, picture in enumerate(clip.pictures()):
            while at < len(order) and prepared.picture[order[at]][0] == number and prepared.picture[order[at]][1] == moment:
                yield picture
                at += 1
            if moment >= max(wanted):
                break


def _gradient(picture: np.ndarray) -> np.ndarray:
    grey = picture.astype(np.float32).mean(2)
    down, across = np.gradient(grey)
    return np.hypot(down, across)
