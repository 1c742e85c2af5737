//! Sessions, through C.

use std::ffi::c_void;
use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Clock;
use crate::frame::{self, Frame, FrameRoom};
use crate::raw::{self, AGAIN, API, FrameInfo, OK, Status};
use crate::{
    AudioData, Error, ErrorKind, OutputSize, Pacing, PixelFormat, Result, Statistics, call, text,
};

#[derive(Clone, Debug, Default)]
pub struct SessionOptions {
    pacing: Pacing,
    format: PixelFormat,
    size: Option<OutputSize>,
    clock: Clock,
    without_pictures: bool,
}

impl SessionOptions {
    #[must_use]
    pub fn pacing(mut self, pacing: Pacing) -> Self {
        self.pacing = pacing;
        self
    }

    #[must_use]
    pub fn pixel_format(mut self, format: PixelFormat) -> Self {
        self.format = format;
        self
    }

    #[must_use]
    pub fn output_size(mut self, size: impl Into<Option<OutputSize>>) -> Self {
        self.size = size.into();
        self
    }

    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    #[must_use]
    pub fn pictures(mut self, pictures: bool) -> Self {
        self.without_pictures = !pictures;
        self
    }
}

#[derive(Debug)]
pub struct Session {
    handle: *mut c_void,
    format: PixelFormat,
    size: (usize, usize),
    pictures: bool,
    drawn: AtomicU64,
}

// SAFETY: the header says so.
unsafe impl Send for Session {}
// SAFETY: the header says so.
unsafe impl Sync for Session {}

impl Session {
    pub(crate) fn new(avatar: *mut c_void, options: SessionOptions) -> Result<Self> {
        let size = options
            .size
            .map_or((0, 0), |size| (size.width, size.height));
        let given = raw::SessionOptions {
            struct_size: size_of::<raw::SessionOptions>() as u32,
            pacing: u32::from(options.pacing == Pacing::Unpaced),
            pixel_format: frame::format_value(options.format),
            width: size.0 as u32,
            height: size.1 as u32,
            letterbox_rgb: 0,
            queue_limit_s: 600,
            reserved: 0,
            clock: match &options.clock {
                Clock::System => ptr::null(),
                Clock::Manual(clock) => clock.handle(),
            },
            without_pictures: options.without_pictures.into(),
            reserved_2: 0,
        };
        let mut handle = ptr::null_mut();
        // SAFETY: avatar, options and the clock in them live.
        call(|err| unsafe {
            (API.essence_session_create)(avatar, &raw const given, &raw mut handle, err)
        })?;
        let mut session = Self {
            handle,
            format: options.format,
            size,
            pictures: !options.without_pictures,
            drawn: AtomicU64::new(0),
        };
        let info = session.info()?;
        session.size = (info.frame_width as usize, info.frame_height as usize);
        Ok(session)
    }

    fn info(&self) -> Result<raw::SessionInfo> {
        // SAFETY: zeros are a value; the session lives.
        unsafe {
            let mut info = mem::zeroed::<raw::SessionInfo>();
            info.struct_size = size_of_val(&info) as u32;
            call(|err| (API.essence_session_describe)(self.handle, &raw mut info, err))?;
            Ok(info)
        }
    }

    pub fn latency(&self) -> Duration {
        let info = self.info().expect("the session lives");
        Duration::from_millis(u64::from(info.latency_ms))
    }

    pub fn push_audio<'a>(
        &self,
        audio: impl Into<AudioData<'a>>,
        rate_hz: u32,
        channels: u16,
    ) -> Result<()> {
        let channels = u32::from(channels);
        // SAFETY: the session lives, the samples are there for the call.
        call(|err| unsafe {
            match audio.into() {
                AudioData::F32(samples) => (API.essence_session_push_audio_f32)(
                    self.handle,
                    samples.as_ptr(),
                    samples.len(),
                    rate_hz,
                    channels,
                    err,
                ),
                AudioData::I16(samples) => (API.essence_session_push_audio_i16)(
                    self.handle,
                    samples.as_ptr(),
                    samples.len(),
                    rate_hz,
                    channels,
                    err,
                ),
            }
        })?;
        Ok(())
    }

    pub fn flush(&self) {
        // SAFETY: the session lives.
        call(|err| unsafe { (API.essence_session_flush)(self.handle, err) })
            .expect("flushing works");
    }

    pub fn interrupt(&self) {
        // SAFETY: the session lives.
        call(|err| unsafe { (API.essence_session_interrupt)(self.handle, err) })
            .expect("interrupting works");
    }

    pub fn set_paused(&self, paused: bool) {
        // SAFETY: the session lives.
        call(|err| unsafe { (API.essence_session_set_paused)(self.handle, paused.into(), err) })
            .expect("pausing works");
    }

    pub fn set_muted(&self, muted: bool) {
        // SAFETY: the session lives.
        call(|err| unsafe { (API.essence_session_set_muted)(self.handle, muted.into(), err) })
            .expect("muting works");
    }

    pub fn statistics(&self) -> Statistics {
        // SAFETY: zeros are a value; the session lives.
        let counted = unsafe {
            let mut counted = mem::zeroed::<raw::SessionStatistics>();
            counted.struct_size = size_of_val(&counted) as u32;
            call(|err| (API.essence_session_read_statistics)(self.handle, &raw mut counted, err))
                .expect("the session lives");
            counted
        };
        let mut statistics = Statistics::default();
        statistics.frames = counted.frames;
        statistics.speech = counted.speech;
        statistics.late = counted.late;
        statistics.skipped = counted.skipped;
        statistics.underruns = counted.underruns;
        statistics.restarts = counted.restarts;
        statistics.samples = counted.samples;
        statistics.worst_delay = Duration::from_nanos(counted.worst_delay_ns);
        statistics
    }

    pub fn restart_clock(&self) {
        // SAFETY: the session lives.
        call(|err| unsafe { (API.essence_session_restart_clock)(self.handle, err) })
            .expect("restarting the clock works");
    }

    pub fn perform(&self, name: &str) -> Result<()> {
        let name = text(name)?;
        // SAFETY: the session lives, the name ends with NUL.
        call(|err| unsafe { (API.essence_session_perform)(self.handle, name.as_ptr(), err) })?;
        Ok(())
    }

    pub fn perform_again(&self, name: &str) -> Result<()> {
        let name = text(name)?;
        // SAFETY: the session lives, the name ends with NUL.
        call(|err| unsafe {
            (API.essence_session_perform_again)(self.handle, name.as_ptr(), err)
        })?;
        Ok(())
    }

    pub fn set_loop<'a>(&self, name: impl Into<Option<&'a str>>) -> Result<()> {
        let name = name.into().map(text).transpose()?;
        let pointer = name.as_ref().map_or(ptr::null(), |name| name.as_ptr());
        // SAFETY: the session lives, the name ends with NUL or is NULL.
        call(|err| unsafe { (API.essence_session_set_loop)(self.handle, pointer, err) })?;
        Ok(())
    }

    pub fn cancel(&self) {
        // SAFETY: the session lives.
        call(|err| unsafe { (API.essence_session_cancel)(self.handle, err) })
            .expect("cancelling works");
    }

    /// The next frame, copied. Every other one is drawn into memory of ours, so that both ways have
    /// to give the same.
    pub fn next_frame(&self) -> Result<Option<Frame>> {
        let room = FrameRoom::new()?;
        let mut bytes = vec![0; self.format.buffer_len(self.size.0, self.size.1)];
        let outside = self.pictures && self.drawn.fetch_add(1, Ordering::Relaxed) % 2 == 1;
        let mut info = FrameInfo::empty();
        let drawn = if outside {
            self.draw_to(&room, &mut bytes, &mut info)?
        } else {
            self.draw(&room, &mut info)?
        };
        // SAFETY: the frame was just drawn, `room` and `bytes` live.
        Ok(drawn.then(|| unsafe { Frame::copy(&info) }))
    }

    /// The next frame into a room that is used again, as a program would.
    pub fn next_frame_into(&self, frame: &mut Frame) -> Result<bool> {
        frame.draw(|room, info| self.draw(room, info))
    }

    /// The next frame if it is due now.
    pub fn try_next_frame(&self) -> Result<Option<Frame>> {
        let mut frame = Frame::new();
        let drawn = frame.draw(|room, info| {
            // SAFETY: session, room and info live.
            answer(call(|err| unsafe {
                let none = ptr::null();
                (API.essence_session_try_next_frame)(self.handle, room.0, none, info, err)
            })?)
        })?;
        Ok(drawn.then_some(frame))
    }

    /// The next frame's picture into `bytes`.
    pub fn next_frame_to(&self, room: &FrameRoom, bytes: &mut [u8]) -> Result<bool> {
        self.draw_to(room, bytes, &mut FrameInfo::empty())
    }

    fn draw_to(&self, room: &FrameRoom, bytes: &mut [u8], info: &mut FrameInfo) -> Result<bool> {
        let picture = frame::picture(self.format, self.size, bytes);
        self.draw_with(room, &raw const picture, info)
    }

    fn draw(&self, room: &FrameRoom, info: &mut FrameInfo) -> Result<bool> {
        self.draw_with(room, ptr::null(), info)
    }

    fn draw_with(
        &self,
        room: &FrameRoom,
        picture: *const raw::Picture,
        info: &mut FrameInfo,
    ) -> Result<bool> {
        // SAFETY: session, room and picture live.
        answer(call(|err| unsafe {
            (API.essence_session_next_frame)(self.handle, room.0, picture, info, err)
        })?)
    }
}

/// Whether a call that is to draw a frame has drawn one.
fn answer(status: Status) -> Result<bool> {
    match status {
        OK => Ok(true),
        AGAIN => Ok(false),
        other => Err(Error::new(ErrorKind::Internal, format!("status {other}"))),
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: created, and destroyed once.
        unsafe { (API.essence_session_destroy)(self.handle) };
    }
}
