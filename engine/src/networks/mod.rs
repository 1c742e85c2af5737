//! Both networks of an avatar: loaded by the provider that passes the avatar's self-test, and checked
//! out by the sessions.

mod pool;

use std::time::Duration;

use crate::audio::mel::BANDS;
use crate::identity::{Identity, Precision};
use crate::imx::{Container, Expression, Manifest};
use crate::infer::{Network, Provider, ProviderReport, Runtime, TensorSpec, TimeLimit};
use crate::speech;
use crate::{Error, ErrorKind, Result};
pub(crate) use pool::Pool;

/// Longest time in which a provider that is not the CPU may draw a mouth, to be taken by `auto`.
const SLOWEST: Duration = Duration::from_millis(20);

/// Why our own runtime is passed over.
const SLOW: &str = "it has no kernels for these networks that are as fast on this processor";

/// How long the self-test may take on the CPU.
const CPU_LIMIT: Duration = Duration::from_secs(5);
/// How long it may take on other providers, and each of its runs: they compile kernels in them.
const OTHER_LIMIT: Duration = Duration::from_secs(60);

/// Both networks of an avatar.
pub(crate) struct Networks {
    pub(crate) speech: Network<f32>,
    /// None for a portrait, which is moved instead.
    pub(crate) identity: Option<Identity>,
}

impl Networks {
    /// The same networks for another thread; None where the provider doesn't permit runs at the same
    /// time.
    fn share(&self) -> Result<Option<Self>> {
        let Some(speech) = self.speech.share()? else {
            return Ok(None);
        };
        let Some(identity) = &self.identity else {
            let identity = None;
            return Ok(Some(Self { speech, identity }));
        };
        let identity = identity.share()?;
        Ok(identity.map(|identity| Self {
            speech,
            identity: Some(identity),
        }))
    }

    /// Whether both run as fast as on ONNX Runtime's CPU provider.
    fn is_fast(&self) -> bool {
        self.speech.is_fast() && self.identity.as_ref().is_none_or(Identity::is_fast)
    }

    /// How long each run may take from now on; None: what it may in a conversation.
    pub(crate) fn set_limit(&mut self, limit: Option<Duration>) {
        self.speech.set_limit(limit);
        if let Some(identity) = &mut self.identity {
            identity.set_limit(limit);
        }
    }
}

/// The first provider of the preference that loads both networks and passes the self-test.
///
/// # Errors
/// - `InvalidAvatar`: the CPU can't load the networks in floats, or they fail the self-test there.
/// - `ProviderUnavailable`: none of those preferred runs them, and the CPU is not among those.
pub(crate) fn choose(
    runtime: Option<&Runtime>,
    preference: Provider,
    container: &Container,
    manifest: &Manifest,
) -> Result<(Networks, ProviderReport)> {
    let mut refused = Vec::new();
    for &provider in preference.preference(runtime) {
        if !provider.is_there(runtime) {
            let reason = match runtime {
                Some(_) => "not in this build of ONNX Runtime",
                None => "ONNX Runtime is not loaded",
            };
            refused.push((provider, reason.to_owned()));
            continue;
        }
        // A graphics processor that is none, such as Mesa's software driver, draws nothing wrong.
        let slowest = (preference == Provider::Auto && !provider.is_cpu()).then_some(SLOWEST);
        // ONNX Runtime, if it is at hand, runs what our own runtime has no fast kernels for.
        let replaceable =
            provider == Provider::Builtin && preference == Provider::Auto && runtime.is_some();
        for &precision in Precision::of(provider, manifest) {
            let quantized = precision == Precision::EightBits;
            match load_tested(runtime, provider, quantized, slowest, container, manifest) {
                Ok(networks) if replaceable && !networks.is_fast() => {
                    refused.push((provider, SLOW.to_owned()));
                }
                Ok(networks) => {
                    let report = ProviderReport {
                        provider,
                        quantized,
                        refused,
                    };
                    return Ok((networks, report));
                }
                // What the CPU can't run in floats, nothing can: the file is at fault.
                Err(error) if provider.is_cpu() && !quantized && !replaceable => {
                    let kind = match error.kind() {
                        ErrorKind::Inference | ErrorKind::ProviderUnavailable => {
                            ErrorKind::InvalidAvatar
                        }
                        kind => kind,
                    };
                    return Err(Error::new(kind, error.to_string()));
                }
                // No provider may run a network that is refused.
                Err(error) if error.kind() == ErrorKind::InvalidAvatar => return Err(error),
                Err(error) => refused.push((provider, error.to_string())),
            }
        }
    }
    let reasons: Vec<_> = refused
        .iter()
        .map(|(provider, reason)| format!("{provider}: {reason}"))
        .collect();
    Err(Error::new(
        ErrorKind::ProviderUnavailable,
        format!(
            "no execution provider can run this avatar; use `cpu` or `auto` ({})",
            reasons.join("; ")
        ),
    ))
}

/// Loads both networks.
///
/// # Errors
/// The errors of [`Network::load`].
pub(crate) fn load(
    runtime: Option<&Runtime>,
    provider: Provider,
    quantized: bool,
    container: &Container,
    manifest: &Manifest,
) -> Result<Networks> {
    let precision = if quantized {
        Precision::EightBits
    } else {
        Precision::Floats
    };
    Ok(Networks {
        speech: load_speech(runtime, provider, container, &Speech::of(manifest))?,
        identity: Some(Identity::load(
            runtime, provider, precision, container, manifest,
        )?),
    })
}

fn load_speech(
    runtime: Option<&Runtime>,
    provider: Provider,
    container: &Container,
    speech: &Speech<'_>,
) -> Result<Network<f32>> {
    let mel = TensorSpec::new("mel", &[speech.window, BANDS]);
    let coefficients = TensorSpec::new("coefficients", &[speech.coefficients]);
    let file = speech.file;
    let (what, model) = (
        format!("the speech network ({file})"),
        container.member(file)?,
    );
    Network::load(runtime, provider, &what, model, &[mel], &coefficients)
}

/// A speech network as the manifest describes it.
struct Speech<'a> {
    file: &'a str,
    window: usize,
    coefficients: usize,
}

impl<'a> Speech<'a> {
    fn of(manifest: &'a Manifest) -> Self {
        Self {
            file: &manifest.networks.speech.file,
            window: manifest.window(),
            coefficients: manifest.coefficients.len(),
        }
    }
}

/// Loads the speech network of an avatar whose picture is moved, by the provider that was asked for;
/// `auto` means our own runtime, or ONNX Runtime's CPU where that is faster, since no accelerator is
/// worth its start for one small network. Where it is new, it is tested.
///
/// # Errors
/// The errors of [`Network::load`], and of the self-test.
pub(crate) fn load_drawn(
    runtime: Option<&Runtime>,
    preference: Provider,
    new: bool,
    container: &Container,
    manifest: &Expression,
) -> Result<(Networks, ProviderReport)> {
    let automatic = preference == Provider::Auto;
    let mut provider = if automatic {
        Provider::Builtin
    } else {
        preference
    };
    let network = Speech {
        file: &manifest.networks.speech.file,
        window: manifest.window(),
        coefficients: manifest.coefficients.len(),
    };
    let mut speech = load_speech(runtime, provider, container, &network)?;
    if automatic && runtime.is_some() && !speech.is_fast() {
        provider = Provider::Cpu;
        speech = load_speech(runtime, provider, container, &network)?;
    }
    if new {
        let time = TimeLimit::new(if provider.is_cpu() {
            CPU_LIMIT
        } else {
            OTHER_LIMIT
        });
        let mut reference = match provider.is_cpu() {
            true => None,
            false => Some(load_speech(runtime, Provider::Cpu, container, &network)?),
        };
        speech::self_test(
            &mut speech,
            reference.as_mut(),
            provider,
            network.window,
            &time,
        )?;
    }
    let report = ProviderReport {
        provider,
        quantized: false,
        refused: Vec::new(),
    };
    let identity = None;
    Ok((Networks { speech, identity }, report))
}

/// Loads both networks and runs their self-tests, each within its time.
fn load_tested(
    runtime: Option<&Runtime>,
    provider: Provider,
    quantized: bool,
    slowest: Option<Duration>,
    container: &Container,
    manifest: &Manifest,
) -> Result<Networks> {
    let mut networks = load(runtime, provider, quantized, container, manifest)?;
    let limit = if provider.is_cpu() {
        CPU_LIMIT
    } else {
        networks.set_limit(Some(OTHER_LIMIT));
        OTHER_LIMIT
    };
    let time = TimeLimit::new(limit);
    let mut reference = if provider.is_cpu() {
        None
    } else {
        let speech = Speech::of(manifest);
        Some(load_speech(runtime, Provider::Cpu, container, &speech)?)
    };
    let window = manifest.window();
    speech::self_test(
        &mut networks.speech,
        reference.as_mut(),
        provider,
        window,
        &time,
    )?;
    if let Some(identity) = &mut networks.identity {
        identity.self_test(container, manifest, provider, slowest, &time)?;
    }
    networks.set_limit(None);
    Ok(networks)
}
