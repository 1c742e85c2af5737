//! What a network may hold at most. `docs/limits.md` has the same numbers, and a test compares them.
//! The studio's largest networks stay below an eighth of each limit.

/// Versions of the file format (`ir_version`).
pub(super) const IR_VERSIONS: std::ops::RangeInclusive<i64> = 7..=10;

/// Versions of the standard operators. What the listed operators mean is the same in all of them.
pub(super) const OPSET_VERSIONS: std::ops::RangeInclusive<i64> = 13..=17;

/// The version of the quantised operators, domain `com.microsoft`.
pub(super) const QUANTISED_VERSION: i64 = 1;

/// Nodes of the graph.
pub(super) const NODES: usize = 1024;

/// Tensors with a name: inputs, weights and results of nodes.
pub(super) const TENSORS: usize = 4096;

/// Inputs of a node.
pub(super) const NODE_INPUTS: usize = 16;

/// Outputs of a node.
pub(super) const NODE_OUTPUTS: usize = 16;

/// Attributes of a node.
pub(super) const NODE_ATTRIBUTES: usize = 16;

/// Numbers in an attribute's list.
pub(super) const ATTRIBUTE_NUMBERS: usize = 16;

/// Bytes of a tensor's or node's name.
pub(super) const NAME_BYTES: usize = 512;

/// Axes of a tensor.
pub(super) const RANK: usize = 6;

/// Elements of a tensor for one item of the batch, and so of each axis. It holds for the matrix of
/// columns that a convolution is unrolled into, too.
pub(super) const TENSOR_ELEMENTS: usize = 1 << 23;

/// Elements of all results of nodes together, for one item of the batch.
pub(super) const ACTIVATION_ELEMENTS: u64 = 1 << 25;

/// Elements of all weights together.
pub(super) const WEIGHT_ELEMENTS: u64 = 1 << 24;

/// Products that are summed in one run, for one item of the batch.
pub(super) const MULTIPLY_ADDS: u64 = 1 << 29;

/// Elements of a tensor of sizes, such as the shape that Reshape takes.
pub(super) const SIZES: usize = 64;

/// The factor by which Resize enlarges an axis.
pub(super) const SCALE: usize = 8;
