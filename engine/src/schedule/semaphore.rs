//! The semaphore that networks run under: earliest deadline first, with fair shares.
//!
//! As many networks run at a time as the engine has threads, and one more where there are both short
//! and long runs (see [`Class`]). A permit that comes back is handed to the first waiter, so that no
//! other thread barges in: real time comes before the rest, then avatars within their share before
//! avatars over it, then the earlier deadline. A cancelled session's waiter leaves the queue.

use crate::clock::Instant;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};

use super::heap::{Heap, Places};
use super::share::{Class, Share, Standing};
use super::{Deadline, cancelled};
use crate::Result;

/// Waiters for which there is room from the start.
const ROOM: usize = 64;

/// Permits to run a network, as many as the engine has threads.
pub(crate) struct Semaphore {
    count: usize,
    state: Mutex<State>,
}

struct State {
    /// Permits that are left, by the kind of slot.
    free: [usize; 2],
    /// Waiters by class, the one to be served next first.
    waiting: [Heap<Rank>; Class::ALL.len()],
    places: Places,
    waiters: Vec<Option<Waiter>>,
    vacant: Vec<usize>,
    /// Counts waiters: equal deadlines are served in the order of arrival.
    arrivals: u64,
}

/// Position in the queue; the least is served first.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
struct Rank {
    not_in_real_time: bool,
    over_share: bool,
    deadline: Deadline,
    arrival: u64,
}

/// A thread that waits for a permit.
struct Waiter {
    thread: Thread,
    /// The slot of the permit that has been handed over.
    granted: Option<usize>,
    /// Address of the flag that cancels the wait; it is compared only.
    flag: usize,
}

impl std::fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Semaphore")
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

impl Semaphore {
    pub(super) fn new(permits: usize) -> Self {
        let mut waiting = Class::ALL.map(|_| Heap::default());
        for heap in &mut waiting {
            heap.reserve(ROOM);
        }
        let mut places = Places::default();
        places.reserve(ROOM);
        Self {
            count: permits,
            state: Mutex::new(State {
                free: [permits; 2],
                waiting,
                places,
                waiters: Vec::with_capacity(ROOM),
                vacant: Vec::with_capacity(ROOM),
                arrivals: 0,
            }),
        }
    }

    /// Number of permits of each kind of slot.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Waits for a permit to run a network of the avatar with this share.
    ///
    /// # Errors
    /// `Cancelled`: `flag` was raised, and [`wake`](Self::wake) called, before there was a permit.
    pub(crate) fn acquire<'a>(
        &'a self,
        share: &'a Share,
        deadline: Deadline,
        flag: Option<&AtomicBool>,
    ) -> Result<Permit<'a>> {
        let Standing { over_share, class } = share.standing(Instant::now());
        let permit = |slot| Permit {
            semaphore: self,
            share,
            slot,
            in_real_time: deadline != Deadline::Whenever,
            since: Instant::now(),
        };
        let is_cancelled = || flag.is_some_and(|flag| flag.load(Ordering::Acquire));
        let mut state = self.state();
        // While a thread waits, no permit that it could have is left.
        if let Some(slot) = state.take(class) {
            return Ok(permit(slot));
        }
        let rank = Rank {
            not_in_real_time: deadline == Deadline::Whenever,
            over_share,
            deadline,
            arrival: state.arrivals,
        };
        let waiter = state.enqueue(class, rank, flag);
        loop {
            if let Some(slot) = state.granted(waiter) {
                state.leave(waiter);
                return Ok(permit(slot));
            }
            if is_cancelled() {
                state.dequeue(class, waiter);
                state.leave(waiter);
                return Err(cancelled());
            }
            drop(state);
            // Returns at once if it was unparked since the state was looked at.
            thread::park();
            state = self.state();
        }
    }

    /// Wakes the waiters with this flag, which was raised before.
    pub(crate) fn wake(&self, flag: &AtomicBool) {
        let flag = std::ptr::from_ref(flag).addr();
        for waiter in self.state().waiters.iter().flatten() {
            if waiter.flag == flag {
                waiter.thread.unpark();
            }
        }
    }

    /// Number of waiters.
    #[cfg(test)]
    pub(super) fn waiters(&self) -> usize {
        self.state().waiting.iter().map(Heap::len).sum()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn enqueue(&mut self, class: Class, rank: Rank, flag: Option<&AtomicBool>) -> usize {
        self.arrivals += 1;
        let waiter = Some(Waiter {
            thread: thread::current(),
            granted: None,
            flag: flag.map_or(0, |flag| std::ptr::from_ref(flag).addr()),
        });
        let index = match self.vacant.pop() {
            Some(index) => {
                self.waiters[index] = waiter;
                index
            }
            None => {
                self.waiters.push(waiter);
                self.waiters.len() - 1
            }
        };
        self.waiting[class as usize].set(index, rank, &mut self.places);
        index
    }

    fn dequeue(&mut self, class: Class, waiter: usize) {
        self.waiting[class as usize].remove(waiter, &mut self.places);
    }

    /// The slot of the permit that a waiter was handed.
    fn granted(&self, waiter: usize) -> Option<usize> {
        self.waiters[waiter].as_ref()?.granted
    }

    fn take(&mut self, class: Class) -> Option<usize> {
        let mut slots = class.slots().iter().copied();
        let slot = slots.find(|&slot| self.free[slot] > 0)?;
        self.free[slot] -= 1;
        Some(slot)
    }

    fn leave(&mut self, waiter: usize) {
        self.waiters[waiter] = None;
        self.vacant.push(waiter);
    }

    /// Hands a permit to the next waiter, or keeps it.
    fn give_back(&mut self, slot: usize) {
        let classes = Class::ALL.into_iter();
        let classes = classes.filter(|class| class.slots().contains(&slot));
        let first = classes.filter_map(|class| {
            let (rank, waiter) = self.waiting[class as usize].first()?;
            Some((rank, waiter, class))
        });
        let Some((_, index, class)) = first.min_by_key(|&(rank, ..)| rank) else {
            self.free[slot] += 1;
            return;
        };
        self.dequeue(class, index);
        if let Some(waiter) = &mut self.waiters[index] {
            waiter.granted = Some(slot);
            waiter.thread.unpark();
        }
    }
}

/// The right to run a network, until it is dropped.
pub(crate) struct Permit<'a> {
    semaphore: &'a Semaphore,
    share: &'a Share,
    slot: usize,
    in_real_time: bool,
    since: Instant,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        self.share.count(now - self.since, self.in_real_time, now);
        self.semaphore.state().give_back(self.slot);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::ErrorKind;

    const MS: Duration = Duration::from_millis(1);

    /// A share whose runs are known to be short.
    fn short() -> Share {
        let share = Share::new();
        share.count(MS, false, Instant::now());
        share
    }

    /// A share whose runs are known to be long.
    fn long() -> Share {
        let share = Share::new();
        share.count(100 * MS, false, Instant::now());
        share
    }

    /// A share that is overdrawn for good.
    fn overdrawn() -> Share {
        let share = Share::new();
        let now = Instant::now();
        for _ in 0..200 {
            share.count(MS, true, now);
        }
        share
    }

    /// The order in which waiters with these shares and deadlines, which come one after the other, are
    /// served.
    fn order(waiters: &[(&Share, Deadline)]) -> Vec<usize> {
        let semaphore = Semaphore::new(1);
        let first = short();
        let held = semaphore.acquire(&first, Deadline::Whenever, None).unwrap();
        let served = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for (index, &(share, deadline)) in waiters.iter().enumerate() {
                let (semaphore, served) = (&semaphore, &served);
                scope.spawn(move || {
                    let _permit = semaphore.acquire(share, deadline, None).unwrap();
                    served.lock().unwrap().push(index);
                });
                while semaphore.waiters() <= index {
                    thread::yield_now();
                }
            }
            drop(held);
        });
        assert_eq!(semaphore.state().free, [1, 1], "all came back");
        served.into_inner().unwrap()
    }

    #[test]
    fn the_earliest_deadline_is_served_first_and_the_timeless_last() {
        let (share, now) = (short(), Instant::now());
        let waiters = [
            (&share, Deadline::Whenever),
            (&share, Deadline::At(now + 80 * MS)),
            (&share, Deadline::At(now)),
            (&share, Deadline::At(now + 40 * MS)),
            (&share, Deadline::At(now)),
        ];
        assert_eq!(order(&waiters), [2, 4, 3, 1, 0]);
    }

    #[test]
    fn an_avatar_over_its_share_is_served_after_the_others_in_real_time() {
        let (good, bad, now) = (short(), overdrawn(), Instant::now());
        let waiters = [
            (&good, Deadline::Whenever),
            (&bad, Deadline::At(now)),
            (&good, Deadline::At(now + 80 * MS)),
        ];
        assert_eq!(order(&waiters), [2, 1, 0]);
    }

    #[test]
    fn a_run_under_a_permit_is_measured() {
        let semaphore = Semaphore::new(1);
        let share = Share::new();
        let class = || share.standing(Instant::now()).class;
        let permit = semaphore.acquire(&share, Deadline::Whenever, None);
        assert_eq!(class(), Class::Unknown, "it goes on");
        drop(permit);
        assert_ne!(class(), Class::Unknown, "it is over");
    }

    #[test]
    fn long_runs_never_hold_all_permits() {
        let semaphore = Semaphore::new(2);
        let (good, bad) = (short(), long());
        let now = Deadline::At(Instant::now());
        let held = [(); 2].map(|()| semaphore.acquire(&bad, now, None).unwrap());
        let permit = semaphore.acquire(&good, now, None);
        assert!(permit.is_ok(), "at once");
        drop((held, permit));
        // Nor do short ones.
        let bad = long();
        let _held = [(); 2].map(|()| semaphore.acquire(&good, now, None).unwrap());
        assert!(semaphore.acquire(&bad, now, None).is_ok(), "at once");
    }

    #[test]
    fn cancelling_ends_a_wait_for_a_permit() {
        let semaphore = Arc::new(Semaphore::new(1));
        let share = Arc::new(short());
        let now = Deadline::At(Instant::now());
        let held = semaphore.acquire(&share, now, None).unwrap();
        let flags = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
        let wait = |flag: &Arc<AtomicBool>| {
            let (semaphore, share, flag) =
                (Arc::clone(&semaphore), Arc::clone(&share), Arc::clone(flag));
            thread::spawn(move || {
                let permit = semaphore.acquire(&share, now, Some(&flag));
                permit.map(drop).map_err(|error| error.kind())
            })
        };
        let [cancelled, other] = flags.each_ref().map(wait);
        while semaphore.waiters() < 2 {
            thread::yield_now();
        }
        flags[0].store(true, Ordering::Release);
        semaphore.wake(&flags[0]);
        assert_eq!(cancelled.join().unwrap(), Err(ErrorKind::Cancelled));
        assert_eq!(semaphore.waiters(), 1, "the other one waits still");
        drop(held);
        assert_eq!(other.join().unwrap(), Ok(()));
        assert_eq!(semaphore.state().free, [1, 1], "nothing is lost");
    }

    /// Wherever between entering and parking a waiter is when it is cancelled.
    #[test]
    fn no_cancellation_is_lost() {
        let semaphore = Semaphore::new(1);
        let share = short();
        let now = Deadline::At(Instant::now());
        let _held = semaphore.acquire(&share, now, None).unwrap();
        for _ in 0..2_000 {
            let flag = AtomicBool::new(false);
            thread::scope(|scope| {
                let waiter = scope.spawn(|| semaphore.acquire(&share, now, Some(&flag)).map(drop));
                flag.store(true, Ordering::Release);
                semaphore.wake(&flag);
                assert!(waiter.join().unwrap().is_err(), "cancelled");
            });
        }
    }
}
