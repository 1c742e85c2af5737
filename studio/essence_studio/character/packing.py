"""The avatar file: networks, base frames, geometry, motions, self-test and manifest."""
from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from .. import pack as container
from ..identity import quantize, train
from . import motion, view
from .model import COEFFICIENTS, POSE

NAME = "Mika"
LICENSE = (
    "CC0-1.0 for this avatar's pictures. The head is made from the ICT Face Model Light, Copyright (c) 2020 USC Institute for Creative "
    "Technologies, MIT licence (Li et al., Learning Formation of Physically-Based Face Attributes, CVPR 2020)."
)
JPEG_QUALITY = 90
SIDED = {"mouthSmile", "mouthStretch", "mouthPress", "mouthLowerDown", "mouthUpperUp", "mouthDimple"}


def arkit() -> dict[str, dict[str, float]]:
    """ARKit's names from the coefficients: sided shapes take both sides' value; `tongueTip` has no counterpart."""
    table = {}
    for name in COEFFICIENTS[:-1]:
        for side in ("Left", "Right") if name in SIDED else ("",):
            table[name + side] = {name: 1.0}
    return table


def jpeg(path: Path) -> bytes:
    """A base frame as baseline JPEG."""
    out = io.BytesIO()
    Image.open(path).convert("RGB").save(out, "JPEG", quality=JPEG_QUALITY, subsampling=0, optimize=True)
    return out.getvalue()


def pack(output: Path, work: Path, net, samples: train.Samples, facts: dict, networks: Path) -> None:
    """Writes the avatar."""
    frames = sorted((work / "base").glob("[0-9][0-9][0-9][0-9][0-9].png"))
    if len(frames) != motion.BASE_FRAMES:
        raise SystemExit(f"{work / 'base'} has {len(frames)} of {motion.BASE_FRAMES} base frames")
    speech = json.loads((networks / "speech.json").read_text())
    identity = work / "identity.onnx"
    train.export(net, identity)
    identity.write_bytes(quantize.slim(identity.read_bytes()))

    poses = [motion.base(i)[1] for i in range(motion.BASE_FRAMES)]
    vectors = np.array([motion.pose_vector(pose) for pose in poses])
    affines = np.array([view.patch_similarity(pose).affine() for pose in poses], np.float32)
    members = {"speech.onnx": (networks / "speech.onnx").read_bytes(), "identity.onnx": identity.read_bytes()}
    members["geometry.f32"] = np.concatenate([vectors, affines], 1).astype("<f4").tobytes()
    chosen = samples.split()[0][[0, 7, 21]]
    inputs = np.concatenate([samples.coefficients[chosen], samples.pose[chosen]], 1)
    members["selftest/inputs.f32"] = inputs.astype("<f4").tobytes()
    members["selftest/patches.u8"] = expected(identity, samples, chosen).tobytes()
    for index, path in enumerate(frames):
        members[f"frames/{index:05d}.jpg"] = jpeg(path)

    c, p, s = len(COEFFICIENTS), len(POSE), view.PATCH
    manifest = {
        "format_version": "2.0",
        "engine": "essence",
        "engine_abi": 1,
        "name": NAME,
        "created": "2026-11-22T00:00:00Z",
        "license": LICENSE,
        "frame": {"width": view.FRAME, "height": view.FRAME, "count": len(frames), "rate": 25},
        "crop": {"size": s, "pose": list(POSE)},
        "coefficients": list(COEFFICIENTS),
        "arkit": arkit(),
        "networks": {
            "speech": {"file": "speech.onnx", "inputs": {"mel": ["N", speech["window"], 80]}, "outputs": {"coefficients": ["N", c]}},
            "identity": {"file": "identity.onnx", "inputs": {"coefficients": ["N", c], "pose": ["N", p]}, "outputs": {"patch": ["N", 4, s, s]}},
        },
        "motions": {
            "idle": loop(0, motion.IDLE_FRAMES),
            "talking": loop(motion.IDLE_FRAMES, motion.TALKING_FRAMES),
            "nod": dict(loop(motion.LOOP_FRAMES, motion.NOD_FRAMES), loop="once"),
            "smile": dict(loop(motion.LOOP_FRAMES + motion.NOD_FRAMES, motion.SMILE_FRAMES), loop="once"),
        },
        "selftest": {"inputs": "selftest/inputs.f32", "patches": "selftest/patches.u8", "count": len(chosen)},
        "training": {"identity": facts, "speech": speech.get("training", {}), "made_with": "python -m essence_studio.character"},
    }
    quantize.add(members, manifest)
    quantize.add(members, manifest)
    container.write_imx(output, members, manifest)
    print(f"{output}: {output.stat().st_size / 1e6:.2f} MB")


def loop(first: int, count: int) -> dict:
    """A cycle that is entered and left at its still moment."""
    return {"first": first, "count": count, "loop": "cycle", "entries": [0], "exits": [count - 1]}


def expected(identity: Path, samples: train.Samples, chosen: np.ndarray) -> np.ndarray:
    """The self-test's patches, as ONNX Runtime's CPU provider makes them."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(identity), providers=["CPUExecutionProvider"])
    made = [session.run(None, {"coefficients": samples.coefficients[[i]], "pose": samples.pose[[i]]})[0] for i in chosen]
    return np.round(np.concatenate(made) * 255).astype(np.uint8)
