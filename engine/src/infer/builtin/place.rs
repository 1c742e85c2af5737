//! Places of values in the arena: those that are needed at different times share memory.

use super::arena::{LINE, Place};
use super::step::Step;
use super::values::Source;

/// Gives each value a place, apart from all others that are alive at the same time. `kept`: values
/// that live from the beginning to the end.
pub(super) fn place(steps: &[Step], bytes: &[usize], kept: &[usize]) -> (Vec<Place>, usize) {
    // The steps in which a value is first and last needed.
    let mut lives = vec![(usize::MAX, 0); bytes.len()];
    let mut needed = |value: usize, step: usize| {
        let (first, last): &mut (usize, usize) = &mut lives[value];
        (*first, *last) = ((*first).min(step), (*last).max(step));
    };
    for (index, step) in steps.iter().enumerate() {
        needed(step.output, index);
        for source in &step.inputs {
            if let Source::Value(value) = source {
                needed(*value, index);
            }
        }
    }
    for &value in kept {
        needed(value, 0);
        needed(value, steps.len());
    }
    // The largest values choose first.
    let mut order: Vec<usize> = (0..bytes.len()).collect();
    order.sort_by_key(|&value| std::cmp::Reverse(bytes[value]));
    let mut places: Vec<Place> = vec![Place::default(); bytes.len()];
    let mut placed: Vec<usize> = Vec::new();
    let mut total = 0;
    for value in order {
        let ((first, last), size) = (lives[value], bytes[value].next_multiple_of(LINE));
        let mut taken: Vec<(usize, usize)> = placed
            .iter()
            .filter(|&&other| lives[other].0 <= last && first <= lives[other].1)
            .map(|&other| {
                let begin = places[other].offset;
                (begin, begin + bytes[other].next_multiple_of(LINE))
            })
            .collect();
        taken.sort_unstable();
        let mut offset = 0;
        for (begin, end) in taken {
            if offset + size <= begin {
                break;
            }
            offset = offset.max(end);
        }
        places[value] = Place {
            offset,
            bytes: bytes[value],
        };
        total = total.max(offset + size);
        placed.push(value);
    }
    (places, total)
}
