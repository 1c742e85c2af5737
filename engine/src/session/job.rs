//! What the engine's pool does for its sessions: one more prepared frame for each.

use std::sync::MutexGuard;

use arrayvec::ArrayVec;

use super::batch::{self, Work};
use super::core::Core;
use super::plan::{FrameKind, Request};
use super::renderer::{Renderer, lock};
use super::ring::PreparedFrame;
use crate::Result;
use crate::infer::BATCH;
use crate::schedule::{Deadline, Job, Piece};

impl Job for Core {
    fn work(pieces: &[Piece<Self>], urgent: bool) -> ArrayVec<Option<Deadline>, BATCH> {
        let mut next = ArrayVec::from_iter(pieces.iter().map(|_| None));
        let mut places = ArrayVec::<Place<'_>, BATCH>::new();
        for (index, Piece { job: core, lag, .. }) in pieces.iter().enumerate() {
            let renderer = if index == 0 {
                lock(&core.renderer)
            } else if let Ok(renderer) = core.renderer.try_lock() {
                renderer
            } else {
                // The others don't wait for the draw that holds it.
                next[index] = Some(lock(&core.ring).deadline());
                continue;
            };
            let mut ring = lock(&core.ring);
            let deadline = ring.deadline();
            if let Some(frame) = ring.room() {
                places.push(Place {
                    index,
                    core,
                    renderer,
                    frame,
                    request: core.request(true, ring.periods_to_drop(*lag), deadline),
                });
            }
        }
        let works = places.iter_mut().map(|place| {
            let renderer = &mut place.renderer;
            Work::new(renderer, &place.core.input, place.request, &mut place.frame)
        });
        let mut works: ArrayVec<_, BATCH> = works.collect();
        batch::prepare(&pieces[0].job.avatar, &mut works, urgent);
        let kinds: ArrayVec<_, BATCH> = works.into_iter().map(Work::finish).collect();
        for (place, kind) in places.into_iter().zip(kinds) {
            let index = place.index;
            next[index] = place.keep(kind, urgent);
        }
        next
    }
}

/// A session that a thread of the pool prepares a frame for.
struct Place<'a> {
    index: usize,
    core: &'a Core,
    renderer: MutexGuard<'a, Renderer>,
    frame: PreparedFrame,
    request: Request<'a>,
}

impl Place<'_> {
    /// Keeps what has been prepared; gives the deadline of the next frame, if there may be one.
    fn keep(mut self, kind: Result<FrameKind>, urgent: bool) -> Option<Deadline> {
        let mut ring = lock(&self.core.ring);
        match kind {
            Ok(FrameKind::Speech { .. }) => {
                ring.push(self.frame);
                Some(ring.deadline())
            }
            Ok(_) if urgent => {
                // Base frames can wait: a draw waits for this thread.
                ring.recycle(self.frame);
                Some(ring.deadline())
            }
            Ok(_) => {
                ring.recycle(self.frame);
                drop(ring);
                self.renderer.prefetch(&self.core.input);
                None
            }
            // Its session draws no more.
            Err(_) => {
                ring.recycle(self.frame);
                None
            }
        }
    }
}
