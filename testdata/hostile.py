"""Makes `hostile/`: avatars whose containers are sound and whose networks are not. Run by hand, the results are committed:

    venv/bin/python testdata/hostile.py     # the same packages as for generate.py

- `avatars/tiny.imx`: a whole avatar in 3 KB that opens: 16 x 16 pixels, one coefficient. The hostile ones are made from it.
- `hostile/`: each reads other files, runs without end, asks for memory, or is wrong in another way, named after it.
  `engine/tests/hostile.rs` has the table of what to expect of each.

The same versions give the same bytes.
"""

import shutil
import struct
from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
from generate import HERE, entries, small
from onnx import AttributeProto, TensorProto, helper, numpy_helper

from essence_studio import pack

#: What the sound avatar draws at rest, in [0, 1].
LIGHT = 0.35
#: As many bytes as all hostile files may have together.
MOST_BYTES = 600_000
#: What Resize may do.
NEAREST = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


# The sound one.


def array(name: str, value, kind="f4") -> TensorProto:
    return numpy_helper.from_array(np.asarray(value, kind), name)


def value(name: str, shape, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def model(name, nodes, arrays, inputs, outputs, quantised=False) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, name, inputs, outputs, arrays)
    domains = [helper.make_opsetid("", 17)] + [helper.make_opsetid("com.microsoft", 1)] * quantised
    return helper.make_model(graph, opset_imports=domains, ir_version=8)


def speech() -> onnx.ModelProto:
    """The mean of the window."""
    nodes = [
        helper.make_node("ReduceMean", ["mel"], ["mean"], axes=[1, 2], keepdims=1),
        helper.make_node("Squeeze", ["mean", "last"], ["level"]),
        helper.make_node("Clip", ["level", "low", "high"], ["coefficients"]),
    ]
    arrays = [array("last", [2], "i8"), array("low", 0), array("high", 1)]
    return model("speech", nodes, arrays, [value("mel", ["N", 20, 80])], [value("coefficients", ["N", 1])])


def identity() -> onnx.ModelProto:
    """Grey, lighter as the coefficient grows."""
    nodes = [
        helper.make_node("Concat", ["coefficients", "pose"], ["all"], axis=1),
        helper.make_node("Gemm", ["all", "mix", "bias"], ["light"]),
        helper.make_node("Reshape", ["light", "pixel"], ["pixels"]),
        helper.make_node("Add", ["pixels", "colours"], ["mixed"]),
        helper.make_node("Resize", ["mixed", "", "by"], ["raw"], **NEAREST),
        helper.make_node("Clip", ["raw", "low", "high"], ["patch"]),
    ]
    arrays = [
        *(array("mix", [[0.5], [0.1]]), array("bias", [0.1]), array("pixel", [-1, 1, 1, 1], "i8")),
        *(array("colours", np.full((1, 4, 1, 1), LIGHT - 0.1)), array("low", 0), array("high", 1)),
        array("by", [1, 1, 8, 8]),
    ]
    inputs = [value("coefficients", ["N", 1]), value("pose", ["N", 1])]
    return model("identity", nodes, arrays, inputs, [value("patch", ["N", 4, 8, 8])])


def eight_bits() -> onnx.ModelProto:
    """The same grey, as a quantised convolution added to itself."""
    nodes = [
        helper.make_node("Add", ["coefficients", "pose"], ["sum"]),
        helper.make_node("QuantizeLinear", ["sum", "scale", "zero"], ["level"]),
        helper.make_node("Reshape", ["level", "pixel"], ["pixels"]),
        helper.make_node(
            "QLinearConv",
            ["pixels", "scale", "zero", "weights", "scale", "middle", "scale", "zero", "grey"],
            ["convolved"],
            domain="com.microsoft",
            channels_last=1,
            kernel_shape=[3, 3],
            pads=[2, 2, 2, 2],
        ),
        helper.make_node("Slice", ["convolved", "from", "to", "axes"], ["cut"]),
        helper.make_node(
            "QLinearAdd", ["cut", "scale", "zero", "cut", "scale", "zero", "scale", "zero"], ["blocks"], domain="com.microsoft"
        ),
    ]
    arrays = [
        *(array("scale", 1 / 255), array("zero", 0, "u1"), array("middle", 0, "i1"), array("pixel", [-1, 1, 1, 1], "i8")),
        *(array("weights", np.ones((48, 1, 3, 3)), "i1"), array("from", [0, 0], "i8"), array("to", [2, 2], "i8")),
        *(array("axes", [1, 2], "i8"), array("grey", np.full(48, round(LIGHT / 2 * 255**2)), "i4")),
    ]
    inputs = [value("coefficients", ["N", 1]), value("pose", ["N", 1])]
    return model("identity", nodes, arrays, inputs, [value("blocks", ["N", 2, 2, 48], TensorProto.UINT8)], quantised=True)


def tiny(**networks: bytes) -> bytes:
    """The avatar, with some of its networks replaced: `speech`, `identity`, `eight_bits`."""
    made = {"speech": speech(), "identity": identity()}
    data = {name: network.SerializeToString(deterministic=True) for name, network in made.items()} | networks
    members, manifest = small()
    members |= {"speech.onnx": data["speech"], "identity.onnx": data["identity"]}
    session = onnxruntime.InferenceSession(made["identity"].SerializeToString(), providers=["CPUExecutionProvider"])
    zeros = np.zeros((1, 1), "f4")
    members["selftest/patches.u8"] = np.rint(255 * session.run(None, {"coefficients": zeros, "pose": zeros})[0]).astype("u1").tobytes()
    if "eight_bits" in data:
        members["identity.int8.onnx"], members["alpha.u8"] = data["eight_bits"], bytes([round(255 * LIGHT)] * 64)
        manifest["networks"]["identity"]["quantized"] = {"file": "identity.int8.onnx", "alpha": "alpha.u8"}
    return pack.layout(entries(members, manifest | {"name": "tiny"}))


# Networks with something added.

Edit = Callable[[onnx.ModelProto], None]


def edited(edit: Edit, network=speech) -> bytes:
    made = network()
    edit(made)
    return tiny(**{network.__name__: made.SerializeToString(deterministic=True)})


def added(*nodes, arrays=(), result="hostile", network=speech) -> bytes:
    """Adds nodes in front of the rest, and nothing of one number that they make to the output."""

    def edit(made: onnx.ModelProto) -> None:
        graph = made.graph
        old = list(graph.node)
        output = old[-1].output[0]
        old[-1].output[0] = "sound"
        del graph.node[:]
        graph.node.extend([*nodes, *old])
        graph.node.append(helper.make_node("Add", ["sound", result], [output]))
        graph.initializer.extend(arrays)

    return edited(edit, network)


def node(kind: str, inputs: str, outputs: str = "hostile", **attributes):
    """A node, its tensors separated by spaces; `-` is an input that is left out."""
    names = ["" if name == "-" else name for name in inputs.split()]
    return helper.make_node(kind, names, outputs.split(), **attributes)


def operator(kind: str, inputs: str, arrays=(), outputs="hostile", **attributes) -> bytes:
    return added(node(kind, inputs, outputs, **attributes), arrays=arrays)


def external(name: str, location: str, kind=FLOAT, dims=(1,)) -> TensorProto:
    tensor = TensorProto(name=name, data_type=kind, dims=dims, data_location=TensorProto.EXTERNAL)
    for key, text in (("location", location), ("offset", "0"), ("length", "4")):
        tensor.external_data.add(key=key, value=text)
    return tensor


def constant(tensor: TensorProto):
    return helper.make_node("Constant", [], ["hostile"], value=tensor)


def subgraph(arrays=(), inner=()):
    body = [*inner] or [helper.make_node("Identity", ["x"], ["y"])]
    return helper.make_graph(body, "body", [], [value("y", [1])], [*arrays, array("x", [0])])


def branch(then) -> bytes:
    return operator("If", "yes", [numpy_helper.from_array(np.array(True), "yes")], then_branch=then, else_branch=subgraph())


def loop(count: int):
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Add", ["x", "one"], ["y"])],
        "body",
        [value("i", [], INT64), value("go", [], TensorProto.BOOL), value("x", [])],
        [value("on", [], TensorProto.BOOL), value("y", [])],
    )
    return node("Loop", "turns - start", body=body), [array("turns", count, "i8"), array("start", 0), array("one", 1)]


def functions(recursive: bool) -> bytes:
    def edit(made: onnx.ModelProto) -> None:
        domains = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
        body = helper.make_node("Again", ["x"], ["y"], domain="own") if recursive else helper.make_node("Identity", ["x"], ["y"])
        made.functions.append(helper.make_function("own", "Again", ["x"], ["y"], [body], domains))
        made.opset_import.append(helper.make_opsetid("own", 1))
        made.graph.node[0].CopyFrom(helper.make_node("Again", ["mel"], ["mean"], domain="own"))

    return edited(edit)


def training(made: onnx.ModelProto) -> None:
    made.training_info.add().algorithm.CopyFrom(subgraph())


def sparse(made: onnx.ModelProto) -> None:
    tensor = made.graph.sparse_initializer.add(dims=[1])
    tensor.values.CopyFrom(external("sparse", "secret.bin"))
    tensor.indices.CopyFrom(array("", [0], "i8"))


def initializer(tensor: TensorProto) -> bytes:
    return added(node("ReduceMax", "bad", keepdims=0), arrays=[tensor])


def sized(*dims: int, kind=FLOAT, raw=b"") -> bytes:
    return initializer(TensorProto(name="bad", data_type=kind, dims=dims, raw_data=raw))


def typed() -> TensorProto:
    return helper.make_tensor("bad", FLOAT, [1], [0.5])


def foreign(domain: str, kind="QLinearAdd", version=1) -> bytes:
    def edit(made: onnx.ModelProto) -> None:
        made.opset_import.append(helper.make_opsetid(domain, version))
        made.graph.node[0].CopyFrom(helper.make_node(kind, ["mel"], ["mean"], domain=domain))

    return edited(edit)


def outer(count: int, broadcast: int) -> tuple[list, list]:
    """A matrix of `count` x `broadcast` zeros, out of one column and one row."""
    return [node("Add", "column row", "matrix")], [array("column", np.zeros((count, 1))), array("row", np.zeros((1, broadcast)))]


def products() -> bytes:
    nodes, arrays = outer(2048, 2048)
    return added(*nodes, node("MatMul", "matrix matrix", "product"), node("ReduceMax", "product", keepdims=0), arrays=arrays)


def activations() -> bytes:
    nodes, arrays = outer(2896, 2896)
    names = ["matrix", *(f"copy{i}" for i in range(4))]
    nodes += [node("Relu", a, b) for a, b in zip(names, names[1:])]
    return added(*nodes, node("ReduceMax", names[-1], keepdims=0), arrays=arrays)


def six_axes() -> bytes:
    shapes = [[16 if i == axis else 1 for i in range(6)] for axis in range(6)]
    arrays = [array(f"a{axis}", np.zeros(shape)) for axis, shape in enumerate(shapes)]
    nodes = [node("Add", f"{'a0' if i == 1 else f's{i - 1}'} a{i}", f"s{i}") for i in range(1, 6)]
    return added(*nodes, node("ReduceMax", "s5", keepdims=0), arrays=arrays)


def columns() -> bytes:
    nodes, arrays = outer(1024, 1024)
    nodes += [node("Reshape", "matrix picture", "image"), node("Conv", "image window", "image2", pads=[4, 4, 4, 4])]
    arrays += [array("picture", [1, 1, 1024, 1024], "i8"), array("window", np.zeros((1, 1, 9, 9)))]
    return added(*nodes, node("ReduceMax", "image2", keepdims=0), arrays=arrays)


def many_nodes() -> bytes:
    names = ["low", *(f"{i}" for i in range(1025))]
    return added(*(node("Relu", a, b) for a, b in zip(names, names[1:])), result=names[-1])


def convolution(**attributes) -> bytes:
    arrays = [array("picture", [-1, 1, 20, 80], "i8"), array("window", np.zeros((1, 1, 3, 3)))]
    return added(node("Reshape", "mel picture", "image"), node("Conv", "image window", **attributes), arrays=arrays)


def resized(factor: float) -> bytes:
    arrays = [array("picture", [-1, 1, 20, 80], "i8"), array("by", [1, 1, factor, factor])]
    return added(node("Reshape", "mel picture", "image"), node("Resize", "image - by", **NEAREST), arrays=arrays)


def integers(**arrays) -> list[TensorProto]:
    return [array(name, values, "i8") for name, values in arrays.items()]


def quantised(name: str, kind: str, *values) -> bytes:
    def edit(made: onnx.ModelProto) -> None:
        (tensor,) = (each for each in made.graph.initializer if each.name == name)
        tensor.CopyFrom(array(name, *values, kind))

    return edited(edit, eight_bits)


def interface(change: Callable) -> bytes:
    return edited(lambda made: change(made.graph))


def renamed(side: str):
    def change(graph) -> None:
        old, new = getattr(graph, side)[0].name, "other"
        getattr(graph, side)[0].name = new
        for each in graph.node:
            for names in (each.input, each.output):
                names[:] = [new if name == old else name for name in names]

    return interface(change)


def shaped(side: str, *shape, kind=FLOAT) -> bytes:
    return interface(lambda graph: getattr(graph, side)[0].CopyFrom(value(getattr(graph, side)[0].name, list(shape), kind)))


def typed_input(kind: str) -> bytes:
    def change(graph) -> None:
        graph.input[0].type.Clear()
        getattr(graph.input[0].type, kind).SetInParent()

    return interface(change)


def reordered(*order: int) -> bytes:
    def change(graph) -> None:
        nodes = [onnx.NodeProto.FromString(graph.node[i].SerializeToString()) for i in order]
        del graph.node[:]
        graph.node.extend(nodes)

    return interface(change)


def versions(ir: int | None = None, *opsets: tuple[str, int]) -> bytes:
    def edit(made: onnx.ModelProto) -> None:
        made.ir_version = ir or 8
        if opsets:
            del made.opset_import[:]
            made.opset_import.extend(helper.make_opsetid(*each) for each in opsets)

    return edited(edit)


def attributed(name: str, change: Callable[[AttributeProto], None]) -> bytes:
    def edit(made: onnx.ModelProto) -> None:
        change(made.graph.node[0].attribute.add(name=name))

    return edited(edit)


# Bytes that a library would not write.


def field(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def plain() -> bytes:
    return speech().SerializeToString(deterministic=True)


def raw(data: bytes) -> bytes:
    return tiny(speech=data)


def in_graph(data: bytes) -> bytes:
    """A field more in the graph."""
    made = speech()
    graph = made.graph.SerializeToString(deterministic=True) + data
    made.ClearField("graph")
    return raw(made.SerializeToString(deterministic=True) + field(7, graph))


def nested(depth: int) -> bytes:
    """A node in a graph in an attribute of a node, and so on."""
    data = b""
    for _ in range(depth):
        data = field(1, field(5, field(6, data)))
    return data


def hostile_files() -> dict[str, bytes]:
    text = TensorProto(name="bad", data_type=TensorProto.STRING, dims=[1], string_data=[b"text"])
    endless, counts = loop(2**62)
    scan = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "body", [value("x", [1])], [value("y", [1])])
    picture = integers(picture=[-1, 1, 20, 80])
    image = node("Reshape", "mel picture", "image")
    return {
        # Data outside the file.
        "external_relative": initializer(external("bad", "secret.bin")),
        "external_absolute": initializer(external("bad", "/etc/passwd", TensorProto.UINT8, (4,))),
        "external_upwards": initializer(external("bad", "../../../../etc/passwd", TensorProto.UINT8, (4,))),
        "external_in_identity": edited(lambda made: made.graph.initializer.append(external("bad", "secret.bin")), identity),
        "external_in_8_bits": edited(lambda made: made.graph.initializer.append(external("bad", "secret.bin")), eight_bits),
        "external_in_attribute": added(constant(external("", "secret.bin"))),
        "external_in_shape_value": operator("ConstantOfShape", "two", integers(two=[2]), value=external("", "secret.bin", INT64)),
        "external_in_subgraph": branch(subgraph([external("bad", "secret.bin")])),
        "external_in_sparse": edited(sparse),
        "external_without_location": initializer(TensorProto(name="bad", data_type=FLOAT, dims=[1], data_location=1)),
        "external_location_only": initializer(external("bad", "secret.bin").__class__.FromString(field(8, b"bad") + field(13, b""))),
        # Programs.
        "loop_endless": added(endless, arrays=counts),
        "loop_in_identity": added(endless, arrays=counts, network=identity),
        "loop_in_8_bits": edited(lambda made: made.graph.node.insert(0, endless), eight_bits),
        "loop_without_body": operator("Loop", "- - low"),
        "scan": operator("Scan", "low", body=scan, num_scan_inputs=1),
        "if": branch(subgraph()),
        "sequence_map": operator("SequenceMap", "mel", body=scan),
        "deep_nesting": in_graph(nested(1000)),
        "functions": functions(recursive=False),
        "functions_recursive": functions(recursive=True),
        "function_overload": edited(lambda made: setattr(made.graph.node[0], "overload", "other")),
        "function_attribute": attributed("axes", lambda a: a.MergeFrom(AttributeProto(ref_attr_name="x", type=7))),
        "training": edited(training),
        "metadata": edited(lambda made: made.metadata_props.add(key="ort_config", value="{}")),
        # Memory and time.
        "constant_of_shape_floats": operator("ConstantOfShape", "huge", integers(huge=[3 << 28]), value=array("", [1])),
        "constant_of_shape_sizes": operator("ConstantOfShape", "huge", integers(huge=[3 << 28]), value=array("", [1], "i8")),
        "constant_of_shape_many_sizes": operator("ConstantOfShape", "many", integers(many=[8 << 20]), value=array("", [1], "i8")),
        "range": operator("Range", "from to step", integers(**{"from": 0, "to": 2**40, "step": 1})),
        "expand": operator("Expand", "low huge", integers(huge=[3 << 28])),
        "tile": operator("Tile", "one huge", [array("one", [0]), *integers(huge=[3 << 28])]),
        "pad": operator("Pad", "one huge", [array("one", [0]), *integers(huge=[0, 3 << 28])]),
        "pad_negative": operator("Pad", "one huge", [array("one", [0, 0]), *integers(huge=[-1, 0])]),
        "resize": resized(3e4),
        "resize_by_a_fraction": resized(0.5),
        "resize_by_another_mode": added(image, node("Resize", "image - by", mode="cubic"), arrays=[*picture, array("by", [1, 1, 2, 2])]),
        "resize_to_sizes": added(
            image, node("Resize", "image - - to", **NEAREST),
            arrays=[*picture, *integers(to=[1, 1, 1 << 20, 1 << 20])],
        ),
        "resize_eightfold_again": added(
            image,
            *(
                node("Resize", f"{a} - by", b, **NEAREST)
                for a, b in (("image", "i2"), ("i2", "i3"), ("i3", "i4"))
            ),
            arrays=[*picture, array("by", [1, 1, 8, 8])],
        ),
        "reshape_huge": operator("Reshape", "mel huge", integers(huge=[-1, 2**62])),
        "split_huge": operator("Split", "mel sizes", integers(sizes=[2**62, 2**62]), "hostile rest", axis=1),
        "broadcast_of_six_axes": six_axes(),
        "multiply_adds": products(),
        "activations": activations(),
        "convolution_columns": columns(),
        "many_nodes": many_nodes(),
        "many_inputs": operator("Concat", " ".join(["low"] * 2000), axis=0),
        "many_attribute_numbers": operator("Transpose", "mel", perm=list(range(2000))),
        "long_name": operator("Relu", "low", outputs="n" * 2000),
        # Sizes.
        "dimension_2_63": sized(2**63 - 1),
        "dimensions_overflow": sized(2**32, 2**32),
        "dimension_negative": sized(-1, raw=bytes(4)),
        "rank_7": sized(1, 1, 1, 1, 1, 1, 1, raw=bytes(4)),
        "weights_too_short": sized(1000, raw=bytes(4)),
        "weights_too_long": sized(1, raw=bytes(4000)),
        "input_2_63": shaped("input", "N", 2**63 - 1, 80),
        "input_negative": shaped("input", "N", -20, 80),
        "input_dynamic": shaped("input", "N", "T", 80),
        "input_batch_fixed": shaped("input", 1, 20, 80),
        "input_without_shape": interface(lambda graph: graph.input[0].type.tensor_type.ClearField("shape")),
        "sizes_computed": added(
            node("Cast", "low", "number", to=INT64), node("Unsqueeze", "number first", "size"), node("Reshape", "mel size"),
            arrays=integers(first=[0]),
        ),
        "sizes_in_two_axes": operator("Unsqueeze", "mel axes", integers(axes=[[1], [2]])),
        "batch_mixed_by_softmax": operator("Softmax", "mel", axis=0),
        "batch_moved": operator("Transpose", "mel", perm=[1, 0, 2]),
        "batch_joined": operator("Concat", "mel mel", axis=0),
        "batch_fixed_by_reshape": operator("Reshape", "mel one", integers(one=[1, 1600])),
        # Values.
        "weight_not_a_number": initializer(array("bad", [np.nan])),
        "weight_infinite_in_16_bits": initializer(array("bad", [np.inf], "f2")),
        "weight_infinite_in_attribute": added(constant(array("", [np.inf]))),
        "factor_not_finite": operator("Gemm", "low low", alpha=float("nan")),
        "string_tensor": initializer(text),
        "string_constant": added(constant(TensorProto(data_type=TensorProto.STRING, dims=[1], string_data=[b"x"]))),
        "string_list": attributed("words", lambda a: a.MergeFrom(AttributeProto(strings=[b"x"], type=8))),
        "weights_of_64_bits": initializer(array("bad", [0.5], "f8")),
        "weights_as_numbers": initializer(typed()),
        "scale_zero": quantised("scale", "f4", 0),
        "scale_negative": quantised("scale", "f4", -1),
        "scales_too_many": quantised("scale", "f4", [1, 1, 1]),
        # Operators and their attributes.
        "operator_unknown": operator("Einsum", "mel", equation="abc->c"),
        "operator_random": operator("RandomNormal", "", shape=[1]),
        "operator_of_a_foreign_domain": foreign("ai.onnx.ml", "Scaler"),
        "quantised_in_a_foreign_domain": foreign("example.com"),
        "quantised_operator_unknown": foreign("com.microsoft", "Inverse"),
        "quantised_version_2": foreign("com.microsoft", version=2),
        "domain_not_imported": edited(lambda made: made.opset_import.pop(), eight_bits),
        "attribute_unknown": operator("Relu", "low", slope=2.0),
        "attribute_twice": attributed("keepdims", lambda a: a.MergeFrom(helper.make_attribute("keepdims", 1))),
        "attribute_of_another_type": operator("Concat", "low low", axis=0.5),
        "gather_outside": operator("Gather", "one two", [array("one", [0]), *integers(two=[2])]),
        "slice_step_zero": operator("Slice", "mel a b b a", integers(a=[0], b=[1])),
        "slice_of_nothing": operator("Slice", "mel a b b", integers(a=[1], b=[1])),
        "split_into_other_sizes": operator("Split", "mel sizes", integers(sizes=[1, 2]), "hostile rest", axis=1),
        "product_of_other_sizes": operator("MatMul", "mel row", [array("row", np.zeros((2, 2)))]),
        "convolution_without_groups": convolution(group=0),
        "convolution_pads_huge": convolution(pads=[2**62, 0, 0, 0]),
        "convolution_pads_negative": convolution(pads=[-1, 0, 0, 0]),
        "convolution_stride_zero": convolution(strides=[0, 1]),
        "convolution_dilation_huge": convolution(dilations=[2**62, 1]),
        "convolution_kernel_too_large": convolution(dilations=[1, 64]),
        "depth_to_space_block_0": added(image, node("DepthToSpace", "image", blocksize=0, mode="CRD"), arrays=picture),
        "depth_to_space_block_huge": added(image, node("DepthToSpace", "image", blocksize=2**62, mode="CRD"), arrays=picture),
        # The graph.
        "cycle": reordered(1, 0, 2),
        "cycle_of_itself": edited(lambda made: made.graph.node[0].input.__setitem__(0, "mean")),
        "undefined": edited(lambda made: made.graph.node[0].input.__setitem__(0, "nobody\x1b[31m")),
        "name_twice": edited(lambda made: made.graph.node[0].output.__setitem__(0, "low")),
        "initializer_twice": edited(lambda made: made.graph.initializer.append(array("low", 0))),
        "initializer_of_an_input": edited(lambda made: made.graph.initializer.append(array("mel", 0))),
        "output_undefined": edited(lambda made: made.graph.node.pop()),
        "output_of_another_name": renamed("output"),
        "output_of_another_shape": edited(
            lambda made: (made.graph.node.pop(1), made.graph.node[1].input.__setitem__(0, "mean"), made.graph.output[0].CopyFrom(value("coefficients", ["N", 1, 1]))),
        ),
        "output_declared_otherwise": shaped("output", "N", 2),
        "value_declared_otherwise": edited(lambda made: made.graph.value_info.append(value("mean", ["N", 5, 5]))),
        "input_of_another_name": renamed("input"),
        "input_of_another_shape": shaped("input", "N", 20, 40),
        "input_of_integers": shaped("input", "N", 20, 80, kind=INT64),
        "input_a_sequence": typed_input("sequence_type"),
        "input_a_map": typed_input("map_type"),
        "input_optional": typed_input("optional_type"),
        "input_sparse": typed_input("sparse_tensor_type"),
        "opset_too_new": versions(None, ("", 99)),
        "opset_too_old": versions(None, ("", 9)),
        "opset_twice": versions(None, ("", 17), ("", 13)),
        "opset_missing": versions(None, ("com.microsoft", 1)),
        "ir_too_new": versions(99),
        # The bytes.
        "empty": raw(b""),
        "not_onnx": raw(b"speech network"),
        "cut": raw(plain()[:-7]),
        "rubbish_behind": raw(plain() + b"rubbish"),
        "field_unknown": raw(plain() + field(99, b"x")),
        "field_unknown_in_graph": in_graph(field(77, b"x")),
        "field_of_another_type": raw(plain() + varint(20 << 3) + b"\1"),
        "graph_twice": raw(plain() + field(7, b"")),
        "length_huge": raw(plain() + varint(6 << 3 | 2) + varint(2**64 - 1)),
        "number_endless": raw(plain() + varint(5 << 3) + b"\xff" * 11),
        "group": raw(plain() + varint(6 << 3 | 3) + varint(6 << 3 | 4)),
        "data_type_cut_off": in_graph(field(5, field(8, b"bad") + varint(2 << 3) + varint(2**32 + 1) + field(9, struct.pack("<f", 0)))),
        "location_twice": in_graph(field(5, field(8, b"bad") + varint(14 << 3) + b"\0" + varint(14 << 3) + b"\0")),
        "name_not_text": in_graph(field(1, field(4, b"\xff\xfe"))),
    }  # fmt: skip


def main() -> None:
    (HERE / "avatars/tiny.imx").write_bytes(tiny(eight_bits=eight_bits().SerializeToString(deterministic=True)))
    folder = HERE / "hostile"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    files = hostile_files()
    for name, data in files.items():
        (folder / f"{name}.imx").write_bytes(data)
    total = sum(map(len, files.values()))
    print(f"hostile/: {len(files)} files, {total} bytes; the largest: {max(files, key=lambda name: len(files[name]))}")
    if total > MOST_BYTES:
        raise SystemExit("too many bytes")


if __name__ == "__main__":
    main()
