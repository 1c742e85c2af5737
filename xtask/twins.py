"""Random twins of the default models of a local brain: their shapes and sizes, no weights of anybody's.

`python twins.py TOY FOLDER`: TOY is a voice of toy networks (testdata/voices/supertonic-2). Speed and memory
of a model follow from its shapes; what a twin says makes no sense.
"""

import random
import shutil
import struct
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from twin_voice import estimator, vocoder

# Qwen2.5-0.5B-Instruct.
LAYERS, WIDTH, HEADS, GROUPS, INNER, TOKENS = 24, 896, 14, 2, 4864, 151_936
BEGIN, END = 151_644, 151_645
TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + "
    "'\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}{# <tool_call> #}"
)

# A type of ggml: its number, elements and bytes of a block, and the places of its scales.
F32, Q5_0, Q8_0, Q4_K, Q6_K = (0, 1, 4, ()), (6, 32, 22, (0,)), (8, 32, 34, (0,)), (12, 256, 144, (0,)), (14, 256, 210, (208,))

# Bytes of Supertonic 3's smaller networks.
VOICE = {"duration_predictor.onnx": 3_700_147, "text_encoder.onnx": 36_416_150}


def text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def key(name: str, kind: int, value) -> bytes:
    head = text(name) + struct.pack("<I", kind)
    if kind == 8:
        return head + text(value)
    if kind == 9:
        inner, values = value
        body = b"".join(map(text, values)) if inner == 8 else struct.pack(f"<{len(values)}i", *values)
        return head + struct.pack("<IQ", inner, len(values)) + body
    return head + struct.pack({4: "<I", 6: "<f", 7: "<?"}[kind], value)


def alphabet() -> list[str]:
    """The letters that stand for bytes in vocabularies of GPT-2's kind."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return [chr(b) for b in plain] + [chr(256 + n) for n in range(256 - len(plain))]


def blocks(form, count: int, seed: int) -> bytes:
    """Random weights of about the size that real ones have."""
    kind, elements, size, scales = form
    if kind == 0:
        return struct.pack("<f", 1.0) * count
    generator = random.Random(seed)
    some = bytearray(generator.randbytes(997 * size))
    for at in range(0, len(some), size):
        for place in scales:
            some[at + place : at + place + 2] = np.float16(0.002).tobytes()
        if form is Q4_K:
            some[at + 2 : at + 4] = np.float16(0.001).tobytes()
    needed = count // elements * size
    return (bytes(some) * (needed // len(some) + 1))[:needed]


def language_model(path: Path) -> None:
    tensors = [("token_embd.weight", (WIDTH, TOKENS), Q5_0), ("output.weight", (WIDTH, TOKENS), Q8_0)]
    tensors.append(("output_norm.weight", (WIDTH,), F32))
    grouped = WIDTH // HEADS * GROUPS
    for i in range(LAYERS):
        down = Q6_K if i % 2 else Q4_K
        tensors += [
            (f"blk.{i}.attn_norm.weight", (WIDTH,), F32),
            (f"blk.{i}.attn_q.weight", (WIDTH, WIDTH), Q5_0),
            (f"blk.{i}.attn_q.bias", (WIDTH,), F32),
            (f"blk.{i}.attn_k.weight", (WIDTH, grouped), Q5_0),
            (f"blk.{i}.attn_k.bias", (grouped,), F32),
            (f"blk.{i}.attn_v.weight", (WIDTH, grouped), Q8_0),
            (f"blk.{i}.attn_v.bias", (grouped,), F32),
            (f"blk.{i}.attn_output.weight", (WIDTH, WIDTH), Q5_0),
            (f"blk.{i}.ffn_norm.weight", (WIDTH,), F32),
            (f"blk.{i}.ffn_gate.weight", (WIDTH, INNER), Q5_0),
            (f"blk.{i}.ffn_up.weight", (WIDTH, INNER), Q5_0),
            (f"blk.{i}.ffn_down.weight", (INNER, WIDTH), down),
        ]
    letters = alphabet()
    tokens = letters + [f"t{i}" for i in range(len(letters), TOKENS)]
    tokens[BEGIN], tokens[END] = "<|im_start|>", "<|im_end|>"
    kinds = [3 if i in (BEGIN, END) else 1 for i in range(TOKENS)]
    keys = [
        key("general.architecture", 8, "qwen2"),
        key("qwen2.block_count", 4, LAYERS),
        key("qwen2.context_length", 4, 32_768),
        key("qwen2.embedding_length", 4, WIDTH),
        key("qwen2.feed_forward_length", 4, INNER),
        key("qwen2.attention.head_count", 4, HEADS),
        key("qwen2.attention.head_count_kv", 4, GROUPS),
        key("qwen2.rope.freq_base", 6, 1e6),
        key("qwen2.attention.layer_norm_rms_epsilon", 6, 1e-6),
        key("tokenizer.ggml.model", 8, "gpt2"),
        key("tokenizer.ggml.pre", 8, "qwen2"),
        key("tokenizer.ggml.tokens", 9, (8, tokens)),
        key("tokenizer.ggml.token_type", 9, (5, kinds)),
        key("tokenizer.ggml.merges", 9, (8, [f"t{i} t{i + 1}" for i in range(151_387)])),
        key("tokenizer.ggml.eos_token_id", 4, END),
        key("tokenizer.ggml.add_bos_token", 7, False),
        key("tokenizer.chat_template", 8, TEMPLATE),
    ]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys)) + b"".join(keys)
    offset, data = 0, []
    for name, shape, form in tensors:
        head += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, form[0], offset)
        count = int(np.prod(shape))
        size = count // form[1] * form[2]
        data.append((form, count, -size % 32))
        offset += size + -size % 32
    with path.open("wb") as file:
        file.write(head + bytes(-len(head) % 32))
        for seed, (form, count, rest) in enumerate(data):
            file.write(blocks(form, count, seed) + bytes(rest))


def network(toy: Path, path: Path, size: int) -> None:
    """The toy network with weights up to a size, of which a run reads a row that its input decides."""
    model = onnx.load(toy)
    graph = model.graph
    rows = max(1, (size - toy.stat().st_size) // 4_096)
    weights = np.random.default_rng(rows).standard_normal((rows, 1_024), dtype=np.float32)
    output = graph.output[0].name
    for node in graph.node:
        node.output[:] = ["twin_plain" if name == output else name for name in node.output]
    graph.initializer.append(numpy_helper.from_array(weights, "twin_weights"))
    graph.initializer.append(numpy_helper.from_array(np.array(-1), "twin_last"))
    graph.initializer.append(numpy_helper.from_array(np.array(0, np.float32), "twin_zero"))
    graph.initializer.append(numpy_helper.from_array(np.array(rows), "twin_rows"))
    graph.node.extend(
        [
            helper.make_node("Shape", [graph.input[0].name], ["twin_shape"]),
            helper.make_node("Gather", ["twin_shape", "twin_last"], ["twin_length"]),
            helper.make_node("Mod", ["twin_length", "twin_rows"], ["twin_row"]),
            helper.make_node("Gather", ["twin_weights", "twin_row"], ["twin_values"]),
            helper.make_node("ReduceMax", ["twin_values"], ["twin_most"], keepdims=0),
            helper.make_node("Mul", ["twin_most", "twin_zero"], ["twin_nothing"]),
            helper.make_node("Add", ["twin_plain", "twin_nothing"], [output]),
        ]
    )
    assert graph.output[0].type.tensor_type.elem_type == TensorProto.FLOAT
    onnx.save(model, path)


def main() -> None:
    toy, folder = Path(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    language_model(folder / "qwen2.5-0.5b-instruct-q4_k_m.gguf")
    voice = folder / "voice"
    shutil.copytree(toy, voice, dirs_exist_ok=True)
    for name, size in VOICE.items():
        network(toy / "onnx" / name, voice / "onnx" / name, size)
    estimator(voice / "onnx/vector_estimator.onnx")
    vocoder(voice / "onnx/vocoder.onnx")


if __name__ == "__main__":
    main()
