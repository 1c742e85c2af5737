//! Drawing: the frames of an `essence_session`, one at a time or several in one call.

use std::ptr;
use std::task::{Context, Poll};
use std::time::Duration;

use engine::{Error, Frame, FrameRequest, Next, Wait};

use crate::boundary::{export, invalid};
use crate::frame::{FrameBox, essence_frame, essence_frame_info};
use crate::handle::{self, Exclusive, Shared};
use crate::picture::{self, essence_picture};
use crate::session::{SessionBox, essence_session};
use crate::sized;
use crate::status::{ESSENCE_AGAIN, ESSENCE_DONE, ESSENCE_OK, essence_status};
use crate::text;

/// Most frames that one call draws.
const FRAMES_MAX: usize = 64;

export! {
    /// Draws the next frame. In real time, the engine's threads may have run its networks before.
    ///
    /// In real time, waits until the frame is due and always gives one (on an essence_clock it
    /// doesn't wait, and gives AGAIN early). Unpaced, it never waits.
    ///
    /// `frame`: filled with the frame; what it held before is gone, whatever is returned.
    /// `picture`: borrowed for the call. NULL: the picture goes into `frame`, in the session's pixel
    /// format. Otherwise it goes straight into the caller's memory, in the format of `picture`,
    /// which must have the session's width and height; bytes between rows are left alone. NULL in a
    /// session without pictures.
    /// `info`: what was drawn, as far as its `struct_size` reaches; written on OK only. May be NULL.
    ///
    /// Returns: OK, or AGAIN (no frame: push more audio or flush, or an utterance that was flushed
    /// is complete; on an essence_clock, not due yet), or DONE (with `report_done` in the session's
    /// options: unpaced, every utterance is complete).
    /// A damaged base frame and a network that fails are no errors: the sound goes on, and something
    /// else stands in for the picture or the mouth.
    /// Fails with: INVALID_ARGUMENT, CANCELLED (after essence_session_cancel()). An error uses up no
    /// frame and no sound.
    /// Threads: any; concurrently with all calls on the session. Two threads that draw from one
    /// session get frames in turn.
    fn essence_session_next_frame(
        session: *const essence_session,
        frame: *mut essence_frame,
        picture: *const essence_picture,
        info: *mut essence_frame_info,
    ) -> essence_status {
        draw(&handle::shared(session)?, &mut handle::exclusive(frame)?, picture, info, Wait::UntilDue)
    }
}

export! {
    /// The same as essence_session_next_frame(), without waiting: AGAIN means that the next frame is
    /// not due yet. essence_session_set_wakeup() says when it is.
    ///
    /// Fails with: as essence_session_next_frame().
    /// Threads: as essence_session_next_frame(); it does wait for a frame that another thread is
    /// drawing.
    fn essence_session_try_next_frame(
        session: *const essence_session,
        frame: *mut essence_frame,
        picture: *const essence_picture,
        info: *mut essence_frame_info,
    ) -> essence_status {
        draw(&handle::shared(session)?, &mut handle::exclusive(frame)?, picture, info, Wait::Never)
    }
}

export! {
    /// The same as essence_session_next_frame(), waiting no longer than `timeout_ns` nanoseconds:
    /// AGAIN means that the next frame is not due within that time. Since ABI 1.4.
    ///
    /// Fails with: as essence_session_next_frame().
    /// Threads: as essence_session_next_frame().
    fn essence_session_next_frame_within(
        session: *const essence_session,
        frame: *mut essence_frame,
        picture: *const essence_picture,
        info: *mut essence_frame_info,
        timeout_ns: u64,
    ) -> essence_status {
        let wait = Wait::AtMost(Duration::from_nanos(timeout_ns));
        draw(&handle::shared(session)?, &mut handle::exclusive(frame)?, picture, info, wait)
    }
}

export! {
    /// Draws several frames in one call: those that as many calls of essence_session_next_frame()
    /// would give, one after the other. For languages in which what surrounds a call takes time.
    /// Since ABI 1.3.
    ///
    /// The first frame comes as there: in real time it is waited for. The call ends before the
    /// first of the others that is not there without waiting, so in real time it mostly draws one.
    ///
    /// `frames`: borrowed for the call; `count` frames, no two the same. What they held before is
    /// gone, whatever is returned; the first `*drawn` are filled.
    /// `pictures`: borrowed for the call; for each frame what `picture` is to
    /// essence_session_next_frame(), NULL included, no two in the same memory. NULL: all pictures
    /// go into their frames.
    /// `infos`: borrowed for the call; for each frame what `info` is there, NULL included. The first
    /// `*drawn` are written. May be NULL.
    /// `count`: **1 to 64**.
    /// `drawn`: how many frames were drawn. Written whatever is returned.
    ///
    /// Returns: OK (one frame or more), or AGAIN or DONE (none, as essence_session_next_frame() has
    /// none).
    /// Fails with: as essence_session_next_frame(); a picture that can't be drawn into and an info
    /// that can't be written are met when their turn comes. Frames drawn before a failure are there
    /// all the same, and `*drawn` counts them.
    /// Threads: as essence_session_next_frame(). Frames that another thread draws may lie between
    /// those of a call.
    fn essence_session_next_frames(
        session: *const essence_session,
        frames: *const *mut essence_frame,
        pictures: *const *const essence_picture,
        infos: *const *mut essence_frame_info,
        count: usize,
        drawn: *mut usize,
    ) -> essence_status {
        if drawn.is_null() {
            return Err(invalid("the place for the number of frames drawn is NULL"));
        }
        drawn.write(0);
        let session = handle::shared(session)?;
        if !(1..=FRAMES_MAX).contains(&count) {
            return Err(invalid(format!("{count} frames; 1 to {FRAMES_MAX} can be drawn in a call")));
        }
        let frames = text::slice(frames, count, "frames")?;
        for (i, frame) in frames.iter().enumerate() {
            if frames[..i].contains(frame) {
                return Err(invalid(format!("frame {i} is among those before it")));
            }
            handle::exclusive(*frame)?.drawn = false;
        }
        let pictures = optional(pictures, count, "pictures")?;
        let infos = optional(infos, count, "infos")?;
        let mut status = ESSENCE_OK;
        for (i, &frame) in frames.iter().enumerate() {
            let picture = pictures.map_or(ptr::null(), |pictures| pictures[i]);
            let info = infos.map_or(ptr::null_mut(), |infos| infos[i]);
            let mut frame = handle::exclusive(frame)?;
            let wait = if i == 0 { Wait::UntilDue } else { Wait::Never };
            status = draw(&session, &mut frame, picture, info, wait)?;
            if status != ESSENCE_OK {
                break;
            }
            drawn.write(i + 1);
        }
        Ok(if drawn.read() > 0 { ESSENCE_OK } else { status })
    }
}

/// An array that may be left out.
///
/// # Safety
/// As for [`text::slice`].
unsafe fn optional<'a, T>(
    pointer: *const T,
    length: usize,
    what: &str,
) -> Result<Option<&'a [T]>, Error> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: as this function demands.
    unsafe { text::slice(pointer, length, what) }.map(Some)
}

/// # Safety
/// The pointers are as the header demands of essence_session_next_frame().
unsafe fn draw(
    session: &Shared<'_, SessionBox>,
    frame: &mut Exclusive<'_, FrameBox>,
    picture: *const essence_picture,
    info: *mut essence_frame_info,
    wait: Wait,
) -> Result<essence_status, Error> {
    frame.drawn = false;
    if !info.is_null() {
        // Before a frame is used up: whether it can be described.
        // SAFETY: as this function demands.
        unsafe { sized::check_out(info) }?;
    }
    if !picture.is_null() && !session.pictures {
        return Err(invalid(
            "this session draws no pictures (`without_pictures` in its options); the picture has to be NULL",
        ));
    }
    let waker = match wait {
        Wait::Never => session.wakeup.waker(),
        _ => None,
    };
    let report_done = session.report_done;
    let session = &session.session;
    let drawn = |frame: &mut Frame, request: FrameRequest<'_, '_>| match &waker {
        None => session.draw(frame, request.wait(wait)),
        Some(waker) => polled(session.poll_draw(&mut Context::from_waker(waker), frame, request)),
    };
    let (next, outside) = if picture.is_null() {
        (drawn(&mut frame.frame, FrameRequest::new())?, None)
    } else {
        // SAFETY: as this function demands.
        let (checked, mut picture) = unsafe {
            let checked = picture::check(picture)?;
            (checked, checked.writable()?)
        };
        let request = FrameRequest::into_memory(&mut picture);
        let drawn = drawn(&mut frame.frame, request)?;
        (drawn, Some((checked.planes, checked.strides)))
    };
    if !next.is_frame() {
        let done = next == Next::Done && report_done;
        return Ok(if done { ESSENCE_DONE } else { ESSENCE_AGAIN });
    }
    frame.complete(outside);
    if !info.is_null() {
        // SAFETY: as this function demands.
        unsafe { sized::write(info, &frame.describe()) }?;
    }
    Ok(ESSENCE_OK)
}

/// The answer of a poll.
fn polled(polled: Poll<Result<(), Error>>) -> Result<Next, Error> {
    match polled {
        Poll::Ready(drawn) => drawn.map(|()| Next::Frame),
        Poll::Pending => Ok(Next::Pending),
    }
}
