//! From the messages of a file to the typed graph: names become places, sizes are inferred, and the
//! whole is held against the limits.

use std::collections::HashMap;

use super::element_type::ElementType;
use super::fault::{Fault, Quoted, Result, at_most, refuse};
use super::graph::{Graph, Node, Shape, Source, Tensor, TensorId};
use super::limits;
use super::operators::{Operator, QUANTISED, Rule};
use super::proto::{self, AttributeValue};
use super::shapes::{self, Inputs};

/// Reads a network, all of whose inputs have a batch in front.
pub(super) fn read(bytes: &[u8]) -> Result<Graph<'_>> {
    let model = proto::Model::read(bytes)?;
    versions(&model)?;
    let proto = &model.graph;
    let mut reader = Reader {
        proto,
        graph: Graph::default(),
        places: HashMap::new(),
        weights: 0,
    };
    for input in &proto.inputs {
        reader
            .input(input)
            .map_err(|f| f.within(format_args!("input {}", Quoted(input.name))))?;
    }
    for tensor in &proto.initializers {
        reader.constant(tensor.name, tensor)?;
    }
    for (index, node) in proto.nodes.iter().enumerate() {
        reader.node(node).map_err(|f| f.within(node.place(index)))?;
    }
    for value in &proto.values {
        reader.declared(value)?;
    }
    for output in &proto.outputs {
        let id = reader
            .declared(output)
            .map_err(|f| f.within("an output of the network"))?;
        if reader.graph.outputs.contains(&id) {
            return refuse(format!("{} is an output twice", Quoted(output.name)));
        }
        reader.graph.outputs.push(id);
    }
    totals(&reader.graph)?;
    Ok(reader.graph)
}

fn versions(model: &proto::Model<'_>) -> Result<()> {
    let ir = model.ir_version;
    if !limits::IR_VERSIONS.contains(&ir) {
        let (oldest, newest) = limits::IR_VERSIONS.into_inner();
        return refuse(format!(
            "its ir_version is {ir}; {oldest} to {newest} are read"
        ));
    }
    let mut seen = Vec::new();
    for &(domain, version) in &model.opsets {
        if seen.contains(&domain) {
            return refuse(format!("it imports the domain {} twice", Quoted(domain)));
        }
        seen.push(domain);
        match domain {
            "" if limits::OPSET_VERSIONS.contains(&version) => {}
            "" => {
                let (oldest, newest) = limits::OPSET_VERSIONS.into_inner();
                return refuse(format!(
                    "its opset is {version}; {oldest} to {newest} are read"
                ));
            }
            QUANTISED if version == limits::QUANTISED_VERSION => {}
            _ => {
                return refuse(format!(
                    "it imports operators of the domain {}, version {version}, which are not read",
                    Quoted(domain)
                ));
            }
        }
    }
    let quantised = |node: &proto::Node<'_>| node.domain == QUANTISED;
    if !seen.contains(&"") {
        return refuse("it imports no opset");
    }
    if !seen.contains(&QUANTISED) && model.graph.nodes.iter().any(quantised) {
        return refuse(format!(
            "it uses operators of the domain {QUANTISED}, but does not import them"
        ));
    }
    Ok(())
}

struct Reader<'a, 'b> {
    proto: &'b proto::Graph<'a>,
    graph: Graph<'a>,
    places: HashMap<&'a str, TensorId>,
    /// Elements of all weights.
    weights: u64,
}

impl<'a> Reader<'a, '_> {
    /// Adds a tensor under a name that is not taken.
    fn add(&mut self, tensor: Tensor<'a>) -> Result<TensorId> {
        let id = TensorId(self.graph.tensors.len());
        at_most("tensors", id.0 as u64 + 1, limits::TENSORS as u64)?;
        if tensor.name.is_empty() {
            return refuse("a tensor has no name");
        }
        if self.places.insert(tensor.name, id).is_some() {
            return refuse(format!("two tensors have the name {}", Quoted(tensor.name)));
        }
        self.graph.tensors.push(tensor);
        Ok(id)
    }

    fn input(&mut self, input: &proto::ValueInfo<'a>) -> Result<()> {
        let element = ElementType::from_onnx(input.element_type)?;
        let Some([batch, axes @ ..]) = input.shape.as_deref() else {
            return refuse("it has no shape, or no batch");
        };
        if let Some(size) = batch {
            return refuse(format!(
                "its batch is fixed to {size}; it has to be a symbol"
            ));
        }
        let fixed = axes.iter().map(|axis| match axis {
            Some(size) => usize::try_from(*size)
                .ok()
                .filter(|&size| size > 0)
                .ok_or_else(|| Fault::new(format!("an axis of {size} is not allowed"))),
            None => refuse("it is dynamic: only the batch, its first axis, may be a symbol"),
        });
        let axes = fixed.collect::<Result<Vec<_>>>()?;
        let id = self.add(Tensor {
            name: input.name,
            element,
            shape: Shape::new(true, std::iter::once(1).chain(axes))?,
            source: Source::Input,
        })?;
        self.graph.inputs.push(id);
        Ok(())
    }

    /// An initializer, or what a Constant makes.
    fn constant(&mut self, name: &'a str, tensor: &proto::Tensor<'a>) -> Result<()> {
        let place = |fault: Fault| fault.within(format_args!("the constant {}", Quoted(name)));
        let weights = weights(tensor).map_err(place)?;
        self.weights += weights.1.elements() as u64;
        at_most(
            "elements in all weights",
            self.weights,
            limits::WEIGHT_ELEMENTS,
        )?;
        self.add(Tensor {
            name,
            element: weights.0,
            shape: weights.1,
            source: Source::Weights(tensor.raw),
        })?;
        Ok(())
    }

    fn node(&mut self, node: &proto::Node<'a>) -> Result<()> {
        let rule = Rule::find(node.domain, node.operator)?;
        if !rule.inputs.contains(&node.inputs.len()) {
            let (least, most) = rule.inputs.clone().into_inner();
            return refuse(format!(
                "{} inputs; {least} to {most} are allowed",
                node.inputs.len()
            ));
        }
        if !rule.outputs.contains(&node.outputs.len()) {
            return refuse(format!("{} outputs are not allowed", node.outputs.len()));
        }
        let operator = rule.operator(&node.attributes)?;
        if let Operator::Constant = operator {
            let [
                proto::Attribute {
                    value: AttributeValue::Tensor(tensor),
                    ..
                },
            ] = &node.attributes[..]
            else {
                return refuse("its value is not a tensor");
            };
            return self.constant(node.outputs[0], tensor);
        }
        let inputs = node.inputs.iter().map(|name| self.input_of_node(name));
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        let tensors: Vec<_> = inputs
            .iter()
            .map(|id| id.map(|id| &self.graph[id]))
            .collect();
        if let Some(Some(first)) = tensors.first()
            && !rule.types.contains(&first.element)
        {
            return refuse(format!(
                "its first input is of type {}, which is not allowed",
                first.element
            ));
        }
        let described = shapes::infer(&operator, Inputs(&tensors), node.outputs.len())?;
        let folded = match described.first() {
            Some((ElementType::I64, shape)) => shapes::fold(&operator, Inputs(&tensors), shape)?,
            _ => None,
        };
        let is_node = folded.is_none();
        let mut folded = folded.map(Source::Sizes);
        let mut outputs = Vec::with_capacity(described.len());
        for (&name, (element, shape)) in node.outputs.iter().zip(described) {
            let source = folded.take().unwrap_or(Source::Node);
            outputs.push(self.add(Tensor {
                name,
                element,
                shape,
                source,
            })?);
        }
        if is_node {
            self.graph.nodes.push(Node {
                operator,
                inputs,
                outputs,
            });
        }
        Ok(())
    }

    fn input_of_node(&self, name: &str) -> Result<Option<TensorId>> {
        if name.is_empty() {
            return Ok(None);
        }
        match self.places.get(name) {
            Some(&id) => Ok(Some(id)),
            None if self
                .proto
                .nodes
                .iter()
                .any(|node| node.outputs.contains(&name)) =>
            {
                refuse(format!(
                    "it takes {}, which this or a later node makes: nodes are in a cycle or out of order",
                    Quoted(name)
                ))
            }
            None => refuse(format!("it takes {}, which is undefined", Quoted(name))),
        }
    }

    /// Holds what the file says of a tensor against what was inferred.
    fn declared(&self, value: &proto::ValueInfo<'a>) -> Result<TensorId> {
        let name = Quoted(value.name);
        let Some(&id) = self.places.get(value.name) else {
            return refuse(format!("{name} is undefined"));
        };
        let tensor = &self.graph[id];
        let element = ElementType::from_onnx(value.element_type).map_err(|f| f.within(name))?;
        let agree =
            |axes: &[Option<i64>]| {
                let batch = tensor.shape.is_batched();
                axes.len() == tensor.shape.rank()
                    && axes.iter().zip(tensor.shape.axes()).enumerate().all(
                        |(index, (says, &is))| {
                            says.is_none_or(|says| !(batch && index == 0) && says == is as i64)
                        },
                    )
            };
        if element != tensor.element || !value.shape.as_deref().is_none_or(agree) {
            let shape: Vec<_> = value
                .shape
                .iter()
                .flatten()
                .map(|axis| match axis {
                    Some(size) => size.to_string(),
                    None => "?".to_owned(),
                })
                .collect();
            return refuse(format!(
                "{name} is declared as [{}] of {element}, but is {} of {}",
                shape.join(", "),
                tensor.shape,
                tensor.element
            ));
        }
        Ok(id)
    }
}

/// Type and shape of a constant whose bytes are as many and finite.
fn weights(tensor: &proto::Tensor<'_>) -> Result<(ElementType, Shape)> {
    let element = ElementType::from_onnx(tensor.data_type)?;
    let axes = tensor.dims.iter().map(|&size| {
        usize::try_from(size).or_else(|_| refuse(format!("an axis of {size} is not allowed")))
    });
    let shape = Shape::new(false, axes.collect::<Result<Vec<_>>>()?)?;
    let bytes = shape.elements() * element.bytes();
    if tensor.raw.len() != bytes {
        return refuse(format!(
            "it has {} bytes; {shape} of {element} are {bytes}",
            tensor.raw.len()
        ));
    }
    let finite = match element {
        ElementType::F32 => {
            let (numbers, _) = tensor.raw.as_chunks();
            numbers.iter().all(|&x| f32::from_le_bytes(x).is_finite())
        }
        ElementType::F16 => {
            const EXPONENT: u16 = 0x7C00;
            let (numbers, _) = tensor.raw.as_chunks();
            numbers
                .iter()
                .all(|&x| u16::from_le_bytes(x) & EXPONENT != EXPONENT)
        }
        _ => true,
    };
    if !finite {
        return refuse("a weight is not finite");
    }
    Ok((element, shape))
}

/// Holds the whole graph against the limits.
fn totals(graph: &Graph<'_>) -> Result<()> {
    let made = graph.nodes.iter().flat_map(|node| &node.outputs);
    let elements = made.map(|&id| graph[id].shape.elements() as u64).sum();
    at_most(
        "elements in all results of nodes",
        elements,
        limits::ACTIVATION_ELEMENTS,
    )?;
    let costs = graph
        .nodes
        .iter()
        .map(|node| shapes::multiply_adds(graph, node));
    let products = costs.fold(0u64, u64::saturating_add);
    at_most("multiply-adds", products, limits::MULTIPLY_ADDS)
}
