//! Terminates runs of networks that are overdue or cancelled.
//!
//! A run ends between two nodes once its [`Switch`] is told to terminate. A run that
//! goes beyond its limit is told so by the watchdog, one thread for all networks of the process; a
//! run of a session that is cancelled, by its [`Terminator`].
//!
//! The watchdog looks at all networks every [`TICK`] and sleeps for good while none runs, so that a
//! run costs a few atomic operations and no system call. It counts ticks of its own instead of
//! reading a clock: a process that was stopped, or a machine that slept, has used up no time.
//!
//! Without threads, as in a browser, nobody watches: a run that hangs is ended with its
//! worker.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{fmt, io};

use super::onnxruntime::RunOptions;
use crate::{Error, ErrorKind, Result};

/// How often the watchdog looks while networks run.
const TICK: Duration = Duration::from_millis(100);

/// Bits of a run's state below its number.
const PHASE: u64 = 0b11;
const IDLE: u64 = 0b00;
const RUNNING: u64 = 0b01;
const OVERDUE: u64 = 0b10;
const CANCELLED: u64 = 0b11;
/// Step from one run's state to the next one's.
const NEXT: u64 = PHASE + 1;

/// Why a run gave no result.
#[derive(Debug)]
pub(super) enum Stopped {
    /// The session was cancelled before or in it.
    Cancelled,
    /// The runtime failed.
    Failed(Error),
    /// It went beyond its limit.
    Overdue,
}

/// The end of a run: the runtime looks at it between two nodes.
pub(super) enum Switch {
    /// Of our own runtime.
    Flag(AtomicBool),
    Ort(RunOptions),
}

impl Switch {
    fn terminate(&self) {
        match self {
            Self::Flag(flag) => flag.store(true, Ordering::SeqCst),
            Self::Ort(options) => options.terminate(),
        }
    }

    fn unterminate(&self) {
        match self {
            Self::Flag(flag) => flag.store(false, Ordering::SeqCst),
            Self::Ort(options) => options.unterminate(),
        }
    }
}

/// The runs of one network, one after the other.
struct Run {
    switch: Switch,
    /// Number of the run, and its phase in the lowest bits.
    state: AtomicU64,
    limit_ticks: AtomicU32,
    /// Held while the switch is told to terminate, so that they can't be told after the run.
    terminating: Mutex<()>,
}

impl Run {
    fn begin(&self, limit: Duration) -> u64 {
        let ticks = limit.as_millis().div_ceil(TICK.as_millis());
        let ticks = u32::try_from(ticks).unwrap_or(u32::MAX);
        self.limit_ticks.store(ticks, Ordering::Relaxed);
        let state = (self.state.load(Ordering::Relaxed) & !PHASE) + NEXT + RUNNING;
        self.state.store(state, Ordering::SeqCst);
        WATCHDOG.notice();
        state
    }

    /// Ends the run that began as `state`; gives the phase that it had come to.
    fn end(&self, state: u64) -> u64 {
        let idle = state & !PHASE | IDLE;
        let ended = self
            .state
            .compare_exchange(state, idle, Ordering::SeqCst, Ordering::SeqCst);
        let Err(terminated) = ended else {
            return RUNNING;
        };
        let _guard = lock(&self.terminating);
        self.switch.unterminate();
        self.state.store(idle, Ordering::SeqCst);
        terminated & PHASE
    }

    /// Terminates the run that was seen as `state`, if it still goes on.
    fn terminate(&self, state: u64, phase: u64) {
        let _guard = lock(&self.terminating);
        let terminated = state & !PHASE | phase;
        let told =
            self.state
                .compare_exchange(state, terminated, Ordering::SeqCst, Ordering::SeqCst);
        if told.is_ok() {
            self.switch.terminate();
        }
    }
}

/// Keeps the watchdog's thread: it is there while an engine or a network is, so that a library that is
/// unloaded leaves no thread behind.
#[derive(Debug)]
pub(crate) struct WatchdogLease(());

impl WatchdogLease {
    /// # Errors
    /// `Io` if the system starts no thread.
    pub(crate) fn new() -> Result<Self> {
        WATCHDOG.retain().map(Self)
    }
}

impl Drop for WatchdogLease {
    fn drop(&mut self) {
        WATCHDOG.release();
    }
}

/// Runs a network under the watchdog's eyes. Dropped with its network.
pub(super) struct Watched {
    run: Arc<Run>,
    _lease: WatchdogLease,
}

impl Watched {
    /// Takes a network's runs in, which end by `switch`.
    ///
    /// # Errors
    /// `Io` if the system starts no thread.
    pub(super) fn new(switch: Switch) -> Result<Self> {
        let run = Arc::new(Run {
            switch,
            state: AtomicU64::new(IDLE),
            limit_ticks: AtomicU32::new(u32::MAX),
            terminating: Mutex::default(),
        });
        let lease = WatchdogLease::new()?;
        WATCHDOG.watch(&run);
        Ok(Self { run, _lease: lease })
    }

    /// Calls `run`, which may take up to `limit` and ends when `terminator` says so. `&mut`: one run
    /// at a time.
    pub(super) fn run(
        &mut self,
        limit: Duration,
        terminator: Option<&Terminator>,
        run: impl FnOnce(&Switch) -> Result<()>,
    ) -> Result<(), Stopped> {
        let state = self.run.begin(limit);
        if terminator.is_some_and(|terminator| !terminator.enter(&self.run)) {
            self.run.end(state);
            return Err(Stopped::Cancelled);
        }
        let result = run(&self.run.switch);
        if let Some(terminator) = terminator {
            terminator.leave();
        }
        let phase = self.run.end(state);
        result.map_err(|error| match phase {
            CANCELLED => Stopped::Cancelled,
            OVERDUE => Stopped::Overdue,
            _ => Stopped::Failed(error),
        })
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        WATCHDOG.forget(&self.run);
    }
}

/// Ends the run that a session's own thread is in, from any other thread.
#[derive(Default)]
pub(crate) struct Terminator(Mutex<Current>);

#[derive(Default)]
struct Current {
    cancelled: bool,
    run: Option<Arc<Run>>,
}

impl Terminator {
    /// Ends the run that is under way, and all later ones before they begin, with `Cancelled`.
    pub(crate) fn terminate(&self) {
        let mut current = lock(&self.0);
        current.cancelled = true;
        if let Some(run) = &current.run {
            let state = run.state.load(Ordering::SeqCst);
            if state & PHASE == RUNNING {
                run.terminate(state, CANCELLED);
            }
        }
    }

    /// Lets runs begin again.
    pub(crate) fn reset(&self) {
        lock(&self.0).cancelled = false;
    }

    /// False if the run must not go on.
    fn enter(&self, run: &Arc<Run>) -> bool {
        let mut current = lock(&self.0);
        if !current.cancelled {
            current.run = Some(Arc::clone(run));
        }
        !current.cancelled
    }

    fn leave(&self) {
        lock(&self.0).run = None;
    }
}

impl fmt::Debug for Terminator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminator")
            .field("cancelled", &lock(&self.0).cancelled)
            .finish_non_exhaustive()
    }
}

static WATCHDOG: Watchdog = Watchdog {
    registry: Mutex::new(Registry {
        runs: Vec::new(),
        leases: 0,
        thread: None,
        generation: 0,
    }),
    changed: Condvar::new(),
    awake: AtomicBool::new(false),
};

struct Watchdog {
    registry: Mutex<Registry>,
    /// A network began to run while the thread slept, or the thread has to end.
    changed: Condvar,
    /// Whether the thread looks at the networks; otherwise it sleeps until it is woken.
    awake: AtomicBool,
}

struct Registry {
    runs: Vec<Seen>,
    leases: usize,
    /// There while there are leases.
    thread: Option<JoinHandle<()>>,
    /// Number of the thread; one of another number ends.
    generation: u64,
}

/// State of a network's runs at the watchdog's last look.
struct Seen {
    run: Arc<Run>,
    state: u64,
    ticks: u32,
}

impl Watchdog {
    fn retain(&'static self) -> Result<()> {
        let mut registry = lock(&self.registry);
        if registry.thread.is_none() {
            let generation = registry.generation;
            let thread = thread::Builder::new()
                .name("essence-watchdog".to_owned())
                .spawn(move || self.look(generation));
            registry.thread = match thread {
                Ok(thread) => Some(thread),
                Err(error) if error.kind() == io::ErrorKind::Unsupported => None,
                Err(error) => {
                    let message = "the system starts no further thread";
                    return Err(Error::new(ErrorKind::Io, message).with_source(error));
                }
            };
        }
        registry.leases += 1;
        Ok(())
    }

    fn release(&self) {
        let mut registry = lock(&self.registry);
        registry.leases -= 1;
        if registry.leases > 0 {
            return;
        }
        registry.generation += 1;
        let thread = registry.thread.take();
        drop(registry);
        self.changed.notify_all();
        if let Some(thread) = thread {
            // It never panics.
            let _ = thread.join();
        }
    }

    fn watch(&self, run: &Arc<Run>) {
        lock(&self.registry).runs.push(Seen {
            run: Arc::clone(run),
            state: IDLE,
            ticks: 0,
        });
    }

    fn forget(&self, run: &Arc<Run>) {
        let mut registry = lock(&self.registry);
        registry.runs.retain(|seen| !Arc::ptr_eq(&seen.run, run));
    }

    /// Wakes the thread if it sleeps: a network runs.
    fn notice(&self) {
        if !self.awake.load(Ordering::SeqCst) {
            let registry = lock(&self.registry);
            self.awake.store(true, Ordering::SeqCst);
            drop(registry);
            self.changed.notify_all();
        }
    }

    /// Body of the thread.
    fn look(&self, generation: u64) {
        let mut registry = lock(&self.registry);
        while registry.generation == generation {
            if registry.look() {
                let woken = self.changed.wait_timeout(registry, TICK);
                registry = woken.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            // Nothing has run for a tick. Runs that begin from here on see that they have to wake the
            // thread; those that began before are seen here.
            self.awake.store(false, Ordering::SeqCst);
            let sleeps = |registry: &mut Registry| {
                registry.generation == generation
                    && !self.awake.load(Ordering::SeqCst)
                    && !registry.is_running()
            };
            let woken = self.changed.wait_while(registry, sleeps);
            registry = woken.unwrap_or_else(PoisonError::into_inner);
            self.awake.store(true, Ordering::SeqCst);
        }
    }
}

impl Registry {
    /// Terminates what is overdue; gives whether any network runs or has run since the last time.
    fn look(&mut self) -> bool {
        let mut active = false;
        for Seen { run, state, ticks } in &mut self.runs {
            let now = run.state.load(Ordering::SeqCst);
            active |= now != *state || now & PHASE != IDLE;
            *ticks = if now == *state { *ticks + 1 } else { 0 };
            *state = now;
            let overdue = *ticks >= run.limit_ticks.load(Ordering::Relaxed);
            if now & PHASE == RUNNING && overdue {
                run.terminate(now, OVERDUE);
            }
        }
        active
    }

    fn is_running(&self) -> bool {
        let mut states = self.runs.iter().map(|seen| &seen.run.state);
        states.any(|state| state.load(Ordering::SeqCst) & PHASE != IDLE)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
#[path = "watchdog_tests.rs"]
mod tests;
