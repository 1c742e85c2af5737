//! Names, shapes and elements of a network's tensors.

use ort::value::PrimitiveTensorElementType;

use super::builtin::Plain;
use super::model::ElementType;

/// Element type of an output.
pub(crate) trait Element: PrimitiveTensorElementType + Plain + std::fmt::Debug {
    const ELEMENT: ElementType;
}
impl Element for f32 {
    const ELEMENT: ElementType = ElementType::F32;
}
impl Element for u8 {
    const ELEMENT: ElementType = ElementType::U8;
}

/// Name and shape (without the leading batch axis) of an input or output.
#[derive(Clone, Debug)]
pub(crate) struct TensorSpec {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
}

impl TensorSpec {
    pub(crate) fn new(name: &str, shape: &[usize]) -> Self {
        Self {
            name: name.to_owned(),
            shape: shape.to_vec(),
        }
    }

    /// Elements of one item.
    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// The shape of a batch, as ONNX Runtime takes it.
    pub(super) fn batch(&self, size: usize) -> Vec<i64> {
        let axes = std::iter::once(&size).chain(&self.shape);
        axes.map(|&x| i64::try_from(x).unwrap_or(i64::MAX))
            .collect()
    }
}
