//! Walks through tensors whose elements lie strides apart.

use arrayvec::ArrayVec;

/// Most axes of a walk: those of a tensor, two of which may be cut in two.
const AXES: usize = 8;

/// A way through `N` tensors at once, row by row.
#[derive(Clone, Debug)]
pub(super) struct Walk<const N: usize> {
    /// Size and strides of each axis but the last.
    outer: ArrayVec<(usize, [isize; N]), AXES>,
    /// Elements of a row.
    pub(super) length: usize,
    /// Elements from one to the next in a row.
    pub(super) steps: [isize; N],
    begin: [isize; N],
}

impl<const N: usize> Walk<N> {
    /// Through axes of these sizes and strides, from `begin` on. Axes that lie in one piece in all
    /// tensors become one.
    pub(super) fn new(axes: &[(usize, [isize; N])], begin: [isize; N]) -> Self {
        let mut merged: ArrayVec<(usize, [isize; N]), AXES> = ArrayVec::new();
        for &(size, strides) in axes.iter().filter(|(size, _)| *size != 1) {
            if let Some((last, steps)) = merged.last_mut()
                && (0..N).all(|i| steps[i] == strides[i] * size.cast_signed())
            {
                *last *= size;
                *steps = strides;
            } else {
                merged.push((size, strides));
            }
        }
        let (length, steps) = merged.pop().unwrap_or((1, [1; N]));
        Self {
            outer: merged,
            length,
            steps,
            begin,
        }
    }

    /// Calls `row` with the places of each row's first elements.
    pub(super) fn rows(&self, mut row: impl FnMut([usize; N])) {
        let mut at = self.begin;
        let mut index: ArrayVec<usize, AXES> = self.outer.iter().map(|_| 0).collect();
        loop {
            row(at.map(isize::cast_unsigned));
            // The next one, as an odometer counts.
            let mut axis = self.outer.len();
            loop {
                let Some(lower) = axis.checked_sub(1) else {
                    return;
                };
                axis = lower;
                let (size, strides) = self.outer[axis];
                index[axis] += 1;
                if index[axis] < size {
                    at = std::array::from_fn(|i| at[i] + strides[i]);
                    break;
                }
                index[axis] = 0;
                let back = size.cast_signed() - 1;
                at = std::array::from_fn(|i| at[i] - strides[i] * back);
            }
        }
    }
}

/// Strides of a tensor that lies in one piece.
pub(super) fn strides(sizes: &[usize]) -> ArrayVec<isize, AXES> {
    let mut strides: ArrayVec<isize, AXES> = sizes.iter().map(|_| 1).collect();
    for axis in (1..sizes.len()).rev() {
        strides[axis - 1] = strides[axis] * sizes[axis].cast_signed();
    }
    strides
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_walked_in_order_and_merged() {
        let turned = Walk::new(&[(3, [1, 2]), (2, [3, 1])], [0, 0]);
        let mut seen = Vec::new();
        turned.rows(|at| seen.push(at));
        assert_eq!(seen, [[0, 0], [1, 2], [2, 4]]);
        let whole = Walk::new(
            &[(3, [8, 8]), (1, [5, 0]), (2, [4, 4]), (4, [1, 1])],
            [0, 0],
        );
        assert_eq!((whole.length, whole.outer.len()), (24, 0));
        let back = Walk::new(&[(2, [-4, 2]), (2, [-1, 1])], [7, 0]);
        let mut seen = Vec::new();
        back.rows(|at| seen.push(at));
        assert_eq!(seen, [[7, 0], [3, 2]]);
    }
}
