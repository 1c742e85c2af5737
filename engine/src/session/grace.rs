//! When it costs pictures to draw late.

use std::time::Duration;

use super::ring::{after, ticks};
use crate::clock::FRAME_DURATION;

/// A delay: what comes later by less than the frame before creeps.
const DELAY: Duration = Duration::from_millis(10);
/// After so many delays at a time, whoever draws is too slow.
const DELAYS: u32 = 4;
/// For how many ticks that holds, at least and at most: twice as long each time.
const SLOW: [u64; 2] = [25, 800];

/// Tells those who were delayed from those who are too slow.
///
/// Whoever was delayed is handed what he missed picture by picture, as fast as he takes it. Where he
/// can't take it faster than it plays, since he waits for room in a queue of sound, he stays as late as
/// he is. To hand him all of the missed sound at once would keep him away until it is played, and so
/// make him late again, for as long as anybody speaks. But whoever is too slow for 25 pictures a second
/// comes later each time, apart from what the engine kept him. For a while then, what is overdue is left
/// out; he may have been unlucky.
#[derive(Debug)]
pub(super) struct Grace {
    /// How late the last frame was drawn.
    late: Duration,
    /// Whether none was left out before it: how long its sound kept him is unknown otherwise.
    alone: bool,
    /// Delays since there was none.
    delays: u32,
    /// How much later he comes for other reasons than delays.
    creep: Duration,
    /// Until which tick he is too slow.
    slow_until: u64,
    /// For how long he is the next time.
    slow_for: u64,
}

impl Default for Grace {
    fn default() -> Self {
        Self {
            late: Duration::ZERO,
            alone: true,
            delays: 0,
            creep: Duration::ZERO,
            slow_until: 0,
            slow_for: SLOW[0],
        }
    }
}

impl Grace {
    /// The engine kept whoever draws waiting for so long: what he is late by now is not his.
    pub(super) fn kept(&mut self, time: Duration) {
        self.late += time;
    }

    /// Ticks whose pictures are to be left out of those that are overdue, where the next frame is drawn
    /// so `late`, with tick `next`: all or none.
    pub(super) fn left_out(&mut self, next: u64, late: Duration) -> u64 {
        let slow = next < self.slow_until;
        if self.alone {
            let later = late.saturating_sub(self.late);
            if later >= DELAY {
                self.delays += 1;
            } else {
                self.delays = 0;
                let earlier = self.late.saturating_sub(late);
                self.creep = (self.creep + later).saturating_sub(earlier);
                if !slow {
                    self.slow_for = SLOW[0];
                }
            }
        }
        let behind = ticks(late);
        if self.delays >= DELAYS {
            self.delays = 0;
            self.slow_until = next + behind + self.slow_for;
            self.slow_for = (2 * self.slow_for).min(SLOW[1]);
        }
        let slow = next < self.slow_until || self.creep >= FRAME_DURATION;
        self.alone = !slow || behind == 0;
        if self.alone {
            self.late = late;
            return 0;
        }
        self.creep = Duration::ZERO;
        // That is how late the one is that is drawn.
        self.late = late - after(behind);
        behind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pictures that somebody loses who comes 15 ms later each time, of which the engine `kept` him.
    fn lost(kept: Duration) -> u64 {
        let mut grace = Grace::default();
        let mut late = Duration::ZERO;
        let mut lost = 0;
        for tick in 0..20 {
            let left_out = grace.left_out(tick + lost, late);
            lost += left_out;
            late = late.saturating_sub(after(left_out)) + Duration::from_millis(15);
            grace.kept(kept);
        }
        lost
    }

    #[test]
    fn whoever_waited_for_the_engine_is_not_too_slow() {
        assert_eq!(lost(Duration::from_millis(15)), 0);
        assert!(lost(Duration::from_millis(10)) > 0, "he creeps");
        assert!(lost(Duration::ZERO) > 0, "he is delayed");
    }
}
