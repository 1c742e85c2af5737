//! The identity network's inputs and its self-test.

use crate::imx::{Container, Manifest};
use crate::infer::{Network, Provider};
use crate::{Error, ErrorKind, Result};

/// Largest difference in levels of an exact provider from the patches in the file, for rounding at
/// a half.
const EXACT_LEVELS: f32 = 1.5;
/// Least peak signal-to-noise ratio of the other providers, in dB.
const LEAST_PSNR_DB: f64 = 40.0;

/// Runs the avatar's own test vectors through `network`.
///
/// # Errors
/// `ProviderUnavailable` if the patches differ by more than the provider's tolerance.
pub(crate) fn self_test(
    container: &Container,
    manifest: &Manifest,
    network: &mut Network,
    provider: Provider,
) -> Result<()> {
    let coefficients = manifest.coefficients.len();
    let inputs = container.floats(&manifest.selftest.inputs)?;
    let patches = container.member(&manifest.selftest.patches)?;
    let rows = inputs.chunks_exact(coefficients + manifest.crop.pose.len());
    let area = manifest.crop.size as usize * manifest.crop.size as usize;
    for (index, (row, expected)) in rows.zip(patches.chunks_exact(4 * area)).enumerate() {
        let (c, pose) = row.split_at(coefficients);
        let patch = network.run([c, pose])?;
        let (mut worst, mut squares) = (0f32, 0f64);
        for (&value, &level) in patch.iter().zip(expected) {
            let difference = (value.clamp(0.0, 1.0) * 255.0 - f32::from(level)).abs();
            // `max` would swallow NaN.
            worst = if difference <= worst {
                worst
            } else {
                difference
            };
            squares += f64::from(difference) * f64::from(difference);
        }
        let psnr = 10.0 * (255.0 * 255.0 * expected.len() as f64 / squares.max(1e-9)).log10();
        let passed = if provider.is_exact() {
            worst <= EXACT_LEVELS
        } else {
            psnr >= LEAST_PSNR_DB
        };
        if !passed {
            return Err(Error::new(
                ErrorKind::ProviderUnavailable,
                format!(
                    "{provider} fails the avatar's self-test {index}: off by {worst} levels, PSNR {psnr:.1} dB"
                ),
            ));
        }
    }
    Ok(())
}
