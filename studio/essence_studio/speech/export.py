"""Writes the network for the engine, what is known about it, and the vectors that hold the engine to it."""

import json
import os
from pathlib import Path

import numpy as np
import torch

from essence_studio import mel
from essence_studio.speech import vectors
from essence_studio.speech.mouth import COEFFICIENTS
from essence_studio.speech.network import STRIDE, WINDOW, SpeechNetwork, settle
from essence_studio.speech.window import WindowNetwork

OPSET = 17
MOST_BYTES = 3 << 20
_EVALUATED = ("seconds", "jaw_r", "loudness_r", "jaw_scale", "lag_ms", "closure_f1", "viseme_accuracy", "silence_jaw_mean", "silence_jaw_std")


def export(checkpoint: Path, evaluation: Path, networks: Path, testdata: Path) -> None:
    from essence_studio.speech.train import load

    network, facts = load(checkpoint)
    networks.mkdir(parents=True, exist_ok=True)
    path = networks / "speech.onnx"
    write(network, path)
    about = {
        "window": WINDOW,
        "coefficients": list(COEFFICIENTS),
        "parameters": sum(p.numel() for p in network.parameters()),
        "training": {key: facts[key] for key in ("step", "seed", "minutes")},
    }
    if evaluation.exists():
        measured = json.loads(evaluation.read_text())
        about["evaluation"] = {key: _rounded(measured["clips"][-1][key]) for key in _EVALUATED}
        about["evaluation"]["rest_in_noise"] = {key: _rounded(value) for key, value in measured["rest_in_noise"].items()}
    (networks / "speech.json").write_text(json.dumps(about, indent=2) + "\n")
    vectors.main(testdata / "vectors", testdata / "audio" / "speech_16000.wav", path)
    print(f"{path}: {path.stat().st_size} bytes, window {WINDOW}")


def write(network: SpeechNetwork, path: Path) -> None:
    """Exports, and checks that ONNX Runtime says of windows what the trained network says of the whole."""
    part = path.with_suffix(".part")
    example = torch.randn(2, WINDOW, mel.BANDS)
    torch.onnx.export(
        WindowNetwork(network).eval(), example, str(part), opset_version=OPSET, input_names=["mel"], output_names=["coefficients"],
        dynamic_axes={"mel": {0: "N"}, "coefficients": {0: "N"}}, do_constant_folding=True,
    )  # fmt: skip
    assert part.stat().st_size <= MOST_BYTES, f"{part}: {part.stat().st_size} bytes, at most {MOST_BYTES}"
    samples = np.random.default_rng(3).normal(0, 0.1, 16000).astype(np.float32) * np.sin(np.arange(16000) / 900)
    small = vectors.coefficients(samples, part)
    frames = mel.frame_count(len(samples))
    whole = torch.from_numpy(mel.mel_frames(samples, mel.LOOK_AHEAD_HOPS - WINDOW, mel.VIDEO_FRAME_HOPS * (frames - 1) + WINDOW))
    with torch.no_grad():
        expected = settle(*(output[0] for output in network(whole[None])))[:: mel.VIDEO_FRAME_HOPS // STRIDE].numpy()
    difference = float(np.abs(small - expected).max())
    assert difference < 1e-4, f"ONNX differs from training by {difference}"
    # A link stays one: the engine has the network among its own files.
    os.replace(part, path.resolve())


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
