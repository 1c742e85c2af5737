//! Frames that are prepared but not drawn yet: all of a frame but its picture's pixels.
//!
//! The ring holds what the networks made, not finished pictures: a patch is a fifth of a picture,
//! and composing straight into the caller's memory saves the copy.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::tick::Tick;
use crate::Error;
use crate::clock::{FRAME_DURATION, Stopwatch};
use crate::compose::base::BaseFrame;
use crate::compose::blend::Patch;
use crate::motion::Player;
use crate::motion::mouth::Mouth;
use crate::schedule::Deadline;

/// Frames that are prepared ahead at most.
pub(super) const RING_FRAMES: usize = 6;

/// A prepared frame.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) tick: Tick,
    /// Ticks just before it whose pictures are left out; their sound is here.
    pub(super) left_out: u64,
    /// Interruptions up to when it was prepared.
    pub(super) generation: u64,
    /// Changes up to when it was prepared.
    pub(super) revision: u64,
    /// As it was pushed, muted or not.
    pub(super) audio: Vec<f32>,
    pub(super) audio_rate_hz: u32,
    pub(super) muted: bool,
    pub(super) arkit: Vec<f32>,
    pub(super) base_frame: usize,
    /// The gesture that was asked for when it was prepared.
    pub(super) gesture: Option<usize>,
    /// The base frame's pixels, where a picture is wanted.
    pub(super) base: Option<Arc<BaseFrame>>,
    /// The base frame that is faded out.
    pub(super) leaving: Option<Leaving>,
    /// Whether the patch belongs to the picture.
    pub(super) placed: bool,
    pub(super) patch: Patch,
    pub(super) state: State,
}

/// A base frame that gives way to another.
#[derive(Debug)]
pub(super) struct Leaving {
    pub(super) base_frame: usize,
    pub(super) base: Arc<BaseFrame>,
    /// How much of it shows still, in 256ths.
    pub(super) weight: u16,
}

/// What there was to be taken out of a ring.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Popped {
    Frame,
    /// There is one, not due yet.
    Early,
    Nothing,
}

/// Where mouth and motion stand after a frame.
#[derive(Debug)]
pub(super) struct State {
    pub(super) mouth: Mouth,
    pub(super) player: Player,
}

/// Prepared frames in order, and the time that they are due.
#[derive(Debug)]
pub(super) struct Ring {
    slots: VecDeque<Slot>,
    spare: Vec<Slot>,
    coefficients: usize,
    /// What went wrong while preparing.
    pub(super) failed: Option<Error>,
    /// Runs from the first frame that is asked for.
    pub(super) clock: Option<Stopwatch>,
    /// Index of the next frame to draw.
    pub(super) index: u64,
    /// Index of the frame that was due when the clock started.
    pub(super) first: u64,
    /// Index of the first frame whose picture is to be shown: whoever draws is too late for those before.
    pub(super) oldest: u64,
}

impl Slot {
    pub(super) fn new(coefficients: usize) -> Self {
        Self {
            tick: Tick::Idle,
            left_out: 0,
            generation: 0,
            revision: 0,
            audio: Vec::new(),
            audio_rate_hz: 0,
            muted: false,
            arkit: Vec::new(),
            base_frame: 0,
            gesture: None,
            base: None,
            leaving: None,
            placed: false,
            patch: Patch::default(),
            state: State::new(coefficients),
        }
    }

    /// Ticks that pass with it.
    pub(super) fn ticks(&self) -> u64 {
        self.left_out + 1
    }

    /// Begins anew: no sound, nothing left out.
    pub(super) fn clear(&mut self) {
        self.left_out = 0;
        self.audio.clear();
        self.audio_rate_hz = 0;
        self.muted = false;
        self.gesture = None;
    }
}

impl State {
    pub(super) fn new(coefficients: usize) -> Self {
        Self {
            mouth: Mouth::new(coefficients),
            player: Player::default(),
        }
    }

    pub(super) fn set(&mut self, mouth: &Mouth, player: Player) {
        self.mouth.copy_from(mouth);
        self.player = player;
    }
}

impl Ring {
    pub(super) fn new(coefficients: usize) -> Self {
        Self {
            slots: VecDeque::with_capacity(RING_FRAMES),
            spare: Vec::with_capacity(RING_FRAMES + 1),
            coefficients,
            failed: None,
            clock: None,
            index: 0,
            first: 0,
            oldest: 0,
        }
    }

    /// Room for one more frame, once somebody draws and unless the ring is full.
    pub(super) fn room(&mut self) -> Option<Slot> {
        if self.clock.is_none() || self.slots.len() >= RING_FRAMES {
            return None;
        }
        Some(self.spare_slot())
    }

    fn spare_slot(&mut self) -> Slot {
        self.spare
            .pop()
            .unwrap_or_else(|| Slot::new(self.coefficients))
    }

    /// Gives room back. A spare slot holds on to no base frames.
    pub(super) fn put_back(&mut self, mut slot: Slot) {
        slot.base = None;
        slot.leaving = None;
        self.spare.push(slot);
    }

    pub(super) fn push(&mut self, slot: Slot) {
        self.slots.push_back(slot);
    }

    /// Exchanges `shown` for the next prepared frame, if there is one that nothing has overtaken and
    /// that is due with tick `current`.
    /// Those from before an interruption are dropped, those from before a change stay, to be
    /// [undone](Self::undo).
    pub(super) fn pop(
        &mut self,
        current: u64,
        (generation, revision): (u64, u64),
        shown: &mut Slot,
    ) -> Popped {
        while let Some(slot) = self.slots.pop_front() {
            if slot.generation != generation {
                self.put_back(slot);
                continue;
            }
            let popped = if slot.revision != revision {
                Popped::Nothing
            } else if self.index + slot.left_out > current {
                Popped::Early
            } else {
                self.index += slot.ticks();
                self.put_back(std::mem::replace(shown, slot));
                return Popped::Frame;
            };
            self.slots.push_front(slot);
            return popped;
        }
        Popped::Nothing
    }

    /// Takes out the frame that was prepared last.
    pub(super) fn undo(&mut self) -> Option<Slot> {
        self.slots.pop_back()
    }

    /// Whether no frame is prepared.
    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// When the next frame that is not prepared yet is due.
    pub(super) fn deadline(&self) -> Deadline {
        self.clock
            .as_ref()
            .and_then(|clock| clock.instant(self.due_after_all()))
            .map_or(Deadline::Whenever, Deadline::At)
    }

    /// How many ticks are to be left out before the next frame that is prepared, where `lag` is what a
    /// session waits for that: those that whoever draws is too late for, and if the lag is longer than a
    /// frame, those that are due before the session is likely to be served again.
    pub(super) fn leave_out(&self, lag: Duration) -> u64 {
        if lag < FRAME_DURATION {
            return self.oldest.saturating_sub(self.index + self.prepared());
        }
        let until = self.elapsed() + lag + FRAME_DURATION;
        ticks(until.saturating_sub(self.due_after_all()))
    }

    /// When the next frame that is not prepared yet is due, since the clock's start.
    fn due_after_all(&self) -> Duration {
        self.due() + after(self.prepared())
    }

    /// Ticks that are prepared.
    fn prepared(&self) -> u64 {
        self.slots.iter().map(Slot::ticks).sum()
    }

    /// Time since the clock's start.
    pub(super) fn elapsed(&self) -> Duration {
        self.clock
            .as_ref()
            .map_or(Duration::ZERO, Stopwatch::elapsed)
    }

    /// Whether the clock is moved by hand, so that nobody can wait for it.
    pub(super) fn is_manual(&self) -> bool {
        let clock = self.clock.as_ref();
        clock.is_some_and(|clock| clock.instant(Duration::ZERO).is_none())
    }

    /// When the next tick is due, since the clock's start.
    pub(super) fn due(&self) -> Duration {
        after(self.index - self.first)
    }

    /// When the next frame to draw is due: ticks that are [left out](Slot::left_out) are let pass.
    pub(super) fn next_due(&self, generation: u64, revision: u64) -> Duration {
        let next = self.slots.front();
        let next = next.filter(|slot| (slot.generation, slot.revision) == (generation, revision));
        self.due() + after(next.map_or(0, |slot| slot.left_out))
    }

    /// The tick that is due at a time since the clock's start.
    pub(super) fn tick_at(&self, time: Duration) -> u64 {
        self.first + ticks(time)
    }
}

/// Whole ticks in a time.
pub(super) fn ticks(time: Duration) -> u64 {
    (time.as_nanos() / FRAME_DURATION.as_nanos()) as u64
}

/// Time that so many ticks take.
pub(super) fn after(ticks: u64) -> Duration {
    Duration::from_nanos(ticks * FRAME_DURATION.as_nanos() as u64)
}
