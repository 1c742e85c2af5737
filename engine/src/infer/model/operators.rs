//! The operators that a network may consist of: what the studio writes, and nothing else.
//!
//! One table says of each its name, its inputs and outputs, the types of its first input, and its
//! attributes. None of them branches, loops, draws random numbers or reaches outside the file, and the
//! size of what each makes follows from shapes and constants (`shapes/`).
//!
//! Gather may take indices that are computed; runtimes check them in each run.
//!
//! To add an operator: a variant, a line of the table, its shape in `shapes/`, and a line in
//! `docs/limits.md`.

use std::ops::RangeInclusive;

use super::element_type::ElementType;
use super::fault::{Quoted, Result, refuse};
use super::proto::{Attribute, AttributeValue};

use ElementType::{F16, F32, I8, I32, I64, U8};

/// The domain of the quantised operators.
pub(super) const QUANTISED: &str = "com.microsoft";

/// An operation and its attributes, defaults filled in. Axes count from the end if they are negative.
#[derive(Debug)]
pub(crate) enum Operator {
    Add,
    Cast(ElementType),
    /// Inputs: x, least, largest.
    Clip,
    Concat {
        axis: i64,
    },
    /// The values of an initializer, in a node.
    Constant,
    /// Sizes only, all of this value.
    ConstantOfShape {
        value: i64,
    },
    /// Inputs: x `[N, C, H, W]`, weights `[M, C / group, h, w]`, bias `[M]`.
    Conv(Window),
    /// Blocks of pixels from depth, in the order depth, row, column (mode `CRD`).
    DepthToSpace {
        block: i64,
    },
    Exp,
    /// Inputs: data, indices.
    Gather {
        axis: i64,
    },
    /// `alpha a b + beta c`
    Gemm {
        alpha: f32,
        beta: f32,
        transpose_a: bool,
        transpose_b: bool,
    },
    Identity,
    Log,
    MatMul,
    Max,
    Mul,
    Neg,
    /// With a constant. Inputs: x, begins and ends, value.
    Pad,
    /// Inputs: a, its scale and zero, b, its scale and zero, the result's scale and zero.
    QLinearAdd,
    /// Channels last. Inputs: x `[N, H, W, C]`, its scale and zero, weights as for Conv, their scale
    /// and zero, the result's scale and zero, bias.
    QLinearConv(Window),
    /// Inputs: x, scale, zero.
    QuantizeLinear,
    /// Over all axes if there are none.
    ReduceMax {
        axes: Vec<i64>,
        keep: bool,
    },
    ReduceMean {
        axes: Vec<i64>,
        keep: bool,
    },
    Relu,
    /// Inputs: x, sizes.
    Reshape,
    /// To the nearest at or before, by whole factors. Inputs: x, nothing, factors.
    Resize,
    Sigmoid,
    /// Inputs: x, starts, ends, axes, steps.
    Slice,
    Softmax {
        axis: i64,
    },
    /// Inputs: x, sizes.
    Split {
        axis: i64,
    },
    /// Inputs: x, axes.
    Squeeze,
    Sub,
    /// Reversed if there is none.
    Transpose {
        perm: Vec<i64>,
    },
    /// Inputs: x, axes.
    Unsqueeze,
}

/// A convolution's window.
#[derive(Debug)]
pub(crate) struct Window {
    /// Height and width, if the node says them.
    pub(crate) kernel: Option<[i64; 2]>,
    pub(crate) strides: [i64; 2],
    pub(crate) dilations: [i64; 2],
    /// Top, left, bottom, right.
    pub(crate) pads: [i64; 4],
    pub(crate) group: i64,
}

/// A line of the table.
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) domain: &'static str,
    /// How many inputs; those beyond the least may be left out.
    pub(super) inputs: RangeInclusive<usize>,
    pub(super) outputs: RangeInclusive<usize>,
    /// Types of the first input.
    pub(super) types: &'static [ElementType],
    pub(super) attributes: &'static [&'static str],
    make: fn(&Attributes<'_, '_>) -> Result<Operator>,
}

const FLOATS: &[ElementType] = &[F32];
const ANY: &[ElementType] = &[F32, I64, U8];
const WINDOW: &[&str] = &[
    "auto_pad",
    "dilations",
    "group",
    "kernel_shape",
    "pads",
    "strides",
];
const QUANTISED_WINDOW: &[&str] = &[
    "auto_pad",
    "channels_last",
    "dilations",
    "group",
    "kernel_shape",
    "pads",
    "strides",
];
const RESIZE: &[&str] = &[
    "coordinate_transformation_mode",
    "cubic_coeff_a",
    "mode",
    "nearest_mode",
];

/// The table.
#[rustfmt::skip]
pub(super) const OPERATORS: &[Rule] = &[
    rule("Add", 2..=2, 1..=1, FLOATS, &[], |_| Ok(Operator::Add)),
    rule("Cast", 1..=1, 1..=1, &[F16, F32, I8, I32, I64, U8], &["to"], cast),
    rule("Clip", 1..=3, 1..=1, FLOATS, &[], |_| Ok(Operator::Clip)),
    rule("Concat", 1..=16, 1..=1, ANY, &["axis"], |a| Ok(Operator::Concat { axis: a.required("axis")? })),
    rule("Constant", 0..=0, 1..=1, ANY, &["value"], |_| Ok(Operator::Constant)),
    rule("ConstantOfShape", 1..=1, 1..=1, &[I64], &["value"], constant_of_shape),
    rule("Conv", 2..=3, 1..=1, FLOATS, WINDOW, |a| Ok(Operator::Conv(window(a)?))),
    rule("DepthToSpace", 1..=1, 1..=1, FLOATS, &["blocksize", "mode"], depth_to_space),
    rule("Exp", 1..=1, 1..=1, FLOATS, &[], |_| Ok(Operator::Exp)),
    rule("Gather", 2..=2, 1..=1, ANY, &["axis"], |a| Ok(Operator::Gather { axis: a.int("axis", 0)? })),
    rule("Gemm", 2..=3, 1..=1, FLOATS, &["alpha", "beta", "transA", "transB"], gemm),
    rule("Identity", 1..=1, 1..=1, ANY, &[], |_| Ok(Operator::Identity)),
    rule("Log", 1..=1, 1..=1, FLOATS, &[], |_| Ok(Operator::Log)),
    rule("MatMul", 2..=2, 1..=1, FLOATS, &[], |_| Ok(Operator::MatMul)),
    rule("Max", 2..=2, 1..=1, FLOATS, &[], |_| Ok(Operator::Max)),
    rule("Mul", 2..=2, 1..=1, FLOATS, &[], |_| Ok(Operator::Mul)),
    rule("Neg", 1..=1, 1..=1, FLOATS, &[], |_| Ok(Operator::Neg)),
    rule("Pad", 2..=3, 1..=1, FLOATS, &["mode"], |a| a.only("mode", "constant").map(|()| Operator::Pad)),
    rule("QuantizeLinear", 3..=3, 1..=1, FLOATS, &[], |_| Ok(Operator::QuantizeLinear)),
    rule("ReduceMax", 1..=1, 1..=1, FLOATS, &["axes", "keepdims"], |a| {
        Ok(Operator::ReduceMax { axes: a.ints("axes")?.to_vec(), keep: a.flag("keepdims", true)? })
    }),
    rule("ReduceMean", 1..=1, 1..=1, FLOATS, &["axes", "keepdims"], |a| {
        Ok(Operator::ReduceMean { axes: a.ints("axes")?.to_vec(), keep: a.flag("keepdims", true)? })
    }),
    rule("Relu", 1..=1, 1..=1, FLOATS, &[], |_| Ok(Operator::Relu)),
    rule("Reshape", 2..=2, 1..=1, ANY, &["allowzero"], reshape),
    rule("Resize", 3..=3, 1..=1, FLOATS, RESIZE, resize),
    rule("Sigmoid", 1..=1, 1..=1, FLOATS, &[], |_| Ok(Operator::Sigmoid)),
    rule("Slice", 3..=5, 1..=1, ANY, &[], |_| Ok(Operator::Slice)),
    rule("Softmax", 1..=1, 1..=1, FLOATS, &["axis"], |a| Ok(Operator::Softmax { axis: a.int("axis", -1)? })),
    rule("Split", 1..=2, 1..=16, ANY, &["axis"], |a| Ok(Operator::Split { axis: a.int("axis", 0)? })),
    rule("Squeeze", 2..=2, 1..=1, ANY, &[], |_| Ok(Operator::Squeeze)),
    rule("Sub", 2..=2, 1..=1, FLOATS, &[], |_| Ok(Operator::Sub)),
    rule("Transpose", 1..=1, 1..=1, ANY, &["perm"], |a| {
        Ok(Operator::Transpose { perm: a.ints("perm")?.to_vec() })
    }),
    rule("Unsqueeze", 2..=2, 1..=1, ANY, &[], |_| Ok(Operator::Unsqueeze)),
    quantised("QLinearAdd", 8..=8, &[], |_| Ok(Operator::QLinearAdd)),
    quantised("QLinearConv", 8..=9, QUANTISED_WINDOW, quantised_convolution),
];

const fn rule(
    name: &'static str,
    inputs: RangeInclusive<usize>,
    outputs: RangeInclusive<usize>,
    types: &'static [ElementType],
    attributes: &'static [&'static str],
    make: fn(&Attributes<'_, '_>) -> Result<Operator>,
) -> Rule {
    Rule {
        name,
        domain: "",
        inputs,
        outputs,
        types,
        attributes,
        make,
    }
}

const fn quantised(
    name: &'static str,
    inputs: RangeInclusive<usize>,
    attributes: &'static [&'static str],
    make: fn(&Attributes<'_, '_>) -> Result<Operator>,
) -> Rule {
    Rule {
        name,
        domain: QUANTISED,
        inputs,
        outputs: 1..=1,
        types: &[U8],
        attributes,
        make,
    }
}

impl Rule {
    /// The rule for an operator.
    pub(super) fn find(domain: &str, name: &str) -> Result<&'static Self> {
        let known = |rule: &&Self| rule.domain == domain && rule.name == name;
        OPERATORS.iter().find(known).map_or_else(
            || {
                let domain = match domain {
                    "" => String::new(),
                    domain => format!(" of the domain {}", Quoted(domain)),
                };
                refuse(format!(
                    "the operator{domain} is not one that a network may use (docs/limits.md has them)"
                ))
            },
            Ok,
        )
    }

    /// The operator with these attributes.
    pub(super) fn operator(&self, attributes: &[Attribute<'_>]) -> Result<Operator> {
        for (index, attribute) in attributes.iter().enumerate() {
            let name = attribute.name;
            if !self.attributes.contains(&name) {
                return refuse(format!("the attribute {} is unknown", Quoted(name)));
            }
            if attributes[..index].iter().any(|other| other.name == name) {
                return refuse(format!("the attribute {} occurs twice", Quoted(name)));
            }
        }
        (self.make)(&Attributes(attributes))
    }
}

/// A node's attributes, by name.
struct Attributes<'a, 'b>(&'b [Attribute<'a>]);

impl Attributes<'_, '_> {
    fn find(&self, name: &str) -> Option<&AttributeValue<'_>> {
        let found = self.0.iter().find(|attribute| attribute.name == name);
        found.map(|attribute| &attribute.value)
    }

    fn required(&self, name: &str) -> Result<i64> {
        match self.find(name) {
            Some(&AttributeValue::Int(value)) => Ok(value),
            Some(_) => refuse(format!("the attribute {name} is not an integer")),
            None => refuse(format!("the attribute {name} is missing")),
        }
    }

    fn int(&self, name: &str, default: i64) -> Result<i64> {
        match self.find(name) {
            None => Ok(default),
            Some(_) => self.required(name),
        }
    }

    fn flag(&self, name: &str, default: bool) -> Result<bool> {
        match self.int(name, default.into())? {
            0 => Ok(false),
            1 => Ok(true),
            other => refuse(format!("the attribute {name} is {other}, not 0 or 1")),
        }
    }

    fn float(&self, name: &str, default: f32) -> Result<f32> {
        match self.find(name) {
            None => Ok(default),
            Some(&AttributeValue::Float(value)) if value.is_finite() => Ok(value),
            Some(_) => refuse(format!("the attribute {name} is not a finite float")),
        }
    }

    /// Empty if there is none.
    fn ints(&self, name: &str) -> Result<&[i64]> {
        match self.find(name) {
            None => Ok(&[]),
            Some(AttributeValue::Ints(values)) => Ok(values),
            Some(_) => refuse(format!("the attribute {name} is not a list of integers")),
        }
    }

    fn pair(&self, name: &str) -> Result<Option<[i64; 2]>> {
        match *self.ints(name)? {
            [] => Ok(None),
            [a, b] => Ok(Some([a, b])),
            _ => refuse(format!("the attribute {name} does not have two integers")),
        }
    }

    /// Refuses an attribute with another value than this one, which is the default.
    fn only(&self, name: &str, wanted: &str) -> Result<()> {
        match self.find(name) {
            None => Ok(()),
            Some(_) => self.exactly(name, wanted),
        }
    }

    fn exactly(&self, name: &str, wanted: &str) -> Result<()> {
        match self.find(name) {
            Some(&AttributeValue::Text(text)) if text == wanted => Ok(()),
            _ => refuse(format!("the attribute {name} is not `{wanted}`")),
        }
    }
}

fn cast(attributes: &Attributes<'_, '_>) -> Result<Operator> {
    let to = i32::try_from(attributes.required("to")?).unwrap_or(0);
    match ElementType::from_onnx(to) {
        Ok(to @ (F32 | I64)) => Ok(Operator::Cast(to)),
        _ => refuse(format!(
            "it casts to type {to}; only f32 and i64 are allowed"
        )),
    }
}

fn constant_of_shape(attributes: &Attributes<'_, '_>) -> Result<Operator> {
    let value = match attributes.find("value") {
        Some(AttributeValue::Tensor(tensor))
            if ElementType::from_onnx(tensor.data_type)? == I64 =>
        {
            tensor.raw.try_into().map(i64::from_le_bytes).ok()
        }
        _ => None,
    };
    match value {
        Some(value) => Ok(Operator::ConstantOfShape { value }),
        None => refuse("it makes other values than one i64; it may make sizes only"),
    }
}

fn depth_to_space(attributes: &Attributes<'_, '_>) -> Result<Operator> {
    attributes.exactly("mode", "CRD")?;
    let block = attributes.required("blocksize")?;
    Ok(Operator::DepthToSpace { block })
}

fn gemm(attributes: &Attributes<'_, '_>) -> Result<Operator> {
    Ok(Operator::Gemm {
        alpha: attributes.float("alpha", 1.0)?,
        beta: attributes.float("beta", 1.0)?,
        transpose_a: attributes.flag("transA", false)?,
        transpose_b: attributes.flag("transB", false)?,
    })
}

fn reshape(attributes: &Attributes<'_, '_>) -> Result<Operator> {
    if attributes.flag("allowzero", false)? {
        return refuse("the attribute allowzero is 1; empty tensors are not allowed");
    }
    Ok(Operator::Reshape)
}

fn resize(attributes: &Attributes<'_, '_>) -> Result<Operator> {
    attributes.exactly("coordinate_transformation_mode", "asymmetric")?;
    attributes.exactly("nearest_mode", "floor")?;
    attributes.only("mode", "nearest")?;
    attributes.float("cubic_coeff_a", -0.75)?;
    Ok(Operator::Resize)
}

fn quantised_convolution(attributes: &Attributes<'_, '_>) -> Result<Operator> {
    if !attributes.flag("channels_last", false)? {
        return refuse("the attribute channels_last is not 1");
    }
    Ok(Operator::QLinearConv(window(attributes)?))
}

fn window(attributes: &Attributes<'_, '_>) -> Result<Window> {
    attributes.only("auto_pad", "NOTSET")?;
    let pads = match *attributes.ints("pads")? {
        [] => [0; 4],
        [top, left, bottom, right] => [top, left, bottom, right],
        _ => return refuse("the attribute pads does not have four integers"),
    };
    Ok(Window {
        kernel: attributes.pair("kernel_shape")?,
        strides: attributes.pair("strides")?.unwrap_or([1, 1]),
        dilations: attributes.pair("dilations")?.unwrap_or([1, 1]),
        pads,
        group: attributes.int("group", 1)?,
    })
}
