//! The session's own tests: what needs the pool's work done step by step, or a fault at a given moment.
#![expect(clippy::unwrap_used, reason = "tests")]

mod ahead;
mod cancelling;
mod concealment;
mod races;

use std::time::Duration;

use super::ring::RING_FRAMES;
use super::*;
use crate::clock::{HostClock, ManualClock};
use crate::schedule::{Deadline, Task, TaskId, WorkItem};
use crate::{Engine, EngineBuilder, Provider};

const TICK: Duration = Duration::from_millis(40);
const RATE: u32 = 16_000;

fn toy() -> Avatar {
    opened(Engine::builder(), "toy.imx")
}

fn opened(builder: EngineBuilder, name: &str) -> Avatar {
    let path = format!("{}/../testdata/avatars/{name}", env!("CARGO_MANIFEST_DIR"));
    let engine = builder.provider(Provider::Cpu).build().unwrap();
    engine.open(path).unwrap()
}

/// A session on a clock that is moved by hand.
struct Talk {
    clock: ManualClock,
    session: Session,
}

impl Talk {
    fn new(avatar: &Avatar) -> Self {
        let clock = ManualClock::new();
        let options = SessionOptions::default().clock(Clock::Manual(clock.clone()));
        let session = avatar.session(options).unwrap();
        Self { clock, session }
    }

    /// Lets the pool prepare a frame, if there is one to prepare.
    fn work(&self) -> Option<Deadline> {
        Core::run_batch(&[self.piece(Duration::ZERO)], false)[0]
    }

    /// The pool's work item.
    fn piece(&self, lag: Duration) -> WorkItem<Core> {
        WorkItem {
            id: TaskId::NONE,
            task: Arc::clone(&self.session.core),
            lag,
            has_waiter: false,
        }
    }

    /// Lets the pool prepare what it can, once the clock runs.
    fn prepare(&self) -> usize {
        (0..2 * RING_FRAMES)
            .take_while(|_| self.work().is_some())
            .count()
    }

    /// The frame of this tick; then the clock moves to the next.
    fn tick(&self) -> Frame {
        let frame = self.session.next_frame().unwrap().unwrap();
        self.clock.advance(TICK);
        frame
    }

    fn say(&self, voice: &[f32]) {
        self.session.push_audio(voice, RATE, 1).unwrap();
        self.session.flush();
    }
}

/// Numbers that are the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

/// Never quiet for long, no two samples alike for long.
fn voice(samples: usize) -> Vec<f32> {
    (0..samples)
        .map(|i| {
            let t = i as f32 / RATE as f32;
            let tone: f32 = (1..6)
                .map(|h| (t * 753.0 * h as f32).sin() / h as f32)
                .sum();
            0.2 * tone * (1.1 + (t * 9.0).sin())
        })
        .collect()
}

fn width(frame: &Frame) -> f32 {
    frame.arkit().iter().copied().fold(0.0, f32::max)
}

/// The next frame if it is due.
fn try_next_frame(session: &Session) -> Option<Frame> {
    let mut frame = Frame::new();
    let request = FrameRequest::new().wait(Wait::Never);
    let next = session.draw(&mut frame, request).unwrap();
    next.is_frame().then_some(frame)
}
