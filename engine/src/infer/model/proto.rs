//! ONNX's messages (`onnx.proto`), as far as a network of an avatar has them. Everything is borrowed
//! from the file.
//!
//! Anything that makes a network a program, or lets it reach outside the file, is refused here by name:
//! external data, subgraphs, functions, training, sparse tensors, strings, types that aren't tensors.

use super::fault::{Fault, Quoted, Result, at_most, refuse};
use super::limits;
use super::wire::{Field, Fields, once};

/// `ModelProto`
pub(super) struct Model<'a> {
    pub(super) ir_version: i64,
    /// Domain and version.
    pub(super) opsets: Vec<(&'a str, i64)>,
    pub(super) graph: Graph<'a>,
}

/// `GraphProto`
#[derive(Default)]
pub(super) struct Graph<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) initializers: Vec<Tensor<'a>>,
    pub(super) inputs: Vec<ValueInfo<'a>>,
    pub(super) outputs: Vec<ValueInfo<'a>>,
    pub(super) values: Vec<ValueInfo<'a>>,
}

/// `NodeProto`
#[derive(Default)]
pub(super) struct Node<'a> {
    pub(super) name: &'a str,
    pub(super) operator: &'a str,
    pub(super) domain: &'a str,
    /// An empty name is an optional input that is left out.
    pub(super) inputs: Vec<&'a str>,
    pub(super) outputs: Vec<&'a str>,
    pub(super) attributes: Vec<Attribute<'a>>,
}

/// `AttributeProto`
pub(super) struct Attribute<'a> {
    pub(super) name: &'a str,
    pub(super) value: AttributeValue<'a>,
}

pub(super) enum AttributeValue<'a> {
    Float(f32),
    Int(i64),
    Ints(Vec<i64>),
    Tensor(Tensor<'a>),
    Text(&'a str),
}

/// `TensorProto`, its values as raw bytes.
pub(super) struct Tensor<'a> {
    pub(super) name: &'a str,
    pub(super) dims: Vec<i64>,
    pub(super) data_type: i32,
    pub(super) raw: &'a [u8],
}

/// `ValueInfoProto` of a tensor.
pub(super) struct ValueInfo<'a> {
    pub(super) name: &'a str,
    pub(super) element_type: i32,
    /// None where nothing is said of the shape; in it, None where an axis has no fixed size.
    pub(super) shape: Option<Vec<Option<i64>>>,
}

impl<'a> Model<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let (mut ir_version, mut graph, mut opsets) = (None, None, Vec::new());
        for field in Fields::new(bytes) {
            let field = field?;
            match field.number {
                1 => once(&mut ir_version, field.int()?, "ir_version")?,
                7 => once(&mut graph, field.bytes()?, "graph")?,
                8 => {
                    at_most("opset imports", opsets.len() as u64 + 1, 8)?;
                    opsets.push(opset(field)?);
                }
                5 => drop(field.int()?),
                // Names of the producer and model, documentation.
                2 | 3 | 4 | 6 => drop(field.bytes()?),
                14 => {
                    return refuse(
                        "it has metadata (metadata_props), which a runtime may take settings from",
                    );
                }
                20 => return refuse("it has training information (training_info)"),
                25 => {
                    return refuse("it defines functions; a network may use listed operators only");
                }
                _ => return field.unknown("the model"),
            }
        }
        let Some(graph) = graph else {
            return refuse("it is not an ONNX model: there is no graph");
        };
        Ok(Self {
            ir_version: ir_version.unwrap_or(0),
            opsets,
            graph: Graph::read(graph)?,
        })
    }
}

fn opset(field: Field<'_>) -> Result<(&str, i64)> {
    let (mut domain, mut version) = (None, None);
    for field in field.fields()? {
        let field = field?;
        match field.number {
            1 => once(&mut domain, field.name(limits::NAME_BYTES)?, "domain")?,
            2 => once(&mut version, field.int()?, "version")?,
            _ => return field.unknown("an opset import"),
        }
    }
    Ok((domain.unwrap_or(""), version.unwrap_or(0)))
}

impl<'a> Graph<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut graph = Self::default();
        for field in Fields::new(bytes) {
            let field = field?;
            match field.number {
                1 => {
                    let index = graph.nodes.len();
                    at_most("nodes", index as u64 + 1, limits::NODES as u64)?;
                    graph.nodes.push(Node::read(field, index)?);
                }
                5 => {
                    let count = graph.initializers.len() as u64 + 1;
                    at_most("initializers", count, limits::TENSORS as u64)?;
                    let tensor = Tensor::read(field).map_err(|f| f.within("an initializer"))?;
                    graph.initializers.push(tensor);
                }
                11 => ValueInfo::push(&mut graph.inputs, field, "inputs")?,
                12 => ValueInfo::push(&mut graph.outputs, field, "outputs")?,
                13 => ValueInfo::push(&mut graph.values, field, "value descriptions")?,
                // Name, documentation, metadata.
                2 | 10 | 16 => drop(field.bytes()?),
                14 => return refuse("it has quantization annotations, which are not read"),
                15 => return refuse("it has sparse initializers, which are not read"),
                _ => return field.unknown("the graph"),
            }
        }
        Ok(graph)
    }
}

impl<'a> Node<'a> {
    fn read(field: Field<'a>, index: usize) -> Result<Self> {
        let mut node = Self::default();
        match node.fill(field.fields()?) {
            Ok(()) => Ok(node),
            Err(fault) => Err(fault.within(node.place(index))),
        }
    }

    fn fill(&mut self, fields: Fields<'a>) -> Result<()> {
        let (mut name, mut operator, mut domain, mut overload) = (None, None, None, None);
        for field in fields {
            let field = field?;
            let name_of = |field: Field<'a>| field.name(limits::NAME_BYTES);
            match field.number {
                1 => {
                    let count = self.inputs.len() as u64 + 1;
                    at_most("inputs of a node", count, limits::NODE_INPUTS as u64)?;
                    self.inputs.push(name_of(field)?);
                }
                2 => {
                    let count = self.outputs.len() as u64 + 1;
                    at_most("outputs of a node", count, limits::NODE_OUTPUTS as u64)?;
                    self.outputs.push(name_of(field)?);
                }
                3 => {
                    self.name = name_of(field)?;
                    once(&mut name, (), "name")?;
                }
                4 => {
                    self.operator = name_of(field)?;
                    once(&mut operator, (), "op_type")?;
                }
                5 => {
                    let count = self.attributes.len() as u64 + 1;
                    at_most("attributes", count, limits::NODE_ATTRIBUTES as u64)?;
                    self.attributes.push(Attribute::read(field)?);
                }
                7 => {
                    self.domain = name_of(field)?;
                    once(&mut domain, (), "domain")?;
                }
                8 => once(&mut overload, field.text()?, "overload")?,
                // Documentation, metadata.
                6 | 9 => drop(field.bytes()?),
                _ => return field.unknown("a node"),
            }
        }
        if overload.is_some_and(|name| !name.is_empty()) {
            return refuse("it calls a function's overload; functions are not allowed");
        }
        Ok(())
    }

    /// The node as a message names it.
    pub(super) fn place(&self, index: usize) -> String {
        let mut place = format!("node {index}");
        if !self.operator.is_empty() {
            place = format!("{place}, operator {}", Quoted(self.operator));
        }
        let name = self.outputs.first().map_or(self.name, |output| *output);
        if !name.is_empty() {
            place = format!("{place}, which makes {}", Quoted(name));
        }
        place
    }
}

impl<'a> Attribute<'a> {
    fn read(field: Field<'a>) -> Result<Self> {
        let mut name = "";
        Self::read_into(field.fields()?, &mut name)
            .map(|value| Self { name, value })
            .map_err(|fault| fault.within(format_args!("attribute {}", Quoted(name))))
    }

    fn read_into(fields: Fields<'a>, name: &mut &'a str) -> Result<AttributeValue<'a>> {
        let (mut kind, mut named) = (None, None);
        let (mut float, mut int, mut text, mut tensor) = (None, None, None, None);
        let mut ints = Vec::new();
        for field in fields {
            let field = field?;
            match field.number {
                1 => {
                    *name = field.name(limits::NAME_BYTES)?;
                    once(&mut named, (), "name")?;
                }
                2 => once(&mut float, field.float()?, "f")?,
                3 => once(&mut int, field.int()?, "i")?,
                4 => once(&mut text, field.name(limits::NAME_BYTES)?, "s")?,
                5 => once(&mut tensor, Tensor::read(field)?, "t")?,
                8 => field.ints(&mut ints, limits::ATTRIBUTE_NUMBERS)?,
                13 => drop(field.bytes()?),
                20 => once(&mut kind, field.int32()?, "type")?,
                6 | 11 => return refuse("it is a subgraph (control flow is not allowed)"),
                21 => {
                    return refuse(
                        "it refers to a function's attribute (functions are not allowed)",
                    );
                }
                22 | 23 => return refuse("it is a sparse tensor, which is not read"),
                14 | 15 => return refuse("it is a type, which is not read"),
                7 | 9 | 10 => {
                    return refuse("it is a list of floats, strings or tensors, which is not read");
                }
                _ => return field.unknown("an attribute"),
            }
        }
        let given = [
            float.is_some(),
            int.is_some(),
            text.is_some(),
            tensor.is_some(),
        ];
        let given = given.iter().filter(|&&x| x).count() + usize::from(!ints.is_empty());
        // AttributeProto.AttributeType
        let value = match (kind, float, int, text, tensor) {
            (Some(1), Some(float), ..) => AttributeValue::Float(float),
            (Some(2), _, Some(int), ..) => AttributeValue::Int(int),
            (Some(3), _, _, Some(text), _) => AttributeValue::Text(text),
            (Some(4), _, _, _, Some(tensor)) => AttributeValue::Tensor(tensor),
            (Some(7), ..) if !ints.is_empty() => AttributeValue::Ints(ints),
            _ => return refuse("its value is missing, or of another type than it says"),
        };
        if given != 1 {
            return refuse("it has several values");
        }
        Ok(value)
    }
}

impl<'a> Tensor<'a> {
    fn read(field: Field<'a>) -> Result<Self> {
        let mut name = "";
        Self::read_into(field.fields()?, &mut name)
            .map_err(|fault| fault.within(format_args!("tensor {}", Quoted(name))))
    }

    fn read_into(fields: Fields<'a>, tensor_name: &mut &'a str) -> Result<Self> {
        let (mut name, mut data_type, mut raw, mut location) = (None, None, None, None);
        let mut dims = Vec::new();
        let (mut external, mut strings, mut typed) = (false, false, false);
        for field in fields {
            let field = field?;
            match field.number {
                1 => field.ints(&mut dims, limits::RANK)?,
                2 => once(&mut data_type, field.int32()?, "data_type")?,
                3 => return refuse("it is a segment of a tensor, which is not read"),
                6 => strings = true,
                4 | 5 | 7 | 10 | 11 => typed = true,
                8 => {
                    *tensor_name = field.name(limits::NAME_BYTES)?;
                    once(&mut name, *tensor_name, "name")?;
                }
                9 => once(&mut raw, field.bytes()?, "raw_data")?,
                // Documentation, metadata.
                12 | 16 => drop(field.bytes()?),
                13 => external = true,
                14 => once(&mut location, field.int32()?, "data_location")?,
                _ => return field.unknown("a tensor"),
            }
        }
        if external || location.is_some_and(|place| place != 0) {
            return refuse(
                "its data is external, in another file; an avatar's data is all inside it",
            );
        }
        if strings || data_type == Some(8) {
            return refuse("it is a tensor of strings, which is not allowed");
        }
        if typed {
            return refuse("its values are not raw bytes; write them as `raw_data`");
        }
        Ok(Self {
            name: name.unwrap_or(""),
            dims,
            data_type: data_type.unwrap_or(0),
            raw: raw.unwrap_or(&[]),
        })
    }
}

impl<'a> ValueInfo<'a> {
    fn push(list: &mut Vec<Self>, field: Field<'a>, what: &str) -> Result<()> {
        at_most(what, list.len() as u64 + 1, limits::TENSORS as u64)?;
        list.push(Self::read(field)?);
        Ok(())
    }

    fn read(field: Field<'a>) -> Result<Self> {
        let (mut name, mut kind) = (None, None);
        for field in field.fields()? {
            let field = field?;
            match field.number {
                1 => once(&mut name, field.name(limits::NAME_BYTES)?, "name")?,
                2 => once(&mut kind, field.fields()?, "type")?,
                3 | 4 => drop(field.bytes()?),
                _ => return field.unknown("a value description"),
            }
        }
        let name = name.unwrap_or("");
        let place = |fault: Fault| fault.within(Quoted(name));
        let Some(kind) = kind else {
            return refuse("its type is missing").map_err(place);
        };
        let (element_type, shape) = tensor_type(kind).map_err(place)?;
        Ok(Self {
            name,
            element_type,
            shape,
        })
    }
}

/// Element type and shape of a tensor.
type TensorType = (i32, Option<Vec<Option<i64>>>);

/// `TypeProto`, which must be a `TypeProto.Tensor`.
fn tensor_type(fields: Fields<'_>) -> Result<TensorType> {
    let mut tensor = None;
    for field in fields {
        let field = field?;
        match field.number {
            1 => once(&mut tensor, field.fields()?, "tensor_type")?,
            6 => drop(field.bytes()?),
            4 => return refuse("it is a sequence; only tensors are allowed"),
            5 => return refuse("it is a map; only tensors are allowed"),
            7 => return refuse("it is an opaque value; only tensors are allowed"),
            8 => return refuse("it is a sparse tensor; only plain tensors are allowed"),
            9 => return refuse("it is an optional value; only tensors are allowed"),
            _ => return field.unknown("a type"),
        }
    }
    let Some(tensor) = tensor else {
        return refuse("it is not a tensor");
    };
    let (mut element_type, mut shape) = (None, None);
    for field in tensor {
        let field = field?;
        match field.number {
            1 => once(&mut element_type, field.int32()?, "elem_type")?,
            2 => once(&mut shape, axes(field.fields()?)?, "shape")?,
            _ => return field.unknown("a tensor's type"),
        }
    }
    Ok((element_type.unwrap_or(0), shape))
}

/// `TensorShapeProto`
fn axes(fields: Fields<'_>) -> Result<Vec<Option<i64>>> {
    let mut axes = Vec::new();
    for field in fields {
        let field = field?;
        match field.number {
            1 => {
                at_most(
                    "axes of a tensor",
                    axes.len() as u64 + 1,
                    limits::RANK as u64,
                )?;
                let (mut size, mut symbol) = (None, None);
                for field in field.fields()? {
                    let field = field?;
                    match field.number {
                        1 => once(&mut size, field.int()?, "dim_value")?,
                        2 => once(&mut symbol, field.text()?, "dim_param")?,
                        3 => drop(field.bytes()?),
                        _ => return field.unknown("an axis"),
                    }
                }
                if size.is_some() && symbol.is_some() {
                    return refuse("an axis has a size and a symbol");
                }
                axes.push(size);
            }
            _ => return field.unknown("a shape"),
        }
    }
    Ok(axes)
}
