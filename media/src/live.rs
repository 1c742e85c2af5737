//! I420 pictures to an H.264 stream that is sent while it is made: one bit rate, which changes while
//! running, and key frames on demand only.

use std::fmt;

use essence::{Error, ErrorKind, Result};
use openh264::encoder::{
    BitRate, Complexity, Encoder, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, Profile,
    RateControlMode, UsageType,
};
use openh264::formats::YUVSlices;
use openh264::{OpenH264API, Timestamp};
use openh264_sys2::{
    ENCODER_OPTION_BITRATE, ENCODER_OPTION_MAX_BITRATE, SBitrateInfo, SPATIAL_LAYER_0,
    SPATIAL_LAYER_ALL,
};

use crate::FRAME_RATE;
use crate::mp4::h264::{colour_description, encoder_failed};

/// An H.264 encoder for live pictures: constrained baseline, Annex B, one reference frame, no look-ahead,
/// so that a picture leaves at once. Parameter sets come with each key frame (IDR).
///
/// At 512 × 512, 1 Mbit/s keeps 45 dB and takes 1.6 ms of a core a picture with `nasm` at build time,
/// about twice as long without.
pub struct LiveVideoEncoder {
    encoder: Encoder,
    width: usize,
    height: usize,
    bitrate_bps: u32,
    started: bool,
}

impl LiveVideoEncoder {
    /// The lowest bit rate, in bits a second.
    pub const MIN_BITRATE_BPS: u32 = 50_000;
    /// The highest bit rate, in bits a second.
    pub const MAX_BITRATE_BPS: u32 = 20_000_000;

    /// An encoder for pictures of `width` × `height` pixels (**even, 16 to 3840**; the shorter side at
    /// most 2160). `bitrate_bps` is the mean in bits a second; it is clamped to
    /// [`MIN_BITRATE_BPS`](Self::MIN_BITRATE_BPS) and [`MAX_BITRATE_BPS`](Self::MAX_BITRATE_BPS).
    ///
    /// # Errors
    /// - `InvalidArgument`: the size is odd or outside its domain.
    /// - `Internal`: OpenH264 does not start.
    pub fn new(width: usize, height: usize, bitrate_bps: u32) -> Result<Self> {
        let (long, short) = (width.max(height), width.min(height));
        if short < 16 || long > 3840 || short > 2160 || width % 2 + height % 2 > 0 {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "live video of {width}×{height} pixels is not possible; give even sizes from 16×16 to \
                     3840×2160"
                ),
            ));
        }
        let bitrate_bps = bitrate_bps.clamp(Self::MIN_BITRATE_BPS, Self::MAX_BITRATE_BPS);
        let config = EncoderConfig::new()
            .bitrate(BitRate::from_bps(bitrate_bps))
            .rate_control_mode(RateControlMode::Bitrate)
            // Without permission to skip, the encoder warns on stderr that it cannot keep the rate.
            .skip_frames(true)
            .max_frame_rate(FrameRate::from_hz(FRAME_RATE as f32))
            .complexity(Complexity::Low)
            .usage_type(UsageType::CameraVideoRealTime)
            .profile(Profile::Baseline)
            .intra_frame_period(IntraFramePeriod::from_num_frames(0))
            .num_threads(1)
            .vui(colour_description());
        let encoder =
            Encoder::with_api_config(OpenH264API::from_source(), config).map_err(encoder_failed)?;
        Ok(Self {
            encoder,
            width,
            height,
            bitrate_bps,
            started: false,
        })
    }

    /// The bit rate aimed at, in bits a second.
    pub fn bitrate_bps(&self) -> u32 {
        self.bitrate_bps
    }

    /// Changes the bit rate from the next picture on, without a key frame; clamped as in
    /// [`new`](Self::new).
    ///
    /// # Errors
    /// `Internal`: OpenH264 refuses the rate, and can't be begun anew.
    pub fn set_bitrate(&mut self, bitrate_bps: u32) -> Result<()> {
        let bitrate_bps = bitrate_bps.clamp(Self::MIN_BITRATE_BPS, Self::MAX_BITRATE_BPS);
        if bitrate_bps == self.bitrate_bps {
            return Ok(());
        }
        if !self.started {
            // OpenH264 takes options only after the first picture.
            return self.restart(bitrate_bps);
        }
        // The greatest rate, of the layer and of all, is never below the rate: it goes up first and
        // down last.
        let mut steps = [
            (ENCODER_OPTION_MAX_BITRATE, SPATIAL_LAYER_0),
            (ENCODER_OPTION_MAX_BITRATE, SPATIAL_LAYER_ALL),
            (ENCODER_OPTION_BITRATE, SPATIAL_LAYER_ALL),
        ];
        if bitrate_bps < self.bitrate_bps {
            steps.reverse();
        }
        let accepted = steps.into_iter().all(|(option, layer)| {
            let mut info = SBitrateInfo {
                iLayer: layer,
                iBitrate: bitrate_bps as i32,
            };
            #[expect(unsafe_code, reason = "the safe interface cannot change the rate")]
            // SAFETY: the encoder is alive for as long as `self`; for these options it reads one
            // `SBitrateInfo` during the call and keeps no pointer to it.
            let status = unsafe {
                let api = self.encoder.raw_api();
                api.set_option(option, (&raw mut info).cast())
            };
            status == 0
        });
        if !accepted {
            return self.restart(bitrate_bps);
        }
        self.bitrate_bps = bitrate_bps;
        Ok(())
    }

    /// Encodes picture number `index` (time: 40 ms × index) and appends its NAL units with start codes
    /// to `out`. Returns whether it is a key frame; None: nothing was appended. Then rate control skips the
    /// picture, or OpenH264 can't encode it (noise at a low bit rate) and the next one is a key frame. The
    /// first picture, and each for which `key` is true, is a key frame.
    ///
    /// `i420` has planes Y, U, V without padding, BT.601, limited range.
    ///
    /// # Errors
    /// - `InvalidArgument`: `i420` has another length than width × height × 3 / 2.
    /// - `Internal`: OpenH264 fails, and can't be begun anew.
    pub fn encode(
        &mut self,
        i420: &[u8],
        index: u64,
        key: bool,
        out: &mut Vec<u8>,
    ) -> Result<Option<bool>> {
        let (width, height) = (self.width, self.height);
        let expected = width * height * 3 / 2;
        if i420.len() != expected {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "an I420 picture of {width}×{height} has {expected} bytes, not {}",
                    i420.len()
                ),
            ));
        }
        if key {
            self.encoder.force_intra_frame();
        }
        let (y, chroma) = i420.split_at(width * height);
        let (u, v) = chroma.split_at(chroma.len() / 2);
        let planes = YUVSlices::new((y, u, v), (width, height), (width, width / 2, width / 2));
        let time = Timestamp::from_millis(index * 1000 / u64::from(FRAME_RATE));
        let Ok(stream) = self.encoder.encode_at(&planes, time) else {
            self.restart(self.bitrate_bps)?;
            return Ok(None);
        };
        self.started = true;
        let key = matches!(stream.frame_type(), FrameType::IDR);
        let begin = out.len();
        stream.write_vec(out);
        Ok((out.len() > begin).then_some(key))
    }

    /// Begins a new stream, with a key frame.
    fn restart(&mut self, bitrate_bps: u32) -> Result<()> {
        *self = Self::new(self.width, self.height, bitrate_bps)?;
        Ok(())
    }
}

impl fmt::Debug for LiveVideoEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveVideoEncoder")
            .field("width", &self.width)
            .field("height", &self.height)
            .field("bitrate_bps", &self.bitrate_bps)
            .finish_non_exhaustive()
    }
}
