//! `essence_session`: one conversation.

use std::ffi::c_char;

use engine::{AudioData, Error, Session};

use crate::avatar::essence_avatar;
use crate::boundary::{export, flag, invalid};
use crate::callback::Wakeup;
use crate::handle::{self, Shared, opaque};
use crate::names::{ESSENCE_PIXEL_FORMAT_BGR8, essence_pixel_format, pixel_format};
use crate::session_options::{essence_session_options, read};
use crate::sized::{self, Sized32, sized};
use crate::status::{ESSENCE_OK, essence_status};
use crate::text;

opaque! {
    /// One conversation with an avatar: audio in at one end, frames out at the other.
    essence_session(SessionBox)
}

/// A session with the options that its calls need.
#[derive(Debug)]
pub struct SessionBox {
    pub(crate) session: Session,
    format: essence_pixel_format,
    pub(crate) pictures: bool,
    pub(crate) report_done: bool,
    pub(crate) wakeup: Wakeup,
}

/// Description of a session's frames, known before the first one.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct essence_session_info {
    /// Size of this struct as the caller knows it.
    pub struct_size: u32,
    /// Width of the pictures in pixels.
    pub frame_width: u32,
    /// Height of the pictures in pixels.
    pub frame_height: u32,
    /// Format of the pictures that frames hold themselves.
    pub pixel_format: essence_pixel_format,
    /// Bytes of such a picture, without padding.
    pub picture_bytes: usize,
    /// Milliseconds from pushing a frame's first sample, where audio is pushed as it is spoken,
    /// until the frame can leave.
    pub latency_ms: u32,
    /// 0.
    pub reserved: u32,
}

sized!(essence_session_info {
    frame_width: 0,
    frame_height: 0,
    pixel_format: ESSENCE_PIXEL_FORMAT_BGR8,
    picture_bytes: 0,
    latency_ms: 0,
    reserved: 0,
});

export! {
    /// Starts a conversation.
    ///
    /// `avatar`: borrowed for the call; the session takes a reference of its own.
    /// `options`: borrowed for the call; NULL means the defaults.
    /// `out`: written on success; transferred to the caller, who destroys it with
    /// essence_session_destroy().
    ///
    /// Fails with: INVALID_ARGUMENT, UNSUPPORTED_VERSION, LIMIT_EXCEEDED (a real-time session more
    /// than the engine's `max_sessions`).
    /// Threads: any, concurrently.
    fn essence_session_create(
        avatar: *const essence_avatar,
        options: *const essence_session_options,
        out: *mut *mut essence_session,
    ) -> essence_status {
        let avatar = handle::shared(avatar)?;
        let given = sized::read(options)?;
        if out.is_null() {
            return Err(invalid("the place for the session is NULL"));
        }
        let session = avatar.avatar.session(read(&given)?)?;
        out.write(handle::new(SessionBox {
            session,
            format: given.pixel_format,
            pictures: given.without_pictures == 0,
            report_done: flag(given.report_done, "report_done")?,
            wakeup: Wakeup::default(),
        }));
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Destroys a session; NULL is fine.
    ///
    /// Threads: any; no other call on this session may be under way.
    fn essence_session_destroy(session: *mut essence_session), on panic (),
    {
        handle::free(session);
    }
}

export! {
    /// Says what a session draws.
    ///
    /// `info`: written on success, as far as its `struct_size` reaches.
    ///
    /// Fails with: INVALID_ARGUMENT.
    /// Threads: any, concurrently.
    fn essence_session_describe(session: *const essence_session, info: *mut essence_session_info) -> essence_status {
        let session = handle::shared(session)?;
        let (width, height) = session.session.frame_size();
        let described = essence_session_info {
            frame_width: width as u32,
            frame_height: height as u32,
            pixel_format: session.format,
            picture_bytes: pixel_format(session.format)?.buffer_len(width, height),
            latency_ms: session.session.latency().as_millis() as u32,
            ..essence_session_info::defaults()
        };
        sized::write(info, &described)?;
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Takes a piece of speech, of any length: 16-bit samples, channels in turn. The first piece
    /// after essence_session_flush() begins a new utterance. Doesn't wait for rendering.
    ///
    /// `samples`: borrowed for the call; NULL only if `count` is 0.
    /// `count`: number of samples, all channels together.
    /// `rate_hz`: **8000 to 192000**, the same throughout an utterance.
    /// `channels`: **1 to 32**, mixed down to mono.
    ///
    /// Fails with (nothing of the piece is taken then): INVALID_ARGUMENT, INVALID_STATE (another
    /// rate than the utterance began with), LIMIT_EXCEEDED (more would wait than
    /// `queue_limit_s`, `queue_limit_bytes` or `queue_limit_utterances` allow; the message says
    /// which).
    /// Threads: any, concurrently.
    fn essence_session_push_audio_i16(
        session: *const essence_session,
        samples: *const i16,
        count: usize,
        rate_hz: u32,
        channels: u32,
    ) -> essence_status {
        let session = handle::shared(session)?;
        push(&session, text::slice(samples, count, "samples")?.into(), rate_hz, channels, 0)
    }
}

export! {
    /// The same as essence_session_push_audio_i16() with 32-bit float samples, nominally in
    /// [-1, 1]; all must be finite.
    ///
    /// Fails with: as essence_session_push_audio_i16().
    /// Threads: any, concurrently.
    fn essence_session_push_audio_f32(
        session: *const essence_session,
        samples: *const f32,
        count: usize,
        rate_hz: u32,
        channels: u32,
    ) -> essence_status {
        let session = handle::shared(session)?;
        push(&session, text::slice(samples, count, "samples")?.into(), rate_hz, channels, 0)
    }
}

export! {
    /// Ends the utterance: what was pushed is rendered to its last sample, and its last frame has
    /// #ESSENCE_FRAME_END_OF_SPEECH. Without an utterance nothing happens.
    ///
    /// Fails with: INVALID_ARGUMENT.
    /// Threads: any, concurrently.
    fn essence_session_flush(session: *const essence_session) -> essence_status {
        handle::shared(session)?.session.flush();
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Drops queued audio at once; the mouth closes over the next two frames, and the session is
    /// ready for the next piece of audio.
    ///
    /// In an unpaced session the motions start over too, so that what follows equals a new
    /// session's output.
    ///
    /// Fails with: INVALID_ARGUMENT.
    /// Threads: any, concurrently.
    fn essence_session_interrupt(session: *const essence_session) -> essence_status {
        handle::shared(session)?.session.interrupt();
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Restarts real time: the next frame is due when it is asked for, and the others follow from it.
    /// For a consumer that paused on purpose, so that the time doesn't count as late; an absence of
    /// more than a second restarts it by itself. Doesn't wait for a frame that is being drawn. Unpaced,
    /// this only undoes an essence_session_cancel().
    ///
    /// Fails with: INVALID_ARGUMENT.
    /// Threads: any, concurrently.
    fn essence_session_restart_clock(session: *const essence_session) -> essence_status {
        handle::shared(session)?.session.restart_clock();
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Holds speech back, or lets it go on where it was held. Speech that is held loses nothing and
    /// doesn't count as an underrun; the mouth closes and the avatar idles. Takes effect with the
    /// next frame. Since ABI 1.4.
    ///
    /// `paused`: 0 lets speech go on, any other value holds it.
    ///
    /// Fails with: INVALID_ARGUMENT.
    /// Threads: any, concurrently.
    fn essence_session_set_paused(session: *const essence_session, paused: u32) -> essence_status {
        handle::shared(session)?.session.set_paused(paused != 0);
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Mutes speech or lets it be heard again. Muted speech takes its time, but its samples come out
    /// as zeros, the mouth rests, and its frames have #ESSENCE_FRAME_MUTED. Takes effect with the
    /// next frame. Since ABI 1.4.
    ///
    /// `muted`: 0 lets speech be heard, any other value mutes it.
    ///
    /// Fails with: INVALID_ARGUMENT.
    /// Threads: any, concurrently.
    fn essence_session_set_muted(session: *const essence_session, muted: u32) -> essence_status {
        handle::shared(session)?.session.set_muted(muted != 0);
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Ends all drawing: an essence_session_next_frame() that waits for its time returns at once, and
    /// it and all later ones give CANCELLED. essence_session_restart_clock() undoes it.
    ///
    /// Fails with: INVALID_ARGUMENT.
    /// Threads: any, concurrently.
    fn essence_session_cancel(session: *const essence_session) -> essence_status {
        handle::shared(session)?.session.cancel();
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Plays a motion once, from the next frame where it can begin without a jump; lips go on
    /// talking. While an utterance is under way, the same motion is played for it only once; what
    /// comes on top of that is passed over.
    ///
    /// `motion`: one of the avatar's `motions`, UTF-8, borrowed for the call.
    ///
    /// Fails with: NOT_FOUND (the avatar has no such motion), INVALID_ARGUMENT.
    /// Threads: any, concurrently.
    fn essence_session_perform(session: *const essence_session, motion: *const c_char) -> essence_status {
        let session = handle::shared(session)?;
        session.session.perform(text::string(motion, "motion")?)?;
        Ok(ESSENCE_OK)
    }
}

export! {
    /// The same as essence_session_perform(), as often as it is asked for.
    ///
    /// `motion`: one of the avatar's `motions`, UTF-8, borrowed for the call.
    ///
    /// Fails with: NOT_FOUND (the avatar has no such motion), INVALID_ARGUMENT.
    /// Threads: any, concurrently.
    fn essence_session_perform_again(session: *const essence_session, motion: *const c_char) -> essence_status {
        let session = handle::shared(session)?;
        session.session.perform_again(text::string(motion, "motion")?)?;
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Plays a motion over and over instead of `idle` and `talking`. Begins where it can without a
    /// jump.
    ///
    /// `motion`: one of the avatar's `motions`, UTF-8, borrowed for the call; NULL goes back to
    /// `idle` and `talking`.
    ///
    /// Fails with: NOT_FOUND (the avatar has no such motion), INVALID_ARGUMENT.
    /// Threads: any, concurrently.
    fn essence_session_set_loop(session: *const essence_session, motion: *const c_char) -> essence_status {
        let session = handle::shared(session)?;
        let motion = if motion.is_null() { None } else { Some(text::string(motion, "motion")?) };
        session.session.set_loop(motion)?;
        Ok(ESSENCE_OK)
    }
}

pub(crate) fn push(
    session: &Shared<'_, SessionBox>,
    audio: AudioData<'_>,
    rate_hz: u32,
    channels: u32,
    tag: u64,
) -> Result<essence_status, Error> {
    let channels = u16::try_from(channels)
        .map_err(|_| invalid(format!("{channels} channels; 1 to 32 are accepted")))?;
    session
        .session
        .push_audio_tagged(audio, rate_hz, channels, tag)?;
    Ok(ESSENCE_OK)
}
