//! The networks of one avatar, lent to its sessions frame by frame.
//!
//! A network runs for one session at a time. Sessions on several threads get networks of their own,
//! but never more than the machine has cores: memory grows with avatars, not with sessions.

use std::sync::{Condvar, Mutex, PoisonError};
use std::{ops, thread};

use super::Network;
use crate::Result;

/// Both networks of an avatar.
pub(crate) struct Networks {
    pub(crate) speech: Network,
    pub(crate) identity: Network,
}

pub(crate) struct Pool {
    state: Mutex<State>,
    returned: Condvar,
    capacity: usize,
}

struct State {
    idle: Vec<Networks>,
    made: usize,
}

impl Pool {
    /// A pool that starts with `first` and grows to one per core.
    pub(crate) fn new(first: Networks) -> Self {
        let capacity = thread::available_parallelism().map_or(1, usize::from);
        let mut idle = Vec::with_capacity(capacity);
        idle.push(first);
        Self {
            state: Mutex::new(State { idle, made: 1 }),
            returned: Condvar::new(),
            capacity,
        }
    }

    /// Networks for one frame; `make` makes further ones where all are lent out and there are cores
    /// left.
    pub(crate) fn lend(&self, make: impl FnOnce() -> Result<Networks>) -> Result<Lent<'_>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(networks) = state.idle.pop() {
                return Ok(Lent {
                    networks: Some(networks),
                    pool: self,
                });
            }
            if state.made < self.capacity {
                state.made += 1;
                drop(state);
                let made = make();
                if made.is_err() {
                    self.state
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .made -= 1;
                    self.returned.notify_one();
                }
                return Ok(Lent {
                    networks: Some(made?),
                    pool: self,
                });
            }
            state = self
                .returned
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Networks on loan; they go back when this is dropped.
pub(crate) struct Lent<'a> {
    networks: Option<Networks>,
    pool: &'a Pool,
}

impl ops::Deref for Lent<'_> {
    type Target = Networks;

    fn deref(&self) -> &Networks {
        self.networks.as_ref().expect("taken on drop only")
    }
}

impl ops::DerefMut for Lent<'_> {
    fn deref_mut(&mut self) -> &mut Networks {
        self.networks.as_mut().expect("taken on drop only")
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(networks) = self.networks.take() {
            self.pool
                .state
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .idle
                .push(networks);
            self.pool.returned.notify_one();
        }
    }
}
