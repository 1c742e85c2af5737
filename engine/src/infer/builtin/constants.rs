//! The tensors of a graph that have no batch: they follow from the file alone, and are computed once,
//! when they are needed.

use std::collections::HashMap;
use std::sync::Arc;

use super::arena::{Arena, Place};
use super::ops::{Lowered, lower};
use super::step::{Step, Work};
use super::values::{Data, Source};
use crate::infer::model::{ElementType, Graph, Node, Operator, TensorId};

type Result<T> = std::result::Result<T, String>;

/// Constants of a graph, and the nodes that make its tensors.
pub(super) struct Constants<'g, 'a> {
    graph: &'g Graph<'a>,
    /// The node that makes a tensor.
    makers: HashMap<usize, usize>,
    known: HashMap<usize, Arc<Data>>,
}

impl<'g, 'a> Constants<'g, 'a> {
    pub(super) fn new(graph: &'g Graph<'a>) -> Self {
        let nodes = graph.nodes.iter().enumerate();
        let makers = nodes.flat_map(|(i, node)| node.outputs.iter().map(move |id| (id.index(), i)));
        Self {
            makers: makers.collect(),
            graph,
            known: HashMap::new(),
        }
    }

    /// The node that makes a tensor, and its place.
    pub(super) fn maker(&self, id: TensorId) -> Option<(usize, &'g Node)> {
        let &index = self.makers.get(&id.index())?;
        Some((index, &self.graph.nodes[index]))
    }

    /// The numbers of a tensor without a batch.
    ///
    /// # Errors
    /// In words, if it follows from a node that can't be run.
    pub(super) fn get(&mut self, id: TensorId) -> Result<Arc<Data>> {
        if let Some(known) = self.known.get(&id.index()) {
            return Ok(Arc::clone(known));
        }
        let data = match Data::of(&self.graph[id]) {
            Some(data) => Arc::new(data),
            None => self.fold(id)?,
        };
        self.known.insert(id.index(), Arc::clone(&data));
        Ok(data)
    }

    /// The numbers of a constant as they are in the file, which may be narrower than the floats that
    /// are made of them.
    pub(super) fn stored(&mut self, id: TensorId) -> Result<Arc<Data>> {
        if let Some((_, node)) = self.maker(id)
            && let (Operator::Cast(ElementType::F32), Some(&Some(input))) =
                (&node.operator, node.inputs.first())
            && let Some(data) = Data::of(&self.graph[input])
        {
            return Ok(Arc::new(data));
        }
        self.get(id)
    }

    /// Computes a tensor that follows from others. There are no more nodes than `limits::NODES`, so
    /// that it doesn't go deeper.
    fn fold(&mut self, id: TensorId) -> Result<Arc<Data>> {
        let graph = self.graph;
        let (_, node) = self.maker(id).ok_or("a tensor that nothing makes")?;
        if let (Operator::Cast(to), Some(&Some(input))) = (&node.operator, node.inputs.first()) {
            let data = self.get(input)?;
            return Ok(Arc::new(match to {
                ElementType::I64 => Data::I64(data.to_integers()),
                _ => Data::F32(data.to_floats()),
            }));
        }
        let steps = match lower(graph, node)? {
            Lowered::Same(input) => return self.get(input),
            Lowered::Steps(steps) => steps,
        };
        let step = steps.into_iter().find(|(_, _, output)| *output == id);
        let (kernel, inputs, _) = step.ok_or("a tensor that nothing makes")?;
        let inputs = inputs
            .into_iter()
            .map(|id| self.get(id).map(Source::Constant));
        let tensor = &graph[id];
        let place = Place {
            offset: 0,
            bytes: tensor.shape.elements() * tensor.element.bytes(),
        };
        let step = Step {
            work: Work::Each(Box::new(kernel)),
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
