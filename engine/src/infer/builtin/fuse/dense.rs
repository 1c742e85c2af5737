//! Products of a row with a constant matrix: `Gemm` and `MatMul`, with or without a `Relu`.

#![expect(
    unsafe_code,
    reason = "sizes are compared here, for kernels on pointers"
)]

use std::marker::PhantomData;

use super::{Finder, Found};
use crate::infer::builtin::kernels::{Batch, Dense, Layer, Level, Product, Simd, on};
use crate::infer::model::Operator;

/// The layer whose last node is `index`, a product or a `Relu` behind one.
pub(super) fn find(level: Level, finder: &mut Finder<'_, '_, '_>, index: usize) -> Option<Found> {
    let last = finder.node(index);
    let (relu, nodes, product) = match last.operator {
        Operator::Relu => {
            let (before, product) = finder.before(last, 0)?;
            (true, vec![before, index], product)
        }
        _ => (false, vec![index], last),
    };
    let &[1, outputs] = finder.made(product) else {
        return None;
    };
    let (across, has_bias) = match product.operator {
        Operator::Gemm {
            alpha: 1.0,
            beta: 1.0,
            transpose_a: false,
            transpose_b,
        } => (transpose_b, product.inputs.len() > 2),
        Operator::MatMul => (false, false),
        _ => return None,
    };
    let input = finder.value(product, 0)?;
    let &[1, inputs] = finder.tensor(input).shape.axes() else {
        return None;
    };
    let bias = match has_bias && finder.input(product, 2).is_some() {
        true => finder.floats(product, 2)?,
        false => vec![0.0],
    };
    let bias = match bias.len() {
        1 => vec![bias[0]; outputs],
        _ if bias.len() == outputs => bias,
        _ => return None,
    };
    let weights = finder.stored(product, 1)?;
    let layer: Box<dyn Layer> = on!(level, S => Box::new(Packed::<S> {
        dense: Dense::pack::<S>(inputs, &weights, across, bias, relu)?,
        simd: PhantomData,
    }));
    Some(Found {
        layer,
        inputs: vec![input],
        output: last.outputs[0],
        scratch: Vec::new(),
        nodes,
    })
}

#[derive(Debug)]
struct Packed<S> {
    dense: Dense,
    simd: PhantomData<S>,
}

impl<S: Simd> Layer for Packed<S> {
    fn run(&self, batch: &mut Batch<'_>) {
        let dense = &self.dense;
        let product = Product {
            from: batch.input(0, 4 * dense.inputs).cast::<f32>(),
            to: batch.output(4 * dense.padded()).cast(),
            items: batch.items,
            item: batch.item(),
            dense,
        };
        // SAFETY: the level was chosen for this processor; both places are as large.
        unsafe { S::enter(product) };
    }
}
