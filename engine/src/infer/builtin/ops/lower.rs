//! From a node of the graph to steps, all sizes computed. What the reader has checked is relied on.

use super::copy::{Copy, Gather};
use super::elementwise::{Map, Pair, Zip};
use super::products::{Conv, Gemm, Geometry, MatMul, Matrices};
use super::quantised::{QuantisedAdd, QuantisedConv};
use super::reduce::{Reduce, Softmax};
use super::strided::strides;
use super::{Data, Kernel};
use crate::infer::model::{
    ElementType, Graph, Inputs, Node, Operator, Shape, Tensor, TensorId, Window, cuts, permutation,
};

/// The result of lowering a node.
pub(in crate::infer::builtin) enum Lowered {
    /// Its output is its input under other sizes.
    Same(TensorId),
    /// Kernels with what they take and make.
    Steps(Vec<(Kernel, Vec<TensorId>, TensorId)>),
}

/// The inputs of a node, with their tensors.
struct Place<'g, 'a> {
    graph: &'g Graph<'a>,
    node: &'g Node,
}

type Result<T> = std::result::Result<T, String>;

/// Steps for a node.
///
/// # Errors
/// In words, where the node can't be run.
pub(in crate::infer::builtin) fn lower(graph: &Graph<'_>, node: &Node) -> Result<Lowered> {
    let at = Place { graph, node };
    let kernel = match &node.operator {
        Operator::Identity | Operator::Reshape | Operator::Squeeze | Operator::Unsqueeze => {
            return Ok(Lowered::Same(at.id(0)?));
        }
        Operator::Split { axis } => return at.split(*axis),
        Operator::Concat { axis } => return at.concat(*axis),
        Operator::Constant | Operator::ConstantOfShape { .. } => {
            return Err("sizes that are not constant".to_owned());
        }
        Operator::Add => return at.pair(Pair::Add),
        Operator::Max => return at.pair(Pair::Max),
        Operator::Mul => return at.pair(Pair::Mul),
        Operator::Sub => return at.pair(Pair::Sub),
        Operator::Cast(to) => return at.map(Map::Cast(at.tensor(0)?.element, *to)),
        Operator::Clip => {
            let low = at.number(1)?.unwrap_or(f32::NEG_INFINITY);
            return at.map(Map::Clip(low, at.number(2)?.unwrap_or(f32::INFINITY)));
        }
        Operator::Exp => return at.map(Map::Exp),
        Operator::Log => return at.map(Map::Log),
        Operator::Neg => return at.map(Map::Neg),
        Operator::Relu => return at.map(Map::Relu),
        Operator::Sigmoid => return at.map(Map::Sigmoid),
        Operator::QuantizeLinear => {
            let (scale, zero) = at.scale(1)?;
            return at.map(Map::Quantize { scale, zero });
        }
        Operator::Conv(window) => {
            let [inputs, outputs] = [at.axes(0)?, at.output()];
            let channels = [inputs[1], outputs[1]];
            let sides = [[inputs[2], inputs[3]], [outputs[2], outputs[3]]];
            let weights = at.axes(1)?;
            let geometry = geometry(window, inputs[0], channels, sides, weights);
            return at.steps(Kernel::Conv(Conv::new(geometry)), at.node.inputs.len());
        }
        Operator::QLinearConv(window) => {
            let kernel = at.quantised_convolution(window)?;
            return at.steps(kernel, 1);
        }
        Operator::QLinearAdd => {
            let scales = [at.scale(1)?, at.scale(4)?, at.scale(6)?];
            let zip = Zip::new(at.axes(0)?, at.axes(3)?, at.output());
            let kernel = Kernel::QuantisedAdd(QuantisedAdd::new(zip, scales));
            let inputs = vec![at.id(0)?, at.id(3)?];
            return Ok(Lowered::Steps(vec![(kernel, inputs, node.outputs[0])]));
        }
        Operator::Gemm {
            alpha,
            beta,
            transpose_a,
            transpose_b,
        } => {
            let (a, b, to) = (at.axes(0)?, at.axes(1)?, at.output());
            let (left, summed) = match transpose_a {
                true => ([1, a[1]], a[0]),
                false => ([a[1], 1], a[1]),
            };
            let right = if *transpose_b { [1, b[1]] } else { [b[1], 1] };
            let matrices = Matrices {
                rows: to[0],
                summed,
                columns: to[1],
                left,
                right,
            };
            let added = at.optional(2).map(|id| {
                let sizes = graph[id].shape.axes();
                let steps = strides(sizes);
                // Missing axes are in front; those of size 1 are repeated.
                let step = |from_end: usize| match sizes.len().checked_sub(from_end) {
                    Some(axis) if sizes[axis] > 1 => steps[axis].cast_unsigned(),
                    _ => 0,
                };
                [step(2), step(1)]
            });
            let gemm = Gemm {
                matrices,
                alpha: *alpha,
                beta: *beta,
                added,
            };
            return at.steps(Kernel::Gemm(gemm), if added.is_some() { 3 } else { 2 });
        }
        Operator::MatMul => {
            let product = MatMul::new(at.axes(0)?, at.axes(1)?, at.output());
            return at.steps(Kernel::MatMul(product), 2);
        }
        Operator::ReduceMax { axes, .. } => at.reduce(axes, false)?,
        Operator::ReduceMean { axes, .. } => at.reduce(axes, true)?,
        Operator::Softmax { axis } => {
            let (sizes, axis) = (at.axes(0)?, at.axis(*axis)?);
            Kernel::Softmax(Softmax {
                count: sizes[axis],
                inner: sizes[axis + 1..].iter().product(),
            })
        }
        Operator::Gather { axis } => {
            let (sizes, axis) = (at.axes(0)?, at.axis(*axis)?);
            let gather = Gather {
                count: sizes[axis],
                inner: sizes[axis + 1..].iter().product(),
            };
            return at.steps(Kernel::Gather(gather, at.tensor(0)?.element), 2);
        }
        Operator::DepthToSpace { block } => {
            let (from, block) = (at.axes(0)?, *block as usize);
            let (area, width) = (from[2] * from[3], from[3].cast_signed());
            let plane = area.cast_signed();
            let (depth, side) = (from[1] / (block * block), block.cast_signed());
            at.gathered(&[
                (from[0], plane * from[1].cast_signed()),
                (depth, plane * side * side),
                (from[2], width),
                (block, plane * side),
                (from[3], 1),
                (block, plane),
            ])?
        }
        Operator::Resize => {
            let (from, to) = (at.axes(0)?, at.output());
            let steps = strides(from);
            at.gathered(&[
                (from[0], steps[0]),
                (from[1], steps[1]),
                (from[2], steps[2]),
                (to[2] / from[2], 0),
                (from[3], 1),
                (to[3] / from[3], 0),
            ])?
        }
        Operator::Transpose { perm } => {
            let shape = &at.tensor(0)?.shape;
            let perm = permutation(perm, shape).map_err(|fault| fault.to_string())?;
            let steps = strides(shape.axes());
            let axes: Vec<_> = perm.iter().map(|&i| (shape.axes()[i], steps[i])).collect();
            at.gathered(&axes)?
        }
        Operator::Slice => at.slice()?,
        Operator::Pad => {
            let begins = at.integers(1)?;
            let (from, value) = (at.axes(0)?, at.number(2)?.unwrap_or(0.0));
            let first = begins.iter().take(from.len()).map(|&x| x as usize);
            let copy = Copy::placed([(from, first.collect())], at.output(), Some(value));
            Kernel::Copy(copy, ElementType::F32)
        }
    };
    at.steps(kernel, 1)
}

impl<'g, 'a> Place<'g, 'a> {
    fn optional(&self, index: usize) -> Option<TensorId> {
        self.node.inputs.get(index).copied().flatten()
    }

    fn id(&self, index: usize) -> Result<TensorId> {
        self.optional(index)
            .ok_or_else(|| format!("input {index} is left out"))
    }

    fn tensor(&self, index: usize) -> Result<&'g Tensor<'a>> {
        self.id(index).map(|id| &self.graph[id])
    }

    fn axes(&self, index: usize) -> Result<&'g [usize]> {
        self.tensor(index).map(|tensor| tensor.shape.axes())
    }

    fn output(&self) -> &'g [usize] {
        self.graph[self.node.outputs[0]].shape.axes()
    }

    fn axis(&self, axis: i64) -> Result<usize> {
        let shape: &Shape = &self.tensor(0)?.shape;
        shape.axis(axis).map_err(|fault| fault.to_string())
    }

    /// The numbers of an input that is a constant of the file.
    fn data(&self, index: usize) -> Result<Data> {
        let tensor = self.tensor(index)?;
        Data::of(tensor).ok_or_else(|| format!("input {index} is not constant"))
    }

    /// A number, if it is given.
    fn number(&self, index: usize) -> Result<Option<f32>> {
        if self.optional(index).is_none() {
            return Ok(None);
        }
        Ok(self.data(index)?.to_floats().first().copied())
    }

    fn integers(&self, index: usize) -> Result<Vec<i64>> {
        Ok(self.data(index)?.to_integers())
    }

    /// A scale and its zero point.
    fn scale(&self, index: usize) -> Result<(f32, u8)> {
        let (scale, zero) = (self.number(index)?, self.integers(index + 1)?);
        match (scale, zero.first()) {
            (Some(scale), Some(&zero)) => Ok((scale, zero as u8)),
            _ => Err(format!("input {index} is empty")),
        }
    }

    /// One step that takes the first inputs.
    fn steps(&self, kernel: Kernel, count: usize) -> Result<Lowered> {
        let inputs = (0..count).map(|index| self.id(index));
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        Ok(Lowered::Steps(vec![(kernel, inputs, self.node.outputs[0])]))
    }

    fn map(&self, map: Map) -> Result<Lowered> {
        self.steps(Kernel::Map(map), 1)
    }

    fn pair(&self, pair: Pair) -> Result<Lowered> {
        let zip = Zip::new(self.axes(0)?, self.axes(1)?, self.output());
        self.steps(Kernel::Pair(pair, zip), 2)
    }

    fn gathered(&self, axes: &[(usize, isize)]) -> Result<Kernel> {
        let element = self.tensor(0)?.element;
        Ok(Kernel::Copy(Copy::gathered(axes, 0), element))
    }

    fn reduce(&self, axes: &[i64], mean: bool) -> Result<Kernel> {
        let sizes = self.axes(0)?;
        let mut over = vec![axes.is_empty(); sizes.len()];
        for &axis in axes {
            over[self.axis(axis)?] = true;
        }
        Ok(Kernel::Reduce(Reduce::new(sizes, &over, mean)))
    }

    fn slice(&self) -> Result<Kernel> {
        let tensors = self.node.inputs.iter();
        let tensors: Vec<_> = tensors.map(|id| id.map(|id| &self.graph[id])).collect();
        let cuts = cuts(Inputs(&tensors)).map_err(|fault| fault.to_string())?;
        let from = self.axes(0)?;
        let mut axes: Vec<_> = from.iter().copied().zip(strides(from)).collect();
        let mut begin = 0;
        for cut in cuts {
            let (size, step) = &mut axes[cut.axis];
            begin += cut.start as isize * *step;
            *size = cut.count;
            // An axis of one element has a step that leads nowhere, however large.
            *step = if cut.count > 1 {
                *step * cut.step as isize
            } else {
                0
            };
        }
        let copy = Copy::gathered(&axes, begin);
        Ok(Kernel::Copy(copy, self.tensor(0)?.element))
    }

    fn split(&self, axis: i64) -> Result<Lowered> {
        let (from, axis, element) = (self.axes(0)?, self.axis(axis)?, self.tensor(0)?.element);
        let steps = strides(from);
        let (mut first, mut parts) = (0, Vec::new());
        for &output in &self.node.outputs {
            let part = self.graph[output].shape.axes();
            let axes: Vec<_> = part.iter().copied().zip(steps.iter().copied()).collect();
            let copy = Copy::gathered(&axes, first * steps[axis]);
            parts.push((Kernel::Copy(copy, element), vec![self.id(0)?], output));
            first += part[axis].cast_signed();
        }
        Ok(Lowered::Steps(parts))
    }

    fn concat(&self, axis: i64) -> Result<Lowered> {
        let (axis, element) = (self.axis(axis)?, self.tensor(0)?.element);
        let count = self.node.inputs.len();
        let (mut at, mut parts) = (0, Vec::new());
        for index in 0..count {
            let part = self.axes(index)?;
            let mut first = vec![0; part.len()];
            first[axis] = at;
            at += part[axis];
            parts.push((part, first));
        }
        let copy = Copy::placed(parts, self.output(), None);
        self.steps(Kernel::Copy(copy, element), count)
    }

    fn quantised_convolution(&self, window: &Window) -> Result<Kernel> {
        let [from, to] = [self.axes(0)?, self.output()];
        let kernel = self.axes(3)?;
        let (channels, sides) = ([from[3], to[3]], [[from[1], from[2]], [to[1], to[2]]]);
        let geometry = geometry(window, from[0], channels, sides, kernel);
        let &[outside, inside, high, wide] = kernel else {
            return Err("weights of a convolution".to_owned());
        };
        let ((input_scale, input_zero), (scale, zero)) = (self.scale(1)?, self.scale(6)?);
        let (levels, zeros) = (self.integers(3)?, self.integers(5)?);
        let scales = self.data(4)?.to_floats();
        let of = |all: &[i64], output: usize| all.get(output).or(all.first()).copied();
        let mut weights = Vec::with_capacity(levels.len());
        for output in 0..outside {
            let middle = of(&zeros, output).unwrap_or(0);
            for tap in 0..high * wide {
                for channel in 0..inside {
                    let at = (output * inside + channel) * high * wide + tap;
                    weights.push((levels[at] - middle) as i16);
                }
            }
        }
        let bias = match self.optional(8) {
            Some(_) => self.integers(8)?.into_iter().map(|x| x as i32).collect(),
            None => vec![0; outside],
        };
        // In this order, as ONNX Runtime multiplies them.
        let scales = (0..outside).map(|output| {
            let own = scales.get(output).or(scales.first()).copied();
            input_scale * own.unwrap_or(1.0) / scale
        });
        Ok(Kernel::QuantisedConv(Box::new(QuantisedConv {
            geometry,
            weights,
            bias,
            scales: scales.collect(),
            input_zero,
            zero,
        })))
    }
}

/// The sizes of a convolution that the reader has checked: `sides` of input and output, weights
/// `[M, C / group, h, w]`.
fn geometry(
    window: &Window,
    pictures: usize,
    channels: [usize; 2],
    [from, to]: [[usize; 2]; 2],
    weights: &[usize],
) -> Geometry {
    let sizes = |pair: [i64; 2]| pair.map(|x| x as usize);
    Geometry {
        pictures,
        groups: window.group as usize,
        channels,
        from,
        to,
        kernel: [weights[2], weights[3]],
        strides: sizes(window.strides),
        dilations: sizes(window.dilations),
        pads: sizes([window.pads[0], window.pads[1]]),
    }
}
