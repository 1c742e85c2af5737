//! The typed graph that a network is read into: nodes in topological order, and for every tensor its
//! element type, its shape and where it comes from.

use std::fmt;
use std::ops::Index;

use arrayvec::ArrayVec;

use super::element_type::ElementType;
use super::fault::{Result, refuse};
use super::limits;
use super::operators::Operator;

/// Sizes of a tensor's axes, row-major, at most [`limits::RANK`]; their product is at most
/// [`limits::TENSOR_ELEMENTS`].
///
/// The batch N is the one size that is not fixed: axis 0 of a *batched* tensor has N times the size
/// that is kept here. It is 1 for `[N, 80]`, and 23 for the rows `[23 N, 405]` that a Reshape makes of
/// `[N, 115, 81]`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Shape {
    batched: bool,
    axes: ArrayVec<usize, { limits::RANK }>,
}

impl Shape {
    /// A shape of these sizes, the first one for each item if `batched`.
    pub(super) fn new(batched: bool, axes: impl IntoIterator<Item = usize>) -> Result<Self> {
        let mut shape = Self {
            batched,
            axes: ArrayVec::new(),
        };
        let mut elements = 1usize;
        for axis in axes {
            if shape.axes.try_push(axis).is_err() {
                return refuse(format!("more than {} axes", limits::RANK));
            }
            elements = match elements.checked_mul(axis) {
                Some(product) if product.max(axis) <= limits::TENSOR_ELEMENTS => product,
                _ => {
                    return refuse(format!(
                        "more than {} elements in a tensor",
                        limits::TENSOR_ELEMENTS
                    ));
                }
            };
        }
        if batched && shape.axes.is_empty() {
            return refuse("a tensor without axes has no batch");
        }
        Ok(shape)
    }

    /// Whether axis 0 grows with the batch.
    pub(crate) fn is_batched(&self) -> bool {
        self.batched
    }

    /// Sizes for one item.
    pub(crate) fn axes(&self) -> &[usize] {
        &self.axes
    }

    pub(crate) fn rank(&self) -> usize {
        self.axes.len()
    }

    /// Elements for one item.
    pub(crate) fn elements(&self) -> usize {
        self.axes.iter().product()
    }

    /// The index of an axis, which counts from the end if it is negative.
    pub(in crate::infer) fn axis(&self, axis: i64) -> Result<usize> {
        axis_of(axis, self.rank())
    }

    /// The index of an axis that is not the batch's.
    pub(super) fn fixed_axis(&self, axis: i64) -> Result<usize> {
        match self.axis(axis)? {
            0 if self.batched => refuse("it works across the batch"),
            axis => Ok(axis),
        }
    }

    /// The same shape with another size of an axis.
    pub(super) fn with(&self, axis: usize, size: usize) -> Result<Self> {
        let axes = self.axes.iter().enumerate();
        let axes = axes.map(|(index, &old)| if index == axis { size } else { old });
        Self::new(self.batched, axes)
    }
}

/// The index of one of `rank` axes, which counts from the end if it is negative.
pub(super) fn axis_of(axis: i64, rank: usize) -> Result<usize> {
    let signed = rank.cast_signed() as i64;
    let index = if axis < 0 {
        axis.checked_add(signed)
    } else {
        Some(axis)
    };
    match index {
        Some(index) if (0..signed).contains(&index) => Ok(index as usize),
        _ => refuse(format!("axis {axis} of a tensor with {rank} axes")),
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (index, axis) in self.axes.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            match (index, axis) {
                (0, 1) if self.batched => write!(f, "N")?,
                (0, count) if self.batched => write!(f, "{count} N")?,
                _ => write!(f, "{comma}{axis}")?,
            }
        }
        f.write_str("]")
    }
}

/// The source of a tensor's values.
#[derive(Debug)]
pub(crate) enum Source<'a> {
    /// The caller.
    Input,
    /// A node, in each run.
    Node,
    /// Sizes that are known from the file, such as a shape for Reshape.
    Sizes(Vec<i64>),
    /// The file: `elements` values, little-endian, floats finite.
    Weights(&'a [u8]),
}

/// A tensor of the graph.
#[derive(Debug)]
pub(crate) struct Tensor<'a> {
    pub(crate) name: &'a str,
    pub(crate) element: ElementType,
    pub(crate) shape: Shape,
    pub(crate) source: Source<'a>,
}

impl Tensor<'_> {
    /// The integers of a constant.
    pub(super) fn integers(&self) -> Option<Vec<i64>> {
        match &self.source {
            Source::Sizes(sizes) => Some(sizes.clone()),
            Source::Weights(raw) if self.element == ElementType::I64 => {
                let (numbers, _) = raw.as_chunks();
                Some(numbers.iter().map(|&x| i64::from_le_bytes(x)).collect())
            }
            _ => None,
        }
    }

    /// The integers of a constant that is short enough for a list of sizes.
    pub(super) fn sizes(&self) -> Option<Vec<i64>> {
        if self.shape.elements() > limits::SIZES {
            return None;
        }
        self.integers()
    }

    /// The floats of a constant, one after the other.
    pub(super) fn floats(&self) -> Option<impl Iterator<Item = f32> + '_> {
        match self.source {
            Source::Weights(raw) if self.element == ElementType::F32 => {
                let (numbers, _) = raw.as_chunks();
                Some(numbers.iter().map(|&x| f32::from_le_bytes(x)))
            }
            _ => None,
        }
    }

    /// Whether its values are in the file.
    pub(super) fn is_constant(&self) -> bool {
        matches!(self.source, Source::Sizes(_) | Source::Weights(_))
    }
}

/// A tensor's place in [`Graph::tensors`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct TensorId(pub(super) usize);

impl TensorId {
    /// The place.
    pub(in crate::infer) fn index(self) -> usize {
        self.0
    }
}

/// One operation.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) operator: Operator,
    /// None is an optional input that is left out.
    pub(crate) inputs: Vec<Option<TensorId>>,
    pub(crate) outputs: Vec<TensorId>,
}

/// A network. Constants and what follows from sizes alone are no nodes but tensors.
#[derive(Debug, Default)]
pub(crate) struct Graph<'a> {
    pub(crate) tensors: Vec<Tensor<'a>>,
    /// Each after those whose results it takes.
    pub(crate) nodes: Vec<Node>,
    pub(crate) inputs: Vec<TensorId>,
    pub(crate) outputs: Vec<TensorId>,
}

impl<'a> Index<TensorId> for Graph<'a> {
    type Output = Tensor<'a>;

    fn index(&self, id: TensorId) -> &Tensor<'a> {
        &self.tensors[id.0]
    }
}
