//! `essence_clock`: a clock that the caller moves, or one of a sound card's.

use std::time::Duration;

use engine::clock::{Clock, HostClock, ManualClock};
use engine::{Error, ErrorKind};

use crate::boundary::{export, invalid};
use crate::handle::{self, opaque};
use crate::status::ESSENCE_OK;

opaque! {
    /// A clock of the caller's: one that stands still until it is advanced, for tests and simulations
    /// (essence_clock_create()), or one that runs at the pace of a sound card or another clock of the
    /// host's (essence_clock_create_host()).
    essence_clock(Clock)
}

export! {
    /// Makes a clock at zero that stands still until essence_clock_advance(); sessions on it never wait,
    /// and prepare nothing ahead.
    ///
    /// `out`: written on success; transferred to the caller, who destroys it with
    /// essence_clock_destroy().
    ///
    /// Fails with: INVALID_ARGUMENT.
    /// Threads: any, concurrently.
    fn essence_clock_create(out: *mut *mut essence_clock) -> essence_status {
        if out.is_null() {
            return Err(invalid("the place for the clock is NULL"));
        }
        out.write(handle::new(Clock::Manual(ManualClock::new())));
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Makes a clock of the host's at zero, which begins to run with the first
    /// essence_clock_set_position(). Sessions on it wait for their frames and prepare them ahead, as on
    /// the system's clock. Since ABI 1.4.
    ///
    /// `out`: written on success; transferred to the caller, who destroys it with
    /// essence_clock_destroy().
    ///
    /// Fails with: INVALID_ARGUMENT.
    /// Threads: any, concurrently.
    fn essence_clock_create_host(out: *mut *mut essence_clock) -> essence_status {
        if out.is_null() {
            return Err(invalid("the place for the clock is NULL"));
        }
        out.write(handle::new(Clock::Host(HostClock::new())));
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Says where a host's clock stands now, such as how much sound has been played; a sound card's
    /// callback is a good place, every 5 to 100 ms. In between it goes on with the system's clock, for
    /// 200 ms at most. For a session time never goes back: where a position lies before the time that
    /// was reached, it stands still until that is caught up, or until essence_session_restart_clock().
    /// Takes no lock, doesn't allocate and wakes nobody. Since ABI 1.4.
    ///
    /// Fails with: INVALID_ARGUMENT, INVALID_STATE (a clock of essence_clock_create()).
    /// Threads: any, concurrently.
    fn essence_clock_set_position(clock: *const essence_clock, nanoseconds: u64) -> essence_status {
        match &*handle::shared(clock)? {
            Clock::Host(host) => host.set_position(Duration::from_nanos(nanoseconds)),
            _ => return Err(wrong("this clock is moved by essence_clock_advance()")),
        }
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Moves a clock forward; at 292 years it stands still for good.
    ///
    /// Fails with: INVALID_ARGUMENT, INVALID_STATE (a clock of essence_clock_create_host()).
    /// Threads: any, concurrently.
    fn essence_clock_advance(clock: *const essence_clock, nanoseconds: u64) -> essence_status {
        match &*handle::shared(clock)? {
            Clock::Manual(manual) => manual.advance(Duration::from_nanos(nanoseconds)),
            _ => return Err(wrong("this clock is set by essence_clock_set_position()")),
        }
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Destroys a clock; NULL is fine. Sessions on it live on, and their time stands still.
    ///
    /// Threads: any; no other call on this clock may be under way.
    fn essence_clock_destroy(clock: *mut essence_clock), on panic (),
    {
        handle::free(clock);
    }
}

fn wrong(message: &str) -> Error {
    Error::new(ErrorKind::InvalidState, message)
}
