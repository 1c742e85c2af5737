//! What a session has been through.

use std::time::Duration;

/// Counts of what happened in a session since it began.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Statistics {
    /// Frames drawn.
    pub frames: u64,
    /// Those of them that belong to an utterance.
    pub speech: u64,
    /// Those that left more than 20 ms after they were due.
    pub late: u64,
    /// Pictures that were left out because their time had passed.
    pub skipped: u64,
    /// Frames for which the audio of an utterance had not arrived in time.
    pub underruns: u64,
    /// Frames whose picture is not the one that was planned, since a base frame is damaged or a network
    /// failed ([`concealed`](crate::FrameFlags::concealed)).
    pub concealed: u64,
    /// Times the clock started anew because nobody had asked for a frame for a second.
    pub restarts: u64,
    /// Audio samples handed out.
    pub samples: u64,
    /// The longest time between a frame's due time and its leaving.
    pub worst_delay: Duration,
}
