//! The waker of the task that waits for a session's next frame.

use crate::clock::Instant;
use std::sync::Mutex;
use std::task::Waker;

use super::renderer::lock;

/// The waker of the task that waits for a frame.
#[derive(Debug, Default)]
pub(super) struct Wakeup(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    waker: Option<Waker>,
    /// The time at which the timer wakes it.
    at: Option<Instant>,
}

impl Wakeup {
    /// Registers a waker in place of the one before.
    pub(super) fn register(&self, waker: &Waker) {
        let mut state = lock(&self.0);
        match &mut state.waker {
            Some(known) if known.will_wake(waker) => {}
            known => {
                *known = Some(waker.clone());
                state.at = None;
            }
        }
    }

    /// Whether the timer is still to be set to a time.
    pub(super) fn set(&self, at: Instant) -> bool {
        lock(&self.0).at.replace(at) != Some(at)
    }

    /// Wakes the registered task, once.
    pub(super) fn wake(&self) {
        let waker = {
            let mut state = lock(&self.0);
            state.at = None;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
