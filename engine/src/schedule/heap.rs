//! A binary heap whose items can be moved and removed: each item's place is kept beside the heap.
//!
//! Items are small numbers, the indices of tasks or groups. Several heaps share their [`Places`] where
//! an item is in one of them at a time. Nothing allocates once [`Heap::reserve`] and
//! [`Places::reserve`] have made room.

const ABSENT: usize = usize::MAX;

/// The place of each item in its heap.
#[derive(Default)]
pub(super) struct Places(Vec<usize>);

impl Places {
    /// Makes room for the items below `items`.
    pub(super) fn reserve(&mut self, items: usize) {
        if self.0.len() < items {
            self.0.resize(items, ABSENT);
        }
    }
}

/// Items in the order of their keys, the least first.
pub(super) struct Heap<K>(Vec<(K, usize)>);

impl<K> Default for Heap<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Copy + Ord> Heap<K> {
    /// Makes room for `items` items.
    pub(super) fn reserve(&mut self, items: usize) {
        self.0.reserve(items.saturating_sub(self.0.len()));
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The least key and its item.
    pub(super) fn first(&self) -> Option<(K, usize)> {
        self.0.first().copied()
    }

    /// Inserts `item`, or gives it another key.
    pub(super) fn set(&mut self, item: usize, key: K, places: &mut Places) {
        places.reserve(item + 1);
        let place = match places.0[item] {
            ABSENT => {
                self.0.push((key, item));
                self.0.len() - 1
            }
            place => {
                self.0[place].0 = key;
                place
            }
        };
        self.settle(place, places);
    }

    /// Takes `item` out, if it is in.
    pub(super) fn remove(&mut self, item: usize, places: &mut Places) {
        let place = places.0.get(item).copied().unwrap_or(ABSENT);
        if place == ABSENT {
            return;
        }
        places.0[item] = ABSENT;
        self.0.swap_remove(place);
        if place < self.0.len() {
            self.settle(place, places);
        }
    }

    /// Takes out the item with the least key.
    pub(super) fn pop(&mut self, places: &mut Places) -> Option<usize> {
        let (_, item) = self.first()?;
        self.remove(item, places);
        Some(item)
    }

    /// Moves the node at `place` up or down to where its key belongs.
    fn settle(&mut self, mut place: usize, places: &mut Places) {
        let node = self.0[place];
        while place > 0 && node < self.0[(place - 1) / 2] {
            let parent = (place - 1) / 2;
            self.put(place, self.0[parent], places);
            place = parent;
        }
        loop {
            let left = 2 * place + 1;
            let children = left..self.0.len().min(left + 2);
            let Some(child) = children.min_by_key(|&child| self.0[child]) else {
                break;
            };
            if node <= self.0[child] {
                break;
            }
            self.put(place, self.0[child], places);
            place = child;
        }
        self.put(place, node, places);
    }

    fn put(&mut self, place: usize, node: (K, usize), places: &mut Places) {
        places.0[node.1] = place;
        self.0[place] = node;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Two heaps that share their places do what two sorted sets do.
    #[test]
    fn a_heap_gives_what_a_sorted_set_gives() {
        let mut random = 1_u64;
        let mut below = |end: u64| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % end
        };
        let mut places = Places::default();
        let mut heaps = [Heap::default(), Heap::default()];
        let mut sets = [BTreeSet::new(), BTreeSet::new()];
        for _ in 0..20_000 {
            let item = usize::try_from(below(50)).expect("a small number");
            // Even items are in the one heap, odd ones in the other.
            let (heap, set) = (&mut heaps[item % 2], &mut sets[item % 2]);
            match below(8) {
                0..=4 => {
                    let key = below(30);
                    heap.set(item, key, &mut places);
                    set.retain(|&(_, other)| other != item);
                    set.insert((key, item));
                }
                5 => {
                    heap.remove(item, &mut places);
                    set.retain(|&(_, other)| other != item);
                }
                _ => {
                    let first = set.pop_first().map(|(_, item)| item);
                    assert_eq!(heap.pop(&mut places), first, "the least");
                }
            }
            assert_eq!(heap.first(), set.first().copied(), "the first");
            assert_eq!(heap.len(), set.len(), "how many");
        }
    }
}
