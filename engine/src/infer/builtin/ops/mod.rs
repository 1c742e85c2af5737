//! The operators one by one, in plain Rust: right everywhere, and fast enough for all that is small.

mod copy;
mod elementwise;
mod lower;
mod products;
mod quantised;
mod reduce;
mod strided;

use super::values::{Data, Run};
use crate::Result;
use crate::infer::model::ElementType;

pub(super) use lower::{Lowered, lower};

/// A step's computation for one item.
#[derive(Debug)]
pub(super) enum Kernel {
    Conv(products::Conv),
    Copy(copy::Copy, ElementType),
    Gather(copy::Gather, ElementType),
    Gemm(products::Gemm),
    Map(elementwise::Map),
    MatMul(products::MatMul),
    Pair(elementwise::Pair, elementwise::Zip),
    QuantisedAdd(quantised::QuantisedAdd),
    QuantisedConv(Box<quantised::QuantisedConv>),
    Reduce(reduce::Reduce),
    Softmax(reduce::Softmax),
}

impl Kernel {
    /// Makes the output of one item.
    ///
    /// # Errors
    /// `Inference` if an index that was computed lies outside.
    pub(super) fn run(&self, run: &mut Run<'_>) -> Result<()> {
        match self {
            Self::Conv(conv) => conv.run(run),
            Self::Copy(copy, element) => copy.run(*element, run),
            Self::Gather(gather, element) => return gather.run(*element, run),
            Self::Gemm(gemm) => gemm.run(run),
            Self::Map(map) => map.run(run),
            Self::MatMul(product) => product.run(run),
            Self::Pair(pair, zip) => zip.run(*pair, run),
            Self::QuantisedAdd(add) => add.run(run),
            Self::QuantisedConv(conv) => conv.run(run),
            Self::Reduce(reduce) => reduce.run(run),
            Self::Softmax(softmax) => softmax.run(run),
        }
        Ok(())
    }
}
