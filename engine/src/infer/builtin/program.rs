//! A network ready to run: its steps in order, where each value lies, and the constants, shared by all
//! threads. Computed once, when the network is loaded.

use std::collections::HashMap;
use std::sync::Arc;

use super::arena::{Arena, LINE, Place};
use super::ops::{Kernel, Lowered, lower};
use super::values::{Data, Run, Source};
use crate::infer::model::{ElementType, Graph, Model, Operator, TensorId};
use crate::infer::TensorSpec;

type Result<T> = std::result::Result<T, String>;

/// What is computed at one place of the order, for all items.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) kernel: Kernel,
    inputs: Vec<Source>,
    /// The value that it makes.
    output: usize,
}

impl Step {
    /// Makes the output of each of the first items.
    ///
    /// # Errors
    /// The errors of [`Kernel::run`].
    pub(super) fn run(&self, arena: &mut Arena, places: &[Place], items: usize) -> crate::Result<()> {
        for item in 0..items {
            self.kernel.run(&mut Run {
                arena,
                item,
                places,
                inputs: &self.inputs,
                output: self.output,
            })?;
        }
        Ok(())
    }
}

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
}

impl Program {
    /// Compiles a network that has these inputs and this output.
    ///
    /// # Errors
    /// In words, what can't be run.
    pub(super) fn compile(
        model: &Model<'_>,
        inputs: &[TensorSpec],
        output: &TensorSpec,
    ) -> Result<Self> {
        let graph = model.graph();
        let mut compiler = Compiler::new(graph);
        for &id in &graph.inputs {
            compiler.value(id);
        }
        for node in &graph.nodes {
            // What has no batch follows from constants alone: it is computed when it is needed.
            if node.outputs.iter().any(|&id| graph[id].shape.is_batched()) {
                let lowered = lower(graph, node)?;
                compiler.push(lowered, node.outputs[0])?;
            }
        }
        let named = |name: &str, ids: &[TensorId]| -> Result<usize> {
            let id = ids.iter().find(|&&id| graph[id].name == name);
            let value = id.and_then(|id| compiler.values.get(&id.index()));
            value
                .copied()
                .ok_or_else(|| format!("no value `{name}`"))
        };
        let inputs: Vec<usize> = inputs
            .iter()
            .map(|spec| named(&spec.name, &graph.inputs))
            .collect::<Result<_>>()?;
        let output = named(&output.name, &graph.outputs)?;
        let kept: Vec<usize> = inputs.iter().copied().chain([output]).collect();
        let Compiler { steps, bytes, .. } = compiler;
        let (places, item_bytes) = place(&steps, &bytes, &kept);
        Ok(Self {
            inputs: inputs.iter().map(|&value| places[value]).collect(),
            output: places[output],
            steps,
            places,
            item_bytes,
        })
    }
}

/// Makes steps of nodes, one after the other.
struct Compiler<'g, 'a> {
    graph: &'g Graph<'a>,
    steps: Vec<Step>,
    /// Of each value.
    bytes: Vec<usize>,
    /// The values of tensors that have a batch.
    values: HashMap<usize, usize>,
    constants: HashMap<usize, Arc<Data>>,
    /// The node that makes a tensor.
    makers: HashMap<usize, usize>,
}

impl<'g, 'a> Compiler<'g, 'a> {
    fn new(graph: &'g Graph<'a>) -> Self {
        let nodes = graph.nodes.iter().enumerate();
        let makers = nodes.flat_map(|(i, node)| node.outputs.iter().map(move |id| (id.index(), i)));
        Self {
            makers: makers.collect(),
            graph,
            steps: Vec::new(),
            bytes: Vec::new(),
            values: HashMap::new(),
            constants: HashMap::new(),
        }
    }

    /// A new value for a tensor.
    fn value(&mut self, id: TensorId) -> usize {
        let tensor = &self.graph[id];
        let value = self.bytes.len();
        self.bytes.push(tensor.shape.elements() * tensor.element.bytes());
        self.values.insert(id.index(), value);
        value
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
                    let inputs = inputs.into_iter().map(|id| self.source(id));
                    let inputs = inputs.collect::<Result<Vec<_>>>()?;
                    let output = self.value(output);
                    self.steps.push(Step {
                        kernel,
                        inputs,
                        output,
                    });
                }
            }
        }
        Ok(())
    }

    fn source(&mut self, id: TensorId) -> Result<Source> {
        match self.values.get(&id.index()) {
            Some(&value) => Ok(Source::Value(value)),
            None => self.constant(id).map(Source::Constant),
        }
    }

    /// The numbers of a tensor without a batch.
    fn constant(&mut self, id: TensorId) -> Result<Arc<Data>> {
        if let Some(known) = self.constants.get(&id.index()) {
            return Ok(Arc::clone(known));
        }
        let data = match Data::of(&self.graph[id]) {
            Some(data) => Arc::new(data),
            None => self.fold(id)?,
        };
        self.constants.insert(id.index(), Arc::clone(&data));
        Ok(data)
    }

    /// Computes a tensor that follows from constants. There are no more nodes than
    /// `limits::NODES`, so that it doesn't go deeper.
    fn fold(&mut self, id: TensorId) -> Result<Arc<Data>> {
        let graph = self.graph;
        let maker = self.makers.get(&id.index());
        let node = maker.map(|&index| &graph.nodes[index]);
        let node = node.ok_or("a tensor that nothing makes")?;
        if let (Operator::Cast(to), Some(&Some(input))) = (&node.operator, node.inputs.first()) {
            let data = self.constant(input)?;
            return Ok(Arc::new(match to {
                ElementType::I64 => Data::I64(data.to_integers()),
                _ => Data::F32(data.to_floats()),
            }));
        }
        let steps = match lower(graph, node)? {
            Lowered::Same(input) => return self.constant(input),
            Lowered::Steps(steps) => steps,
        };
        let step = steps.into_iter().find(|(_, _, output)| *output == id);
        let (kernel, inputs, _) = step.ok_or("a tensor that nothing makes")?;
        let inputs = inputs.into_iter().map(|id| self.constant(id).map(Source::Constant));
        let tensor = &graph[id];
        let place = Place {
            offset: 0,
            bytes: tensor.shape.elements() * tensor.element.bytes(),
        };
        let step = Step {
            kernel,
            inputs: inputs.collect::<Result<_>>()?,
            output: 0,
        };
        let mut arena = Arena::new(place.bytes);
        arena.hold(1);
        let run = step.run(&mut arena, &[place], 1);
        run.map_err(|error| error.to_string())?;
        Ok(Arc::new(match tensor.element {
            ElementType::I64 => Data::I64(arena.get(0, place).to_vec()),
            ElementType::U8 => Data::U8(arena.get(0, place).to_vec()),
            _ => Data::F32(arena.get(0, place).to_vec()),
        }))
    }
}

/// Gives each value a place, apart from all others that are alive at the same time. `kept`: values
/// that live from the beginning to the end.
fn place(steps: &[Step], bytes: &[usize], kept: &[usize]) -> (Vec<Place>, usize) {
    // The steps in which a value is first and last needed.
    let mut lives = vec![(usize::MAX, 0); bytes.len()];
    let mut needed = |value: usize, step: usize| {
        let (first, last): &mut (usize, usize) = &mut lives[value];
        (*first, *last) = ((*first).min(step), (*last).max(step));
    };
    for (index, step) in steps.iter().enumerate() {
        needed(step.output, index);
        for source in &step.inputs {
            if let Source::Value(value) = source {
                needed(*value, index);
            }
        }
    }
    for &value in kept {
        needed(value, 0);
        needed(value, steps.len());
    }
    // Inputs that the caller doesn't set live nowhere; the largest values choose first.
    let mut order: Vec<usize> = (0..bytes.len()).collect();
    order.sort_by_key(|&value| std::cmp::Reverse(bytes[value]));
    let mut places: Vec<Place> = vec![Place::default(); bytes.len()];
    let mut placed: Vec<usize> = Vec::new();
    let mut total = 0;
    for value in order {
        let ((first, last), size) = (lives[value], bytes[value].next_multiple_of(LINE));
        let mut taken: Vec<(usize, usize)> = placed
            .iter()
            .filter(|&&other| lives[other].0 <= last && first <= lives[other].1)
            .map(|&other| {
                let begin = places[other].offset;
                (begin, begin + bytes[other].next_multiple_of(LINE))
            })
            .collect();
        taken.sort_unstable();
        let mut offset = 0;
        for (begin, end) in taken {
            if offset + size <= begin {
                break;
            }
            offset = offset.max(end);
        }
        places[value] = Place {
            offset,
            bytes: bytes[value],
        };
        total = total.max(offset + size);
        placed.push(value);
    }
    (places, total)
}
