"""Random twins of Supertonic's two large networks: layers of their kinds, numbers and widths, so that their time and
their memory while they run are like those of the real ones. Their sound is noise."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT

# Width of the layers, and inside of a block.
WIDTH, INNER = 512, 2048

# Numbers of the latent in a step, and of its parts in the vocoder.
LATENT, PART = 144, 24

# Samples that the vocoder makes of a part.
CHUNK = 512


class Network:
    def __init__(self, seed: int):
        self.random = np.random.default_rng(seed)
        self.nodes, self.weights = [], []

    def name(self, kind: str) -> str:
        return f"{kind}_{len(self.nodes)}_{len(self.weights)}"

    def constant(self, value) -> str:
        name = self.name("constant")
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def weight(self, *shape: int) -> str:
        # Outputs stay about as large as inputs are.
        values = self.random.standard_normal(shape, np.float32)
        return self.constant(values / np.float32(np.sqrt(np.prod(shape[1:]))))

    def node(self, kind: str, *inputs: str, **attributes) -> str:
        output = self.name(kind)
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def conv(self, value: str, to: int, of: int, kernel: int = 1, groups: int = 1, dilation: int = 1) -> str:
        pad = kernel // 2 * dilation
        bias = self.constant(np.zeros(to, np.float32))
        return self.node(
            "Conv", value, self.weight(to, of // groups, kernel), bias,
            group=groups, pads=[pad, pad], dilations=[dilation],
        )

    def block(self, value: str, dilation: int) -> str:
        """A ConvNeXt block, [B, WIDTH, L]."""
        deep = self.conv(value, WIDTH, WIDTH, 5, WIDTH, dilation)
        rows = self.node("Transpose", deep, perm=[0, 2, 1])
        ones, zeros = (self.constant(np.full(WIDTH, x, np.float32)) for x in (1, 0))
        rows = self.node("LayerNormalization", rows, ones, zeros)
        wide = self.conv(self.node("Transpose", rows, perm=[0, 2, 1]), INNER, WIDTH)
        # GELU by the error function.
        half = self.node("Mul", wide, self.constant(np.float32(0.7071)))
        gate = self.node("Add", self.node("Erf", half), self.constant(np.float32(1)))
        wide = self.node("Mul", self.node("Mul", wide, gate), self.constant(np.float32(0.5)))
        narrow = self.node("Mul", self.conv(wide, WIDTH, INNER), self.constant(np.float32(0.1)))
        return self.node("Add", value, narrow)

    def attention(self, value: str, source: str, transposed: bool) -> str:
        """Attention of [B, WIDTH, L] to [B, T, 256], or to [B, 256, T] that is `transposed`."""
        if transposed:
            source = self.node("Transpose", source, perm=[0, 2, 1])
        query = self.node("MatMul", self.node("Transpose", value, perm=[0, 2, 1]), self.weight(WIDTH, 256))
        key = self.node("Transpose", self.node("MatMul", source, self.weight(256, 256)), perm=[0, 2, 1])
        scores = self.node("Softmax", self.node("MatMul", query, key), axis=-1)
        mixed = self.node("MatMul", scores, self.node("MatMul", source, self.weight(256, 256)))
        out = self.node("Transpose", self.node("MatMul", mixed, self.weight(256, WIDTH)), perm=[0, 2, 1])
        return self.node("Add", value, self.node("Mul", out, self.constant(np.float32(0.1))))

    def save(self, inputs, last: str, output, path: Path) -> None:
        self.nodes.append(helper.make_node("Identity", [last], [output[0]]))
        graph = helper.make_graph(
            self.nodes,
            path.stem,
            [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in inputs],
            [helper.make_tensor_value_info(output[0], FLOAT, output[1])],
            self.weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 8
        onnx.checker.check_model(model)
        onnx.save(model, path)


def estimator(path: Path) -> None:
    """64 million weights: 28 blocks, and attention to text and style between them."""
    net = Network(1)
    value = net.conv("noisy_latent", WIDTH, LATENT)
    for stage in range(4):
        for dilation in (1, 2, 4, 8, 1, 1):
            value = net.block(value, dilation)
        value = net.attention(value, "text_emb", True)
        value = net.attention(value, "style_ttl", False)
    for _ in range(4):
        value = net.block(value, 1)
    change = net.node("Div", net.conv(value, LATENT, WIDTH), net.node("Unsqueeze", "total_step", net.constant([1, 2])))
    moved = net.node("Add", "noisy_latent", change)
    net.save(
        [
            ("noisy_latent", ["B", LATENT, "L"]),
            ("text_emb", ["B", 256, "T"]),
            ("style_ttl", ["B", 50, 256]),
            ("latent_mask", ["B", 1, "L"]),
            ("text_mask", ["B", 1, "T"]),
            ("current_step", ["B"]),
            ("total_step", ["B"]),
        ],
        net.node("Mul", moved, "latent_mask"),
        ("denoised_latent", ["B", LATENT, "L"]),
        path,
    )


def vocoder(path: Path) -> None:
    """25 million weights: ten blocks and a head over parts of a 44,100th times 512."""
    net = Network(2)
    parts = net.node("Reshape", "latent", net.constant([0, PART, LATENT // PART, -1]))
    parts = net.node("Transpose", parts, perm=[0, 1, 3, 2])
    value = net.conv(net.node("Reshape", parts, net.constant([0, PART, -1])), WIDTH, PART, 7)
    for dilation in (1, 2, 4, 1, 2, 4, 1, 1, 1, 1):
        value = net.block(value, dilation)
    value = net.conv(net.node("Relu", net.conv(value, INNER, WIDTH, 3)), CHUNK, INNER)
    rows = net.node("Transpose", net.node("Tanh", value), perm=[0, 2, 1])
    net.save(
        [("latent", ["B", LATENT, "L"])],
        net.node("Reshape", rows, net.constant([0, -1])),
        ("wav_tts", ["B", "N"]),
        path,
    )
