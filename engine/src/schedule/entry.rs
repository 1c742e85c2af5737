//! A task of the queue, and what is taken out of the queue to be worked on.

use crate::clock::Instant;
use std::mem;
use std::sync::{Arc, Condvar, Weak};
use std::time::Duration;

use arrayvec::ArrayVec;

use crate::infer::BATCH;

/// The batching window: from this long before its deadline on, a task doesn't wait for further tasks of
/// its group to make up a batch.
pub(super) const BATCHING_WINDOW: Duration = Duration::from_millis(100);

/// Names a task of a [`Queue`](super::queue::Queue). A removed task's name is not used again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct TaskId {
    pub(super) index: usize,
    pub(super) number: u64,
}

#[cfg(test)]
impl TaskId {
    /// Of no task.
    pub(crate) const NONE: Self = Self {
        index: usize::MAX,
        number: 0,
    };
}

/// A task that a thread works on.
pub(crate) struct WorkItem<T> {
    pub(crate) id: TaskId,
    pub(crate) task: Arc<T>,
    /// Time from one turn of a task to its next, as of late. It is longer than tasks are apart where
    /// there is more work than time.
    pub(crate) lag: Duration,
    /// Whether a thread waits for the task.
    pub(crate) has_waiter: bool,
}

/// Tasks of one group that are worked on together.
pub(super) struct Batch<T> {
    pub(super) items: ArrayVec<WorkItem<T>, BATCH>,
    pub(super) group: usize,
    /// The kind of slot that the batch takes.
    pub(super) slot: usize,
    /// When it was taken out.
    pub(super) taken: Instant,
}

/// A registered task.
pub(super) struct Entry<T> {
    pub(super) task: Weak<T>,
    pub(super) number: u64,
    pub(super) group: usize,
    pub(super) deadline: Instant,
    /// There is something to work on.
    pub(super) ready: bool,
    /// A thread works on the task.
    pub(super) busy: bool,
    /// A thread waits for the task.
    pub(super) has_waiter: bool,
    /// Told after each turn, and when the task is removed.
    pub(super) done: Arc<Condvar>,
    /// Turns that are over.
    pub(super) turns: u64,
    /// When it became ready; where a turn just ended, when that one began.
    since: Instant,
    /// How long the last turn waited for a thread.
    waited: Duration,
}

impl<T> Entry<T> {
    pub(super) fn new(task: Weak<T>, number: u64, group: usize) -> Self {
        let now = Instant::now();
        Self {
            task,
            number,
            group,
            deadline: now,
            ready: false,
            busy: false,
            has_waiter: false,
            done: Arc::default(),
            turns: 0,
            since: now,
            waited: Duration::ZERO,
        }
    }

    /// Makes the task ready from `now` on, due at `deadline`.
    pub(super) fn offer(&mut self, deadline: Instant, now: Instant) {
        if !self.ready {
            self.since = now;
        }
        self.ready = true;
        self.deadline = deadline;
    }

    /// Begins a turn at `now`, unless the task is gone; gives what the task lagged.
    pub(super) fn begin(&mut self, now: Instant) -> Option<(Arc<T>, Duration)> {
        self.ready = false;
        let task = self.task.upgrade()?;
        self.busy = true;
        // Time in which the task waited for others of its group is no wait for a thread.
        let batching = self.deadline.saturating_duration_since(self.since);
        let dispatchable = self.since + batching.saturating_sub(BATCHING_WINDOW);
        let waited = now.saturating_duration_since(dispatchable);
        // One long wait is an accident, two in a row are too much work.
        let lag = waited.min(mem::replace(&mut self.waited, waited));
        Some((task, lag))
    }

    /// Ends a turn that began at `taken`; `next` is the deadline of the next one, if there is one.
    pub(super) fn end(&mut self, next: Option<Instant>, taken: Instant) {
        (self.busy, self.has_waiter) = (false, false);
        if let Some(deadline) = next {
            self.ready = false;
            self.offer(deadline, taken);
        }
        self.turns += 1;
        self.done.notify_all();
    }
}
