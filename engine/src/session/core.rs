//! A session's two sides and what lies between them: who prepares which frame, and when it goes.
//!
//! Locks, in the order in which they may be taken: `drawer` (while a frame is drawn, waiting for its
//! time included), `renderer` (while a frame is prepared), then `input`, `ring` and `drawn`, which are
//! held for moments only.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::batch::{self, Work};
use super::grace::Grace;
use super::input::Input;
use super::renderer::{Renderer, lock};
use super::ring::{Popped, Ring, Slot, State, ticks};
use super::statistics::Statistics;
use super::target::Target;
use super::tick::{Order, Tick};
use crate::avatar::Avatar;
use crate::clock::{FRAME_DURATION, Stopwatch};
use crate::compose::arch::Isa;
use crate::compose::{Composer, Fade, Layers};
use crate::frame::{Frame, FrameFlags};
use crate::infer::Terminator;
use crate::options::{Pacing, SessionOptions};
use crate::schedule::Deadline;
use crate::{Error, ErrorKind, Result};

/// A consumer that comes later than this has been away: the clock starts anew.
const AWAY: Duration = Duration::from_secs(1);
/// A frame that leaves later than this after it was due is flagged as late.
const LATE: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(crate) struct Core {
    pub(super) avatar: Avatar,
    pub(super) options: SessionOptions,
    pub(super) size: (usize, usize),
    pub(super) input: Mutex<Input>,
    /// Something happened that a waiting draw has to know.
    pub(super) woken: Condvar,
    /// The job's number in the engine's pool, if the session is served by it.
    pub(super) job: Option<u64>,
    drawer: Mutex<Drawer>,
    pub(super) renderer: Mutex<Renderer>,
    pub(super) ring: Mutex<Ring>,
    /// Mouth and motion after the frame that was drawn last.
    drawn: Mutex<State>,
    pub(super) statistics: Mutex<Statistics>,
    /// Ends the run of a network that a drawing thread is in.
    pub(super) terminator: Terminator,
}

/// What drawing needs.
#[derive(Debug)]
struct Drawer {
    composer: Composer,
    slot: Slot,
    grace: Grace,
}

/// Where the session stands in time.
enum Now {
    /// The next frame is not due and nobody wants to wait.
    Early,
    /// It is since that long, with this tick.
    Due { next: u64, late: Duration },
}

impl Core {
    pub(super) fn new(avatar: Avatar, options: SessionOptions, job: Option<u64>) -> Self {
        let info = avatar.info();
        let coefficients = info.coefficient_names.len();
        let composer = Composer::new(
            Isa::best(),
            (info.frame_width, info.frame_height),
            options.output_size,
            options.letterbox,
        );
        let unpaced = options.pacing == Pacing::Unpaced;
        Self {
            size: composer.output_size(),
            input: Mutex::default(),
            woken: Condvar::new(),
            job,
            renderer: Mutex::new(Renderer::new(avatar.clone(), unpaced, options.pictures)),
            drawer: Mutex::new(Drawer {
                composer,
                slot: Slot::new(coefficients),
                grace: Grace::default(),
            }),
            ring: Mutex::new(Ring::new(coefficients)),
            drawn: Mutex::new(State::new(coefficients)),
            statistics: Mutex::default(),
            terminator: Terminator::default(),
            options,
            avatar,
        }
    }

    /// Base frames that are decoded ahead.
    #[cfg(test)]
    pub(super) fn decoded(&self) -> Vec<usize> {
        lock(&self.renderer).decoded().collect()
    }

    /// Tells the pool that there may be frames to prepare.
    pub(super) fn announce(&self) {
        if let Some(job) = self.job {
            let deadline = lock(&self.ring).deadline();
            self.avatar.0.scheduler.announce(job, deadline);
        }
    }

    /// Draws the next frame; false if there is none, or none yet.
    pub(super) fn draw(
        &self,
        frame: &mut Frame,
        target: Target<'_, '_>,
        wait: bool,
    ) -> Result<bool> {
        let mut drawer = lock(&self.drawer);
        let drawer = &mut *drawer;
        target.describe(self, frame)?;
        frame.flags = FrameFlags::default();
        let drawn = match self.options.pacing {
            Pacing::Realtime => loop {
                let Now::Due { next, late } = self.wait(wait)? else {
                    break false;
                };
                let current = next + ticks(late);
                let oldest = next + drawer.grace.left_out(next, late);
                if self.take_paced(current, oldest, drawer, frame)? {
                    break true;
                }
            },
            Pacing::Unpaced => self.take_unpaced(&mut drawer.slot, frame)?,
        };
        if !drawn {
            return Ok(false);
        }
        let slot = &drawer.slot;
        frame.base_frame = slot.base_frame;
        frame.interruptions = slot.generation;
        frame.arkit.clear();
        frame.arkit.extend_from_slice(&slot.arkit);
        frame.flags.speech = matches!(slot.tick, Tick::Speech { .. });
        frame.flags.end_of_speech = slot.tick == (Tick::Speech { last: true });
        frame.flags.underrun = slot.tick == Tick::Starved;
        frame.flags.muted = slot.muted;
        if let Some(base) = &slot.base {
            let affine = &self.avatar.0.affines[slot.base_frame];
            let leaving = slot.leaving.as_ref().map(|leaving| Fade {
                base: &leaving.base,
                affine: &self.avatar.0.affines[leaving.base_frame],
                weight: leaving.weight,
            });
            let layers = Layers {
                base,
                patch: slot.placed.then_some((&slot.patch, affine)),
                leaving,
            };
            target.put(&mut drawer.composer, &layers, frame)?;
        }
        self.count(frame);
        Ok(true)
    }

    /// The next frame without regard to time.
    fn take_unpaced(&self, slot: &mut Slot, frame: &mut Frame) -> Result<bool> {
        if lock(&self.input).cancelled {
            return Err(cancelled());
        }
        let order = self.order(false, 0, Deadline::Whenever);
        let tick = self.prepare(&mut lock(&self.renderer), order, slot)?;
        if !matches!(tick, Tick::Speech { .. } | Tick::Closing) {
            return Ok(false);
        }
        lock(&self.drawn).set(&slot.state.mouth, slot.state.player);
        hand_out(slot, frame);
        let mut ring = lock(&self.ring);
        frame.index = ring.index;
        ring.index += 1;
        Ok(true)
    }

    /// The first frame from tick `oldest` on, which is due with tick `current`, and the sound of those
    /// before it, which are left out; false if none is due after all.
    fn take_paced(
        &self,
        current: u64,
        oldest: u64,
        drawer: &mut Drawer,
        frame: &mut Frame,
    ) -> Result<bool> {
        let slot = &mut drawer.slot;
        lock(&self.ring).oldest = oldest;
        let mut shown = false;
        let mut skipped = 0;
        let mut generation = None;
        while self.next(current, oldest, slot, &mut drawer.grace)? {
            if generation.replace(slot.generation) != Some(slot.generation) {
                // After an interruption, what came before it is not handed over any more.
                frame.audio.clear();
            }
            hand_out(slot, frame);
            skipped += slot.left_out + u64::from(shown);
            shown = true;
            frame.index = lock(&self.ring).index - 1;
            if frame.index >= oldest || slot.tick == (Tick::Speech { last: true }) {
                break;
            }
        }
        frame.flags.skipped = u32::try_from(skipped).unwrap_or(u32::MAX);
        if shown {
            self.announce();
        }
        Ok(shown)
    }

    /// Puts the next frame into `slot`: one that is prepared, or else one prepared now, of tick `oldest`
    /// if none is left before it. False if it is not due with tick `current`.
    fn next(&self, current: u64, oldest: u64, slot: &mut Slot, grace: &mut Grace) -> Result<bool> {
        let mut popped = self.pop(current, slot)?;
        if popped == Popped::Nothing
            && let Some(job) = self.job
            && lock(&self.input).front().is_some()
        {
            let begin = Instant::now();
            self.avatar.0.scheduler.wait_for(job);
            grace.kept(begin.elapsed());
            popped = self.pop(current, slot)?;
        }
        if popped == Popped::Nothing {
            let mut renderer = lock(&self.renderer);
            // The pool may have been at this very frame.
            popped = self.pop(current, slot)?;
            if popped == Popped::Nothing {
                let (deadline, index) = {
                    let ring = lock(&self.ring);
                    (ring.deadline(), ring.index)
                };
                let order = self.order(false, oldest.saturating_sub(index), deadline);
                self.prepare(&mut renderer, order, slot)?;
                lock(&self.ring).index += slot.ticks();
                lock(&self.drawn).set(&slot.state.mouth, slot.state.player);
                popped = Popped::Frame;
            }
        }
        Ok(popped == Popped::Frame)
    }

    pub(super) fn order(&self, ahead: bool, leave_out: u64, deadline: Deadline) -> Order<'_> {
        Order {
            ahead,
            leave_out,
            deadline,
            drawn: &self.drawn,
            ring: &self.ring,
            terminator: (!ahead).then_some(&self.terminator),
        }
    }

    fn prepare(&self, renderer: &mut Renderer, order: Order<'_>, slot: &mut Slot) -> Result<Tick> {
        let mut work = [Work::new(renderer, &self.input, order, slot)];
        batch::prepare(&self.avatar, &mut work, true);
        let [work] = work;
        work.finish()
    }

    fn pop(&self, current: u64, slot: &mut Slot) -> Result<Popped> {
        let mut input = lock(&self.input);
        let mut ring = lock(&self.ring);
        if let Some(error) = ring.failed.take() {
            return Err(error);
        }
        let popped = ring.pop(current, (input.generation, input.revision), slot);
        if popped != Popped::Frame {
            return Ok(popped);
        }
        if slot.tick == (Tick::Speech { last: true }) {
            input.finish();
        }
        drop(ring);
        drop(input);
        lock(&self.drawn).set(&slot.state.mouth, slot.state.player);
        Ok(popped)
    }

    /// Waits until the next frame is due, if `wait`ing is wanted and the clock is one to wait for.
    fn wait(&self, wait: bool) -> Result<Now> {
        let mut input = lock(&self.input);
        loop {
            if input.cancelled {
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
            let due = ring.next_due(input.generation, input.revision);
            let Some(early) = due.checked_sub(now).filter(|early| !early.is_zero()) else {
                if now - due < AWAY {
                    return Ok(Now::Due {
                        next: ring.tick_at(due),
                        late: now - due,
                    });
                }
                ring.clock = None;
                drop(ring);
                lock(&self.statistics).restarts += 1;
                continue;
            };
            if !wait || ring.is_manual() {
                return Ok(Now::Early);
            }
            drop(ring);
            input = self
                .woken
                .wait_timeout(input, early)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Keeps the books on a frame that leaves.
    fn count(&self, frame: &mut Frame) {
        let mut late = Duration::ZERO;
        if self.options.pacing == Pacing::Realtime {
            let ring = lock(&self.ring);
            // The next frame is due one frame after this one.
            late = (ring.elapsed() + FRAME_DURATION).saturating_sub(ring.due());
            frame.flags.late = late > LATE;
        }
        let mut statistics = lock(&self.statistics);
        statistics.worst_delay = statistics.worst_delay.max(late);
        let flags = frame.flags;
        statistics.frames += 1;
        statistics.speech += u64::from(flags.speech);
        statistics.late += u64::from(flags.late);
        statistics.skipped += u64::from(flags.skipped);
        statistics.underruns += u64::from(flags.underrun);
        statistics.samples += frame.audio.len() as u64;
    }
}

/// The sound of a prepared frame.
fn hand_out(slot: &Slot, frame: &mut Frame) {
    if slot.muted {
        let length = frame.audio.len() + slot.audio.len();
        frame.audio.resize(length, 0.0);
    } else {
        frame.audio.extend_from_slice(&slot.audio);
    }
    frame.audio_rate_hz = slot.audio_rate_hz.max(frame.audio_rate_hz);
}

#[cold]
fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "the session was cancelled")
}
