//! The scheduler: the engine's thread pool and the semaphore that networks run under, both "earliest
//! deadline first" with fair shares.
//!
//! - A network runs only under a [permit](semaphore). There are as many permits as threads.
//! - The pool's [threads](workers) prefetch frames of speech before they are due. A session announces
//!   that there is something to prepare; the [queue] gives threads the tasks that are due first, in
//!   batches of one avatar's sessions, since a network takes less time for a batch.
//! - [Shares](share) keep an avatar whose networks are slow from slowing the sessions of others.
//!
//! A draw that finds no prepared frame waits for the pool. Where there is more work than time, each
//! [item](WorkItem) says how long tasks wait from one turn to the next, so that the session drops
//! pictures ahead of time. The queue has one mutex, with a condition variable for the threads and one
//! for each task; the semaphore has a mutex of its own. None is held while working.

#[cfg(feature = "internals")]
mod bench;
mod entry;
mod heap;
mod lanes;
mod queue;
mod semaphore;
mod share;
#[cfg(test)]
mod tests;
mod timer;
mod workers;

use crate::clock::Instant;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};

use arrayvec::ArrayVec;

use crate::infer::BATCH;
use crate::log::{Log, LogLevel};
use crate::{Error, ErrorKind, Result};
#[cfg(feature = "internals")]
pub(crate) use bench::QueueBench;
pub(crate) use entry::{TaskId, WorkItem};
pub(crate) use semaphore::{Permit, Semaphore};
pub(crate) use share::Share;
use timer::Timer;
use workers::Shared;

/// Most threads of an engine.
const MOST_THREADS: usize = 1024;

/// The time by which a task has to be done.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Deadline {
    /// By this time.
    At(Instant),
    /// After everything that has a time.
    Whenever,
}

/// Work of a session that is done turn by turn.
pub(crate) trait Task: Send + Sync + Sized + 'static {
    /// Does a turn of each of these tasks, which are of one group. Gives the deadline of each one's next
    /// turn; None: there is nothing to do until it is [announced](Scheduler::announce) again. Unless it
    /// is `urgent`, yields to other threads now and then.
    fn run_batch(items: &[WorkItem<Self>], urgent: bool) -> ArrayVec<Option<Deadline>, BATCH>;

    /// Takes note that a turn with this task has panicked.
    fn panicked(&self, message: &str);
}

/// A handle of the pool; clones are the same pool, and its threads end with the last clone.
pub(crate) struct Scheduler<T: Task>(Arc<Pool<T>>);

impl<T: Task> Clone for Scheduler<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

struct Pool<T: Task> {
    shared: Arc<Shared<T>>,
    handles: Mutex<Vec<JoinHandle<()>>>,
    timer: Timer,
    threads: usize,
    log: Log,
}

impl<T: Task> std::fmt::Debug for Scheduler<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scheduler")
            .field("threads", &self.0.threads)
            .finish_non_exhaustive()
    }
}

impl<T: Task> Scheduler<T> {
    /// A pool of `threads` (**1 to 1,024**), which start with the first task. None: as many as the
    /// process may use cores, a container's quota counted (`std` reads it from the control groups).
    ///
    /// # Errors
    /// `InvalidArgument`: a number of threads outside its domain.
    pub(crate) fn new(threads: Option<usize>, limit: Option<usize>, log: Log) -> Result<Self> {
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        let threads = threads.unwrap_or_else(|| cores().min(MOST_THREADS));
        if !(1..=MOST_THREADS).contains(&threads) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("{threads} threads are outside 1 to {MOST_THREADS}"),
            ));
        }
        Ok(Self(Arc::new(Pool {
            shared: Arc::new(Shared::new(threads, limit)),
            handles: Mutex::default(),
            timer: Timer::default(),
            threads,
            log,
        })))
    }

    /// Number of threads, and of networks that run at a time.
    pub(crate) fn threads(&self) -> usize {
        self.0.threads
    }

    /// The timer that wakes the host's tasks.
    pub(crate) fn timer(&self) -> &Timer {
        &self.0.timer
    }

    /// Number of tasks.
    pub(crate) fn tasks(&self) -> usize {
        self.0.shared.lock().queue.len()
    }

    /// Sets how many tasks there may be; registered tasks stay.
    pub(crate) fn set_limit(&self, limit: Option<usize>) {
        self.0.shared.lock().queue.limit = limit;
    }

    /// Registers a task. Tasks with the same share may be worked on together.
    ///
    /// # Errors
    /// `LimitExceeded`: there are as many as are allowed.
    pub(crate) fn register(&self, task: Weak<T>, share: &Arc<Share>) -> Result<TaskId> {
        let id = self.0.shared.lock().queue.register(task, share)?;
        self.start();
        Ok(id)
    }

    /// Removes a task; a thread that works on it ends its turn.
    pub(crate) fn remove(&self, id: TaskId) {
        self.0.shared.lock().queue.remove(id);
    }

    /// Announces that a task has something to do, due at `deadline`. Wakes a thread only if all would
    /// sleep past it.
    pub(crate) fn announce(&self, id: TaskId, deadline: Deadline) {
        let now = Instant::now();
        let mut state = self.0.shared.lock();
        state.queue.announce(id, deadline, now);
        self.0.shared.wake_for_next(&mut state, now);
    }

    /// Waits for a turn of a task that is wanted now, if it has something to do.
    ///
    /// # Errors
    /// `Cancelled`: `flag` was raised, and [`wake`](Self::wake) called, before the turn was over.
    pub(crate) fn wait_for(&self, id: TaskId, flag: &AtomicBool) -> Result<()> {
        if self.running_threads() == 0 {
            return Ok(());
        }
        let mut state = self.0.shared.lock();
        let mut before = None;
        while let Some(entry) = state.queue.entry(id) {
            let waits = entry.ready || entry.busy;
            if !waits || *before.get_or_insert(entry.turns) != entry.turns {
                break;
            }
            if flag.load(Ordering::Acquire) {
                return Err(cancelled());
            }
            let done = Arc::clone(&entry.done);
            if !entry.has_waiter {
                let now = Instant::now();
                state.queue.hasten(id, now);
                self.0.shared.wake_for_next(&mut state, now);
            }
            state = done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }

    /// The permits that networks run under, as many as threads.
    pub(crate) fn semaphore(&self) -> &Arc<Semaphore> {
        &self.0.shared.semaphore
    }

    /// Wakes the threads that wait for this task or, with this flag, for a permit. The flag was raised
    /// before.
    pub(crate) fn wake(&self, id: Option<TaskId>, flag: &AtomicBool) {
        if let Some(id) = id
            && let Some(entry) = self.0.shared.lock().queue.entry(id)
        {
            entry.done.notify_all();
        }
        self.0.shared.semaphore.wake(flag);
    }

    /// Number of threads that wait for a permit.
    #[cfg(test)]
    pub(crate) fn waiting_for_permits(&self) -> usize {
        self.0.shared.semaphore.waiters()
    }

    /// Threads of the pool that sleep, and times that one was woken.
    #[cfg(test)]
    pub(crate) fn sleepers(&self) -> (usize, usize) {
        self.0.shared.sleepers()
    }

    /// Whether a thread waits for this task.
    #[cfg(test)]
    pub(crate) fn has_waiter(&self, id: TaskId) -> bool {
        let mut state = self.0.shared.lock();
        state.queue.entry(id).is_some_and(|entry| entry.has_waiter)
    }

    fn running_threads(&self) -> usize {
        let handles = self.0.handles.lock();
        handles.unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Starts the threads that don't run yet. There is one more than there are permits of a class: it
    /// takes the short runs while long ones occupy the others, or the other way round.
    fn start(&self) {
        let handles = self.0.handles.lock();
        let mut handles = handles.unwrap_or_else(PoisonError::into_inner);
        while handles.len() <= self.0.threads {
            let shared = Arc::clone(&self.0.shared);
            let name = format!("essence-{}", handles.len());
            let thread = thread::Builder::new().name(name);
            match thread.spawn(move || shared.run()) {
                Ok(handle) => handles.push(handle),
                // The next session tries again.
                Err(error) => {
                    let count = handles.len();
                    drop(handles);
                    self.0.log.log(LogLevel::Warn, || {
                        format!(
                            "only {count} of {} threads of the pool run, the system starts no more: {error}{}",
                            self.0.threads + 1,
                            if count == 0 { "; frames are prepared when they are drawn" } else { "" }
                        )
                    });
                    return;
                }
            }
        }
    }
}

impl<T: Task> Drop for Pool<T> {
    fn drop(&mut self) {
        self.shared.stop();
        let handles = self.handles.get_mut();
        for handle in handles.unwrap_or_else(PoisonError::into_inner).drain(..) {
            // The last clone may be dropped by one of the threads, with the session that it worked on.
            if handle.thread().id() != thread::current().id() {
                // It catches panics; there is nothing to be said about it.
                let _ = handle.join();
            }
        }
    }
}

#[cold]
fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "the session was cancelled")
}

#[cold]
fn too_many(count: usize, limit: usize) -> Error {
    Error::new(
        ErrorKind::LimitExceeded,
        format!(
            "{count} real-time sessions are served already, the engine's limit is {limit}; end one first"
        ),
    )
}
