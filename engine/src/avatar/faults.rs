//! Faults on demand: base frames that can't be decoded, and runs of networks that fail.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Error, ErrorKind, Result};

/// An avatar's faults; none at first.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    damaged: BTreeSet<usize>,
    /// Runs of networks since they began to be counted.
    runs: u64,
    /// The runs that fail, from one to another, and how.
    failing: Option<(u64, u64, ErrorKind)>,
    /// The run that panics.
    panicking: Option<u64>,
}

impl Faults {
    /// Damages base frames.
    pub(crate) fn damage(&self, frames: impl IntoIterator<Item = usize>) {
        lock(&self.0).damaged.extend(frames);
    }

    /// Lets the runs from number `from` until before `to` fail, counted from now on.
    pub(crate) fn fail_runs(&self, from: u64, to: u64, kind: ErrorKind) {
        let mut state = lock(&self.0);
        (state.runs, state.failing) = (0, Some((from, to, kind)));
    }

    /// Lets run number `number` panic, counted from now on.
    pub(crate) fn panic_in_run(&self, number: u64) {
        let mut state = lock(&self.0);
        (state.runs, state.panicking) = (0, Some(number));
    }

    /// Runs of networks since [`fail_runs`](Self::fail_runs).
    pub(crate) fn runs(&self) -> u64 {
        lock(&self.0).runs
    }

    pub(crate) fn base_frame(&self, index: usize) -> Result<()> {
        match lock(&self.0).damaged.contains(&index) {
            true => Err(Error::new(
                ErrorKind::InvalidAvatar,
                format!("base frame {index}: damaged on purpose"),
            )),
            false => Ok(()),
        }
    }

    pub(crate) fn run(&self) -> Result<()> {
        let mut state = lock(&self.0);
        state.runs += 1;
        let number = state.runs - 1;
        if state
            .panicking
            .take_if(|panicking| *panicking == number)
            .is_some()
        {
            panic!("run {number} panics on purpose");
        }
        match state.failing {
            Some((from, to, kind)) if (from..to).contains(&number) => {
                Err(Error::new(kind, format!("run {number} fails on purpose")))
            }
            _ => Ok(()),
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
