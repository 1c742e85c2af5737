//! Frame after frame, from the queue's audio to all that a picture is made from.

mod picture;
mod rewind;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::input::Input;
use super::plan::{FrameKind, Plan};
use super::prefetch::BasePrefetch;
use super::prepare_request::PrepareRequest;
use super::ring::PreparedFrame;
use super::utterance::Feed;
use crate::audio::resample::Resampler;
use crate::avatar::AvatarData;
use crate::clock::{NETWORK_RATE_HZ, frame_start};
use crate::compose::arch::Isa;
use crate::motion::mouth::Mouth;
use crate::motion::{AnimationState, FrameSelection};
use crate::speech::SpeechWindow;
use picture::Stage;

/// Frame periods without audio after which an utterance that was not flushed ends: 600 ms.
const ENDPOINT_PERIODS: u32 = 15;
/// Frames for which the mouth holds its shape where the speech network fails; then it closes.
const HELD_FRAMES: u32 = 3;
/// Audio goes to the networks in pieces of a hundredth of a second.
const PIECES_PER_S: u32 = 100;

/// The state from which a session's next frame is prepared.
#[derive(Debug)]
pub(super) struct Renderer {
    avatar: Arc<AvatarData>,
    isa: Isa,
    window: SpeechWindow,
    resampler: Option<(u32, Resampler)>,
    /// Next frame of the utterance.
    frame: u64,
    /// The utterance's last frame is prepared, but not presented yet.
    ended: bool,
    /// The interruptions and changes of the input that have been followed.
    interruptions: u64,
    changes: u64,
    /// Frames over which the mouth is still to close after an interruption.
    closing: u8,
    /// No frame has been planned since the last interruption.
    interrupted: bool,
    /// Frame periods since audio arrived last, while an utterance waits for it.
    starved: u32,
    /// Unpaced sessions start over after an interruption, so that what follows equals a new
    /// session's.
    restarts: bool,
    /// Whether pictures are wanted.
    pictures: bool,
    animation: AnimationState,
    /// The frame selection of the last picture.
    selection: FrameSelection,
    /// Whether the last frame was one of speech, for the motion.
    talking: bool,
    bases: BasePrefetch,
    mouth: Mouth,
    coefficients: Vec<f32>,
    /// The coefficients of the frame that is planned that are driven from outside.
    driven: Vec<Option<f32>>,
    /// Runs of the speech network that failed in a row.
    failures: u32,
    /// Stages whose failure is in the log.
    logged: [bool; Stage::COUNT],
    scratch: Vec<f32>,
}

impl Renderer {
    pub(super) fn new(avatar: Arc<AvatarData>, restarts: bool, pictures: bool) -> Self {
        let coefficients = avatar.info.coefficient_names.len();
        Self {
            isa: Isa::best(),
            window: SpeechWindow::new(avatar.window),
            resampler: None,
            frame: 0,
            ended: false,
            interruptions: 0,
            changes: 0,
            closing: 0,
            interrupted: false,
            starved: 0,
            restarts,
            pictures,
            animation: AnimationState::default(),
            selection: FrameSelection::default(),
            talking: false,
            bases: BasePrefetch::default(),
            mouth: Mouth::new(coefficients),
            coefficients: vec![0.0; coefficients],
            driven: vec![None; coefficients],
            failures: 0,
            logged: [false; Stage::COUNT],
            scratch: Vec::new(),
            avatar,
        }
    }

    /// Plans a frame, after the frame periods that are dropped before it: what it is going to be, and
    /// whether the speech network has to run on its [window](Self::speech_window).
    pub(super) fn plan(
        &mut self,
        input: &Mutex<Input>,
        request: PrepareRequest<'_>,
        frame: &mut PreparedFrame,
    ) -> Plan {
        self.follow(input, request);
        frame.clear();
        frame.interruptions = self.interruptions;
        loop {
            let plan = self.plan_period(input, request);
            if plan.kind == FrameKind::LAST || frame.dropped >= request.drop {
                return plan;
            }
            // This mouth is not seen: it keeps the coefficients of the one before.
            let kind = self.take_audio(input, plan, frame);
            if !self.is_frame(kind, request.ahead) {
                return Plan::silent(kind);
            }
            self.advance(input, kind, frame);
            frame.dropped += 1;
        }
    }

    fn plan_period(&mut self, input: &Mutex<Input>, request: PrepareRequest<'_>) -> Plan {
        if self.ended {
            // One utterance at a time is prepared, so that all that is can be taken back.
            if !lock(request.ring).is_empty() {
                return Plan::silent(FrameKind::Idle);
            }
            self.start_utterance();
        }
        // Where an utterance waits, its frames come at once.
        if self.closing > 0 && lock(input).front().is_none() {
            if !request.ahead {
                self.rest();
            }
            return Plan::silent(FrameKind::Closing);
        }
        if self.interrupted && self.restarts {
            self.mouth.reset();
            self.animation.restart();
            self.closing = 0;
        }
        self.interrupted = false;
        let endpoint = !self.restarts && !request.ahead;
        let plan = self.fill_window(input, endpoint);
        match plan.kind {
            FrameKind::Speech { .. } => self.closing = 0,
            _ if !self.restarts && !request.ahead => self.rest(),
            _ => {}
        }
        plan
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

    /// Feeds audio to the resampler and the mel window until the next frame's window is complete. All
    /// that the plan says of the input is true at one moment. An utterance whose audio stays away for
    /// too long ends here if an `endpoint` is allowed.
    fn fill_window(&mut self, input: &Mutex<Input>, endpoint: bool) -> Plan {
        loop {
            let mut input = lock(input);
            if input.interruptions != self.interruptions {
                // What waits now belongs to an utterance that this window doesn't.
                return Plan::silent(FrameKind::Idle);
            }
            let (paused, muted) = (input.paused, input.muted);
            let Some(utterance) = input.front().filter(|_| !paused) else {
                return Plan::silent(FrameKind::Idle);
            };
            let rate_hz = utterance.rate_hz;
            let silent = utterance.is_silent(self.frame);
            if silent == Some(true) || self.window.is_ready(self.frame) {
                let silent = silent == Some(true);
                let frames = utterance.frames();
                let last = frames.is_some_and(|frames| self.frame + 1 >= frames);
                self.driven.fill(None);
                if !muted {
                    let names = &self.avatar.info.coefficient_names;
                    utterance
                        .track()
                        .sample(self.frame, names, &mut self.driven);
                }
                let gate = if muted || silent {
                    0.0
                } else {
                    self.window.view(self.frame).1
                };
                return Plan {
                    kind: FrameKind::Speech { last },
                    rate_hz: if silent { 0 } else { rate_hz },
                    gate,
                    muted,
                    driven: self.driven.iter().all(Option::is_some),
                };
            }
            if silent.is_none() {
                // Without a sample, there is no rate to feed the window at.
                if endpoint && self.starved >= ENDPOINT_PERIODS {
                    utterance.end();
                    continue;
                }
                return Plan::silent(if self.frame == 0 {
                    FrameKind::Waiting
                } else {
                    FrameKind::Starved
                });
            }
            self.scratch.clear();
            let piece = (rate_hz / PIECES_PER_S) as usize;
            match utterance.feed(piece, &mut self.scratch) {
                Feed::Samples => self.starved = 0,
                Feed::Silence => self.scratch.resize(piece, 0.0),
                Feed::Starved if endpoint && self.starved >= ENDPOINT_PERIODS => {
                    utterance.end();
                    continue;
                }
                Feed::Starved if self.frame == 0 => return Plan::silent(FrameKind::Waiting),
                Feed::Starved => return Plan::silent(FrameKind::Starved),
            }
            drop(input);
            self.feed_window(rate_hz);
        }
    }

    /// Resamples the scratch buffer into the mel window.
    fn feed_window(&mut self, rate_hz: u32) {
        let resampler = match &mut self.resampler {
            Some((rate, resampler)) if *rate == rate_hz => Ok(resampler),
            slot => Resampler::new(rate_hz).map(|new| &mut slot.insert((rate_hz, new)).1),
        };
        let window = &mut self.window;
        let fed = resampler
            .and_then(|resampler| resampler.push(&self.scratch, |samples| window.push(samples)));
        if let Err(error) = fed {
            // Silence keeps the time. The sound itself is not touched.
            window.push(&[0.0; (NETWORK_RATE_HZ / PIECES_PER_S) as usize]);
            self.log_failure(Stage::Resampler, &error);
        }
    }

    /// The speech network's input for the frame that is planned.
    pub(super) fn speech_window(&mut self) -> &[f32] {
        self.window.view(self.frame).0
    }

    /// Takes the speech network's output for the [window](Self::speech_window).
    pub(super) fn set_coefficients(&mut self, coefficients: &[f32]) {
        self.coefficients.copy_from_slice(coefficients);
        self.failures = 0;
    }

    /// Takes the audio of the frame that is planned, and moves the mouth. Where no frame comes of it, the
    /// kind says why: `Idle`, `Starved` or `Waiting` of an unpaced session, any but `Speech` of a frame
    /// that was requested ahead.
    pub(super) fn take_audio(
        &mut self,
        input: &Mutex<Input>,
        plan: Plan,
        frame: &mut PreparedFrame,
    ) -> FrameKind {
        let FrameKind::Speech { last } = plan.kind else {
            return plan.kind;
        };
        let rate_hz = plan.rate_hz;
        let samples = frame_start(self.frame + 1, rate_hz) - frame_start(self.frame, rate_hz);
        {
            let mut input = lock(input);
            if input.interruptions != self.interruptions {
                // This frame's audio is gone, and so is the frame.
                drop(input);
                self.mouth.rest();
                return FrameKind::Idle;
            }
            input.take(samples, &mut frame.audio);
            self.take_controls(&mut input, frame);
            frame.tag = input
                .front()
                .map_or(0, |utterance| utterance.tag(self.frame));
        }
        if plan.gate == 0.0 || self.failures > HELD_FRAMES && !plan.driven {
            self.mouth.rest_driven(&self.driven);
        } else if self.failures == 0 || plan.driven {
            self.mouth.speak(&self.coefficients, plan.gate);
        }
        self.mouth.drive(&self.driven);
        frame.audio_rate_hz = rate_hz;
        frame.muted = plan.muted;
        frame.speech_frames += 1;
        self.frame += 1;
        self.ended = last;
        plan.kind
    }

    /// Takes the gesture that was requested last, if any, and the emotion.
    fn take_controls(&mut self, input: &mut Input, frame: &mut PreparedFrame) {
        self.animation.emotion.set(input.mood);
        if let Some(gesture) = input.gesture.take() {
            self.animation.perform(gesture);
            frame.gesture = Some(gesture);
        }
    }

    /// Whether a frame is shown of what was requested so.
    pub(super) fn is_frame(&self, kind: FrameKind, ahead: bool) -> bool {
        match kind {
            FrameKind::Speech { .. } => true,
            FrameKind::Closing => !ahead,
            _ => !ahead && !self.restarts,
        }
    }

    /// Moves the motion on by a frame period.
    pub(super) fn advance(
        &mut self,
        input: &Mutex<Input>,
        kind: FrameKind,
        frame: &mut PreparedFrame,
    ) {
        self.starved = match kind {
            FrameKind::Starved | FrameKind::Waiting => self.starved + 1,
            _ => 0,
        };
        self.talking = !matches!(kind, FrameKind::Idle | FrameKind::Closing);
        let base_loop = {
            let mut input = lock(input);
            // Speech has taken it with its audio. Where the motions start over for the next utterance, it
            // is for that one.
            if !matches!(kind, FrameKind::Speech { .. }) && !self.restarts {
                self.take_controls(&mut input, frame);
            }
            input.base_loop
        };
        let motions = &self.avatar.motions;
        let level = loudness(&frame.audio);
        self.animation.life.step(self.talking, level);
        self.animation.emotion.step();
        self.selection = self.animation.next(motions, self.talking, base_loop);
        frame.kind = kind;
        frame.interruptions = self.interruptions;
        frame.changes = self.changes;
        frame.state.set(&self.mouth, self.animation);
        frame.gestures.add(self.selection.gestures);
        frame.base_frame = self.selection.frame;
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

/// Root mean square of a frame's sound.
fn loudness(audio: &[f32]) -> f32 {
    let sum: f32 = audio.iter().map(|sample| sample * sample).sum();
    (sum / audio.len().max(1) as f32).sqrt()
}
