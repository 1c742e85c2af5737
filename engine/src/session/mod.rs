//! One conversation: audio in at one end, frames out at the other.

mod input;
mod renderer;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::audio::AudioData;
use crate::avatar::Avatar;
use crate::clock::{FRAME_DURATION, Stopwatch};
use crate::frame::{Frame, FrameFlags};
use crate::options::{Pacing, SessionOptions};
use crate::{Error, ErrorKind, PictureMut, Result};
use input::Input;
use renderer::{Renderer, Tick, lock};

/// Ticks without audio after which an utterance that was not flushed counts as ended: 600 ms.
const STARVED_TICKS: u32 = 15;

/// One conversation with an avatar.
///
/// All methods take `&self`: push from one thread and draw frames in another, through an `Arc` or a
/// scoped thread. Pushing waits only for short moments, never for rendering. Frames are rendered by
/// the thread that asks for them.
///
/// # Latency
/// See [`latency`](Self::latency).
#[derive(Debug)]
pub struct Session {
    avatar: Avatar,
    pacing: Pacing,
    queue_limit_s: u32,
    size: (usize, usize),
    input: Mutex<Input>,
    output: Mutex<Output>,
    restart: AtomicBool,
}

/// The drawing side.
#[derive(Debug)]
struct Output {
    renderer: Renderer,
    options: SessionOptions,
    /// Runs from the first frame that is asked for.
    clock: Option<Stopwatch>,
    /// Index of the next frame.
    index: u64,
    /// Index of the frame that was due when the clock started.
    first: u64,
    starved: u32,
}

impl Session {
    pub(crate) fn new(avatar: Avatar, options: SessionOptions) -> Result<Self> {
        if let Some(size) = options.output_size {
            let domain = 16..=8192;
            if !domain.contains(&size.width) || !domain.contains(&size.height) {
                return Err(Error::new(
                    ErrorKind::InvalidArgument,
                    format!(
                        "an output of {}×{} pixels is outside 16 to 8192",
                        size.width, size.height
                    ),
                ));
            }
        }
        let renderer = Renderer::new(avatar.clone(), &options, options.pacing == Pacing::Unpaced);
        Ok(Self {
            avatar,
            pacing: options.pacing,
            queue_limit_s: options.queue_limit_s,
            size: renderer.output_size(),
            input: Mutex::default(),
            output: Mutex::new(Output {
                renderer,
                options,
                clock: None,
                index: 0,
                first: 0,
                starved: 0,
            }),
            restart: AtomicBool::new(false),
        })
    }

    /// The avatar of this conversation.
    pub fn avatar(&self) -> &Avatar {
        &self.avatar
    }

    /// Width and height of the pictures in pixels.
    pub fn frame_size(&self) -> (usize, usize) {
        self.size
    }

    /// Time from pushing a frame's first sample, where audio is pushed as it is spoken, until the
    /// frame can leave: its own 40 ms and 120 ms of look-ahead.
    pub fn latency(&self) -> Duration {
        4 * FRAME_DURATION
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
    /// - `LimitExceeded`: more audio would wait than [`SessionOptions::queue_limit_s`].
    ///
    /// # Real time
    /// Doesn't wait for rendering. Allocates only while the queue grows beyond what it has held
    /// before.
    pub fn push_audio<'a>(
        &self,
        audio: impl Into<AudioData<'a>>,
        sample_rate_hz: u32,
        channels: u16,
    ) -> Result<()> {
        let audio = audio.into();
        audio.check(sample_rate_hz, channels)?;
        if audio.is_empty() {
            return Ok(());
        }
        lock(&self.input).push(audio, sample_rate_hz, channels, self.queue_limit_s)
    }

    /// Ends the utterance: what was pushed is rendered to its last sample, and its last frame has
    /// [`end_of_speech`](FrameFlags::end_of_speech). Without an utterance nothing happens.
    pub fn flush(&self) {
        lock(&self.input).flush();
    }

    /// Drops queued audio at once; the mouth closes over the next three frames, and the session is
    /// ready for the next [`push_audio`](Self::push_audio).
    ///
    /// In an unpaced session the motions start over too, so that what follows equals a new
    /// session's output.
    pub fn interrupt(&self) {
        lock(&self.input).interrupt();
    }

    /// Starts real time anew: the next frame is due when it is asked for, and the others follow from
    /// it. For a consumer that has not asked for a while on purpose and does not want what it missed
    /// to count as late. Doesn't wait for a frame that is being drawn. Unpaced, nothing happens.
    pub fn restart_clock(&self) {
        self.restart.store(true, Ordering::Relaxed);
    }

    /// Plays the motion `name` once, from the next frame where it can begin without a jump; lips go
    /// on talking.
    ///
    /// # Errors
    /// `NotFound` if the avatar has no such motion.
    pub fn perform(&self, name: &str) -> Result<()> {
        let gesture = self.avatar.0.clips.find(name)?;
        lock(&self.input).gesture = Some(gesture);
        Ok(())
    }

    /// The next frame.
    ///
    /// In real time, waits until the frame is due and always gives one (on a [manual
    /// clock](crate::clock::ManualClock) it doesn't wait, and gives None early). Unpaced, it never
    /// waits: None means that more audio or a [`flush`](Self::flush) is needed, or that an
    /// utterance that was flushed is complete.
    ///
    /// # Errors
    /// `Inference` if ONNX Runtime fails, `InvalidAvatar` if a base frame turns out to be damaged.
    pub fn next_frame(&self) -> Result<Option<Frame>> {
        let mut frame = Frame::new();
        Ok(self.next_frame_into(&mut frame)?.then_some(frame))
    }

    /// The same as [`next_frame`](Self::next_frame) into a frame that is used again; false stands
    /// for None and leaves `frame` without meaning.
    ///
    /// # Errors
    /// Those of [`next_frame`](Self::next_frame).
    ///
    /// # Real time
    /// In the steady state nothing is allocated but what ONNX Runtime does itself.
    pub fn next_frame_into(&self, frame: &mut Frame) -> Result<bool> {
        self.draw(frame, None, true)
    }

    /// The same as [`next_frame_into`](Self::next_frame_into), with the picture straight into
    /// memory of the caller's, in any format; [`Frame::pixels`] stays empty.
    ///
    /// # Errors
    /// Those of [`next_frame`](Self::next_frame), and `InvalidArgument` if the picture is not of
    /// [`frame_size`](Self::frame_size); then no frame is used up.
    pub fn next_frame_to(&self, frame: &mut Frame, picture: &mut PictureMut<'_>) -> Result<bool> {
        self.draw(frame, Some(picture), true)
    }

    /// The next frame if it is due now, without waiting.
    ///
    /// # Errors
    /// Those of [`next_frame`](Self::next_frame).
    pub fn try_next_frame(&self) -> Result<Option<Frame>> {
        let mut frame = Frame::new();
        Ok(self.try_next_frame_into(&mut frame)?.then_some(frame))
    }

    /// The same as [`try_next_frame`](Self::try_next_frame) into a frame that is used again.
    ///
    /// # Errors
    /// Those of [`next_frame`](Self::next_frame).
    pub fn try_next_frame_into(&self, frame: &mut Frame) -> Result<bool> {
        self.draw(frame, None, false)
    }

    /// The same as [`next_frame_to`](Self::next_frame_to), without waiting.
    ///
    /// # Errors
    /// Those of [`next_frame_to`](Self::next_frame_to).
    pub fn try_next_frame_to(
        &self,
        frame: &mut Frame,
        picture: &mut PictureMut<'_>,
    ) -> Result<bool> {
        self.draw(frame, Some(picture), false)
    }

    fn draw(
        &self,
        frame: &mut Frame,
        picture: Option<&mut PictureMut<'_>>,
        wait: bool,
    ) -> Result<bool> {
        if let Some(size) = picture.as_deref().map(PictureMut::size)
            && size != self.size
        {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "the picture is {}×{}; this session draws {}×{}",
                    size.0, size.1, self.size.0, self.size.1
                ),
            ));
        }
        // A panic while rendering leaves no half-written state behind that a later frame relies on.
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        (frame.width, frame.height) = self.size;
        frame.format = picture
            .as_deref()
            .map_or(output.options.pixel_format, PictureMut::format);
        if picture.is_some() {
            frame.pixels.clear();
        }
        frame.audio.clear();
        frame.audio_rate_hz = 0;
        frame.flags = FrameFlags::default();
        if self.restart.swap(false, Ordering::Relaxed) {
            output.clock = None;
        }
        match self.pacing {
            Pacing::Realtime => output.draw_paced(&self.input, frame, picture, wait),
            Pacing::Unpaced => output.draw_unpaced(&self.input, frame, picture),
        }
    }
}

impl Output {
    fn draw_unpaced(
        &mut self,
        input: &Mutex<Input>,
        frame: &mut Frame,
        picture: Option<&mut PictureMut<'_>>,
    ) -> Result<bool> {
        let tick = self.renderer.advance(input, false, frame)?;
        match tick {
            Tick::Idle | Tick::Starved => return Ok(false),
            Tick::Closing | Tick::Speech { .. } => {}
        }
        self.finish(input, tick, frame, picture)?;
        Ok(true)
    }

    fn draw_paced(
        &mut self,
        input: &Mutex<Input>,
        frame: &mut Frame,
        picture: Option<&mut PictureMut<'_>>,
        wait: bool,
    ) -> Result<bool> {
        if self.clock.is_none() {
            self.first = self.index;
        }
        let clock = self
            .clock
            .get_or_insert_with(|| Stopwatch::start(&self.options.clock));
        let ticks = self.index - self.first;
        let due = Duration::from_millis(ticks * FRAME_DURATION.as_millis() as u64);
        let now = clock.elapsed();
        if let Some(early) = due.checked_sub(now).filter(|early| !early.is_zero()) {
            if !wait || !clock.is_real() {
                return Ok(false);
            }
            thread::sleep(early);
        }
        // Pictures that are overdue by a whole frame are left out; their sound is not.
        let late = now.saturating_sub(due).as_nanos() / FRAME_DURATION.as_nanos();
        let mut tick = self.tick(input, frame)?;
        let mut skipped = 0;
        while skipped < late && tick != (Tick::Speech { last: true }) {
            self.renderer
                .skip_picture(matches!(tick, Tick::Speech { .. } | Tick::Starved));
            skipped += 1;
            self.index += 1;
            tick = self.tick(input, frame)?;
        }
        frame.flags.skipped = u32::try_from(skipped).unwrap_or(u32::MAX);
        self.finish(input, tick, frame, picture)?;
        Ok(true)
    }

    /// One tick in real time, where an utterance that gets no audio for 600 ms ends.
    fn tick(&mut self, input: &Mutex<Input>, frame: &mut Frame) -> Result<Tick> {
        let tick = self
            .renderer
            .advance(input, self.starved >= STARVED_TICKS, frame)?;
        self.starved = if tick == Tick::Starved {
            self.starved + 1
        } else {
            0
        };
        Ok(tick)
    }

    fn finish(
        &mut self,
        input: &Mutex<Input>,
        tick: Tick,
        frame: &mut Frame,
        picture: Option<&mut PictureMut<'_>>,
    ) -> Result<()> {
        frame.flags.speech = matches!(tick, Tick::Speech { .. });
        frame.flags.end_of_speech = tick == (Tick::Speech { last: true });
        frame.flags.underrun = tick == Tick::Starved;
        frame.index = self.index;
        self.index += 1;
        let talking = matches!(tick, Tick::Speech { .. } | Tick::Starved);
        let gesture = lock(input).gesture.take();
        self.renderer.draw(talking, gesture, frame, picture)
    }
}
