//! Tests of the queue, on a time that the tests move, and of the pool's threads.

mod fairness;
mod pool;
mod queue;

use std::time::{Duration, Instant};

use super::share::Share;

const MS: Duration = Duration::from_millis(1);

/// A share of an avatar whose runs were short so far.
fn short() -> Share {
    let share = Share::new();
    share.count(MS, false, Instant::now());
    share
}
