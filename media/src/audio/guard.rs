//! A wall around decoders that others wrote: they are fuzzed, but not yet without a find, and audio
//! files are untrusted.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Does `work`. `None`: it panicked, and what it worked on must not be used again.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}
