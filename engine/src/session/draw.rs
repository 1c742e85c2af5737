//! Drawing: the wait for a frame's time, the choice of the frame, its picture and its sound.

use crate::clock::Instant;
use std::sync::PoisonError;
use std::time::Duration;

use super::core::{Core, Drawer};
use super::frame_request::{FrameRequest, Next, Wait};
use super::late_frames::LateFramePolicy;
use super::plan::FrameKind;
use super::renderer::lock;
use super::ring::{Popped, PreparedFrame, after, periods};
use crate::clock::{FRAME_DURATION, Stopwatch};
use crate::compose::{CrossfadeSource, Ground, Layers};
use crate::frame::{Frame, FrameFlags};
use crate::options::Pacing;
use crate::schedule::Deadline;
use crate::{Error, ErrorKind, Result};

/// A consumer that comes later than this has been away: the clock starts anew.
const AWAY: Duration = Duration::from_secs(1);
/// A frame that leaves later than this after it was due is flagged as late.
const LATE: Duration = Duration::from_millis(20);

/// The session's position in time.
enum Now {
    /// The next frame is not due, and the call doesn't wait.
    Early,
    /// It is due since `late`, with frame period `next`.
    Due { next: u64, late: Duration },
}

impl Core {
    /// Draws the next frame.
    pub(super) fn draw(&self, frame: &mut Frame, request: FrameRequest<'_, '_>) -> Result<Next> {
        let FrameRequest { target, wait } = request;
        let mut drawer = lock(&self.drawer);
        let drawer = &mut *drawer;
        target.describe(self.size, &self.options, &self.avatar.info, frame)?;
        frame.flags = FrameFlags::default();
        let next = match self.options.pacing {
            Pacing::Realtime => loop {
                let Now::Due { next, late } = self.wait(wait)? else {
                    break Next::Pending;
                };
                let current = next + periods(late);
                let wanted = next + drawer.late_frames.dropped(next, late);
                if self.take_paced(current, wanted, drawer, frame)? {
                    break Next::Frame;
                }
            },
            Pacing::Unpaced => self.take_unpaced(&mut drawer.prepared, frame)?,
        };
        if !next.is_frame() {
            return Ok(next);
        }
        let prepared = &drawer.prepared;
        frame.base_frame = prepared.base_frame;
        frame.arkit.clear();
        frame.arkit.extend_from_slice(&prepared.arkit);
        frame.flags.speech = matches!(prepared.kind, FrameKind::Speech { .. });
        frame.flags.end_of_speech = prepared.kind == FrameKind::LAST;
        frame.flags.underrun = prepared.kind == FrameKind::Starved;
        frame.flags.muted = prepared.muted;
        frame.flags.concealed = prepared.concealed;
        if let (Some(rig), Some(portrait), Some(easel)) =
            (&prepared.rig, &self.avatar.portrait, &mut drawer.easel)
        {
            let layers = Layers {
                base: Ground::Drawn(portrait.draw(rig, easel)),
                moved: None,
                patch: None,
                crossfade: None,
            };
            target.put(&mut drawer.composer, &layers, frame)?;
        } else if let Some(base) = &prepared.base {
            let patch = |frame: usize| {
                let affine = &self.avatar.affines[frame];
                prepared.has_patch.then_some((&prepared.patch, affine))
            };
            let (mut moved, mut moved_from) = (None, None);
            let film = self.avatar.film.as_ref().zip(drawer.sheets.as_mut());
            let is_film = film.is_some();
            if let Some((film, [sheet, other])) = film {
                let mouth = (&prepared.mouth[..], prepared.presence);
                let frame = prepared.base_frame;
                moved = film.draw((frame, base), mouth, patch(frame), sheet);
                if let Some(from) = &prepared.crossfade {
                    let frame = from.base_frame;
                    moved_from = film.draw((frame, &from.base), mouth, patch(frame), other);
                }
            }
            let crossfade = prepared.crossfade.as_ref().map(|from| CrossfadeSource {
                base: &from.base,
                moved: moved_from,
                affine: &self.avatar.affines[from.base_frame],
                weight: from.weight,
            });
            let layers = Layers {
                base: Ground::Frame(base),
                moved,
                patch: patch(prepared.base_frame).filter(|_| !is_film),
                crossfade,
            };
            target.put(&mut drawer.composer, &layers, frame)?;
        }
        self.count(frame);
        self.log_frame(frame);
        Ok(Next::Frame)
    }

    /// Takes the next frame without regard to time.
    fn take_unpaced(&self, prepared: &mut PreparedFrame, frame: &mut Frame) -> Result<Next> {
        let mut renderer = lock(&self.renderer);
        loop {
            let before = {
                if self.is_cancelled() {
                    return Err(cancelled());
                }
                let input = lock(&self.input);
                (input.interruptions, input.changes)
            };
            let request = self.request(false, 0, Deadline::Whenever);
            match self.prepare(&mut renderer, request, prepared)? {
                FrameKind::Speech { .. } | FrameKind::Closing => break,
                FrameKind::Starved | FrameKind::Waiting => return Ok(Next::NeedAudio),
                FrameKind::Idle => {}
            }
            // Audio, an interruption or a change may have come meanwhile: then there is more to say.
            let mut input = lock(&self.input);
            if (input.interruptions, input.changes) != before {
                continue;
            }
            if input.front().is_none() {
                return Ok(Next::Done);
            }
            if input.paused {
                return Ok(Next::Pending);
            }
        }
        let ring = self.present_now(prepared);
        frame.index = ring.index - 1;
        drop(ring);
        hand_out(prepared, frame);
        Ok(Next::Frame)
    }

    /// Takes the first frame from frame period `wanted` on, which is due with frame period `current`, and
    /// the sound of those before it, whose pictures are dropped; false if none is due after all. An
    /// error after sound was taken waits for the next draw.
    pub(super) fn take_paced(
        &self,
        current: u64,
        wanted: u64,
        drawer: &mut Drawer,
        frame: &mut Frame,
    ) -> Result<bool> {
        let prepared = &mut drawer.prepared;
        lock(&self.ring).wanted = wanted;
        let mut shown = false;
        let mut skipped = 0;
        loop {
            match self.next(current, wanted, prepared, &mut drawer.late_frames) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if shown => {
                    // A cancelled session stays so by itself.
                    if error.kind() != ErrorKind::Cancelled {
                        lock(&self.ring).failed = Some(error);
                    }
                    break;
                }
                Err(error) => return Err(error),
            }
            hand_out(prepared, frame);
            skipped += prepared.dropped + u64::from(shown);
            shown = true;
            frame.index = lock(&self.ring).index - 1;
            if frame.index >= wanted || prepared.kind == FrameKind::LAST {
                break;
            }
        }
        frame.flags.skipped = u32::try_from(skipped).unwrap_or(u32::MAX);
        if shown {
            self.announce();
        }
        Ok(shown)
    }

    /// Puts the next frame into `prepared`: one from the ring, or else one prepared now, of frame period
    /// `wanted` if none is left before it. False if it is not due with frame period `current`.
    fn next(
        &self,
        current: u64,
        wanted: u64,
        prepared: &mut PreparedFrame,
        late_frames: &mut LateFramePolicy,
    ) -> Result<bool> {
        let mut popped = self.pop(current, prepared)?;
        if popped == Popped::Nothing
            && let Some(task) = self.task
            && lock(&self.input).front().is_some()
        {
            let begin = Instant::now();
            self.pool.wait_for(task, &self.cancelled)?;
            late_frames.excuse(begin.elapsed());
            popped = self.pop(current, prepared)?;
        }
        if popped == Popped::Nothing {
            let mut renderer = lock(&self.renderer);
            // The pool may have been at this very frame.
            popped = self.pop(current, prepared)?;
            if popped == Popped::Nothing {
                let (deadline, index) = {
                    let ring = lock(&self.ring);
                    (ring.deadline(), ring.index)
                };
                let request = self.request(false, wanted.saturating_sub(index), deadline);
                self.prepare(&mut renderer, request, prepared)?;
                drop(self.present_now(prepared));
                popped = Popped::Frame;
            }
        }
        Ok(popped == Popped::Frame)
    }

    /// Waits until the next frame is due, as long as `wait` permits and if the clock is one to wait for.
    fn wait(&self, wait: Wait) -> Result<Now> {
        let until = match wait {
            Wait::AtMost(time) => Instant::now().checked_add(time),
            Wait::Never => Some(Instant::now()),
            Wait::UntilDue => None,
        };
        let mut input = lock(&self.input);
        loop {
            if self.is_cancelled() {
                return Err(cancelled());
            }
            let mut ring = lock(&self.ring);
            if std::mem::take(&mut input.restart) {
                ring.clock = None;
            }
            if ring.clock.is_none() {
                ring.clock = Some(Stopwatch::start(&self.options.clock));
                ring.first = ring.index;
            }
            let now = ring.elapsed();
            let due = ring.next_due(input.interruptions, input.changes);
            let Some(early) = due.checked_sub(now).filter(|early| !early.is_zero()) else {
                if now - due < AWAY {
                    return Ok(Now::Due {
                        next: ring.period_at(due),
                        late: now - due,
                    });
                }
                ring.clock = None;
                drop(ring);
                lock(&self.statistics).restarts += 1;
                continue;
            };
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if ring.is_manual() || left.is_some_and(|left| left.is_zero()) {
                return Ok(Now::Early);
            }
            let early = ring
                .clock
                .as_ref()
                .map_or(early, |clock| clock.wait_for(early));
            drop(ring);
            let early = left.map_or(early, |left| left.min(early));
            input = self
                .woken
                .wait_timeout(input, early)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Flags and counts a frame that leaves.
    fn count(&self, frame: &mut Frame) {
        let mut late = Duration::ZERO;
        frame.due = None;
        if self.options.pacing == Pacing::Realtime {
            let ring = lock(&self.ring);
            let due = after(frame.index.saturating_sub(ring.first));
            frame.due = ring.clock.as_ref().and_then(|clock| clock.instant(due));
            // The next frame is due one frame after this one.
            late = (ring.elapsed() + FRAME_DURATION).saturating_sub(ring.due());
            frame.flags.late = late > LATE;
        }
        lock(&self.statistics).add(frame, late);
    }
}

/// Hands out the sound of a prepared frame, behind that of the frames before it whose pictures are dropped.
/// Behind an interruption, the sound from before it isn't handed out any more.
pub(super) fn hand_out(prepared: &PreparedFrame, frame: &mut Frame) {
    if frame.interruptions != prepared.interruptions {
        frame.interruptions = prepared.interruptions;
        frame.audio.clear();
        frame.audio_rate_hz = 0;
    }
    if prepared.muted {
        let length = frame.audio.len() + prepared.audio.len();
        frame.audio.resize(length, 0.0);
    } else {
        frame.audio.extend_from_slice(&prepared.audio);
    }
    frame.audio_rate_hz = prepared.audio_rate_hz.max(frame.audio_rate_hz);
    frame.tag = prepared.tag;
    frame.gestures.add(prepared.gestures);
}

#[cold]
fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "the session was cancelled")
}
