//! The networks of one avatar, lent to its sessions frame by frame.
//!
//! A network runs for one session at a time. Sessions on several threads get networks of their own,
//! but never more than the engine has threads: memory grows with avatars, not with sessions.

use std::ops;
use std::sync::{Condvar, Mutex, PoisonError};

use super::Network;
use crate::Result;
use crate::identity::Identity;
use crate::schedule::permits::Permit;

/// Both networks of an avatar.
pub(crate) struct Networks {
    pub(crate) speech: Network<f32>,
    pub(crate) identity: Identity,
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
    /// A pool that starts with `first` and grows to `capacity`.
    pub(crate) fn new(first: Networks, capacity: usize) -> Self {
        let mut idle = Vec::with_capacity(capacity);
        idle.push(first);
        Self {
            state: Mutex::new(State { idle, made: 1 }),
            returned: Condvar::new(),
            capacity,
        }
    }

    /// Networks for one frame, for the time of a permit; `make` makes further ones where all are
    /// lent out.
    pub(crate) fn lend<'a>(
        &'a self,
        permit: Permit<'a>,
        make: impl FnOnce() -> Result<Networks>,
    ) -> Result<Lent<'a>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(networks) = state.idle.pop() {
                return Ok(Lent {
                    networks: Some(networks),
                    pool: self,
                    _permit: permit,
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
                    _permit: permit,
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
    /// Goes back after the networks.
    _permit: Permit<'a>,
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
