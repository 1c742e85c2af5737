//! Ticks of one session, or of several of one avatar, prepared together: each network runs once for
//! all of them.

use std::sync::Mutex;
use std::thread;

use super::input::Input;
use super::renderer::Renderer;
use super::ring::Slot;
use super::tick::{Draft, Order, Tick};
use crate::avatar::Avatar;
use crate::{Error, Result};

/// One session's next tick.
pub(super) struct Work<'a> {
    renderer: &'a mut Renderer,
    input: &'a Mutex<Input>,
    order: Order<'a>,
    slot: &'a mut Slot,
    /// How far it is, or what went wrong.
    stage: Result<Stage>,
}

#[derive(Clone, Copy)]
enum Stage {
    Begun(Draft),
    /// No frame comes of it.
    Passed(Tick),
    Shown(Tick),
}

impl<'a> Work<'a> {
    /// Moves a session on by one tick, into `slot`.
    pub(super) fn new(
        renderer: &'a mut Renderer,
        input: &'a Mutex<Input>,
        order: Order<'a>,
        slot: &'a mut Slot,
    ) -> Self {
        let stage = renderer.begin(input, order, slot).map(Stage::Begun);
        Self {
            renderer,
            input,
            order,
            slot,
            stage,
        }
    }

    /// What the tick turned out to be. Where no frame comes of it, it says why.
    pub(super) fn finish(self) -> Result<Tick> {
        self.stage.map(|stage| match stage {
            Stage::Begun(Draft { tick, .. }) | Stage::Passed(tick) | Stage::Shown(tick) => tick,
        })
    }

    fn hears(&self) -> bool {
        matches!(self.stage, Ok(Stage::Begun(Draft { hears: true, .. })))
    }

    fn is_placed(&self) -> bool {
        matches!(self.stage, Ok(Stage::Shown(_))) && self.slot.placed
    }

    /// Sound and picture, up to the mouth.
    fn show(&mut self) {
        let Ok(Stage::Begun(draft)) = self.stage else {
            return;
        };
        let order = self.order;
        let tick = self.renderer.sound(self.input, order, draft, self.slot);
        if self.renderer.is_frame(tick, order.ahead) {
            self.renderer.pass(self.input, tick, self.slot);
        } else if self.slot.left_out > 0 {
            // No more is to be had: the last of those that were to be left out is shown after all.
            self.slot.left_out -= 1;
        } else {
            self.stage = Ok(Stage::Passed(tick));
            return;
        }
        let tick = self.slot.tick;
        let shown = self.renderer.show(self.slot);
        self.stage = shown.map(|()| Stage::Shown(tick));
    }
}

/// Prepares one tick of each session; all are of `avatar`, the first is due first.
pub(super) fn prepare(avatar: &Avatar, works: &mut [Work<'_>], urgent: bool) {
    // What is prepared ahead can wait; a frame that is due may be waiting for this very core, and
    // would go on doing so for a tick of the system's scheduler, up to 4 ms.
    let give_way = || {
        if !urgent {
            thread::yield_now();
        }
    };
    if let Err(error) = hear(avatar, works) {
        fail(works, |work| work.hears(), &error);
    }
    give_way();
    works.iter_mut().for_each(Work::show);
    if let Err(error) = draw(avatar, works) {
        fail(works, |work| work.is_placed(), &error);
    }
    give_way();
}

/// Runs the speech network.
fn hear(avatar: &Avatar, works: &mut [Work<'_>]) -> Result<()> {
    let size = works.iter().filter(|work| work.hears()).count();
    let mut hearing = works.iter_mut().filter(|work| work.hears());
    let Some(first) = hearing.next() else {
        return Ok(());
    };
    let terminator = first.order.terminator;
    let networks = &mut *avatar.0.networks(first.order.deadline)?;
    let speech = &mut networks.speech;
    speech.set(size, 0, &[first.renderer.window()])?;
    for (index, work) in hearing.enumerate() {
        speech.set(size, index + 1, &[work.renderer.window()])?;
    }
    speech.run_batch(size, terminator)?;
    let hearing = works.iter_mut().filter(|work| work.hears());
    for (index, work) in hearing.enumerate() {
        work.renderer.hear(speech.output(size, index));
    }
    Ok(())
}

/// Runs the identity network.
fn draw(avatar: &Avatar, works: &mut [Work<'_>]) -> Result<()> {
    let size = works.iter().filter(|work| work.is_placed()).count();
    let Some(first) = works.iter().find(|work| work.is_placed()) else {
        return Ok(());
    };
    let terminator = first.order.terminator;
    let networks = &mut *avatar.0.networks(first.order.deadline)?;
    let identity = &mut networks.identity;
    let placed = works.iter().filter(|work| work.is_placed());
    for (index, work) in placed.enumerate() {
        identity.set(size, index, work.renderer.mouth(work.slot))?;
    }
    identity.run_batch(size, terminator)?;
    let placed = works.iter_mut().filter(|work| work.is_placed());
    for (index, work) in placed.enumerate() {
        work.renderer.draw(identity, (size, index), work.slot);
    }
    Ok(())
}

/// A network failed: so did those that it ran for.
#[cold]
fn fail(works: &mut [Work<'_>], concerned: fn(&Work<'_>) -> bool, error: &Error) {
    for work in works.iter_mut().filter(|work| concerned(work)) {
        work.stage = Err(Error::new(error.kind(), error.to_string()));
    }
}
