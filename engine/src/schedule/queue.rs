//! The queue of tasks: earliest deadline first, in batches, with fair shares.
//!
//! Tasks form groups (a group is an avatar); the tasks of one group can be worked on together. A group
//! is *dispatchable* when it has tasks for a full batch, or when the first of its tasks is due within the
//! [batching window](BATCHING_WINDOW). Of the groups within their [share], the
//! dispatchable one that is due first is served next, then the groups over it.
//!
//! Each group keeps a heap of its waiting tasks. Each [`Lane`] (within or over the share, [`Class`] of
//! runs) keeps a heap of its groups by the first deadline, and a heap of its groups with a full batch. So
//! announcing, taking and putting back cost O(log n). The queue has no clock: every call is told the
//! time.
//!
//! [share]: super::share

use crate::clock::Instant;
use std::sync::{Arc, Weak};
use std::time::Duration;

use arrayvec::ArrayVec;

use super::entry::{BATCHING_WINDOW, Batch, Entry, TaskId, WorkItem};
use super::heap::{Heap, Places};
use super::lanes::{Lane, Lanes};
use super::share::{Class, Share, Standing};
use super::{Deadline, too_many};
use crate::Result;
use crate::infer::BATCH;

/// Turns over which the lag is averaged.
const SMOOTHING: u32 = 16;

pub(super) struct Queue<T> {
    /// Tasks by their index; an index is used again once its task is removed.
    entries: Vec<Option<Entry<T>>>,
    /// Indices of no task.
    vacant: Vec<usize>,
    /// Tasks registered so far.
    registered: u64,
    /// Most tasks at a time.
    pub(super) limit: Option<usize>,
    task_places: Places,
    groups: Vec<Group>,
    lanes: Lanes,
    /// Groups over their share, by the time when they will be within it.
    over_share: Heap<Instant>,
    over_places: Places,
    /// Batches at a time, in each kind of slots.
    threads: usize,
    /// Batches that are worked on, by their kind of slot.
    running: [usize; 2],
    /// Mean lag of the last turns: of groups within and over their share.
    lag: [Duration; 2],
}

/// The tasks of one avatar.
struct Group {
    /// None: the group has no tasks, and the next avatar takes it.
    share: Option<Arc<Share>>,
    tasks: usize,
    waiting: Heap<Instant>,
    /// Batches that are worked on.
    running: usize,
    standing: Standing,
}

impl<T> Queue<T> {
    pub(super) fn new(threads: usize, limit: Option<usize>) -> Self {
        Self {
            entries: Vec::new(),
            vacant: Vec::new(),
            registered: 0,
            limit,
            task_places: Places::default(),
            groups: Vec::new(),
            lanes: Lanes::default(),
            over_share: Heap::default(),
            over_places: Places::default(),
            threads,
            running: [0; 2],
            lag: [Duration::ZERO; 2],
        }
    }

    /// Number of tasks.
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.vacant.len()
    }

    /// Number of groups, vacant ones counted.
    #[cfg(test)]
    pub(super) fn groups(&self) -> usize {
        self.groups.len()
    }

    /// Registers a task of the group with this share.
    ///
    /// # Errors
    /// `LimitExceeded`: there are as many tasks as are allowed.
    pub(super) fn register(&mut self, task: Weak<T>, share: &Arc<Share>) -> Result<TaskId> {
        if let Some(limit) = self.limit.filter(|&limit| self.len() >= limit) {
            return Err(too_many(self.len(), limit));
        }
        let group = self.group(share);
        self.registered += 1;
        let entry = Entry::new(task, self.registered, group);
        let index = match self.vacant.pop() {
            Some(index) => {
                self.entries[index] = Some(entry);
                index
            }
            None => {
                self.entries.push(Some(entry));
                self.entries.len() - 1
            }
        };
        // Later calls allocate nothing.
        self.task_places.reserve(self.entries.len());
        let group = &mut self.groups[group];
        group.tasks += 1;
        group.waiting.reserve(group.tasks);
        Ok(TaskId {
            index,
            number: self.registered,
        })
    }

    /// The group with this share.
    fn group(&mut self, share: &Arc<Share>) -> usize {
        let has = |group: &Group| {
            let own = group.share.as_ref();
            own.is_some_and(|own| Arc::ptr_eq(own, share))
        };
        if let Some(index) = self.groups.iter().position(has) {
            return index;
        }
        let vacant = |group: &Group| group.share.is_none() && group.running == 0;
        let index = self.groups.iter().position(vacant).unwrap_or_else(|| {
            self.groups.push(Group {
                share: None,
                tasks: 0,
                waiting: Heap::default(),
                running: 0,
                standing: Standing::UNKNOWN,
            });
            self.groups.len() - 1
        });
        let group = &mut self.groups[index];
        group.share = Some(Arc::clone(share));
        group.standing = Standing::UNKNOWN;
        let count = self.groups.len();
        self.lanes.reserve(count);
        self.over_share.reserve(count);
        self.over_places.reserve(count);
        index
    }

    /// Removes a task. A thread that works on it ends its turn.
    pub(super) fn remove(&mut self, id: TaskId) {
        let Some(entry) = self.entry(id) else {
            return;
        };
        let group = entry.group;
        entry.done.notify_all();
        self.entries[id.index] = None;
        self.vacant.push(id.index);
        let tasks = &mut self.groups[group];
        tasks.waiting.remove(id.index, &mut self.task_places);
        tasks.tasks -= 1;
        let last = tasks.tasks == 0;
        self.sort(group);
        if last {
            self.groups[group].share = None;
            self.over_share.remove(group, &mut self.over_places);
        }
    }

    pub(super) fn entry(&mut self, id: TaskId) -> Option<&mut Entry<T>> {
        let entry = self.entries.get_mut(id.index)?.as_mut();
        entry.filter(|entry| entry.number == id.number)
    }

    /// Makes a task ready, due at `deadline`. Without a deadline it is due a batching window from `now`:
    /// it is dispatchable at once, and behind what is overdue.
    pub(super) fn announce(&mut self, id: TaskId, deadline: Deadline, now: Instant) {
        let deadline = match deadline {
            Deadline::At(deadline) => deadline,
            Deadline::Whenever => now + BATCHING_WINDOW,
        };
        let Some(entry) = self.entry(id) else {
            return;
        };
        let unchanged = entry.ready && entry.deadline == deadline;
        entry.offer(deadline, now);
        if !entry.busy && !unchanged {
            self.enqueue(id.index, deadline);
        }
    }

    /// Makes a task that a thread waits for due at once.
    pub(super) fn hasten(&mut self, id: TaskId, now: Instant) {
        let Some(entry) = self.entry(id) else {
            return;
        };
        entry.has_waiter = true;
        entry.deadline = now;
        if !entry.busy {
            self.enqueue(id.index, now);
        }
    }

    fn enqueue(&mut self, index: usize, deadline: Instant) {
        let Some(entry) = &self.entries[index] else {
            return;
        };
        let group = entry.group;
        let waiting = &mut self.groups[group].waiting;
        waiting.set(index, deadline, &mut self.task_places);
        self.sort(group);
    }

    /// Takes out the next batch at the time `now`. If there is none, says from when on there is one,
    /// unless something is announced or put back before; None: not before that.
    pub(super) fn take(&mut self, now: Instant) -> std::result::Result<Batch<T>, Option<Instant>> {
        while let Some((due, group)) = self.over_share.first()
            && due <= now
        {
            self.assess(group, now);
        }
        while let Some(group) = self.next_group(now) {
            let before = self.groups[group].standing;
            // Runs outside of the queue count as well.
            self.assess(group, now);
            if self.groups[group].standing != before {
                continue;
            }
            let items = self.collect(group, now);
            // The tasks may all be gone.
            if items.is_empty() {
                self.sort(group);
            } else {
                let slot = self.free_slot(before.class).unwrap_or_default();
                self.running[slot] += 1;
                self.groups[group].running += 1;
                self.sort(group);
                return Ok(Batch {
                    items,
                    group,
                    slot,
                    taken: now,
                });
            }
        }
        Err(self.next_time(now))
    }

    /// From when on there is a batch to take, if nothing else happens before.
    pub(super) fn next_time(&self, now: Instant) -> Option<Instant> {
        if self.next_group(now).is_some() {
            return Some(now);
        }
        let lanes = [false, true].into_iter().flat_map(|over| self.open(over));
        let deadline = lanes.filter_map(Lane::first_deadline).min()?;
        Some(deadline.checked_sub(BATCHING_WINDOW).unwrap_or(deadline))
    }

    /// The group to serve next.
    fn next_group(&self, now: Instant) -> Option<usize> {
        let first = |over_share| {
            let lanes = self.open(over_share);
            lanes.filter_map(|lane| lane.dispatchable(now)).min()
        };
        let (_, group) = first(false).or_else(|| first(true))?;
        Some(group)
    }

    /// The lanes whose batches have a slot, of groups within or over their share.
    fn open(&self, over_share: bool) -> impl Iterator<Item = &Lane> {
        let classes = Class::ALL.into_iter();
        let classes = classes.filter(|&class| self.free_slot(class).is_some());
        classes.map(move |class| self.lanes.lane(Standing { over_share, class }))
    }

    /// A slot for one more batch of a class.
    fn free_slot(&self, class: Class) -> Option<usize> {
        let mut slots = class.slots().iter().copied();
        slots.find(|&slot| self.running[slot] < self.threads)
    }

    /// Takes out a thread's part of the group's tasks, by deadline.
    fn collect(&mut self, group: usize, now: Instant) -> ArrayVec<WorkItem<T>, BATCH> {
        let mut items = ArrayVec::new();
        let tasks = &mut self.groups[group];
        let size = match tasks.standing.class {
            // The run may be a long one.
            Class::Unknown => 1,
            _ => tasks.waiting.len().div_ceil(self.threads).min(BATCH),
        };
        let lag = &mut self.lag[usize::from(tasks.standing.over_share)];
        while items.len() < size
            && let Some(index) = tasks.waiting.pop(&mut self.task_places)
        {
            let Some(entry) = &mut self.entries[index] else {
                continue;
            };
            if let Some((task, own)) = entry.begin(now) {
                // All go by one lag: by their own, tasks that are served first would be spared.
                *lag = (*lag * (SMOOTHING - 1) + own) / SMOOTHING;
                items.push(WorkItem {
                    id: TaskId {
                        index,
                        number: entry.number,
                    },
                    task,
                    lag: *lag,
                    has_waiter: std::mem::take(&mut entry.has_waiter),
                });
            }
        }
        items
    }

    /// Puts a batch back; `next` are the deadlines of the tasks' next turns, None for a task without one.
    pub(super) fn put_back(&mut self, batch: &Batch<T>, next: &[Option<Deadline>], now: Instant) {
        self.running[batch.slot] -= 1;
        self.groups[batch.group].running -= 1;
        for (position, item) in batch.items.iter().enumerate() {
            let Some(entry) = self.entry(item.id) else {
                continue;
            };
            let next = next.get(position).copied().flatten();
            let next = next.map(|next| match next {
                Deadline::At(deadline) => deadline,
                Deadline::Whenever => now + BATCHING_WINDOW,
            });
            entry.end(next, batch.taken);
            if entry.ready {
                let deadline = entry.deadline;
                let waiting = &mut self.groups[batch.group].waiting;
                waiting.set(item.id.index, deadline, &mut self.task_places);
            }
        }
        self.assess(batch.group, now);
    }

    /// Finds out where a group stands, and moves it to its lane.
    fn assess(&mut self, group: usize, now: Instant) {
        let total = self.len().max(1) as f64;
        let Group {
            share: Some(share),
            tasks,
            ..
        } = &self.groups[group]
        else {
            return;
        };
        share.set_threads(self.threads as f64 * *tasks as f64 / total, now);
        let standing = share.standing(now);
        if standing.over_share {
            let time = share.within_share_at(now);
            self.over_share.set(group, time, &mut self.over_places);
        } else {
            self.over_share.remove(group, &mut self.over_places);
        }
        let before = std::mem::replace(&mut self.groups[group].standing, standing);
        if before != standing {
            self.lanes.remove(group, before);
        }
        self.sort(group);
    }

    /// Puts a group where its waiting tasks belong in its lane.
    fn sort(&mut self, group: usize) {
        let Group {
            waiting,
            running,
            standing,
            ..
        } = &self.groups[group];
        // One at a time, until the first is measured.
        let is_held = standing.class == Class::Unknown && *running > 0;
        let first = waiting.first().filter(|_| !is_held);
        let first = first.map(|(deadline, _)| deadline);
        self.lanes
            .set(group, *standing, first, waiting.len() >= BATCH);
    }
}
