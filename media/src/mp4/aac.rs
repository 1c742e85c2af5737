//! Mono samples to AAC-LC frames.

use audioadapter_buffers::direct::InterleavedSlice;
use essence::{Error, ErrorKind, Result};
use rubato::{Async, FixedAsync, Resampler, SincInterpolationParameters, WindowFunction};
use syom::{AacError, EncodeOptions, Encoder};

use super::options::Quality;

/// How much later than it was fed a sample comes out of the decoder.
pub(super) const PRIMING_SAMPLES: u64 = 1024;

/// The rates that AAC has and that fit the 16 bits of an MP4 sample entry. All are multiples of the
/// frame rate.
const AAC_RATES_HZ: [u32; 9] = [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000];

/// The rate that others are resampled to.
const FALLBACK_RATE_HZ: u32 = 48000;

/// Samples resampled at a time.
const BLOCK: usize = 1024;

/// Length of the resampler's filter, and its phases between two samples of the input.
const TAPS: usize = 256;
const PHASES: usize = 128;

pub(super) struct AacTrack {
    rate_hz: u32,
    encoder: Encoder,
    resampler: Option<RateConverter>,
    /// Samples the encoder got.
    fed: u64,
    clipped: Vec<f32>,
}

impl AacTrack {
    pub(super) fn new(source_hz: u32, quality: Quality) -> Result<Self> {
        if !(8000..=192_000).contains(&source_hz) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("sound at {source_hz} Hz cannot be written; give 8000 to 192000 Hz"),
            ));
        }
        let rate_hz = if AAC_RATES_HZ.contains(&source_hz) {
            source_hz
        } else {
            FALLBACK_RATE_HZ
        };
        let resampler = match rate_hz == source_hz {
            true => None,
            false => Some(RateConverter::new(source_hz, rate_hz)?),
        };
        let options = EncodeOptions::raw().with_bitrate_bps(bitrate_bps(rate_hz, quality));
        let encoder = Encoder::new(rate_hz, 1, &options).map_err(encoder_failed)?;
        Ok(Self {
            rate_hz,
            encoder,
            resampler,
            fed: 0,
            clipped: Vec::new(),
        })
    }

    /// The rate in the file.
    pub(super) fn sample_rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// The `AudioSpecificConfig`.
    pub(super) fn config(&self) -> &[u8] {
        self.encoder.asc()
    }

    /// Encodes `mono`; complete AAC frames are appended to `out`, their sizes to `sizes`.
    pub(super) fn write(
        &mut self,
        mono: &[f32],
        out: &mut Vec<u8>,
        sizes: &mut Vec<u32>,
    ) -> Result<()> {
        if mono.iter().any(|x| !x.is_finite()) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "the sound holds a sample that is not a number",
            ));
        }
        let Self {
            encoder,
            resampler,
            fed,
            clipped,
            ..
        } = self;
        match resampler {
            Some(resampler) => resampler.push(mono, &mut |block| {
                feed(encoder, fed, clipped, block, out, sizes)
            }),
            None => feed(encoder, fed, clipped, mono, out, sizes),
        }
    }

    /// Encodes what is left, filled up with silence to `samples` at the rate of the file.
    pub(super) fn finish(
        &mut self,
        samples: u64,
        out: &mut Vec<u8>,
        sizes: &mut Vec<u32>,
    ) -> Result<()> {
        let Self {
            encoder,
            resampler,
            fed,
            clipped,
            ..
        } = self;
        if let Some(resampler) = resampler {
            resampler.flush(&mut |block| feed(encoder, fed, clipped, block, out, sizes))?;
        }
        let silence = [0.0; BLOCK];
        while *fed < samples {
            let n = (samples - *fed).min(BLOCK as u64) as usize;
            feed(encoder, fed, clipped, &silence[..n], out, sizes)?;
        }
        encoder
            .finish(|frame| {
                out.extend_from_slice(frame.au);
                sizes.push(frame.au.len() as u32);
                Ok(())
            })
            .map_err(encoder_failed)?;
        Ok(())
    }
}

fn feed(
    encoder: &mut Encoder,
    fed: &mut u64,
    clipped: &mut Vec<f32>,
    mono: &[f32],
    out: &mut Vec<u8>,
    sizes: &mut Vec<u32>,
) -> Result<()> {
    clipped.clear();
    clipped.extend(mono.iter().map(|x| x.clamp(-1.0, 1.0)));
    *fed += mono.len() as u64;
    encoder
        .feed(&[clipped], |frame| {
            out.extend_from_slice(frame.au);
            sizes.push(frame.au.len() as u32);
            Ok(())
        })
        .map_err(encoder_failed)?;
    Ok(())
}

/// Bits per sample times the rate, within what speech needs at least and at most.
fn bitrate_bps(rate_hz: u32, quality: Quality) -> u32 {
    match quality {
        Quality::Low => (rate_hz * 2).clamp(24_000, 64_000),
        Quality::Medium => (rate_hz * 3).clamp(32_000, 112_000),
        Quality::High => (rate_hz * 4).clamp(40_000, 160_000),
    }
}

#[cold]
fn encoder_failed(cause: AacError) -> Error {
    Error::new(ErrorKind::Internal, "the sound could not be encoded").with_source(cause)
}

/// A stream at one rate to a stream at another, without delay: output sample `n` is the input at
/// `n * from / to`, and `len` samples become `ceil(len * to / from)`.
struct RateConverter {
    resampler: Async<f32>,
    from_hz: u32,
    to_hz: u32,
    input: Vec<f32>,
    output: Vec<f32>,
    /// Output samples still to drop: the filter's delay, see [`delay`].
    delay: usize,
    taken: u64,
    given: u64,
}

impl RateConverter {
    fn new(from_hz: u32, to_hz: u32) -> Result<Self> {
        let parameters = SincInterpolationParameters::new(TAPS, WindowFunction::BlackmanHarris2)
            .oversampling_factor(PHASES);
        let ratio = f64::from(to_hz) / f64::from(from_hz);
        let resampler =
            Async::<f32>::new_sinc(ratio, 1.0, &parameters, BLOCK, 1, FixedAsync::Input)
                .map_err(resampling_failed)?;
        Ok(Self {
            input: Vec::with_capacity(BLOCK),
            output: vec![0.0; resampler.output_frames_max()],
            delay: delay(ratio),
            resampler,
            from_hz,
            to_hz,
            taken: 0,
            given: 0,
        })
    }

    fn push(&mut self, mut mono: &[f32], sink: &mut dyn FnMut(&[f32]) -> Result<()>) -> Result<()> {
        self.taken += mono.len() as u64;
        while !mono.is_empty() {
            let n = mono.len().min(BLOCK - self.input.len());
            self.input.extend_from_slice(&mono[..n]);
            mono = &mono[n..];
            if self.input.len() == BLOCK {
                self.convert(u64::MAX, sink)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self, sink: &mut dyn FnMut(&[f32]) -> Result<()>) -> Result<()> {
        let total = (self.taken * u64::from(self.to_hz)).div_ceil(u64::from(self.from_hz));
        while self.given < total {
            self.input.resize(BLOCK, 0.0);
            self.convert(total, sink)?;
        }
        Ok(())
    }

    /// Converts the full input block; gives out no more than `total` samples in all.
    fn convert(&mut self, total: u64, sink: &mut dyn FnMut(&[f32]) -> Result<()>) -> Result<()> {
        let capacity = self.output.len();
        let input = InterleavedSlice::new(&self.input, 1, BLOCK)
            .map_err(|e| Error::new(ErrorKind::Internal, e.to_string()))?;
        let mut output = InterleavedSlice::new_mut(&mut self.output, 1, capacity)
            .map_err(|e| Error::new(ErrorKind::Internal, e.to_string()))?;
        let (_, written) = self
            .resampler
            .process_into_buffer(&input, &mut output, None)
            .map_err(resampling_failed)?;
        self.input.clear();
        let begin = self.delay.min(written);
        self.delay -= begin;
        let end = written.min(begin.saturating_add((total - self.given).min(1 << 20) as usize));
        self.given += (end - begin) as u64;
        sink(&self.output[begin..end])
    }
}

/// Samples of output before the input's first one appears, to the nearest: half the taps, less what
/// `rubato`'s first sample is ahead: one phase of the input and one step of the output. Its own
/// `output_delay` counts neither.
fn delay(ratio: f64) -> usize {
    let ahead = 1.0 / PHASES as f64;
    ((TAPS as f64 / 2.0 - ahead) * ratio - 1.0).round().max(0.0) as usize
}

#[cold]
fn resampling_failed(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Internal, "the sound could not be resampled").with_source(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The phase of a tone shows where its samples are.
    #[test]
    fn resampled_sound_is_in_step_to_half_a_sample() {
        for from_hz in [10_000, 16_001, 37_800, 88_200, 96_000, 192_000] {
            let to_hz = FALLBACK_RATE_HZ;
            let step = std::f64::consts::TAU * 440.0;
            let tone = |n: usize, hz: u32| (step * n as f64 / f64::from(hz)).sin() as f32;
            let input: Vec<f32> = (0..from_hz as usize / 4)
                .map(|n| tone(n, from_hz))
                .collect();
            let mut output: Vec<f32> = Vec::new();
            let mut converter = RateConverter::new(from_hz, to_hz).expect("a converter");
            let mut sink = |block: &[f32]| {
                output.extend_from_slice(block);
                Ok(())
            };
            converter.push(&input, &mut sink).expect("resamples");
            converter.flush(&mut sink).expect("resamples");
            // Half a sample, and a little for the filter's own error.
            let most = (step / f64::from(to_hz) * 0.5 + 1e-3) as f32;
            for (n, x) in output.iter().enumerate().take(10_000).skip(2000) {
                let off = (x - tone(n, to_hz)).abs();
                assert!(
                    off < most,
                    "{from_hz} Hz, sample {n}: off by {off}, {most} at most"
                );
            }
        }
    }
}
