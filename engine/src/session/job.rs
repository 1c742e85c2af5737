//! The work of the engine's pool for its sessions: one more frame is prepared for each.

use std::sync::{MutexGuard, PoisonError, TryLockError};

use arrayvec::ArrayVec;

use super::batch::{self, Work};
use super::core::Core;
use super::plan::FrameKind;
use super::prepare_request::PrepareRequest;
use super::renderer::{Renderer, lock};
use super::ring::PreparedFrame;
use crate::infer::BATCH;
use crate::log::LogLevel;
use crate::schedule::{Deadline, Task, WorkItem};
use crate::{Error, ErrorKind, Result};

impl Task for Core {
    fn run_batch(items: &[WorkItem<Self>], urgent: bool) -> ArrayVec<Option<Deadline>, BATCH> {
        let mut next = ArrayVec::from_iter(items.iter().map(|_| None));
        let mut places = Place::of(items, &mut next);
        let works = places.iter_mut().filter_map(Place::work);
        let mut works: ArrayVec<_, BATCH> = works.collect();
        batch::prepare(&items[0].task.avatar, &mut works, urgent);
        let kinds: ArrayVec<_, BATCH> = works.into_iter().map(Work::finish).collect();
        for (place, kind) in places.into_iter().zip(kinds) {
            let index = place.index;
            next[index] = place.keep(kind, urgent);
        }
        next
    }

    fn panicked(&self, message: &str) {
        let error = Error::new(
            ErrorKind::Internal,
            format!("a thread of the pool panicked while it prepared a frame: {message}"),
        );
        self.avatar.log.log(LogLevel::Error, || error.to_string());
        lock(&self.ring).failed = Some(error);
    }
}

impl Core {
    /// The renderer, for a frame that the pool prepares: None if a draw has it, unless `waits`.
    fn renderer_for_batch(&self, waits: bool) -> Option<MutexGuard<'_, Renderer>> {
        match self.renderer.try_lock() {
            Ok(renderer) => Some(renderer),
            Err(TryLockError::Poisoned(poisoned)) => Some(PoisonError::into_inner(poisoned)),
            Err(TryLockError::WouldBlock) => waits.then(|| lock(&self.renderer)),
        }
    }
}

/// A session that a thread of the pool prepares a frame for. Dropped before the frame is kept, as by a
/// panic, it gives the frame's sound back.
struct Place<'a> {
    index: usize,
    core: &'a Core,
    renderer: MutexGuard<'a, Renderer>,
    frame: Option<PreparedFrame>,
    request: PrepareRequest<'a>,
}

impl<'a> Place<'a> {
    /// Places for the sessions that have room for a frame. A session whose renderer a draw has gets the
    /// deadline of its next turn.
    fn of(items: &'a [WorkItem<Core>], next: &mut [Option<Deadline>]) -> ArrayVec<Self, BATCH> {
        let mut places = ArrayVec::new();
        for (index, item) in items.iter().enumerate() {
            let core = &*item.task;
            let Some(renderer) = core.renderer_for_batch(index == 0) else {
                // A draw prepares a frame of this session: the others don't wait for it.
                next[index] = Some(lock(&core.ring).deadline());
                continue;
            };
            let mut ring = lock(&core.ring);
            let deadline = ring.deadline();
            if let Some(frame) = ring.room() {
                places.push(Self {
                    index,
                    core,
                    renderer,
                    frame: Some(frame),
                    request: core.request(true, ring.periods_to_drop(item.lag), deadline),
                });
            }
        }
        places
    }

    /// The frame to prepare.
    fn work(&mut self) -> Option<Work<'_>> {
        let frame = self.frame.as_mut()?;
        Some(Work::new(
            &mut self.renderer,
            &self.core.input,
            self.request,
            frame,
        ))
    }

    /// Keeps what was prepared; gives the deadline of the next frame, if there may be one.
    fn keep(mut self, kind: Result<FrameKind>, urgent: bool) -> Option<Deadline> {
        let frame = self.frame.take()?;
        let mut ring = lock(&self.core.ring);
        match kind {
            Ok(FrameKind::Speech { .. }) => {
                ring.push(frame);
                Some(ring.deadline())
            }
            Ok(_) if urgent => {
                // Base frames can wait: a draw waits for this thread.
                ring.recycle(frame);
                Some(ring.deadline())
            }
            Ok(_) => {
                ring.recycle(frame);
                drop(ring);
                self.renderer.prefetch(&self.core.input);
                None
            }
            // Its sound is back already.
            Err(_) => {
                ring.recycle(frame);
                None
            }
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(frame) = self.frame.take() {
            self.renderer.undo(&self.core.input, self.request, &frame);
            lock(&self.core.ring).recycle(frame);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex};
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::clock::{Clock, ManualClock};
    use crate::log::LogLevel;
    use crate::schedule::{Permit, TaskId};
    use crate::{Avatar, Engine, Pacing, Provider, Session, SessionOptions};

    const FRAME: Duration = Duration::from_millis(40);

    /// The toy avatar on an engine with one thread, and what the engine logs.
    fn toy() -> (Avatar, Arc<Mutex<Vec<String>>>) {
        let log = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&log);
        let engine = Engine::builder()
            .provider(Provider::Cpu)
            .threads(1)
            .log(LogLevel::Error, move |_, message| {
                sink.lock().unwrap().push(message.to_owned());
            })
            .build()
            .unwrap();
        let path = format!("{}/../testdata/avatars/toy.imx", env!("CARGO_MANIFEST_DIR"));
        (engine.open(path).unwrap(), log)
    }

    fn voice(samples: usize) -> Vec<f32> {
        (0..samples).map(|i| (i as f32 * 0.3).sin() * 0.3).collect()
    }

    /// A session that speaks, on a clock that is moved by hand, with its first frame drawn.
    fn speaking(avatar: &Avatar, voice: &[f32]) -> (Session, ManualClock, Vec<f32>) {
        let clock = ManualClock::new();
        let options = SessionOptions::default().clock(Clock::Manual(clock.clone()));
        let session = avatar.session(options).unwrap();
        session.push_audio(voice, 16_000, 1).unwrap();
        session.flush();
        let frame = session.next_frame().unwrap().unwrap();
        clock.advance(FRAME);
        (session, clock, frame.audio().to_vec())
    }

    fn item(session: &Session) -> WorkItem<Core> {
        WorkItem {
            id: TaskId::NONE,
            task: Arc::clone(&session.core),
            lag: Duration::ZERO,
            has_waiter: false,
        }
    }

    /// Draws what is left of the utterance.
    fn hear(session: &Session, clock: &ManualClock, heard: &mut Vec<f32>) {
        loop {
            let frame = session.next_frame().unwrap().unwrap();
            clock.advance(FRAME);
            heard.extend_from_slice(frame.audio());
            if frame.flags().end_of_speech {
                return;
            }
        }
    }

    /// In the run of either network, with frames that are prepared already and without.
    #[test]
    fn a_panic_in_the_pool_fails_its_session_and_loses_no_sound() {
        let (avatar, log) = toy();
        let voice = voice(12_000);
        for (prepared, run) in [(0, 0), (0, 1), (1, 0), (2, 1)] {
            let (bad, bad_clock, mut bad_heard) = speaking(&avatar, &voice);
            let (good, good_clock, mut good_heard) = speaking(&avatar, &voice);
            for _ in 0..prepared {
                assert!(Core::run_batch(&[item(&bad)], false)[0].is_some());
            }
            let items = [item(&bad)];
            avatar.data.faults.panic_in_run(run);
            let panicked = catch_unwind(AssertUnwindSafe(|| Core::run_batch(&items, false)));
            assert!(panicked.is_err(), "on purpose");
            items[0].task.panicked("on purpose");
            let error = bad.next_frame().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Internal);
            assert!(error.to_string().contains("on purpose"), "{error}");
            assert!(log.lock().unwrap().pop().unwrap().contains("on purpose"));
            // The pool goes on with it, in batches as well.
            let both = [item(&good), item(&bad)];
            assert!(Core::run_batch(&both, false).iter().all(Option::is_some));
            assert!(!lock(&bad.core.ring).is_empty(), "a frame is prepared");
            for (session, clock, heard) in [
                (&bad, &bad_clock, &mut bad_heard),
                (&good, &good_clock, &mut good_heard),
            ] {
                hear(session, clock, heard);
                assert!(*heard == voice, "every sample, in order");
            }
        }
    }

    #[test]
    fn a_push_before_the_first_draw_wakes_no_thread() {
        let (avatar, _) = toy();
        let session = avatar.session(SessionOptions::default()).unwrap();
        let scheduler = &avatar.pool;
        // All threads sleep.
        while scheduler.sleepers().0 <= scheduler.threads() {
            thread::yield_now();
        }
        session.push_audio(&voice(16_000)[..], 16_000, 1).unwrap();
        session.flush();
        assert_eq!(scheduler.sleepers().1, 0, "there is nothing to prepare");
    }

    /// With the pool's own thread: the next draw has the error, and later draws have the sound.
    #[test]
    fn a_draw_gets_the_error_of_a_panic_in_the_pool() {
        let (avatar, _) = toy();
        let voice = voice(12_000);
        let session = avatar.session(SessionOptions::default()).unwrap();
        session.next_frame().unwrap();
        avatar.data.faults.panic_in_run(2);
        session.push_audio(&voice[..], 16_000, 1).unwrap();
        session.flush();
        let (mut heard, mut errors) = (Vec::new(), Vec::new());
        loop {
            match session.next_frame() {
                Ok(frame) => {
                    let frame = frame.unwrap();
                    heard.extend_from_slice(frame.audio());
                    if frame.flags().end_of_speech {
                        break;
                    }
                }
                Err(error) => errors.push(error.kind()),
            }
        }
        assert_eq!(errors, [ErrorKind::Internal]);
        assert!(heard == voice, "every sample, in order");
    }

    /// The permits of an engine with one thread: one for a short run and one for a long run.
    fn all_permits(avatar: &Avatar) -> [Permit<'_>; 2] {
        let scheduler = &avatar.pool;
        [(); 2].map(|()| {
            let permit =
                scheduler
                    .semaphore()
                    .acquire(&avatar.data.share, Deadline::Whenever, None);
            permit.unwrap()
        })
    }

    /// Draws in a thread until the session is cancelled, which it is once `waits`.
    fn cancelled_while(session: &Session, waits: impl Fn() -> bool) {
        thread::scope(|scope| {
            let drawing = scope.spawn(|| {
                loop {
                    if let Err(error) = session.next_frame() {
                        return error.kind();
                    }
                }
            });
            while !waits() {
                thread::yield_now();
            }
            session.cancel();
            assert_eq!(drawing.join().unwrap(), ErrorKind::Cancelled);
        });
    }

    #[test]
    fn cancelling_ends_a_draw_that_waits_for_a_permit() {
        let (avatar, _) = toy();
        let session = avatar
            .session(SessionOptions::default().pacing(Pacing::Unpaced))
            .unwrap();
        session.push_audio(&voice(16_000)[..], 16_000, 1).unwrap();
        let scheduler = &avatar.pool;
        let _held = all_permits(&avatar);
        cancelled_while(&session, || scheduler.waiting_for_permits() == 1);
    }

    #[test]
    fn cancelling_ends_a_draw_that_waits_for_the_pool() {
        let (avatar, _) = toy();
        let session = avatar.session(SessionOptions::default()).unwrap();
        let scheduler = &avatar.pool;
        // The pool's thread waits for a permit, and the draw for the pool.
        let held = all_permits(&avatar);
        session.next_frame().unwrap();
        session.push_audio(&voice(16_000)[..], 16_000, 1).unwrap();
        session.flush();
        let task = session.core.task.unwrap();
        while scheduler.waiting_for_permits() == 0 {
            thread::yield_now();
        }
        cancelled_while(&session, || scheduler.has_waiter(task));
        let flag = AtomicBool::new(true);
        assert!(scheduler.wait_for(task, &flag).is_err(), "it waits still");
        flag.store(false, Ordering::Release);
        drop(held);
        scheduler.wait_for(task, &flag).unwrap();
    }
}
