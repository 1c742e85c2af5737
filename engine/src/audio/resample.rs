//! Streaming resampling to 16 kHz, its delay taken out.
//!
//! A windowed-sinc resampler (`rubato`, squared Hann window: from 24 kHz all up to 7.5 kHz stays, and
//! what is above 8.2 kHz is 75 dB down) runs in blocks of half a hop, 80 samples at 16 kHz. All usual
//! rates meet 16 kHz at few phases, each of which has a filter of its own (24 kHz: two); for others,
//! four of 256 are interpolated between, which takes four times as long.
//! It computes in 64 bits: each processor's vectors add in an order of their own, and rounded to 32 bits
//! their sums are the same but for one sample in tens of millions.
//! Blocks are formed from the stream, not from the caller's chunks, so chunking cannot change a
//! sample. Its delay, some 10 to 250 samples, is dropped from the front and made up for with zeros
//! behind the end: output sample `i` is input time `i / 16000`.

use audioadapter_buffers::direct::SequentialSlice;
use rubato::{
    Async, FixedAsync, Resampler as _, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};

use crate::clock::NETWORK_RATE_HZ;
use crate::{Error, ErrorKind, Result};

/// Samples a call of the resampler gives.
const BLOCK: usize = 80;
/// Most phases that have a filter each: those of 11,025 Hz.
const MOST_PHASES: u32 = 640;

/// One stream at one rate.
#[derive(Debug)]
pub(crate) struct Resampler {
    /// None where the input is at 16 kHz already.
    sinc: Option<Box<Sinc>>,
}

struct Sinc {
    resampler: Async<f64>,
    /// Input that waits for a full block.
    input: Vec<f64>,
    output: [f64; BLOCK],
    /// Output samples before the input's first one.
    delay: usize,
    /// Samples of the delay that are still to be dropped.
    skip: usize,
}

impl Resampler {
    /// A resampler from `rate_hz` (in the accepted range) to 16 kHz.
    pub(crate) fn new(rate_hz: u32) -> Result<Self> {
        if rate_hz == NETWORK_RATE_HZ {
            return Ok(Self { sinc: None });
        }
        let (phases, interpolation) = match phases(rate_hz) {
            phases @ ..=MOST_PHASES => (phases, SincInterpolationType::Nearest),
            _ => (256, SincInterpolationType::Cubic),
        };
        let taps = taps(rate_hz);
        let parameters = SincInterpolationParameters::new(taps, WindowFunction::Hann2)
            .oversampling_factor(phases as usize)
            .interpolation(interpolation);
        let ratio = f64::from(NETWORK_RATE_HZ) / f64::from(rate_hz);
        let resampler = Async::new_sinc(ratio, 1.0, &parameters, BLOCK, 1, FixedAsync::Output)
            .map_err(|e| internal(&e))?;
        let input = Vec::with_capacity(2 * resampler.input_frames_max());
        let delay = delay(ratio, taps, phases);
        Ok(Self {
            sinc: Some(Box::new(Sinc {
                resampler,
                input,
                output: [0.0; BLOCK],
                delay,
                skip: delay,
            })),
        })
    }

    /// Back to the start of a stream.
    pub(crate) fn reset(&mut self) {
        if let Some(sinc) = &mut self.sinc {
            sinc.resampler.reset();
            sinc.input.clear();
            sinc.skip = sinc.delay;
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
            sinc.input
                .extend(rest[..take].iter().map(|&x| f64::from(x)));
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
        sink(&self.output.map(|x| x as f32)[skip..written]);
        Ok(())
    }
}

/// Number of phases: places between two samples of the input at which samples at 16 kHz may lie,
/// evenly apart.
fn phases(rate_hz: u32) -> u32 {
    let (mut divisor, mut rest) = (NETWORK_RATE_HZ, rate_hz);
    while rest > 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    NETWORK_RATE_HZ / divisor
}

/// Taps of the windowed sinc, in samples of the input. At rates below 16 kHz each lasts longer, and
/// half of them are waited for: so many that the session's latency is kept from 8 kHz, of which all up
/// to 3.6 kHz stays, more than a telephone carries.
fn taps(rate_hz: u32) -> usize {
    if rate_hz < NETWORK_RATE_HZ { 112 } else { 256 }
}

/// Samples of output before the input's first one appears, to the nearest: half the taps, less what
/// `rubato`'s first sample is ahead: one output step, and of `phases` between two samples of the input
/// the first (its own `output_delay` is up to one sample more). The test below finds it by the phase
/// of a tone.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small positive number"
)]
fn delay(ratio: f64, taps: usize, phases: u32) -> usize {
    let ahead = 1.0 / f64::from(phases);
    ((taps as f64 / 2.0 - ahead) * ratio - 1.0).round() as usize
}

#[cold]
fn internal(error: &dyn std::error::Error) -> Error {
    Error::new(ErrorKind::Internal, format!("resampling failed: {error}"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// The usual ones, and one that meets 16 kHz at 16,000 phases.
    const RATES: [u32; 11] = [
        8_000, 11_025, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000, 12_347,
    ];

    fn resampled(rate: u32, signal: impl Fn(f64) -> f64) -> Vec<f32> {
        let mut resampler = Resampler::new(rate).unwrap();
        let times = (0..rate).map(|i| f64::from(i) / f64::from(rate));
        let input: Vec<f32> = times.map(|t| signal(t) as f32).collect();
        let mut output = Vec::new();
        for chunk in input.chunks(97) {
            resampler
                .push(chunk, |x| output.extend_from_slice(x))
                .unwrap();
        }
        output
    }

    /// A tone keeps its phase: the delay is really taken out, to half a sample.
    #[test]
    fn output_is_in_time_with_the_input() {
        for rate in RATES {
            let tone = |t: f64| (std::f64::consts::TAU * 440.0 * t).sin();
            let output = resampled(rate, tone);
            assert!(
                output.len() > 15_400,
                "rate {rate}: {} samples",
                output.len()
            );
            let worst = (1_000..15_000)
                .map(|i| (f64::from(output[i]) - tone(i as f64 / 16_000.0)).abs())
                .fold(0.0, f64::max);
            // Half a sample of 16 kHz is a phase of 0.087 at 440 Hz.
            assert!(worst < 0.09, "rate {rate}: off by {worst}");
        }
    }

    /// The samples that a frame's window needs, 147.5 ms, are there within the session's latency of 160 ms.
    #[test]
    fn it_reads_ahead_no_further_than_the_latency_allows() {
        for rate in RATES {
            let mut resampler = Resampler::new(rate).unwrap();
            let input = vec![0.0; rate as usize * 4 / 25];
            let mut ready = 0;
            resampler.push(&input, |x| ready += x.len()).unwrap();
            assert!(ready >= 2_360, "rate {rate}: {ready} samples");
        }
    }

    /// Nothing but the tone comes out: what the nearest sine leaves is 80 dB below it.
    #[test]
    fn a_tone_stays_pure() {
        for rate in RATES {
            let turn = |t: f64| std::f64::consts::TAU * 3_400.0 * t;
            let output = resampled(rate, |t| turn(t).sin());
            // A whole number of periods, over which sine and cosine are orthogonal.
            let middle =
                || (1_600..14_400).map(|i| (turn(f64::from(i) / 16_000.0), output[i as usize]));
            let share = |wave: fn(f64) -> f64| {
                middle().map(|(t, x)| f64::from(x) * wave(t)).sum::<f64>() / 6_400.0
            };
            let (sine, cosine) = (share(f64::sin), share(f64::cos));
            let rest = middle()
                .map(|(t, x)| (f64::from(x) - sine * t.sin() - cosine * t.cos()).abs())
                .fold(0.0, f64::max);
            assert!(
                (sine.hypot(cosine) - 1.0).abs() < 1e-3,
                "rate {rate}: {sine} {cosine}"
            );
            assert!(rest < 1e-4, "rate {rate}: {rest}");
        }
    }
}
