//! Names, shapes and elements of a network's tensors.

use super::model::ElementType;
use super::onnxruntime::TensorElement;
use super::plain::Plain;

/// Element type of an output.
pub(crate) trait Element: TensorElement + Plain + std::fmt::Debug {
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
    #[cfg(any(test, feature = "internals"))]
    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }
}
