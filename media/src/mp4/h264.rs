//! I420 pictures to H.264, constrained baseline, as an MP4 file stores it.

use essence::{Error, ErrorKind, Result};
use openh264::OpenH264API;
use openh264::Timestamp;
use openh264::encoder::{
    BitRate, ColorPrimaries, Complexity, Encoder, EncoderConfig, FrameRate, IntraFramePeriod,
    MatrixCoefficients, Profile, QpRange, RateControlMode, TransferCharacteristics, UsageType,
    VuiConfig,
};
use openh264::formats::YUVSlices;

use super::options::{FRAME_RATE, Quality};

/// The interval of key frames: two seconds.
const KEY_FRAME_PERIOD: u32 = 50;

const NAL_TYPE_SPS: u8 = 7;
const NAL_TYPE_PPS: u8 = 8;

/// The colours of the pictures, for the stream and the file: sRGB's primaries and (by the custom of
/// video) BT.709's transfer, YCbCr after BT.601, limited range.
pub(super) const COLOUR_PRIMARIES: u16 = ColorPrimaries::Bt709 as u16;
pub(super) const TRANSFER_CHARACTERISTICS: u16 = TransferCharacteristics::Bt709 as u16;
pub(super) const MATRIX_COEFFICIENTS: u16 = MatrixCoefficients::Smpte170M as u16;

/// The parameter sets, which a decoder needs before the first picture.
#[derive(Clone, Debug)]
pub(super) struct ParameterSets {
    pub(super) sps: Vec<u8>,
    pub(super) pps: Vec<u8>,
}

pub(super) struct H264Encoder {
    encoder: Encoder,
    source_width: usize,
    source_height: usize,
    /// The luma plane padded to even dimensions, if they are odd.
    padded: Vec<u8>,
    parameter_sets: Option<ParameterSets>,
    frames: u64,
}

impl H264Encoder {
    pub(super) fn new(width: u32, height: u32, quality: Quality) -> Result<Self> {
        let (long, short) = (width.max(height), width.min(height));
        if short < 16 || long > 3840 || short > 2160 {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "a video of {width}x{height} pixels cannot be written; give 16x16 to 3840x2160"
                ),
            ));
        }
        let encoder =
            Encoder::with_api_config(OpenH264API::from_source(), config(width, height, quality))
                .map_err(encoder_failed)?;
        Ok(Self {
            encoder,
            source_width: width as usize,
            source_height: height as usize,
            padded: Vec::new(),
            parameter_sets: None,
            frames: 0,
        })
    }

    /// Width in the file.
    pub(super) fn width(&self) -> u32 {
        self.source_width.next_multiple_of(2) as u32
    }

    /// Height in the file.
    pub(super) fn height(&self) -> u32 {
        self.source_height.next_multiple_of(2) as u32
    }

    /// The parameter sets. They exist after the first picture.
    pub(super) fn parameter_sets(&self) -> Result<&ParameterSets> {
        self.parameter_sets.as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::Internal,
                "the video encoder gave no parameter sets",
            )
        })
    }

    /// Encodes one picture and appends it to `out`, each NAL unit after its length in 4 bytes. Returns
    /// whether it is a key frame.
    pub(super) fn encode(&mut self, i420: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        let (width, height) = (self.width() as usize, self.height() as usize);
        let luma = self.source_width * self.source_height;
        let chroma = width / 2 * (height / 2);
        if i420.len() != luma + 2 * chroma {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "an I420 picture of {}x{} has {} bytes, not {}",
                    self.source_width,
                    self.source_height,
                    luma + 2 * chroma,
                    i420.len()
                ),
            ));
        }
        let (y, chroma_planes) = i420.split_at(luma);
        let (u, v) = chroma_planes.split_at(chroma);
        let y = if luma == width * height {
            y
        } else {
            pad_to_even(y, self.source_width, self.source_height, &mut self.padded);
            &self.padded
        };
        let planes = YUVSlices::new((y, u, v), (width, height), (width, width / 2, width / 2));
        let time = Timestamp::from_millis(self.frames * 1000 / u64::from(FRAME_RATE));
        let stream = self
            .encoder
            .encode_at(&planes, time)
            .map_err(encoder_failed)?;
        self.frames += 1;

        let begin = out.len();
        let mut key = false;
        let mut sps = None;
        let mut pps = None;
        let layers: Vec<_> = (0..stream.num_layers())
            .filter_map(|i| stream.layer(i))
            .collect();
        for layer in &layers {
            for unit in (0..layer.nal_count()).filter_map(|i| layer.nal_unit(i)) {
                let unit = without_start_code(unit);
                match unit.first().map(|b| b & 0x1f) {
                    Some(NAL_TYPE_SPS) => sps = Some(unit),
                    Some(NAL_TYPE_PPS) => pps = Some(unit),
                    Some(kind @ 1..=5) => {
                        key |= kind == 5;
                        out.extend_from_slice(&(unit.len() as u32).to_be_bytes());
                        out.extend_from_slice(unit);
                    }
                    _ => {}
                }
            }
        }
        if out.len() == begin {
            return Err(Error::new(
                ErrorKind::Internal,
                "the video encoder skipped a frame",
            ));
        }
        if let (Some(sps), Some(pps)) = (sps, pps) {
            match &self.parameter_sets {
                None => {
                    self.parameter_sets = Some(ParameterSets {
                        sps: sps.into(),
                        pps: pps.into(),
                    });
                }
                Some(known) if known.sps == sps && known.pps == pps => {}
                Some(_) => {
                    return Err(Error::new(
                        ErrorKind::Internal,
                        "the video encoder changed its parameters in the middle",
                    ));
                }
            }
        }
        Ok(key)
    }
}

fn config(width: u32, height: u32, quality: Quality) -> EncoderConfig {
    // A constant quantiser: the same quality in every frame, and as many bits as it takes. The
    // buffer-based mode does this between equal bounds; the modes that aim at a bit rate drop frames,
    // or warn on stderr that they must not.
    let (qp, complexity) = match quality {
        Quality::Low => (32, Complexity::Medium),
        Quality::Medium => (26, Complexity::Medium),
        Quality::High => (19, Complexity::High),
    };
    // Only the stream's level depends on it: a quarter of a bit a pixel.
    let bps = u64::from(width) * u64::from(height) * u64::from(FRAME_RATE) / 4;
    EncoderConfig::new()
        .bitrate(BitRate::from_bps(bps.max(100_000) as u32))
        .qp(QpRange::new(qp, qp))
        .complexity(complexity)
        .rate_control_mode(RateControlMode::Bufferbased)
        .skip_frames(false)
        .max_frame_rate(FrameRate::from_hz(FRAME_RATE as f32))
        .intra_frame_period(IntraFramePeriod::from_num_frames(KEY_FRAME_PERIOD))
        .usage_type(UsageType::CameraVideoRealTime)
        .profile(Profile::Baseline)
        .num_threads(1)
        .vui(colour_description())
}

/// [`COLOUR_PRIMARIES`], [`TRANSFER_CHARACTERISTICS`] and [`MATRIX_COEFFICIENTS`], as the stream says
/// them.
pub(crate) fn colour_description() -> VuiConfig {
    VuiConfig::bt709()
        .color_primaries(ColorPrimaries::Bt709)
        .transfer_characteristics(TransferCharacteristics::Bt709)
        .matrix_coefficients(MatrixCoefficients::Smpte170M)
}

/// Copies a plane and pads an odd size by its last column and row.
fn pad_to_even(plane: &[u8], width: usize, height: usize, padded: &mut Vec<u8>) {
    padded.clear();
    for row in plane.chunks_exact(width) {
        padded.extend_from_slice(row);
        if width % 2 == 1 {
            padded.push(row[width - 1]);
        }
    }
    if height % 2 == 1 {
        let last = padded.len() - width.next_multiple_of(2);
        padded.extend_from_within(last..);
    }
}

fn without_start_code(unit: &[u8]) -> &[u8] {
    unit.strip_prefix(&[0, 0, 0, 1])
        .or(unit.strip_prefix(&[0, 0, 1]))
        .unwrap_or(unit)
}

#[cold]
pub(crate) fn encoder_failed(cause: openh264::Error) -> Error {
    Error::new(ErrorKind::Internal, "the video could not be encoded").with_source(cause)
}
