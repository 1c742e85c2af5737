//! What the engine's pool does for its sessions: one more prepared frame for each.

use std::sync::MutexGuard;

use arrayvec::ArrayVec;

use super::batch::{self, Work};
use super::core::Core;
use super::renderer::{Renderer, lock};
use super::ring::Slot;
use super::tick::{Order, Tick};
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
                // The others don't wait until whoever draws it is through.
                next[index] = Some(lock(&core.ring).deadline());
                continue;
            };
            let mut ring = lock(&core.ring);
            let deadline = ring.deadline();
            if let Some(slot) = ring.room() {
                places.push(Place {
                    index,
                    core,
                    renderer,
                    slot,
                    order: core.order(true, ring.leave_out(*lag), deadline),
                });
            }
        }
        let works = places.iter_mut().map(|place| {
            let renderer = &mut place.renderer;
            Work::new(renderer, &place.core.input, place.order, &mut place.slot)
        });
        let mut works: ArrayVec<_, BATCH> = works.collect();
        batch::prepare(&pieces[0].job.avatar, &mut works, urgent);
        let ticks: ArrayVec<_, BATCH> = works.into_iter().map(Work::finish).collect();
        for (place, tick) in places.into_iter().zip(ticks) {
            let index = place.index;
            next[index] = place.keep(tick, urgent);
        }
        next
    }
}

/// A session that a thread of the pool prepares a frame for.
struct Place<'a> {
    index: usize,
    core: &'a Core,
    renderer: MutexGuard<'a, Renderer>,
    slot: Slot,
    order: Order<'a>,
}

impl Place<'_> {
    /// Keeps what has been prepared; gives the deadline of the next frame, if there may be one.
    fn keep(mut self, tick: Result<Tick>, urgent: bool) -> Option<Deadline> {
        let mut ring = lock(&self.core.ring);
        match tick {
            Ok(Tick::Speech { .. }) => {
                ring.push(self.slot);
                Some(ring.deadline())
            }
            Ok(_) if urgent => {
                // Base frames can wait for somebody with time.
                ring.put_back(self.slot);
                Some(ring.deadline())
            }
            Ok(_) => {
                ring.put_back(self.slot);
                drop(ring);
                self.renderer.look_ahead(&self.core.input);
                None
            }
            Err(error) => {
                ring.put_back(self.slot);
                ring.failed = Some(error);
                None
            }
        }
    }
}
