"""An identity network in 8 bits: the same pictures for a quarter of the time on CPUs.

    python -m essence_studio.identity.quantize avatar.imx

`quantized` rewrites what `train.export` writes:

- Activations are 8 bits, weights 7, sums 32: `QLinearConv` of ONNX Runtime, channels last. Seven bits, since processors without VNNI add
  pairs of products in 16 bits, and 2 · 255 · 63 still fits: every processor gives the same picture.
- Twice the size by nearest neighbour and 3 x 3 then is four convolutions of 2 x 2 of the small picture, one for each pixel of a square of
  two: taps that fall on the same small pixel are added up beforehand. Less than half the products, and nothing is enlarged.
- Red, green and blue come as blocks of 4 x 4 pixels `[N, S/4, S/4, 48]` u8, row by row, which the engine puts in place; the mask is always
  the same and goes into a file of its own.

The scales are those that change the patch least where it shows, over mouths of all kinds with the avatar's own poses.
"""
from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from .. import pack

BLOCK = 4
"""The decoder ends at a quarter of the patch's size."""
WEIGHT_LEVELS = 63
CALIBRATION, SEED = 192, 1
CLIPS = (99.5, 99.8, 99.9, 99.95, 99.99, 100.0)
"""Percentiles of the activations that may become the largest value."""
FILE, MASK_FILE = "identity.int8.onnx", "alpha.u8"
DOMAIN = "com.microsoft"


class NotThisNetwork(ValueError):
    """The network is not one that `train.export` wrote."""


@dataclass
class Network:
    """The parts of an identity network, read from its ONNX file."""

    model: onnx.ModelProto
    head: list[onnx.NodeProto]
    """What leads to `hidden` and `weights`; stays in floats."""
    hidden: str
    spread: tuple[np.ndarray, np.ndarray]
    convs: list[tuple[np.ndarray, np.ndarray]]
    """Weights `[O, I, 3, 3]` and biases; the last one is the output's."""
    weights: str
    """Name of the textures' weights."""
    textures: np.ndarray
    """`[K, 3, S, S]`"""
    texture: np.ndarray
    """`[4, S, S]`: the constant one, and the mask."""
    activations: list[str]
    """Names of what `spread` and the convolutions give."""

    @property
    def size(self) -> int:
        return self.texture.shape[-1]

    @classmethod
    def read(cls, data: bytes) -> Network:
        model = onnx.load_from_string(data)
        arrays = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
        for node in model.graph.node:
            if node.op_type == "Cast" and node.input[0] in arrays:
                arrays[node.output[0]] = arrays[node.input[0]].astype(np.float32)
        maker = {name: node for node in model.graph.node for name in node.output}

        def before(node: onnx.NodeProto, wanted: str) -> onnx.NodeProto:
            while node.op_type != wanted:
                if not node.input or node.input[0] not in maker:
                    raise NotThisNetwork(f"no {wanted} where one is expected")
                node = maker[node.input[0]]
            return node

        def of(kind: str) -> list[onnx.NodeProto]:
            return [node for node in model.graph.node if node.op_type == kind]

        convs, products = of("Conv"), of("MatMul")
        products = [node for node in products if node.input[1] in arrays and arrays[node.input[1]].shape[1] % 3 == 0]
        shuffles, sums = of("DepthToSpace"), [node for node in of("Add") if any(name in arrays for name in node.input)]
        if len(convs) < 2 or len(shuffles) != 1 or shuffles[0].input[0] != convs[-1].output[0] or not products or not sums:
            raise NotThisNetwork("its layers are not those of the studio's decoder")
        # The first `MatMul`s may be a person's calibration; the textures come last.
        product, last = products[-1], sums[-1]
        texture = next(arrays[name] for name in last.input if name in arrays)[0]
        gemm = before(maker[convs[0].input[0]], "Gemm")
        activations = [next(n for n in of("Relu") if n.input[0] == node.output[0]).output[0] for node in [gemm, *convs[:-1]]]
        network = cls(
            model=model,
            head=_ancestors(maker, [gemm.input[0], product.input[0]]),
            hidden=gemm.input[0],
            spread=(arrays[gemm.input[1]], arrays[gemm.input[2]]),
            convs=[(arrays[node.input[1]], arrays[node.input[2]]) for node in convs],
            weights=product.input[0],
            textures=arrays[product.input[1]].reshape(-1, 3, *texture.shape[-2:]),
            texture=texture,
            activations=[*activations, convs[-1].output[0]],
        )
        if texture.ndim != 3 or len(network.convs[-1][0]) != 3 * BLOCK**2:
            raise NotThisNetwork("its output is not that of the studio's decoder")
        return network


def _ancestors(maker: dict[str, onnx.NodeProto], names: list[str]) -> list[onnx.NodeProto]:
    """The nodes that make these tensors, each after those it needs."""
    found: list[onnx.NodeProto] = []

    def visit(name: str) -> None:
        node = maker.get(name)
        if node is not None and all(node is not each for each in found):
            for each in node.input:
                visit(each)
            found.append(node)

    for name in names:
        visit(name)
    return found


def mouths(count: int, coefficients: int) -> np.ndarray:
    """`[count, C]`: from rest to more than speech asks for, few shapes at a time or many."""
    random = np.random.Generator(np.random.PCG64(SEED))
    chosen = random.random((count, coefficients)) < random.random((count, 1))
    made = random.random((count, coefficients)) * chosen * random.random((count, 1))
    made[: count // 16] = 0
    return made.astype(np.float32)


def quantized(data: bytes, coefficients: int, poses: np.ndarray) -> tuple[bytes, np.ndarray]:
    """The network in 8 bits and the mask `[S, S]` u8, from `identity.onnx` and the base frames' poses `[n, P]`.

    The same input gives the same bytes.
    """
    network = Network.read(data)
    inputs = mouths(CALIBRATION, coefficients)
    pose = poses[np.arange(CALIBRATION) * 7 % len(poses)].astype(np.float32)
    wanted, seen = _observe(network, inputs, pose)
    clips = [CLIPS.index(99.9)] * len(seen)
    best = None
    # One scale after the other, twice round: they hardly depend on each other.
    for stage in [*range(len(seen)), *range(len(seen))]:
        for clip in range(len(CLIPS)):
            tried = [*clips[:stage], clip, *clips[stage + 1 :]]
            if best and tried == clips:
                continue
            model = _build(network, [np.float32(levels[at]) for levels, at in zip(seen, tried)])
            error = _error(model, network, inputs[::3], pose[::3], wanted[::3])
            if best is None or error < best[0]:
                best, clips = (error, model), tried
    mask = np.round(255 * np.clip(network.texture[3], 0, 1)).astype(np.uint8)
    return best[1], mask


def _session(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _observe(network: Network, inputs: np.ndarray, pose: np.ndarray) -> tuple[np.ndarray, list[list[float]]]:
    """The patches' colours in floats, and the percentiles of each activation where the patch can be seen."""
    model = onnx.ModelProto()
    model.CopyFrom(network.model)
    for name in network.activations:
        model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    session = _session(model.SerializeToString())
    runs = [session.run(None, {"coefficients": inputs[[i]], "pose": pose[[i]]}) for i in range(len(inputs))]
    seen = []
    for index in range(1, len(runs[0])):
        values = np.concatenate([run[index] for run in runs])
        if values.ndim == 4:
            values = values[:, :, _visible(network.texture[3], values.shape[-1])]
        seen.append([max(float(x), 1e-3) for x in np.percentile(np.abs(values), CLIPS)])
    return np.concatenate([run[0] for run in runs])[:, :3], seen


def _visible(mask: np.ndarray, size: int) -> np.ndarray:
    """The cells of a small picture under which the mask shows something."""
    step = mask.shape[0] // size
    return mask.reshape(size, step, size, step).max((1, 3)) > 0


def _error(model: bytes, network: Network, inputs: np.ndarray, pose: np.ndarray, wanted: np.ndarray) -> float:
    """Squared error weighted by the mask, its square summed over the pictures: the worst ones count most."""
    session = _session(model)
    mask, cells, total = network.texture[3], network.size // BLOCK, 0.0
    for i in range(len(inputs)):
        made = session.run(None, {"coefficients": inputs[[i]], "pose": pose[[i]]})[0]
        made = made.reshape(cells, cells, BLOCK, BLOCK, 3).transpose(4, 0, 2, 1, 3).reshape(3, network.size, network.size)
        total += float((((made / np.float32(255) - wanted[i]) * mask) ** 2).mean()) ** 2
    return total


class _Graph:
    """ONNX nodes, one after the other."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.arrays: list[onnx.TensorProto] = []

    def array(self, values) -> str:
        name = f"a{len(self.arrays)}"
        self.arrays.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name

    def add(self, kind: str, *inputs: str, domain: str = "", **attributes) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], domain=domain, **attributes))
        return name

    def floats(self, values: np.ndarray, kept: type) -> str:
        """An array that takes little room in the file, as floats: ONNX Runtime casts it once, when it loads the network."""
        return self.add("Cast", self.array(values.astype(kept)), to=TensorProto.FLOAT)

    def reshape(self, x: str, *shape: int) -> str:
        return self.add("Reshape", x, self.array(np.array([-1, *shape])))

    def convolution(self, x: str, scales: tuple[np.float32, np.float32], weights: np.ndarray, bias: np.ndarray, pad: int, zero: int = 0) -> str:
        """With clipping at 0 and 255, which is a ReLU where `zero` is 0. `scales` are the input's and the output's."""
        inside, outside = scales
        step = (np.abs(weights).reshape(len(weights), -1).max(1) / WEIGHT_LEVELS + 1e-9).astype(np.float32)
        levels = np.round(weights / step[:, None, None, None]).astype(np.int8)
        sums = np.round(bias / (step * inside)).astype(np.int32)
        return self.add(
            "QLinearConv", x, self.array(inside), self.array(np.uint8(0)), self.array(levels), self.array(step),
            self.array(np.zeros(len(step), np.int8)), self.array(outside), self.array(np.uint8(zero)), self.array(sums),
            domain=DOMAIN, channels_last=1, kernel_shape=list(weights.shape[2:]), pads=[pad] * 4, strides=[1, 1],
        )  # fmt: skip


def _build(network: Network, largest: list[np.float32]) -> bytes:
    """The network with these largest activations."""
    graph = _Graph()
    side, channels = network.size // BLOCK >> (len(network.convs) - 1), network.convs[0][0].shape[1]
    scale = np.float32(largest[0] / 255)
    # Rows in the order of channels last.
    order = np.arange(channels * side * side).reshape(channels, -1).T.reshape(-1)
    x = graph.add("Gemm", network.hidden, graph.floats(network.spread[0][order], np.float16), graph.array(network.spread[1][order]), transB=1)
    x = graph.reshape(graph.add("QuantizeLinear", x, graph.array(scale), graph.array(np.uint8(0))), side, side, channels)
    for (weights, bias), most in zip(network.convs[:-1], largest[1:-1]):
        weights = halved(weights)
        outside, channels = np.float32(most / 255), weights.shape[2]
        x = graph.convolution(x, (scale, outside), weights.reshape(-1, *weights.shape[3:]), np.tile(bias, 4), pad=1)
        # Squares of two, then without the half squares around.
        x = graph.reshape(x, side + 1, side + 1, 2, 2 * channels)
        x = graph.reshape(graph.add("Transpose", x, perm=[0, 1, 3, 2, 4]), 2 * side + 2, 2 * side + 2, channels)
        edges = [graph.array(np.array(values)) for values in ([1, 1], [2 * side + 1] * 2, [1, 2])]
        x, side, scale = graph.add("Slice", x, *edges), 2 * side, outside

    def blocks(values: np.ndarray) -> np.ndarray:
        """`[K, 3, S, S]` as rows of blocks."""
        return values.reshape(-1, 3, side, BLOCK, side, BLOCK).transpose(0, 2, 4, 3, 5, 1).reshape(len(values), -1)

    weights, bias = network.convs[-1]
    weights = weights.reshape(3, BLOCK, BLOCK, *weights.shape[1:]).transpose(1, 2, 0, 3, 4, 5).reshape(weights.shape)
    bias = bias.reshape(3, BLOCK, BLOCK).transpose(1, 2, 0).reshape(-1)
    moving, middle = np.float32(largest[-1] / 127), 128
    x = graph.convolution(x, (scale, moving), weights, bias, pad=1, zero=middle)
    # The textures may overshoot what is seen by a half.
    still, zero = np.float32(2 / 255), 64
    textures = blocks(network.textures)
    step = np.abs(textures).max(1).clip(1e-6) / 127
    y = graph.add("Mul", network.weights, graph.array(step.astype(np.float32)))
    y = graph.add("Gemm", y, graph.floats(np.round(textures / step[:, None]), np.int8), graph.floats(blocks(network.texture[None, :3])[0], np.float16))
    y = graph.add("QuantizeLinear", y, graph.array(still), graph.array(np.uint8(zero)))
    y = graph.reshape(y, side, side, 3 * BLOCK**2)
    constants = [graph.array(value) for value in (moving, np.uint8(middle), still, np.uint8(zero), np.float32(1 / 255), np.uint8(0))]
    graph.nodes.append(helper.make_node("QLinearAdd", [x, *constants[:2], y, *constants[2:]], ["blocks"], domain=DOMAIN))

    used = {name for node in network.head for name in node.input}
    made = helper.make_graph(
        [*network.head, *graph.nodes], "identity", list(network.model.graph.input),
        [helper.make_tensor_value_info("blocks", TensorProto.UINT8, ["N", side, side, 3 * BLOCK**2])],
        [each for each in network.model.graph.initializer if each.name in used] + graph.arrays,
    )  # fmt: skip
    opset = next(each.version for each in network.model.opset_import if each.domain == "")
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid(DOMAIN, 1)], producer_name="essence-studio")
    model.ir_version = network.model.ir_version
    return model.SerializeToString()


def halved(weights: np.ndarray) -> np.ndarray:
    """`[O, I, 3, 3]` behind an enlargement by two -> `[2, 2, O, I, 2, 2]` before it.

    With a border of 1, the small convolution gives place (i, j) from the small pixels i - 1, i and j - 1, j. These make the large pixels
    2 i - 1 (first index 0: its upper two taps fall on i - 1) and 2 i (1: its lower two fall on i).
    """
    taps = np.array([[[1, 1, 0], [0, 0, 1]], [[1, 0, 0], [0, 1, 1]]], np.float32)
    return np.einsum("pak,qbl,oikl->pqoiab", taps, taps, weights)


def slim(data: bytes) -> bytes:
    """The same network with its large arrays in 16 bits, which ONNX Runtime casts once, when it loads it: half the file."""
    model = onnx.load_from_string(data)
    casts = []
    for each in model.graph.initializer:
        if each.data_type == TensorProto.FLOAT and np.prod(each.dims) >= 4096:
            name, values = each.name, numpy_helper.to_array(each)
            each.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name + ".f16"))
            casts.append(helper.make_node("Cast", [name + ".f16"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model.SerializeToString()


def add(members: dict[str, bytes], manifest: dict) -> None:
    """Puts an 8-bit form of an avatar's identity network into it, in place of one that is there, and makes the network itself small."""
    identity, pose = manifest["networks"]["identity"], len(manifest["crop"]["pose"])
    poses = np.frombuffer(members["geometry.f32"], "<f4").reshape(-1, pose + 6)[:, :pose]
    members[identity["file"]] = slim(members[identity["file"]])
    model, mask = quantized(members[identity["file"]], len(manifest["coefficients"]), poses)
    identity["quantized"] = {"file": FILE, "alpha": MASK_FILE}
    members[FILE], members[MASK_FILE] = model, mask.tobytes()


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="python -m essence_studio.identity.quantize", description="Gives an avatar its identity network in 8 bits.")
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args(argv)
    try:
        manifest, members = pack.read_imx(arguments.file)
        add(members, manifest)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 66
    pack.write_imx(arguments.file, members, manifest)
    return 0


if __name__ == "__main__":
    sys.exit(main())
