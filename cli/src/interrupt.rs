//! Ctrl-C: the first one asks to stop, the second one stops at once.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::failure::Failure;

/// Whether the user asked to stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<State>);

#[derive(Debug, Default)]
struct State {
    requested: AtomicBool,
    unfinished: Mutex<Option<PathBuf>>,
}

impl Interrupt {
    /// Listens from now on (also for the system's request to end).
    pub(crate) fn listen() -> Result<Self, Failure> {
        let this = Self::default();
        let state = Arc::clone(&this.0);
        ctrlc::set_handler(move || {
            if !state.requested.swap(true, Ordering::Relaxed) {
                return;
            }
            let path = state
                .unfinished
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            if let Some(path) = path {
                let _ = std::fs::remove_file(path);
            }
            #[expect(
                clippy::disallowed_methods,
                reason = "the user asked twice to end at once"
            )]
            std::process::exit(i32::from(essence::ErrorKind::Cancelled.exit_code()));
        })
        .map_err(|e| {
            let message = "cannot listen for Ctrl-C";
            essence::Error::new(essence::ErrorKind::Internal, message).with_source(e)
        })?;
        Ok(this)
    }

    /// The file to remove when the run ends at once.
    pub(crate) fn unfinished(&self, path: Option<PathBuf>) {
        *self
            .0
            .unfinished
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = path;
    }

    /// Whether to stop, with what there is.
    pub(crate) fn requested(&self) -> bool {
        self.0.requested.load(Ordering::Relaxed)
    }
}
