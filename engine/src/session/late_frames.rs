//! Frame dropping by the late-frame policy: when pictures that are overdue are dropped, and when they are
//! drawn late.

use std::time::Duration;

use super::ring::{after, periods};
use crate::clock::FRAME_DURATION;

/// A draw that comes later than the one before by this much is delayed; by less, it drifts.
const DELAY: Duration = Duration::from_millis(10);
/// After so many delays in a row the consumer is too slow.
const DELAYS: u32 = 4;
/// For how many frame periods that holds, at least and at most: twice as long each time.
const SLOW: [u64; 2] = [25, 800];

/// Tells a consumer that was delayed from one that is too slow.
///
/// A consumer that was delayed gets every overdue picture, as fast as it draws. Where it can't draw
/// faster than it plays, since it waits for room in a queue of sound, it stays as late as it is. All of
/// the missed sound in one frame would keep it busy until that is played, and so make it late again, for
/// as long as the speech lasts. A consumer that is too slow for 25 pictures a second comes later each
/// time, not counting the time that the engine made it wait. For a while then, overdue pictures are
/// dropped; the while is limited, since a few delays in a row can be chance.
#[derive(Debug)]
pub(super) struct LateFramePolicy {
    /// How late the last frame was drawn.
    late: Duration,
    /// No picture was dropped before it. Otherwise, how long its sound keeps the consumer is unknown.
    alone: bool,
    /// Delays since a draw without one.
    delays: u32,
    /// Lateness gained by less than a delay each time.
    drift: Duration,
    /// The consumer counts as too slow until this frame period.
    slow_until: u64,
    /// For how many frame periods it will, the next time.
    slow_for: u64,
}

impl Default for LateFramePolicy {
    fn default() -> Self {
        Self {
            late: Duration::ZERO,
            alone: true,
            delays: 0,
            drift: Duration::ZERO,
            slow_until: 0,
            slow_for: SLOW[0],
        }
    }
}

impl LateFramePolicy {
    /// Excuses a time that the engine made the consumer wait.
    pub(super) fn excuse(&mut self, time: Duration) {
        self.late += time;
    }

    /// How many of the overdue pictures are dropped, where the next frame, of frame period `next`, is
    /// drawn so `late`: all or none.
    pub(super) fn dropped(&mut self, next: u64, late: Duration) -> u64 {
        let slow = next < self.slow_until;
        if self.alone {
            let later = late.saturating_sub(self.late);
            if later >= DELAY {
                self.delays += 1;
            } else {
                self.delays = 0;
                let earlier = self.late.saturating_sub(late);
                self.drift = (self.drift + later).saturating_sub(earlier);
                if !slow {
                    self.slow_for = SLOW[0];
                }
            }
        }
        let behind = periods(late);
        if self.delays >= DELAYS {
            self.delays = 0;
            self.slow_until = next + behind + self.slow_for;
            self.slow_for = (2 * self.slow_for).min(SLOW[1]);
        }
        let slow = next < self.slow_until || self.drift >= FRAME_DURATION;
        self.alone = !slow || behind == 0;
        if self.alone {
            self.late = late;
            return 0;
        }
        self.drift = Duration::ZERO;
        // The frame that is drawn is late by this.
        self.late = late - after(behind);
        behind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pictures that a consumer loses that comes 15 ms later each time, `excused` for a part of it.
    fn lost(excused: Duration) -> u64 {
        let mut policy = LateFramePolicy::default();
        let mut late = Duration::ZERO;
        let mut lost = 0;
        for tick in 0..20 {
            let dropped = policy.dropped(tick + lost, late);
            lost += dropped;
            late = late.saturating_sub(after(dropped)) + Duration::from_millis(15);
            policy.excuse(excused);
        }
        lost
    }

    #[test]
    fn a_consumer_that_waited_for_the_engine_is_not_too_slow() {
        assert_eq!(lost(Duration::from_millis(15)), 0);
        assert!(lost(Duration::from_millis(10)) > 0, "it drifts");
        assert!(lost(Duration::ZERO) > 0, "it is delayed");
    }
}
