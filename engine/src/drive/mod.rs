//! The mouth driven from outside: ARKit curves and visemes in place of the speech network.
//!
//! `curves` holds keyframes of coefficients, `visemes` what is said and when, by the names of `symbols` and
//! the mouths of `shapes`. An utterance has a [`Track`] of both.

mod curves;
mod shapes;
mod symbols;
mod visemes;

use crate::clock::FRAME_DURATION;
use crate::{Error, ErrorKind, Result};

pub use curves::Curves;
pub(crate) use curves::{ArkitTable, CurveKeys};
pub use symbols::VisemeSet;
pub(crate) use visemes::VisemeEvents;
pub use visemes::{Viseme, Visemes};

/// Nanoseconds of a frame.
const FRAME_NS: u64 = FRAME_DURATION.as_nanos() as u64;

/// The keyframes and visemes that drive the mouth of one utterance.
#[derive(Debug, Default)]
pub(crate) struct Track {
    curves: curves::Keyframes,
    visemes: visemes::Timeline,
}

/// One push of keyframes or visemes.
pub(crate) enum Keys {
    Curves(CurveKeys),
    Visemes(VisemeEvents),
}

impl Keys {
    fn bytes(&self) -> usize {
        match self {
            Self::Curves(keys) => keys.bytes(),
            Self::Visemes(events) => events.bytes(),
        }
    }

    /// Since the utterance's start.
    fn end_ns(&self) -> u64 {
        match self {
            Self::Curves(keys) => keys.end_ns(),
            Self::Visemes(events) => events.end_ns(),
        }
    }
}

impl Track {
    /// Whether `keys` come behind those that are there.
    ///
    /// # Errors
    /// `InvalidArgument`, naming both times.
    pub(crate) fn check(&self, keys: &Keys) -> Result<()> {
        match keys {
            Keys::Curves(keys) => self.curves.check(keys),
            Keys::Visemes(events) => self.visemes.check(events),
        }
    }

    /// Takes keys that were [checked](Self::check).
    pub(crate) fn push(&mut self, keys: Keys) {
        match keys {
            Keys::Curves(keys) => self.curves.push(keys),
            Keys::Visemes(events) => self.visemes.push(events),
        }
    }

    /// Nanoseconds and bytes of the track with `keys`.
    pub(crate) fn size_with(&self, keys: &Keys) -> (u64, usize) {
        (
            self.end_ns().max(keys.end_ns()),
            self.bytes() + keys.bytes(),
        )
    }

    pub(crate) fn bytes(&self) -> usize {
        self.curves.bytes() + self.visemes.bytes()
    }

    /// When the last of it ends.
    pub(crate) fn end_ns(&self) -> u64 {
        self.curves.end_ns().max(self.visemes.end_ns())
    }

    /// Number of frames that it fills.
    pub(crate) fn frames(&self) -> u64 {
        self.end_ns().div_ceil(FRAME_NS)
    }

    /// Whether all that frame `frame` shows is known and another frame comes after it, whatever is pushed
    /// from now on. Visemes set the pace where there are any.
    pub(crate) fn is_ready(&self, frame: u64) -> bool {
        if self.visemes.is_empty() {
            self.curves.end_ns() > (frame + 1) * FRAME_NS
        } else {
            self.visemes.is_ready(frame)
        }
    }

    /// Puts the coefficients of frame `frame` into `driven`, None for those that are not driven.
    /// `names` are the coefficients'. Curves come before visemes.
    pub(crate) fn sample(&self, frame: u64, names: &[String], driven: &mut [Option<f32>]) {
        driven.fill(None);
        self.visemes.sample(frame, names, driven);
        self.curves.sample(frame * FRAME_NS, driven);
    }

    /// Frees what frames from `frame` on don't need.
    pub(crate) fn discard_before(&mut self, frame: u64) {
        self.curves.discard_before(frame * FRAME_NS);
        self.visemes.discard_before(frame * FRAME_NS);
    }
}

/// A time in seconds as nanoseconds.
fn nanoseconds(seconds: f64, what: &str) -> Result<u64> {
    /// Far beyond every queue, and far from an overflow.
    const LAST_S: f64 = 1e9;
    if !(0.0..=LAST_S).contains(&seconds) {
        return Err(invalid(format!(
            "{what} is {seconds}; times are seconds from the utterance's start, 0 or more"
        )));
    }
    Ok((seconds * 1e9).round() as u64)
}

#[cold]
fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}
