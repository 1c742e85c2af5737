//! A convolution in time: `Gather` (taps), `Reshape`, `Gemm`, `Relu` and `Reshape`.

#![expect(
    unsafe_code,
    reason = "sizes are compared here, for kernels on pointers"
)]

use std::marker::PhantomData;

use super::{Finder, Found};
use crate::infer::builtin::kernels::{Batch, Layer, Level, Multiply, Rows, Simd, on};
use crate::infer::model::Operator;

/// The layer whose last node is `index`, a `Reshape`.
pub(super) fn find(level: Level, finder: &mut Finder<'_, '_, '_>, index: usize) -> Option<Found> {
    let last = finder.node(index);
    let (relu_index, relu) = finder.before(last, 0)?;
    let (gemm_index, gemm) = finder.before(relu, 0)?;
    let (shape_index, shape) = finder.before(gemm, 0)?;
    let (gather_index, gather) = finder.before(shape, 0)?;
    let Operator::Gemm {
        alpha: 1.0,
        beta: 1.0,
        transpose_a: false,
        transpose_b: true,
    } = gemm.operator
    else {
        return None;
    };
    let known = matches!(relu.operator, Operator::Relu)
        && matches!(shape.operator, Operator::Reshape)
        && matches!(gather.operator, Operator::Gather { axis: 1 });
    if !known || gemm.inputs.len() < 3 {
        return None;
    }
    let input = finder.value(gather, 0)?;
    let &[1, steps, width] = finder.tensor(input).shape.axes() else {
        return None;
    };
    let &[rows, outputs] = finder.made(gemm) else {
        return None;
    };
    // Indices were checked by the reader; those that count from the end are left to the operators.
    let taps = finder.integers(gather, 1)?;
    let taps = taps.iter().map(|&tap| usize::try_from(tap).ok());
    let taps = taps.collect::<Option<Vec<_>>>()?;
    if rows == 0 || taps.len() % rows != 0 || taps.iter().any(|&tap| tap >= steps) {
        return None;
    }
    let count = taps.len() / rows;
    // The same distances between taps in all rows.
    let apart = match taps.get(..2) {
        Some(&[first, second]) if count > 1 => second.checked_sub(first)?,
        _ => 1,
    };
    let even = |at: usize| taps[at] == taps[at - at % count] + at % count * apart;
    let same =
        finder.made(last) == [1, rows, outputs] && finder.made(shape) == [rows, count * width];
    if apart == 0 || !same || !(0..taps.len()).all(even) {
        return None;
    }
    let pieces = match apart {
        1 => [1, count * width, 0],
        _ => [count, width, apart * width],
    };
    let first = taps.iter().step_by(count).map(|tap| tap * width).collect();
    let (weights, bias) = (finder.floats(gemm, 1)?, finder.floats(gemm, 2)?);
    if bias.len() != outputs {
        return None;
    }
    let layer: Box<dyn Layer> = on!(level, S => Box::new(Packed::<S> {
        rows: Rows::pack::<S>(first, pieces, &weights, bias)?,
        bytes: [4 * steps * width, 4 * rows * outputs],
        simd: PhantomData,
    }));
    Some(Found {
        layer,
        inputs: vec![input],
        output: last.outputs[0],
        scratch: Vec::new(),
        nodes: vec![gather_index, shape_index, gemm_index, relu_index, index],
    })
}

#[derive(Debug)]
struct Packed<S> {
    rows: Rows,
    /// Of an item's input and output.
    bytes: [usize; 2],
    simd: PhantomData<S>,
}

impl<S: Simd> Layer for Packed<S> {
    fn run(&self, batch: &mut Batch<'_>) {
        let multiply = Multiply {
            layer: &self.rows,
            from: batch.input(0, self.bytes[0]).cast::<f32>(),
            to: batch.output(self.bytes[1]).cast(),
            items: batch.items,
            item: batch.item(),
        };
        // SAFETY: the level was chosen for this processor; both places are as large, and rows lie in
        // the input.
        unsafe { S::enter(multiply) };
    }
}
