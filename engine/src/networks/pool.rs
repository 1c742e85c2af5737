//! The networks of one avatar, checked out for a run at a time.
//!
//! Networks run for one session at a time. Further ones are made when sessions on several threads
//! need them at once, but never more than the engine has threads: memory grows with avatars, not with
//! sessions. On the CPU all share the weights of the first; other providers' are loaded once for each
//! thread, before the first conversation ([`Pool::fill`]).

use std::ops;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Networks;
use crate::Result;
use crate::schedule::Permit;

pub(crate) struct Pool {
    state: Mutex<State>,
}

struct State {
    idle: Vec<Networks>,
    /// Shares the weights of all others, and never runs; None where weights can't be shared.
    template: Option<Networks>,
    /// Whether there is one for each thread already, where weights can't be shared.
    filled: bool,
}

impl Pool {
    /// A pool that starts with `first`.
    ///
    /// # Errors
    /// `Inference` if ONNX Runtime fails.
    pub(crate) fn new(first: Networks) -> Result<Self> {
        let template = first.share()?;
        Ok(Self {
            state: Mutex::new(State {
                idle: vec![first],
                template,
                filled: false,
            }),
        })
    }

    /// Whether all share the weights of the first, so that none is loaded again.
    pub(crate) fn shares(&self) -> bool {
        self.state().template.is_some()
    }

    /// Loads networks for `count` threads in all, once, where they can't share weights: not when they
    /// are first needed, in the middle of a conversation.
    ///
    /// # Errors
    /// The errors of `load`.
    pub(crate) fn fill(&self, count: usize, load: impl Fn() -> Result<Networks>) -> Result<()> {
        let mut state = self.state();
        if state.template.is_none() && !state.filled {
            for _ in 1..count {
                let networks = load()?;
                state.idle.push(networks);
            }
            state.filled = true;
        }
        Ok(())
    }

    /// Networks for the time of a permit. There are as many permits of a kind as threads: no
    /// more networks than threads, unless runs turn from short to long. `load` makes them where none is idle and none can be shared.
    ///
    /// # Errors
    /// The errors of `load`; `Inference` if ONNX Runtime fails.
    pub(crate) fn checkout<'a>(
        &'a self,
        permit: Permit<'a>,
        load: impl FnOnce() -> Result<Networks>,
    ) -> Result<Checkout<'a>> {
        let mut state = self.state();
        let mut networks = state.idle.pop();
        if let (None, Some(template)) = (&networks, &state.template) {
            networks = template.share()?;
        }
        drop(state);
        let networks = match networks {
            Some(networks) => networks,
            None => load()?,
        };
        Ok(Checkout {
            networks: Some(networks),
            pool: self,
            _permit: permit,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Networks that are checked out; they go back when this is dropped.
pub(crate) struct Checkout<'a> {
    networks: Option<Networks>,
    pool: &'a Pool,
    /// Goes back after the networks.
    _permit: Permit<'a>,
}

impl ops::Deref for Checkout<'_> {
    type Target = Networks;

    fn deref(&self) -> &Networks {
        self.networks.as_ref().expect("taken on drop only")
    }
}

impl ops::DerefMut for Checkout<'_> {
    fn deref_mut(&mut self) -> &mut Networks {
        self.networks.as_mut().expect("taken on drop only")
    }
}

impl Drop for Checkout<'_> {
    fn drop(&mut self) {
        if let Some(networks) = self.networks.take() {
            self.pool.state().idle.push(networks);
        }
    }
}
