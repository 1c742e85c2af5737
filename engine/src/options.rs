//! Settings of a session: plain data with defaults.

use std::fmt;
use std::sync::Arc;

use crate::clock::Clock;
use crate::frame::{PixelFormat, YuvColor};
use crate::{Error, ErrorKind, Result};

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

/// Fit of the avatar's picture into an output of another size.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Fit {
    /// The whole picture, scaled as large as the output permits and centred, with bars where the
    /// proportions differ.
    #[default]
    Contain,
    /// The picture scaled until it fills the output, centred; what reaches beyond the output is cut
    /// off evenly on both sides.
    Cover,
    /// A part of the picture at its own scale: one pixel of the picture is one pixel of the output. The
    /// part has the output's size and lies inside of the picture.
    Crop {
        /// The part's first column in the picture, in pixels.
        left: usize,
        /// The part's first row in the picture, in pixels.
        top: usize,
    },
}

/// The background: what shows where the avatar's picture is transparent, and in place of the bars.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Background {
    /// One color: red, green, blue.
    Color([u8; 3]),
    /// A picture, scaled until it fills the output, centred.
    Image(BackgroundImage),
}

/// A picture for a [`Background`]. Clones share its memory.
#[derive(Clone, Eq, PartialEq)]
pub struct BackgroundImage {
    width: usize,
    height: usize,
    rgb: Arc<[u8]>,
}

impl BackgroundImage {
    /// A picture of `width` × `height` pixels (**1 to 8192** each), 3 bytes a pixel: red, green, blue,
    /// row by row without padding.
    ///
    /// # Errors
    /// `InvalidArgument`: the size is outside of its domain, or `rgb` has another length.
    pub fn from_rgb(rgb: impl Into<Arc<[u8]>>, width: usize, height: usize) -> Result<Self> {
        let rgb = rgb.into();
        let invalid = |message| Err(Error::new(ErrorKind::InvalidArgument, message));
        let domain = 1..=8192;
        if !domain.contains(&width) || !domain.contains(&height) {
            return invalid(format!(
                "a background of {width}×{height} pixels is outside 1 to 8192"
            ));
        }
        if rgb.len() != 3 * width * height {
            return invalid(format!(
                "a background of {width}×{height} pixels has {} bytes of RGB, not {}",
                3 * width * height,
                rgb.len()
            ));
        }
        Ok(Self { width, height, rgb })
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    pub(crate) fn rgb(&self) -> &[u8] {
        &self.rgb
    }
}

impl fmt::Debug for BackgroundImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BackgroundImage({}×{})", self.width, self.height)
    }
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
    /// Size of the pictures. None: the avatar's own size.
    pub output_size: Option<OutputSize>,
    /// Fit of the avatar's picture into [`output_size`](Self::output_size).
    pub fit: Fit,
    /// Red, green and blue of the bars that [`Fit::Contain`] leaves.
    pub letterbox: [u8; 3],
    /// The background of an avatar that was keyed
    /// ([`AvatarInfo::has_matte`](crate::AvatarInfo::has_matte)), and of the bars of every avatar.
    ///
    /// None: formats with alpha ([`PixelFormat::has_alpha`]) are transparent around the avatar, bars
    /// included; in all others the avatar's own background shows, beside bars of
    /// [`letterbox`](Self::letterbox).
    pub background: Option<Background>,
    /// Color matrix and range of I420 and NV12 pictures.
    pub yuv: YuvColor,
    /// Most audio that may wait to be rendered, in seconds; pushing more is refused, so that memory
    /// stays bounded.
    pub queue_limit_s: u32,
    /// Most memory that this audio may take, in bytes: 4 a sample after mixing down to mono, 8 where
    /// there were several channels.
    pub queue_limit_bytes: usize,
    /// Most utterances that may wait, the one that is being rendered among them.
    pub queue_limit_utterances: usize,
    /// The source of a real-time session's time.
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
            fit: Fit::default(),
            letterbox: [0; 3],
            background: None,
            yuv: YuvColor::default(),
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

    /// These settings with another fit.
    #[must_use]
    pub fn fit(mut self, fit: Fit) -> Self {
        self.fit = fit;
        self
    }

    /// These settings with bars of another color: red, green, blue.
    #[must_use]
    pub fn letterbox(mut self, rgb: [u8; 3]) -> Self {
        self.letterbox = rgb;
        self
    }

    /// These settings with another background, or with none.
    #[must_use]
    pub fn background(mut self, background: impl Into<Option<Background>>) -> Self {
        self.background = background.into();
        self
    }

    /// These settings with another color matrix and range of I420 and NV12.
    #[must_use]
    pub fn yuv(mut self, color: YuvColor) -> Self {
        self.yuv = color;
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
