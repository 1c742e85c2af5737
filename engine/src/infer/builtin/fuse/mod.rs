//! Finds the layers of a graph that there are kernels for: several nodes become one step, if nothing
//! else takes what lies between them. Where a layer isn't quite what the kernels can do, its nodes run
//! one by one.

mod decoder;
mod dense;
mod energies;
mod rows;

use super::constants::Constants;
use super::kernels::{Layer, Level};
use super::values::Data;
use crate::infer::model::{Graph, Node, Operator, Tensor, TensorId};

/// A layer that was found.
pub(super) struct Found {
    pub(super) layer: Box<dyn Layer>,
    pub(super) inputs: Vec<TensorId>,
    pub(super) output: TensorId,
    /// Bytes of further values, which come after the inputs, are zeros at first, and are the layer's
    /// own from run to run.
    pub(super) scratch: Vec<usize>,
    /// The nodes that it stands for.
    pub(super) nodes: Vec<usize>,
}

/// Finds all layers.
pub(super) fn find<'g, 'a>(
    level: Level,
    graph: &'g Graph<'a>,
    constants: &mut Constants<'g, 'a>,
) -> Vec<Found> {
    let mut uses = vec![0; graph.tensors.len()];
    let inputs = graph.nodes.iter().flat_map(|node| &node.inputs);
    for id in inputs.flatten().chain(&graph.outputs) {
        uses[id.index()] += 1;
    }
    let mut finder = Finder {
        graph,
        constants,
        uses,
        taken: vec![false; graph.nodes.len()],
    };
    let mut all = Vec::new();
    // From the end: a layer is known by its last node.
    for index in (0..graph.nodes.len()).rev() {
        let output = &graph[graph.nodes[index].outputs[0]];
        if finder.taken[index] || !output.shape.is_batched() {
            continue;
        }
        let found = match graph.nodes[index].operator {
            Operator::Gemm { .. } | Operator::MatMul | Operator::Relu => {
                dense::find(level, &mut finder, index)
            }
            Operator::QLinearAdd => decoder::find(level, &mut finder, index),
            Operator::ReduceMean { .. } => energies::find(level, &mut finder, index),
            Operator::Reshape => rows::find(level, &mut finder, index),
            _ => None,
        };
        if let Some(found) = found {
            for &node in &found.nodes {
                finder.taken[node] = true;
            }
            all.push(found);
        }
    }
    all
}

/// Looks at a graph.
struct Finder<'c, 'g, 'a> {
    graph: &'g Graph<'a>,
    constants: &'c mut Constants<'g, 'a>,
    /// How many nodes and outputs take a tensor.
    uses: Vec<usize>,
    /// Nodes that belong to a layer already.
    taken: Vec<bool>,
}

impl<'g, 'a> Finder<'_, 'g, 'a> {
    fn node(&self, index: usize) -> &'g Node {
        &self.graph.nodes[index]
    }

    fn tensor(&self, id: TensorId) -> &'g Tensor<'a> {
        &self.graph[id]
    }

    /// The node that makes input `input` of a node, if nothing else takes that.
    fn before(&self, node: &Node, input: usize) -> Option<(usize, &'g Node)> {
        let id = node.inputs.get(input).copied().flatten()?;
        let (index, maker) = self.constants.maker(id)?;
        let ours = self.uses[id.index()] == 1 && !self.taken[index] && maker.outputs.len() == 1;
        ours.then_some((index, maker))
    }

    fn input(&self, node: &Node, input: usize) -> Option<TensorId> {
        node.inputs.get(input).copied().flatten()
    }

    /// An input that has a batch.
    fn value(&self, node: &Node, input: usize) -> Option<TensorId> {
        let id = self.input(node, input)?;
        self.graph[id].shape.is_batched().then_some(id)
    }

    /// The numbers of an input that has none, as they are in the file.
    fn stored(&mut self, node: &Node, input: usize) -> Option<std::sync::Arc<Data>> {
        let id = self.input(node, input)?;
        if self.graph[id].shape.is_batched() {
            return None;
        }
        self.constants.stored(id).ok()
    }

    fn floats(&mut self, node: &Node, input: usize) -> Option<Vec<f32>> {
        Some(self.stored(node, input)?.to_floats())
    }

    fn integers(&mut self, node: &Node, input: usize) -> Option<Vec<i64>> {
        Some(self.stored(node, input)?.to_integers())
    }

    fn float(&mut self, node: &Node, input: usize) -> Option<f32> {
        self.floats(node, input)?.first().copied()
    }

    /// The sizes of what a node makes, for one item.
    fn made(&self, node: &Node) -> &'g [usize] {
        self.graph[node.outputs[0]].shape.axes()
    }
}
