//! Settings of a session: plain data with defaults.

use crate::clock::Clock;
use crate::frame::PixelFormat;

/// How a session keeps time.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Pacing {
    /// Frame `k` is due at start + `k` / 25 s, and there always is one: speech while there is
    /// audio, idle otherwise.
    #[default]
    Realtime,
    /// As fast as the machine can and only what the audio gives, for files and tests: the same
    /// audio gives the same frames.
    Unpaced,
}

/// Size of the pictures, in pixels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OutputSize {
    /// Width, **16 to 8192**.
    pub width: usize,
    /// Height, **16 to 8192**.
    pub height: usize,
}

/// Settings of a session.
///
/// ```
/// use essence::{Pacing, PixelFormat, SessionOptions};
/// let options = SessionOptions::default().pacing(Pacing::Unpaced).pixel_format(PixelFormat::Rgb8);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionOptions {
    /// How the session keeps time.
    pub pacing: Pacing,
    /// Format of the pictures.
    pub pixel_format: PixelFormat,
    /// Size of the pictures: the avatar's picture is scaled to fit and centred. None: the avatar's
    /// own size.
    pub output_size: Option<OutputSize>,
    /// Red, green and blue of the bars where the picture's proportions differ from the output's.
    pub letterbox: [u8; 3],
    /// Most audio that may wait to be rendered, in seconds; pushing more is refused, so that memory
    /// stays bounded.
    pub queue_limit_s: u32,
    /// Most memory that this audio may take, in bytes: 4 a sample after mixing down to mono, 8 where
    /// there were several channels.
    pub queue_limit_bytes: usize,
    /// Most utterances that may wait, the one that is being rendered among them.
    pub queue_limit_utterances: usize,
    /// Where a real-time session takes its time from.
    pub clock: Clock,
    /// Whether frames have pictures. Without, they carry sound, blendshape values and the number of
    /// the base frame, the identity network doesn't run and nothing is composed.
    pub pictures: bool,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            pacing: Pacing::default(),
            pixel_format: PixelFormat::default(),
            output_size: None,
            letterbox: [0; 3],
            queue_limit_s: 600,
            // 600 s at 48 kHz are 110 MiB.
            queue_limit_bytes: 128 << 20,
            queue_limit_utterances: 1_000,
            clock: Clock::default(),
            pictures: true,
        }
    }
}

impl SessionOptions {
    /// These settings with another pacing.
    #[must_use]
    pub fn pacing(mut self, pacing: Pacing) -> Self {
        self.pacing = pacing;
        self
    }

    /// These settings with another pixel format.
    #[must_use]
    pub fn pixel_format(mut self, format: PixelFormat) -> Self {
        self.pixel_format = format;
        self
    }

    /// These settings with pictures of another size.
    #[must_use]
    pub fn output_size(mut self, size: impl Into<Option<OutputSize>>) -> Self {
        self.output_size = size.into();
        self
    }

    /// These settings on another clock.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// These settings with pictures or without.
    #[must_use]
    pub fn pictures(mut self, pictures: bool) -> Self {
        self.pictures = pictures;
        self
    }
}
