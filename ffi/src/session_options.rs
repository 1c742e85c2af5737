//! The options of an `essence_session`.

use std::ptr;

use engine::clock::Clock;
use engine::{Background, BackgroundImage, Error, Fit, OutputSize, PixelFormat, SessionOptions};

use crate::boundary::{export, flag, invalid};
use crate::clock::essence_clock;
use crate::handle;
use crate::names::{
    ESSENCE_BACKGROUND_COLOR, ESSENCE_BACKGROUND_NONE, ESSENCE_BACKGROUND_PICTURE,
    ESSENCE_FIT_CONTAIN, ESSENCE_FIT_COVER, ESSENCE_FIT_CROP, ESSENCE_PACING_REALTIME,
    ESSENCE_PIXEL_FORMAT_BGR8, ESSENCE_YUV_MATRIX_BT601, ESSENCE_YUV_RANGE_LIMITED,
    essence_background, essence_fit, essence_pacing, essence_pixel_format, essence_yuv_matrix,
    essence_yuv_range, pacing, pixel_format, yuv,
};
use crate::picture::{self, essence_picture};
use crate::sized::{self, sized};
use crate::status::ESSENCE_OK;

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
    /// Clock of a real-time session; borrowed for the call. NULL, the default: the
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
    /// Background: shows where a keyed avatar is transparent, and in place of bars. Default:
    /// #ESSENCE_BACKGROUND_NONE. Since ABI 1.4.
    pub background: essence_background,
    /// With #ESSENCE_BACKGROUND_COLOR: 0xRRGGBB.
    pub background_rgb: u32,
    /// 1: unpaced, drawing gives DONE instead of AGAIN where every utterance is complete, so that
    /// AGAIN means that more audio or a flush is needed (not from essence_session_try_next_frame()
    /// of a session with a wake-up, which gives AGAIN). Default: 0. Since ABI 1.4.
    pub report_done: u32,
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
    report_done: 0,
    background_picture: ptr::null(),
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

/// Reads a session's options.
///
/// # Errors
/// `InvalidArgument`: one is outside its domain.
///
/// # Safety
/// `clock` and `background_picture` are null or what the header demands of them.
pub(crate) unsafe fn read(given: &essence_session_options) -> Result<SessionOptions, Error> {
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
        options.clock = Clock::clone(&clock);
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
