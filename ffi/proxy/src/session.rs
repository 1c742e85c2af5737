//! Sessions, through C.

use std::ffi::c_void;
use std::mem;
use std::pin::Pin;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_core::Stream;

use crate::clock::Clock;
use crate::frame::{self, Frame, FrameRoom};
use crate::raw::{self, AGAIN, API, DONE, FrameInfo, OK, Status};
use crate::session_options::SessionOptions;
use crate::{
    Emotion, Error, ErrorKind, Next, OutputSize, Pacing, PixelFormat, Result, Statistics, Wait,
    call, text,
};

/// A request for a frame that holds its picture itself.
#[derive(Debug, Default)]
pub struct FrameRequest(Wait);

impl FrameRequest {
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn wait(self, wait: Wait) -> Self {
        Self(wait)
    }
}

#[derive(Debug)]
pub struct Session {
    pub(crate) handle: *mut c_void,
    format: PixelFormat,
    size: (usize, usize),
    pictures: bool,
    unpaced: bool,
    drawn: AtomicU64,
    /// The waker that the library's callback wakes, once there is one.
    waker: Arc<Mutex<Option<Waker>>>,
}

// SAFETY: the header says so.
unsafe impl Send for Session {}
// SAFETY: the header says so.
unsafe impl Sync for Session {}

impl Session {
    pub(crate) fn new(avatar: *mut c_void, options: SessionOptions) -> Result<Self> {
        let size = options.output_size.unwrap_or(OutputSize {
            width: 0,
            height: 0,
        });
        let [red, green, blue] = options.letterbox;
        let given = raw::SessionOptions {
            struct_size: size_of::<raw::SessionOptions>() as u32,
            pacing: u32::from(options.pacing == Pacing::Unpaced),
            pixel_format: frame::format_value(options.pixel_format),
            width: size.width as u32,
            height: size.height as u32,
            letterbox_rgb: u32::from_be_bytes([0, red, green, blue]),
            queue_limit_s: options.queue_limit_s,
            reserved: 0,
            clock: match &options.clock {
                Clock::System => ptr::null(),
                Clock::Manual(clock) => clock.handle(),
            },
            without_pictures: (!options.pictures).into(),
            queue_limit_utterances: options.queue_limit_utterances as u32,
            queue_limit_bytes: options.queue_limit_bytes as u64,
            fit: 0,
            crop_left: 0,
            crop_top: 0,
            yuv_matrix: 0,
            yuv_range: 0,
            background: 0,
            background_rgb: 0,
            report_done: 1,
            background_picture: ptr::null(),
        };
        let mut handle = ptr::null_mut();
        // SAFETY: avatar, options and the clock in them live.
        call(|err| unsafe {
            (API.essence_session_create)(avatar, &raw const given, &raw mut handle, err)
        })?;
        let mut session = Self {
            handle,
            format: options.pixel_format,
            size: (0, 0),
            pictures: options.pictures,
            unpaced: options.pacing == Pacing::Unpaced,
            waker: Arc::default(),
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
        statistics.concealed = counted.concealed;
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

    pub fn set_emotion(&self, emotion: Emotion, strength: f32) -> Result<()> {
        let place = Emotion::ALL.iter().position(|known| *known == emotion);
        let value = place.expect("it is one of all") as u32;
        // SAFETY: the session lives.
        call(|err| unsafe {
            (API.essence_session_set_emotion)(self.handle, value, strength, err)
        })?;
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
            self.draw_own(&room, &mut info)?
        };
        // SAFETY: the frame was just drawn, `room` and `bytes` live.
        Ok(drawn.then(|| unsafe { Frame::copy(&info) }))
    }

    /// The next frame into a room that is used again, as a program would. C answers AGAIN where Rust
    /// answers `NeedAudio` in an unpaced session and `Pending` in others.
    pub fn draw(&self, frame: &mut Frame, request: FrameRequest) -> Result<Next> {
        let mut status = AGAIN;
        frame.draw(|room, info| {
            let none = ptr::null();
            // SAFETY: session, room and info live.
            status = call(|err| unsafe {
                match request.0 {
                    Wait::Never => {
                        (API.essence_session_try_next_frame)(self.handle, room.0, none, info, err)
                    }
                    Wait::AtMost(time) => (API.essence_session_next_frame_within)(
                        self.handle,
                        room.0,
                        none,
                        info,
                        time.as_nanos() as u64,
                        err,
                    ),
                    _ => (API.essence_session_next_frame)(self.handle, room.0, none, info, err),
                }
            })?;
            Ok(status == OK)
        })?;
        Ok(match status {
            OK => Next::Frame,
            DONE => Next::Done,
            _ if self.unpaced => Next::NeedAudio,
            _ => Next::Pending,
        })
    }

    /// Polls through the callback of C.
    pub fn poll_next_frame(&self, context: &mut Context<'_>) -> Poll<Result<Frame>> {
        let first = {
            let mut waker = self.waker.lock().expect("nothing panics in here");
            waker.replace(context.waker().clone()).is_none()
        };
        if first && Arc::strong_count(&self.waker) == 1 {
            let user_data = Arc::into_raw(Arc::clone(&self.waker)).cast_mut().cast();
            // SAFETY: the session lives; the reference does until `forget` is called.
            let set = call(|err| unsafe {
                let (wake, forget) = (Some(wake as _), Some(forget as _));
                (API.essence_session_set_wakeup)(self.handle, wake, user_data, forget, err)
            });
            set.expect("the session lives");
        }
        let mut frame = Frame::new();
        match self.draw(&mut frame, FrameRequest::new().wait(Wait::Never)) {
            Ok(Next::Frame) => Poll::Ready(Ok(frame)),
            Ok(_) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    pub fn frames(&self) -> Frames<'_> {
        Frames(self, false)
    }

    /// The next frame's picture into `bytes`.
    pub fn next_frame_to(&self, room: &FrameRoom, bytes: &mut [u8]) -> Result<bool> {
        self.draw_to(room, bytes, &mut FrameInfo::empty())
    }

    fn draw_to(&self, room: &FrameRoom, bytes: &mut [u8], info: &mut FrameInfo) -> Result<bool> {
        let picture = frame::picture(self.format, self.size, bytes);
        self.draw_with(room, &raw const picture, info)
    }

    fn draw_own(&self, room: &FrameRoom, info: &mut FrameInfo) -> Result<bool> {
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

/// # Safety
/// `user_data` is the reference that was handed over with this callback.
unsafe extern "C" fn wake(user_data: *mut c_void) {
    // SAFETY: as this function demands.
    let waker = unsafe { &*user_data.cast::<Mutex<Option<Waker>>>() };
    let waker = waker.lock().expect("nothing panics in here").take();
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// # Safety
/// As for [`wake`]; called once.
unsafe extern "C" fn forget(user_data: *mut c_void) {
    // SAFETY: as this function demands.
    drop(unsafe { Arc::from_raw(user_data.cast_const().cast::<Mutex<Option<Waker>>>()) });
}

/// The engine's stream of the same name.
#[derive(Debug)]
pub struct Frames<'a>(&'a Session, bool);

impl Stream for Frames<'_> {
    type Item = Result<Frame>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.1 {
            return Poll::Ready(None);
        }
        let polled = self.0.poll_next_frame(context);
        if let Poll::Ready(Err(error)) = &polled {
            self.1 = error.kind() == ErrorKind::Cancelled;
        }
        polled.map(Some)
    }
}

/// Whether a call that is to draw a frame has drawn one.
fn answer(status: Status) -> Result<bool> {
    match status {
        OK => Ok(true),
        AGAIN | DONE => Ok(false),
        other => Err(Error::new(ErrorKind::Internal, format!("status {other}"))),
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: created, and destroyed once.
        unsafe { (API.essence_session_destroy)(self.handle) };
    }
}
