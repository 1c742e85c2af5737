//! Shapes of what moves, cuts and joins elements. All sizes have to be constants.

use super::{Described, Inputs};
use crate::infer::model::element_type::ElementType;
use crate::infer::model::fault::{Result, refuse};
use crate::infer::model::graph::{Shape, axis_of};
use crate::infer::model::limits;

use ElementType::{F32, I64};

/// A size of a file as the size of an axis.
fn size(value: i64) -> Result<usize> {
    match usize::try_from(value) {
        Ok(size) if (1..=limits::TENSOR_ELEMENTS).contains(&size) => Ok(size),
        _ => refuse(format!(
            "a size of {value}; from 1 to {} are allowed",
            limits::TENSOR_ELEMENTS
        )),
    }
}

/// The shape that a list of sizes gives.
pub(super) fn of_sizes(sizes: &[i64]) -> Result<Shape> {
    let axes = sizes.iter().map(|&x| size(x)).collect::<Result<Vec<_>>>()?;
    Shape::new(false, axes)
}

pub(super) fn concat(axis: i64, inputs: Inputs<'_, '_>) -> Result<Described> {
    let first = inputs.at(0)?;
    let axis = first.shape.fixed_axis(axis)?;
    let mut total = 0;
    for index in 0..inputs.0.len() {
        let other = &inputs.typed(index, first.element)?.shape;
        let there = other.axes().get(axis).copied().unwrap_or(0);
        if other.rank() != first.shape.rank()
            || other.with(axis, first.shape.axes()[axis])? != first.shape
        {
            return refuse(format!(
                "it joins {} and {other} along axis {axis}, which do not fit together",
                first.shape
            ));
        }
        total += there;
    }
    Ok((first.element, first.shape.with(axis, total)?))
}

pub(super) fn depth_to_space(block: i64, inputs: Inputs<'_, '_>) -> Result<Described> {
    let shape = &inputs.at(0)?.shape;
    let (&[batch, depth, height, width], block) = (shape.axes(), size(block)?) else {
        return refuse(format!("it takes {shape}; four axes are wanted"));
    };
    let area = block.saturating_mul(block);
    if depth % area != 0 {
        return refuse(format!(
            "{depth} channels are no blocks of {block} x {block}"
        ));
    }
    let side = |size: usize| size.saturating_mul(block);
    let axes = [batch, depth / area, side(height), side(width)];
    Ok((F32, Shape::new(shape.is_batched(), axes)?))
}

pub(super) fn gather(axis: i64, inputs: Inputs<'_, '_>) -> Result<Described> {
    let (data, indices) = (inputs.at(0)?, inputs.typed(1, I64)?);
    let axis = data.shape.fixed_axis(axis)?;
    let count = data.shape.axes()[axis] as i64;
    if let Some(constant) = indices.integers()
        && let Some(outside) = constant.into_iter().find(|x| !(-count..count).contains(x))
    {
        return refuse(format!("it takes element {outside} of {count}"));
    }
    if indices.shape.is_batched() && (axis > 0 || data.shape.is_batched()) {
        return refuse("it works across the batch");
    }
    let (before, after) = data.shape.axes().split_at(axis);
    let axes = before.iter().chain(indices.shape.axes()).chain(&after[1..]);
    let batched = data.shape.is_batched() || indices.shape.is_batched();
    Ok((data.element, Shape::new(batched, axes.copied())?))
}

pub(super) fn pad(inputs: Inputs<'_, '_>) -> Result<Described> {
    let (shape, pads) = (&inputs.at(0)?.shape, inputs.sizes(1)?);
    if inputs.optional(2).is_some() {
        inputs.scalar(2, F32)?;
    }
    if pads.len() != 2 * shape.rank() {
        return refuse(format!("{} pads for {shape}", pads.len()));
    }
    let (begins, ends) = pads.split_at(shape.rank());
    let mut axes = Vec::with_capacity(shape.rank());
    for (index, (&begin, &end)) in begins.iter().zip(ends).enumerate() {
        let most = limits::TENSOR_ELEMENTS as i64;
        if !(0..=most).contains(&begin) || !(0..=most).contains(&end) {
            return refuse(format!("pads of {begin} and {end} are not allowed"));
        }
        if begin + end > 0 {
            shape.fixed_axis(index as i64)?;
        }
        axes.push(shape.axes()[index] + (begin + end) as usize);
    }
    Ok((F32, Shape::new(shape.is_batched(), axes)?))
}

pub(super) fn reshape(inputs: Inputs<'_, '_>) -> Result<Described> {
    let (x, sizes) = (inputs.at(0)?, inputs.sizes(1)?);
    let from = &x.shape;
    let batched = from.is_batched();
    // The batch stays in axis 0, which is left open or copied.
    if batched && !matches!(sizes.first(), Some(-1 | 0)) {
        return refuse(format!(
            "it makes {sizes:?} of {from}, which fixes the batch"
        ));
    }
    let mut open = None;
    let mut axes = Vec::with_capacity(sizes.len());
    for (index, &value) in sizes.iter().enumerate() {
        axes.push(match value {
            -1 if open.replace(index).is_none() => 1,
            -1 => return refuse("it leaves two sizes open"),
            0 => match from.axes().get(index) {
                Some(&size) => size,
                None => return refuse(format!("it copies axis {index} of {from}")),
            },
            value => size(value)?,
        });
    }
    let known = Shape::new(batched, axes.iter().copied())?.elements();
    let total = from.elements();
    match open {
        Some(open) if known > 0 && total % known == 0 => axes[open] = total / known,
        None if known == total => {}
        _ => {
            return refuse(format!(
                "it makes {sizes:?} of {from}, which has other elements"
            ));
        }
    }
    Ok((x.element, Shape::new(batched, axes)?))
}

pub(super) fn resize(inputs: Inputs<'_, '_>) -> Result<Described> {
    let (shape, factors) = (&inputs.at(0)?.shape, inputs.typed(2, F32)?);
    if inputs
        .optional(1)
        .is_some_and(|region| region.shape.elements() > 0)
    {
        return refuse("it takes a region, which is not read");
    }
    let Some(list) = factors.floats().filter(|_| factors.shape.rank() == 1) else {
        return refuse("its factors are not constant");
    };
    let list: Vec<f32> = list.take(limits::RANK + 1).collect();
    if list.len() != shape.rank() || shape.rank() != 4 {
        return refuse(format!(
            "{} factors for {shape}; four axes are wanted",
            list.len()
        ));
    }
    let mut axes = Vec::with_capacity(list.len());
    for (index, (&factor, &size)) in list.iter().zip(shape.axes()).enumerate() {
        let whole = factor as usize;
        if whole as f32 != factor
            || !(1..=limits::SCALE).contains(&whole)
            || (index < 2 && whole > 1)
        {
            return refuse(format!(
                "it resizes axis {index} by {factor}; heights and widths by whole factors up to {} are allowed",
                limits::SCALE
            ));
        }
        axes.push(size.saturating_mul(whole));
    }
    Ok((F32, Shape::new(shape.is_batched(), axes)?))
}

/// A slice of one axis: its first element, its step, and how many there are.
#[derive(Clone, Copy)]
pub(in crate::infer) struct Cut {
    pub(in crate::infer) axis: usize,
    pub(in crate::infer) start: i64,
    pub(in crate::infer) step: i64,
    pub(in crate::infer) count: usize,
}

pub(super) fn slice(inputs: Inputs<'_, '_>) -> Result<Described> {
    let x = inputs.at(0)?;
    let mut shape = x.shape.clone();
    for cut in cuts(inputs)? {
        shape = shape.with(cut.axis, cut.count)?;
    }
    Ok((x.element, shape))
}

/// The part that Slice takes of each axis that it names.
pub(in crate::infer) fn cuts(inputs: Inputs<'_, '_>) -> Result<Vec<Cut>> {
    let (shape, starts, ends) = (&inputs.at(0)?.shape, inputs.sizes(1)?, inputs.sizes(2)?);
    let list = |index: usize, default: fn(usize) -> i64| match inputs.optional(index) {
        Some(_) => inputs.sizes(index),
        None => Ok((0..starts.len()).map(default).collect()),
    };
    let (axes, steps) = (list(3, |index| index as i64)?, list(4, |_| 1)?);
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return refuse("its starts, ends, axes and steps are not as many");
    }
    let mut cuts: Vec<Cut> = Vec::new();
    for (index, &axis) in axes.iter().enumerate() {
        let axis = shape.fixed_axis(axis)?;
        if cuts.iter().any(|cut| cut.axis == axis) {
            return refuse(format!("it cuts axis {axis} twice"));
        }
        let (size, step) = (shape.axes()[axis] as i64, steps[index]);
        let from_end = |x: i64| if x < 0 { x.saturating_add(size) } else { x };
        let (start, end) = (from_end(starts[index]), from_end(ends[index]));
        let (start, end, length) = match step {
            1.. => {
                let (start, end) = (start.clamp(0, size), end.clamp(0, size));
                (start, end, end - start)
            }
            0 => return refuse("a step of 0 is not allowed"),
            _ => {
                let (start, end) = (start.clamp(0, size - 1), end.clamp(-1, size - 1));
                (start, end, start - end)
            }
        };
        if length <= 0 {
            return refuse(format!(
                "it takes nothing of axis {axis}: {start} to {end} of {size}"
            ));
        }
        let count = (length as u64).div_ceil(step.unsigned_abs()) as usize;
        cuts.push(Cut {
            axis,
            start,
            step,
            count,
        });
    }
    Ok(cuts)
}

pub(super) fn split(axis: i64, inputs: Inputs<'_, '_>, outputs: usize) -> Result<Vec<Described>> {
    let x = inputs.at(0)?;
    let axis = x.shape.fixed_axis(axis)?;
    let whole = x.shape.axes()[axis];
    let sizes = match inputs.optional(1) {
        Some(_) => inputs
            .sizes(1)?
            .into_iter()
            .map(size)
            .collect::<Result<Vec<_>>>()?,
        None if whole % outputs == 0 => vec![whole / outputs; outputs],
        None => return refuse(format!("it splits {whole} into {outputs} parts")),
    };
    if sizes.len() != outputs || sizes.iter().sum::<usize>() != whole {
        return refuse(format!("it splits {whole} into {sizes:?}, {outputs} parts"));
    }
    let part = |&size: &usize| Ok((x.element, x.shape.with(axis, size)?));
    sizes.iter().map(part).collect()
}

pub(super) fn squeeze(inputs: Inputs<'_, '_>) -> Result<Described> {
    let (x, list) = (inputs.at(0)?, inputs.sizes(1)?);
    let mut gone = Vec::new();
    for axis in list {
        let axis = x.shape.fixed_axis(axis)?;
        if x.shape.axes()[axis] != 1 || gone.contains(&axis) {
            return refuse(format!("it takes axis {axis} out of {}", x.shape));
        }
        gone.push(axis);
    }
    let axes = x.shape.axes().iter().enumerate();
    let axes = axes.filter_map(|(index, &size)| (!gone.contains(&index)).then_some(size));
    Ok((x.element, Shape::new(x.shape.is_batched(), axes)?))
}

pub(super) fn unsqueeze(inputs: Inputs<'_, '_>) -> Result<Described> {
    let (x, list) = (inputs.at(0)?, inputs.sizes(1)?);
    let rank = x.shape.rank() + list.len();
    let mut added = Vec::new();
    for axis in list {
        let axis = axis_of(axis, rank)?;
        if added.contains(&axis) || (axis == 0 && x.shape.is_batched()) {
            return refuse(format!("it adds axis {axis} to {}", x.shape));
        }
        added.push(axis);
    }
    let mut sizes = x.shape.axes().iter().copied();
    let axes = (0..rank).map(|index| match added.contains(&index) {
        true => 1,
        false => sizes.next().unwrap_or(1),
    });
    Ok((x.element, Shape::new(x.shape.is_batched(), axes)?))
}

pub(super) fn transpose(perm: &[i64], inputs: Inputs<'_, '_>) -> Result<Described> {
    let x = inputs.at(0)?;
    let perm = permutation(perm, &x.shape)?;
    let axes = perm.iter().map(|&axis| x.shape.axes()[axis]);
    Ok((x.element, Shape::new(x.shape.is_batched(), axes)?))
}

/// For each axis of the result, the axis that it was.
pub(in crate::infer) fn permutation(perm: &[i64], shape: &Shape) -> Result<Vec<usize>> {
    let rank = shape.rank();
    let list: Vec<usize> = match perm {
        [] => (0..rank).rev().collect(),
        _ => perm
            .iter()
            .map(|&axis| usize::try_from(axis).unwrap_or(rank))
            .collect(),
    };
    let mut seen = list.clone();
    seen.sort_unstable();
    if !seen.into_iter().eq(0..rank) {
        return refuse(format!(
            "its perm {perm:?} is no permutation of {rank} axes"
        ));
    }
    if shape.is_batched() && list[0] != 0 {
        return refuse("it moves the batch");
    }
    Ok(list)
}
