//! Time, in integers only: which samples belong to which video frame, and when a frame is due.
//!
//! Frame `k` of an utterance covers samples `[640 k, 640 k + 640)` at 16 kHz and, at the caller's
//! rate `r`, samples `[floor(k r / 25), floor((k + 1) r / 25))`. Nothing is accumulated, so nothing
//! drifts.

#[cfg_attr(target_family = "wasm", path = "clock/page.rs")]
mod instant;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

pub use instant::Instant;

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

/// The source of a real-time session's time.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Clock {
    /// The system's monotonic clock.
    #[default]
    System,
    /// A clock of the host's, such as a sound card's: sessions on it wait and prepare ahead as on the
    /// system's.
    Host(HostClock),
    /// A clock that is moved by hand; sessions on it never wait.
    Manual(ManualClock),
}

/// A clock that runs at the host's pace: the host says now and then where it stands, such as how much
/// sound has been played. In between it goes on with the system's clock, for 200 ms at most, so that a
/// sound card that stops stops the frames.
///
/// ```
/// use std::time::Duration;
/// use essence::SessionOptions;
/// use essence::clock::{Clock, HostClock};
/// let clock = HostClock::new();
/// let options = SessionOptions::default().clock(Clock::Host(clock.clone()));
/// // In the callback of the sound card:
/// # let (played, rate_hz) = (48_000_u64, 48_000);
/// clock.set_position(Duration::from_nanos(played * 1_000_000_000 / rate_hz));
/// ```
#[derive(Clone, Debug, Default)]
pub struct HostClock(Arc<Position>);

/// Two numbers, since a callback can't wait for a lock. A reader between both writes is wrong about the
/// longest extrapolation alone.
#[derive(Debug, Default)]
struct Position {
    /// The host's time minus the system's, in nanoseconds.
    offset: AtomicI64,
    /// The system's time when it was set.
    set_at: AtomicU64,
}

/// Longest time for which a host's clock goes on by itself: twice the period of slow sound cards.
const LONGEST_EXTRAPOLATION_NS: u64 = 200_000_000;
/// Shortest wait for a host's clock that stands still.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
/// Longest wait for a host's clock, so that a jump forwards is noticed.
const LONGEST_WAIT: Duration = Duration::from_millis(20);

impl HostClock {
    /// A clock at zero. It begins to run with the first [`set_position`](Self::set_position).
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that the host's time is `position` now. A sound card's callback is a good place: every 5 to
    /// 100 ms. For the sessions, time never goes back: where a position lies before the time that was
    /// reached, it stands still until that is caught up, or until
    /// [`restart_clock`](crate::Session::restart_clock).
    ///
    /// # Real time
    /// Takes no lock, doesn't allocate and wakes nobody.
    pub fn set_position(&self, position: Duration) {
        self.set(position, system_ns());
    }

    fn set(&self, position: Duration, system_ns: u64) {
        let position = i64::try_from(position.as_nanos()).unwrap_or(i64::MAX);
        let offset = position.saturating_sub_unsigned(system_ns);
        self.0.offset.store(offset, Ordering::Release);
        self.0.set_at.store(system_ns.max(1), Ordering::Release);
    }

    /// The host's time in nanoseconds, at this time of the system's.
    fn at(&self, system_ns: u64) -> u64 {
        let set_at = self.0.set_at.load(Ordering::Acquire);
        let offset = self.0.offset.load(Ordering::Acquire);
        if set_at == 0 {
            return 0;
        }
        let latest = system_ns.min(set_at.saturating_add(LONGEST_EXTRAPOLATION_NS));
        let now = i128::from(latest) + i128::from(offset);
        // Times of frames are computed from this one, and are not to overflow either.
        now.clamp(0, i128::from(u64::MAX / 2)) as u64
    }

    fn now(&self) -> u64 {
        self.at(system_ns())
    }
}

/// The system's time in nanoseconds since the first call.
fn system_ns() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX)
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
    /// With its time at the start, and the latest that was read.
    Host(HostClock, u64, AtomicU64),
}

impl Stopwatch {
    pub(crate) fn start(clock: &Clock) -> Self {
        let source = match clock {
            Clock::System => Source::System(Instant::now()),
            Clock::Manual(manual) => {
                Source::Manual(manual.clone(), manual.0.nanos.load(Ordering::Relaxed))
            }
            Clock::Host(host) => {
                let start = host.now();
                Source::Host(host.clone(), start, AtomicU64::new(start))
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
            Source::Host(clock, start, latest) => {
                let now = clock.now();
                let latest = latest.fetch_max(now, Ordering::Relaxed).max(now);
                Duration::from_nanos(latest - start)
            }
        }
    }

    /// The moment `after` the start, on a host's clock as far as that is known; None on a clock that is
    /// moved by hand, for which nobody can wait.
    pub(crate) fn instant(&self, after: Duration) -> Option<Instant> {
        match &self.source {
            Source::System(start) => Some(*start + after),
            Source::Manual(..) => None,
            Source::Host(..) => {
                let (now, elapsed) = (Instant::now(), self.elapsed());
                match after.checked_sub(elapsed) {
                    Some(left) => Some(now + left.max(SHORTEST_WAIT)),
                    None => now.checked_sub(elapsed - after).or(Some(now)),
                }
            }
        }
    }

    /// How long to wait at a time for something that is `early`: as long as it is, but on a host's clock,
    /// which may jump or stand still.
    pub(crate) fn wait_for(&self, early: Duration) -> Duration {
        match &self.source {
            Source::Host(..) => early.clamp(SHORTEST_WAIT, LONGEST_WAIT),
            _ => early,
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

    /// Ten minutes on a sound card whose clock is off by 0.1 %, in callbacks of 10 ms that come up to
    /// 3 ms late.
    #[test]
    fn a_hosts_clock_is_followed_at_any_rate() {
        for per_mille in [999, 1_000, 1_001] {
            let clock = HostClock::new();
            for callback in 1..60_000u64 {
                let system = callback * 10_000_000 + callback * 7_919 % 3_000_000;
                let played = system * per_mille / 1_000;
                clock.set(Duration::from_nanos(played), system);
                for after in [0, 1, 4_000_000, 9_999_999] {
                    let truth = (system + after) * per_mille / 1_000;
                    let read = clock.at(system + after);
                    assert!(read.abs_diff(truth) < 11_000, "{read} instead of {truth}");
                }
            }
        }
    }

    #[test]
    fn a_hosts_clock_that_is_not_set_stands_still() {
        let clock = HostClock::new();
        assert_eq!((clock.at(5), clock.at(u64::MAX)), (0, 0), "never set");
        clock.set(Duration::from_secs(7), 1_000);
        assert_eq!(clock.at(1_000), 7_000_000_000);
        let end = 7_000_000_000 + LONGEST_EXTRAPOLATION_NS;
        assert_eq!(clock.at(10_000_000_000), end, "the card has stopped");
        assert_eq!(clock.at(u64::MAX), end);
        clock.set(Duration::MAX, 2_000);
        assert!(clock.at(u64::MAX) <= u64::MAX / 2, "no overflow");
    }

    #[test]
    fn a_sessions_time_never_goes_back_on_a_hosts_clock() {
        let clock = HostClock::new();
        clock.set_position(Duration::from_secs(10));
        let watch = Stopwatch::start(&Clock::Host(clock.clone()));
        clock.set_position(Duration::from_secs(12));
        let before = watch.elapsed();
        // The start was read up to 200 ms behind the first position.
        assert!(before >= Duration::from_millis(1_800), "{before:?}");
        clock.set_position(Duration::from_secs(3));
        assert!(watch.elapsed() >= before);
        let again = Stopwatch::start(&Clock::Host(clock));
        assert!(again.elapsed() < Duration::from_secs(1), "anew from there");
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
