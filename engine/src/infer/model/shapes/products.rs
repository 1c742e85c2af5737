//! Shapes and costs of what multiplies and adds: convolutions and products of matrices.

use super::{Described, Inputs, broadcast};
use crate::infer::model::element_type::ElementType;
use crate::infer::model::fault::{Result, refuse};
use crate::infer::model::graph::{Graph, Node, Shape, Tensor};
use crate::infer::model::limits;
use crate::infer::model::operators::{Operator, Window};

use ElementType::{F32, I8, I32, U8};

/// Products that a node sums, for one item of the batch; other operators count their results.
pub(in crate::infer) fn multiply_adds(graph: &Graph<'_>, node: &Node) -> u64 {
    let shape = |index: usize| match node.inputs.get(index) {
        Some(&Some(id)) => graph[id].shape.axes(),
        _ => &[],
    };
    let made: u64 = node
        .outputs
        .iter()
        .map(|&id| graph[id].shape.elements() as u64)
        .sum();
    // Both are checked to be there.
    let summed = match &node.operator {
        Operator::Conv(_) => shape(1)[1..].iter().product(),
        Operator::QLinearConv(_) => shape(3)[1..].iter().product(),
        Operator::Gemm { transpose_a, .. } => shape(0)[usize::from(!transpose_a)],
        Operator::MatMul => shape(0).last().copied().unwrap_or(1),
        Operator::ReduceMax { .. } | Operator::ReduceMean { .. } => {
            return shape(0).iter().product::<usize>() as u64;
        }
        _ => 1,
    };
    made.saturating_mul(summed as u64)
}

pub(super) fn gemm(
    inputs: Inputs<'_, '_>,
    transpose_a: bool,
    transpose_b: bool,
) -> Result<Described> {
    let (a, b) = (&inputs.at(0)?.shape, &inputs.typed(1, F32)?.shape);
    let (&[a0, a1], &[b0, b1]) = (a.axes(), b.axes()) else {
        return refuse(format!("it multiplies {a} by {b}; matrices have two axes"));
    };
    if b.is_batched() || (a.is_batched() && transpose_a) {
        return refuse("it works across the batch");
    }
    let (rows, summed) = if transpose_a { (a1, a0) } else { (a0, a1) };
    let (other, columns) = if transpose_b { (b1, b0) } else { (b0, b1) };
    if summed != other {
        return refuse(format!(
            "it multiplies {a} by {b}, which do not fit together"
        ));
    }
    let product = Shape::new(a.is_batched(), [rows, columns])?;
    if inputs.optional(2).is_some() {
        let bias = &inputs.typed(2, F32)?.shape;
        if broadcast(&product, bias)? != product {
            return refuse(format!("it adds {bias} to {product}"));
        }
    }
    Ok((F32, product))
}

pub(super) fn matmul(inputs: Inputs<'_, '_>) -> Result<Described> {
    let (a, b) = (&inputs.at(0)?.shape, &inputs.typed(1, F32)?.shape);
    let differ = || {
        refuse(format!(
            "it multiplies {a} by {b}, which do not fit together"
        ))
    };
    let (&[ref a_stack @ .., rows, summed], &[ref b_stack @ .., other, columns]) =
        (a.axes(), b.axes())
    else {
        return differ();
    };
    if summed != other {
        return differ();
    }
    // A batch in the rows of a matrix is no stack of matrices.
    let rows_batched = a.is_batched() && a_stack.is_empty();
    if (b.is_batched() && b_stack.is_empty()) || (rows_batched && !b_stack.is_empty()) {
        return refuse("it works across the batch");
    }
    let stack = |shape: &Shape, axes: &[usize]| {
        Shape::new(shape.is_batched() && !axes.is_empty(), axes.iter().copied())
    };
    let stack = broadcast(&stack(a, a_stack)?, &stack(b, b_stack)?)?;
    let axes = stack.axes().iter().copied().chain([rows, columns]);
    Ok((F32, Shape::new(stack.is_batched() || rows_batched, axes)?))
}

pub(super) fn convolution(window: &Window, inputs: Inputs<'_, '_>) -> Result<Described> {
    let (x, weights) = (&inputs.at(0)?.shape, inputs.typed(1, F32)?);
    let &[batch, channels, height, width] = x.axes() else {
        return refuse(format!("it convolves {x}; four axes are wanted"));
    };
    let bias = inputs
        .optional(2)
        .map(|_| inputs.typed(2, F32))
        .transpose()?;
    let picture = [channels, height, width];
    let [outside, height, width] = convolved(window, batch, picture, weights, bias)?;
    let axes = [batch, outside, height, width];
    Ok((F32, Shape::new(x.is_batched(), axes)?))
}

pub(super) fn quantised_convolution(window: &Window, inputs: Inputs<'_, '_>) -> Result<Described> {
    let (x, weights) = (&inputs.at(0)?.shape, inputs.typed(3, I8)?);
    let &[batch, height, width, channels] = x.axes() else {
        return refuse(format!("it convolves {x}; four axes are wanted"));
    };
    let bias = inputs
        .optional(8)
        .map(|_| inputs.typed(8, I32))
        .transpose()?;
    if !weights.is_constant() || bias.is_some_and(|bias| !bias.is_constant()) {
        return refuse("its weights are not constant");
    }
    let picture = [channels, height, width];
    let [outside, height, width] = convolved(window, batch, picture, weights, bias)?;
    inputs.scale(1, U8, 1)?;
    inputs.scale(4, I8, outside)?;
    inputs.scale(6, U8, 1)?;
    let axes = [batch, height, width, outside];
    Ok((U8, Shape::new(x.is_batched(), axes)?))
}

/// Channels, height and width of what is made of such pictures.
fn convolved(
    window: &Window,
    pictures: usize,
    [channels, height, width]: [usize; 3],
    weights: &Tensor<'_>,
    bias: Option<&Tensor<'_>>,
) -> Result<[usize; 3]> {
    let shape = &weights.shape;
    let &[outside, inside, kernel_height, kernel_width] = shape.axes() else {
        return refuse(format!("its weights are {shape}; four axes are wanted"));
    };
    let kernel = [kernel_height, kernel_width];
    if shape.is_batched() || bias.is_some_and(|bias| bias.shape.is_batched()) {
        return refuse("its weights have a batch");
    }
    let says = window.kernel.unwrap_or(kernel.map(|x| x as i64));
    if says != kernel.map(|x| x as i64) {
        return refuse(format!(
            "its kernel_shape is {says:?}, its weights are {shape}"
        ));
    }
    let group = usize::try_from(window.group).unwrap_or(0);
    let grouped = group > 0 && outside % group == 0 && inside.checked_mul(group) == Some(channels);
    if !grouped {
        return refuse(format!(
            "its weights {shape} in {} groups do not fit {channels} channels",
            window.group
        ));
    }
    if bias.is_some_and(|bias| bias.shape.axes() != [outside]) {
        return refuse(format!("its bias does not have {outside} numbers"));
    }
    let [top, left, bottom, right] = window.pads;
    let side = |size: usize, index: usize, pads: [i64; 2]| {
        let most = limits::TENSOR_ELEMENTS as i64;
        let (stride, dilation) = (window.strides[index], window.dilations[index]);
        if !(1..=most).contains(&stride) || !(1..=most).contains(&dilation) {
            return refuse(format!(
                "a stride of {stride} or dilation of {dilation} is not allowed"
            ));
        }
        // All are below 2^23, so that nothing overflows.
        let reach = (kernel[index] as i64 - 1) * dilation + 1;
        if pads.iter().any(|&pad| pad < 0 || pad >= reach) {
            return refuse(format!(
                "pads of {pads:?} around a kernel of {reach} are not allowed"
            ));
        }
        match size as i64 + pads[0] + pads[1] - reach {
            room @ 0.. => Ok((room / stride) as usize + 1),
            _ => refuse(format!(
                "its kernel of {reach} is larger than the picture of {size}"
            )),
        }
    };
    let (high, wide) = (
        side(height, 0, [top, bottom])?,
        side(width, 1, [left, right])?,
    );
    // What a convolution is unrolled into, at worst.
    Shape::new(
        false,
        [pictures, high, wide, inside, kernel_height, kernel_width],
    )
    .map_err(|fault| fault.within("its columns"))?;
    Ok([outside, high, wide])
}
