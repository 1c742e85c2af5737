//! Checks the file of a model before any runtime sees it: an avatar is data, never a program.
//!
//! A file in ONNX can do more than an avatar's network may: read other files of the user's (external
//! data), loop without end, ask for any amount of memory, call functions and operators that a runtime
//! was extended by. So the file is read here first, into a typed graph with a shape for every tensor,
//! and refused by name if it has anything but the operators of one list ([`operators`]) within the
//! limits ([`limits`]).
//!
//! In the order of the data: `wire` (fields of protocol buffers), `proto` (ONNX's messages), `read`
//! (names, constants, totals) with `operators` and `shapes`, `graph` (the result).

mod element_type;
mod fault;
mod graph;
mod limits;
mod operators;
mod proto;
mod read;
mod shapes;
#[cfg(test)]
mod tests;
mod wire;

pub(crate) use element_type::ElementType;
use fault::{Quoted, refuse};
pub(crate) use graph::{Graph, TensorId};
pub(in crate::infer) use graph::{Node, Shape, Source as TensorSource, Tensor};
pub(in crate::infer) use operators::{Operator, Window};
pub(in crate::infer) use shapes::{Inputs, cuts, multiply_adds, permutation};

use super::TensorSpec;
use crate::{Error, ErrorKind, Result};

/// A network that may be run.
#[derive(Debug)]
pub(crate) struct Model<'a> {
    bytes: &'a [u8],
    graph: Graph<'a>,
}

impl<'a> Model<'a> {
    /// Reads a network out of a file.
    ///
    /// # Errors
    /// `InvalidAvatar` with the node or tensor that is at fault; `what` is the network's name.
    pub(crate) fn read(what: &str, bytes: &'a [u8]) -> Result<Self> {
        match read::read(bytes) {
            Ok(graph) => Ok(Self { bytes, graph }),
            Err(fault) => Err(refused(what, &fault)),
        }
    }

    /// The file, which is as long as the graph is read from it.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The graph.
    pub(crate) fn graph(&self) -> &Graph<'a> {
        &self.graph
    }

    /// Holds the network against what the manifest says of it: exactly these inputs, of floats, and (at
    /// least) this output.
    ///
    /// # Errors
    /// `InvalidAvatar` with the tensor that differs.
    pub(crate) fn expect(
        &self,
        what: &str,
        inputs: &[TensorSpec],
        output: &TensorSpec,
        output_type: ElementType,
    ) -> Result<()> {
        self.agrees(inputs, output, output_type)
            .map_err(|fault| refused(what, &fault))
    }

    fn agrees(
        &self,
        inputs: &[TensorSpec],
        output: &TensorSpec,
        output_type: ElementType,
    ) -> fault::Result<()> {
        let graph = &self.graph;
        for &id in &graph.inputs {
            let name = graph[id].name;
            if inputs.iter().all(|spec| spec.name != name) {
                return refuse(format!(
                    "the network wants an input {} that the manifest does not name",
                    Quoted(name)
                ));
            }
        }
        let inputs = inputs
            .iter()
            .map(|spec| ("input", spec, &graph.inputs, ElementType::F32));
        for (side, spec, ids, element) in
            inputs.chain([("output", output, &graph.outputs, output_type)])
        {
            let Some(&id) = ids.iter().find(|&&id| graph[id].name == spec.name) else {
                return refuse(format!("the network has no {side} `{}`", spec.name));
            };
            let tensor = &graph[id];
            let [1, axes @ ..] = tensor.shape.axes() else {
                return refuse(format!("{side} `{}` is {}", spec.name, tensor.shape));
            };
            if !tensor.shape.is_batched() || axes != spec.shape || tensor.element != element {
                return refuse(format!(
                    "{side} `{}` is {} of {}, but [N, {}] of {element} is expected",
                    spec.name,
                    tensor.shape,
                    tensor.element,
                    spec.shape
                        .iter()
                        .map(usize::to_string)
                        .collect::<Vec<_>>()
                        .join(", ")
                ));
            }
        }
        Ok(())
    }
}

#[cold]
fn refused(what: &str, fault: &fault::Fault) -> Error {
    Error::new(
        ErrorKind::InvalidAvatar,
        format!("{what} is refused: {fault}"),
    )
}
