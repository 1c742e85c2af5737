//! The destination of a session's picture.

#[cfg(feature = "gpu-compose")]
use crate::PixelFormat;
#[cfg(feature = "gpu-compose")]
use crate::compose::Ground;
#[cfg(feature = "gpu-compose")]
use crate::compose::gpu::Canvas;
use crate::compose::{Composer, Layers};
use crate::frame::Frame;
use crate::motion::GestureEvents;
use crate::options::SessionOptions;
use crate::{AvatarInfo, Error, ErrorKind, PictureMut, Result};

#[derive(Debug, Default)]
pub(super) enum Target<'a, 'b> {
    /// Into the frame itself.
    #[default]
    Frame,
    /// Into memory of the caller's.
    Memory(&'a mut PictureMut<'b>),
    /// Into a texture.
    #[cfg(feature = "gpu-compose")]
    Canvas(&'a mut Canvas),
}

impl Target<'_, '_> {
    /// Describes the picture to come, which has `size` in memory, in `frame`, which is empty then.
    ///
    /// # Errors
    /// - `InvalidArgument`: the target has another size than the session's pictures.
    /// - `UnsupportedFormat`: the target is a canvas, and the avatar was keyed.
    pub(super) fn describe(
        &self,
        own_size: (usize, usize),
        options: &SessionOptions,
        #[cfg_attr(not(feature = "gpu-compose"), expect(unused, reason = "of canvases"))]
        info: &AvatarInfo,
        frame: &mut Frame,
    ) -> Result<()> {
        let (wanted, (size, format)) = match self {
            Self::Frame => (own_size, (own_size, options.pixel_format)),
            Self::Memory(picture) => (own_size, (picture.size(), picture.format())),
            #[cfg(feature = "gpu-compose")]
            Self::Canvas(canvas) => {
                if info.has_matte {
                    return Err(no_transparency());
                }
                let native = (info.frame_width, info.frame_height);
                (native, (canvas.size(), PixelFormat::Rgba8))
            }
        };
        if size != wanted {
            return Err(wrong_size(size, wanted));
        }
        (frame.width, frame.height) = size;
        frame.format = format;
        frame.yuv = options.yuv;
        if !matches!(self, Self::Frame) || !options.pictures {
            frame.pixels.clear();
        }
        frame.audio.clear();
        frame.audio_rate_hz = 0;
        frame.tag = 0;
        frame.gestures = GestureEvents::default();
        Ok(())
    }

    /// Puts the picture there.
    pub(super) fn put(
        self,
        composer: &mut Composer,
        layers: &Layers<'_>,
        frame: &mut Frame,
    ) -> Result<()> {
        match self {
            Self::Memory(picture) => composer.compose(layers, picture),
            Self::Frame => {
                let size = (frame.width, frame.height);
                let length = frame.format.buffer_len(size.0, size.1);
                frame.pixels.resize(length, 0);
                let mut own = PictureMut::packed(frame.format, size, &mut frame.pixels)?;
                composer.compose(layers, &mut own);
            }
            #[cfg(feature = "gpu-compose")]
            Self::Canvas(canvas) => match layers.base {
                Ground::Frame(base) if layers.crossfade.is_none() && layers.moved.is_none() => {
                    canvas.compose(base, layers.patch);
                }
                _ => canvas.show(composer.draw(layers)),
            },
        }
        Ok(())
    }
}

#[cfg(feature = "gpu-compose")]
#[cold]
fn no_transparency() -> Error {
    Error::new(
        ErrorKind::UnsupportedFormat,
        "a canvas shows no transparency, and this avatar was keyed; draw into memory instead",
    )
}

#[cold]
fn wrong_size(size: (usize, usize), wanted: (usize, usize)) -> Error {
    Error::new(
        ErrorKind::InvalidArgument,
        format!(
            "the picture is {}×{}; this session draws {}×{}",
            size.0, size.1, wanted.0, wanted.1
        ),
    )
}
