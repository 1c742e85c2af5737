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
//!   [time](jobs::PATIENCE), a session waits for others to make up a batch.
//!
//! Who draws a frame that is not prepared waits until it is. Where there is more to do than time, each
//! [piece](Piece) says how long jobs wait from one to the next, for whoever prepares it to leave out
//! what could not be done in time. There is one mutex for the jobs, with a condition variable for the
//! threads and one for each job, and one of each for the permits; none is held while working.

mod jobs;
pub(crate) mod permits;
mod timer;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;

use crate::infer::BATCH;
use crate::{Error, ErrorKind, Result};
pub(crate) use jobs::Piece;
use jobs::{Batch, Entry, Jobs};
use permits::Permits;
use timer::Timer;

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
    /// Prepares these pieces of jobs that are of one group; gives the deadline of each one's next, or
    /// None if there is nothing to prepare before it is [announced](Scheduler::announce) again. Unless
    /// it is `urgent`, gives way to other threads now and then.
    fn work(pieces: &[Piece<Self>], urgent: bool) -> ArrayVec<Option<Deadline>, BATCH>;
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
    timer: Timer,
    count: usize,
}

struct Shared<J> {
    permits: Permits,
    jobs: Mutex<Jobs<J>>,
    announced: Condvar,
    threads: usize,
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
                jobs: Mutex::new(Jobs::new(limit)),
                announced: Condvar::new(),
                threads: count,
            }),
            threads: Mutex::default(),
            timer: Timer::default(),
            count,
        }))
    }

    /// Number of threads, and of networks that run at a time.
    pub(crate) fn threads(&self) -> usize {
        self.0.count
    }

    /// What wakes the tasks of hosts.
    pub(crate) fn timer(&self) -> &Timer {
        &self.0.timer
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
        jobs.entries.insert(number, Entry::new(job, group));
        Ok(number)
    }

    /// Lets a job go; a thread that is at it finishes the piece.
    pub(crate) fn remove(&self, number: u64) {
        self.0.shared.jobs().entries.remove(&number);
    }

    /// Says that there may be something to prepare, due at `deadline`.
    pub(crate) fn announce(&self, number: u64, deadline: Deadline) {
        if let Some(entry) = self.0.shared.jobs().entries.get_mut(&number) {
            entry.offer(deadline, Instant::now());
        }
        self.0.shared.announced.notify_one();
    }

    /// Waits for a piece of a job that is wanted now, if there may be something to prepare. The pool
    /// prepares it: whoever waited would do it for one or two at a time.
    pub(crate) fn wait_for(&self, number: u64) {
        if self.threads_running() == 0 {
            return;
        }
        let mut jobs = self.0.shared.jobs();
        let mut before = None;
        while let Some(entry) = jobs.entries.get_mut(&number) {
            let waits = entry.ready || entry.busy;
            if !waits || *before.get_or_insert(entry.worked) != entry.worked {
                return;
            }
            if !entry.wanted {
                // The pool may have gone by another time so far, and sleep until then.
                entry.deadline = Deadline::At(Instant::now());
                entry.wanted = true;
                self.0.shared.announced.notify_one();
            }
            let done = Arc::clone(&entry.done);
            jobs = done.wait(jobs).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn threads_running(&self) -> usize {
        let threads = self.0.threads.lock();
        threads.unwrap_or_else(PoisonError::into_inner).len()
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
            let now = Instant::now();
            let batch = match jobs.take(self.threads, now) {
                Ok(batch) => batch,
                Err(time) => {
                    jobs = self.wait(jobs, time);
                    continue;
                }
            };
            drop(jobs);
            self.work(batch, now);
            jobs = self.jobs();
        }
    }

    /// Works on what was taken out `then`.
    fn work(&self, batch: Batch<J>, then: Instant) {
        let urgent = batch.iter().any(|piece| piece.wanted);
        // A panic must not take the thread, nor the jobs' turns.
        let work = || J::work(&batch, urgent);
        let next = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        let next = next.unwrap_or_default();
        let mut jobs = self.jobs();
        for (index, piece) in batch.iter().enumerate() {
            if let Some(entry) = jobs.entries.get_mut(&piece.number) {
                entry.put_back(next.get(index).copied().flatten(), then);
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
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Counts its pieces, of which it has endless ones.
    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Job for Counter {
        fn work(pieces: &[Piece<Self>], _urgent: bool) -> ArrayVec<Option<Deadline>, BATCH> {
            for piece in pieces {
                piece.job.0.fetch_add(1, Ordering::Relaxed);
            }
            pieces.iter().map(|_| Some(soon())).collect()
        }
    }

    fn soon() -> Deadline {
        Deadline::At(Instant::now())
    }

    /// Among jobs that never let the pool rest, even one that was announced without a time.
    #[test]
    fn who_waits_is_served() {
        let pool = Scheduler::new(Some(1), None);
        let jobs = [(); 9].map(|()| Arc::new(Counter::default()));
        let numbers = jobs
            .each_ref()
            .map(|job| pool.register(Arc::downgrade(job), 0).unwrap());
        for &number in &numbers[1..] {
            pool.announce(number, soon());
        }
        pool.announce(numbers[0], Deadline::Whenever);
        pool.wait_for(numbers[0]);
        assert!(jobs[0].0.load(Ordering::Relaxed) > 0);
    }

    /// Not even until the time up to which the pool waits for others.
    #[test]
    fn who_waits_is_served_at_once() {
        let pool = Scheduler::new(Some(1), None);
        let job = Arc::new(Counter::default());
        let number = pool.register(Arc::downgrade(&job), 0).unwrap();
        let year = Duration::from_secs(365 * 86_400);
        pool.announce(number, Deadline::At(Instant::now() + year));
        pool.wait_for(number);
        assert!(job.0.load(Ordering::Relaxed) > 0);
    }

    /// Nobody waits for what nobody is at.
    #[test]
    fn who_has_nothing_to_prepare_does_not_wait() {
        let pool = Scheduler::new(Some(1), None);
        let job = Arc::new(Counter::default());
        let number = pool.register(Arc::downgrade(&job), 0).unwrap();
        pool.wait_for(number);
        pool.wait_for(number + 1);
        assert_eq!(job.0.load(Ordering::Relaxed), 0);
    }
}
