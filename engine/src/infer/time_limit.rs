//! The time that several runs may take together.

use crate::clock::Instant;
use std::time::Duration;

use crate::{Error, ErrorKind, Result};

/// How long a self-test may take in all.
pub(crate) struct TimeLimit {
    begin: Instant,
    limit: Duration,
}

impl TimeLimit {
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            begin: Instant::now(),
            limit,
        }
    }

    /// # Errors
    /// `ProviderUnavailable` if it is over.
    pub(crate) fn check(&self) -> Result<()> {
        if self.begin.elapsed() <= self.limit {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::ProviderUnavailable,
            format!(
                "the networks take more than {} s for their self-test: they are too slow to be \
                 drawn in real time",
                self.limit.as_secs()
            ),
        ))
    }
}
