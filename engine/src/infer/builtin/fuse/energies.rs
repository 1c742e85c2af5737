//! Means of exponentials along the last axis: `Exp` and `ReduceMean`.

#![expect(
    unsafe_code,
    reason = "sizes are compared here, for kernels on pointers"
)]

use std::marker::PhantomData;

use super::{Finder, Found};
use crate::infer::builtin::kernels::{Batch, Energies, Layer, Level, Simd, WIDTH, on};
use crate::infer::model::Operator;

/// The layer whose last node is `index`, a `ReduceMean`.
pub(super) fn find(level: Level, finder: &mut Finder<'_, '_, '_>, index: usize) -> Option<Found> {
    let last = finder.node(index);
    let (before, exp) = finder.before(last, 0)?;
    let (Operator::Exp, Operator::ReduceMean { axes, .. }) = (&exp.operator, &last.operator) else {
        return None;
    };
    let input = finder.value(exp, 0)?;
    let shape = &finder.tensor(input).shape;
    let [rows @ .., length] = shape.axes() else {
        return None;
    };
    let &[axis] = &axes[..] else { return None };
    let along_last = shape.axis(axis).ok()? + 1 == shape.rank();
    if !along_last || !length.is_multiple_of(WIDTH) {
        return None;
    }
    let sizes = [rows.iter().product(), *length];
    let layer: Box<dyn Layer> = on!(level, S => Box::new(Sized::<S> {
        sizes,
        simd: PhantomData,
    }));
    Some(Found {
        layer,
        inputs: vec![input],
        output: last.outputs[0],
        scratch: Vec::new(),
        nodes: vec![before, index],
    })
}

#[derive(Debug)]
struct Sized<S> {
    sizes: [usize; 2],
    simd: PhantomData<S>,
}

impl<S: Simd> Layer for Sized<S> {
    fn run(&self, batch: &mut Batch<'_>) {
        let [rows, length] = self.sizes;
        let from = batch.input(0, 4 * rows * length);
        let to = batch.output(4 * rows);
        for item in 0..batch.items {
            let energies = Energies {
                from: from.wrapping_add(item * batch.item()).cast::<f32>(),
                rows,
                length,
                to: to.wrapping_add(item * batch.item()).cast(),
            };
            // SAFETY: the level was chosen for this processor; both places are as large.
            unsafe { S::enter(energies) };
        }
    }
}
