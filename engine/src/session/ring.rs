//! Frames that are prepared but not drawn yet: all of a frame but its picture's pixels.
//!
//! The ring holds what the networks made, not finished pictures: a patch is a fifth of a picture,
//! and composing straight into the caller's memory saves the copy.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::plan::FrameKind;
use crate::Error;
use crate::clock::{FRAME_DURATION, Stopwatch};
use crate::compose::base::BaseFrame;
use crate::compose::blend::Patch;
use crate::motion::mouth::Mouth;
use crate::motion::{AnimationState, GestureEvents};
use crate::portrait::Rig;
use crate::schedule::Deadline;

/// Frames that are prepared ahead at most.
pub(super) const RING_FRAMES: usize = 6;

/// A prepared frame.
#[derive(Debug)]
pub(super) struct PreparedFrame {
    pub(super) kind: FrameKind,
    /// Frame periods just before it whose pictures are dropped; their sound is here.
    pub(super) dropped: u64,
    /// Frames of speech whose sound is here.
    pub(super) speech_frames: u64,
    /// Number of interruptions before it was prepared.
    pub(super) interruptions: u64,
    /// Number of changes (mute, pause) before it was prepared.
    pub(super) changes: u64,
    /// As it was pushed, muted or not.
    pub(super) audio: Vec<f32>,
    pub(super) audio_rate_hz: u32,
    pub(super) muted: bool,
    /// The tag that its sound was pushed with, 0 without one.
    pub(super) tag: u64,
    pub(super) arkit: Vec<f32>,
    pub(super) base_frame: usize,
    /// The gesture whose request it took.
    pub(super) gesture: Option<usize>,
    /// Gestures that begin or end with it.
    pub(super) gestures: GestureEvents,
    /// The base frame's pixels, where a picture is wanted.
    pub(super) base: Option<Arc<BaseFrame>>,
    pub(super) crossfade: Option<Crossfade>,
    /// Whether the patch belongs to the picture.
    pub(super) has_patch: bool,
    /// The rig of a portrait.
    pub(super) rig: Option<Rig>,
    /// The mouth of a film whose own pixels move; empty: at rest.
    pub(super) mouth: Vec<f32>,
    /// How far it is there, in [0, 1].
    pub(super) presence: f32,
    pub(super) patch: Patch,
    /// A part of the picture failed and something else stands in for it.
    pub(super) concealed: bool,
    /// Mouth and motion after it.
    pub(super) state: State,
}

/// The base frame that a crossfade comes from.
#[derive(Debug)]
pub(super) struct Crossfade {
    pub(super) base_frame: usize,
    pub(super) base: Arc<BaseFrame>,
    /// How much of it still shows, in 256ths.
    pub(super) weight: u16,
}

/// The result of taking a frame out of the ring.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Popped {
    Frame,
    /// There is one, not due yet.
    Early,
    Nothing,
}

/// The state of mouth and motion after a frame.
#[derive(Debug)]
pub(super) struct State {
    pub(super) mouth: Mouth,
    pub(super) animation: AnimationState,
}

/// Prepared frames in order, and the time that they are due.
#[derive(Debug)]
pub(super) struct Ring {
    frames: VecDeque<PreparedFrame>,
    spare: Vec<PreparedFrame>,
    coefficients: usize,
    /// An error that the next draw returns.
    pub(super) failed: Option<Error>,
    /// Runs from the first frame that is asked for.
    pub(super) clock: Option<Stopwatch>,
    /// Index of the next frame to draw.
    pub(super) index: u64,
    /// Index of the frame that was due when the clock started.
    pub(super) first: u64,
    /// Index of the first frame whose picture is wanted: the draw is too late for those before.
    pub(super) wanted: u64,
}

impl PreparedFrame {
    pub(super) fn new(coefficients: usize) -> Self {
        Self {
            kind: FrameKind::Idle,
            dropped: 0,
            speech_frames: 0,
            interruptions: 0,
            changes: 0,
            audio: Vec::new(),
            audio_rate_hz: 0,
            muted: false,
            tag: 0,
            arkit: Vec::new(),
            base_frame: 0,
            gesture: None,
            gestures: GestureEvents::default(),
            base: None,
            crossfade: None,
            has_patch: false,
            rig: None,
            mouth: Vec::new(),
            presence: 0.0,
            patch: Patch::default(),
            concealed: false,
            state: State::new(coefficients),
        }
    }

    /// Frame periods that pass with it.
    pub(super) fn periods(&self) -> u64 {
        self.dropped + 1
    }

    /// Begins anew: no sound, nothing dropped.
    pub(super) fn clear(&mut self) {
        self.dropped = 0;
        self.speech_frames = 0;
        self.audio.clear();
        self.audio_rate_hz = 0;
        self.muted = false;
        self.tag = 0;
        self.gesture = None;
        self.gestures = GestureEvents::default();
        self.concealed = false;
    }
}

impl State {
    pub(super) fn new(coefficients: usize) -> Self {
        Self {
            mouth: Mouth::new(coefficients),
            animation: AnimationState::default(),
        }
    }

    pub(super) fn set(&mut self, mouth: &Mouth, animation: AnimationState) {
        self.mouth.copy_from(mouth);
        self.animation = animation;
    }
}

impl Ring {
    pub(super) fn new(coefficients: usize) -> Self {
        Self {
            frames: VecDeque::with_capacity(RING_FRAMES),
            spare: Vec::with_capacity(RING_FRAMES + 1),
            coefficients,
            failed: None,
            clock: None,
            index: 0,
            first: 0,
            wanted: 0,
        }
    }

    /// Room for one more frame, once the clock runs and unless the ring is full.
    pub(super) fn room(&mut self) -> Option<PreparedFrame> {
        if self.clock.is_none() || self.frames.len() >= RING_FRAMES {
            return None;
        }
        let spare = self.spare.pop();
        Some(spare.unwrap_or_else(|| PreparedFrame::new(self.coefficients)))
    }

    /// Gives room back. A spare frame holds on to no base frames.
    pub(super) fn recycle(&mut self, mut frame: PreparedFrame) {
        frame.base = None;
        frame.crossfade = None;
        self.spare.push(frame);
    }

    pub(super) fn push(&mut self, frame: PreparedFrame) {
        self.frames.push_back(frame);
    }

    /// Exchanges `shown` for the next prepared frame, if there is one that is still valid and due with
    /// frame period `current`. Frames from before an interruption are dropped; those from before a
    /// change stay, to be [taken back](Self::pop_last).
    pub(super) fn pop(
        &mut self,
        current: u64,
        (interruptions, changes): (u64, u64),
        shown: &mut PreparedFrame,
    ) -> Popped {
        self.discard_interrupted(interruptions);
        match self.frames.pop_front() {
            None => Popped::Nothing,
            Some(frame) if frame.changes != changes => {
                self.frames.push_front(frame);
                Popped::Nothing
            }
            Some(frame) if self.index + frame.dropped > current => {
                self.frames.push_front(frame);
                Popped::Early
            }
            Some(frame) => {
                self.recycle(std::mem::replace(shown, frame));
                Popped::Frame
            }
        }
    }

    /// Drops the frames that were prepared before the last interruption.
    pub(super) fn discard_interrupted(&mut self, interruptions: u64) {
        while let Some(frame) = self
            .frames
            .pop_front_if(|frame| frame.interruptions != interruptions)
        {
            self.recycle(frame);
        }
    }

    /// Takes out the frame that was prepared last.
    pub(super) fn pop_last(&mut self) -> Option<PreparedFrame> {
        self.frames.pop_back()
    }

    /// The frame that was prepared last.
    pub(super) fn last(&self) -> Option<&PreparedFrame> {
        self.frames.back()
    }

    /// Whether no frame is prepared.
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// When the next frame that is not prepared yet is due.
    pub(super) fn deadline(&self) -> Deadline {
        self.clock
            .as_ref()
            .and_then(|clock| clock.instant(self.due_unprepared()))
            .map_or(Deadline::Whenever, Deadline::At)
    }

    /// How many frame periods are dropped before the next frame that is prepared. `lag` is how long a
    /// session waits from one prepared frame to the next. Dropped are the periods that the draw is too
    /// late for and, where the lag is longer than a frame, those that are due before the session is
    /// likely to be served again.
    pub(super) fn periods_to_drop(&self, lag: Duration) -> u64 {
        if lag < FRAME_DURATION {
            return self.wanted.saturating_sub(self.index + self.prepared());
        }
        let until = self.elapsed() + lag + FRAME_DURATION;
        periods(until.saturating_sub(self.due_unprepared()))
    }

    /// When the next frame that is not prepared yet is due, since the clock's start.
    fn due_unprepared(&self) -> Duration {
        self.due() + after(self.prepared())
    }

    /// Frame periods that are prepared.
    fn prepared(&self) -> u64 {
        self.frames.iter().map(PreparedFrame::periods).sum()
    }

    /// Time since the clock's start.
    pub(super) fn elapsed(&self) -> Duration {
        self.clock
            .as_ref()
            .map_or(Duration::ZERO, Stopwatch::elapsed)
    }

    /// Whether the clock is moved by hand, so that a draw can't wait for it.
    pub(super) fn is_manual(&self) -> bool {
        let clock = self.clock.as_ref();
        clock.is_some_and(|clock| clock.instant(Duration::ZERO).is_none())
    }

    /// When the next frame period begins, since the clock's start.
    pub(super) fn due(&self) -> Duration {
        after(self.index - self.first)
    }

    /// When the next frame to draw is due: periods that it [drops](PreparedFrame::dropped) pass first.
    pub(super) fn next_due(&self, interruptions: u64, changes: u64) -> Duration {
        let next = self.frames.front();
        let next =
            next.filter(|frame| (frame.interruptions, frame.changes) == (interruptions, changes));
        self.due() + after(next.map_or(0, |frame| frame.dropped))
    }

    /// The frame period at a time since the clock's start.
    pub(super) fn period_at(&self, time: Duration) -> u64 {
        self.first + periods(time)
    }
}

/// Whole frame periods in a time.
pub(super) fn periods(time: Duration) -> u64 {
    (time.as_nanos() / FRAME_DURATION.as_nanos()) as u64
}

/// Time that so many frame periods take.
pub(super) fn after(periods: u64) -> Duration {
    Duration::from_nanos(periods * FRAME_DURATION.as_nanos() as u64)
}
