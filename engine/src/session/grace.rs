//! When it costs pictures to draw late.

/// Ticks from one time that a delay costs nothing to the next: a second.
const INTERVAL: u64 = 25;

/// Tells those who stalled from those who are too slow.
///
/// Whoever stalled is handed what he missed picture by picture, as fast as he takes it. Where he can't
/// take it faster than it plays, since he waits for room in a queue of sound, he stays as late as he is.
/// To hand him all of the missed sound at once would keep him away until it is played, and so make him
/// late again, for as long as anybody speaks. But whoever is too slow for 25 pictures a second comes
/// later and later, until some are left out.
#[derive(Debug, Default)]
pub(super) struct Grace {
    /// How many ticks were overdue when a frame was drawn last.
    behind: u64,
    /// How many may be at no cost.
    allowed: u64,
    /// From which tick on more may be.
    again: u64,
}

impl Grace {
    /// The first tick whose picture is to be shown, where the next one is `next` and `current` is due:
    /// one of them. `punctual` says that the last frame left in time.
    pub(super) fn oldest(&mut self, next: u64, current: u64, punctual: bool) -> u64 {
        let behind = current.saturating_sub(next);
        let grown = behind.saturating_sub(self.behind);
        self.behind = behind;
        if behind > self.allowed {
            let stalled = punctual || grown > 1;
            if !stalled || current < self.again {
                (self.behind, self.allowed) = (0, 0);
                return current;
            }
            self.again = current + INTERVAL;
            self.allowed = behind;
        } else if behind == 0 {
            self.allowed = 0;
        }
        next
    }
}
