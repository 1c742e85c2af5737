"""The contracts of Silero's and smart-turn's networks (names, shapes, types) in toy networks.

`python testdata/listening/generate.py` writes them beside it; it needs numpy and onnx. The tests of `brain/` run
them as they run the real ones.

- `silero.onnx`: a voice is what is louder than 0.25 at its loudest, in this block or the one before.
- `smart_turn.onnx`: a turn is over that is longer than about four seconds.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = Path(__file__).parent
FLOAT, INT = TensorProto.FLOAT, TensorProto.INT64


def save(name, nodes, inputs, outputs, constants):
    graph = helper.make_graph(
        [helper.make_node(kind, ins, [out], **attributes) for kind, ins, out, attributes in nodes],
        name,
        [helper.make_tensor_value_info(*value) for value in inputs],
        [helper.make_tensor_value_info(*value) for value in outputs],
        [numpy_helper.from_array(np.asarray(value), key) for key, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, FOLDER / f"{name}.onnx")


def main():
    save(
        "silero",
        [
            ("Abs", ["input"], "sizes", {}),
            ("ReduceMax", ["sizes"], "peak", {"axes": [1], "keepdims": 1}),
            # Of another rate than 16 kHz nothing is loud.
            ("Cast", ["sr"], "rate", {"to": FLOAT}),
            ("Equal", ["rate", "wanted"], "fits", {}),
            ("Cast", ["fits"], "factor", {"to": FLOAT}),
            ("Mul", ["peak", "factor"], "here", {}),
            ("ReduceMax", ["state"], "before", {"axes": [0, 2], "keepdims": 0}),
            ("Max", ["here", "before"], "loudest", {}),
            ("Mul", ["loudest", "twice"], "twice_as_loud", {}),
            ("Clip", ["twice_as_loud", "zero", "one"], "output", {}),
            ("Mul", ["state", "zero"], "nothing", {}),
            ("Add", ["nothing", "here"], "stateN", {}),
        ],
        [("input", FLOAT, ["B", "N"]), ("state", FLOAT, [2, "B", 128]), ("sr", INT, [])],
        [("output", FLOAT, ["B", 1]), ("stateN", FLOAT, [2, "B", 128])],
        {
            "wanted": np.float32(16_000),
            "twice": np.float32(2),
            "zero": np.float32(0),
            "one": np.float32(1),
        },
    )
    save(
        "smart_turn",
        [
            ("ReduceMax", ["input_features"], "loudness", {"axes": [1], "keepdims": 0}),
            ("ReduceMin", ["loudness"], "softest", {"axes": [1], "keepdims": 1}),
            ("Add", ["softest", "margin"], "threshold", {}),
            ("Greater", ["loudness", "threshold"], "loud", {}),
            ("Cast", ["loud"], "ones", {"to": FLOAT}),
            ("ReduceMean", ["ones"], "part", {"axes": [1], "keepdims": 1}),
            ("Clip", ["part", "zero", "one"], "logits", {}),
        ],
        [("input_features", FLOAT, ["B", 80, 800])],
        [("logits", FLOAT, ["B", 1])],
        {"margin": np.float32(0.25), "zero": np.float32(0), "one": np.float32(1)},
    )


if __name__ == "__main__":
    main()
