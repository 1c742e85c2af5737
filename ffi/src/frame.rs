//! `essence_frame`: what a session draws, to be filled again and again.

use std::ptr;

use engine::{Frame, FrameFlags};

use crate::boundary::{export, invalid};
use crate::constants::constants;
use crate::handle::{self, opaque};
use crate::names::{
    ESSENCE_PIXEL_FORMAT_BGR8, ESSENCE_YUV_MATRIX_BT601, ESSENCE_YUV_RANGE_LIMITED,
    essence_pixel_format, essence_yuv_matrix, essence_yuv_range, pixel_format_value, yuv_values,
};
use crate::picture;
use crate::sized::{self, Sized32, sized};
use crate::status::ESSENCE_OK;

opaque! {
    /// Room for one frame, filled by essence_session_next_frame() as often as wanted without
    /// allocating. Use one for all frames, or several in turn to keep some.
    essence_frame(FrameBox)
}

/// A frame with its audio as integers, too.
#[derive(Debug, Default)]
pub struct FrameBox {
    pub(crate) frame: Frame,
    audio_i16: Vec<i16>,
    /// The caller's memory, if the picture was drawn there and not into the frame's own.
    outside: Option<([*mut u8; 3], [usize; 3])>,
    /// Whether there is a frame in it.
    pub(crate) drawn: bool,
}

constants! {
    /// Events around a frame: a sum of these.
    essence_frame_flags: u32 {
        /// The frame belongs to an utterance and carries its audio.
        ESSENCE_FRAME_SPEECH = 1,
        /// The last frame of an utterance.
        ESSENCE_FRAME_END_OF_SPEECH = 2,
        /// An utterance is under way, but the audio for this frame had not arrived in time: the
        /// mouth waits, closed.
        ESSENCE_FRAME_UNDERRUN = 4,
        /// The frame left more than 20 ms after it was due. Since ABI 1.4.
        ESSENCE_FRAME_LATE = 8,
        /// The speech was muted: its samples are zeros and the mouth rests. Since ABI 1.4.
        ESSENCE_FRAME_MUTED = 16,
        /// The picture is not the one that was planned: a base frame is damaged, and another one is
        /// shown, or a network failed, and the mouth holds its shape or rests. The sound is intact.
        /// Since ABI 1.4.
        ESSENCE_FRAME_CONCEALED = 32,
    }
}

/// No motion, where a place in the avatar's `motions` is told. Since ABI 1.4.
pub const ESSENCE_NO_MOTION: u32 = 0xFFFF_FFFF;

/// A frame: its picture, the exact audio that belongs to it, and facts about it.
///
/// Pointers are borrowed until the essence_frame is filled again or destroyed (those in `planes`
/// are the caller's own where a picture was given).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct essence_frame_info {
    /// Size of this struct as the caller knows it.
    pub struct_size: u32,
    /// Events around this frame.
    pub flags: essence_frame_flags,
    /// Number of the frame in its session, from 0. In real time, dropped pictures keep their
    /// numbers.
    pub index: u64,
    /// Presentation time in samples at 16 kHz: 640 × `index`.
    pub pts_samples: u64,
    /// Which of the avatar's base frames lies underneath.
    pub base_frame: u32,
    /// Pictures that were dropped before this one because the machine or the program is too slow. Their
    /// audio is in this frame.
    pub skipped: u32,
    /// Width of the picture in pixels.
    pub width: u32,
    /// Height of the picture in pixels.
    pub height: u32,
    /// The picture's format.
    pub format: essence_pixel_format,
    /// Sample rate of the audio in Hz, 0 where there is none.
    pub audio_rate_hz: u32,
    /// The picture: the first row of each plane that the format has; NULL in a session without
    /// pictures.
    pub planes: [*const u8; 3],
    /// Bytes from one row to the next in each plane.
    pub strides: [usize; 3],
    /// The caller's own audio for this frame: mono, exactly as pushed, in [-1, 1].
    pub audio: *const f32,
    /// The same as 16-bit samples: what was pushed as such comes back bit for bit.
    pub audio_i16: *const i16,
    /// Number of samples in each of them: rate / 25. None outside of utterances, fewer at an
    /// utterance's end, more where pictures were skipped.
    pub audio_samples: usize,
    /// ARKit blendshape values of the mouth in [0, 1], in the order of the avatar's `arkit_names`.
    pub arkit: *const f32,
    /// Number of `arkit`.
    pub arkit_count: usize,
    /// Interruptions of the session before this frame. One thread may interrupt and push anew while
    /// another draws: this says on which side of the interruption that frame is. Since ABI 1.2.
    pub interruptions: u64,
    /// Matrix of an I420 or NV12 picture. Since ABI 1.4.
    pub yuv_matrix: essence_yuv_matrix,
    /// Range of an I420 or NV12 picture. Since ABI 1.4.
    pub yuv_range: essence_yuv_range,
    /// Nanoseconds that have passed since the frame was due, when this is written: the time to show
    /// it, told by the clock of the program. 0 unpaced and on an essence_clock. Since ABI 1.4.
    pub since_due_ns: u64,
    /// The tag that the frame's first sample was pushed with, 0 without one. Since ABI 1.4.
    pub tag: u64,
    /// The gesture that begins with this frame, by its place in the avatar's `motions`;
    /// #ESSENCE_NO_MOTION: none. Since ABI 1.4.
    pub gesture_started: u32,
    /// The gesture that is over with this frame, the first one that doesn't show it;
    /// #ESSENCE_NO_MOTION: none. Since ABI 1.4.
    pub gesture_ended: u32,
}

sized!(essence_frame_info, grown by interruptions {
    flags: 0,
    index: 0,
    pts_samples: 0,
    base_frame: 0,
    skipped: 0,
    width: 0,
    height: 0,
    format: ESSENCE_PIXEL_FORMAT_BGR8,
    audio_rate_hz: 0,
    planes: [ptr::null(); 3],
    strides: [0; 3],
    audio: ptr::null(),
    audio_i16: ptr::null(),
    audio_samples: 0,
    arkit: ptr::null(),
    arkit_count: 0,
    interruptions: 0,
    yuv_matrix: ESSENCE_YUV_MATRIX_BT601,
    yuv_range: ESSENCE_YUV_RANGE_LIMITED,
    since_due_ns: 0,
    tag: 0,
    gesture_started: ESSENCE_NO_MOTION,
    gesture_ended: ESSENCE_NO_MOTION,
});

export! {
    /// Makes room for a frame. It fits every session and grows to what it is used for.
    ///
    /// `out`: written on success; transferred to the caller, who destroys it with
    /// essence_frame_destroy().
    ///
    /// Fails with: INVALID_ARGUMENT.
    /// Threads: any, concurrently.
    fn essence_frame_create(out: *mut *mut essence_frame) -> essence_status {
        if out.is_null() {
            return Err(invalid("the place for the frame is NULL"));
        }
        out.write(handle::new(FrameBox::default()));
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Destroys a frame; NULL is fine.
    ///
    /// Threads: any; no other call on this frame may be under way.
    fn essence_frame_destroy(frame: *mut essence_frame), on panic (),
    {
        handle::free(frame);
    }
}

export! {
    /// Says again what the frame is that was drawn last.
    ///
    /// `info`: written on success, as far as its `struct_size` reaches.
    ///
    /// Fails with: INVALID_STATE (there is none), INVALID_ARGUMENT.
    /// Threads: any, concurrently with each other.
    fn essence_frame_describe(frame: *const essence_frame, info: *mut essence_frame_info) -> essence_status {
        let frame = handle::shared(frame)?;
        frame.check_drawn()?;
        sized::write(info, &frame.describe())?;
        Ok(ESSENCE_OK)
    }
}

impl FrameBox {
    /// Takes note of a frame that has just been drawn, into `outside` or its own memory.
    pub(crate) fn complete(&mut self, outside: Option<([*mut u8; 3], [usize; 3])>) {
        self.drawn = true;
        self.outside = outside;
        self.audio_i16.clear();
        self.audio_i16.extend(self.frame.audio_i16());
    }

    pub(crate) fn check_drawn(&self) -> Result<(), engine::Error> {
        if self.drawn {
            return Ok(());
        }
        Err(engine::Error::new(
            engine::ErrorKind::InvalidState,
            "the frame is empty; essence_session_next_frame() fills it when it gives OK",
        ))
    }

    /// Whether the frame has a picture, in its own memory.
    pub(crate) fn holds_picture(&self) -> bool {
        self.outside.is_none() && !self.frame.pixels().is_empty()
    }

    pub(crate) fn describe(&self) -> essence_frame_info {
        let frame = &self.frame;
        let format = pixel_format_value(frame.format());
        let (planes, strides) = self.outside.unwrap_or_else(|| {
            if !self.holds_picture() {
                return ([ptr::null_mut(); 3], [0; 3]);
            }
            let size = (frame.width() as u32, frame.height() as u32);
            let pixels = frame.pixels().as_ptr().cast_mut();
            let own = picture::describe(frame.format(), format, size, pixels);
            (own.planes, own.strides)
        });
        let flags = frame.flags();
        let (yuv_matrix, yuv_range) = yuv_values(frame.yuv().unwrap_or_default());
        essence_frame_info {
            flags: flags_value(flags),
            index: frame.index(),
            pts_samples: frame.pts_samples(),
            base_frame: frame.base_frame() as u32,
            skipped: flags.skipped,
            width: frame.width() as u32,
            height: frame.height() as u32,
            format,
            audio_rate_hz: frame.audio_rate_hz(),
            planes: planes.map(<*mut u8>::cast_const),
            strides,
            audio: frame.audio().as_ptr(),
            audio_i16: self.audio_i16.as_ptr(),
            audio_samples: frame.audio().len(),
            arkit: frame.arkit().as_ptr(),
            arkit_count: frame.arkit().len(),
            interruptions: frame.interruptions(),
            yuv_matrix,
            yuv_range,
            since_due_ns: frame.due().map_or(0, |due| due.elapsed().as_nanos() as u64),
            tag: frame.tag(),
            gesture_started: motion(frame.gesture_started()),
            gesture_ended: motion(frame.gesture_ended()),
            ..essence_frame_info::defaults()
        }
    }
}

fn motion(index: Option<usize>) -> u32 {
    let index = index.and_then(|index| u32::try_from(index).ok());
    index.unwrap_or(ESSENCE_NO_MOTION)
}

fn flags_value(flags: FrameFlags) -> essence_frame_flags {
    let bit = |set, flag| if set { flag } else { 0 };
    bit(flags.speech, ESSENCE_FRAME_SPEECH)
        | bit(flags.end_of_speech, ESSENCE_FRAME_END_OF_SPEECH)
        | bit(flags.underrun, ESSENCE_FRAME_UNDERRUN)
        | bit(flags.late, ESSENCE_FRAME_LATE)
        | bit(flags.muted, ESSENCE_FRAME_MUTED)
        | bit(flags.concealed, ESSENCE_FRAME_CONCEALED)
}
