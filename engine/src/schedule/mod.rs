//! The render pool: an engine's threads, and who is served first.
//!
//! Two rules, both "earliest deadline first":
//!
//! - Networks run only under a [permit](permits), of which there are as many as the process may use
//!   cores. Who waits longest for a frame that is due gets the next one; sessions that keep no time
//!   come last.
//! - Threads of the pool prepare frames of speech before they are due, for sessions that say that
//!   there is something to prepare. They serve the session whose next frame is due first.
//!
//! Everything else follows: a session that falls behind leaves out pictures, which makes its next
//! deadline later than its neighbours', so all fall behind alike. There is one mutex and one
//! condition variable for the jobs, and one of each for the permits; none is held while working.

pub(crate) mod permits;

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crate::{Error, ErrorKind, Result};
use permits::Permits;

/// When something has to be done.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Deadline {
    /// By then.
    At(Instant),
    /// After everything that has a time.
    Whenever,
}

/// Something that can be prepared piece by piece.
pub(crate) trait Job: Send + Sync {
    /// Prepares one piece; gives the deadline of the next, or None if there is nothing to prepare
    /// before the job is [announced](Scheduler::announce) again.
    fn work(&self) -> Option<Deadline>;
}

/// Cheap to clone: the same pool. Its threads end with the last clone.
#[derive(Clone)]
pub(crate) struct Scheduler(Arc<Pool>);

struct Pool {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    count: usize,
}

struct Shared {
    permits: Permits,
    jobs: Mutex<Jobs>,
    announced: Condvar,
}

#[derive(Default)]
struct Jobs {
    entries: BTreeMap<u64, Entry>,
    next: u64,
    /// Most entries.
    limit: Option<usize>,
    stopping: bool,
}

struct Entry {
    job: Weak<dyn Job>,
    deadline: Deadline,
    /// There may be something to prepare.
    ready: bool,
    /// A thread is at it.
    busy: bool,
}

impl std::fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scheduler")
            .field("threads", &self.0.count)
            .finish_non_exhaustive()
    }
}

impl Scheduler {
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
                    limit,
                    ..Jobs::default()
                }),
                announced: Condvar::new(),
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

    /// Takes a job in; gives its number.
    ///
    /// # Errors
    /// `LimitExceeded`: there are as many as are allowed.
    pub(crate) fn register(&self, job: Weak<dyn Job>) -> Result<u64> {
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

impl Shared {
    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a thread of the pool does.
    fn run(&self) {
        let mut jobs = self.jobs();
        while !jobs.stopping {
            let waiting = jobs
                .entries
                .iter_mut()
                .filter(|(_, entry)| entry.ready && !entry.busy);
            let Some((&number, entry)) = waiting.min_by_key(|(_, entry)| entry.deadline) else {
                jobs = self
                    .announced
                    .wait(jobs)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            (entry.ready, entry.busy) = (false, true);
            let job = entry.job.upgrade();
            drop(jobs);
            // A panic must not take the thread, nor the job's turn.
            let work = || job.as_ref().and_then(|job| job.work());
            let next = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            drop(job);
            jobs = self.jobs();
            if let Some(entry) = jobs.entries.get_mut(&number) {
                entry.busy = false;
                if let Ok(Some(deadline)) = next {
                    (entry.ready, entry.deadline) = (true, deadline);
                }
            }
        }
    }
}

impl Drop for Pool {
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
