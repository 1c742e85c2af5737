//! When it costs pictures to draw late.

use std::time::Duration;

use super::ring::{after, ticks};

/// Ticks from one time that a delay costs nothing to the next: a second.
const INTERVAL: u64 = 25;
/// Whoever comes later than the last time by less is slow, not delayed.
const STALL: Duration = Duration::from_millis(20);

/// Tells those who stalled from those who are too slow.
///
/// Whoever stalled is handed what he missed picture by picture, as fast as he takes it. Where he can't
/// take it faster than it plays, since he waits for room in a queue of sound, he stays as late as he is.
/// To hand him all of the missed sound at once would keep him away until it is played, and so make him
/// late again, for as long as anybody speaks. But whoever is too slow for 25 pictures a second comes
/// later and later, until some are left out.
#[derive(Debug, Default)]
pub(super) struct Grace {
    /// How late the last frame was drawn.
    late: Duration,
    /// How many ticks may be overdue at no cost.
    allowed: u64,
    /// From which tick on more may be.
    again: u64,
}

impl Grace {
    /// Ticks whose pictures are to be left out of those that are overdue, where the next frame is drawn
    /// so `late`, with tick `next`: all or none.
    pub(super) fn left_out(&mut self, next: u64, late: Duration) -> u64 {
        let behind = ticks(late);
        let stalled = late >= self.late + STALL;
        self.late = late;
        if behind > self.allowed {
            if !stalled || next < self.again {
                // That is how late the one is that is drawn.
                self.late = late - after(behind);
                self.allowed = 0;
                return behind;
            }
            self.again = next + behind + INTERVAL;
            self.allowed = behind;
        } else if behind == 0 {
            self.allowed = 0;
        }
        0
    }
}
