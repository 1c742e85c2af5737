//! `bithuman doctor`: whether this machine can render, and if not, why.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use essence::{AudioData, Avatar, Engine, ErrorKind, Frame, FrameRequest, Pacing, SessionOptions};
use essence_media::FRAME_RATE;
use serde_json::{Value, json};

use crate::console::Console;
use crate::engine::EngineArgs;
use crate::failure::Failure;

/// Frames of a trial: two seconds.
const TRIAL_FRAMES: usize = 50;
const TRIAL_RATE_HZ: u32 = 16_000;

/// The C interface's major version: `ESSENCE_ABI_VERSION_MAJOR` of the header.
const ABI_VERSION: u32 = 1;

/// Show whether this machine can render, and how fast
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit code 0 if it can; otherwise that of the first problem, 69 if ONNX Runtime is missing."
)]
pub(crate) struct Args {
    /// An avatar to open, test and render for a moment
    avatar: Option<PathBuf>,
    #[command(flatten)]
    engine: EngineArgs,
}

/// The result of a trial.
#[derive(Debug)]
struct Trial {
    name: String,
    provider: &'static str,
    quantized: bool,
    refused: Vec<(&'static str, String)>,
    open_seconds: f64,
    render_fps: f64,
}

pub(crate) fn run(console: &Console, args: &Args) -> Result<ExitCode, Failure> {
    let engine = args.engine.engine();
    let trial = args.avatar.as_deref().map(|path| match &engine {
        Ok(engine) => try_avatar(engine, path).map_err(Failure::from),
        // Without a runtime only the container can be checked.
        Err(_) => Err(match essence::imx::Container::open(path) {
            Ok(_) => essence::Error::new(ErrorKind::RuntimeMissing, "not tried").into(),
            Err(error) => error.into(),
        }),
    });
    let runtime = engine.as_ref().ok().and_then(Engine::runtime);
    let providers: Vec<_> = engine
        .as_ref()
        .map(|engine| {
            engine
                .available_providers()
                .iter()
                .map(|p| p.name())
                .collect()
        })
        .unwrap_or_default();
    let runtime_failure = engine
        .as_ref()
        .err()
        .map(|error| Failure::from(essence::Error::new(error.kind(), error.to_string())));
    let trial_failure = trial.as_ref().and_then(|t| t.as_ref().err());
    let problem = runtime_failure.as_ref().or(trial_failure);

    let (local, local_lines) = crate::local::report();
    if console.json() {
        console.object(json!({
            "version": env!("CARGO_PKG_VERSION"),
            "ok": problem.is_none(),
            "ready": problem.is_none(),
            "versions": versions(runtime.map(|r| r.version.as_str())),
            "host": {
                "os": std::env::consts::OS,
                "arch": std::env::consts::ARCH,
                "ram_gb": ram_gb(),
            },
            // There are no accounts, so nobody is signed in and nothing is used up.
            "auth": {
                "signed_in": false,
                "email": null,
                "source": null,
                "plan": null,
                "credit_balance": null,
                "out_of_credits": false,
            },
            "brain": brain(&local),
            "local": local,
            // Both are inside the program.
            "runtime_assets": { "agent_worker": true, "audio_encoder": true },
            "cache": cache(),
            "runtime": {
                "found": runtime.is_some(),
                "path": runtime.map(|r| r.path.display().to_string()),
                "version": runtime.map(|r| &r.version),
                "tried": runtime.map(|r| &r.tried),
            },
            "providers": providers,
            "cpu": {
                "arch": std::env::consts::ARCH,
                "name": cpu_name(),
                "features": cpu_features(),
                "threads": usable_threads(),
                "quota": cpu_quota(),
            },
            "avatar": trial.as_ref().map(|t| match t {
                Ok(t) => json!({
                    "name": t.name,
                    "self_test": "passed",
                    "provider": t.provider,
                    "quantized": t.quantized,
                    "refused": t.refused.iter().map(|(p, why)| json!({ "provider": p, "reason": why }))
                        .collect::<Vec<_>>(),
                    "open_seconds": t.open_seconds,
                    "render_fps": t.render_fps,
                }),
                Err(failure) => json!({ "error": failure.to_json() }),
            }),
            "problem": problem.map(Failure::to_json),
        }))?;
    } else {
        let mut text = String::new();
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(text, "{name:<13} {value}");
        };
        let os = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
        line(
            "bithuman",
            &format!("{} on {os}", env!("CARGO_PKG_VERSION")),
        );
        line("processor", &processor());
        match runtime {
            Some(runtime) => {
                line(
                    "ONNX Runtime",
                    &format!("{} at {}", runtime.version, runtime.path.display()),
                );
                for tried in &runtime.tried {
                    line("", &format!("  before that: {tried}"));
                }
            }
            None if engine.is_ok() => line("ONNX Runtime", "none, and none is needed"),
            None => line("ONNX Runtime", "missing"),
        }
        if engine.is_ok() {
            line("providers", &providers.join(" "));
        }
        for (name, value) in &local_lines {
            line(name, value);
        }
        match &trial {
            Some(Ok(t)) => {
                line(
                    "avatar",
                    &format!("{}, opened in {:.0} ms", t.name, t.open_seconds * 1e3),
                );
                let precision = if t.quantized { ", in 8 bits" } else { "" };
                line("self-test", &format!("passed on {}{precision}", t.provider));
                for (reason, providers) in by_reason(&t.refused) {
                    line("", &format!("  not {}: {reason}", providers.join(", ")));
                }
                let factor = t.render_fps / f64::from(FRAME_RATE);
                let speed = format!("{:.0} frames/s, {factor:.1} times real time", t.render_fps);
                line("speed", &speed);
            }
            Some(Err(_)) => line("avatar", "failed"),
            None => {}
        }
        let slow = matches!(&trial, Some(Ok(t)) if t.render_fps < f64::from(FRAME_RATE));
        match problem {
            None if slow => line("verdict", "ready to render, but too slow for real time"),
            None => line("verdict", "ready to render"),
            Some(failure) => line("verdict", &format!("cannot render: {}", failure.message)),
        }
        console.text(&text)?;
    }
    Ok(problem.map_or(ExitCode::SUCCESS, |failure| {
        ExitCode::from(failure.exit_code)
    }))
}

/// The versions that programs look for. There is no wheel and no Python that a brain would run in.
fn versions(runtime: Option<&str>) -> Value {
    json!({
        "libessence": env!("CARGO_PKG_VERSION"),
        "abi": ABI_VERSION,
        "cli": env!("CARGO_PKG_VERSION"),
        "wheel": null,
        "agent_python": null,
        "onnxruntime": runtime,
    })
}

/// The brain that `run` takes when none is named, and why.
fn brain(local: &Value) -> Value {
    let selected = crate::serving::automatic();
    json!({
        "cloud": matches!(selected, "openai" | "realtime"),
        "local_installed": local["library"]["state"] == "present",
        "local_flag": crate::local::is_asked_for(),
        "selected": selected,
    })
}

/// The folder of fetched avatars and the bytes in it.
fn cache() -> Value {
    let Ok(folder) = crate::showcase::cache_folder() else {
        return Value::Null;
    };
    let entries = std::fs::read_dir(folder.join("showcase"))
        .into_iter()
        .flatten();
    let sizes = entries.flatten().filter_map(|entry| entry.metadata().ok());
    let bytes: u64 = sizes.map(|metadata| metadata.len()).sum();
    json!({ "path": folder.display().to_string(), "bytes": bytes, "offline": crate::showcase::is_offline() })
}

/// Memory of the machine in 10⁹ bytes; None where the system doesn't tell.
fn ram_gb() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kib = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: f64 = kib.trim().trim_end_matches(" kB").parse().ok()?;
    Some((kib * 1024.0 / 1e8).round() / 10.0)
}

/// The providers that were refused, grouped by reason.
fn by_reason<'a>(refused: &'a [(&'static str, String)]) -> Vec<(&'a str, Vec<&'static str>)> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for (provider, reason) in refused {
        match groups.iter_mut().find(|(r, _)| r == reason) {
            Some((_, providers)) => providers.push(provider),
            None => groups.push((reason, vec![provider])),
        }
    }
    groups
}

fn try_avatar(engine: &Engine, path: &Path) -> essence::Result<Trial> {
    let begin = Instant::now();
    let avatar = engine.open(path)?;
    let open_seconds = begin.elapsed().as_secs_f64();
    let report = avatar.provider();
    Ok(Trial {
        name: avatar.info().name.clone(),
        provider: report.provider.name(),
        quantized: report.quantized,
        refused: report
            .refused
            .iter()
            .map(|(p, why)| (p.name(), why.clone()))
            .collect(),
        open_seconds,
        render_fps: speed(&avatar)?,
    })
}

/// Frames per second on one thread, for noise, which keeps every stage busy.
fn speed(avatar: &Avatar) -> essence::Result<f64> {
    let samples = TRIAL_FRAMES * (TRIAL_RATE_HZ / FRAME_RATE) as usize;
    let mut noise = 1u32;
    let audio: Vec<f32> = (0..samples)
        .map(|_| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (noise >> 16) as f32 / 65536.0 - 0.5
        })
        .collect();
    let session = avatar.session(SessionOptions::default().pacing(Pacing::Unpaced))?;
    session.push_audio(AudioData::F32(&audio), TRIAL_RATE_HZ, 1)?;
    session.flush();
    let mut frame = Frame::new();
    let begin = Instant::now();
    let mut frames = 0;
    while session.draw(&mut frame, FrameRequest::new())?.is_frame() {
        frames += 1;
    }
    Ok(f64::from(frames) / begin.elapsed().as_secs_f64().max(1e-9))
}

fn processor() -> String {
    let mut text = format!("{}, {} threads usable", cpu_name(), usable_threads());
    if let Some(quota) = cpu_quota() {
        let _ = write!(text, " (quota {quota:.1})");
    }
    let features = cpu_features();
    if !features.is_empty() {
        let _ = write!(text, ", {}", features.join(" "));
    }
    text
}

fn usable_threads() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

/// The processor's name; its architecture, if the system doesn't tell.
fn cpu_name() -> String {
    let named = std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        });
    named.unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

/// The limit of a container in processors, if it has one.
fn cpu_quota() -> Option<f64> {
    let text = std::fs::read_to_string("/sys/fs/cgroup/cpu.max").ok()?;
    let (quota, period) = text.trim().split_once(' ')?;
    let (quota, period): (f64, f64) = (quota.parse().ok()?, period.parse().ok()?);
    (period > 0.0).then_some(quota / period)
}

#[cfg(target_arch = "x86_64")]
fn cpu_features() -> Vec<&'static str> {
    let mut features = Vec::new();
    macro_rules! detect {
        ($($feature:tt),*) => {
            $(if std::arch::is_x86_feature_detected!($feature) { features.push($feature); })*
        };
    }
    detect!(
        "sse4.1",
        "avx",
        "avx2",
        "fma",
        "f16c",
        "avx512f",
        "avx512vnni",
        "avxvnni"
    );
    features
}

#[cfg(target_arch = "aarch64")]
fn cpu_features() -> Vec<&'static str> {
    let mut features = Vec::new();
    macro_rules! detect {
        ($($feature:tt),*) => {
            $(if std::arch::is_aarch64_feature_detected!($feature) { features.push($feature); })*
        };
    }
    detect!("neon", "dotprod", "fp16", "i8mm", "sve");
    features
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn cpu_features() -> Vec<&'static str> {
    Vec::new()
}
