//! The render pool: an engine's threads, and who is served first.
//!
//! Two rules, both "earliest deadline first":
//!
//! - Networks run only under a [permit](permits), of which there are as many as the process may use
//!   cores. Who waits longest for a frame that is due gets the next one; sessions that keep no time
//!   come last.
//! - Threads of the pool prepare frames of speech before they are due, for sessions that say that
//!   there is something to prepare. They serve the session whose next frame is due first, and with it
//!   those of the same avatar that are due next: a network takes less time for a batch. While there is
//!   [time](PATIENCE), a session waits for others to make up a batch.
//!
//! Everything else follows: a session that falls behind leaves out pictures, which makes its next
//! deadline later than its neighbours', so all fall behind alike. There is one mutex and one
//! condition variable for the jobs, and one of each for the permits; none is held while working.

pub(crate) mod permits;

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;

use crate::infer::BATCH;
use crate::{Error, ErrorKind, Result};
use permits::Permits;

/// From this long before its deadline on, a job doesn't wait for others to be worked on together with.
const PATIENCE: Duration = Duration::from_millis(100);

/// When something has to be done.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Deadline {
    /// By then.
    At(Instant),
    /// After everything that has a time.
    Whenever,
}

/// Something that can be prepared piece by piece.
pub(crate) trait Job: Send + Sync + Sized + 'static {
    /// Prepares one piece of each of these jobs, which are of one group; gives the deadline of each
    /// one's next, or None if there is nothing to prepare before it is
    /// [announced](Scheduler::announce) again.
    fn work(jobs: &[Arc<Self>]) -> ArrayVec<Option<Deadline>, BATCH>;
}

/// Cheap to clone: the same pool. Its threads end with the last clone.
pub(crate) struct Scheduler<J: Job>(Arc<Pool<J>>);

impl<J: Job> Clone for Scheduler<J> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

struct Pool<J: Job> {
    shared: Arc<Shared<J>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    count: usize,
}

struct Shared<J> {
    permits: Permits,
    jobs: Mutex<Jobs<J>>,
    announced: Condvar,
    threads: usize,
}

struct Jobs<J> {
    entries: BTreeMap<u64, Entry<J>>,
    next: u64,
    /// Most entries.
    limit: Option<usize>,
    stopping: bool,
}

struct Entry<J> {
    job: Weak<J>,
    /// Jobs of one group can be worked on together.
    group: usize,
    deadline: Deadline,
    /// There may be something to prepare.
    ready: bool,
    /// A thread is at it.
    busy: bool,
}

impl<J: Job> std::fmt::Debug for Scheduler<J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scheduler")
            .field("threads", &self.0.count)
            .finish_non_exhaustive()
    }
}

impl<J: Job> Scheduler<J> {
    /// A pool of `threads`, which start with the first job. None: as many as the process may use
    /// cores, a container's quota counted (`std` reads it from the control groups).
    pub(crate) fn new(threads: Option<usize>, limit: Option<usize>) -> Self {
        let count = threads
            .unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from))
            .max(1);
        Self(Arc::new(Pool {
            shared: Arc::new(Shared {
                permits: Permits::new(count),
                jobs: Mutex::new(Jobs {
                    entries: BTreeMap::new(),
                    next: 0,
                    limit,
                    stopping: false,
                }),
                announced: Condvar::new(),
                threads: count,
            }),
            threads: Mutex::default(),
            count,
        }))
    }

    /// Number of threads, and of networks that run at a time.
    pub(crate) fn threads(&self) -> usize {
        self.0.count
    }

    /// Who may run networks.
    pub(crate) fn permits(&self) -> &Permits {
        &self.0.shared.permits
    }

    /// Number of jobs.
    pub(crate) fn sessions(&self) -> usize {
        self.0.shared.jobs().entries.len()
    }

    /// Most jobs from now on.
    pub(crate) fn set_max_sessions(&self, limit: Option<usize>) {
        self.0.shared.jobs().limit = limit;
    }

    /// Takes a job in; gives its number. Those of one `group` may be worked on together.
    ///
    /// # Errors
    /// `LimitExceeded`: there are as many as are allowed.
    pub(crate) fn register(&self, job: Weak<J>, group: usize) -> Result<u64> {
        self.start();
        let mut jobs = self.0.shared.jobs();
        let count = jobs.entries.len();
        if let Some(limit) = jobs.limit.filter(|limit| count >= *limit) {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!(
                    "{count} real-time sessions are served already, the engine's limit is {limit}; end one first"
                ),
            ));
        }
        jobs.next += 1;
        let number = jobs.next;
        let entry = Entry {
            job,
            group,
            deadline: Deadline::Whenever,
            ready: false,
            busy: false,
        };
        jobs.entries.insert(number, entry);
        Ok(number)
    }

    /// Lets a job go; a thread that is at it finishes the piece.
    pub(crate) fn remove(&self, number: u64) {
        self.0.shared.jobs().entries.remove(&number);
    }

    /// Says that there may be something to prepare, due at `deadline`.
    pub(crate) fn announce(&self, number: u64, deadline: Deadline) {
        if let Some(entry) = self.0.shared.jobs().entries.get_mut(&number) {
            entry.ready = true;
            entry.deadline = deadline;
        }
        self.0.shared.announced.notify_one();
    }

    fn start(&self) {
        let mut threads = self
            .0
            .threads
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        while threads.len() < self.0.count {
            let shared = Arc::clone(&self.0.shared);
            let name = format!("essence-{}", threads.len());
            // Without threads, frames are made by those who ask for them, when they are due.
            let Ok(thread) = thread::Builder::new()
                .name(name)
                .spawn(move || shared.run())
            else {
                return;
            };
            threads.push(thread);
        }
    }
}

impl<J: Job> Shared<J> {
    fn jobs(&self) -> MutexGuard<'_, Jobs<J>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a thread of the pool does.
    fn run(&self) {
        let mut jobs = self.jobs();
        while !jobs.stopping {
            let batch = match jobs.take(self.threads, Instant::now()) {
                Ok(batch) => batch,
                Err(time) => {
                    jobs = self.wait(jobs, time);
                    continue;
                }
            };
            drop(jobs);
            // A panic must not take the thread, nor the jobs' turns.
            let work = || J::work(&batch.jobs);
            let next = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            drop(batch.jobs);
            let next = next.unwrap_or_default();
            jobs = self.jobs();
            for (index, number) in batch.numbers.iter().enumerate() {
                if let Some(entry) = jobs.entries.get_mut(number) {
                    entry.busy = false;
                    if let Some(&Some(deadline)) = next.get(index) {
                        (entry.ready, entry.deadline) = (true, deadline);
                    }
                }
            }
        }
    }

    /// Waits for something to be announced, or for a time.
    fn wait<'a>(
        &self,
        jobs: MutexGuard<'a, Jobs<J>>,
        time: Option<Duration>,
    ) -> MutexGuard<'a, Jobs<J>> {
        let Some(time) = time else {
            let woken = self.announced.wait(jobs);
            return woken.unwrap_or_else(PoisonError::into_inner);
        };
        let woken = self.announced.wait_timeout(jobs, time);
        woken.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Jobs to be worked on together.
struct Batch<J> {
    numbers: ArrayVec<u64, BATCH>,
    jobs: ArrayVec<Arc<J>, BATCH>,
}

impl<J> Jobs<J> {
    /// Takes out what one of `threads` is to work on at the time `now`: of those jobs that wait no
    /// longer the one that is due first, and its share of those of its group. If there is nothing to be
    /// done yet, says how long, or None if until something is announced.
    fn take(&mut self, threads: usize, now: Instant) -> Result<Batch<J>, Option<Duration>> {
        let count = |jobs: &Self, group: usize| {
            let waiting = jobs.entries.values().filter(|entry| entry.waits(group));
            waiting.count()
        };
        loop {
            let waiting = || {
                self.entries
                    .values()
                    .filter(|entry| entry.waits(entry.group))
            };
            let first = waiting()
                .filter(|entry| entry.patience(now).is_none() || count(self, entry.group) >= BATCH)
                .min_by_key(|entry| entry.deadline);
            let Some(group) = first.map(|entry| entry.group) else {
                return Err(waiting().filter_map(|entry| entry.patience(now)).min());
            };
            let share = count(self, group).div_ceil(threads).min(BATCH);
            let mut batch = Batch {
                numbers: ArrayVec::new(),
                jobs: ArrayVec::new(),
            };
            for _ in 0..share {
                let waiting = self
                    .entries
                    .iter_mut()
                    .filter(|(_, entry)| entry.waits(group));
                let Some((&number, entry)) = waiting.min_by_key(|(_, entry)| entry.deadline) else {
                    break;
                };
                entry.ready = false;
                if let Some(job) = entry.job.upgrade() {
                    entry.busy = true;
                    batch.numbers.push(number);
                    batch.jobs.push(job);
                }
            }
            // Those that were taken may all be gone.
            if !batch.jobs.is_empty() {
                return Ok(batch);
            }
        }
    }
}

impl<J> Entry<J> {
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

impl<J: Job> Drop for Pool<J> {
    fn drop(&mut self) {
        self.shared.jobs().stopping = true;
        self.shared.announced.notify_all();
        let threads = self
            .threads
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            // The last clone may go in one of the threads, with the session it was at.
            if thread.thread().id() != thread::current().id() {
                // It catches panics; there is nothing to be said about it.
                let _ = thread.join();
            }
        }
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
            [6, 5, 3],
            "no matter who waits in another group"
        );
        assert_eq!(taken(&mut jobs, 1, now).len(), 0, "two may wait still");
    }

    #[test]
    fn threads_share_what_waits() {
        let (mut jobs, now, _tasks) = jobs(&[(0, 0), (0, 10), (0, 20), (0, 30), (0, 40)]);
        assert_eq!(taken(&mut jobs, 2, now), [1, 2, 3]);
        assert_eq!(taken(&mut jobs, 2, now), [4]);
        assert_eq!(taken(&mut jobs, 2, now), [5]);
    }
}
