//! Time, in integers only: which samples belong to which video frame, and when a frame is due.
//!
//! Frame `k` of an utterance covers samples `[640 k, 640 k + 640)` at 16 kHz and, at the caller's
//! rate `r`, samples `[floor(k r / 25), floor((k + 1) r / 25))`. Nothing is accumulated, so nothing
//! drifts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

/// Video frames per second.
pub const FRAME_RATE: u32 = 25;
/// Samples per second that the networks hear.
pub const NETWORK_RATE_HZ: u32 = 16_000;
/// Samples of one video frame at [`NETWORK_RATE_HZ`].
pub const FRAME_SAMPLES: u32 = NETWORK_RATE_HZ / FRAME_RATE;
/// Mel hops in a video frame.
pub(crate) const FRAME_HOPS: u64 = 4;
/// The duration of one video frame.
pub const FRAME_DURATION: Duration = Duration::from_millis(1000 / FRAME_RATE as u64);

/// First sample of frame `frame` at `rate_hz` (and one past the last sample of the frame before).
pub(crate) const fn frame_start(frame: u64, rate_hz: u32) -> u64 {
    // u128 is not needed: at 192 kHz a u64 overflows after 15 000 years.
    frame * rate_hz as u64 / FRAME_RATE as u64
}

/// Number of frames that `samples` at `rate_hz` fill, the last one perhaps in part: `ceil(25 n /
/// r)`.
pub(crate) const fn frame_count(samples: u64, rate_hz: u32) -> u64 {
    (samples * FRAME_RATE as u64).div_ceil(rate_hz as u64)
}

/// Where a real-time session takes its time from.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Clock {
    /// The system's monotonic clock.
    #[default]
    System,
    /// A clock that is moved by hand; sessions on it never wait.
    Manual(ManualClock),
}

/// A clock that stands still until [advanced](ManualClock::advance), for tests and simulations.
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Arc<Hand>);

/// The time in nanoseconds, and the tasks that wait for it to change.
#[derive(Debug, Default)]
struct Hand {
    nanos: AtomicU64,
    waiting: Mutex<Vec<Waker>>,
}

impl ManualClock {
    /// A clock at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves the clock forward; at 292 years it stands still for good.
    pub fn advance(&self, by: Duration) {
        // Times of frames are computed from this one, and are not to overflow either.
        const END: u64 = u64::MAX / 2;
        let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        let moved = |now: u64| Some(now.saturating_add(nanos).min(END));
        let nanos = &self.0.nanos;
        let _ = nanos.fetch_update(Ordering::Relaxed, Ordering::Relaxed, moved);
        let waiting = std::mem::take(&mut *self.waiting());
        for waker in waiting {
            waker.wake();
        }
    }

    /// Wakes `waker` once, when the clock is advanced next.
    pub(crate) fn wake_when_moved(&self, waker: &Waker) {
        let mut waiting = self.waiting();
        if !waiting.iter().any(|known| known.will_wake(waker)) {
            waiting.push(waker.clone());
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waker>> {
        let waiting = self.0.waiting.lock();
        waiting.unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running clock: time since the session's start.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    source: Source,
}

#[derive(Debug)]
enum Source {
    System(Instant),
    Manual(ManualClock, u64),
}

impl Stopwatch {
    pub(crate) fn start(clock: &Clock) -> Self {
        let source = match clock {
            Clock::System => Source::System(Instant::now()),
            Clock::Manual(manual) => {
                Source::Manual(manual.clone(), manual.0.nanos.load(Ordering::Relaxed))
            }
        };
        Self { source }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        match &self.source {
            Source::System(start) => start.elapsed(),
            Source::Manual(clock, start) => {
                Duration::from_nanos(clock.0.nanos.load(Ordering::Relaxed) - start)
            }
        }
    }

    /// The moment `after` the start; None on a clock that is moved by hand, for which nobody can
    /// wait.
    pub(crate) fn instant(&self, after: Duration) -> Option<Instant> {
        match &self.source {
            Source::System(start) => Some(*start + after),
            Source::Manual(..) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Found by fuzzing: a clock that overflows runs backwards.
    #[test]
    fn a_clock_that_is_moved_too_far_stands_still() {
        let clock = ManualClock::new();
        clock.advance(Duration::from_secs(1));
        let watch = Stopwatch::start(&Clock::Manual(clock.clone()));
        clock.advance(Duration::from_nanos(u64::MAX));
        let end = watch.elapsed();
        assert!(end > Duration::from_secs(292 * 365 * 86_400), "{end:?}");
        clock.advance(Duration::MAX);
        assert_eq!(watch.elapsed(), end, "for good");
    }

    #[test]
    fn frames_tile_every_rate_without_drift() {
        for rate in [
            8_000, 11_025, 12_345, 16_000, 22_050, 44_100, 48_000, 192_000,
        ] {
            let hours = 20 * 3600 * u64::from(FRAME_RATE);
            assert_eq!(
                frame_start(hours, rate),
                20 * 3600 * u64::from(rate),
                "rate {rate}"
            );
            for samples in [1, 2, 639, 640, 641, 17_777, 1_000_003] {
                let count = frame_count(samples, rate);
                assert!(
                    frame_start(count, rate) >= samples,
                    "rate {rate}, {samples} samples"
                );
                assert!(
                    frame_start(count - 1, rate) < samples,
                    "rate {rate}, {samples} samples"
                );
            }
        }
    }
}
