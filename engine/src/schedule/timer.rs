//! The timer: wakes tasks of the host's at given times.
//!
//! One thread for all sessions of an engine, which starts with the first time that is asked for. It
//! sleeps until the earliest one, so a session that waits costs no thread.

use crate::clock::Instant;
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread::{self, JoinHandle};

/// Wakers with their times. The thread ends with it; what is due later is never woken then.
#[derive(Debug, Default)]
pub(crate) struct Timer {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// There is an earlier time, or the end has come.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    alarms: BinaryHeap<Alarm>,
    ended: bool,
}

/// One waker and its time; the greatest is the earliest.
#[derive(Debug)]
struct Alarm {
    at: Instant,
    waker: Waker,
}

impl Timer {
    /// Wakes `waker` at a time, or at once if that has passed or no thread can be started.
    pub(crate) fn wake_at(&self, at: Instant, waker: Waker) {
        if at <= Instant::now() || !self.start() {
            waker.wake();
            return;
        }
        let mut state = self.shared.lock();
        let earlier = state.alarms.peek().is_none_or(|first| at < first.at);
        state.alarms.push(Alarm { at, waker });
        if earlier {
            self.shared.changed.notify_one();
        }
    }

    /// Whether the thread runs.
    fn start(&self) -> bool {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            let shared = Arc::clone(&self.shared);
            let builder = thread::Builder::new().name("essence-timer".to_owned());
            *thread = builder.spawn(move || shared.run()).ok();
        }
        thread.is_some()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs in the thread.
    fn run(&self) {
        let mut state = self.lock();
        while !state.ended {
            let Some(first) = state.alarms.peek() else {
                let woken = self.changed.wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let early = first.at.saturating_duration_since(Instant::now());
            if early.is_zero() {
                let due = state.alarms.pop();
                // A waker is the host's code, which may call this library.
                drop(state);
                if let Some(alarm) = due {
                    alarm.waker.wake();
                }
                state = self.lock();
            } else {
                let woken = self.changed.wait_timeout(state, early);
                state = woken.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let left = {
            let mut state = self.shared.lock();
            state.ended = true;
            std::mem::take(&mut state.alarms)
        };
        self.shared.changed.notify_one();
        drop(left);
        let thread = self.thread.get_mut();
        let thread = thread.unwrap_or_else(PoisonError::into_inner).take();
        // The last of the engine may be dropped by a waker, in the thread itself.
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != thread::current().id())
        {
            let _ = thread.join();
        }
    }
}

impl Ord for Alarm {
    fn cmp(&self, other: &Self) -> Ordering {
        other.at.cmp(&self.at)
    }
}

impl PartialOrd for Alarm {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Alarm {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Alarm {}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::task::Wake;
    use std::time::Duration;

    use super::*;

    /// Sends its number when it is woken.
    struct Numbered(u32, Mutex<Sender<u32>>);

    impl Wake for Numbered {
        fn wake(self: Arc<Self>) {
            let sender = self.1.lock().expect("no test panics in here");
            let _ = sender.send(self.0);
        }
    }

    fn wakers() -> (impl Fn(u32) -> Waker, Receiver<u32>) {
        let (sender, woken) = channel();
        let new = move |number| Waker::from(Arc::new(Numbered(number, Mutex::new(sender.clone()))));
        (new, woken)
    }

    #[test]
    fn the_earliest_is_woken_first() {
        let (waker, woken) = wakers();
        let timer = Timer::default();
        let soon = Instant::now() + Duration::from_millis(50);
        for number in [3, 1, 2] {
            timer.wake_at(soon + Duration::from_micros(number.into()), waker(number));
        }
        timer.wake_at(Instant::now(), waker(0));
        drop(waker);
        let order: Vec<u32> = woken.iter().collect();
        assert_eq!(order, [0, 1, 2, 3], "by their times, and each once");
        assert!(Instant::now() >= soon, "not before");
    }

    /// The thread sleeps until the later one when the earlier one comes.
    #[test]
    fn an_earlier_time_that_comes_later_is_not_slept_over() {
        let (waker, woken) = wakers();
        let timer = Timer::default();
        let begin = Instant::now();
        timer.wake_at(begin + Duration::from_secs(60), waker(0));
        for number in 1..=20 {
            timer.wake_at(Instant::now() + Duration::from_millis(1), waker(number));
            assert_eq!(woken.recv(), Ok(number));
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "slept over");
    }

    #[test]
    fn nobody_is_woken_after_the_end() {
        let (waker, woken) = wakers();
        let timer = Timer::default();
        timer.wake_at(Instant::now() + Duration::from_secs(3600), waker(1));
        drop((timer, waker));
        assert_eq!(woken.iter().count(), 0, "the thread has ended");
    }

    /// The last handle of an engine may be what a waker holds.
    #[test]
    fn a_waker_may_drop_the_timer() {
        struct Last(Mutex<Option<Arc<Timer>>>, Mutex<Option<Sender<()>>>);
        impl Wake for Last {
            fn wake(self: Arc<Self>) {
                drop(self.0.lock().expect("no test panics in here").take());
                let sender = self.1.lock().expect("no test panics in here").take();
                // Not reached by a thread that waits for itself.
                let _ = sender.expect("woken once").send(());
            }
        }
        let (sender, ended) = channel();
        let timer = Arc::new(Timer::default());
        let last = Last(
            Mutex::new(Some(Arc::clone(&timer))),
            Mutex::new(Some(sender)),
        );
        let at = Instant::now() + Duration::from_millis(50);
        timer.wake_at(at, Waker::from(Arc::new(last)));
        drop(timer);
        assert_eq!(ended.recv(), Ok(()), "woken, and not hanging");
    }
}
