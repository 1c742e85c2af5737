//! The jobs of a pool, and which of them are worked on next.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, Condvar, Weak};
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;

use super::Deadline;
use crate::infer::BATCH;

/// From this long before its deadline on, a job doesn't wait for others to be worked on together with.
pub(super) const PATIENCE: Duration = Duration::from_millis(100);

/// Pieces over which their lag is averaged.
const SMOOTHING: u32 = 16;

/// All of them.
pub(super) struct Jobs<J> {
    pub(super) entries: BTreeMap<u64, Entry<J>>,
    pub(super) next: u64,
    /// Most entries.
    pub(super) limit: Option<usize>,
    /// Mean of what the last pieces lagged.
    lag: Duration,
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
    /// Somebody waits for it.
    pub(super) wanted: bool,
    /// Told when a piece has been worked on.
    pub(super) done: Arc<Condvar>,
    /// Number of such pieces.
    pub(super) worked: u64,
    /// Since when it is ready; if a piece has just been worked on, since that was taken out.
    since: Instant,
    /// How long the last piece waited.
    waited: Duration,
}

/// A job that a thread is at.
pub(crate) struct Piece<J> {
    pub(crate) number: u64,
    pub(crate) job: Arc<J>,
    /// Time from piece to piece of a job, as of late: longer than they are apart if there is more to do
    /// than time.
    pub(crate) lag: Duration,
    /// Somebody waits for it.
    pub(crate) wanted: bool,
}

/// Those to be worked on together.
pub(super) type Batch<J> = ArrayVec<Piece<J>, BATCH>;

impl<J> Jobs<J> {
    pub(super) fn new(limit: Option<usize>) -> Self {
        Self {
            entries: BTreeMap::new(),
            next: 0,
            limit,
            lag: Duration::ZERO,
            stopping: false,
        }
    }

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
            waiting.filter(|entry| entry.waits(group)).count()
        };
        loop {
            let waiting = || {
                let entries = self.entries.values();
                entries.filter(|entry| entry.waits(entry.group))
            };
            let first = waiting()
                .filter(|entry| entry.patience(now).is_none() || count(self, entry.group) >= BATCH)
                .min_by_key(|entry| entry.deadline);
            let Some(group) = first.map(|entry| entry.group) else {
                return Err(waiting().filter_map(|entry| entry.patience(now)).min());
            };
            let share = count(self, group).div_ceil(threads).min(BATCH);
            let batch = self.collect(group, share, now);
            // Those that were taken may all be gone.
            if !batch.is_empty() {
                return Ok(batch);
            }
        }
    }

    /// Takes out up to `size` of a group, those that are due first.
    fn collect(&mut self, group: usize, size: usize, now: Instant) -> Batch<J> {
        let mut batch = Batch::new();
        while batch.len() < size {
            let waiting = self
                .entries
                .iter_mut()
                .filter(|(_, entry)| entry.waits(group));
            let Some((&number, entry)) = waiting.min_by_key(|(_, entry)| entry.deadline) else {
                break;
            };
            if let Some(mut piece) = entry.take(number, now) {
                // Who is served before others must not be spared what they are not.
                self.lag = (self.lag * (SMOOTHING - 1) + piece.lag) / SMOOTHING;
                piece.lag = self.lag;
                batch.push(piece);
            }
        }
        batch
    }
}

impl<J> Entry<J> {
    pub(super) fn new(job: Weak<J>, group: usize) -> Self {
        Self {
            job,
            group,
            deadline: Deadline::Whenever,
            ready: false,
            busy: false,
            wanted: false,
            done: Arc::default(),
            worked: 0,
            since: Instant::now(),
            waited: Duration::ZERO,
        }
    }

    /// There may be a piece to work on from `now` on, due at `deadline`.
    pub(super) fn offer(&mut self, deadline: Deadline, now: Instant) {
        if !self.ready {
            self.since = now;
        }
        self.ready = true;
        self.deadline = deadline;
    }

    /// Takes it out, unless it is gone.
    fn take(&mut self, number: u64, now: Instant) -> Option<Piece<J>> {
        self.ready = false;
        let job = self.job.upgrade()?;
        self.busy = true;
        // While it waited for others of its group, it did not wait for a thread.
        let waited = match self.deadline {
            Deadline::At(deadline) => {
                let patient = deadline.saturating_duration_since(self.since);
                let impatient = self.since + patient.saturating_sub(PATIENCE);
                now.saturating_duration_since(impatient)
            }
            Deadline::Whenever => Duration::ZERO,
        };
        let lag = waited.min(mem::replace(&mut self.waited, waited));
        Some(Piece {
            number,
            job,
            lag,
            wanted: mem::take(&mut self.wanted),
        })
    }

    /// Puts it back after a piece that was taken out `then`; the next one may be due at a time.
    pub(super) fn put_back(&mut self, next: Option<Deadline>, then: Instant) {
        (self.busy, self.wanted) = (false, false);
        if let Some(deadline) = next {
            self.ready = false;
            self.offer(deadline, then);
        }
        self.worked += 1;
        self.done.notify_all();
    }

    /// Whether it is of `group` and waits to be worked on.
    fn waits(&self, group: usize) -> bool {
        self.ready && !self.busy && self.group == group
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
            let mut entry = Entry::new(Arc::downgrade(task), group);
            entry.offer(Deadline::At(now + Duration::from_millis(due)), now);
            (number, entry)
        });
        let mut jobs = Jobs::new(None);
        jobs.entries = entries.collect();
        (jobs, now, tasks)
    }

    fn numbers(batch: &Batch<Task>) -> Vec<u64> {
        batch.iter().map(|piece| piece.number).collect()
    }

    fn taken(jobs: &mut Jobs<Task>, threads: usize, now: Instant) -> Vec<u64> {
        let batch = jobs.take(threads, now);
        batch.map_or(Vec::new(), |batch| numbers(&batch))
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

    /// One long wait is an accident, more are too much work; waiting for others is no wait.
    #[test]
    fn jobs_that_wait_for_long_again_and_again_lag() {
        let (mut jobs, now, _tasks) = jobs(&[(0, 240)]);
        let mut lag = |ready: u64, due: u64, taken: u64| {
            let at = |ms| now + Duration::from_millis(ms);
            let entry = jobs.entries.get_mut(&1).expect("it is there");
            (entry.ready, entry.busy) = (false, false);
            entry.offer(Deadline::At(at(due)), at(ready));
            let batch = jobs.take(1, at(taken)).unwrap_or_default();
            batch[0].lag
        };
        let none = Duration::ZERO;
        assert_eq!(lag(0, 240, 200), none, "60 ms, for the first time");
        assert!(lag(200, 250, 250) > none, "and again");
        let lags = [(); 40].map(|()| lag(300, 340, 360));
        assert!(lags.is_sorted() && lags[39] > Duration::from_millis(50));
        let lags = [(); 40].map(|()| lag(500, 740, 645));
        assert!(lags[39] < Duration::from_millis(10), "they were patient");
    }
}
