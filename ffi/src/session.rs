//! `essence_session`: one conversation.

use std::ffi::c_char;
use std::ptr;

use engine::clock::Clock;
use engine::{
    AudioData, Background, BackgroundImage, Error, Fit, OutputSize, PixelFormat, Session,
    SessionOptions, Statistics,
};

use crate::avatar::essence_avatar;
use crate::boundary::{export, flag, invalid};
use crate::clock::essence_clock;
use crate::handle::{self, Shared, opaque};
use crate::names::{
    ESSENCE_BACKGROUND_COLOR, ESSENCE_BACKGROUND_NONE, ESSENCE_BACKGROUND_PICTURE,
    ESSENCE_FIT_CONTAIN, ESSENCE_FIT_COVER, ESSENCE_FIT_CROP, ESSENCE_PACING_REALTIME,
    ESSENCE_PIXEL_FORMAT_BGR8, ESSENCE_YUV_MATRIX_BT601, ESSENCE_YUV_RANGE_LIMITED,
    essence_background, essence_fit, essence_pacing, essence_pixel_format, essence_yuv_matrix,
    essence_yuv_range, pacing, pixel_format, yuv,
};
use crate::picture::{self, essence_picture};
use crate::sized::{self, Sized32, sized};
use crate::status::{ESSENCE_OK, essence_status};
use crate::text;
use crate::wakeup::Wakeup;

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
    pub(crate) wakeup: Wakeup,
}

/// Settings of a session. Begin with #ESSENCE_SESSION_OPTIONS_INIT or
/// essence_session_options_init().
#[repr(C)]
#[derive(Clone, Copy)]
pub struct essence_session_options {
    /// Size of this struct as the caller knows it.
    pub struct_size: u32,
    /// How the session keeps time. Default: #ESSENCE_PACING_REALTIME.
    pub pacing: essence_pacing,
    /// Format of the pictures that frames hold themselves. Default: #ESSENCE_PIXEL_FORMAT_BGR8.
    pub pixel_format: essence_pixel_format,
    /// Width of the pictures in pixels, **16 to 8192**; the avatar's picture is scaled to fit and
    /// centred. 0 for both width and height, the default: the avatar's own size.
    pub width: u32,
    /// Height of the pictures in pixels, **16 to 8192**.
    pub height: u32,
    /// Colour of the bars where the proportions differ: 0xRRGGBB. Default: black.
    pub letterbox_rgb: u32,
    /// Most audio that may wait to be rendered, in seconds; pushing more is refused. Default: 600.
    pub queue_limit_s: u32,
    /// 0.
    pub reserved: u32,
    /// Where a real-time session takes its time from; borrowed for the call. NULL, the default: the
    /// system's clock.
    pub clock: *const essence_clock,
    /// 1: frames carry sound, ARKit values and the number of the base frame, but no picture; the
    /// identity network doesn't run and nothing is composed. Default: 0. Since ABI 1.4.
    pub without_pictures: u32,
    /// Most utterances that may wait, the one that is being rendered among them. 0, the default:
    /// 1,000. Since ABI 1.4.
    pub queue_limit_utterances: u32,
    /// Most memory that audio that waits may take, in bytes: 4 a sample, after mixing down to mono.
    /// 0, the default: 128 MiB. Since ABI 1.4.
    pub queue_limit_bytes: u64,
    /// How the avatar's picture fits into another size. Default: #ESSENCE_FIT_CONTAIN. Since ABI 1.4.
    pub fit: essence_fit,
    /// With #ESSENCE_FIT_CROP: the first column of the part in the avatar's picture, in pixels.
    pub crop_left: u32,
    /// With #ESSENCE_FIT_CROP: its first row.
    pub crop_top: u32,
    /// Matrix of I420 and NV12 pictures. Default: #ESSENCE_YUV_MATRIX_BT601. Since ABI 1.4.
    pub yuv_matrix: essence_yuv_matrix,
    /// Range of I420 and NV12 pictures. Default: #ESSENCE_YUV_RANGE_LIMITED. Since ABI 1.4.
    pub yuv_range: essence_yuv_range,
    /// What shows where an avatar that was keyed is transparent, and in place of bars. Default:
    /// #ESSENCE_BACKGROUND_NONE. Since ABI 1.4.
    pub background: essence_background,
    /// With #ESSENCE_BACKGROUND_COLOR: 0xRRGGBB.
    pub background_rgb: u32,
    /// 0.
    pub reserved_2: u32,
    /// With #ESSENCE_BACKGROUND_PICTURE: the picture, #ESSENCE_PIXEL_FORMAT_RGB8 of **1 to 8192**
    /// pixels in width and height; borrowed for the call. Else NULL.
    pub background_picture: *const essence_picture,
}

sized!(essence_session_options, grown by without_pictures {
    pacing: ESSENCE_PACING_REALTIME,
    pixel_format: ESSENCE_PIXEL_FORMAT_BGR8,
    width: 0,
    height: 0,
    letterbox_rgb: 0,
    queue_limit_s: 600,
    reserved: 0,
    clock: ptr::null(),
    without_pictures: 0,
    queue_limit_utterances: 0,
    queue_limit_bytes: 0,
    fit: ESSENCE_FIT_CONTAIN,
    crop_left: 0,
    crop_top: 0,
    yuv_matrix: ESSENCE_YUV_MATRIX_BT601,
    yuv_range: ESSENCE_YUV_RANGE_LIMITED,
    background: ESSENCE_BACKGROUND_NONE,
    background_rgb: 0,
    reserved_2: 0,
    background_picture: ptr::null(),
});

/// What a session draws, known before the first frame.
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

/// Counts of what has happened in a session since it was created. Since ABI 1.4.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct essence_session_statistics {
    /// Size of this struct as the caller knows it.
    pub struct_size: u32,
    /// 0.
    pub reserved: u32,
    /// Frames drawn.
    pub frames: u64,
    /// Those of them that belong to an utterance.
    pub speech: u64,
    /// Those that left more than 20 ms after they were due.
    pub late: u64,
    /// Pictures that were dropped because their time had passed.
    pub skipped: u64,
    /// Frames for which the audio of an utterance had not arrived in time.
    pub underruns: u64,
    /// Frames with #ESSENCE_FRAME_CONCEALED.
    pub concealed: u64,
    /// Times the clock started anew because no frame had been asked for during a second.
    pub restarts: u64,
    /// Audio samples handed out, at the rate that they were pushed with.
    pub samples: u64,
    /// Longest time between a frame's due time and its leaving, in nanoseconds.
    pub worst_delay_ns: u64,
}

sized!(essence_session_statistics {
    reserved: 0,
    frames: 0,
    speech: 0,
    late: 0,
    skipped: 0,
    underruns: 0,
    concealed: 0,
    restarts: 0,
    samples: 0,
    worst_delay_ns: 0,
});

export! {
    /// Sets all of `options`, `struct_size` included, to the defaults. For languages that can't use
    /// #ESSENCE_SESSION_OPTIONS_INIT; `struct_size` is the size of the struct as the caller knows
    /// it.
    ///
    /// Fails with: INVALID_ARGUMENT (NULL, or a size that no version had).
    /// Threads: any, concurrently.
    fn essence_session_options_init(options: *mut essence_session_options, struct_size: usize) -> essence_status {
        sized::init(options, struct_size)?;
        Ok(ESSENCE_OK)
    }
}

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
        let session = avatar.avatar.session(session_options(&given)?)?;
        out.write(handle::new(SessionBox {
            session,
            format: given.pixel_format,
            pictures: given.without_pictures == 0,
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
        push(&session, text::slice(samples, count, "samples")?.into(), rate_hz, channels)
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
        push(&session, text::slice(samples, count, "samples")?.into(), rate_hz, channels)
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
    /// Counts what has happened in a session since it was created. Since ABI 1.4.
    ///
    /// `statistics`: written on success, as far as its `struct_size` reaches.
    ///
    /// Fails with: INVALID_ARGUMENT.
    /// Threads: any, concurrently.
    fn essence_session_read_statistics(
        session: *const essence_session,
        statistics: *mut essence_session_statistics,
    ) -> essence_status {
        let counted = handle::shared(session)?.session.statistics();
        sized::write(statistics, &described(&counted))?;
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

fn described(counted: &Statistics) -> essence_session_statistics {
    essence_session_statistics {
        frames: counted.frames,
        speech: counted.speech,
        late: counted.late,
        skipped: counted.skipped,
        underruns: counted.underruns,
        concealed: counted.concealed,
        restarts: counted.restarts,
        samples: counted.samples,
        worst_delay_ns: u64::try_from(counted.worst_delay.as_nanos()).unwrap_or(u64::MAX),
        ..essence_session_statistics::defaults()
    }
}

fn session_options(given: &essence_session_options) -> Result<SessionOptions, Error> {
    let mut options = SessionOptions::default()
        .pacing(pacing(given.pacing)?)
        .pixel_format(pixel_format(given.pixel_format)?);
    if (given.width, given.height) != (0, 0) {
        options = options.output_size(OutputSize {
            width: given.width as usize,
            height: given.height as usize,
        });
    }
    options.letterbox = color(given.letterbox_rgb, "letterbox_rgb")?;
    options.fit = match given.fit {
        ESSENCE_FIT_CONTAIN => Fit::Contain,
        ESSENCE_FIT_COVER => Fit::Cover,
        ESSENCE_FIT_CROP => Fit::Crop {
            left: given.crop_left as usize,
            top: given.crop_top as usize,
        },
        other => return Err(invalid(format!("{other} is not an essence_fit"))),
    };
    options.yuv = yuv(given.yuv_matrix, given.yuv_range)?;
    // SAFETY: the header demands of `background_picture` to be null or a picture.
    options.background = unsafe { background(given) }?;
    options.pictures = !flag(given.without_pictures, "without_pictures")?;
    options.queue_limit_s = given.queue_limit_s;
    if given.queue_limit_utterances > 0 {
        options.queue_limit_utterances = given.queue_limit_utterances as usize;
    }
    if given.queue_limit_bytes > 0 {
        let bytes = usize::try_from(given.queue_limit_bytes);
        options.queue_limit_bytes = bytes.unwrap_or(usize::MAX);
    }
    if !given.clock.is_null() {
        // SAFETY: the header demands of `clock` to be null or a living clock.
        let clock = unsafe { handle::shared(given.clock) }?;
        options.clock = Clock::Manual(clock.clone());
    }
    Ok(options)
}

/// # Safety
/// `background_picture` is null or points to a picture with its planes.
unsafe fn background(given: &essence_session_options) -> Result<Option<Background>, Error> {
    match given.background {
        ESSENCE_BACKGROUND_NONE => Ok(None),
        ESSENCE_BACKGROUND_COLOR => {
            color(given.background_rgb, "background_rgb").map(|rgb| Some(Background::Color(rgb)))
        }
        ESSENCE_BACKGROUND_PICTURE => {
            // SAFETY: as this function demands.
            let picture = unsafe { picture::check(given.background_picture) }?;
            if picture.format != PixelFormat::Rgb8 {
                return Err(invalid(format!(
                    "the background is a {} picture; rgb is meant",
                    picture.format
                )));
            }
            let (width, height) = picture.size;
            // SAFETY: as this function demands.
            let rows = unsafe { picture.rows(0) };
            let rgb: Vec<u8> = rows.flatten().copied().collect();
            let image = BackgroundImage::from_rgb(rgb, width, height)?;
            Ok(Some(Background::Image(image)))
        }
        other => Err(invalid(format!("{other} is not an essence_background"))),
    }
}

fn color(rgb: u32, what: &str) -> Result<[u8; 3], Error> {
    match rgb.to_be_bytes() {
        [0, color @ ..] => Ok(color),
        _ => Err(invalid(format!("{what} is {rgb:#x}; 0xRRGGBB is meant"))),
    }
}

fn push(
    session: &Shared<'_, SessionBox>,
    audio: AudioData<'_>,
    rate_hz: u32,
    channels: u32,
) -> Result<essence_status, Error> {
    let channels = u16::try_from(channels)
        .map_err(|_| invalid(format!("{channels} channels; 1 to 32 are accepted")))?;
    session.session.push_audio(audio, rate_hz, channels)?;
    Ok(ESSENCE_OK)
}
