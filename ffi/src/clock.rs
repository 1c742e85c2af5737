//! `essence_clock`: a clock that the caller moves.

use std::time::Duration;

use engine::clock::ManualClock;

use crate::boundary::{export, invalid};
use crate::handle::{self, opaque};
use crate::status::ESSENCE_OK;

opaque! {
    /// A clock that stands still until it is advanced, for tests, simulations and hosts that have a
    /// time of their own.
    essence_clock(ManualClock)
}

export! {
    /// Makes a clock at zero.
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
        out.write(handle::new(ManualClock::new()));
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Moves a clock forward; at 292 years it stands still for good.
    ///
    /// Fails with: INVALID_ARGUMENT.
    /// Threads: any, concurrently.
    fn essence_clock_advance(clock: *const essence_clock, nanoseconds: u64) -> essence_status {
        handle::shared(clock)?.advance(Duration::from_nanos(nanoseconds));
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
