//! One conversation: audio in at one end, frames out at the other.
//!
//! `input` is the queue and the controls, `renderer` prepares one frame after the other, `batch` runs the
//! networks for several sessions, `job` is the pool's side of it, `ring` holds what is prepared, `core`
//! presents frames in time by the policy of `late_frames`.

mod avatar;
mod batch;
mod core;
mod draw;
mod driven;
mod frame_request;
mod frames;
mod input;
mod job;
mod late_frames;
mod messages;
mod plan;
mod prefetch;
mod prepare_request;
mod renderer;
mod ring;
mod starting;
mod statistics;
mod target;
#[cfg(test)]
pub(crate) mod tests;
mod utterance;
mod wakeup;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use self::core::Core;
pub(crate) use self::core::RenderPool;
use crate::Result;
use crate::audio::AudioData;
use crate::clock::{Clock, FRAME_DURATION};
use crate::compose::fit;
use crate::frame::Frame;
use crate::log::LogLevel;
use crate::motion::emotion::{Emotion, Mood};
use crate::options::{Pacing, SessionOptions};
use crate::schedule::TaskId;
pub use avatar::Avatar;
pub use frame_request::{FrameRequest, Next, Wait};
pub use frames::Frames;
use renderer::lock;
pub use statistics::Statistics;

/// One conversation with an avatar.
///
/// All methods take `&self`: push from one thread and draw frames in another, through an `Arc` or a
/// scoped thread. Pushing waits only for short moments, never for rendering.
///
/// # Which thread renders
/// The thread that asks for a frame composes its picture. In real time, on the system's clock or a
/// host's, the engine's threads run the networks for frames of speech ahead, up to six frames before
/// their time; what can change until a frame is due, such as whether there will be speech at all, is
/// left to that moment. Unpaced, and on a clock that is moved by hand, the asking thread does it all.
///
/// # Audio is the master
/// Every sample that is pushed comes out once, in order, unless an [`interrupt`](Self::interrupt) drops
/// it. A damaged base frame, a network that fails and a draw that is late cost a picture or a mouth,
/// never sound: such frames are flagged ([`concealed`](crate::FrameFlags::concealed),
/// [`skipped`](crate::FrameFlags::skipped)), counted ([`Statistics`]) and, at first, logged.
///
/// # Latency
/// See [`latency`](Self::latency).
#[derive(Debug)]
pub struct Session {
    avatar: Avatar,
    core: Arc<Core>,
}

impl Session {
    pub(crate) fn new(avatar: Avatar, options: SessionOptions) -> Result<Self> {
        fit::check(&options, avatar.data.picture().size)?;
        let scheduler = avatar.pool.clone();
        let served =
            options.pacing == Pacing::Realtime && !matches!(options.clock, Clock::Manual(_));
        let mut refused = None;
        let core = Arc::new_cyclic(|core: &Weak<Core>| {
            let task = served.then(|| scheduler.register(core.clone(), &avatar.data.share));
            let task: Option<TaskId> = task.transpose().unwrap_or_else(|error| {
                refused = Some(error);
                None
            });
            Core::new(Arc::clone(&avatar.data), scheduler.clone(), options, task)
        });
        match refused {
            Some(error) => Err(error),
            None => {
                core.log(LogLevel::Debug, || {
                    let options = &core.options;
                    let (width, height) = core.size;
                    let name = &core.avatar.info.name;
                    let pacing = options.pacing;
                    format!("begins with \"{name}\", {width}×{height} pixels, {pacing:?}")
                });
                Ok(Self { avatar, core })
            }
        }
    }

    /// The avatar of this conversation.
    pub fn avatar(&self) -> &Avatar {
        &self.avatar
    }

    /// Width and height of the pictures in pixels.
    pub fn frame_size(&self) -> (usize, usize) {
        self.core.size
    }

    /// Time from pushing a frame's first sample, where audio is pushed as it is spoken, until the
    /// frame can leave: its own 40 ms and 120 ms of look-ahead.
    pub fn latency(&self) -> Duration {
        4 * FRAME_DURATION
    }

    /// Counts of what has happened since the session began.
    pub fn statistics(&self) -> Statistics {
        *lock(&self.core.statistics)
    }

    /// Takes a piece of speech, of any length: interleaved samples at `sample_rate_hz` (**8,000 to
    /// 192,000**), `channels` (**1 to 32**) mixed down to mono. The first piece after a
    /// [`flush`](Self::flush) begins a new utterance.
    ///
    /// # Errors
    /// Nothing of the piece is taken on an error.
    /// - `InvalidArgument`: rate or channels outside their domain, an incomplete sample frame,
    ///   samples that are not finite.
    /// - `InvalidState`: another rate than the utterance began with.
    /// - `LimitExceeded`: more audio would wait than [`SessionOptions::queue_limit_s`],
    ///   [`queue_limit_bytes`](SessionOptions::queue_limit_bytes) or
    ///   [`queue_limit_utterances`](SessionOptions::queue_limit_utterances) allow; the message says which.
    ///
    /// # Real time
    /// Doesn't wait for rendering, and takes no longer where much waits. Allocates only while the queue
    /// grows; more than 1 MiB of it goes back to the system when it is drawn.
    pub fn push_audio<'a>(
        &self,
        audio: impl Into<AudioData<'a>>,
        sample_rate_hz: u32,
        channels: u16,
    ) -> Result<()> {
        self.push_audio_tagged(audio, sample_rate_hz, channels, 0)
    }

    /// The same as [`push_audio`](Self::push_audio) with a tag of the caller's, which comes back on the
    /// frames whose first sample is of this piece: [`Frame::tag`]. 0 stands for none.
    ///
    /// # Errors
    /// The errors of [`push_audio`](Self::push_audio).
    ///
    /// # Real time
    /// As [`push_audio`](Self::push_audio).
    pub fn push_audio_tagged<'a>(
        &self,
        audio: impl Into<AudioData<'a>>,
        sample_rate_hz: u32,
        channels: u16,
        tag: u64,
    ) -> Result<()> {
        let audio = audio.into();
        audio.check(sample_rate_hz, channels)?;
        if audio.is_empty() {
            return Ok(());
        }
        let limits = self.core.limits;
        let begins = lock(&self.core.input).push(audio, sample_rate_hz, (channels, tag), limits)?;
        if begins {
            self.core.log(LogLevel::Debug, || {
                format!("an utterance begins, at {sample_rate_hz} Hz")
            });
        }
        self.core.announce();
        self.core.wake_unpaced();
        Ok(())
    }

    /// Ends the utterance: what was pushed is rendered to its last sample, and its last frame has
    /// [`end_of_speech`](crate::FrameFlags::end_of_speech). Without an utterance nothing happens.
    pub fn flush(&self) {
        lock(&self.core.input).flush();
        self.core.announce();
        self.core.wake_unpaced();
    }

    /// Drops queued audio and prepared frames at once (barge-in); the mouth closes over the next two
    /// frames, and the session is ready for the next [`push_audio`](Self::push_audio). What is pushed
    /// after this call is a new utterance, whatever other threads draw meanwhile.
    ///
    /// In an unpaced session the motions start over too, so that what follows equals a new session's
    /// output; the closing frames come only while nothing new is pushed.
    pub fn interrupt(&self) {
        let (utterances, freed) = {
            let mut input = lock(&self.core.input);
            (input.utterances(), input.interrupt())
        };
        self.core.log(LogLevel::Debug, || {
            format!("interrupted; {utterances} utterances are dropped")
        });
        self.core.wake();
        drop(freed);
    }

    /// Pauses speech, or lets it go on where it was paused. No sample is lost and no underrun counted; the
    /// mouth closes and the avatar idles. Takes effect with the next frame: prepared ones are prepared
    /// anew when their time comes.
    pub fn set_paused(&self, paused: bool) {
        lock(&self.core.input).set_paused(paused);
        self.core.announce();
        self.core.wake();
    }

    /// Mutes speech or lets it be heard again. Muted speech takes its time, but its samples come out
    /// as zeros and the mouth rests. Takes effect with the next frame, sound and mouth together.
    pub fn set_muted(&self, muted: bool) {
        lock(&self.core.input).set_muted(muted);
        self.core.announce();
        self.core.wake();
    }

    /// Ends all drawing, from any thread: a [`next_frame`](Self::next_frame) that waits for its time, for the
    /// engine's threads or for others that run networks, or that runs a network in its own thread,
    /// returns at once, and it and all later ones give `Cancelled`. Undone by
    /// [`restart_clock`](Self::restart_clock).
    pub fn cancel(&self) {
        self.core.cancel();
    }

    /// Starts real time anew: the next frame is due when it is asked for, and the others follow from
    /// it. For a consumer that has not asked for a while on purpose and does not want what it missed
    /// to count as late; one that has been away for more than a second is taken to have been. Doesn't
    /// wait for a frame that is being drawn. Unpaced, only a [`cancel`](Self::cancel) is undone.
    pub fn restart_clock(&self) {
        let mut input = lock(&self.core.input);
        input.restart = true;
        self.core.cancelled.store(false, Ordering::Release);
        self.core.terminator.reset();
        drop(input);
        self.core.wake();
    }

    /// Plays the motion `name` once, from the next frame where it can begin without a jump; lips go
    /// on talking. While an utterance is under way, the same motion is played for it only once; further
    /// requests are ignored. A request that waits is replaced by a newer one, and dropped by an
    /// [`interrupt`](Self::interrupt).
    ///
    /// # Errors
    /// `NotFound` if the avatar has no such motion.
    pub fn perform(&self, name: &str) -> Result<()> {
        self.gesture(name, false)
    }

    /// The same as [`perform`](Self::perform), as often as it is asked for.
    ///
    /// # Errors
    /// `NotFound` if the avatar has no such motion.
    pub fn perform_again(&self, name: &str) -> Result<()> {
        self.gesture(name, true)
    }

    fn gesture(&self, name: &str, again: bool) -> Result<()> {
        let gesture = self.core.avatar.motions.find(name)?;
        lock(&self.core.input).perform(gesture, again);
        Ok(())
    }

    /// Plays the motion `name` over and over instead of `idle` and `talking`; None goes back to
    /// those. Begins where it can without a jump.
    ///
    /// # Errors
    /// `NotFound` if the avatar has no such motion.
    pub fn set_loop<'a>(&self, name: impl Into<Option<&'a str>>) -> Result<()> {
        let motions = &self.core.avatar.motions;
        let base_loop = name.into().map(|name| motions.find(name)).transpose()?;
        lock(&self.core.input).base_loop = base_loop;
        Ok(())
    }

    /// Lets the face show an emotion by `strength`, in **[0, 1]**, in place of the one before, until
    /// another one is asked for. It comes and goes within 0.7 s, from the next frame that is prepared on,
    /// as a gesture does; an [`interrupt`](Self::interrupt) leaves it. While the face speaks, the mouth
    /// belongs to speech, and the emotion moves its corners by half as much.
    ///
    /// # Errors
    /// - `InvalidArgument`: the strength is outside its domain.
    /// - `NotFound`: not one of the avatar's [`emotions`](crate::AvatarInfo::emotions). Avatars that were
    ///   filmed have `Neutral` alone.
    pub fn set_emotion(&self, emotion: Emotion, strength: f32) -> Result<()> {
        let mood = Mood::new(emotion, strength, &self.core.avatar.info.emotions)?;
        lock(&self.core.input).mood = mood;
        Ok(())
    }

    /// The next frame, in a [`Frame`] of its own. None stands for every answer but [`Next::Frame`].
    ///
    /// In real time, waits until the frame is due and always gives one (on a [manual
    /// clock](crate::clock::ManualClock) it doesn't wait, and gives None early). Unpaced, it never
    /// waits. [`draw`](Self::draw) fills a frame again and tells why there is none.
    ///
    /// # Errors
    /// The errors of [`draw`](Self::draw).
    pub fn next_frame(&self) -> Result<Option<Frame>> {
        let mut frame = Frame::new();
        let next = self.draw(&mut frame, FrameRequest::new())?;
        Ok(next.is_frame().then_some(frame))
    }

    /// Draws the next frame into `frame`, which is used again, as `request` asks for it. After an answer
    /// other than [`Next::Frame`], `frame` has no meaning.
    ///
    /// # Errors
    /// - `Cancelled` after [`cancel`](Self::cancel).
    /// - `Internal` if one of the engine's threads failed while it prepared a frame.
    /// - `InvalidArgument` if memory or canvas of the request are not of
    ///   [`frame_size`](Self::frame_size), which for a canvas is the avatar's own.
    /// - `UnsupportedFormat` if the avatar was keyed and the request is for a canvas, which shows no
    ///   transparency.
    ///
    /// An error uses up no frame and no sound: the next call gives the frame that this one didn't. In
    /// real time the clock runs on meanwhile. Damaged base frames and networks that fail are no errors,
    /// but [concealed](crate::FrameFlags::concealed).
    ///
    /// # Real time
    /// In the steady state nothing is allocated but what ONNX Runtime does itself.
    pub fn draw(&self, frame: &mut Frame, request: FrameRequest<'_, '_>) -> Result<Next> {
        self.core.draw(frame, request)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.core.log(LogLevel::Debug, || "ends".to_owned());
        if let Some(task) = self.core.task {
            self.core.pool.remove(task);
        }
    }
}
