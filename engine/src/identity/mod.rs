//! The identity network: in floats for every provider, in 8 bits for CPUs where the avatar has it.

use crate::clock::Instant;
use std::sync::Arc;
use std::time::Duration;

use crate::compose::arch::{BLOCK, Isa};
use crate::compose::blend::Patch;
use crate::imx::{Container, Manifest};
use crate::infer::{Network, Provider, Runtime, TRIED_BATCH, TensorSpec, Terminator, TimeLimit};
use crate::{Error, ErrorKind, Result};

/// Largest difference in levels of an exact provider from the patches in the file, for rounding at
/// a half.
const EXACT_LEVELS: u8 = 1;
/// Least peak signal-to-noise ratio of other providers and of 8 bits, in dB, where the patch shows.
const LEAST_PSNR_DB: f64 = 40.0;

/// The numbers that a network computes with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Precision {
    Floats,
    /// Made for CPUs; the avatar need not have it.
    EightBits,
}

impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Floats => "floats",
            Self::EightBits => "8 bits",
        })
    }
}

impl Precision {
    /// The precisions to try on a provider, the better one first.
    pub(crate) fn of(provider: Provider, manifest: &Manifest) -> &'static [Self] {
        if provider.is_cpu() && manifest.networks.identity.quantized.is_some() {
            &[Self::EightBits, Self::Floats]
        } else {
            &[Self::Floats]
        }
    }
}

/// The avatar's identity network.
pub(crate) enum Identity {
    /// `patch [1, 4, S, S]` out.
    Floats(Network<f32>),
    /// `blocks [1, S/4, S/4, 48]` out, and an alpha `[S, S]` that is always the same.
    EightBits(Network<u8>, Arc<[u8]>),
}

impl Identity {
    /// # Errors
    /// The errors of [`Network::load`]; `ProviderUnavailable` if the avatar has no network in 8 bits.
    pub(crate) fn load(
        runtime: Option<&Runtime>,
        provider: Provider,
        precision: Precision,
        container: &Container,
        manifest: &Manifest,
    ) -> Result<Self> {
        let size = manifest.crop.size as usize;
        let inputs = [
            TensorSpec::new("coefficients", &[manifest.coefficients.len()]),
            TensorSpec::new("pose", &[manifest.crop.pose.len()]),
        ];
        let identity = &manifest.networks.identity;
        if precision == Precision::Floats {
            let output = TensorSpec::new("patch", &[4, size, size]);
            let what = format!("the identity network ({})", identity.file);
            let model = container.member(&identity.file)?;
            let network = Network::load(runtime, provider, &what, model, &inputs, &output)?;
            return Ok(Self::Floats(network));
        }
        let Some(quantized) = &identity.quantized else {
            return Err(Error::new(
                ErrorKind::ProviderUnavailable,
                "the avatar has no identity network in 8 bits",
            ));
        };
        let (cells, depth) = (size / BLOCK, 3 * BLOCK * BLOCK);
        let output = TensorSpec::new("blocks", &[cells, cells, depth]);
        let what = format!("the identity network in 8 bits ({})", quantized.file);
        let model = container.member(&quantized.file)?;
        let network = Network::load(runtime, provider, &what, model, &inputs, &output)?;
        let alpha = container.member(&quantized.alpha)?.into();
        Ok(Self::EightBits(network, alpha))
    }

    /// The same network for another thread; None where the provider doesn't permit runs at the same
    /// time.
    ///
    /// # Errors
    /// The errors of [`Network::share`].
    pub(crate) fn share(&self) -> Result<Option<Self>> {
        Ok(match self {
            Self::Floats(network) => network.share()?.map(Self::Floats),
            Self::EightBits(network, alpha) => network
                .share()?
                .map(|network| Self::EightBits(network, Arc::clone(alpha))),
        })
    }

    /// The mouth patch for coefficients and pose, its alpha scaled by `presence` in [0, 1].
    ///
    /// # Errors
    /// `Inference` if ONNX Runtime fails.
    pub(crate) fn draw(
        &mut self,
        isa: Isa,
        inputs: [&[f32]; 2],
        presence: f32,
        patch: &mut Patch,
    ) -> Result<()> {
        self.set(1, 0, inputs)?;
        self.run_batch(1, None)?;
        self.put(isa, (1, 0), presence, patch);
        Ok(())
    }

    /// Puts coefficients and pose into a batch of `size` mouths.
    ///
    /// # Errors
    /// `Inference` if ONNX Runtime fails.
    pub(crate) fn set(&mut self, size: usize, index: usize, inputs: [&[f32]; 2]) -> Result<()> {
        match self {
            Self::Floats(network) => network.set(size, index, &inputs),
            Self::EightBits(network, _) => network.set(size, index, &inputs),
        }
    }

    /// Runs the network on a batch, all of whose mouths were [set](Self::set), until `terminator`
    /// ends it.
    ///
    /// # Errors
    /// The errors of [`Network::run_batch`].
    pub(crate) fn run_batch(&mut self, size: usize, terminator: Option<&Terminator>) -> Result<()> {
        match self {
            Self::Floats(network) => network.run_batch(size, terminator),
            Self::EightBits(network, _) => network.run_batch(size, terminator),
        }
    }

    /// A mouth of the last batch of `size`, its alpha scaled by `presence`.
    pub(crate) fn put(
        &self,
        isa: Isa,
        (size, index): (usize, usize),
        presence: f32,
        patch: &mut Patch,
    ) {
        match self {
            Self::Floats(network) => patch.set(isa, network.output(size, index), presence),
            Self::EightBits(network, alpha) => {
                patch.set_blocks(isa, network.output(size, index), alpha, presence);
            }
        }
    }

    fn precision(&self) -> Precision {
        match self {
            Self::Floats(_) => Precision::Floats,
            Self::EightBits(..) => Precision::EightBits,
        }
    }

    /// Whether it runs as fast as on ONNX Runtime's CPU provider.
    pub(crate) fn is_fast(&self) -> bool {
        match self {
            Self::Floats(network) => network.is_fast(),
            Self::EightBits(network, _) => network.is_fast(),
        }
    }

    /// How long each run may take from now on; None goes back to what it may in a conversation.
    pub(crate) fn set_limit(&mut self, limit: Option<Duration>) {
        match self {
            Self::Floats(network) => network.set_limit(limit),
            Self::EightBits(network, _) => network.set_limit(limit),
        }
    }

    /// Draws the avatar's own test vectors, alone and in a batch.
    ///
    /// # Errors
    /// `ProviderUnavailable` if the patches differ by more than the tolerance, if `time` is over, or if
    /// the third is drawn and each but the first, for which kernels are compiled, took longer than
    /// `slowest`. Those of [`Network::run_batch`].
    pub(crate) fn self_test(
        &mut self,
        container: &Container,
        manifest: &Manifest,
        provider: Provider,
        slowest: Option<Duration>,
        time: &TimeLimit,
    ) -> Result<()> {
        let inputs = container.floats(&manifest.selftest.inputs)?;
        let patches = container.member(&manifest.selftest.patches)?;
        let size = manifest.crop.size as usize;
        let coefficients = manifest.coefficients.len();
        let rows: Vec<[&[f32]; 2]> = inputs
            .chunks_exact(coefficients + manifest.crop.pose.len())
            .map(|row| row.split_at(coefficients).into())
            .collect();
        let patches: Vec<&[u8]> = patches.chunks_exact(4 * size * size).collect();
        let mut patch = Patch::new(size);
        let mut quickest = Duration::MAX;
        for (index, (row, expected)) in rows.iter().zip(&patches).enumerate() {
            let begin = Instant::now();
            self.draw(Isa::best(), *row, 1.0, &mut patch)?;
            if index > 0 {
                quickest = quickest.min(begin.elapsed());
            }
            time.check()?;
            self.judge(provider, index, &patch, expected)?;
            if index > 1 && slowest.is_some_and(|slowest| quickest > slowest) {
                return Err(Error::new(
                    ErrorKind::ProviderUnavailable,
                    format!(
                        "{provider} is too slow for real time: a mouth takes {:.1} ms",
                        quickest.as_secs_f64() * 1e3
                    ),
                ));
            }
        }
        for item in 0..TRIED_BATCH {
            self.set(TRIED_BATCH, item, rows[item % rows.len()])?;
        }
        self.run_batch(TRIED_BATCH, None)?;
        time.check()?;
        let last = TRIED_BATCH - 1;
        let index = last % rows.len();
        self.put(Isa::best(), (TRIED_BATCH, last), 1.0, &mut patch);
        self.judge(provider, index, &patch, patches[index])?;
        Ok(())
    }

    /// Compares a patch with the one expected for test vector `index`.
    fn judge(
        &self,
        provider: Provider,
        index: usize,
        patch: &Patch,
        expected: &[u8],
    ) -> Result<()> {
        let (worst, psnr) = compare(patch, expected);
        let exact = provider.is_exact() && self.precision() == Precision::Floats;
        let passed = if exact {
            worst <= EXACT_LEVELS
        } else {
            psnr >= LEAST_PSNR_DB
        };
        if passed {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::ProviderUnavailable,
            format!(
                "{provider} in {} fails the avatar's self-test {index}: off by {worst} levels, PSNR \
                 {psnr:.1} dB",
                self.precision()
            ),
        ))
    }
}

/// Largest difference in levels from planes of R, G, B and alpha, and the PSNR in dB of what shows:
/// colours count as much as the expected alpha lets through.
fn compare(patch: &Patch, expected: &[u8]) -> (u8, f64) {
    let area = expected.len() / 4;
    let (mut worst, mut squares) = (0, 0.0);
    for (at, pixel) in patch.pixels().iter().enumerate() {
        let expected: [u8; 4] = std::array::from_fn(|plane| expected[plane * area + at]);
        for (channel, (made, wanted)) in pixel.iter().zip(expected).enumerate() {
            let difference = made.abs_diff(wanted);
            worst = worst.max(difference);
            let shown = if channel < 3 { expected[3] } else { 255 };
            squares += (f64::from(difference) * f64::from(shown) / 255.0).powi(2);
        }
    }
    let mean = squares / expected.len() as f64;
    (worst, 10.0 * (255.0 * 255.0 / mean.max(1e-9)).log10())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_provider_that_is_right_but_slow_is_refused_where_there_is_a_limit() {
        let avatars = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/avatars");
        let container = Container::open(avatars.join("mika.imx")).unwrap();
        let manifest = container.manifest().unwrap();
        let (cpu, floats) = (Provider::Builtin, Precision::Floats);
        let mut identity = Identity::load(None, cpu, floats, &container, manifest).unwrap();
        let time = TimeLimit::new(Duration::from_secs(3600));
        let mut test = |slowest| identity.self_test(&container, manifest, cpu, slowest, &time);
        test(None).unwrap();
        test(Some(Duration::from_secs(3600))).unwrap();
        let error = test(Some(Duration::ZERO)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ProviderUnavailable);
        assert!(error.message().contains("too slow"), "{error}");
    }
}
