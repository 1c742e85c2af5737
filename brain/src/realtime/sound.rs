//! Sound as the protocol has it: 24 kHz, 16 bits, base 64.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// Samples a second in both directions.
pub(super) const RATE_HZ: u32 = 24_000;

/// Input samples on either side of an output sample that it is made from.
const REACH: isize = 16;

/// From 16 kHz to 24 kHz: a sinc in a Hann window, at the three places between two samples that occur.
pub(super) fn upsample(samples: &[f32]) -> Vec<f32> {
    let kernel = |distance: f32| {
        let x = std::f32::consts::PI * distance;
        let sinc = if x.abs() < 1e-6 { 1.0 } else { x.sin() / x };
        sinc * (0.5 + 0.5 * (x / REACH as f32).cos())
    };
    // Output sample 3 m + p lies at input 2 m + 2 p / 3.
    let phases: Vec<(isize, Vec<f32>)> = [0.0f32, 2.0 / 3.0, 4.0 / 3.0]
        .iter()
        .map(|&at| {
            let base = at.floor();
            let taps = (1 - REACH..=REACH).map(|k| kernel(at - base - k as f32));
            (base as isize, taps.collect())
        })
        .collect();
    (0..samples.len() * 3 / 2)
        .map(|n| {
            let (base, taps) = &phases[n % 3];
            let first = (n / 3 * 2) as isize + base + 1 - REACH;
            let terms = taps.iter().enumerate().map(|(k, tap)| {
                let at = usize::try_from(first + k as isize).ok();
                tap * at.and_then(|at| samples.get(at)).copied().unwrap_or(0.0)
            });
            terms.sum()
        })
        .collect()
}

pub(super) fn encode(samples: &[f32]) -> String {
    let integers = samples
        .iter()
        .map(|x| (x.clamp(-1.0, 1.0) * 32_767.0) as i16);
    let bytes: Vec<u8> = integers.flat_map(i16::to_le_bytes).collect();
    BASE64_STANDARD.encode(bytes)
}

/// The samples of a piece; None if it isn't base 64.
pub(super) fn decode(text: &str) -> Option<Vec<f32>> {
    let bytes = BASE64_STANDARD.decode(text).ok()?;
    let (pairs, _) = bytes.as_chunks::<2>();
    Some(
        pairs
            .iter()
            .map(|&b| f32::from(i16::from_le_bytes(b)) / 32_768.0)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_keeps_its_pitch_and_loudness() {
        let tone = |rate: f32, n: usize| -> Vec<f32> {
            (0..n)
                .map(|i| (i as f32 * 1_000.0 * std::f32::consts::TAU / rate).sin())
                .collect()
        };
        let (made, wanted) = (upsample(&tone(16_000.0, 1_600)), tone(24_000.0, 2_400));
        assert_eq!(made.len(), wanted.len());
        for (made, wanted) in made.iter().zip(&wanted).skip(50).take(2_300) {
            assert!((made - wanted).abs() < 5e-3, "{made} {wanted}");
        }
    }
}
