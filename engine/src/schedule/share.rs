//! Fair shares: how much of the threads the networks of one avatar may take before others go first.
//!
//! The engine's sessions have equal shares of its threads. A leaky bucket per avatar measures what its
//! runs take beyond the shares of its sessions: each run fills it by the time that it took, and it
//! leaks at the rate of the shares. An avatar whose bucket is fuller than [`BURST`] is *over its share*
//! and waits behind all that are not. Since a share that an avatar doesn't use goes to the others, this
//! costs no session anything while there is time for all.
//!
//! A run can't be interrupted, so an avatar whose runs are *long* is kept from occupying all threads:
//! see [`Class`].

use crate::clock::Instant;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::FRAME_DURATION;

/// The time that an avatar may take beyond its share before others go first: a few frames for each session at
/// the begin of an utterance.
const BURST: Duration = Duration::from_millis(100);
/// More is not remembered.
const DEBT_LIMIT: Duration = Duration::from_millis(500);
/// Longer runs than this are as bad as this one: a stall of the machine is soon forgotten.
const LONGEST: Duration = Duration::from_millis(160);
/// Runs over which their length is averaged.
const SMOOTHING: u32 = 16;

/// How long the runs of an avatar's networks are. There are as many slots for short runs as there are
/// threads, and as many for long ones; in all, one run more at a time than threads. So long runs never
/// keep short ones from running.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Class {
    /// Less than a frame's 40 ms.
    Short,
    /// Longer.
    Long,
    /// No run has been measured yet.
    Unknown,
}

impl Class {
    pub(super) const ALL: [Self; 3] = [Self::Short, Self::Long, Self::Unknown];

    /// The kinds of slots that a run may take, the preferred one first.
    pub(super) fn slots(self) -> &'static [usize] {
        match self {
            Self::Short => &[SHORT],
            Self::Long => &[LONG],
            Self::Unknown => &[LONG, SHORT],
        }
    }
}

/// The two kinds of slots.
const SHORT: usize = 0;
const LONG: usize = 1;

/// The standing of an avatar among the others.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Standing {
    pub(super) over_share: bool,
    pub(super) class: Class,
}

impl Standing {
    /// Of an avatar that has run nothing.
    pub(super) const UNKNOWN: Self = Self {
        over_share: false,
        class: Class::Unknown,
    };
}

/// The time that runs of one avatar's networks take.
pub(crate) struct Share(Mutex<Usage>);

struct Usage {
    /// Mean length of the last runs, and how many it is of.
    run: Duration,
    runs: u32,
    /// Time taken beyond the share, at the time `since`.
    debt: Duration,
    since: Option<Instant>,
    /// The share: threads that its sessions may occupy in the long run.
    threads: f64,
}

impl Share {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Usage {
            run: Duration::ZERO,
            runs: 0,
            debt: Duration::ZERO,
            since: None,
            threads: 0.0,
        }))
    }

    /// Counts a run that ended at `now` and `took` so long. A run that was not in real time has no
    /// share, since it waits for all others anyway: only its length counts.
    pub(super) fn count(&self, took: Duration, real_time: bool, now: Instant) {
        let mut usage = self.usage();
        let usage = &mut *usage;
        usage.runs = (usage.runs + 1).min(SMOOTHING);
        usage.run = (usage.run * (usage.runs - 1) + took.min(LONGEST)) / usage.runs;
        if real_time {
            usage.leak(now);
            usage.debt = (usage.debt + took).min(DEBT_LIMIT);
        }
    }

    /// The avatar's standing at `now`.
    pub(super) fn standing(&self, now: Instant) -> Standing {
        let mut usage = self.usage();
        usage.leak(now);
        Standing {
            over_share: usage.debt > BURST,
            class: match usage.runs {
                0 => Class::Unknown,
                _ if usage.run < FRAME_DURATION => Class::Short,
                _ => Class::Long,
            },
        }
    }

    /// Sets the share to so many threads from `now` on.
    pub(super) fn set_threads(&self, threads: f64, now: Instant) {
        let mut usage = self.usage();
        usage.leak(now);
        usage.threads = threads;
    }

    /// When the avatar will be within its share, if it runs nothing from `now` on.
    pub(super) fn within_share_at(&self, now: Instant) -> Instant {
        let mut usage = self.usage();
        usage.leak(now);
        let excess = usage.debt.saturating_sub(BURST).as_secs_f64();
        let wait = Duration::try_from_secs_f64(excess / usage.threads);
        // A nanosecond more than it takes, since the debt is rounded; never less often than once an hour.
        let hour = Duration::from_secs(3600);
        now + wait.unwrap_or(hour).min(hour) + Duration::from_nanos(1)
    }

    fn usage(&self) -> MutexGuard<'_, Usage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Usage {
    /// Lets the bucket leak up to `now`.
    fn leak(&mut self, now: Instant) {
        let since = *self.since.get_or_insert(now);
        if let Some(elapsed) = now.checked_duration_since(since) {
            self.debt = self.debt.saturating_sub(elapsed.mul_f64(self.threads));
            self.since = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn an_avatar_that_takes_more_than_its_share_is_over_it_until_time_has_passed() {
        let (share, begin) = (Share::new(), Instant::now());
        share.set_threads(0.5, begin);
        // Half of the time, in runs of 10 ms.
        for round in 1..100 {
            let now = begin + 20 * round * MS;
            share.count(10 * MS, true, now);
            assert!(!share.standing(now).over_share, "round {round}");
        }
        let now = begin + 2_000 * MS;
        share.count(150 * MS, true, now);
        assert!(share.standing(now).over_share, "150 ms at once");
        let within = share.within_share_at(now);
        assert!(share.standing(within - MS).over_share, "still");
        assert!(!share.standing(within).over_share, "as was said");
    }

    #[test]
    fn runs_that_are_not_in_real_time_take_from_no_share() {
        let (share, now) = (Share::new(), Instant::now());
        share.count(Duration::from_secs(9), false, now);
        assert!(!share.standing(now).over_share, "it waits for all anyway");
        assert_eq!(share.standing(now).class, Class::Long, "its length counts");
    }

    #[test]
    fn runs_that_are_long_are_told_from_a_stall_of_the_machine() {
        let (share, now) = (Share::new(), Instant::now());
        let class = || share.standing(now).class;
        assert_eq!(class(), Class::Unknown, "none was measured");
        share.count(3 * MS, false, now);
        assert_eq!(class(), Class::Short);
        for _ in 0..SMOOTHING {
            share.count(3 * MS, false, now);
        }
        share.count(Duration::from_secs(3), false, now);
        assert_eq!(class(), Class::Short, "the machine stalled");
        for _ in 0..2 * SMOOTHING {
            share.count(50 * MS, false, now);
        }
        assert_eq!(class(), Class::Long, "again and again");
    }

    #[test]
    fn a_debt_has_a_limit() {
        let (share, begin) = (Share::new(), Instant::now());
        share.set_threads(1.0, begin);
        for _ in 0..100 {
            share.count(Duration::from_secs(1), true, begin);
        }
        let within = share.within_share_at(begin);
        assert!(within <= begin + DEBT_LIMIT, "{:?}", within - begin);
    }
}
