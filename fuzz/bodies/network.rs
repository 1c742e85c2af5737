//! Networks: bytes as they are, sound networks with edits, and graphs built node by node of the
//! operators that are allowed.
//!
//! Nothing may panic, overread, or allocate by a field that was not checked. What is accepted has to
//! be what ONNX Runtime takes, too: it loads it, and its results have the shapes that were inferred.
//! A run takes a hundred times as long as reading, so that chance, told by the input, decides which
//! networks are run.

use std::sync::OnceLock;

use arbitrary::{Arbitrary, Unstructured};
use engine::imx::Container;
use engine::internals::NetworkFile;

#[derive(Arbitrary, Debug)]
struct Edited {
    network: u8,
    edits: Vec<Edit>,
    cut: Option<u16>,
}

#[derive(Arbitrary, Debug)]
enum Edit {
    Set(u16, u8),
    Insert(u16, u8),
    Remove(u16, u8),
    Copy { from: u16, length: u8, to: u16 },
}

#[derive(Arbitrary, Debug)]
struct Plan {
    inputs: Vec<[u8; 3]>,
    constants: Vec<Constant>,
    nodes: Vec<Node>,
    eight_bits: bool,
}

#[derive(Arbitrary, Debug)]
struct Constant {
    kind: u8,
    axes: Vec<u8>,
    values: Vec<i8>,
}

#[derive(Arbitrary, Debug)]
struct Node {
    operator: u8,
    inputs: Vec<u8>,
    outputs: u8,
    attributes: Vec<(u8, Value)>,
}

#[derive(Arbitrary, Debug)]
enum Value {
    Int(i8),
    Ints(Vec<i8>),
    Float(f32),
    Text(u8),
    Constant(Constant),
}

/// One of so many accepted networks is run.
const RUN_ONE_OF: u64 = 64;
/// Elements of a network that is run: larger ones take most of the time and show nothing else.
const LARGEST_RUN: usize = 1 << 18;

const OPERATORS: [&str; 36] = [
    "Add",
    "Cast",
    "Clip",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "Conv",
    "DepthToSpace",
    "Exp",
    "Gather",
    "Gemm",
    "Identity",
    "Log",
    "MatMul",
    "Max",
    "Mul",
    "Neg",
    "Pad",
    "QuantizeLinear",
    "ReduceMax",
    "ReduceMean",
    "Relu",
    "Reshape",
    "Resize",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Split",
    "Squeeze",
    "Sub",
    "Transpose",
    "Unsqueeze",
    "QLinearAdd",
    "QLinearConv",
    "Expand",
    "Loop",
];
const ATTRIBUTES: [&str; 24] = [
    "axis",
    "axes",
    "to",
    "value",
    "alpha",
    "beta",
    "transA",
    "transB",
    "keepdims",
    "perm",
    "blocksize",
    "mode",
    "pads",
    "strides",
    "dilations",
    "group",
    "kernel_shape",
    "channels_last",
    "allowzero",
    "nearest_mode",
    "coordinate_transformation_mode",
    "cubic_coeff_a",
    "auto_pad",
    "other",
];
const TEXTS: [&str; 6] = [
    "CRD",
    "constant",
    "asymmetric",
    "floor",
    "nearest",
    "NOTSET",
];
/// `TensorProto.DataType` and bytes of an element.
const TYPES: [(u64, usize); 6] = [(1, 4), (7, 8), (2, 1), (3, 1), (6, 4), (10, 2)];

pub(crate) fn run(data: &[u8]) {
    let Some((&kind, rest)) = data.split_first() else {
        return;
    };
    let bytes = match kind % 4 {
        0 => rest.to_vec(),
        1 => match Edited::arbitrary_take_rest(Unstructured::new(rest)) {
            Ok(edited) => edited.bytes(),
            Err(_) => return,
        },
        _ => match Plan::arbitrary_take_rest(Unstructured::new(rest)) {
            Ok(plan) => plan.bytes(),
            Err(_) => return,
        },
    };
    let Ok(network) = NetworkFile::read(&bytes) else {
        return;
    };
    if network.elements() > LARGEST_RUN || super::hash(data) % RUN_ONE_OF > 0 {
        return;
    }
    if let Err(error) = network.run() {
        // Indices that are computed are checked by each run.
        assert!(
            error
                .to_string()
                .contains("indices element out of data bounds"),
            "ONNX Runtime refuses what was accepted: {error}"
        );
    }
}

/// Sound networks, small ones.
fn networks() -> &'static [Vec<u8>] {
    static NETWORKS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    NETWORKS.get_or_init(|| {
        let mut networks = Vec::new();
        for avatar in ["tiny", "toy_8bit", "toy_failing"] {
            let path = super::testdata(&format!("avatars/{avatar}.imx"));
            let container = Container::open(path).expect("the avatar is there");
            for name in ["speech.onnx", "identity.onnx", "identity.int8.onnx"] {
                networks.extend(container.member(name).map(<[u8]>::to_vec));
            }
        }
        networks
    })
}

impl Edited {
    fn bytes(&self) -> Vec<u8> {
        let networks = networks();
        let mut bytes = networks[usize::from(self.network) % networks.len()].clone();
        for edit in self.edits.iter().take(32) {
            let place = |at: u16| usize::from(at) % bytes.len().max(1);
            match *edit {
                Edit::Set(at, byte) => {
                    let at = place(at);
                    if let Some(place) = bytes.get_mut(at) {
                        *place = byte;
                    }
                }
                Edit::Insert(at, byte) => bytes.insert(place(at), byte),
                Edit::Remove(at, length) => {
                    let at = place(at);
                    let end = bytes.len().min(at + usize::from(length));
                    bytes.drain(at..end);
                }
                Edit::Copy { from, length, to } => {
                    let (from, to) = (place(from), place(to));
                    let end = bytes.len().min(from + usize::from(length));
                    let piece = bytes[from..end].to_vec();
                    bytes.splice(to..to, piece);
                }
            }
        }
        bytes.truncate(self.cut.map_or(usize::MAX, usize::from));
        bytes
    }
}

impl Plan {
    /// The graph as ONNX, its names made of the places of its parts.
    fn bytes(&self) -> Vec<u8> {
        let (mut graph, mut names) = (Message::default(), Vec::new());
        for (index, axes) in self.inputs.iter().take(3).enumerate() {
            let name = format!("x{index}");
            let fixed = axes.iter().filter(|&&axis| axis > 0);
            let fixed: Vec<_> = fixed.map(|&axis| u64::from(axis)).collect();
            graph.message(11, value(&name, 1, &fixed));
            names.push(name);
        }
        for (index, constant) in self.constants.iter().take(12).enumerate() {
            let name = format!("c{index}");
            graph.message(5, constant.tensor(&name));
            names.push(name);
        }
        for (index, node) in self.nodes.iter().take(12).enumerate() {
            let (kind, mut message) = (
                usize::from(node.operator) % OPERATORS.len(),
                Message::default(),
            );
            for &input in node.inputs.iter().take(9) {
                let name = names.get(usize::from(input) % (names.len() + 1));
                message.bytes(1, name.map_or("", String::as_str).as_bytes());
            }
            let outputs = 1 + usize::from(node.outputs % 8).saturating_sub(5);
            let made = (0..outputs).map(|output| format!("n{index}_{output}"));
            let made: Vec<_> = made.collect();
            made.iter()
                .for_each(|name| message.bytes(2, name.as_bytes()));
            names.extend(made);
            message.bytes(4, OPERATORS[kind].as_bytes());
            if OPERATORS[kind].starts_with("QLinear") {
                message.bytes(7, b"com.microsoft");
            }
            for (name, value) in node.attributes.iter().take(8) {
                message.message(5, value.attribute(*name));
            }
            graph.message(1, message);
        }
        let last = names.last().map_or("", String::as_str);
        let mut output = Message::default();
        output.bytes(1, last.as_bytes());
        let mut tensor = Message::default();
        tensor.int(1, if self.eight_bits { 2 } else { 1 });
        let mut kind = Message::default();
        kind.message(1, tensor);
        output.message(2, kind);
        graph.message(12, output);
        let mut model = Message::default();
        model.int(1, 8);
        model.message(7, graph);
        for (domain, version) in [("", 17), ("com.microsoft", 1)] {
            let mut opset = Message::default();
            opset.bytes(1, domain.as_bytes());
            opset.int(2, version);
            model.message(8, opset);
        }
        model.0
    }
}

impl Constant {
    fn tensor(&self, name: &str) -> Message {
        let (kind, size) = TYPES[usize::from(self.kind) % TYPES.len()];
        let mut message = Message::default();
        let axes: Vec<_> = self
            .axes
            .iter()
            .take(6)
            .map(|&axis| u64::from(axis % 17))
            .collect();
        axes.iter().for_each(|&axis| message.int(1, axis));
        message.int(2, kind);
        message.bytes(8, name.as_bytes());
        let count = axes.iter().product::<u64>().min(4096) as usize;
        let values = self.values.iter().copied().chain([1]);
        let values: Vec<i8> = values.collect();
        let mut raw = Vec::with_capacity(count * size);
        for &value in values.iter().cycle().take(count) {
            match kind {
                1 => raw.extend((f32::from(value) / 8.0).to_le_bytes()),
                10 => raw.extend((value as u8 as u16).to_le_bytes()),
                _ => raw.extend(&i64::from(value).to_le_bytes()[..size]),
            }
        }
        message.bytes(9, &raw);
        message
    }
}

impl Value {
    fn attribute(&self, name: u8) -> Message {
        let mut message = Message::default();
        message.bytes(
            1,
            ATTRIBUTES[usize::from(name) % ATTRIBUTES.len()].as_bytes(),
        );
        let kind = match self {
            Self::Float(value) => {
                message.float(2, *value);
                1
            }
            Self::Int(value) => {
                message.int(3, i64::from(*value) as u64);
                2
            }
            Self::Text(text) => {
                message.bytes(4, TEXTS[usize::from(*text) % TEXTS.len()].as_bytes());
                3
            }
            Self::Constant(constant) => {
                message.message(5, constant.tensor(""));
                4
            }
            Self::Ints(values) => {
                for &value in values.iter().take(8) {
                    message.int(8, i64::from(value) as u64);
                }
                7
            }
        };
        message.int(20, kind);
        message
    }
}

/// `ValueInfoProto` with a batch in front.
fn value(name: &str, kind: u64, fixed: &[u64]) -> Message {
    let mut shape = Message::default();
    let mut batch = Message::default();
    batch.bytes(2, b"N");
    shape.message(1, batch);
    for &size in fixed {
        let mut axis = Message::default();
        axis.int(1, size);
        shape.message(1, axis);
    }
    let mut tensor = Message::default();
    tensor.int(1, kind);
    tensor.message(2, shape);
    let mut described = Message::default();
    described.message(1, tensor);
    let mut message = Message::default();
    message.bytes(1, name.as_bytes());
    message.message(2, described);
    message
}

/// A message of protocol buffers that is being written.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut number: u64) {
        while number > 127 {
            self.0.push(number as u8 | 128);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn int(&mut self, field: u64, number: u64) {
        self.varint(field << 3);
        self.varint(number);
    }

    fn float(&mut self, field: u64, number: f32) {
        self.varint(field << 3 | 5);
        self.0.extend(number.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
    }

    fn message(&mut self, field: u64, message: Self) {
        self.bytes(field, &message.0);
    }
}
