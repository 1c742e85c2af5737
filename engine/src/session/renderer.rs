//! What a frame is: one tick after the other, from audio to all that its picture is made from.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::bases::{Bases, LOOK_AHEAD};
use super::input::{Feed, Input};
use super::ring::{Slot, State};
use super::tick::{Draft, Order, Tick};
use crate::Result;
use crate::audio::resample::Resampler;
use crate::avatar::Avatar;
use crate::clock::frame_start;
use crate::compose::arch::Isa;
use crate::compose::blend::Patch;
use crate::identity::Identity;
use crate::motion::mouth::{CLOSING, Mouth};
use crate::motion::{Player, Shot};
use crate::speech::SpeechWindow;

/// Ticks without audio after which an utterance that was not flushed counts as ended: 600 ms.
const STARVED_TICKS: u32 = 15;

#[derive(Debug)]
pub(super) struct Renderer {
    avatar: Avatar,
    isa: Isa,
    window: SpeechWindow,
    resampler: Option<(u32, Resampler)>,
    /// Next frame of the utterance.
    frame: u64,
    /// The utterance's last frame is prepared, but not drawn yet.
    ended: bool,
    generation: u64,
    revision: u64,
    /// Frames over which the mouth is still to close after an interruption.
    closing: u8,
    interrupted: bool,
    starved: u32,
    /// Unpaced sessions start over after an interruption, so that what follows equals a new
    /// session's.
    restarts: bool,
    /// Whether anybody wants to see pictures.
    pictures: bool,
    player: Player,
    /// What the last tick's picture shows.
    shot: Shot,
    /// Whether the last tick was one of speech, for the motion.
    talking: bool,
    bases: Bases,
    mouth: Mouth,
    coefficients: Vec<f32>,
    scratch: Vec<f32>,
}

impl Renderer {
    pub(super) fn new(avatar: Avatar, restarts: bool, pictures: bool) -> Self {
        let coefficients = avatar.info().coefficient_names.len();
        Self {
            isa: Isa::best(),
            window: SpeechWindow::new(avatar.0.window),
            resampler: None,
            frame: 0,
            ended: false,
            generation: 0,
            revision: 0,
            closing: 0,
            interrupted: false,
            starved: 0,
            restarts,
            pictures,
            player: Player::default(),
            shot: Shot::default(),
            talking: false,
            bases: Bases::default(),
            mouth: Mouth::new(coefficients),
            coefficients: vec![0.0; coefficients],
            scratch: Vec::new(),
            avatar,
        }
    }

    /// Begins a frame: lets those ticks pass that are left out, and says what its own is going to be,
    /// and whether the speech network has to hear its [window](Self::window).
    pub(super) fn begin(
        &mut self,
        input: &Mutex<Input>,
        order: Order<'_>,
        slot: &mut Slot,
    ) -> Result<Draft> {
        self.follow_interruption(input, order.drawn);
        self.follow_changes(input, order);
        slot.clear();
        loop {
            let draft = self.begin_tick(input, order)?;
            let last = draft.tick == (Tick::Speech { last: true });
            if last || slot.left_out >= order.leave_out {
                return Ok(draft);
            }
            // Nobody sees this mouth: it is the one before.
            let tick = self.sound(input, order, draft, slot);
            if !self.is_frame(tick, order.ahead) {
                return Ok(Draft::silent(tick));
            }
            self.pass(input, tick, slot);
            slot.left_out += 1;
        }
    }

    fn begin_tick(&mut self, input: &Mutex<Input>, order: Order<'_>) -> Result<Draft> {
        if self.ended {
            // One utterance at a time is prepared, so that all that is can be undone.
            if !lock(order.ring).is_empty() {
                return Ok(Draft::silent(Tick::Idle));
            }
            self.start_utterance();
        }
        if self.closing > 0 && (self.restarts || lock(input).front().is_none()) {
            if !order.ahead {
                self.rest();
            }
            return Ok(Draft::silent(Tick::Closing));
        }
        if self.interrupted && self.restarts {
            self.mouth.reset();
            self.player = Player::default();
        }
        self.interrupted = false;
        if !self.restarts && !order.ahead && self.starved >= STARVED_TICKS {
            lock(input).give_up();
            self.starved = 0;
        }
        let (tick, rate_hz) = self.listen(input)?;
        let Tick::Speech { .. } = tick else {
            if !self.restarts && !order.ahead {
                self.rest();
            }
            return Ok(Draft::silent(tick));
        };
        self.closing = 0;
        let (_, gate) = self.window.view(self.frame);
        let gate = if lock(input).muted { 0.0 } else { gate };
        Ok(Draft {
            tick,
            rate_hz,
            gate,
            hears: gate > 0.0,
        })
    }

    /// A frame's mouth outside of speech.
    fn rest(&mut self) {
        if self.closing > 0 {
            self.closing -= 1;
            self.mouth.close();
        } else {
            self.mouth.rest();
        }
    }

    /// What the speech network has to hear for the tick that has begun.
    pub(super) fn window(&mut self) -> &[f32] {
        self.window.view(self.frame).0
    }

    /// Takes what the speech network made of the [window](Self::window).
    pub(super) fn hear(&mut self, coefficients: &[f32]) {
        self.coefficients.copy_from_slice(coefficients);
    }

    /// Sound and mouth of the tick. Where no frame comes of it, the tick says why: `Idle`, `Starved` or
    /// `Waiting` of an unpaced session, any but `Speech` of a tick that was ordered ahead.
    pub(super) fn sound(
        &mut self,
        input: &Mutex<Input>,
        order: Order<'_>,
        draft: Draft,
        slot: &mut Slot,
    ) -> Tick {
        let Tick::Speech { last } = draft.tick else {
            return draft.tick;
        };
        if draft.gate == 0.0 {
            self.mouth.rest();
        } else {
            self.mouth.speak(&self.coefficients, draft.gate);
        }
        let rate_hz = draft.rate_hz;
        let samples = frame_start(self.frame + 1, rate_hz) - frame_start(self.frame, rate_hz);
        let mut input = lock(input);
        if input.generation != self.generation {
            // Interrupted meanwhile: this frame's audio is gone, and so is the frame.
            drop(input);
            self.mouth.rest();
            return Tick::Idle;
        }
        if let Some(utterance) = input.front() {
            utterance.take(samples, &mut slot.audio);
        }
        slot.audio_rate_hz = rate_hz;
        slot.muted = input.muted;
        self.frame += 1;
        if last && order.ahead {
            self.ended = true;
        } else if last {
            input.finish();
            self.start_utterance();
        }
        draft.tick
    }

    /// Whether a tick that was ordered so is one to show.
    pub(super) fn is_frame(&self, tick: Tick, ahead: bool) -> bool {
        match tick {
            Tick::Speech { .. } => true,
            Tick::Closing => !ahead,
            _ => !ahead && !self.restarts,
        }
    }

    /// Moves on by a tick.
    pub(super) fn pass(&mut self, input: &Mutex<Input>, tick: Tick, slot: &mut Slot) {
        self.starved = match tick {
            Tick::Starved | Tick::Waiting => self.starved + 1,
            _ => 0,
        };
        self.talking = !matches!(tick, Tick::Idle | Tick::Closing);
        let (gesture, base_loop) = {
            let mut input = lock(input);
            (input.gesture.take(), input.base_loop)
        };
        if let Some(gesture) = gesture {
            self.player.perform(gesture);
        }
        let clips = &self.avatar.0.clips;
        self.shot = self.player.next(clips, self.talking, base_loop);
        slot.tick = tick;
        slot.generation = self.generation;
        slot.revision = self.revision;
        slot.state.set(&self.mouth, self.player);
        slot.gesture = gesture.or(slot.gesture);
        slot.base_frame = self.shot.frame;
    }

    /// All that the picture of the tick that has passed is made from but the mouth, which is to be
    /// drawn if it is [placed](Slot::placed).
    pub(super) fn show(&mut self, slot: &mut Slot) -> Result<()> {
        slot.placed = false;
        slot.base = None;
        slot.leaving = None;
        if self.pictures {
            slot.base = Some(self.bases.take(&self.avatar, self.shot.frame)?);
            slot.leaving = self.bases.leaving(&self.avatar, self.shot)?;
            slot.placed = self.mouth.presence() > 0.0;
        }
        let shown = self.mouth.coefficients();
        slot.arkit.clear();
        slot.arkit.extend(self.avatar.0.arkit.iter().map(|weights| {
            weights
                .iter()
                .zip(shown)
                .map(|(w, x)| w * x)
                .sum::<f32>()
                .clamp(0.0, 1.0)
        }));
        Ok(())
    }

    /// Coefficients and pose of the mouth that is [placed](Slot::placed).
    pub(super) fn mouth(&self, slot: &Slot) -> [&[f32]; 2] {
        let pose = self.avatar.0.pose(slot.base_frame);
        [self.mouth.coefficients(), pose]
    }

    /// Draws that mouth from a batch of the identity network.
    pub(super) fn draw(&self, identity: &Identity, place: (usize, usize), slot: &mut Slot) {
        if slot.patch.is_empty() {
            slot.patch = Patch::new(self.avatar.info().patch_size);
        }
        identity.put(self.isa, place, self.mouth.presence(), &mut slot.patch);
    }

    /// Decodes a base frame that is likely to be needed soon: where no frame can be prepared, as in
    /// silence, its base frame can.
    pub(super) fn look_ahead(&mut self, input: &Mutex<Input>) {
        if !self.pictures {
            return;
        }
        let base_loop = lock(input).base_loop;
        let clips = &self.avatar.0.clips;
        let mut player = self.player;
        let next = [(); LOOK_AHEAD].map(|()| player.next(clips, self.talking, base_loop).frame);
        self.bases.look_ahead(&self.avatar, next);
    }

    /// Base frames that are decoded ahead.
    #[cfg(test)]
    pub(super) fn decoded(&self) -> impl Iterator<Item = usize> {
        self.bases.decoded()
    }

    /// Takes in audio until the next frame's window is complete.
    fn listen(&mut self, input: &Mutex<Input>) -> Result<(Tick, u32)> {
        loop {
            let mut input = lock(input);
            let paused = input.paused;
            let Some(utterance) = input.front().filter(|_| !paused) else {
                return Ok((Tick::Idle, 0));
            };
            let rate_hz = utterance.rate_hz;
            let frames = utterance.frames();
            if frames == Some(0) {
                input.finish();
                continue;
            }
            if self.window.is_ready(self.frame) {
                let last = frames.is_some_and(|frames| self.frame + 1 >= frames);
                return Ok((Tick::Speech { last }, rate_hz));
            }
            self.scratch.clear();
            let piece = rate_hz as usize / 100;
            match utterance.feed(piece, &mut self.scratch) {
                Feed::Samples => {}
                Feed::Silence => self.scratch.resize(piece, 0.0),
                Feed::Starved if self.frame == 0 => return Ok((Tick::Waiting, rate_hz)),
                Feed::Starved => return Ok((Tick::Starved, rate_hz)),
            }
            drop(input);
            let resampler = match &mut self.resampler {
                Some((rate, resampler)) if *rate == rate_hz => resampler,
                slot => &mut slot.insert((rate_hz, Resampler::new(rate_hz)?)).1,
            };
            resampler.push(&self.scratch, |samples| self.window.push(samples))?;
        }
    }

    fn follow_interruption(&mut self, input: &Mutex<Input>, drawn: &Mutex<State>) {
        let generation = lock(input).generation;
        if generation != self.generation {
            // What was prepared and not drawn is dropped, so mouth and motion go on from what was
            // seen last.
            let drawn = lock(drawn);
            self.mouth.copy_from(&drawn.mouth);
            self.player = drawn.player;
            self.generation = generation;
            self.start_utterance();
            self.interrupted = true;
            self.closing = if self.mouth.presence() > 0.0 {
                CLOSING
            } else {
                0
            };
        }
    }

    /// What was prepared before speech was muted or held, or either was undone, is undone: the sound
    /// goes back to where it came from, and mouth and motion go on from what was seen last.
    fn follow_changes(&mut self, input: &Mutex<Input>, order: Order<'_>) {
        let mut input = lock(input);
        if input.revision == self.revision {
            return;
        }
        self.revision = input.revision;
        let generation = input.generation;
        let mut ring = lock(order.ring);
        let mut undone = false;
        while let Some(slot) = ring.undo() {
            // What was interrupted is lost anyway.
            if slot.generation == generation
                && let Some(utterance) = input.front()
            {
                utterance.give_back(&slot.audio);
                input.gesture = input.gesture.or(slot.gesture);
                self.frame -= slot.ticks();
                undone = true;
            }
            ring.put_back(slot);
        }
        if undone {
            let drawn = lock(order.drawn);
            self.mouth.copy_from(&drawn.mouth);
            self.player = drawn.player;
            self.ended = false;
        }
    }

    fn start_utterance(&mut self) {
        self.frame = 0;
        self.ended = false;
        self.window.reset();
        if let Some((_, resampler)) = &mut self.resampler {
            resampler.reset();
        }
    }
}

/// A panic elsewhere leaves nothing half-written behind that a later frame relies on.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
