"""Supertonic's contract (names, shapes, types) in toy networks: a tone, 60 ms long for each character.

`python testdata/voices/generate.py` writes `supertonic-2` beside it; it needs numpy and onnx. The tests of
`brain/` run it as they run the real voice.
"""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = Path(__file__).parent / "supertonic-2"
FLOAT, INT = TensorProto.FLOAT, TensorProto.INT64
TEXT = ("text_ids", INT, ["B", "T"])
TEXT_MASK = ("text_mask", FLOAT, ["B", 1, "T"])
STYLE = ("style_ttl", FLOAT, ["B", 50, 256])


def save(name, nodes, inputs, output, constants):
    graph = helper.make_graph(
        [helper.make_node(kind, ins, [out], **attributes) for kind, ins, out, attributes in nodes],
        name,
        [helper.make_tensor_value_info(*value) for value in inputs],
        [helper.make_tensor_value_info(*output)],
        [numpy_helper.from_array(np.asarray(value), key) for key, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, FOLDER / "onnx" / f"{name}.onnx")


def main():
    (FOLDER / "onnx").mkdir(parents=True, exist_ok=True)
    (FOLDER / "voice_styles").mkdir(exist_ok=True)
    zero = np.float32(0)
    save(
        "duration_predictor",
        [
            ("ReduceSum", ["text_mask", "axes"], "sum", {"keepdims": 0}),
            ("Mul", ["sum", "each"], "text", {}),
            ("ReduceMean", ["style_dp"], "style", {"axes": [1, 2], "keepdims": 0}),
            ("Add", ["text", "style"], "duration", {}),
        ],
        [TEXT, ("style_dp", FLOAT, ["B", 8, 16]), TEXT_MASK],
        ("duration", FLOAT, ["B"]),
        {"axes": [1, 2], "each": np.float32(0.06)},
    )
    save(
        "text_encoder",
        [
            ("Cast", ["text_ids"], "floats", {"to": FLOAT}),
            ("Unsqueeze", ["floats", "axis"], "row", {}),
            ("Mul", ["row", "text_mask"], "masked", {}),
            ("Mul", ["masked", "weights"], "spread", {}),
            ("ReduceMean", ["style_ttl"], "style", {"axes": [1, 2], "keepdims": 1}),
            ("Add", ["spread", "style"], "text_emb", {}),
        ],
        [TEXT, STYLE, TEXT_MASK],
        ("text_emb", FLOAT, ["B", 256, "T"]),
        {"axis": [1], "weights": np.full((1, 256, 1), 0.01, np.float32)},
    )
    save(
        "vector_estimator",
        [
            ("Sub", ["total_step", "current_step"], "left", {}),
            ("Unsqueeze", ["left", "axes"], "steps", {}),
            ("Div", ["noisy_latent", "steps"], "part", {}),
            ("Sub", ["noisy_latent", "part"], "less", {}),
            ("ReduceMean", ["text_emb"], "text", {"axes": [1, 2], "keepdims": 1}),
            ("ReduceMean", ["style_ttl"], "style", {"axes": [1, 2], "keepdims": 1}),
            ("ReduceMean", ["text_mask"], "mask", {"axes": [1, 2], "keepdims": 1}),
            ("Add", ["text", "style"], "both", {}),
            ("Add", ["both", "mask"], "all", {}),
            ("Mul", ["all", "zero"], "nothing", {}),
            ("Add", ["less", "nothing"], "sum", {}),
            ("Mul", ["sum", "latent_mask"], "denoised_latent", {}),
        ],
        [
            ("noisy_latent", FLOAT, ["B", 144, "L"]),
            ("text_emb", FLOAT, ["B", 256, "T"]),
            STYLE,
            ("latent_mask", FLOAT, ["B", 1, "L"]),
            TEXT_MASK,
            ("current_step", FLOAT, ["B"]),
            ("total_step", FLOAT, ["B"]),
        ],
        ("denoised_latent", FLOAT, ["B", 144, "L"]),
        {"axes": [1, 2], "zero": zero},
    )
    tone = 0.2 * np.sin(2 * np.pi * 287.1 * np.arange(3072) / 44_100)
    save(
        "vocoder",
        [
            ("ReduceMean", ["latent"], "mean", {"axes": [1], "keepdims": 0}),
            ("Unsqueeze", ["mean", "axis"], "steps", {}),
            ("Mul", ["steps", "zero"], "nothing", {}),
            ("Add", ["nothing", "tone"], "waves", {}),
            ("Reshape", ["waves", "shape"], "wav_tts", {}),
        ],
        [("latent", FLOAT, ["B", 144, "L"])],
        ("wav_tts", FLOAT, ["B", "N"]),
        {"axis": [2], "zero": zero, "tone": tone.astype(np.float32).reshape(1, 1, 3072), "shape": [1, -1]},
    )
    (FOLDER / "onnx/tts.json").write_text(
        json.dumps(
            {
                "ae": {"sample_rate": 44_100, "base_chunk_size": 512},
                "ttl": {"chunk_compress_factor": 6, "latent_dim": 24},
            }
        )
        + "\n"
    )
    (FOLDER / "onnx/unicode_indexer.json").write_text(json.dumps(list(range(1_024))) + "\n")
    # A voice takes as many seconds more for each text as the mean of its style says.
    for voice, seconds in [("F1", 0), ("M1", 1)]:
        style = {
            name: {"data": np.full(shape, value).astype(int).tolist(), "dims": shape, "type": "float32"}
            for name, shape, value in [("style_ttl", [1, 50, 256], 0), ("style_dp", [1, 8, 16], seconds)]
        }
        (FOLDER / f"voice_styles/{voice}.json").write_text(json.dumps(style, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
