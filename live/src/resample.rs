//! Mono sound from one sample rate to another, in pieces of any length.
//!
//! A windowed sinc, read from a table of [`PHASES`] phases with linear interpolation between them. Sample
//! `m` of the output lies at `m × from / to` of the input, `half` input samples late, so that it needs no
//! sample which has not come yet: `n` input samples give exactly `ceil(n × to / from)` output samples,
//! however they are cut. `rubato`, which the engine and `media` use, works in blocks: with it a frame's 40
//! ms would give a packet of sound now and then late.

use std::f64::consts::PI;

/// Table entries between two input samples. Interpolating between them errs below −90 dB.
const PHASES: usize = 512;
/// Zero crossings of the sinc on either side.
const CROSSINGS: f64 = 16.0;
/// The pass band's part of the lower rate's half: what is above it may fold by a little.
const ROLL_OFF: f64 = 0.94;
/// Kaiser's beta for 80 dB in the stop band.
const BETA: f64 = 8.0;

/// A stream from one rate to another.
pub(crate) struct Resampler {
    from: u64,
    to: u64,
    /// Input samples on either side of an output sample; the delay.
    half: usize,
    /// `(PHASES + 1) × 2 half` coefficients; None if the rates are equal.
    table: Option<Vec<f32>>,
    /// The last `2 half` input samples and those that are not used up.
    history: Vec<f32>,
    /// Position of the next output sample in units of 1 / `to` input samples after the first sample of
    /// `history` behind its first `2 half − 1`.
    position: u64,
}

impl Resampler {
    /// From `from` Hz to `to` Hz. Neither is 0.
    pub(crate) fn new(from: u32, to: u32) -> Self {
        let ratio = (f64::from(to) / f64::from(from)).min(1.0);
        let half = (CROSSINGS / ratio).ceil() as usize;
        let table = (from != to).then(|| table(half, ratio));
        Self {
            from: u64::from(from),
            to: u64::from(to),
            half,
            history: vec![0.0; if table.is_some() { 2 * half - 1 } else { 0 }],
            table,
            position: 0,
        }
    }

    /// The rate of the input in Hz.
    pub(crate) fn input_rate_hz(&self) -> u32 {
        self.from as u32
    }

    /// Appends to `out` what `input` gives.
    pub(crate) fn process(&mut self, input: &[f32], out: &mut Vec<f32>) {
        let Some(table) = &self.table else {
            out.extend_from_slice(input);
            return;
        };
        let taps = 2 * self.half;
        self.history.extend_from_slice(input);
        let available = (self.history.len() - (taps - 1)) as u64;
        while self.position / self.to < available {
            let first = (self.position / self.to) as usize;
            let exact = (self.position % self.to) as f64 / self.to as f64 * PHASES as f64;
            let phase = exact as usize;
            let between = (exact - phase as f64) as f32;
            let window = &self.history[first..first + taps];
            let near = &table[phase * taps..(phase + 1) * taps];
            let far = &table[(phase + 1) * taps..(phase + 2) * taps];
            let (mut a, mut b) = (0.0f32, 0.0f32);
            for ((x, n), f) in window.iter().zip(near).zip(far) {
                a += x * n;
                b += x * f;
            }
            out.push(a + (b - a) * between);
            self.position += self.from;
        }
        // The position may already be beyond what has come.
        let used = (self.position / self.to).min(available);
        self.position -= used * self.to;
        self.history.drain(..used as usize);
    }
}

/// Coefficients of each phase, in the order of the input, each phase's sum 1 to the filter's precision.
fn table(half: usize, ratio: f64) -> Vec<f32> {
    let taps = 2 * half;
    let cutoff = ratio * ROLL_OFF;
    let mut table = Vec::with_capacity((PHASES + 1) * taps);
    for phase in 0..=PHASES {
        let shift = phase as f64 / PHASES as f64;
        for tap in 0..taps {
            // Distance of this input sample from the output sample, which lies between taps half − 1
            // and half.
            let x = tap as f64 - (half as f64 - 1.0) - shift;
            let sinc = if x == 0.0 {
                1.0
            } else {
                (PI * cutoff * x).sin() / (PI * cutoff * x)
            };
            table.push((cutoff * sinc * kaiser(x / half as f64)) as f32);
        }
    }
    table
}

/// Kaiser's window over −1 to 1.
fn kaiser(x: f64) -> f64 {
    if x.abs() >= 1.0 {
        0.0
    } else {
        bessel(BETA * (1.0 - x * x).sqrt()) / bessel(BETA)
    }
}

/// The modified Bessel function of the first kind and order 0, by its series.
fn bessel(x: f64) -> f64 {
    let mut sum = 1.0;
    let mut term = 1.0;
    for k in 1..40 {
        term *= (x / (2.0 * f64::from(k))).powi(2);
        sum += term;
    }
    sum
}
