//! Audio as the caller pushes it: formats, mixing down, and the road to the networks' 16 kHz.

mod downmix;
pub(crate) mod mel;
pub(crate) mod resample;

pub use self::downmix::Downmix;
use crate::{Error, ErrorKind, Result};

/// Lowest sample rate that is accepted, in Hz.
pub const MIN_RATE_HZ: u32 = 8_000;
/// Highest sample rate that is accepted, in Hz.
pub const MAX_RATE_HZ: u32 = 192_000;
/// Most interleaved channels that are mixed down.
pub const MAX_CHANNELS: u16 = 32;

/// A piece of interleaved audio in one of the two sample formats.
///
/// # Units
/// `F32` samples are in **[-1, 1]** (larger values are accepted and clip nowhere); `I16` samples
/// count as `x / 32768`.
#[derive(Clone, Copy, Debug)]
pub enum AudioData<'a> {
    /// 32-bit float samples.
    F32(&'a [f32]),
    /// 16-bit integer samples.
    I16(&'a [i16]),
}

impl<'a> From<&'a [f32]> for AudioData<'a> {
    fn from(samples: &'a [f32]) -> Self {
        Self::F32(samples)
    }
}

impl<'a> From<&'a [i16]> for AudioData<'a> {
    fn from(samples: &'a [i16]) -> Self {
        Self::I16(samples)
    }
}

impl<'a> From<&'a Vec<f32>> for AudioData<'a> {
    fn from(samples: &'a Vec<f32>) -> Self {
        Self::F32(samples)
    }
}

impl<'a> From<&'a Vec<i16>> for AudioData<'a> {
    fn from(samples: &'a Vec<i16>) -> Self {
        Self::I16(samples)
    }
}

impl<'a, const N: usize> From<&'a [f32; N]> for AudioData<'a> {
    fn from(samples: &'a [f32; N]) -> Self {
        Self::F32(samples)
    }
}

impl<'a, const N: usize> From<&'a [i16; N]> for AudioData<'a> {
    fn from(samples: &'a [i16; N]) -> Self {
        Self::I16(samples)
    }
}

impl AudioData<'_> {
    /// Number of interleaved samples, all channels together.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(samples) => samples.len(),
            Self::I16(samples) => samples.len(),
        }
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Checks the piece against the accepted domain.
    ///
    /// # Errors
    /// `InvalidArgument` for a rate, a channel count or a length outside its domain, or a sample
    /// that is not finite.
    pub(crate) fn check(&self, rate_hz: u32, channels: u16) -> Result<()> {
        let invalid = |message| Err(Error::new(ErrorKind::InvalidArgument, message));
        if !(MIN_RATE_HZ..=MAX_RATE_HZ).contains(&rate_hz) {
            return invalid(format!(
                "sample rate {rate_hz} Hz is outside {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz; resample the audio"
            ));
        }
        if !(1..=MAX_CHANNELS).contains(&channels) {
            return invalid(format!(
                "{channels} channels; 1 to {MAX_CHANNELS} are accepted"
            ));
        }
        if !self.len().is_multiple_of(usize::from(channels)) {
            return invalid(format!(
                "{} samples are not a whole number of {channels}-channel sample frames; push complete ones",
                self.len()
            ));
        }
        if let Self::F32(samples) = self
            && let Some(at) = samples.iter().position(|x| !x.is_finite())
        {
            return invalid(format!(
                "sample {at} is {}; only finite samples are accepted",
                samples[at]
            ));
        }
        Ok(())
    }

    /// Sample `index`, all channels counted, as a float.
    pub(crate) fn sample(&self, index: usize) -> f32 {
        match self {
            Self::F32(samples) => samples[index],
            Self::I16(samples) => f32::from(samples[index]) / 32768.0,
        }
    }

    /// Appends the mono mix (the mean of the channels) to `out`. One channel passes unchanged.
    pub(crate) fn mix_down(&self, channels: u16, out: &mut impl Extend<f32>) {
        let width = usize::from(channels);
        let scale = 1.0 / f32::from(channels);
        match self {
            Self::F32(samples) if width == 1 => out.extend(samples.iter().copied()),
            Self::F32(samples) => {
                out.extend(
                    samples
                        .chunks_exact(width)
                        .map(|x| x.iter().sum::<f32>() * scale),
                );
            }
            Self::I16(samples) if width == 1 => {
                out.extend(samples.iter().map(|&x| f32::from(x) / 32768.0));
            }
            Self::I16(samples) => out.extend(
                samples
                    .chunks_exact(width)
                    .map(|x| x.iter().map(|&x| f32::from(x) / 32768.0).sum::<f32>() * scale),
            ),
        }
    }
}
