"""Faces and their 478 landmarks in pictures, by the networks of portraits (`engine/src/portrait/data`), run by ONNX Runtime.

The networks are MediaPipe's (Apache-2.0) as `networks.py` writes them: no other program is needed to find faces.
"""
from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from .networks import ADD, CONVOLUTION, DEPTHWISE, MAX_POOL

DATA = Path(__file__).resolve().parents[3] / "engine" / "src" / "portrait" / "data"
GRIDS = ((16, 2), (8, 6))
"""Cells a side and anchors a cell of the detector."""
LEAST_SCORE = 0.5
SAME_FACE = 0.3
SHARES = (1.0, 0.6, 0.35)
"""Sides of the squares that are searched, as parts of the picture's longer side, until one shows a face."""
ROOM = 1.5
PASSES = 3
"""Of the landmarks, each on a square around those before."""
LEAST_PRESENCE = 0.5
EYES = (33, 263)


@dataclass(frozen=True)
class Found:
    """A face that was found."""

    points: np.ndarray
    """`[478, 3]` f32: x and y in pixels, z in pixels, smaller nearer to the camera."""
    presence: float


class Network:
    """A network of the engine's format. `[H, W, C]` in, a list of `[h, w, c]` out."""

    def __init__(self, path: Path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 3
        model = as_onnx(path.read_bytes())
        self._session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def __call__(self, picture: np.ndarray) -> list[np.ndarray]:
        outputs = self._session.run(None, {"t0": np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32)})
        return [each[0].transpose(1, 2, 0) for each in outputs]


def as_onnx(data: bytes) -> onnx.ModelProto:
    """The network as ONNX, channels first."""
    at = 0

    def take(form: str) -> tuple:
        nonlocal at
        values = struct.unpack_from("<" + form, data, at)
        at += struct.calcsize("<" + form)
        return values

    def floats(*shape: int) -> np.ndarray:
        nonlocal at
        count = int(np.prod(shape))
        values = np.frombuffer(data, "<f2", count, at).astype(np.float32).reshape(shape)
        at += 2 * count
        return values

    magic, version, *side = take("4sI3I")
    if (magic, version) != (b"ESNN", 1):
        raise ValueError("not a face network of the studio")
    tensors, count = take("2I")
    outputs, (operators,) = take(f"{count}I"), take("I")
    shapes: dict[int, list[int]] = {0: side}
    nodes, arrays = [], []

    def array(values: np.ndarray) -> str:
        arrays.append(numpy_helper.from_array(np.ascontiguousarray(values), f"a{len(arrays)}"))
        return arrays[-1].name

    for _ in range(operators):
        kind, a, b, out, height, width, channels, *kernel, stride, top, left, slopes = take("13I")
        name = f"t{out}" if not slopes else f"t{out}_plain"
        given, shapes[out] = shapes[a], [height, width, channels]
        below, right = (max((n - 1) * stride + k - size - before, 0) for n, k, size, before in zip((height, width), kernel, given, (top, left)))
        pads = {"kernel_shape": kernel, "strides": [stride] * 2, "pads": [top, left, below, right]}
        if kind == ADD:
            source = f"t{a}"
            if given[2] < channels:
                source = f"t{out}_padded"
                nodes.append(helper.make_node("Pad", [f"t{a}", array(np.array([0, 0, 0, 0, 0, channels - given[2], 0, 0], np.int64))], [source]))
            nodes.append(helper.make_node("Add", [source, f"t{b}"], [name]))
        elif kind == MAX_POOL:
            nodes.append(helper.make_node("MaxPool", [f"t{a}"], [name], **pads))
        elif kind == CONVOLUTION:
            weights, bias = floats(channels, *kernel, given[2]), floats(channels)
            nodes.append(helper.make_node("Conv", [f"t{a}", array(weights.transpose(0, 3, 1, 2)), array(bias)], [name], **pads))
        elif kind == DEPTHWISE:
            weights, bias = floats(*kernel, channels), floats(channels)
            nodes.append(helper.make_node("Conv", [f"t{a}", array(weights.transpose(2, 0, 1)[:, None]), array(bias)], [name], group=channels, **pads))
        else:
            raise ValueError(f"a face network with an operator of kind {kind}")
        if slopes:
            nodes.append(helper.make_node("PRelu", [name, array(floats(slopes).reshape(-1, 1, 1))], [f"t{out}"]))
    ends = [helper.make_tensor_value_info(f"t{o}", TensorProto.FLOAT, [1, shapes[o][2], *shapes[o][:2]]) for o in outputs]
    start = helper.make_tensor_value_info("t0", TensorProto.FLOAT, [1, side[2], *side[:2]])
    graph = helper.make_graph(nodes, "face", [start], ends, arrays)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@cache
def _network(name: str) -> Network:
    return Network(DATA / f"{name}.net")


def _square(picture: np.ndarray, middle: np.ndarray, side: float, turn: tuple[float, float], size: int) -> np.ndarray:
    """A turned square of the picture `[size, size, 3]` in levels, averaged over what a pixel covers; black outside."""
    fine = int(np.clip(np.ceil(side / size), 1, 4))
    step, (c, s) = side / (size * fine), turn
    linear = step * np.array([[c, -s], [s, c]])
    # OpenCV has pixel centres at whole numbers.
    shift = middle - linear @ np.full(2, size * fine / 2 - 0.5) - 0.5
    matrix = np.concatenate([linear, shift[:, None]], 1)
    crop = cv2.warpAffine(picture, matrix, (size * fine, size * fine), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32)


def boxes(picture: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Faces in an RGB picture, the largest first: bounds (left, top, right, bottom) and the eyes `[2, 2]`, the person's right one first."""
    height, width = picture.shape[:2]
    rows: list[np.ndarray] = []
    for share in SHARES:
        side = share * max(height, width)
        for top in _starts(height, side):
            for left in _starts(width, side):
                rows += _searched(picture, left, top, side)
        if rows:
            break
    kept = _merged(np.stack(rows)) if rows else []
    return [(row[:4], row[4:8].reshape(2, 2)) for row in sorted(kept, key=lambda row: row[0] - row[2])]


def _starts(length: int, side: float) -> np.ndarray:
    room = length - side
    return np.array([room / 2]) if room <= 0 else np.linspace(0, room, int(np.ceil(room / (0.5 * side))) + 1)


def _searched(picture: np.ndarray, left: float, top: float, side: float) -> list[np.ndarray]:
    """Rows of bounds, eyes and score in one square."""
    crop = _square(picture, np.array([left, top]) + side / 2, side, (1.0, 0.0), 128)
    outputs = _network("detector")(crop / 127.5 - 1)
    rows = []
    for grid, (cells, each) in enumerate(GRIDS):
        scores = 1 / (1 + np.exp(-np.clip(outputs[grid].reshape(-1), -50, 50)))
        values = outputs[2 + grid].reshape(-1, 16) / 128
        for anchor in np.flatnonzero(scores >= LEAST_SCORE):
            cell = anchor // each
            middle = (np.array([cell % cells, cell // cells]) + 0.5) / cells
            start = np.array([left, top])
            (x, y), (w, h) = start + (middle + values[anchor, :2]) * side, values[anchor, 2:4] * side / 2
            eyes = start + (middle + values[anchor, 4:8].reshape(2, 2)) * side
            rows.append(np.array([x - w, y - h, x + w, y + h, *eyes.reshape(-1), scores[anchor]]))
    return rows


def _merged(rows: np.ndarray) -> list[np.ndarray]:
    """Boxes of the same face become one, the mean by their scores."""
    rows, out = rows[np.argsort(-rows[:, 8], kind="stable")], []
    while len(rows):
        first = rows[0]
        low, high = np.maximum(rows[:, :2], first[:2]), np.minimum(rows[:, 2:4], first[2:4])
        shared = np.maximum(high - low, 0).prod(1)
        area = (rows[:, 2:4] - rows[:, :2]).prod(1)
        same = shared / np.maximum(area + area[0] - shared, 1e-6) > SAME_FACE
        same[0] = True
        out.append(np.average(rows[same], axis=0, weights=rows[same, 8]))
        rows = rows[~same]
    return out


def landmarks(picture: np.ndarray, bounds: np.ndarray, eyes: np.ndarray) -> Found:
    """The landmarks of a face that the detector found."""
    found = _pass(picture, (bounds[:2] + bounds[2:]) / 2, ROOM * float((bounds[2:] - bounds[:2]).max()), eyes)
    for _ in range(1, PASSES):
        found = again(picture, found.points)
    return found


def again(picture: np.ndarray, points: np.ndarray) -> Found:
    """The landmarks of a face that lay at `points`, in this picture or the one before."""
    eyes = points[list(EYES), :2]
    c, s = _turn(eyes)
    upright = points[:, :2] @ np.array([[c, -s], [s, c]])
    low, high = upright.min(0), upright.max(0)
    middle = np.array([[c, -s], [s, c]]) @ ((low + high) / 2)
    return _pass(picture, middle, ROOM * float((high - low).max()), eyes)


def _turn(eyes: np.ndarray) -> tuple[float, float]:
    along = (eyes[1] - eyes[0]) / max(float(np.linalg.norm(eyes[1] - eyes[0])), 1e-3)
    return float(along[0]), float(along[1])


def _pass(picture: np.ndarray, middle: np.ndarray, side: float, eyes: np.ndarray) -> Found:
    c, s = _turn(eyes)
    _, presence, points = _network("landmarks")(_square(picture, middle, side, (c, s), 256) / 255)
    points = points.reshape(-1, 3).astype(np.float64)
    step = side / 256
    at = (points[:, :2] - 128) * step @ np.array([[c, s], [-s, c]]) + middle
    return Found(np.concatenate([at, points[:, 2:] * step], 1).astype(np.float32), float(1 / (1 + np.exp(-np.clip(presence.reshape(-1)[0], -50, 50)))))


def canonical() -> np.ndarray:
    """The canonical face's points `[468, 3]`, in eyes, as portraits have it."""
    data = (DATA / "head.bin").read_bytes()
    magic, version, points, _, _ = struct.unpack_from("<4s4I", data)
    if (magic, version) != (b"ESFH", 1):
        raise ValueError("not the head of portraits")
    return np.frombuffer(data, "<f4", 3 * points, 20).reshape(-1, 3).astype(np.float64)
