//! The jobs of a pool, and which of them are worked on next.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;

use super::Deadline;
use crate::clock::FRAME_DURATION;
use crate::infer::BATCH;

/// From this long before its deadline on, a job doesn't wait for others to be worked on together with.
pub(super) const PATIENCE: Duration = Duration::from_millis(100);

/// All of them.
pub(super) struct Jobs<J> {
    pub(super) entries: BTreeMap<u64, Entry<J>>,
    pub(super) next: u64,
    /// Most entries.
    pub(super) limit: Option<usize>,
    pub(super) stopping: bool,
}

/// A job and where it stands.
pub(super) struct Entry<J> {
    pub(super) job: Weak<J>,
    /// Jobs of one group can be worked on together.
    pub(super) group: usize,
    pub(super) deadline: Deadline,
    /// There may be something to prepare.
    pub(super) ready: bool,
    /// A thread is at it.
    pub(super) busy: bool,
}

/// Jobs to be worked on together.
pub(super) struct Batch<J> {
    pub(super) numbers: ArrayVec<u64, BATCH>,
    pub(super) jobs: ArrayVec<Arc<J>, BATCH>,
}

impl<J> Jobs<J> {
    /// Takes out what one of `threads` is to work on at the time `now`: of those jobs that wait no
    /// longer the one that is due first, and its share of those of its group. If there is nothing to be
    /// done yet, says how long, or None if until something is announced.
    pub(super) fn take(
        &mut self,
        threads: usize,
        now: Instant,
    ) -> Result<Batch<J>, Option<Duration>> {
        let count = |jobs: &Self, group: usize| {
            let waiting = jobs.entries.values();
            waiting.filter(|entry| entry.waits(group, now)).count()
        };
        loop {
            let waiting = || {
                let entries = self.entries.values();
                entries.filter(|entry| entry.waits(entry.group, now))
            };
            let first = waiting()
                .filter(|entry| entry.patience(now).is_none() || count(self, entry.group) >= BATCH)
                .min_by_key(|entry| entry.deadline);
            let Some(group) = first.map(|entry| entry.group) else {
                return Err(waiting().filter_map(|entry| entry.patience(now)).min());
            };
            let share = count(self, group).div_ceil(threads).min(BATCH);
            let batch = self.collect(Batch::new(), group, share, now);
            // Those that were taken may all be gone.
            if !batch.jobs.is_empty() {
                return Ok(batch);
            }
        }
    }

    /// Takes out a job that is wanted at the time `now`, if it is there to be worked on, and those of
    /// its group that are due first.
    pub(super) fn take_with(&mut self, number: u64, now: Instant) -> Option<Batch<J>> {
        let entry = self.entries.get_mut(&number)?;
        let group = entry.group;
        let mut batch = Batch::new();
        if !entry.ready || entry.busy || !batch.add(number, entry) {
            return None;
        }
        Some(self.collect(batch, group, BATCH, now))
    }

    /// Fills a batch up to `size` with those of a group that are due first.
    fn collect(
        &mut self,
        mut batch: Batch<J>,
        group: usize,
        size: usize,
        now: Instant,
    ) -> Batch<J> {
        while batch.jobs.len() < size {
            let waiting = self
                .entries
                .iter_mut()
                .filter(|(_, entry)| entry.waits(group, now));
            let Some((&number, entry)) = waiting.min_by_key(|(_, entry)| entry.deadline) else {
                break;
            };
            batch.add(number, entry);
        }
        batch
    }
}

impl<J> Batch<J> {
    fn new() -> Self {
        Self {
            numbers: ArrayVec::new(),
            jobs: ArrayVec::new(),
        }
    }

    /// Takes a job in, unless it is gone.
    fn add(&mut self, number: u64, entry: &mut Entry<J>) -> bool {
        entry.ready = false;
        let Some(job) = entry.job.upgrade() else {
            return false;
        };
        entry.busy = true;
        self.numbers.push(number);
        self.jobs.push(job);
        true
    }
}

impl<J> Entry<J> {
    /// Whether it is of `group` and waits to be worked on. A piece that is overdue by a frame is not
    /// worth it: whoever comes for it passes it over.
    fn waits(&self, group: usize, now: Instant) -> bool {
        let past = |deadline: Instant| now.saturating_duration_since(deadline) >= FRAME_DURATION;
        let past = matches!(self.deadline, Deadline::At(deadline) if past(deadline));
        self.ready && !self.busy && self.group == group && !past
    }

    /// How long it may wait for others of its group.
    fn patience(&self, now: Instant) -> Option<Duration> {
        let Deadline::At(deadline) = self.deadline else {
            return None;
        };
        let time = deadline.checked_duration_since(now + PATIENCE);
        time.filter(|time| !time.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Task;

    /// Tasks of two groups, due so many milliseconds after a time, which is given too.
    fn jobs(deadlines: &[(usize, u64)]) -> (Jobs<Task>, Instant, Vec<Arc<Task>>) {
        let now = Instant::now();
        let tasks: Vec<_> = deadlines.iter().map(|_| Arc::new(Task)).collect();
        let entries = deadlines.iter().zip(&tasks).zip(1..);
        let entries = entries.map(|((&(group, due), task), number)| {
            let entry = Entry {
                job: Arc::downgrade(task),
                group,
                deadline: Deadline::At(now + Duration::from_millis(due)),
                ready: true,
                busy: false,
            };
            (number, entry)
        });
        let jobs = Jobs {
            entries: entries.collect(),
            next: 0,
            limit: None,
            stopping: false,
        };
        (jobs, now, tasks)
    }

    fn taken(jobs: &mut Jobs<Task>, threads: usize, now: Instant) -> Vec<u64> {
        let batch = jobs.take(threads, now);
        batch.map_or(Vec::new(), |batch| batch.numbers.to_vec())
    }

    #[test]
    fn a_job_waits_for_others_while_there_is_time() {
        let (mut jobs, now, _tasks) = jobs(&[(0, 240), (0, 200), (1, 180)]);
        let time = jobs.take(1, now).err();
        assert_eq!(
            time,
            Some(Some(Duration::from_millis(80))),
            "until 100 before"
        );
        let later = now + Duration::from_millis(80);
        assert_eq!(
            taken(&mut jobs, 1, later),
            [3],
            "the other group is due later"
        );
        assert_eq!(
            jobs.take(1, later).err(),
            Some(Some(Duration::from_millis(20)))
        );
        let later = now + Duration::from_millis(100);
        assert_eq!(
            taken(&mut jobs, 1, later),
            [2, 1],
            "due first, and who waits"
        );
        assert_eq!(jobs.take(1, later).err(), Some(None), "nothing is left");
    }

    #[test]
    fn a_batch_is_made_of_who_is_due_first() {
        let due = [290, 210, 250, 270, 230, 205].map(|due| (0, due));
        let (mut jobs, now, mut tasks) = jobs(&[&due[..], &[(1, 120)]].concat());
        // One has gone meanwhile.
        tasks.remove(1);
        assert_eq!(
            taken(&mut jobs, 1, now),
            [6, 5, 3, 4],
            "no matter who waits in another group"
        );
        assert_eq!(taken(&mut jobs, 1, now).len(), 0, "one may wait still");
    }

    #[test]
    fn threads_share_what_waits() {
        let (mut jobs, now, _tasks) = jobs(&[(0, 0), (0, 10), (0, 20), (0, 30), (0, 40)]);
        assert_eq!(taken(&mut jobs, 2, now), [1, 2, 3]);
        assert_eq!(taken(&mut jobs, 2, now), [4]);
        assert_eq!(taken(&mut jobs, 2, now), [5]);
    }

    #[test]
    fn who_is_in_need_takes_others_along() {
        let (mut jobs, now, _tasks) = jobs(&[(0, 90), (0, 10), (1, 0), (0, 30), (0, 9)]);
        let later = now + Duration::from_millis(50);
        let batch = jobs.take_with(2, later);
        let batch = batch.map(|batch| batch.numbers.to_vec());
        assert_eq!(batch, Some(vec![2, 4, 1]), "who is past is left out");
        assert!(jobs.take_with(2, later).is_none(), "somebody is at it");
        assert_eq!(taken(&mut jobs, 1, later).len(), 0, "past");
    }
}
