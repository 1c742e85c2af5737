//! The drawing side of a session: one tick after the other, from audio to picture.

use std::sync::{Mutex, PoisonError};

use super::input::{Feed, Input};
use crate::audio::resample::Resampler;
use crate::avatar::Avatar;
use crate::clock::frame_start;
use crate::compose::Composer;
use crate::compose::arch::Isa;
use crate::compose::blend::Patch;
use crate::frame::Frame;
use crate::motion::Player;
use crate::motion::mouth::Mouth;
use crate::options::SessionOptions;
use crate::speech::SpeechWindow;
use crate::{PictureMut, Result};

/// Frames over which the mouth closes after an interruption.
const CLOSING_FRAMES: u32 = 3;

/// What a tick turned out to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tick {
    /// A frame of speech; the utterance's last one if `last`.
    Speech { last: bool },
    /// A frame that closes the mouth after an interruption.
    Closing,
    /// No utterance is under way.
    Idle,
    /// One is, but its audio has not arrived.
    Starved,
}

#[derive(Debug)]
pub(super) struct Renderer {
    avatar: Avatar,
    isa: Isa,
    composer: Composer,
    window: SpeechWindow,
    resampler: Option<(u32, Resampler)>,
    /// Next frame of the utterance.
    frame: u64,
    generation: u64,
    closing: u32,
    interrupted: bool,
    /// Unpaced sessions start over after an interruption, so that what follows equals a new
    /// session's.
    restarts: bool,
    player: Player,
    mouth: Mouth,
    patch: Patch,
    coefficients: Vec<f32>,
    scratch: Vec<f32>,
}

impl Renderer {
    pub(super) fn new(avatar: Avatar, options: &SessionOptions, restarts: bool) -> Self {
        let info = avatar.info();
        let coefficients = info.coefficient_names.len();
        let isa = Isa::best();
        Self {
            isa,
            composer: Composer::new(
                isa,
                (info.frame_width, info.frame_height),
                options.output_size,
                options.letterbox,
            ),
            window: SpeechWindow::new(avatar.0.window),
            resampler: None,
            frame: 0,
            generation: 0,
            closing: 0,
            interrupted: false,
            restarts,
            player: Player::default(),
            mouth: Mouth::new(coefficients),
            patch: Patch::new(info.patch_size),
            coefficients: vec![0.0; coefficients],
            scratch: Vec::new(),
            avatar,
        }
    }

    pub(super) fn output_size(&self) -> (usize, usize) {
        self.composer.output_size()
    }

    /// Moves on by one tick as far as sound and mouth go, appending the tick's audio to `frame`.
    /// `finish_starved` ends an utterance that waits for audio.
    pub(super) fn advance(
        &mut self,
        input: &Mutex<Input>,
        finish_starved: bool,
        frame: &mut Frame,
    ) -> Result<Tick> {
        self.follow_interruption(input);
        if self.closing > 0 && (self.restarts || lock(input).front().is_none()) {
            self.closing -= 1;
            self.mouth.rest();
            return Ok(Tick::Closing);
        }
        if self.interrupted && self.restarts {
            self.mouth.reset();
            self.player = Player::default();
        }
        self.interrupted = false;
        if finish_starved {
            lock(input).flush();
        }
        let (tick, rate_hz) = self.listen(input)?;
        match tick {
            Tick::Speech { .. } => self.closing = 0,
            _ => {
                if !self.restarts {
                    self.mouth.rest();
                }
                return Ok(tick);
            }
        }
        let (window, gate) = self.window.view(self.frame);
        self.coefficients
            .copy_from_slice(self.avatar.0.networks()?.speech.run([window])?);
        self.mouth.speak(&self.coefficients, gate);

        let samples = frame_start(self.frame + 1, rate_hz) - frame_start(self.frame, rate_hz);
        let mut input = lock(input);
        if input.generation != self.generation {
            // Interrupted meanwhile: this frame's audio is gone, and so is the frame.
            drop(input);
            self.mouth.rest();
            return Ok(Tick::Idle);
        }
        if let Some(utterance) = input.front() {
            utterance.take(samples, &mut frame.audio);
        }
        frame.audio_rate_hz = rate_hz;
        self.frame += 1;
        if tick == (Tick::Speech { last: true }) {
            input.finish();
            self.start_utterance();
        }
        Ok(tick)
    }

    /// Draws the tick's picture into `picture`, or else into the frame's own memory.
    pub(super) fn draw(
        &mut self,
        talking: bool,
        gesture: Option<usize>,
        frame: &mut Frame,
        picture: Option<&mut PictureMut<'_>>,
    ) -> Result<()> {
        if let Some(gesture) = gesture {
            self.player.perform(gesture);
        }
        let avatar = &self.avatar.0;
        let base_frame = self.player.next(&avatar.clips, talking);
        let base = avatar.base_frame(base_frame)?;
        let presence = self.mouth.presence();
        let mut placed = None;
        if presence > 0.0 {
            let mut networks = avatar.networks()?;
            let pose = avatar.pose(base_frame);
            let planes = networks.identity.run([self.mouth.coefficients(), pose])?;
            self.patch.set(self.isa, planes, presence);
            placed = Some((&self.patch, &avatar.affines[base_frame]));
        }
        match picture {
            Some(picture) => self.composer.compose(&base, placed, picture),
            None => {
                let size = (frame.width, frame.height);
                let length = frame.format.buffer_len(size.0, size.1);
                frame.pixels.resize(length, 0);
                let mut own = PictureMut::packed(frame.format, size, &mut frame.pixels)?;
                self.composer.compose(&base, placed, &mut own);
            }
        }

        frame.base_frame = base_frame;
        let shown = self.mouth.coefficients();
        frame.arkit.clear();
        frame.arkit.extend(avatar.arkit.iter().map(|weights| {
            weights
                .iter()
                .zip(shown)
                .map(|(w, x)| w * x)
                .sum::<f32>()
                .clamp(0.0, 1.0)
        }));
        Ok(())
    }

    /// Moves the base frames on without a picture.
    pub(super) fn skip_picture(&mut self, talking: bool) {
        self.player.next(&self.avatar.0.clips, talking);
    }

    /// Takes in audio until the next frame's window is complete.
    fn listen(&mut self, input: &Mutex<Input>) -> Result<(Tick, u32)> {
        loop {
            let mut input = lock(input);
            let Some(utterance) = input.front() else {
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

    fn follow_interruption(&mut self, input: &Mutex<Input>) {
        let generation = lock(input).generation;
        if generation != self.generation {
            self.generation = generation;
            self.start_utterance();
            self.interrupted = true;
            self.closing = if self.mouth.presence() > 0.0 {
                CLOSING_FRAMES
            } else {
                0
            };
        }
    }

    fn start_utterance(&mut self) {
        self.frame = 0;
        self.window.reset();
        if let Some((_, resampler)) = &mut self.resampler {
            resampler.reset();
        }
    }
}

pub(super) fn lock(input: &Mutex<Input>) -> std::sync::MutexGuard<'_, Input> {
    input.lock().unwrap_or_else(PoisonError::into_inner)
}
