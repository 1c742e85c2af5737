//! The self-test of a provider with an avatar's speech network.
//!
//! The file has no answers to compare with, as it has for the identity network, so the network is held
//! to its contract: coefficients in [0, 1], the same ones each time and in every batch, and those of
//! the CPU where another provider runs it.

use super::SpeechWindow;
use crate::clock::NETWORK_RATE_HZ;
use crate::infer::{Network, Provider, TRIED_BATCH, TimeLimit};
use crate::{Error, ErrorKind, Result};

/// How far coefficients may lie outside of [0, 1], or apart from run to run and between batches of
/// different sizes: rounding in kernels that add up in another order.
const EXACT: f32 = 1e-3;
/// The same for providers that compute with fewer bits, and how far theirs may lie from the CPU's: less
/// than a pixel of a mouth that opens by thirty.
const INEXACT: f32 = 0.03;

/// Runs the network on a voice, twice alone and in a batch with silence. `reference` is the same
/// network on the CPU; `window` is its number of mel frames.
///
/// # Errors
/// `ProviderUnavailable` if the network breaks its contract, `Inference` if it fails or is too slow.
pub(crate) fn self_test(
    network: &mut Network<f32>,
    reference: Option<&mut Network<f32>>,
    provider: Provider,
    window: usize,
    time: &TimeLimit,
) -> Result<()> {
    let tolerance = if provider.is_exact() { EXACT } else { INEXACT };
    let refuse = |problem: String| {
        let message = format!("{provider} runs the speech network wrong: {problem}");
        Err(Error::new(ErrorKind::ProviderUnavailable, message))
    };
    let windows = [mel(window, voice), mel(window, |_| 0.0)];
    let alone = network.run(&[&windows[0]])?.to_vec();
    time.check()?;
    if difference(network.run(&[&windows[0]])?, &alone) > tolerance {
        return refuse("two runs give different coefficients".to_owned());
    }
    if let Some(reference) = reference
        && difference(reference.run(&[&windows[0]])?, &alone) > tolerance
    {
        return refuse("the coefficients are not those of the CPU".to_owned());
    }
    for item in 0..TRIED_BATCH {
        network.set(TRIED_BATCH, item, &[&windows[item % 2]])?;
    }
    network.run_batch(TRIED_BATCH, None)?;
    time.check()?;
    for item in 0..TRIED_BATCH {
        let coefficients = network.output(TRIED_BATCH, item);
        let outside = |x: &&f32| !(-tolerance..=1.0 + tolerance).contains(*x);
        if let Some(wrong) = coefficients.iter().find(outside) {
            return refuse(format!("a coefficient is {wrong}, outside of 0 to 1"));
        }
        if item % 2 == 0 && difference(coefficients, &alone) > tolerance {
            return refuse(format!("a batch of {TRIED_BATCH} gives other coefficients"));
        }
    }
    Ok(())
}

/// Largest difference; infinite where a number is none.
fn difference(left: &[f32], right: &[f32]) -> f32 {
    let pairs = left.iter().zip(right);
    let differences = pairs.map(|(a, b)| (a - b).abs());
    differences.fold(0.0, |worst, x| {
        if x.is_nan() {
            f32::INFINITY
        } else {
            worst.max(x)
        }
    })
}

/// The network's window of half a second of `sound`.
fn mel(window: usize, sound: impl Fn(f32) -> f32) -> Vec<f32> {
    /// The last video frame whose window is complete by then.
    const FRAME: u64 = 8;
    let samples: Vec<f32> = (0..NETWORK_RATE_HZ / 2)
        .map(|i| sound(i as f32 / NETWORK_RATE_HZ as f32))
        .collect();
    let mut speech = SpeechWindow::new(window);
    speech.push(&samples);
    speech.view(FRAME).0.to_vec()
}

/// A sawtooth of 150 Hz, whose overtones get fainter, as a voice's do.
fn voice(time_s: f32) -> f32 {
    0.4 * (time_s * 150.0).fract() - 0.2
}
