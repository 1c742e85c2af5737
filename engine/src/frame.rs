//! Frames: a picture with the exact 40 ms of audio that belong to it.

use crate::clock::Instant;
use std::fmt;
use std::str::FromStr;

use crate::clock::FRAME_DURATION;
use crate::motion::GestureEvents;
use crate::{Error, ErrorKind, Result};

/// How pixels lie in memory. Rows are packed without padding, top down.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum PixelFormat {
    /// 3 bytes a pixel: blue, green, red.
    #[default]
    Bgr8,
    /// 4 bytes a pixel: blue, green, red, alpha. Alpha is straight (the colors are not multiplied by
    /// it); 255 unless the avatar was keyed.
    Bgra8,
    /// Planes Y, U, V; U and V at half the width and height (rounded up). Matrix and range are those of
    /// [`SessionOptions::yuv`](crate::SessionOptions::yuv).
    I420,
    /// Plane Y, then one plane of U and V in turn at half the width and height (rounded up). Matrix
    /// and range as of I420.
    Nv12,
    /// 3 bytes a pixel: red, green, blue.
    Rgb8,
    /// 4 bytes a pixel: red, green, blue, alpha, which is straight as in BGRA.
    Rgba8,
}

impl PixelFormat {
    /// Every format.
    pub const ALL: [Self; 6] = [
        Self::Bgr8,
        Self::Bgra8,
        Self::I420,
        Self::Nv12,
        Self::Rgb8,
        Self::Rgba8,
    ];

    /// The name in options: `bgr`, `bgra`, `i420`, `nv12`, `rgb` or `rgba`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bgr8 => "bgr",
            Self::Bgra8 => "bgra",
            Self::I420 => "i420",
            Self::Nv12 => "nv12",
            Self::Rgb8 => "rgb",
            Self::Rgba8 => "rgba",
        }
    }

    /// Size in bytes of a picture; `usize::MAX` where that is more than can be addressed.
    pub const fn buffer_len(self, width: usize, height: usize) -> usize {
        let mut bytes: usize = 0;
        let mut plane = 0;
        while plane < self.planes() {
            let (row, rows) = self.plane_size(plane, width, height);
            bytes = bytes.saturating_add(row.saturating_mul(rows));
            plane += 1;
        }
        bytes
    }

    /// Whether pixels have alpha.
    pub const fn has_alpha(self) -> bool {
        matches!(self, Self::Bgra8 | Self::Rgba8)
    }

    /// Whether pixels are YUV: I420 and NV12.
    pub const fn is_yuv(self) -> bool {
        matches!(self, Self::I420 | Self::Nv12)
    }

    /// Number of planes: 1, 2 or 3.
    pub const fn planes(self) -> usize {
        match self {
            Self::Bgr8 | Self::Bgra8 | Self::Rgb8 | Self::Rgba8 => 1,
            Self::Nv12 => 2,
            Self::I420 => 3,
        }
    }

    /// Bytes in a row (`usize::MAX` where that is more than can be addressed) and number of rows of
    /// plane `plane`; zeros for one that the format lacks.
    pub const fn plane_size(self, plane: usize, width: usize, height: usize) -> (usize, usize) {
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        match (self, plane) {
            (Self::Bgr8 | Self::Rgb8, 0) => (width.saturating_mul(3), height),
            (Self::Bgra8 | Self::Rgba8, 0) => (width.saturating_mul(4), height),
            (Self::I420 | Self::Nv12, 0) => (width, height),
            (Self::I420, 1 | 2) => (half_width, half_height),
            (Self::Nv12, 1) => (half_width.saturating_mul(2), half_height),
            _ => (0, 0),
        }
    }
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for PixelFormat {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == name)
            .ok_or_else(|| {
                let names = Self::ALL.map(Self::name).join(", ");
                Error::new(
                    ErrorKind::InvalidArgument,
                    format!("`{name}` is not a pixel format; choose one of {names}"),
                )
            })
    }
}

/// Color matrix and range of YUV pictures. The default is BT.601, limited range.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct YuvColor {
    /// How Y, U and V follow from red, green and blue.
    pub matrix: YuvMatrix,
    /// The levels that are used.
    pub range: YuvRange,
}

/// How Y, U and V follow from red, green and blue.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum YuvMatrix {
    /// ITU-R BT.601, of standard definition and JPEG: `matrix_coefficients` 5 or 6 of ITU-T H.273.
    #[default]
    Bt601,
    /// ITU-R BT.709, of high definition: `matrix_coefficients` 1 of ITU-T H.273.
    Bt709,
}

/// The levels that Y, U and V use.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum YuvRange {
    /// Y from 16 to 235, U and V from 16 to 240.
    #[default]
    Limited,
    /// All from 0 to 255.
    Full,
}

/// Facts about a frame besides its picture.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct FrameFlags {
    /// The frame belongs to an utterance and carries its audio, if it has any.
    pub speech: bool,
    /// The last frame of an utterance.
    pub end_of_speech: bool,
    /// An utterance has begun, but the audio for this frame had not arrived in time: the mouth
    /// waits, closed.
    pub underrun: bool,
    /// The frame left more than 20 ms after it was due.
    pub late: bool,
    /// The speech was muted: its samples are zeros and the mouth rests.
    pub muted: bool,
    /// The picture is not the one that was planned: a base frame is damaged, and another one is shown, or
    /// a network failed, and the mouth holds its shape or rests (error concealment). The sound is intact.
    pub concealed: bool,
    /// Pictures that were dropped before this one: the machine has more to draw than time, or the consumer
    /// is too slow. Their audio is in this frame.
    pub skipped: u32,
}

/// One video frame. Reusable: [`draw`](crate::Session::draw) fills it again
/// without allocating.
#[derive(Clone, Default)]
pub struct Frame {
    pub(crate) pixels: Vec<u8>,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) format: PixelFormat,
    pub(crate) yuv: YuvColor,
    pub(crate) index: u64,
    pub(crate) due: Option<Instant>,
    pub(crate) flags: FrameFlags,
    pub(crate) base_frame: usize,
    pub(crate) interruptions: u64,
    pub(crate) audio: Vec<f32>,
    pub(crate) audio_rate_hz: u32,
    pub(crate) arkit: Vec<f32>,
    pub(crate) tag: u64,
    pub(crate) gestures: GestureEvents,
}

impl Frame {
    /// An empty frame to be filled.
    pub fn new() -> Self {
        Self::default()
    }

    /// The picture, in the session's [`PixelFormat`].
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Width of the picture in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height of the picture in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The picture's format.
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// Color matrix and range of the picture; None unless its format [is YUV](PixelFormat::is_yuv).
    pub fn yuv(&self) -> Option<YuvColor> {
        self.format.is_yuv().then_some(self.yuv)
    }

    /// Number of the frame in its session, from 0. In real time, numbers of skipped pictures are
    /// left out.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Presentation time in samples at 16 kHz: **640 × index**.
    pub fn pts_samples(&self) -> u64 {
        self.index * u64::from(crate::clock::FRAME_SAMPLES)
    }

    /// Presentation time in nanoseconds: **40,000,000 × index**.
    pub fn pts_ns(&self) -> u64 {
        self.index * FRAME_DURATION.as_nanos() as u64
    }

    /// The time at which the frame is due, on the system's monotonic clock. None in an unpaced session
    /// and on a clock that is moved by hand.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Facts about this frame besides its picture.
    pub fn flags(&self) -> FrameFlags {
        self.flags
    }

    /// Number of the avatar's base frame underneath.
    pub fn base_frame(&self) -> usize {
        self.base_frame
    }

    /// Interruptions of the session before this frame. One thread may interrupt and push anew while
    /// another draws: this says on which side of the interruption that frame is.
    pub fn interruptions(&self) -> u64 {
        self.interruptions
    }

    /// The caller's own audio for this frame: mono, exactly as pushed, rate / 25 samples. Empty
    /// outside of utterances, shorter at an utterance's end, longer where pictures were skipped.
    pub fn audio(&self) -> &[f32] {
        &self.audio
    }

    /// Sample rate of [`audio`](Self::audio) in Hz, 0 where it is empty.
    pub fn audio_rate_hz(&self) -> u32 {
        self.audio_rate_hz
    }

    /// [`audio`](Self::audio) as 16-bit samples; what was pushed as 16-bit comes back bit for bit.
    pub fn audio_i16(&self) -> impl ExactSizeIterator<Item = i16> + '_ {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "float casts saturate, which is wanted"
        )]
        // As `round` would, but for what lies a hair below a half; without calling a function.
        self.audio.iter().map(|x| {
            let level = x * 32768.0;
            (level + 0.5f32.copysign(level)) as i16
        })
    }

    /// ARKit blendshape values of the mouth in [0, 1], in the order of
    /// [`AvatarInfo::arkit_names`](crate::AvatarInfo::arkit_names).
    pub fn arkit(&self) -> &[f32] {
        &self.arkit
    }

    /// The tag that the frame's first sample was [pushed with](crate::Session::push_audio_tagged); 0
    /// without one. Where pictures were skipped, that of the frame that is shown.
    pub fn tag(&self) -> u64 {
        self.tag
    }

    /// The gesture that begins with this frame, by its place in
    /// [`AvatarInfo::motions`](crate::AvatarInfo::motions). Where pictures were skipped, the last one
    /// that began with them. Loops are no gestures.
    pub fn gesture_started(&self) -> Option<usize> {
        self.gestures.started
    }

    /// The gesture that is over with this frame, the first one that doesn't show it, alike.
    pub fn gesture_ended(&self) -> Option<usize> {
        self.gestures.ended
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("index", &self.index)
            .field("width", &self.width)
            .field("height", &self.height)
            .field("format", &self.format)
            .field("flags", &self.flags)
            .field("base_frame", &self.base_frame)
            .field("audio_samples", &self.audio.len())
            .finish_non_exhaustive()
    }
}
