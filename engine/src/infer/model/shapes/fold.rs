//! Sizes that follow from constants alone: exporters compute the pads of a Pad by six nodes. They are
//! computed once, here, so that the sizes of what depends on them are known.

use super::{Inputs, layout};
use crate::infer::model::element_type::ElementType;
use crate::infer::model::fault::Result;
use crate::infer::model::graph::Shape;
use crate::infer::model::limits;
use crate::infer::model::operators::Operator;

/// The values of a result of shape `shape`, if it is a list of sizes that follows from constants.
pub(in crate::infer::model) fn fold(
    operator: &Operator,
    inputs: Inputs<'_, '_>,
    shape: &Shape,
) -> Result<Option<Vec<i64>>> {
    if shape.is_batched() || shape.elements() > limits::SIZES {
        return Ok(None);
    }
    if let Operator::ConstantOfShape { value } = *operator {
        return Ok(Some(vec![value; shape.elements()]));
    }
    let x = inputs.at(0)?;
    let Some(values) = x.sizes() else {
        return Ok(None);
    };
    Ok(match operator {
        Operator::Cast(ElementType::I64)
        | Operator::Identity
        | Operator::Reshape
        | Operator::Squeeze
        | Operator::Unsqueeze => Some(values),
        Operator::Concat { axis } if shape.axis(*axis)? == 0 => {
            let parts = inputs.0.iter().flatten().map(|part| part.sizes());
            let parts: Option<Vec<_>> = parts.collect();
            parts.map(|parts| parts.concat())
        }
        Operator::Slice => {
            let (mut start, mut steps) = (0, strides(&x.shape));
            for cut in layout::cuts(inputs)? {
                start += cut.start * steps[cut.axis];
                steps[cut.axis] = steps[cut.axis].saturating_mul(cut.step);
            }
            Some(picked(&values, start, &steps, shape))
        }
        Operator::Transpose { perm } => {
            let strides = strides(&x.shape);
            let perm = layout::permutation(perm, &x.shape)?;
            let steps: Vec<i64> = perm.iter().map(|&axis| strides[axis]).collect();
            Some(picked(&values, 0, &steps, shape))
        }
        _ => None,
    })
}

/// Elements from one to the next along each axis.
fn strides(shape: &Shape) -> Vec<i64> {
    let mut stride = 1;
    let mut strides: Vec<i64> = shape
        .axes()
        .iter()
        .rev()
        .map(|&size| {
            let this = stride;
            stride *= size as i64;
            this
        })
        .collect();
    strides.reverse();
    strides
}

/// The elements of `values` that lie `steps` apart along the axes of `shape`.
fn picked(values: &[i64], start: i64, steps: &[i64], shape: &Shape) -> Vec<i64> {
    (0..shape.elements())
        .map(|mut index| {
            let mut at = start;
            for (&size, &step) in shape.axes().iter().zip(steps).rev() {
                // An axis of one element has a step that leads nowhere, however large.
                at = at.saturating_add(step.saturating_mul((index % size) as i64));
                index /= size;
            }
            usize::try_from(at)
                .ok()
                .and_then(|at| values.get(at))
                .copied()
                .unwrap_or(0)
        })
        .collect()
}
