//! Counts of a session's frames.

use std::time::Duration;

use crate::Frame;

/// Counts of what happened in a session since it began.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Statistics {
    /// Frames drawn.
    pub frames: u64,
    /// Frames that belong to an utterance.
    pub speech: u64,
    /// Frames that left more than 20 ms after they were due.
    pub late: u64,
    /// Pictures that were dropped because their time had passed.
    pub skipped: u64,
    /// Frames for which the audio of an utterance had not arrived in time.
    pub underruns: u64,
    /// Frames whose picture is not the one that was planned, since a base frame is damaged or a network
    /// failed ([`concealed`](crate::FrameFlags::concealed)).
    pub concealed: u64,
    /// Times the clock started anew because no frame was asked for during a second.
    pub restarts: u64,
    /// Audio samples handed out.
    pub samples: u64,
    /// The longest time between a frame's due time and its leaving.
    pub worst_delay: Duration,
}

impl Statistics {
    /// Counts a frame that leaves so `late`.
    pub(super) fn add(&mut self, frame: &Frame, late: Duration) {
        let flags = frame.flags;
        self.frames += 1;
        self.speech += u64::from(flags.speech);
        self.late += u64::from(flags.late);
        self.skipped += u64::from(flags.skipped);
        self.underruns += u64::from(flags.underrun);
        self.concealed += u64::from(flags.concealed);
        self.samples += frame.audio.len() as u64;
        self.worst_delay = self.worst_delay.max(late);
    }
}
