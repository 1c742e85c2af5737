//! The clock of a page in the browser, which the standard library doesn't know.

use std::ops::{Add, Sub};
use std::time::Duration;

/// A moment on the page's monotonic clock: what `performance.now()` gives.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Instant(Duration);

#[link(wasm_import_module = "essence")]
#[expect(unsafe_code, reason = "the page's clock is a function of the page's")]
unsafe extern "C" {
    /// Milliseconds since the page was opened.
    safe fn now_ms() -> f64;
}

impl Instant {
    /// This moment.
    pub fn now() -> Self {
        // A page that lies gets a clock that stands still.
        Self(Duration::try_from_secs_f64(now_ms() / 1_000.0).unwrap_or_default())
    }

    /// Time since this moment; zero if it lies ahead.
    pub fn elapsed(&self) -> Duration {
        Self::now().saturating_duration_since(*self)
    }

    /// Time since an earlier moment; zero if it is later.
    pub fn saturating_duration_since(&self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// Time since an earlier moment; None if it is later.
    pub fn checked_duration_since(&self, earlier: Self) -> Option<Duration> {
        self.0.checked_sub(earlier.0)
    }

    /// A later moment.
    pub fn checked_add(&self, time: Duration) -> Option<Self> {
        self.0.checked_add(time).map(Self)
    }

    /// An earlier moment.
    pub fn checked_sub(&self, time: Duration) -> Option<Self> {
        self.0.checked_sub(time).map(Self)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time))
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(time))
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.saturating_duration_since(earlier)
    }
}
