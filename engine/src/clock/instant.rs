//! The system's monotonic clock.

pub use std::time::Instant;
