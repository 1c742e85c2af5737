"""Makes the avatars and the bad files that the tests use. Run by hand, the results are committed:

    python -m venv venv && venv/bin/pip install numpy==2.4.6 onnx==1.23.2 onnxruntime==1.31.1 pillow==13.0.0
    venv/bin/python testdata/generate.py

The same versions give the same bytes.

- `avatars/toy.imx`: a whole avatar in 25 KB: 10 frames, two tiny networks whose answers can be told by eye.
- `avatars/toy.zip.imx`: the same members in a ZIP archive.
- `avatars/toy_failing.imx`: the same, but its identity network fails at run time once the jaw opens wide.
- `avatars/toy_8bit.imx`: the toy with its identity network in 8 bits besides; `toy_8bit_off.imx`: with one that is too bright.
- `avatars/toy_keyed.imx`: the toy as if keyed from a green screen, with mattes.
- `good/`: small files that open.
- `bad/`: small files that don't, each wrong in one way, named after it. Made from an avatar without real networks.
  `engine/tests/container.rs` has the table of what to expect of each.

`hostile.py` makes avatars with hostile networks.
"""

import copy
import hashlib
import io
import json
import math
import shutil
import struct
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "studio"))

from essence_studio import pack  # noqa: E402

COEFFICIENTS = (
    "jawOpen jawForward mouthClose mouthFunnel mouthPucker mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper "
    "mouthSmile mouthStretch mouthPress mouthLowerDown mouthUpperUp mouthDimple tongueTip"
).split()
BOTH_SIDES = {"mouthSmile", "mouthStretch", "mouthPress", "mouthLowerDown", "mouthUpperUp", "mouthDimple"}
POSE = ["yaw", "pitch", "roll"]
WINDOW, BANDS, SIZE = 36, 80, 16
WIDTH, HEIGHT, COUNT = 64, 48, 10
DATE = "2026-01-01T00:00:00Z"


# The toy avatar.


def toy() -> tuple[dict[str, bytes], dict]:
    speech, identity = speech_network(), identity_network()
    inputs, patches = selftest(identity)
    members = {"speech.onnx": speech, "identity.onnx": identity}
    members |= {f"frames/{i:05}.jpg": jpeg(toy_frame(i)) for i in range(COUNT)}
    members["geometry.f32"] = np.array([toy_geometry(i) for i in range(COUNT)], "<f4").tobytes()
    members["selftest/inputs.f32"] = inputs.astype("<f4").tobytes()
    members["selftest/patches.u8"] = patches.tobytes()
    manifest = {
        "format_version": "2.0",
        "engine": "essence",
        "engine_abi": 1,
        "name": "toy",
        "created": DATE,
        "license": "CC0-1.0",
        "frame": {"width": WIDTH, "height": HEIGHT, "count": COUNT, "rate": 25},
        "crop": {"size": SIZE, "pose": POSE},
        "coefficients": COEFFICIENTS,
        "arkit": arkit(),
        "networks": {
            "speech": {
                "file": "speech.onnx",
                "inputs": {"mel": ["N", WINDOW, BANDS]},
                "outputs": {"coefficients": ["N", len(COEFFICIENTS)]},
            },
            "identity": {
                "file": "identity.onnx",
                "inputs": {"coefficients": ["N", len(COEFFICIENTS)], "pose": ["N", len(POSE)]},
                "outputs": {"patch": ["N", 4, SIZE, SIZE]},
            },
        },
        "motions": {
            "idle": {"first": 0, "count": 6, "loop": "cycle", "entries": [0, 3], "exits": [2, 5]},
            "talking": {"first": 6, "count": 4, "loop": "cycle"},
            "wave": {"first": 2, "count": 5, "loop": "once"},
            "nod": {"first": 0, "count": 3, "loop": "bounce", "entries": [0], "exits": [0]},
        },
        "selftest": {"inputs": "selftest/inputs.f32", "patches": "selftest/patches.u8", "count": len(inputs)},
        "training": {"command": "testdata/generate.py"},
    }
    return members, manifest


def arkit() -> dict[str, dict[str, float]]:
    table = {}
    for name in COEFFICIENTS:
        if name == "tongueTip":
            table["tongueOut"] = {name: 0.5}
        elif name in BOTH_SIDES:
            table[name + "Left"] = table[name + "Right"] = {name: 1.0}
        else:
            table[name] = {name: 1.0}
    return table


def speech_network() -> bytes:
    """Levels of three bands in the window, most of all in the frame's own four hops, through a clamp.

    The level of silence, ln(1e-6), gives 0 everywhere. Every hop of the window counts a little and later ones more, so
    that a window that is off by a hop gives other numbers.
    """
    time = 0.2 * np.arange(1, WINDOW + 1) / np.arange(1, WINDOW + 1).sum()
    time[WINDOW - 14 : WINDOW - 10] += 0.2
    bands = np.zeros((BANDS, 3))
    bands[:20, 0] = bands[20:50, 1] = bands[50:, 2] = 1
    bands /= bands.sum(0)
    # low, mid, high -> coefficients
    mix = np.zeros((3, len(COEFFICIENTS)))
    bias = np.zeros(len(COEFFICIENTS))
    for name, weights, offset in [
        ("jawOpen", (0.04, 0.06, 0.0), 0.9),
        ("mouthFunnel", (0.06, 0.0, -0.05), 0.1),
        ("mouthSmile", (-0.02, 0.0, 0.06), 0.3),
        ("mouthStretch", (0.0, -0.03, 0.08), 0.2),
        ("mouthLowerDown", (0.0, 0.1, 0.0), 0.8),
        ("tongueTip", (0.0, 0.02, 0.03), 0.3),
    ]:
        mix[:, COEFFICIENTS.index(name)] = weights
        bias[COEFFICIENTS.index(name)] = offset
    nodes = [
        helper.make_node("MatMul", ["time", "mel"], ["in_time"]),
        helper.make_node("Squeeze", ["in_time", "one"], ["spectrum"]),
        helper.make_node("MatMul", ["spectrum", "bands"], ["levels"]),
        helper.make_node("Gemm", ["levels", "mix", "bias"], ["raw"]),
        helper.make_node("Clip", ["raw", "low", "high"], ["coefficients"]),
    ]
    constants = {
        "time": time[None].astype("f4"),
        "one": np.array([1], "i8"),
        "bands": bands.astype("f4"),
        "mix": mix.astype("f4"),
        "bias": bias.astype("f4"),
        "low": np.float32(0),
        "high": np.float32(1),
    }
    return model("speech", nodes, constants, {"mel": [WINDOW, BANDS]}, {"coefficients": [len(COEFFICIENTS)]})


#: How far the jaw opens before the failing avatar's identity network fails.
FAILING = 0.125


def failing() -> tuple[dict[str, bytes], dict]:
    """The toy avatar with a network that passes its self-test and fails later."""
    members, manifest = toy()
    members["identity.onnx"] = identity_network(failing=True)
    inputs, patches = selftest(members["identity.onnx"], widest=0.9 * FAILING)
    members["selftest/inputs.f32"] = inputs.astype("<f4").tobytes()
    members["selftest/patches.u8"] = patches.tobytes()
    return members, manifest | {"name": "failing toy"}


def identity_network(failing: bool = False) -> bytes:
    """A patch whose middle gets brighter as the jaw opens and whose colour follows the pose, under a feathered disc.

    The failing one looks the jaw's opening up in a table of one element, which has no second.
    """
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    radius = np.hypot(x - SIZE / 2, y - SIZE / 2)
    alpha = np.clip((SIZE / 2 - 2 - radius) / 2, 0, 1)
    alpha[[0, 1, -2, -1]] = 0
    alpha[:, [0, 1, -2, -1]] = 0
    mouth = np.exp(-(((x - SIZE / 2) / 4.0) ** 2) - ((y - SIZE / 2) / 2.5) ** 2)
    base = np.stack([0.6 + x / 100, 0.35 + y / 100, 0.3 + (x + y) / 200])
    mix = np.zeros((len(COEFFICIENTS) + len(POSE), 3))
    mix[: len(COEFFICIENTS)] = np.linspace(0.05, 0.1, len(COEFFICIENTS))[:, None] * [1, -1, 0.5]
    mix[COEFFICIENTS.index("jawOpen")] = 0.6
    mix[len(COEFFICIENTS) :] = [[0.5, 0, -0.5], [0, 0.5, -0.25], [-0.25, 0.25, 0.5]]
    nodes = [
        helper.make_node("Concat", ["coefficients", "pose"], ["all"], axis=1),
        helper.make_node("Gemm", ["all", "mix", "bias"], ["flat"]),
        helper.make_node("Reshape", ["flat", "pixel"], ["colour"]),
        helper.make_node("Mul", ["colour", "mouth"], ["change"]),
        helper.make_node("Add", ["change", "base"], ["raw"]),
        helper.make_node("Clip", ["raw", "low", "high"], ["rgb"]),
        # alpha is the same for all of the batch: 0 x something of the batch's size + alpha
        helper.make_node("ReduceMax", ["rgb"], ["any"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Mul", ["any", "low"], ["zero"]),
        helper.make_node("Add", ["zero", "disc"], ["alpha"]),
        helper.make_node("Concat", ["rgb", "alpha"], ["patch"], axis=1),
    ]
    constants = {
        "mix": mix.astype("f4"),
        "bias": np.full(3, -0.3, "f4"),
        "pixel": np.array([-1, 3, 1, 1], "i8"),
        "mouth": mouth[None, None].astype("f4"),
        "base": base[None].astype("f4"),
        "low": np.float32(0),
        "high": np.float32(1),
        "disc": alpha[None, None].astype("f4"),
    }
    if failing:
        nodes[1:2] = [
            helper.make_node("Slice", ["coefficients", "jaw", "behind_jaw", "one"], ["opening"]),
            helper.make_node("Mul", ["opening", "steps"], ["step"]),
            helper.make_node("Cast", ["step"], ["row"], to=TensorProto.INT64),
            helper.make_node("Gather", ["table", "row"], ["nothing"]),
            helper.make_node("Gemm", ["all", "mix", "bias"], ["without"]),
            helper.make_node("Add", ["without", "nothing"], ["flat"]),
        ]
        jaw = COEFFICIENTS.index("jawOpen")
        constants |= {
            "jaw": np.array([jaw], "i8"),
            "behind_jaw": np.array([jaw + 1], "i8"),
            "one": np.array([1], "i8"),
            "steps": np.float32(1 / FAILING),
            "table": np.zeros(1, "f4"),
        }
    inputs = {"coefficients": [len(COEFFICIENTS)], "pose": [len(POSE)]}
    return model("identity", nodes, constants, inputs, {"patch": [4, SIZE, SIZE]})


def eight_bits(off: float = 0) -> tuple[dict[str, bytes], dict]:
    """The toy avatar with its identity network once more in 8 bits, too bright by `off`."""
    members, manifest = toy()
    made = onnx.load_from_string(members["identity.onnx"])
    nodes = [
        *(node for node in made.graph.node if "alpha" not in node.output and "patch" not in node.output),
        helper.make_node("Add", ["rgb", "off"], ["brighter"]),
        helper.make_node("QuantizeLinear", ["brighter", "level", "black"], ["levels"]),
        helper.make_node("Reshape", ["levels", "cut"], ["cells"]),
        helper.make_node("Transpose", ["cells"], ["turned"], perm=[0, 2, 4, 3, 5, 1]),
        helper.make_node("Reshape", ["turned", "joined"], ["blocks"]),
    ]
    cells = SIZE // 4
    constants = {each.name: numpy_helper.to_array(each) for each in made.graph.initializer}
    mask = np.rint(255 * constants.pop("disc")).astype("u1")
    constants |= {
        "off": np.float32(off),
        "level": np.float32(1 / 255),
        "black": np.uint8(0),
        "cut": np.array([-1, 3, cells, 4, cells, 4], "i8"),
        "joined": np.array([-1, cells, cells, 48], "i8"),
    }
    inputs = {"coefficients": [len(COEFFICIENTS)], "pose": [len(POSE)]}
    members["identity.int8.onnx"] = model("identity", nodes, constants, inputs, {"blocks": [cells, cells, 48]}, TensorProto.UINT8)
    members["alpha.u8"] = mask.tobytes()
    manifest["networks"]["identity"]["quantized"] = {"file": "identity.int8.onnx", "alpha": "alpha.u8"}
    return members, manifest | {"name": "toy in 8 bits"}


def model(name: str, nodes, constants, inputs, outputs, output_type=TensorProto.FLOAT) -> bytes:
    def tensors(shapes, kind=TensorProto.FLOAT):
        return [helper.make_tensor_value_info(k, kind, ["N", *shape]) for k, shape in shapes.items()]

    initializers = [numpy_helper.from_array(np.asarray(value), key) for key, value in constants.items()]
    graph = helper.make_graph(nodes, name, tensors(inputs), tensors(outputs, output_type), initializers)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made, full_check=True)
    return made.SerializeToString(deterministic=True)


def selftest(identity: bytes, widest: float = 1) -> tuple[np.ndarray, np.ndarray]:
    inputs = np.zeros((3, len(COEFFICIENTS) + len(POSE)), "f4")
    inputs[1, COEFFICIENTS.index("jawOpen")] = 1
    inputs[2] = np.linspace(0, 1, inputs.shape[1])
    jaw = COEFFICIENTS.index("jawOpen")
    inputs[:, jaw] = np.minimum(inputs[:, jaw], widest)
    session = onnxruntime.InferenceSession(identity, providers=["CPUExecutionProvider"])
    c = len(COEFFICIENTS)
    (patches,) = session.run(["patch"], {"coefficients": inputs[:, :c], "pose": inputs[:, c:]})
    return inputs, np.rint(patches * 255).astype("u1")


def toy_geometry(i: int) -> list[float]:
    """Pose, and an affine that turns a little, scales and shifts by parts of a pixel."""
    phase = 2 * math.pi * i / COUNT
    yaw, pitch, roll = 0.2 * math.sin(phase), 0.1 * math.cos(phase), 0.05 * math.sin(2 * phase)
    a, b = 1.25 * math.cos(roll), -1.25 * math.sin(roll)
    x, y = 32 + 3 * math.sin(phase) + 0.3, 28 + math.cos(phase) + 0.2
    c, f = x - (a + b) * SIZE / 2, y - (a - b) * SIZE / 2
    return [yaw, pitch, roll, a, b, c, -b, a, f]


def toy_frame(i: int) -> np.ndarray:
    """A face-coloured ellipse that sways before a gradient."""
    phase = 2 * math.pi * i / COUNT
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    picture = np.stack([40 + x, 60 + y * 2, 140 - x / 2 + 10 * math.sin(phase)], -1)
    distance = np.hypot((x - 32 - 3 * math.sin(phase)) / 18, (y - 25 - math.cos(phase)) / 21)
    inside = np.clip((1.05 - distance) * 10, 0, 1)[..., None]
    return np.rint(picture * (1 - inside) + np.array([196, 140, 118]) * inside).astype("u1")


def keyed() -> tuple[dict[str, bytes], dict]:
    """The toy avatar with mattes: a shaded face whose colors go on beyond the edge, over dark blue."""
    members, manifest = toy()
    for i in range(COUNT):
        y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
        phase = 2 * math.pi * i / COUNT
        distance = np.hypot((x - 32 - 3 * math.sin(phase)) / 18, (y - 25 - math.cos(phase)) / 21)
        shade = 1.1 - 0.2 * distance[..., None]
        members[f"frames/{i:05}.jpg"] = jpeg(np.rint(np.clip(np.array([196, 140, 118]) * shade, 0, 255)).astype("u1"))
        members[f"matte/{i:05}.jpg"] = matte(np.clip((1.05 - distance) * 10, 0, 1))
    return members, manifest | {"name": "keyed toy", "format_version": "2.1", "matte": {"background": [20, 40, 90]}}


def matte(alpha: np.ndarray) -> bytes:
    """A matte in [0, 1] as the file has it: 24 and less is transparent, 232 and more is opaque."""
    levels = np.select([alpha <= 0, alpha >= 1], [12, 244], np.rint(24 + 208 * alpha))
    return jpeg(levels.astype("u1"), quality=90)


def jpeg(pixels: np.ndarray, **options) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", **({"quality": 85, "optimize": True} | options))
    return out.getvalue()


# Small avatars, right and wrong.


def small() -> tuple[dict[str, bytes], dict]:
    """An avatar that the container accepts, without real networks."""
    members = {
        "speech.onnx": b"speech network",
        "identity.onnx": b"identity network",
        "frames/00000.jpg": jpeg(np.full((16, 16), 128, "u1")),
        "geometry.f32": struct.pack("<7f", 0, 1, 0, 4, 0, 1, 4),
        "selftest/inputs.f32": bytes(8),
        "selftest/patches.u8": bytes(256),
    }
    manifest = {
        "format_version": "2.0",
        "engine": "essence",
        "engine_abi": 1,
        "name": "small",
        "frame": {"width": 16, "height": 16, "count": 1, "rate": 25},
        "crop": {"size": 8, "pose": ["yaw"]},
        "coefficients": ["jawOpen"],
        "arkit": {"jawOpen": {"jawOpen": 1.0}},
        "networks": {
            "speech": {
                "file": "speech.onnx",
                "inputs": {"mel": ["N", 20, 80]},
                "outputs": {"coefficients": ["N", 1]},
            },
            "identity": {
                "file": "identity.onnx",
                "inputs": {"coefficients": ["N", 1], "pose": ["N", 1]},
                "outputs": {"patch": ["N", 4, 8, 8]},
            },
        },
        "motions": {"idle": {"first": 0, "count": 1}},
        "selftest": {"inputs": "selftest/inputs.f32", "patches": "selftest/patches.u8", "count": 1},
    }
    return members, manifest


def hashes(members: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}


def entries(members: dict[str, bytes], manifest: dict) -> list[tuple[str, bytes]]:
    manifest = {"files": hashes(members)} | manifest
    return [*members.items(), (pack.MANIFEST, json.dumps(manifest, separators=(",", ":")).encode())]


def small_entries() -> list[tuple[str, bytes]]:
    return entries(*small())


def small_imx() -> bytearray:
    return bytearray(pack.layout(small_entries()))


def with_manifest(text: bytes) -> bytes:
    return pack.layout([*small()[0].items(), (pack.MANIFEST, text)])


def edited(path: str, value) -> bytes:
    """The small avatar with one value of its manifest replaced; `...` takes the key out."""
    members, manifest = small()
    manifest = {"files": hashes(members)} | copy.deepcopy(manifest)
    *folders, key = path.split("/")
    where = manifest
    for folder in folders:
        where = where[folder]
    if value is ...:
        del where[key]
    else:
        where[key] = value
    return pack.layout(entries(members, manifest))


def replaced(name: str, data: bytes | None) -> bytes:
    """The small avatar with one member replaced, its hash too, or taken out of both."""
    members, manifest = small()
    if data is None:
        del members[name]
    else:
        members[name] = data
    return pack.layout(entries(members, manifest))


def with_matte(data: bytes | None, background=(0, 0, 255)) -> bytes:
    """The small avatar with this matte, or without the one that its manifest promises."""
    members, manifest = small()
    if data is not None:
        members["matte/00000.jpg"] = data
    return pack.layout(entries(members, manifest | {"format_version": "2.1", "matte": {"background": background}}))


def named(name: bytes) -> bytes:
    """The small avatar with its first member under a name that `pack` would refuse."""
    stand_in = b"n" * len(name)
    (_, data), *rest = small_entries()
    made = pack.layout([(stand_in.decode(), data), *rest])
    length = struct.pack("<H", len(name))
    return changed(made, length + stand_in, length + name)


def patched(index: int, offset: int | None = None, size: int | None = None) -> bytes:
    """The small avatar with an entry of its table pointing elsewhere."""
    data = small_imx()
    at = 8
    for _ in range(index):
        at += 18 + struct.unpack_from("<H", data, at)[0]
    at += 2 + struct.unpack_from("<H", data, at)[0]
    old_offset, old_size = struct.unpack_from("<QQ", data, at)
    struct.pack_into("<QQ", data, at, old_offset if offset is None else offset, old_size if size is None else size)
    return bytes(data)


def entry_range(index: int) -> tuple[int, int]:
    data = small_imx()
    at = 8
    for _ in range(index):
        at += 18 + struct.unpack_from("<H", data, at)[0]
    return struct.unpack_from("<QQ", data, at + 2 + struct.unpack_from("<H", data, at)[0])


def png() -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), 200, "u1")).save(out, "PNG")
    return out.getvalue()


def tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in small_entries():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()[:4096]


def zipped(list_of_entries, deflated=(), method=zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in list_of_entries:
            info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            info.compress_type = method if name in deflated else zipfile.ZIP_STORED
            archive.writestr(info, data)
    return out.getvalue()


def changed(data: bytes, old: bytes, new: bytes) -> bytes:
    """`data` with one occurrence of `old` replaced."""
    at = data.index(old)
    return data[:at] + new + data[at + len(old) :]


def zip_flagged() -> bytes:
    """Marked as encrypted in the central directory."""
    data = bytearray(zipped(small_entries()))
    data[data.index(b"PK\1\2") + 8] |= 1
    return bytes(data)


def zip_with_lie_about_size() -> bytes:
    data = bytearray(zipped(small_entries(), deflated=[pack.MANIFEST]))
    at = data.rindex(b"PK\1\2") + 24
    struct.pack_into("<I", data, at, struct.unpack_from("<I", data, at)[0] + 1)
    return bytes(data)


def zip_overlapping() -> bytes:
    """The first member reaches into the second one's header."""
    data = bytearray(zipped(small_entries()))
    at = data.index(b"PK\1\2") + 20
    packed, size = struct.unpack_from("<II", data, at)
    struct.pack_into("<II", data, at, packed + 20, size + 20)
    return bytes(data)


def bad_files() -> dict[str, bytes]:
    members, manifest = small()
    imx = bytes(small_imx())
    geometry_row = struct.pack("<7f", 0, 1, 0, 4, 0, 1, 4)
    progressive = jpeg(np.full((16, 16), 128, "u1"), progressive=True)
    motion = "motions/idle"
    table_end = 8 + sum(18 + len(name) for name, _ in small_entries())
    return {
        # Not a container.
        "empty.imx": b"",
        "not_an_avatar.png": png(),
        "text.imx": b"This is not an avatar.\n",
        "bad_magic.imx": b"IMY\0" + imx[4:],
        "legacy_bimx.imx": b"BIMX" + imx[4:200],
        "tar.imx": tar(),
        # Its header and table.
        "cut_in_magic.imx": imx[:3],
        "cut_in_header.imx": imx[:6],
        "container_version_1.imx": imx[:4] + b"\1\0" + imx[6:],
        "container_version_3.imx": imx[:4] + b"\3\0" + imx[6:],
        "truncated_table.imx": imx[: table_end - 5],
        "truncated.imx": imx[:-100],
        "count_too_large.imx": imx[:6] + struct.pack("<H", 60) + imx[8:],
        "too_many_entries.imx": imx[:6] + b"\xff\xff" + imx[8:],
        "no_entries.imx": imx[:6] + b"\0\0" + imx[8:],
        "range_outside_file.imx": patched(2, offset=len(imx) - 10),
        "range_overflows.imx": patched(2, offset=2**64 - 10),
        "huge_member.imx": patched(2, size=2**63),
        "overlapping_members.imx": patched(1, offset=entry_range(2)[0]),
        "overlapping_table.imx": patched(1, offset=4),
        "duplicate_name.imx": pack.layout([*small_entries(), ("speech.onnx", b"another")]),
        "name_empty.imx": named(b""),
        "name_absolute.imx": named(b"/etc/passwd"),
        "name_with_drive.imx": named(b"C:file"),
        "name_with_dotdot.imx": named(b"a/../../b"),
        "name_with_dot.imx": named(b"./speech"),
        "name_with_backslash.imx": named(b"a\\b"),
        "name_with_nul.imx": named(b"speech\0onnx"),
        "name_with_newline.imx": named(b"a\nb"),
        "name_not_utf8.imx": named(b"speech\xff\xfe"),
        "name_too_long.imx": named(b"n" * 300),
        # The manifest.
        "missing_manifest.imx": pack.layout(list(members.items())),
        "manifest_not_json.imx": with_manifest(b"format_version: 2.0\n"),
        "manifest_not_utf8.imx": with_manifest(b'{"name": "\xff"}'),
        "manifest_cut.imx": with_manifest(small_entries()[-1][1][:-20]),
        "manifest_a_list.imx": with_manifest(b"[]"),
        "manifest_endless_nesting.imx": with_manifest(b'{"format_version":"2.0","engine":"essence","x":' + b"[" * 5000),
        "missing_key.imx": edited("frame", ...),
        "missing_engine.imx": edited("engine", ...),
        "wrong_type.imx": edited("frame/width", "sixteen"),
        "negative_number.imx": edited("frame/width", -16),
        "newer_major.imx": edited("format_version", "3.0"),
        "older_major.imx": edited("format_version", "1.4"),
        "version_not_a_number.imx": edited("format_version", "two"),
        "newer_abi.imx": edited("engine_abi", 2),
        "other_family.imx": edited("engine", "another"),
        "control_character.imx": edited("name", "small\x1b[31m"),
        "huge_frame.imx": edited("frame/width", 100_000),
        "tiny_frame.imx": edited("frame/height", 0),
        "no_frames.imx": edited("frame/count", 0),
        "too_many_frames.imx": edited("frame/count", 4_000_000_000),
        "other_rate.imx": edited("frame/rate", 30),
        "huge_patch.imx": edited("crop/size", 1024),
        "odd_patch.imx": edited("crop/size", 12),
        "no_pose.imx": edited("crop/pose", []),
        "no_coefficients.imx": edited("coefficients", []),
        "duplicate_coefficient.imx": edited("coefficients", ["jawOpen", "jawOpen"]),
        "unknown_coefficient.imx": edited("arkit/mouthClose", {"lips": 1.0}),
        "infinite_weight.imx": edited("arkit/jawOpen", {"jawOpen": 1e300}),
        "wrong_tensor_shape.imx": edited("networks/identity/outputs", {"patch": ["N", 3, 8, 8]}),
        "wrong_mel_bands.imx": edited("networks/speech/inputs", {"mel": ["N", 20, 40]}),
        "wrong_coefficient_count.imx": edited("networks/speech/outputs", {"coefficients": ["N", 2]}),
        "fixed_batch.imx": edited("networks/speech/outputs", {"coefficients": [1, 1]}),
        "zero_dimension.imx": edited("networks/speech/inputs", {"mel": ["N", 0, 80]}),
        "huge_window.imx": edited("networks/speech/inputs", {"mel": ["N", 1000, 80]}),
        "unexpected_input.imx": edited("networks/speech/inputs/image", ["N", 3, 8, 8]),
        "missing_input.imx": edited("networks/identity/inputs/pose", ...),
        "no_idle.imx": edited("motions", {"talking": {"first": 0, "count": 1}}),
        "motion_outside_frames.imx": edited(motion, {"first": 1, "count": 1}),
        "motion_overflows.imx": edited(motion, {"first": 2**32 - 1, "count": 2**32 - 1}),
        "motion_without_frames.imx": edited(motion, {"first": 0, "count": 0}),
        "entry_outside_motion.imx": edited(motion, {"first": 0, "count": 1, "entries": [1]}),
        "exit_outside_motion.imx": edited(motion, {"first": 0, "count": 1, "exits": [7]}),
        "too_many_entries_of_motion.imx": edited(motion, {"first": 0, "count": 1, "entries": [0, 0]}),
        "unknown_loop.imx": edited(motion, {"first": 0, "count": 1, "loop": "sideways"}),
        "too_many_selftests.imx": edited("selftest/count", 9),
        "no_selftest.imx": edited("selftest/count", 0),
        # The members against the manifest.
        "hash_differs.imx": changed(imx, b"speech network", b"speech netwurk"),
        "hash_not_hex.imx": edited("files/speech.onnx", "z" * 64),
        "hash_too_short.imx": edited("files/speech.onnx", "00"),
        "manifest_in_files.imx": edited("files/manifest.json", "0" * 64),
        "missing_member.imx": edited("files/voice.json", "0" * 64),
        "member_without_hash.imx": edited("files/speech.onnx", ...),
        "missing_network.imx": replaced("identity.onnx", None),
        "missing_8bit_network.imx": edited("networks/identity/quantized", {"file": "identity.int8.onnx", "alpha": "geometry.f32"}),
        "alpha_of_other_size.imx": edited("networks/identity/quantized", {"file": "identity.onnx", "alpha": "geometry.f32"}),
        "missing_frame.imx": replaced("frames/00000.jpg", None),
        "missing_geometry.imx": replaced("geometry.f32", None),
        "geometry_too_short.imx": replaced("geometry.f32", geometry_row[:-4]),
        "geometry_not_a_number.imx": replaced("geometry.f32", struct.pack("<7f", 0, 1, 0, math.nan, 0, 1, 4)),
        "geometry_too_large.imx": replaced("geometry.f32", struct.pack("<7f", 0, 1, 0, 1e30, 0, 1, 4)),
        "geometry_flat.imx": replaced("geometry.f32", struct.pack("<7f", 0, 1, 2, 4, 2, 4, 4)),
        "selftest_too_short.imx": replaced("selftest/inputs.f32", bytes(4)),
        "selftest_of_other_size.imx": replaced("selftest/patches.u8", bytes(255)),
        "frame_not_jpeg.imx": replaced("frames/00000.jpg", png()),
        "frame_cut.imx": replaced("frames/00000.jpg", members["frames/00000.jpg"][:60]),
        "frame_of_other_size.imx": replaced("frames/00000.jpg", jpeg(np.full((16, 24), 128, "u1"))),
        "frame_progressive.imx": replaced("frames/00000.jpg", progressive),
        "frame_cmyk.imx": replaced("frames/00000.jpg", cmyk()),
        "missing_matte.imx": with_matte(None),
        "matte_not_jpeg.imx": with_matte(png()),
        "matte_of_other_size.imx": with_matte(matte(np.ones((16, 24)))),
        "matte_in_color.imx": with_matte(jpeg(np.full((16, 16, 3), 128, "u1"))),
        "matte_background_of_two.imx": with_matte(matte(np.ones((16, 16))), [0, 0]),
        "matte_background_too_bright.imx": with_matte(matte(np.ones((16, 16))), [0, 0, 256]),
        # The ZIP wrapper.
        "deflated_network.zip": zipped(small_entries(), deflated=["speech.onnx"]),
        "bzip2_manifest.zip": zipped(small_entries(), deflated=[pack.MANIFEST], method=zipfile.ZIP_BZIP2),
        "zip_cut.zip": zipped(small_entries())[:-30],
        "zip_empty.zip": zipped([]),
        "zip_without_manifest.zip": zipped(list(members.items())),
        "zip_bomb.zip": zipped([("zeros.txt", bytes(5 << 20)), *small_entries()], deflated=["zeros.txt"]),
        "zip_size_differs.zip": zip_with_lie_about_size(),
        "zip_encrypted.zip": zip_flagged(),
        "zip_name_with_dotdot.zip": zipped([("../up", b"x"), *small_entries()]),
        "zip_duplicate_name.zip": zip_with_name_twice(),
        "zip_names_differ.zip": changed(zipped(small_entries()), b"speech.onnx", b"speach.onnx"),
        "zip_overlapping.zip": zip_overlapping(),
        "zip_hash_differs.zip": changed(zipped(small_entries()), b"speech network", b"speech netwurk"),
    }


def cmyk() -> bytes:
    out = io.BytesIO()
    Image.new("CMYK", (16, 16), (1, 2, 3, 4)).save(out, "JPEG")
    return out.getvalue()


def zip_with_name_twice() -> bytes:
    """Two members of one name; made by renaming, as the library warns about it."""
    data = zipped([("speech.onnz", b"another"), *small_entries()])
    return data.replace(b"speech.onnz", b"speech.onnx")


def good_files() -> dict[str, bytes]:
    members, manifest = small()
    newer = copy.deepcopy(manifest) | {"format_version": "2.9", "voice": {"x": [1, {}]}, "signature": "?"}
    newer["frame"]["depth"] = 8
    return {
        "newer_minor.imx": pack.layout(entries(members, newer)),
        "manifest_first.imx": pack.layout(small_entries()[-1:] + small_entries()[:-1]),
        "unaligned.imx": unaligned(small_entries()),
        "deflated_manifest.zip": zipped(small_entries(), deflated=[pack.MANIFEST]),
        "with_folder.zip": zipped([("frames/", b""), *small_entries()]),
        "with_matte.imx": with_matte(matte(np.ones((16, 16)))),
    }


def unaligned(list_of_entries) -> bytes:
    at = 8 + sum(18 + len(name) for name, _ in list_of_entries)
    out = struct.pack("<4sHH", pack.MAGIC, pack.VERSION, len(list_of_entries))
    for name, data in list_of_entries:
        out += struct.pack("<H", len(name)) + name.encode() + struct.pack("<QQ", at, len(data))
        at += len(data)
    return out + b"".join(data for _, data in list_of_entries)


def main() -> None:
    for folder in ("avatars", "good", "bad"):
        (HERE / folder).mkdir(exist_ok=True)
    members, manifest = toy()
    toy_imx = HERE / "avatars/toy.imx"
    pack.write_imx(toy_imx, members, manifest)
    (HERE / "avatars/toy.zip.imx").write_bytes(zipped(pack.read_table(toy_imx.read_bytes())))
    pack.write_imx(HERE / "avatars/toy_failing.imx", *failing())
    pack.write_imx(HERE / "avatars/toy_8bit.imx", *eight_bits())
    pack.write_imx(HERE / "avatars/toy_8bit_off.imx", *eight_bits(off=0.1))
    pack.write_imx(HERE / "avatars/toy_keyed.imx", *keyed())
    for folder, files in (("good", good_files()), ("bad", bad_files())):
        shutil.rmtree(HERE / folder)
        (HERE / folder).mkdir()
        for name, data in files.items():
            (HERE / folder / name).write_bytes(data)
            if len(data) > 8192:
                raise SystemExit(f"{folder}/{name} has {len(data)} bytes, too many")
        print(f"{folder}/: {len(files)} files, {sum(map(len, files.values()))} bytes")
    print(f"avatars/toy.imx: {toy_imx.stat().st_size} bytes")


if __name__ == "__main__":
    main()
