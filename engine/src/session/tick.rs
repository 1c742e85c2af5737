//! What ticks are, how they are ordered, and what is known of one before its networks have run.

use std::sync::Mutex;

use super::ring::{Ring, State};
use crate::infer::Terminator;
use crate::schedule::Deadline;

/// What a tick turned out to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tick {
    /// A frame of speech; the utterance's last one if `last`.
    Speech { last: bool },
    /// A frame that closes the mouth after an interruption.
    Closing,
    /// No utterance is under way, or it is paused.
    Idle,
    /// One is, but its audio has not arrived.
    Starved,
    /// One begins, and what its first frame has to hear has not all been said yet.
    Waiting,
}

/// How a tick is to be prepared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order<'a> {
    /// Only if it is sure to be a frame of speech, whatever is pushed until it is due.
    pub(super) ahead: bool,
    /// Ticks whose pictures are to be left out before it. An utterance's last one is shown in any case.
    pub(super) leave_out: u64,
    pub(super) deadline: Deadline,
    /// Mouth and motion as they were drawn last, to go back to on an interruption.
    pub(super) drawn: &'a Mutex<State>,
    /// What is prepared already.
    pub(super) ring: &'a Mutex<Ring>,
    /// Ends the networks' runs when the session is cancelled. None in the pool, where a run may serve
    /// other sessions too.
    pub(super) terminator: Option<&'a Terminator>,
}

/// What a tick is going to be, before any network has run for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draft {
    pub(super) tick: Tick,
    pub(super) rate_hz: u32,
    /// How far the gate is open; 0 where the mouth rests.
    pub(super) gate: f32,
    /// Whether the speech network has to hear its window.
    pub(super) hears: bool,
}

impl Draft {
    pub(super) fn silent(tick: Tick) -> Self {
        Self {
            tick,
            rate_hz: 0,
            gate: 0.0,
            hears: false,
        }
    }
}
