//! Permits to run networks, given to the earliest deadline.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::Deadline;

pub(crate) struct Permits {
    state: Mutex<State>,
    freed: Condvar,
}

struct State {
    free: usize,
    /// Who waits: deadline, and a number that keeps those of one deadline in order.
    waiting: Vec<(Deadline, u64)>,
    next: u64,
}

impl Permits {
    pub(super) fn new(count: usize) -> Self {
        Self {
            state: Mutex::new(State {
                free: count,
                waiting: Vec::with_capacity(64),
                next: 0,
            }),
            freed: Condvar::new(),
        }
    }

    /// Waits until there is a permit and nobody who waits has an earlier deadline.
    pub(crate) fn acquire(&self, deadline: Deadline) -> Permit<'_> {
        let mut state = self.state();
        state.next += 1;
        let ticket = (deadline, state.next);
        state.waiting.push(ticket);
        loop {
            if state.free > 0 && state.waiting.iter().min() == Some(&ticket) {
                state.waiting.retain(|other| *other != ticket);
                state.free -= 1;
                if state.free > 0 && !state.waiting.is_empty() {
                    self.freed.notify_all();
                }
                return Permit(self);
            }
            state = self
                .freed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Goes back when it is dropped.
pub(crate) struct Permit<'a>(&'a Permits);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.state().free += 1;
        self.0.freed.notify_all();
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::Arc;
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    /// However they came, those who wait are served by deadline, the timeless last.
    #[test]
    fn the_earliest_deadline_is_served_first() {
        let permits = Arc::new(Permits::new(1));
        let held = permits.acquire(Deadline::Whenever);
        let served = Arc::new(Mutex::new(Vec::new()));
        let begin = Instant::now();
        let deadlines = [
            Deadline::Whenever,
            Deadline::At(begin + Duration::from_millis(80)),
            Deadline::At(begin),
            Deadline::At(begin + Duration::from_millis(40)),
        ];
        let threads: Vec<_> = deadlines
            .into_iter()
            .enumerate()
            .map(|(index, deadline)| {
                let (permits, served) = (Arc::clone(&permits), Arc::clone(&served));
                let thread = thread::spawn(move || {
                    let _permit = permits.acquire(deadline);
                    served.lock().unwrap().push(deadline);
                });
                while held.0.state().waiting.len() <= index {
                    thread::yield_now();
                }
                thread
            })
            .collect();
        drop(held);
        for thread in threads {
            thread.join().unwrap();
        }
        let mut sorted = deadlines;
        sorted.sort_unstable();
        assert_eq!(*served.lock().unwrap(), sorted, "order of service");
        assert_eq!(permits.state().free, 1, "all came back");
    }
}
