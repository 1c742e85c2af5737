//! A request to stop that work looks at, or is told of.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use essence::{Error, ErrorKind, Result};

/// A request to stop, shared by clones.
#[derive(Clone, Default)]
pub struct Cancel(Arc<Shared>);

#[derive(Default)]
struct Shared {
    cancelled: AtomicBool,
    hooks: Mutex<Hooks>,
}

#[derive(Default)]
struct Hooks {
    next: u64,
    waiting: Vec<(u64, Box<dyn FnOnce() + Send>)>,
}

impl std::fmt::Debug for Cancel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Cancel").field(&self.is_cancelled()).finish()
    }
}

impl Cancel {
    /// Asks to stop.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Release);
        let waiting = std::mem::take(&mut self.hooks().waiting);
        for (_, hook) in waiting {
            hook();
        }
    }

    /// Whether to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Acquire)
    }

    /// The error of work that was stopped, if it is to stop.
    ///
    /// # Errors
    /// `Cancelled`.
    pub fn check(&self) -> Result<()> {
        match self.is_cancelled() {
            true => Err(Error::new(ErrorKind::Cancelled, "stopped")),
            false => Ok(()),
        }
    }

    /// Has `act` called when it is asked to stop, at once if it was already; not any more once the
    /// guard is dropped. For work that can't look by itself. `act` runs in the thread that cancels and
    /// should return at once.
    pub fn on_cancel(&self, act: impl FnOnce() + Send + 'static) -> CancelGuard {
        let mut hooks = self.hooks();
        hooks.next += 1;
        let number = hooks.next;
        // Looked at under the lock, which `cancel` takes after it has set it.
        if self.is_cancelled() {
            drop(hooks);
            act();
        } else {
            hooks.waiting.push((number, Box::new(act)));
        }
        CancelGuard {
            cancel: self.clone(),
            number,
        }
    }

    fn hooks(&self) -> MutexGuard<'_, Hooks> {
        self.0.hooks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps what [`Cancel::on_cancel`] was given.
#[derive(Debug)]
#[must_use = "what it keeps is forgotten when it is dropped"]
pub struct CancelGuard {
    cancel: Cancel,
    number: u64,
}

impl Drop for CancelGuard {
    fn drop(&mut self) {
        let number = self.number;
        self.cancel.hooks().waiting.retain(|(n, _)| *n != number);
    }
}
