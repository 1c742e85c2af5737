//! A session's two sides and what lies between them: who prepares which frame, and when it goes.
//!
//! Locks, in the order in which they may be taken: `drawer` (while a frame is drawn, waiting for its
//! time included), `renderer` (while a frame is prepared), then `input`, `ring` and `presented`, which are
//! held for moments only.

use crate::clock::Instant;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use super::batch::{self, Work};
use super::input::{Input, QueueLimits};
use super::late_frames::LateFramePolicy;
use super::plan::FrameKind;
use super::prepare_request::PrepareRequest;
use super::renderer::{Renderer, lock};
use super::ring::{Popped, PreparedFrame, Ring, State};
use super::statistics::Statistics;
use super::wakeup::Wakeup;
use crate::Result;
use crate::avatar::AvatarData;
use crate::compose::Composer;
use crate::compose::arch::Isa;
use crate::infer::Terminator;
use crate::options::{Pacing, SessionOptions};
use crate::portrait::{Easel, Film, Portrait, Sheet};
use crate::schedule::{Deadline, Scheduler, TaskId};

/// The engine's threads, which prepare the frames of sessions.
pub(crate) type RenderPool = Scheduler<Core>;

#[derive(Debug)]
pub(crate) struct Core {
    /// Number of the session in the process, for the log.
    pub(super) number: u64,
    pub(super) avatar: Arc<AvatarData>,
    pub(super) pool: RenderPool,
    pub(super) options: SessionOptions,
    pub(super) size: (usize, usize),
    pub(super) input: Mutex<Input>,
    /// Something happened that a waiting draw has to know.
    pub(super) woken: Condvar,
    /// The task that waits for a frame in an executor.
    pub(super) wakeup: Wakeup,
    /// Raised to end all drawing.
    pub(super) cancelled: AtomicBool,
    /// The session's task in the engine's pool, if the pool serves it.
    pub(super) task: Option<TaskId>,
    pub(super) drawer: Mutex<Drawer>,
    pub(super) renderer: Mutex<Renderer>,
    pub(super) ring: Mutex<Ring>,
    /// Mouth and motion after the frame that was presented last.
    presented: Mutex<State>,
    pub(super) limits: QueueLimits,
    pub(super) statistics: Mutex<Statistics>,
    /// Ends the run of a network that a drawing thread is in.
    pub(super) terminator: Terminator,
}

/// The state of drawing.
#[derive(Debug)]
pub(super) struct Drawer {
    pub(super) composer: Composer,
    pub(super) prepared: PreparedFrame,
    pub(super) late_frames: LateFramePolicy,
    /// Of a portrait.
    pub(super) easel: Option<Easel>,
    /// Of a film whose own pixels move: one for the picture, one for the base frame that it crossfades from.
    pub(super) sheets: Option<[Sheet; 2]>,
}

impl Core {
    pub(super) fn new(
        avatar: Arc<AvatarData>,
        pool: RenderPool,
        options: SessionOptions,
        task: Option<TaskId>,
    ) -> Self {
        let info = &avatar.info;
        let coefficients = info.coefficient_names.len();
        let composer = Composer::new(Isa::best(), avatar.picture(), &options);
        let unpaced = options.pacing == Pacing::Unpaced;
        static SESSIONS: AtomicU64 = AtomicU64::new(1);
        Self {
            number: SESSIONS.fetch_add(1, Ordering::Relaxed),
            size: composer.output_size(),
            input: Mutex::default(),
            woken: Condvar::new(),
            wakeup: Wakeup::default(),
            cancelled: AtomicBool::new(false),
            task,
            renderer: Mutex::new(Renderer::new(avatar.clone(), unpaced, options.pictures)),
            drawer: Mutex::new(Drawer {
                composer,
                prepared: PreparedFrame::new(coefficients),
                late_frames: LateFramePolicy::default(),
                easel: avatar.portrait.as_ref().map(Portrait::easel),
                sheets: avatar.film.as_ref().map(Film::sheets),
            }),
            ring: Mutex::new(Ring::new(coefficients)),
            presented: Mutex::new(State::new(coefficients)),
            limits: QueueLimits::of(&options),
            statistics: Mutex::default(),
            terminator: Terminator::default(),
            options,
            avatar,
            pool,
        }
    }

    /// Base frames that are prefetched.
    #[cfg(test)]
    pub(super) fn prefetched(&self) -> Vec<usize> {
        lock(&self.renderer).prefetched().collect()
    }

    /// Tells the pool that there may be frames to prepare.
    pub(super) fn announce(&self) {
        if let Some(task) = self.task {
            let deadline = lock(&self.ring).deadline();
            // Without one the clock doesn't run yet, and nothing is prepared.
            if deadline != Deadline::Whenever {
                self.pool.announce(task, deadline);
            }
        }
    }

    /// Wakes a draw that waits for its time and a task that waits for a frame: something has changed
    /// what either gets.
    pub(super) fn wake(&self) {
        self.woken.notify_all();
        self.wakeup.wake();
    }

    /// Wakes the task that waits for a frame where audio alone makes one.
    pub(super) fn wake_unpaced(&self) {
        if self.options.pacing == Pacing::Unpaced {
            self.wakeup.wake();
        }
    }

    /// When the next frame is due; None before the first one, and on a clock that is moved by hand.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let input = lock(&self.input);
        let ring = lock(&self.ring);
        let due = ring.next_due(input.interruptions, input.changes);
        ring.clock.as_ref()?.instant(due)
    }

    /// Ends all drawing, wherever it waits.
    pub(super) fn cancel(&self) {
        // With the lock, since a draw looks at the flag before it waits for its time with the lock.
        {
            let _input = lock(&self.input);
            self.cancelled.store(true, Ordering::Release);
            self.terminator.terminate();
        }
        self.wake();
        self.pool.wake(self.task, &self.cancelled);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    pub(super) fn request(&self, ahead: bool, drop: u64, deadline: Deadline) -> PrepareRequest<'_> {
        PrepareRequest {
            ahead,
            drop,
            deadline,
            cancelled: (!ahead).then_some(&self.cancelled),
            presented: &self.presented,
            ring: &self.ring,
            terminator: (!ahead).then_some(&self.terminator),
        }
    }

    pub(super) fn prepare(
        &self,
        renderer: &mut Renderer,
        request: PrepareRequest<'_>,
        prepared: &mut PreparedFrame,
    ) -> Result<FrameKind> {
        let mut work = [Work::new(renderer, &self.input, request, prepared)];
        batch::prepare(&self.avatar, &mut work, true);
        let [work] = work;
        work.finish()
    }

    /// Takes a prepared frame out of the ring, if one is due with frame period `current`.
    pub(super) fn pop(&self, current: u64, prepared: &mut PreparedFrame) -> Result<Popped> {
        let mut input = lock(&self.input);
        let mut ring = lock(&self.ring);
        if let Some(error) = ring.failed.take() {
            return Err(error);
        }
        let valid = (input.interruptions, input.changes);
        let popped = ring.pop(current, valid, prepared);
        if popped == Popped::Frame {
            self.present(&mut input, &mut ring, prepared);
        }
        Ok(popped)
    }

    /// Presents a frame that was prepared on the spot, while the renderer is locked.
    pub(super) fn present_now(&self, prepared: &PreparedFrame) -> MutexGuard<'_, Ring> {
        let mut input = lock(&self.input);
        let mut ring = lock(&self.ring);
        self.present(&mut input, &mut ring, prepared);
        ring
    }

    /// Counts a frame as presented: from here on, an interruption goes back to its mouth and motion. All
    /// of it happens under the input's lock, so that no interruption comes in between.
    fn present(&self, input: &mut Input, ring: &mut Ring, prepared: &PreparedFrame) {
        if prepared.interruptions == input.interruptions {
            if prepared.kind == FrameKind::LAST {
                drop(input.finish());
            } else if prepared.speech_frames > 0 {
                input.presented(prepared.speech_frames);
            }
        }
        ring.index += prepared.periods();
        let state = &prepared.state;
        lock(&self.presented).set(&state.mouth, state.animation);
    }
}
