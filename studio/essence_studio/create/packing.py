"""The avatar file: base frames whose mouth rests, networks, geometry, self-test and manifest."""
from __future__ import annotations

import dataclasses
import io
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from torch import nn

from .. import pack as container
from ..character.packing import arkit, expected
from ..identity import quantize, train
from ..identity.network import Identity
from ..identity.samples import Samples
from ..speech.mouth import COEFFICIENTS
from . import base, gesture
from .front import Front
from .prepare import Prepared, pose_names

CREATED = "2026-11-22T00:00:00Z"
"""The format's date: a date of the day would make every file differ."""
STEPS = ((3, 95), (4, 92), (5, 90), (6, 90), (8, 88), (10, 85), (12, 82), (15, 79), (18, 76), (22, 73), (27, 70))
"""Of the base frames: the step in which every frequency of light is rounded, and the quality of colour. The first with which the file keeps to its size, else
the last. The usual tables round the finest detail five times as coarsely as the rest, and the grain of skin is lost first."""
SMOOTH = 8
"""Step of the light's mean at most, so that nothing shows the blocks."""
COLOUR = np.array([[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]])
"""JPEG's table of colour for a quality of 50 (ITU-T T.81, K.2); 99 beyond."""
MATTE_QUALITY = 90
FILE_BYTES = 13_900_000
"""Of an avatar of up to 512 × 512, or of a portrait; larger films may take more by as much as they are larger, up to `MOST_BYTES`."""
MOST_BYTES = 39_000_000
TESTED = 3


@dataclass(frozen=True)
class Origin:
    """Where the face comes from and what may be done with it."""

    name: str
    source: str
    license: str


class Driven(nn.Module):
    """The identity network behind the person's calibration: shared coefficients in."""

    def __init__(self, net: Identity, matrix: np.ndarray, front: Front):
        super().__init__()
        self.net = net
        self.register_buffer("front", torch.from_numpy(front.matrix))
        self.register_buffer("offset", torch.from_numpy(front.offset))
        self.register_buffer("matrix", torch.from_numpy(matrix.astype(np.float32)))

    def forward(self, coefficients: torch.Tensor, pose: torch.Tensor) -> torch.Tensor:
        own = torch.clamp(coefficients @ self.matrix, 0.0, 1.0)
        return self.net(own @ self.front + self.offset, pose)


def rested(prepared: Prepared, net: Identity, strip: base.Strip) -> base.Strip:
    """The strip's pictures with the mouth at rest, drawn by the network: at rest the engine shows base frames as they are."""
    out = []
    still = torch.from_numpy(prepared.front(np.zeros((1, len(COEFFICIENTS)), np.float32)))
    with torch.no_grad():
        for frame, pose, affine in zip(strip.frames, strip.pose, prepared.patch.to_frame(strip.to_frame)):
            patch = net(still, torch.from_numpy(pose[None]))[0].numpy().transpose(1, 2, 0)
            out.append(composed(frame, patch, affine))
    return dataclasses.replace(strip, frames=out)


def composed(frame: np.ndarray, patch: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """A patch `[S, S, 4]` in [0, 1] laid over a frame as the engine does it."""
    matrix = affine.reshape(2, 3).astype(np.float64).copy()
    matrix[:, 2] += matrix[:, :2] @ np.array([0.5, 0.5]) - 0.5
    placed = cv2.warpAffine(patch, matrix, (frame.shape[1], frame.shape[0]), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    alpha = placed[..., 3:]
    # The border's colors count for nothing where alpha is 0. A matte stays as it is.
    drawn = np.round(np.clip(frame[..., :3] * (1 - alpha) + 255 * placed[..., :3] * alpha, 0, 255)).astype(np.uint8)
    return np.concatenate([drawn, frame[..., 3:]], 2)


def most_bytes(width: int, height: int) -> int:
    """Of the file of a film of this size."""
    return min(MOST_BYTES, int(FILE_BYTES * max(1.0, width * height / 512**2)))


def jpegs(pictures: list[np.ndarray], share: int) -> list[bytes]:
    """Base frames as JPEG, all with the same steps; `share`: the bytes that they may take together."""
    every = pictures[:: max(1, len(pictures) // 12)]
    for step, quality in STEPS:
        tables = [[min(step, SMOOTH), *[step] * 63], colour_table(quality)]
        if sum(len(_jpeg(each, qtables=tables)) for each in every) * len(pictures) / len(every) <= share:
            break
    return [_jpeg(each, qtables=tables) for each in pictures]


def colour_table(quality: int) -> list[int]:
    """Steps of colour's frequencies at a quality from 50 to 100, `[64]`."""
    table = np.full((8, 8), 99)
    table[:4, :4] = COLOUR
    return np.clip((table * (200 - 2 * quality) + 50) // 100, 1, 255).flatten().tolist()


def matte_jpeg(alpha: np.ndarray) -> bytes:
    """A matte `[height, width]` u8 as the file has it: 24 and less is transparent, 232 and more is opaque. Ringing of the JPEG around 12 and 244 is clipped."""
    levels = np.select([alpha == 0, alpha == 255], [12, 244], np.round(24 + alpha * (208 / 255)))
    return _jpeg(levels.astype(np.uint8), quality=MATTE_QUALITY)


def _jpeg(picture: np.ndarray, **how) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(out, "JPEG", subsampling=2, optimize=True, **how)
    return out.getvalue()


def packed(
    work: Path, prepared: Prepared, net: Identity, matrix: np.ndarray, loop: base.Loop, strip: base.Strip,
    origin: Origin, facts: dict, networks: Path, most: int, gestures: list[gesture.Gesture] | None = None, background: np.ndarray | None = None,
    moving: tuple[dict[str, bytes], dict] | None = None,
) -> tuple[dict[str, bytes], dict]:  # fmt: skip
    """The avatar's members and manifest, of `most` bytes. `strip` are the loop's pictures, the mouth at rest, or as filmed where
    their own pixels move (`moving`: `warp.members`); with a matte over `background` `[3]` or without."""
    gestures = gestures or []
    speech = json.loads((networks / "speech.json").read_text())
    identity = work / "identity.onnx"
    train.export(net, identity, lambda folded: Driven(folded, matrix, prepared.front), len(COEFFICIENTS))
    # As it will be in the file: the self-test's patches are this network's.
    identity.write_bytes(quantize.slim(identity.read_bytes()))
    affines, frames = prepared.patch.to_frame(strip.to_frame), list(strip.frames)
    members = {"speech.onnx": (networks / "speech.onnx").read_bytes(), "identity.onnx": identity.read_bytes()}
    geometry = [np.concatenate([strip.pose, affines], 1)]
    motions = {"idle": {"first": 0, "count": len(frames), "loop": loop.kind, "entries": [0], "exits": [len(frames) - 1]}}
    if gestures:
        anchor = gestures[0].anchor
        motions["idle"].update(entries=sorted({0, anchor}), exits=gesture.exits_near(anchor, frames))
    for each in gestures:
        motions[each.name] = {"first": len(frames), "count": len(each.frames), "loop": each.loop, "entries": [0], "exits": [len(each.frames) - 1]}
        geometry.append(np.concatenate([each.pose, prepared.patch.to_frame(each.to_frame)], 1))
        frames += each.frames
    members["geometry.f32"] = np.concatenate(geometry).astype("<f4").tobytes()
    chosen = prepared.samples.split()[0]
    chosen = chosen[np.linspace(0, len(chosen) - 1, TESTED + 2).astype(int)[1:-1]]
    tested = Samples(prepared.mouths[chosen], prepared.samples.pose[chosen], prepared.samples.patches[chosen], prepared.samples.alpha, prepared.samples.focus)
    inputs = np.concatenate([tested.coefficients, tested.pose], 1)
    members["selftest/inputs.f32"] = inputs.astype("<f4").tobytes()
    members["selftest/patches.u8"] = expected(identity, tested, np.arange(len(chosen))).tobytes()
    c, p, s = len(COEFFICIENTS), prepared.samples.pose.shape[1], prepared.patch.size
    height, width = frames[0].shape[:2]
    manifest = {
        "format_version": "2.0",
        "engine": "essence",
        "engine_abi": 1,
        "name": origin.name,
        "created": CREATED,
        "license": origin.license,
        "source": origin.source,
        "frame": {"width": width, "height": height, "count": len(frames), "rate": 25},
        "crop": {"size": s, "pose": pose_names()},
        "coefficients": list(COEFFICIENTS),
        "arkit": arkit(),
        "networks": {
            "speech": {"file": "speech.onnx", "inputs": {"mel": ["N", speech["window"], 80]}, "outputs": {"coefficients": ["N", c]}},
            "identity": {"file": "identity.onnx", "inputs": {"coefficients": ["N", c], "pose": ["N", p]}, "outputs": {"patch": ["N", 4, s, s]}},
        },
        "motions": motions,
        "selftest": {"inputs": "selftest/inputs.f32", "patches": "selftest/patches.u8", "count": len(chosen)},
        "training": {"identity": facts, "speech": speech.get("training", {}), "made_with": "python -m essence_studio create"},
    }
    if prepared.samples.alpha.any():
        quantize.add(members, manifest)
    if moving is not None:
        # Older readers show the patch over the frames as they are.
        members |= moving[0]
        manifest.update(format_version="2.2", warp=moving[1])
    if background is not None:
        # Older readers show the frames without their mattes.
        manifest.update(format_version="2.2" if moving else "2.1", matte={"background": [int(level) for level in background]})
        members |= {f"matte/{index:05d}.jpg": matte_jpeg(frame[..., 3]) for index, frame in enumerate(frames)}
        frames = [frame[..., :3] for frame in frames]
    for index, data in enumerate(jpegs(frames, most - sum(len(data) for data in members.values()))):
        members[f"frames/{index:05d}.jpg"] = data
    return members, manifest


def written(output: Path, members: dict[str, bytes], manifest: dict) -> None:
    """Writes the avatar's file: whole, or not at all."""
    container.write_imx(output, members, manifest)

