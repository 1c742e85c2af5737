//! Streaming resampling to 16 kHz, its delay taken out.
//!
//! A windowed-sinc resampler (`rubato`, 256 taps, Blackman-Harris) runs in blocks of one hop, 160
//! samples at 16 kHz. Blocks are formed from the stream, not from the caller's chunks, so chunking
//! cannot change a sample. Its delay, some 10 to 250 samples, is dropped from the front and made up
//! for with zeros behind the end: output sample `i` is input time `i / 16000`.

use audioadapter_buffers::direct::SequentialSlice;
use rubato::{
    Async, FixedAsync, Resampler as _, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};

use crate::clock::NETWORK_RATE_HZ;
use crate::{Error, ErrorKind, Result};

/// Samples a call of the resampler gives.
const BLOCK: usize = 160;
/// Taps of the windowed sinc.
const TAPS: usize = 256;

/// One stream at one rate.
#[derive(Debug)]
pub(crate) struct Resampler {
    /// None where the input is at 16 kHz already.
    sinc: Option<Box<Sinc>>,
}

struct Sinc {
    resampler: Async<f32>,
    /// Input that waits for a full block.
    input: Vec<f32>,
    output: [f32; BLOCK],
    /// Output samples still to be dropped for the delay.
    skip: usize,
}

impl Resampler {
    /// A resampler from `rate_hz` (in the accepted range) to 16 kHz.
    pub(crate) fn new(rate_hz: u32) -> Result<Self> {
        if rate_hz == NETWORK_RATE_HZ {
            return Ok(Self { sinc: None });
        }
        let parameters = SincInterpolationParameters::new(TAPS, WindowFunction::BlackmanHarris2)
            .oversampling_factor(256)
            .interpolation(SincInterpolationType::Cubic);
        let ratio = f64::from(NETWORK_RATE_HZ) / f64::from(rate_hz);
        let resampler = Async::new_sinc(ratio, 1.0, &parameters, BLOCK, 1, FixedAsync::Output)
            .map_err(|e| internal(&e))?;
        let input = Vec::with_capacity(2 * resampler.input_frames_max());
        let skip = delay(ratio);
        Ok(Self {
            sinc: Some(Box::new(Sinc {
                resampler,
                input,
                output: [0.0; BLOCK],
                skip,
            })),
        })
    }

    /// Back to the start of a stream.
    pub(crate) fn reset(&mut self) {
        if let Some(sinc) = &mut self.sinc {
            sinc.resampler.reset();
            sinc.input.clear();
            sinc.skip = delay(sinc.resampler.resample_ratio());
        }
    }

    /// Takes `samples` at the stream's rate and hands what is ready at 16 kHz to `sink`.
    pub(crate) fn push(&mut self, samples: &[f32], mut sink: impl FnMut(&[f32])) -> Result<()> {
        let Some(sinc) = &mut self.sinc else {
            sink(samples);
            return Ok(());
        };
        let mut rest = samples;
        loop {
            let need = sinc.resampler.input_frames_next();
            let take = need.saturating_sub(sinc.input.len()).min(rest.len());
            sinc.input.extend_from_slice(&rest[..take]);
            rest = &rest[take..];
            if sinc.input.len() < need {
                return Ok(());
            }
            sinc.run(need, &mut sink)?;
        }
    }
}

impl std::fmt::Debug for Sinc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sinc")
            .field("ratio", &self.resampler.resample_ratio())
            .finish_non_exhaustive()
    }
}

impl Sinc {
    fn run(&mut self, need: usize, sink: &mut impl FnMut(&[f32])) -> Result<()> {
        let input = SequentialSlice::new(&self.input[..need], 1, need).map_err(|e| internal(&e))?;
        let mut output =
            SequentialSlice::new_mut(&mut self.output, 1, BLOCK).map_err(|e| internal(&e))?;
        let (read, written) = self
            .resampler
            .process_into_buffer(&input, &mut output, None)
            .map_err(|e| internal(&e))?;
        self.input.drain(..read);
        let skip = self.skip.min(written);
        self.skip -= skip;
        sink(&self.output[skip..written]);
        Ok(())
    }
}

/// Samples of output before the input's first one appears, to the nearest: half the taps, less the
/// one output step by which `rubato`'s first sample is ahead (found by the phase of a tone, in the
/// test below; its own `output_delay` is up to one sample more).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small positive number"
)]
fn delay(ratio: f64) -> usize {
    (TAPS as f64 / 2.0 * ratio - 1.0).round() as usize
}

#[cold]
fn internal(error: &dyn std::error::Error) -> Error {
    Error::new(ErrorKind::Internal, format!("resampling failed: {error}"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// A tone keeps its phase: the delay is really taken out, to half a sample.
    #[test]
    fn output_is_in_time_with_the_input() {
        for rate in [
            8_000, 11_025, 22_050, 24_000, 44_100, 48_000, 96_000, 192_000,
        ] {
            let mut resampler = Resampler::new(rate).unwrap();
            let tone = |t: f64| (std::f64::consts::TAU * 440.0 * t).sin() as f32;
            let input: Vec<f32> = (0..rate)
                .map(|i| tone(f64::from(i) / f64::from(rate)))
                .collect();
            let mut output = Vec::new();
            for chunk in input.chunks(97) {
                resampler
                    .push(chunk, |x| output.extend_from_slice(x))
                    .unwrap();
            }
            assert!(
                output.len() > 15_400,
                "rate {rate}: {} samples",
                output.len()
            );
            let worst = (1_000..15_000)
                .map(|i| (output[i] - tone(i as f64 / 16_000.0)).abs())
                .fold(0.0, f32::max);
            // Half a sample of 16 kHz is a phase of 0.087 at 440 Hz.
            assert!(worst < 0.09, "rate {rate}: off by {worst}");
        }
    }
}
