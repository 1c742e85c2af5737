//! How a frame is to be prepared.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use super::ring::{Ring, State};
use crate::infer::Terminator;
use crate::schedule::Deadline;

/// How a frame is to be prepared.
#[derive(Clone, Copy, Debug)]
pub(super) struct PrepareRequest<'a> {
    /// Prepare it only if it is sure to be a frame of speech, whatever is pushed until it is due.
    pub(super) ahead: bool,
    /// Frame periods before it whose pictures are dropped. An utterance's last one never is.
    pub(super) drop: u64,
    pub(super) deadline: Deadline,
    /// Ends the wait for a permit. None in the pool, as the terminator.
    pub(super) cancelled: Option<&'a AtomicBool>,
    /// Mouth and motion of the frame presented last, to go back to on an interruption.
    pub(super) presented: &'a Mutex<State>,
    /// The frames that are prepared already.
    pub(super) ring: &'a Mutex<Ring>,
    /// Ends the networks' runs when the session is cancelled. None in the pool, where a run may serve
    /// other sessions, too.
    pub(super) terminator: Option<&'a Terminator>,
}
