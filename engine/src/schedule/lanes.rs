//! The groups that wait to be served, ordered for the queue.

use crate::clock::Instant;

use super::entry::BATCHING_WINDOW;
use super::heap::{Heap, Places};
use super::share::{Class, Standing};

/// Groups by their standing; a group is in one lane at a time.
#[derive(Default)]
pub(super) struct Lanes {
    lanes: [Lane; 2 * Class::ALL.len()],
    first_places: Places,
    full_places: Places,
}

/// Groups of one standing.
#[derive(Default)]
pub(super) struct Lane {
    /// Groups with waiting tasks, by the first deadline.
    first: Heap<Instant>,
    /// Groups with a full batch, by the first deadline.
    full: Heap<Instant>,
}

impl Lanes {
    /// Makes room for `groups` groups.
    pub(super) fn reserve(&mut self, groups: usize) {
        for lane in &mut self.lanes {
            lane.first.reserve(groups);
            lane.full.reserve(groups);
        }
        self.first_places.reserve(groups);
        self.full_places.reserve(groups);
    }

    /// The groups of a standing.
    pub(super) fn lane(&self, standing: Standing) -> &Lane {
        &self.lanes[index(standing)]
    }

    /// Puts a group in its place: `first` is the deadline of its first task, None without one.
    pub(super) fn set(
        &mut self,
        group: usize,
        standing: Standing,
        first: Option<Instant>,
        is_full: bool,
    ) {
        let lane = &mut self.lanes[index(standing)];
        match first {
            Some(deadline) => lane.first.set(group, deadline, &mut self.first_places),
            None => lane.first.remove(group, &mut self.first_places),
        }
        match first.filter(|_| is_full) {
            Some(deadline) => lane.full.set(group, deadline, &mut self.full_places),
            None => lane.full.remove(group, &mut self.full_places),
        }
    }

    /// Takes a group out of its lane.
    pub(super) fn remove(&mut self, group: usize, standing: Standing) {
        self.set(group, standing, None, false);
    }
}

impl Lane {
    /// The first deadline of all.
    pub(super) fn first_deadline(&self) -> Option<Instant> {
        self.first.first().map(|(deadline, _)| deadline)
    }

    /// The dispatchable group that is due first, with its deadline.
    pub(super) fn dispatchable(&self, now: Instant) -> Option<(Instant, usize)> {
        let first = self.first.first();
        let due = first.filter(|&(deadline, _)| deadline <= now + BATCHING_WINDOW);
        [due, self.full.first()].into_iter().flatten().min()
    }
}

fn index(standing: Standing) -> usize {
    Class::ALL.len() * usize::from(standing.over_share) + standing.class as usize
}
