//! Ctrl-C and the system's request to end: the first one asks to stop, the second one stops at once.
//!
//! A thread that waits for another program (a pipe's reader or writer) can't look whether to stop:
//! such waits are announced, and one that lasts a second from the request on ends the process.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use essence::{Error, ErrorKind};

use crate::console::Console;
use crate::failure::Failure;

/// How long a wait may last once the user asked to stop.
const GRACE: Duration = Duration::from_secs(1);

/// Whether the user asked to stop.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(Arc<State>);

#[derive(Debug)]
struct State {
    console: Console,
    requested: AtomicBool,
    shared: Mutex<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// The file to remove when the process ends at once.
    unfinished: Option<PathBuf>,
    /// Waits that have begun, and numbers of those that last.
    waits: u64,
    waiting: Vec<u64>,
}

impl Interrupt {
    /// Listens from now on; `console` tells of an end at once.
    pub(crate) fn listen(console: &Console) -> Result<Self, Failure> {
        let state = Arc::new(State {
            console: console.clone(),
            requested: AtomicBool::new(false),
            shared: Mutex::default(),
        });
        let this = Self(Arc::clone(&state));
        let handler = move || {
            if state.requested.swap(true, Ordering::SeqCst) {
                state.end();
            }
            let watched = Arc::clone(&state);
            let watcher = std::thread::Builder::new().spawn(move || watched.watch());
            if watcher.is_err() {
                state.end();
            }
        };
        ctrlc::set_handler(handler).map_err(|e| {
            let message = "cannot listen for Ctrl-C";
            Error::new(ErrorKind::Internal, message).with_source(e)
        })?;
        Ok(this)
    }

    /// The file to remove when the run ends at once.
    pub(crate) fn unfinished(&self, path: Option<PathBuf>) {
        self.0.shared().unfinished = path;
    }

    /// Does `work`, which may wait for another program.
    pub(crate) fn waiting<T>(&self, work: impl FnOnce() -> T) -> T {
        let number = {
            let mut shared = self.0.shared();
            shared.waits += 1;
            let number = shared.waits;
            shared.waiting.push(number);
            number
        };
        let result = work();
        self.0.shared().waiting.retain(|&n| n != number);
        result
    }

    /// Whether to stop, with what there is.
    pub(crate) fn requested(&self) -> bool {
        self.0.requested.load(Ordering::Relaxed)
    }
}

impl State {
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the process when a wait lasts too long.
    fn watch(&self) {
        loop {
            let before = self.shared().waiting.clone();
            std::thread::sleep(GRACE);
            let now = self.shared().waiting.clone();
            if before.iter().any(|number| now.contains(number)) {
                self.end();
            }
        }
    }

    /// Ends the process at once.
    fn end(&self) -> ! {
        if let Some(path) = self.shared().unfinished.take() {
            let _ = std::fs::remove_file(path);
        }
        let failure = Failure::interrupted("stopped at once; the output is not complete");
        self.console.fail(&failure);
        #[expect(
            clippy::disallowed_methods,
            reason = "the main thread waits for another program, or the user asked twice"
        )]
        std::process::exit(i32::from(ErrorKind::Cancelled.exit_code()));
    }
}
