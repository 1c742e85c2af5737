//! The queue alone, for the benchmarks.

use crate::clock::Instant;
use std::sync::Arc;
use std::time::Duration;

use super::entry::TaskId;
use super::queue::Queue;
use super::{Deadline, Share};
use crate::clock::FRAME_DURATION;

/// A queue with tasks of one group, at a time that goes on by a frame each round.
pub(crate) struct QueueBench {
    queue: Queue<()>,
    share: Arc<Share>,
    tasks: Vec<(Arc<()>, TaskId)>,
    now: Instant,
}

impl QueueBench {
    pub(crate) fn new(threads: usize, tasks: usize) -> Self {
        let mut queue = Queue::new(threads, None);
        let (share, now) = (Arc::new(Share::new()), Instant::now());
        share.count(Duration::from_millis(1), false, now);
        let tasks = (0..tasks).filter_map(|_| {
            let task = Arc::new(());
            let id = queue.register(Arc::downgrade(&task), &share).ok()?;
            Some((task, id))
        });
        let tasks = tasks.collect();
        Self {
            queue,
            share,
            tasks,
            now,
        }
    }

    /// Gives the number of frames.
    pub(crate) fn run(&mut self, rounds: usize) -> usize {
        let mut frames = 0;
        for _ in 0..rounds {
            self.now += FRAME_DURATION;
            let count = self.tasks.len() as u32;
            for (index, (_, id)) in self.tasks.iter().enumerate() {
                let due = self.now + FRAME_DURATION * (index as u32 * 7 % count) / count;
                self.queue.announce(*id, Deadline::At(due), self.now);
            }
            while let Ok(batch) = self.queue.take(self.now) {
                frames += batch.items.len();
                self.share.count(Duration::from_micros(10), true, self.now);
                self.queue.put_back(&batch, &[], self.now);
            }
        }
        frames
    }
}
