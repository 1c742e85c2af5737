"""MediaPipe's networks for faces and people (Apache-2.0) rewritten for the engine's small executor, weights as f16.

`face_landmarker.task` is a ZIP of TensorFlow Lite files; `selfie_segmentation.tflite`, which finds the person, lies in
MediaPipe's wheel. Each becomes one list of operators; an activation that follows an operator is fused into it, and so is
the channel padding that precedes an addition. A sigmoid at the end is left to the engine.

Layout, little-endian: magic `ESNN`, u32 version 1, input height, width, channels, count of tensors, count of outputs,
the outputs' tensor numbers, count of operators; then each operator as u32 kind, inputs a and b (b only for sums and
products, else 0), output, output height, width, channels, kernel height, kernel width, stride, padding top, padding left, slopes
(0 or the channels), followed by f16 weights, biases and slopes. Tensor 0 is the input. A ReLU is a slope of 0.
"""
from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import numpy as np

CONVOLUTION, DEPTHWISE, MAX_POOL, ADD, HARD_SWISH, MEAN, LOGISTIC, SCALE, DOUBLE, SPREAD = range(10)
KINDS = {
    "CONV_2D": CONVOLUTION, "DEPTHWISE_CONV_2D": DEPTHWISE, "MAX_POOL_2D": MAX_POOL, "ADD": ADD, "HARD_SWISH": HARD_SWISH, "AVERAGE_POOL_2D": MEAN,
    "LOGISTIC": LOGISTIC, "MUL": SCALE, "RESIZE_BILINEAR": DOUBLE, "CUSTOM": SPREAD,
}  # fmt: skip
"""A custom operator is MediaPipe's transposed convolution, which makes 2 × 2 of each pixel; averages are over all pixels."""
NETWORKS = {"detector": "face_detector.tflite", "landmarks": "face_landmarks_detector.tflite"}


def converted(bundle: Path, name: str) -> bytes:
    """One network of the bundle in the engine's format."""
    with zipfile.ZipFile(bundle) as archive:
        return _Network(archive.read(NETWORKS[name])).written()


def converted_person(path: Path) -> bytes:
    """`selfie_segmentation.tflite` in the engine's format."""
    return _Network(path.read_bytes()).written()


class _Network:
    def __init__(self, data: bytes):
        import tflite

        self._tflite = tflite
        self._model = tflite.Model.GetRootAs(data, 0)
        self._graph = self._model.Subgraphs(0)
        self._codes = {value: key for key, value in vars(tflite.BuiltinOperator).items() if isinstance(value, int)}
        self._operators = [self._graph.Operators(i) for i in range(self._graph.OperatorsLength())]
        self._constants = self._dequantized()
        self._numbers = {self._graph.Inputs(0): 0}
        self._written: list[bytes] = []

    def _code(self, operator) -> str:
        code = self._model.OperatorCodes(operator.OpcodeIndex())
        return self._codes[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]

    def _shape(self, tensor: int) -> list[int]:
        found = self._graph.Tensors(tensor)
        return list(found.ShapeAsNumpy()) if found.ShapeLength() else []

    def _data(self, tensor: int) -> np.ndarray | None:
        found = self._graph.Tensors(tensor)
        raw = self._model.Buffers(found.Buffer()).DataAsNumpy()
        if isinstance(raw, int):
            return None
        types = {0: np.float32, 1: np.float16, 2: np.int32}
        return np.frombuffer(raw.tobytes(), types[found.Type()]).reshape(self._shape(tensor))

    def _dequantized(self) -> dict[int, np.ndarray]:
        found = {}
        for operator in self._operators:
            if self._code(operator) == "DEQUANTIZE":
                found[operator.Outputs(0)] = self._data(operator.Inputs(0)).astype(np.float32)
        return found

    def _constant(self, tensor: int) -> np.ndarray:
        return self._constants[tensor] if tensor in self._constants else self._data(tensor).astype(np.float32)

    def written(self) -> bytes:
        operators = [o for o in self._operators if self._code(o) != "DEQUANTIZE"]
        users: dict[int, list] = {}
        for operator in operators:
            for i in range(operator.InputsLength()):
                users.setdefault(operator.Inputs(i), []).append(operator)
        padded: dict[int, int] = {}
        fused: set[int] = set()
        outputs = []
        for operator in operators:
            code, source, result = self._code(operator), operator.Inputs(0), operator.Outputs(0)
            if code in ("RELU", "PRELU") and result in fused:
                continue
            if code == "PAD":
                padded[result] = source
                continue
            if code in ("RESHAPE", "CONCATENATION") or self._ends(operator, users):
                continue
            following = users.get(result, [])
            slopes = np.zeros(0, np.float32)
            name = result
            if len(following) == 1 and self._code(following[0]) in ("RELU", "PRELU"):
                name = following[0].Outputs(0)
                fused.add(name)
                channels = self._shape(result)[-1]
                slopes = np.zeros(channels, np.float32) if self._code(following[0]) == "RELU" else self._constant(following[0].Inputs(1)).reshape(-1)
            self._operator(code, operator, padded, name, result, slopes)
            if not following or all(self._code(user) == "RESHAPE" or self._ends(user, users) for user in following):
                outputs.append(self._numbers[name])
        head = struct.pack("<4sI3I", b"ESNN", 1, *self._shape(self._graph.Inputs(0))[1:])
        head += struct.pack(f"<2I{len(outputs)}II", len(self._numbers), len(outputs), *outputs, len(self._written))
        return head + b"".join(self._written)

    def _ends(self, operator, users: dict[int, list]) -> bool:
        """Whether it is a sigmoid that nothing follows that computes."""
        return self._code(operator) == "LOGISTIC" and all(self._code(user) == "RESHAPE" for user in users.get(operator.Outputs(0), []))

    def _operator(self, code, operator, padded, name, result, slopes) -> None:
        kind = KINDS[code]
        number = lambda tensor: self._numbers[padded.get(tensor, tensor)]  # noqa: E731
        a = operator.Inputs(0)
        height, width, channels = self._shape(result)[1:]
        kernel, stride, padding, weights, second = (1, 1), 1, (0, 0), b"", 0
        if kind == ADD:
            first, other = sorted((a, operator.Inputs(1)), key=lambda tensor: tensor not in padded)
            a, second = first, number(other)
        elif kind == SCALE:
            second = number(operator.Inputs(1))
        elif kind == SPREAD:
            array = self._constant(operator.Inputs(1))
            kernel, stride = array.shape[1:3], 2
            weights = array.astype("<f2").tobytes() + self._constant(operator.Inputs(2)).astype("<f2").tobytes()
        elif kind in (CONVOLUTION, DEPTHWISE, MAX_POOL):
            options = {CONVOLUTION: self._tflite.Conv2DOptions, DEPTHWISE: self._tflite.DepthwiseConv2DOptions, MAX_POOL: self._tflite.Pool2DOptions}[kind]()
            table = operator.BuiltinOptions()
            options.Init(table.Bytes, table.Pos)
            stride = options.StrideH()
            if kind == MAX_POOL:
                kernel = options.FilterHeight(), options.FilterWidth()
            else:
                array = self._constant(operator.Inputs(1))
                kernel = array.shape[1:3]
                weights = array.astype("<f2").tobytes() + self._constant(operator.Inputs(2)).astype("<f2").tobytes()
            if options.Padding() == self._tflite.Padding.SAME:
                sizes = self._shape(a)[1:3]
                padding = tuple(max((out - 1) * stride + k - size, 0) // 2 for out, k, size in zip((height, width), kernel, sizes))
        self._numbers[name] = len(self._numbers)
        fields = (kind, number(a), second, self._numbers[name], height, width, channels, *kernel, stride, *padding, len(slopes))
        self._written.append(struct.pack("<13I", *fields) + weights + slopes.astype("<f2").tobytes())
