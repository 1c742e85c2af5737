//! The reader on the networks that the studio makes, and on limits that small files don't reach.
//! `engine/tests/hostile.rs` has what is refused.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use super::element_type::ElementType;
use super::graph::{Graph, Source};
use super::{limits, operators, read, shapes};
use crate::imx::Container;

fn avatar(name: &str) -> Container {
    let avatars = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/avatars");
    Container::open(avatars.join(name)).unwrap()
}

fn cost(graph: &Graph<'_>) -> u64 {
    let costs = graph
        .nodes
        .iter()
        .map(|node| shapes::multiply_adds(graph, node));
    costs.sum()
}

/// Every network of the studio's is read, its output has the shape that the manifest says, and it stays
/// below an eighth of the limit.
#[test]
fn the_studios_networks_are_read_with_their_shapes() {
    let expected = [
        ("mika.imx", "speech.onnx", "[N, 16]", ElementType::F32),
        (
            "mika.imx",
            "identity.onnx",
            "[N, 4, 192, 192]",
            ElementType::F32,
        ),
        (
            "mika.imx",
            "identity.int8.onnx",
            "[N, 48, 48, 48]",
            ElementType::U8,
        ),
        ("juno.imx", "speech.onnx", "[N, 16]", ElementType::F32),
        (
            "juno.imx",
            "identity.onnx",
            "[N, 4, 192, 192]",
            ElementType::F32,
        ),
        (
            "juno.imx",
            "identity.int8.onnx",
            "[N, 48, 48, 48]",
            ElementType::U8,
        ),
        (
            "toy_failing.imx",
            "identity.onnx",
            "[N, 4, 16, 16]",
            ElementType::F32,
        ),
        (
            "tiny.imx",
            "identity.int8.onnx",
            "[N, 2, 2, 48]",
            ElementType::U8,
        ),
    ];
    for (file, name, shape, element) in expected {
        let container = avatar(file);
        let graph = read::read(container.member(name).unwrap()).unwrap();
        let [output] = graph.outputs[..] else {
            panic!("{file} {name}: one output");
        };
        let output = &graph[output];
        assert_eq!(
            (output.shape.to_string(), output.element),
            (shape.to_owned(), element),
            "{file} {name}"
        );
        assert!(cost(&graph) < limits::MULTIPLY_ADDS / 8, "{file} {name}");
    }
}

/// ARCHITECTURE.md says 62 million multiply-adds of Mika's float network, which its training counts.
#[test]
fn multiply_adds_are_those_that_training_counts() {
    let container = avatar("mika.imx");
    let graph = read::read(container.member("identity.onnx").unwrap()).unwrap();
    let products = |node: &&super::graph::Node| {
        use operators::Operator::{Conv, Gemm, MatMul};
        matches!(node.operator, Conv(_) | Gemm { .. } | MatMul)
    };
    let nodes = graph.nodes.iter().filter(products);
    let count: u64 = nodes.map(|node| shapes::multiply_adds(&graph, node)).sum();
    // Side 6: inputs, spread, weights and textures, then 64, 40, 24 and 48 channels.
    let dense = 23 * 96 + 96 * 96 + 96 * 2304 + 96 * 4 + 4 * 110_592;
    let convolved = 9 * (64 * 64 * 144 + 64 * 40 * 576 + 40 * 24 * 2304 + 24 * 48 * 2304);
    assert_eq!(count, dense + convolved);
}

#[test]
fn nodes_come_after_what_they_take_and_sizes_are_no_nodes() {
    for name in ["speech.onnx", "identity.onnx", "identity.int8.onnx"] {
        let container = avatar("mika.imx");
        let graph = read::read(container.member(name).unwrap()).unwrap();
        let mut made = vec![false; graph.tensors.len()];
        for (tensor, made) in graph.tensors.iter().zip(&mut made) {
            *made = !matches!(tensor.source, Source::Node);
        }
        for node in &graph.nodes {
            assert!(
                node.inputs.iter().flatten().all(|id| made[id.0]),
                "{name}: {node:?}"
            );
            assert!(
                !matches!(node.operator, operators::Operator::ConstantOfShape { .. }),
                "{name}: the pads are computed when the file is read"
            );
            node.outputs.iter().for_each(|id| made[id.0] = true);
        }
        assert!(
            made.iter().all(|&made| made),
            "{name}: every tensor is made"
        );
    }
}

/// The exporter computes the pads of Mika's Pad, which puts a plane behind three, by six nodes.
#[test]
fn sizes_that_follow_from_constants_are_computed() {
    let container = avatar("mika.imx");
    let graph = read::read(container.member("identity.onnx").unwrap()).unwrap();
    let pad = graph
        .nodes
        .iter()
        .find(|node| matches!(node.operator, operators::Operator::Pad));
    let pads = pad.unwrap().inputs[1].unwrap();
    assert_eq!(graph[pads].sizes().unwrap(), [0, 0, 0, 0, 0, 1, 0, 0]);
}

#[test]
fn weights_are_limited_together() {
    let weights = limits::TENSOR_ELEMENTS;
    let count = limits::WEIGHT_ELEMENTS / weights as u64 + 1;
    let mut graph = Vec::new();
    for index in 0..count {
        let mut tensor = Vec::new();
        // dims, data_type U8, name, raw_data
        tensor.extend(integer(1, weights as u64));
        tensor.extend(integer(2, 2));
        tensor.extend(bytes(8, &[b'a' + index as u8]));
        tensor.extend(bytes(9, &vec![0; weights]));
        graph.extend(bytes(5, &tensor));
    }
    assert!(fault(&graph).contains("elements in all weights; at most 16777216"));
}

#[test]
fn tensors_are_limited_together() {
    let mut graph = Vec::new();
    for index in 0..=limits::TENSORS as u64 {
        let mut tensor = integer(2, 2);
        tensor.extend(bytes(8, index.to_string().as_bytes()));
        tensor.extend(bytes(9, &[0]));
        graph.extend(bytes(5, &tensor));
    }
    assert!(fault(&graph).contains("4097 initializers; at most 4096"));
}

/// Why a model of this graph is refused.
fn fault(graph: &[u8]) -> String {
    let mut model = integer(1, 8);
    model.extend(bytes(7, graph));
    model.extend(bytes(8, &integer(2, 17)));
    read::read(&model).unwrap_err().to_string()
}

/// A field of an integer.
fn integer(number: u64, value: u64) -> Vec<u8> {
    [varint(number << 3), varint(value)].concat()
}

/// A field of bytes.
fn bytes(number: u64, value: &[u8]) -> Vec<u8> {
    let begin = [varint(number << 3 | 2), varint(value.len() as u64)].concat();
    [&begin, value].concat()
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while number > 127 {
        out.push(number as u8 | 128);
        number >>= 7;
    }
    out.push(number as u8);
    out
}
