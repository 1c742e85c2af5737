//! Enumerations as C sees them: integers with named values. They arrive as integers and are
//! checked here, since C can pass any.

use engine::{Error, Pacing, PixelFormat, Provider, YuvColor, YuvMatrix, YuvRange};

use crate::boundary::{export, invalid};
use crate::constants::constants;

constants! {
    /// How pixels lie in memory; rows from the top down.
    essence_pixel_format: u32 {
        /// 3 bytes a pixel: blue, green, red.
        ESSENCE_PIXEL_FORMAT_BGR8 = 0,
        /// 3 bytes a pixel: red, green, blue.
        ESSENCE_PIXEL_FORMAT_RGB8 = 1,
        /// 4 bytes a pixel: red, green, blue, alpha, which is straight; 255 unless the avatar was keyed.
        ESSENCE_PIXEL_FORMAT_RGBA8 = 2,
        /// 4 bytes a pixel: blue, green, red, alpha, as in RGBA8.
        ESSENCE_PIXEL_FORMAT_BGRA8 = 3,
        /// Planes Y, U, V; U and V at half the width and height (rounded up). Matrix and range are the
        /// session's `yuv_matrix` and `yuv_range`.
        ESSENCE_PIXEL_FORMAT_I420 = 4,
        /// Plane Y, then one plane of U and V in turn at half the width and height (rounded up). Matrix
        /// and range as of I420.
        ESSENCE_PIXEL_FORMAT_NV12 = 5,
    }
}

constants! {
    /// A provider executes the networks.
    essence_provider: u32 {
        /// The best of the others that works here, passes the avatar's self-test and, unless it is the
        /// CPU, draws a mouth within 20 ms.
        ESSENCE_PROVIDER_AUTO = 0,
        /// ONNX Runtime's own CPU kernels. Always there where ONNX Runtime is.
        ESSENCE_PROVIDER_CPU = 1,
        /// NVIDIA GPUs.
        ESSENCE_PROVIDER_CUDA = 2,
        /// Apple's CoreML.
        ESSENCE_PROVIDER_COREML = 3,
        /// Intel's OpenVINO, on the CPU.
        ESSENCE_PROVIDER_OPENVINO = 4,
        /// GPUs through WebGPU.
        ESSENCE_PROVIDER_WEBGPU = 5,
        /// This library's own kernels for the CPU, which need no ONNX Runtime. Always there. Since ABI
        /// 1.5.
        ESSENCE_PROVIDER_BUILTIN = 6,
    }
}

constants! {
    /// How a session keeps time.
    essence_pacing: u32 {
        /// Frame k is due at start + k / 25 s, and there always is one: speech while there is
        /// audio, idle otherwise.
        ESSENCE_PACING_REALTIME = 0,
        /// As fast as the machine can and only what the audio gives, for files and tests: the same
        /// audio gives the same frames.
        ESSENCE_PACING_UNPACED = 1,
    }
}

constants! {
    /// How the avatar's picture fits into an output of another size.
    essence_fit: u32 {
        /// The whole picture, scaled as large as the output permits and centred, with bars where the
        /// proportions differ.
        ESSENCE_FIT_CONTAIN = 0,
        /// The picture scaled until it fills the output, centred; what reaches beyond it is cut off
        /// evenly on both sides.
        ESSENCE_FIT_COVER = 1,
        /// A part of the picture at its own scale, of the output's size, which lies inside of the
        /// picture.
        ESSENCE_FIT_CROP = 2,
    }
}

constants! {
    /// Background: shows where a keyed avatar is transparent, and in place of bars.
    essence_background: u32 {
        /// Nothing is drawn: formats with alpha are transparent there; in others the avatar's own
        /// background shows, and bars have `letterbox_rgb`.
        ESSENCE_BACKGROUND_NONE = 0,
        /// One color.
        ESSENCE_BACKGROUND_COLOR = 1,
        /// A picture, scaled until it fills the output, centred.
        ESSENCE_BACKGROUND_PICTURE = 2,
    }
}

constants! {
    /// How Y, U and V follow from red, green and blue.
    essence_yuv_matrix: u32 {
        /// ITU-R BT.601, of standard definition and JPEG.
        ESSENCE_YUV_MATRIX_BT601 = 0,
        /// ITU-R BT.709, of high definition.
        ESSENCE_YUV_MATRIX_BT709 = 1,
    }
}

constants! {
    /// The levels that Y, U and V use.
    essence_yuv_range: u32 {
        /// Y from 16 to 235, U and V from 16 to 240.
        ESSENCE_YUV_RANGE_LIMITED = 0,
        /// All from 0 to 255.
        ESSENCE_YUV_RANGE_FULL = 1,
    }
}

const FORMATS: [(PixelFormat, essence_pixel_format, &std::ffi::CStr); 6] = [
    (PixelFormat::Bgr8, ESSENCE_PIXEL_FORMAT_BGR8, c"bgr"),
    (PixelFormat::Rgb8, ESSENCE_PIXEL_FORMAT_RGB8, c"rgb"),
    (PixelFormat::Rgba8, ESSENCE_PIXEL_FORMAT_RGBA8, c"rgba"),
    (PixelFormat::Bgra8, ESSENCE_PIXEL_FORMAT_BGRA8, c"bgra"),
    (PixelFormat::I420, ESSENCE_PIXEL_FORMAT_I420, c"i420"),
    (PixelFormat::Nv12, ESSENCE_PIXEL_FORMAT_NV12, c"nv12"),
];

const PROVIDERS: [(Provider, essence_provider, &std::ffi::CStr); 7] = [
    (Provider::Auto, ESSENCE_PROVIDER_AUTO, c"auto"),
    (Provider::Cpu, ESSENCE_PROVIDER_CPU, c"cpu"),
    (Provider::Cuda, ESSENCE_PROVIDER_CUDA, c"cuda"),
    (Provider::CoreMl, ESSENCE_PROVIDER_COREML, c"coreml"),
    (Provider::OpenVino, ESSENCE_PROVIDER_OPENVINO, c"openvino"),
    (Provider::WebGpu, ESSENCE_PROVIDER_WEBGPU, c"webgpu"),
    (Provider::Builtin, ESSENCE_PROVIDER_BUILTIN, c"builtin"),
];

pub(crate) fn pixel_format(value: essence_pixel_format) -> Result<PixelFormat, Error> {
    FORMATS
        .iter()
        .find(|row| row.1 == value)
        .map(|row| row.0)
        .ok_or_else(|| invalid(format!("{value} is not an essence_pixel_format")))
}

pub(crate) fn pixel_format_value(format: PixelFormat) -> essence_pixel_format {
    FORMATS
        .iter()
        .find(|row| row.0 == format)
        .map_or(u32::MAX, |row| row.1)
}

pub(crate) fn provider(value: essence_provider) -> Result<Provider, Error> {
    PROVIDERS
        .iter()
        .find(|row| row.1 == value)
        .map(|row| row.0)
        .ok_or_else(|| invalid(format!("{value} is not an essence_provider")))
}

pub(crate) fn provider_value(provider: Provider) -> essence_provider {
    PROVIDERS
        .iter()
        .find(|row| row.0 == provider)
        .map_or(u32::MAX, |row| row.1)
}

pub(crate) fn pacing(value: essence_pacing) -> Result<Pacing, Error> {
    match value {
        ESSENCE_PACING_REALTIME => Ok(Pacing::Realtime),
        ESSENCE_PACING_UNPACED => Ok(Pacing::Unpaced),
        _ => Err(invalid(format!("{value} is not an essence_pacing"))),
    }
}

pub(crate) fn yuv(matrix: essence_yuv_matrix, range: essence_yuv_range) -> Result<YuvColor, Error> {
    Ok(YuvColor {
        matrix: match matrix {
            ESSENCE_YUV_MATRIX_BT601 => YuvMatrix::Bt601,
            ESSENCE_YUV_MATRIX_BT709 => YuvMatrix::Bt709,
            _ => return Err(invalid(format!("{matrix} is not an essence_yuv_matrix"))),
        },
        range: match range {
            ESSENCE_YUV_RANGE_LIMITED => YuvRange::Limited,
            ESSENCE_YUV_RANGE_FULL => YuvRange::Full,
            _ => return Err(invalid(format!("{range} is not an essence_yuv_range"))),
        },
    })
}

pub(crate) fn yuv_values(color: YuvColor) -> (essence_yuv_matrix, essence_yuv_range) {
    let matrix = match color.matrix {
        YuvMatrix::Bt709 => ESSENCE_YUV_MATRIX_BT709,
        _ => ESSENCE_YUV_MATRIX_BT601,
    };
    let range = match color.range {
        YuvRange::Full => ESSENCE_YUV_RANGE_FULL,
        _ => ESSENCE_YUV_RANGE_LIMITED,
    };
    (matrix, range)
}

export! {
    /// The name of a pixel format: `bgr`, `rgb`, `rgba`, `bgra`, `i420` or `nv12`; NULL for a value
    /// that this version does not have.
    ///
    /// Returns: static.
    /// Threads: any, concurrently.
    fn essence_pixel_format_name(format: essence_pixel_format) -> *const std::ffi::c_char, on panic std::ptr::null(),
    {
        FORMATS.iter().find(|row| row.1 == format).map_or(std::ptr::null(), |row| row.2.as_ptr())
    }
}

export! {
    /// The name of a provider: `auto`, `builtin`, `cpu`, `cuda`, `coreml`, `openvino` or `webgpu`;
    /// NULL for a value that this version does not have.
    ///
    /// Returns: static.
    /// Threads: any, concurrently.
    fn essence_provider_name(provider: essence_provider) -> *const std::ffi::c_char, on panic std::ptr::null(),
    {
        PROVIDERS.iter().find(|row| row.1 == provider).map_or(std::ptr::null(), |row| row.2.as_ptr())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_hold_every_variant_under_its_name() {
        for format in PixelFormat::ALL {
            let row = FORMATS.iter().find(|row| row.0 == format);
            assert_eq!(
                row.and_then(|row| row.2.to_str().ok()),
                Some(format.name()),
                "{format:?}"
            );
        }
        for provider in Provider::ALL {
            let row = PROVIDERS.iter().find(|row| row.0 == provider);
            assert_eq!(
                row.and_then(|row| row.2.to_str().ok()),
                Some(provider.name()),
                "{provider:?}"
            );
        }
    }
}
