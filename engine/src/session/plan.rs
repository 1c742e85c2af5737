//! The kind of a frame period, and the plan of its frame, which is known before its networks run.

/// The kind of a frame period of 40 ms.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum FrameKind {
    /// A frame of speech; the utterance's last one if `last`.
    Speech { last: bool },
    /// A frame that closes the mouth after an interruption.
    Closing,
    /// No utterance is under way, or it is paused.
    Idle,
    /// An utterance is under way, but its audio has not arrived (underrun).
    Starved,
    /// An utterance begins, and the look-ahead of its first frame has not arrived yet.
    Waiting,
}

impl FrameKind {
    /// The last frame of an utterance.
    pub(super) const LAST: Self = Self::Speech { last: true };
}

/// A frame that is going to be made, before any network runs for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) kind: FrameKind,
    /// 0 for a frame without sound.
    pub(super) rate_hz: u32,
    /// How far the noise gate is open, in [0, 1]; 0 where the mouth rests.
    pub(super) gate: f32,
    pub(super) muted: bool,
    /// Every coefficient is driven from outside.
    pub(super) driven: bool,
}

impl Plan {
    /// A frame without speech.
    pub(super) fn silent(kind: FrameKind) -> Self {
        Self {
            kind,
            rate_hz: 0,
            gate: 0.0,
            muted: false,
            driven: false,
        }
    }

    /// Whether the speech network has to run for it.
    pub(super) fn needs_speech(&self) -> bool {
        self.gate > 0.0 && !self.driven
    }
}
