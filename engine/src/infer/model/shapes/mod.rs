//! Shapes: what type and shape each operator's results have. A file whose sizes don't fit together, or
//! whose sizes are computed while the network runs, is refused here.

mod fold;
mod layout;
mod products;

pub(super) use fold::fold;
pub(in crate::infer) use layout::{cuts, permutation};
pub(in crate::infer) use products::multiply_adds;

use super::element_type::ElementType;
use super::fault::{Result, at_most, refuse};
use super::graph::{Shape, Tensor};
use super::limits;
use super::operators::Operator;

use ElementType::{F32, I64, U8};

/// Type and shape of a result.
pub(super) type Described = (ElementType, Shape);

/// A node's inputs.
#[derive(Clone, Copy)]
pub(in crate::infer) struct Inputs<'a, 'b>(pub(in crate::infer) &'b [Option<&'b Tensor<'a>>]);

impl<'a, 'b> Inputs<'a, 'b> {
    /// An input that the operator's rule demands.
    fn at(self, index: usize) -> Result<&'b Tensor<'a>> {
        match self.optional(index) {
            Some(tensor) => Ok(tensor),
            None => refuse(format!("input {index} is left out")),
        }
    }

    fn optional(self, index: usize) -> Option<&'b Tensor<'a>> {
        self.0.get(index).copied().flatten()
    }

    /// The integers of an input that has to be a list known from the file.
    fn sizes(self, index: usize) -> Result<Vec<i64>> {
        let list = self.at(index)?;
        match list.sizes() {
            Some(sizes) if list.shape.rank() == 1 => Ok(sizes),
            _ => refuse(format!("input {index} is not a constant list of sizes")),
        }
    }

    /// An input of this type.
    fn typed(self, index: usize, element: ElementType) -> Result<&'b Tensor<'a>> {
        let tensor = self.at(index)?;
        if tensor.element != element {
            let has = tensor.element;
            return refuse(format!("input {index} is of type {has}, not {element}"));
        }
        Ok(tensor)
    }

    /// An input that is one constant number of this type.
    fn scalar(self, index: usize, element: ElementType) -> Result<&'b Tensor<'a>> {
        let tensor = self.typed(index, element)?;
        if !tensor.is_constant() || tensor.shape.rank() > 1 || tensor.shape.elements() != 1 {
            return refuse(format!("input {index} is not one constant number"));
        }
        Ok(tensor)
    }

    /// A constant scale, or one for each channel, all positive, and its zero point.
    fn scale(self, index: usize, zero: ElementType, channels: usize) -> Result<()> {
        let counts = |tensor: &Tensor<'_>| {
            let shape = &tensor.shape;
            tensor.is_constant() && shape.rank() <= 1 && [1, channels].contains(&shape.elements())
        };
        let scale = self.typed(index, F32)?;
        let positive = scale
            .floats()
            .is_some_and(|mut all| all.all(|x| x.is_normal() && x > 0.0));
        if !counts(scale) || !positive {
            return refuse(format!("input {index} is not a constant positive scale"));
        }
        let zero = self.typed(index + 1, zero)?;
        if !counts(zero) || zero.shape.elements() > scale.shape.elements() {
            return refuse(format!("input {} is not a constant zero point", index + 1));
        }
        Ok(())
    }
}

/// Types and shapes of the results of `operator`, which are `outputs`.
pub(super) fn infer(
    operator: &Operator,
    inputs: Inputs<'_, '_>,
    outputs: usize,
) -> Result<Vec<Described>> {
    for (index, input) in inputs.0.iter().enumerate() {
        // Exporters write Resize's region, which has no meaning here, as an empty tensor.
        let region = matches!(operator, Operator::Resize) && index == 1;
        if !region && input.is_some_and(|tensor| tensor.shape.elements() == 0) {
            return refuse(format!("input {index} is empty"));
        }
    }
    let one = match operator {
        Operator::Add | Operator::Max | Operator::Mul | Operator::Sub => (
            F32,
            broadcast(&inputs.typed(0, F32)?.shape, &inputs.typed(1, F32)?.shape)?,
        ),
        Operator::Cast(to) => (*to, inputs.at(0)?.shape.clone()),
        Operator::Clip => {
            for bound in 1..=2 {
                if inputs.optional(bound).is_some() {
                    inputs.scalar(bound, F32)?;
                }
            }
            same(inputs)?
        }
        Operator::Exp
        | Operator::Identity
        | Operator::Log
        | Operator::Neg
        | Operator::Relu
        | Operator::Sigmoid => same(inputs)?,
        Operator::QLinearAdd => {
            for scale in [1, 4, 6] {
                inputs.scalar(scale, F32)?;
                inputs.scale(scale, U8, 1)?;
            }
            (
                U8,
                broadcast(&inputs.at(0)?.shape, &inputs.typed(3, U8)?.shape)?,
            )
        }
        Operator::QuantizeLinear => {
            inputs.scale(1, U8, 1)?;
            (U8, inputs.at(0)?.shape.clone())
        }
        Operator::ReduceMax { axes, keep } | Operator::ReduceMean { axes, keep } => {
            reduced(&inputs.at(0)?.shape, axes, *keep)?
        }
        Operator::Softmax { axis } => {
            inputs.at(0)?.shape.fixed_axis(*axis)?;
            same(inputs)?
        }
        Operator::Constant => return refuse("a constant has no inputs"),
        Operator::ConstantOfShape { .. } => {
            let shape = layout::of_sizes(&inputs.sizes(0)?)?;
            at_most("sizes", shape.elements() as u64, limits::SIZES as u64)?;
            (I64, shape)
        }
        Operator::Conv(window) => products::convolution(window, inputs)?,
        Operator::Gemm {
            alpha,
            beta,
            transpose_a,
            transpose_b,
        } => {
            if !alpha.is_finite() || !beta.is_finite() {
                return refuse("its factors are not finite");
            }
            products::gemm(inputs, *transpose_a, *transpose_b)?
        }
        Operator::MatMul => products::matmul(inputs)?,
        Operator::QLinearConv(window) => products::quantised_convolution(window, inputs)?,
        Operator::Concat { axis } => layout::concat(*axis, inputs)?,
        Operator::DepthToSpace { block } => layout::depth_to_space(*block, inputs)?,
        Operator::Gather { axis } => layout::gather(*axis, inputs)?,
        Operator::Pad => layout::pad(inputs)?,
        Operator::Reshape => layout::reshape(inputs)?,
        Operator::Resize => layout::resize(inputs)?,
        Operator::Slice => layout::slice(inputs)?,
        Operator::Split { axis } => return layout::split(*axis, inputs, outputs),
        Operator::Squeeze => layout::squeeze(inputs)?,
        Operator::Transpose { perm } => layout::transpose(perm, inputs)?,
        Operator::Unsqueeze => layout::unsqueeze(inputs)?,
    };
    Ok(vec![one])
}

/// The first input's type and shape.
fn same(inputs: Inputs<'_, '_>) -> Result<Described> {
    let tensor = inputs.at(0)?;
    Ok((tensor.element, tensor.shape.clone()))
}

/// The shape that both are repeated to, axes of size 1 as often as needed, missing ones in front.
fn broadcast(a: &Shape, b: &Shape) -> Result<Shape> {
    let differ = || refuse(format!("shapes {a} and {b} do not fit together"));
    let rank = a.rank().max(b.rank());
    let mut axes = Vec::with_capacity(rank);
    for index in 0..rank {
        // The axis in either, with whether it is the batch's; missing ones have size 1.
        let in_shape = |shape: &Shape| match (index + shape.rank()).checked_sub(rank) {
            Some(axis) => (shape.axes()[axis], axis == 0 && shape.is_batched()),
            None => (1, false),
        };
        axes.push(match (in_shape(a), in_shape(b)) {
            ((x, true), (y, true)) if x == y && index == 0 => x,
            ((x, true), (1, false)) | ((1, false), (x, true)) if index == 0 => x,
            ((x, false), (y, false)) if x == y || y == 1 => x,
            ((1, false), (y, false)) => y,
            _ => return differ(),
        });
    }
    Shape::new(a.is_batched() || b.is_batched(), axes)
}

fn reduced(shape: &Shape, axes: &[i64], keep: bool) -> Result<Described> {
    let mut over = vec![axes.is_empty(); shape.rank()];
    if axes.is_empty() && shape.is_batched() {
        return refuse("it works across the batch");
    }
    for &axis in axes {
        let axis = shape.fixed_axis(axis)?;
        if std::mem::replace(&mut over[axis], true) {
            return refuse(format!("it reduces axis {axis} twice"));
        }
    }
    let kept = shape.axes().iter().zip(over);
    let axes = kept.filter_map(|(&size, over)| match (over, keep) {
        (false, _) => Some(size),
        (true, true) => Some(1),
        (true, false) => None,
    });
    Ok((F32, Shape::new(shape.is_batched(), axes)?))
}
