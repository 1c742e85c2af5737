//! A network ready to run: its steps in order, where each value lies, and the constants, shared by all
//! threads. Computed once, when the network is loaded.

use std::collections::HashMap;

use super::arena::Place;
use super::constants::Constants;
use super::fuse::{Found, find};
use super::kernels::Level;
use super::ops::{Lowered, lower};
use super::place::place;
use super::step::{Step, Work};
use super::values::Source;
use crate::infer::TensorSpec;
use crate::infer::model::{Graph, Model, TensorId, multiply_adds};

type Result<T> = std::result::Result<T, String>;

/// Products that take no time worth mentioning in any kernel.
const SMALL: u64 = 100_000;

/// A network ready to run.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) steps: Vec<Step>,
    /// Of each value.
    pub(super) places: Vec<Place>,
    /// Bytes of an item's values.
    pub(super) item_bytes: usize,
    /// In the order of the specification.
    pub(super) inputs: Vec<Place>,
    pub(super) output: Place,
    /// Whether nine tenths of its products are in kernels as fast as ONNX Runtime's.
    pub(super) is_fast: bool,
}

impl Program {
    /// Compiles a network that has these inputs and this output, for an instruction set.
    ///
    /// # Errors
    /// In words, what can't be run.
    pub(super) fn compile(
        level: Level,
        model: &Model<'_>,
        inputs: &[TensorSpec],
        output: &TensorSpec,
    ) -> Result<Self> {
        let graph = model.graph();
        let mut compiler = Compiler::new(graph);
        for &id in &graph.inputs {
            compiler.value(id);
        }
        let found = find(level, graph, &mut compiler.constants);
        let inside = |index: &usize| found.iter().any(|found| found.nodes.contains(index));
        let cost = |index: usize| multiply_adds(graph, &graph.nodes[index]);
        // A tensor without a batch follows from constants alone: it is computed when it is needed.
        let batched = |index: &usize| {
            let outputs = &graph.nodes[*index].outputs;
            outputs.iter().any(|&id| graph[id].shape.is_batched())
        };
        let all = (0..graph.nodes.len()).filter(batched);
        let slow: u64 = all.clone().filter(|index| !inside(index)).map(cost).sum();
        let total: u64 = all.clone().map(cost).sum();
        let mut groups: HashMap<usize, Found> = HashMap::new();
        let mut skipped: Vec<usize> = Vec::new();
        for group in found {
            skipped.extend(&group.nodes);
            if let Some(&last) = group.nodes.iter().max() {
                groups.insert(last, group);
            }
        }
        for index in all {
            if let Some(group) = groups.remove(&index) {
                compiler.group(group)?;
            } else if !skipped.contains(&index) {
                let node = &graph.nodes[index];
                compiler.push(lower(graph, node)?, node.outputs[0])?;
            }
        }
        let named = |name: &str, ids: &[TensorId]| -> Result<usize> {
            let id = ids.iter().find(|&&id| graph[id].name == name);
            let value = id.and_then(|id| compiler.values.get(&id.index()));
            value.copied().ok_or_else(|| format!("no value `{name}`"))
        };
        let inputs = inputs.iter().map(|spec| named(&spec.name, &graph.inputs));
        let inputs = inputs.collect::<Result<Vec<usize>>>()?;
        let output = named(&output.name, &graph.outputs)?;
        let kept = inputs.iter().copied().chain([output]);
        let kept: Vec<usize> = kept.chain(compiler.scratch).collect();
        let (places, item_bytes) = place(&compiler.steps, &compiler.bytes, &kept);
        Ok(Self {
            inputs: inputs.iter().map(|&value| places[value]).collect(),
            output: places[output],
            steps: compiler.steps,
            places,
            item_bytes,
            is_fast: total <= SMALL || (level.is_fast() && slow <= total / 10),
        })
    }
}

/// Makes steps of nodes, one after the other.
struct Compiler<'g, 'a> {
    graph: &'g Graph<'a>,
    constants: Constants<'g, 'a>,
    steps: Vec<Step>,
    /// Of each value.
    bytes: Vec<usize>,
    /// The values of tensors that have a batch.
    values: HashMap<usize, usize>,
    /// Values that belong to one step from run to run.
    scratch: Vec<usize>,
}

impl<'g, 'a> Compiler<'g, 'a> {
    fn new(graph: &'g Graph<'a>) -> Self {
        Self {
            graph,
            constants: Constants::new(graph),
            steps: Vec::new(),
            bytes: Vec::new(),
            values: HashMap::new(),
            scratch: Vec::new(),
        }
    }

    /// A new value for a tensor.
    fn value(&mut self, id: TensorId) -> usize {
        let tensor = &self.graph[id];
        let value = self.bytes.len();
        self.bytes
            .push(tensor.shape.elements() * tensor.element.bytes());
        self.values.insert(id.index(), value);
        value
    }

    fn source(&mut self, id: TensorId) -> Result<Source> {
        match self.values.get(&id.index()) {
            Some(&value) => Ok(Source::Value(value)),
            None => self.constants.get(id).map(Source::Constant),
        }
    }

    fn step(&mut self, work: Work, inputs: Vec<TensorId>, output: TensorId) -> Result<()> {
        let inputs = inputs.into_iter().map(|id| self.source(id));
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        let output = self.value(output);
        self.steps.push(Step {
            work,
            inputs,
            output,
        });
        Ok(())
    }

    fn push(&mut self, lowered: Lowered, output: TensorId) -> Result<()> {
        match lowered {
            Lowered::Same(input) => {
                let Some(&value) = self.values.get(&input.index()) else {
                    return Err("a batch out of nothing".to_owned());
                };
                self.values.insert(output.index(), value);
            }
            Lowered::Steps(steps) => {
                for (kernel, inputs, output) in steps {
                    self.step(Work::Each(Box::new(kernel)), inputs, output)?;
                }
            }
        }
        Ok(())
    }

    fn group(&mut self, group: Found) -> Result<()> {
        self.step(Work::All(group.layer), group.inputs, group.output)?;
        for bytes in group.scratch {
            let value = self.bytes.len();
            self.bytes.push(bytes);
            self.scratch.push(value);
            if let Some(step) = self.steps.last_mut() {
                step.inputs.push(Source::Value(value));
            }
        }
        Ok(())
    }
}
