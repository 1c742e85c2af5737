//! The threads of the pool: they take batches out of the queue and work on them.
//!
//! At most one sleeping thread is woken at a time. It takes a batch and wakes the next thread, if
//! there is more to do. A thread that waits for a time sleeps with a timer only if no other timer is
//! earlier. So an announcement wakes a thread only if it makes something due before the earliest timer.

use crate::clock::Instant;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::Task;
use super::entry::Batch;
use super::queue::Queue;
use super::semaphore::Semaphore;

/// The state that the pool's threads share with the threads that announce tasks and wait for them.
pub(super) struct Shared<T> {
    pub(super) semaphore: Arc<Semaphore>,
    state: Mutex<State<T>>,
    /// Wakes a sleeping thread.
    work: Condvar,
}

pub(super) struct State<T> {
    pub(super) queue: Queue<T>,
    sleepers: Sleepers,
    stopping: bool,
}

/// The threads that wait for something to do.
#[derive(Default)]
struct Sleepers {
    count: usize,
    /// When the threads with a timer wake, the earliest last.
    timers: Vec<Instant>,
    /// One was woken and hasn't looked at the queue yet.
    waking: bool,
    /// Times that one was woken.
    #[cfg(test)]
    woken: usize,
}

impl Sleepers {
    /// Whether one has to be woken for what is due at `next`.
    fn sleep_past(&self, next: Instant) -> bool {
        let timer = self.timers.last();
        self.count > 0 && !self.waking && timer.is_none_or(|&timer| timer > next)
    }
}

impl<T> Shared<T> {
    pub(super) fn new(threads: usize, limit: Option<usize>) -> Self {
        Self {
            semaphore: Arc::new(Semaphore::new(threads)),
            state: Mutex::new(State {
                queue: Queue::new(threads, limit),
                sleepers: Sleepers::default(),
                stopping: false,
            }),
            work: Condvar::new(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes a thread if all that sleep would sleep past the next batch.
    pub(super) fn wake_for_next(&self, state: &mut State<T>, now: Instant) {
        if state.sleepers.count == 0 || state.sleepers.waking {
            return;
        }
        if let Some(next) = state.queue.next_time(now)
            && state.sleepers.sleep_past(next)
        {
            state.sleepers.waking = true;
            #[cfg(test)]
            {
                state.sleepers.woken += 1;
            }
            self.work.notify_one();
        }
    }

    /// Ends all threads once they have finished their batches.
    pub(super) fn stop(&self) {
        self.lock().stopping = true;
        self.work.notify_all();
    }

    /// Sleeps until `next`, or until it is woken.
    fn sleep<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<T>>,
        next: Option<Instant>,
        now: Instant,
    ) -> MutexGuard<'a, State<T>> {
        let earliest = state.sleepers.timers.last().copied();
        let timer = next.filter(|&next| earliest.is_none_or(|earliest| next < earliest));
        state.sleepers.count += 1;
        if let Some(timer) = timer {
            state.sleepers.timers.push(timer);
            let woken = self
                .work
                .wait_timeout(state, timer.saturating_duration_since(now));
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
            state.sleepers.timers.retain(|&other| other != timer);
        } else {
            let woken = self.work.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
        state.sleepers.count -= 1;
        state.sleepers.waking = false;
        state
    }

    /// Threads that sleep, and times that one was woken.
    #[cfg(test)]
    pub(super) fn sleepers(&self) -> (usize, usize) {
        let Sleepers {
            count,
            waking,
            woken,
            ..
        } = self.lock().sleepers;
        (count - usize::from(waking), woken)
    }
}

impl<T: Task> Shared<T> {
    /// The loop of a thread of the pool.
    pub(super) fn run(&self) {
        let mut state = self.lock();
        while !state.stopping {
            let now = Instant::now();
            match state.queue.take(now) {
                Ok(batch) => {
                    self.wake_for_next(&mut state, now);
                    drop(state);
                    self.work_on(batch);
                    state = self.lock();
                }
                Err(next) => state = self.sleep(state, next, now),
            }
        }
    }

    fn work_on(&self, batch: Batch<T>) {
        let items = &batch.items;
        let urgent = items.iter().any(|item| item.has_waiter);
        // A panic fails its own tasks, not the thread and what else waits for it.
        let next = catch_unwind(AssertUnwindSafe(|| T::run_batch(items, urgent)));
        let next = next.unwrap_or_else(|panic| {
            let message = panic_message(&*panic);
            for item in items {
                item.task.panicked(message);
            }
            Default::default()
        });
        let mut state = self.lock();
        state.queue.put_back(&batch, &next, Instant::now());
        drop(state);
        // Without the lock: a task may end with the batch, and with it the pool.
        drop(batch);
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
