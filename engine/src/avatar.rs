//! An opened avatar: immutable, shared by all its sessions.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::clock::{FRAME_DURATION, FRAME_SAMPLES, NETWORK_RATE_HZ};
use crate::compose::base::{BaseFrame, BaseFrames};
use crate::frame::Frame;
use crate::identity::{Identity, Precision};
use crate::imx::{Container, GEOMETRY_MEMBER, Manifest, frame_member};
use crate::infer::{Network, Networks, Pool, Provider, Runtime, TensorSpec};
use crate::log::{Log, LogLevel};
use crate::motion::MotionSet;
use crate::options::{Pacing, SessionOptions};
use crate::schedule::Deadline;
use crate::session::{RenderPool, Session};
use crate::{Error, ErrorKind, Result};

/// Longest time in which a provider that is not the CPU may draw a mouth, to be taken by `auto`.
const SLOWEST: Duration = Duration::from_millis(20);

/// One face: networks, base frames and motions out of one `.imx` file.
///
/// Cheap to clone; clones are the same avatar. Any number of sessions, on any threads, share its
/// memory.
#[derive(Clone)]
pub struct Avatar(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) container: Container,
    pub(crate) info: AvatarInfo,
    pub(crate) window: usize,
    pub(crate) motions: MotionSet,
    pub(crate) poses: Vec<f32>,
    pub(crate) affines: Vec<Affine>,
    pub(crate) arkit: Vec<Vec<f32>>,
    pub(crate) base: BaseFrames,
    /// Names of the base frames' members.
    frames: Vec<String>,
    runtime: &'static Runtime,
    report: ProviderReport,
    pub(crate) log: Log,
    pub(crate) scheduler: RenderPool,
    pool: Pool,
    #[cfg(test)]
    pub(crate) faults: crate::session::tests::Faults,
}

/// What an avatar is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AvatarInfo {
    /// Its name.
    pub name: String,
    /// The licence it may be used under; empty if unsaid.
    pub license: String,
    /// Width of its picture in pixels.
    pub frame_width: usize,
    /// Height of its picture in pixels.
    pub frame_height: usize,
    /// Number of base frames.
    pub frame_count: usize,
    /// Width and height of the mouth patch in pixels.
    pub patch_size: usize,
    /// Names of the motions, for [`Session::perform`].
    pub motions: Vec<String>,
    /// Names of the speech network's coefficients.
    pub coefficient_names: Vec<String>,
    /// `ARKit` names of the values that come with each frame.
    pub arkit_names: Vec<String>,
}

/// Which execution provider runs an avatar, and which others were refused and why.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProviderReport {
    /// The one that runs.
    pub provider: Provider,
    /// Whether the identity network runs in 8 bits: on the CPU, where the avatar has it so and the
    /// self-test finds it good.
    pub quantized: bool,
    /// Those that came first in the preference, with the reason against each.
    pub refused: Vec<(Provider, String)>,
}

impl ProviderReport {
    fn precision(&self) -> Precision {
        if self.quantized {
            Precision::EightBits
        } else {
            Precision::Floats
        }
    }
}

impl Avatar {
    pub(crate) fn open(
        runtime: &'static Runtime,
        preference: Provider,
        cache_bytes: usize,
        log: Log,
        scheduler: RenderPool,
        path: &Path,
    ) -> Result<Self> {
        let inner = Container::open(path)
            .and_then(|container| {
                Inner::new(runtime, preference, cache_bytes, log, scheduler, container)
            })
            .map_err(|error| name_file(error, path))?;
        let (log, info, report) = (&inner.log, &inner.info, &inner.report);
        for (provider, reason) in &report.refused {
            log.log(LogLevel::Warn, || {
                format!("{provider} is passed over: {reason}")
            });
        }
        log.log(LogLevel::Info, || {
            format!(
                "opened \"{}\" from {}: {}×{}, {} base frames, on {}{}",
                info.name,
                path.display(),
                info.frame_width,
                info.frame_height,
                info.frame_count,
                report.provider,
                if report.quantized { ", 8 bits" } else { "" }
            )
        });
        Ok(Self(Arc::new(inner)))
    }

    /// What this avatar is.
    pub fn info(&self) -> &AvatarInfo {
        &self.0.info
    }

    /// Which execution provider runs it, and why not another.
    pub fn provider(&self) -> &ProviderReport {
        &self.0.report
    }

    /// The file behind it.
    pub fn container(&self) -> &Container {
        &self.0.container
    }

    /// How many sessions of this avatar the engine's threads can keep speaking in real time, from
    /// the time that a frame of speech takes now, sound and picture at the avatar's size included. A
    /// machine that is busy with something else gives fewer.
    ///
    /// # Errors
    /// Those of [`Session::next_frame`].
    ///
    /// # Real time
    /// Draws some forty frames.
    pub fn capacity(&self) -> Result<usize> {
        // The mouth is all there after three.
        const FRAMES: usize = 21;
        const TICK: usize = FRAME_SAMPLES as usize;
        // Loud, so that the mouth doesn't rest: a square wave of 200 Hz, with what is heard ahead.
        let voice: Vec<f32> = (0..(FRAMES + 4) * TICK)
            .map(|i| if i / 40 % 2 == 0 { 0.2 } else { -0.2 })
            .collect();
        let mut frame = Frame::new();
        let mut times = [Duration::MAX; FRAMES];
        // The base frames are decoded in the first round.
        for _ in 0..2 {
            let session = self.session(SessionOptions::default().pacing(Pacing::Unpaced))?;
            session.push_audio(&voice[..], NETWORK_RATE_HZ, 1)?;
            for time in &mut times {
                let begin = Instant::now();
                session.next_frame_into(&mut frame)?;
                *time = begin.elapsed();
            }
        }
        times.sort_unstable();
        let frame = times[FRAMES / 2].as_secs_f64();
        // Where this gave 21 for a core, 24 left out 0.3 % of their pictures in one minute, and 18 left
        // out 9 % in another, when the machine was slower (benches/record/sessions.csv).
        let each = FRAME_DURATION.as_secs_f64() * 0.85 / frame;
        Ok((each * self.0.scheduler.threads() as f64) as usize)
    }

    /// Starts a conversation.
    ///
    /// # Errors
    /// - `InvalidArgument` if a setting is outside its domain.
    /// - `LimitExceeded` if it is one in real time and the engine serves
    ///   [as many as it may](crate::EngineBuilder::max_sessions).
    pub fn session(&self, options: SessionOptions) -> Result<Session> {
        Session::new(self.clone(), options)
    }
}

impl std::fmt::Debug for Avatar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Avatar")
            .field("info", &self.0.info)
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn new(
        runtime: &'static Runtime,
        preference: Provider,
        cache_bytes: usize,
        log: Log,
        scheduler: RenderPool,
        container: Container,
    ) -> Result<Self> {
        let manifest = container.manifest()?;
        container.verify()?;
        let geometry = container.floats(GEOMETRY_MEMBER)?;
        let pose_len = manifest.crop.pose.len();
        let rows = geometry.chunks_exact(manifest.geometry_stride());
        let affines = rows
            .clone()
            .map(|row| Affine::from_row(&row[pose_len..]))
            .collect::<Result<Vec<_>>>()?;
        let poses: Vec<f32> = rows.flat_map(|row| &row[..pose_len]).copied().collect();
        if poses.iter().any(|x| !x.is_finite()) {
            return Err(Error::new(
                ErrorKind::InvalidAvatar,
                "a pose in geometry.f32 is not finite",
            ));
        }

        let (networks, report) = choose_provider(runtime, preference, &container, manifest)?;
        let weights = |table: &std::collections::BTreeMap<String, f32>| {
            manifest
                .coefficients
                .iter()
                .map(|name| table.get(name).copied().unwrap_or(0.0))
                .collect()
        };
        let frame = manifest.frame;
        let size = (frame.width as usize, frame.height as usize);
        let info = AvatarInfo {
            name: manifest.name.clone(),
            license: manifest.license.clone(),
            frame_width: size.0,
            frame_height: size.1,
            frame_count: frame.count as usize,
            patch_size: manifest.crop.size as usize,
            motions: manifest.motions.keys().cloned().collect(),
            coefficient_names: manifest.coefficients.clone(),
            arkit_names: manifest.arkit.keys().cloned().collect(),
        };
        Ok(Self {
            window: manifest.window(),
            motions: MotionSet::new(manifest, affines.clone())?,
            arkit: manifest.arkit.values().map(weights).collect(),
            base: BaseFrames::new(info.frame_count, size, cache_bytes),
            frames: (0..frame.count).map(frame_member).collect(),
            pool: Pool::new(networks, scheduler.threads()),
            scheduler,
            info,
            poses,
            affines,
            runtime,
            report,
            log,
            container,
            #[cfg(test)]
            faults: Default::default(),
        })
    }

    /// Base frame `index` as RGB.
    pub(crate) fn base_frame(&self, index: usize) -> Result<Arc<BaseFrame>> {
        #[cfg(test)]
        self.faults.base_frame(index)?;
        self.base
            .get(index, self.container.member(&self.frames[index])?)
    }

    /// Base frame `index` as RGB, decoded anew.
    #[cfg(feature = "internals")]
    pub(crate) fn decode_frame(&self, index: usize) -> Result<BaseFrame> {
        self.base
            .decode(index, self.container.member(&self.frames[index])?)
    }

    /// Pose of base frame `index`.
    pub(crate) fn pose(&self, index: usize) -> &[f32] {
        let length = self.poses.len() / self.info.frame_count;
        &self.poses[index * length..(index + 1) * length]
    }

    /// The networks, for one frame; who has an earlier deadline goes first.
    pub(crate) fn networks(
        &self,
        deadline: Deadline,
    ) -> Result<impl std::ops::DerefMut<Target = Networks> + '_> {
        #[cfg(test)]
        self.faults.run()?;
        self.pool
            .lend(self.scheduler.permits().acquire(deadline), || {
                load(
                    self.runtime,
                    self.report.provider,
                    self.report.precision(),
                    &self.container,
                    self.container.manifest()?,
                )
            })
    }
}

/// The first provider of the preference that loads both networks and passes the self-test.
fn choose_provider(
    runtime: &Runtime,
    preference: Provider,
    container: &Container,
    manifest: &Manifest,
) -> Result<(Networks, ProviderReport)> {
    let mut refused = Vec::new();
    for &provider in preference.preference() {
        if !provider.is_built_in() {
            refused.push((provider, "not in this build of ONNX Runtime".to_owned()));
            continue;
        }
        // A graphics processor that is none, such as Mesa's software driver, draws nothing wrong.
        let limit = (preference == Provider::Auto && provider != Provider::Cpu).then_some(SLOWEST);
        for &precision in Precision::of(provider, manifest) {
            let tested =
                load(runtime, provider, precision, container, manifest).and_then(|mut networks| {
                    let identity = &mut networks.identity;
                    identity.self_test(container, manifest, provider, limit)?;
                    Ok(networks)
                });
            let quantized = precision == Precision::EightBits;
            match tested {
                Ok(networks) => {
                    let report = ProviderReport {
                        provider,
                        quantized,
                        refused,
                    };
                    return Ok((networks, report));
                }
                // What the CPU can't load in floats, nobody can: the file is at fault.
                Err(error) if provider == Provider::Cpu && !quantized => {
                    let kind = match error.kind() {
                        ErrorKind::ProviderUnavailable => ErrorKind::InvalidAvatar,
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

fn load(
    runtime: &Runtime,
    provider: Provider,
    precision: Precision,
    container: &Container,
    manifest: &Manifest,
) -> Result<Networks> {
    let mel = TensorSpec::new("mel", &[manifest.window(), crate::audio::mel::BANDS]);
    let coefficients = TensorSpec::new("coefficients", &[manifest.coefficients.len()]);
    let file = &manifest.networks.speech.file;
    Ok(Networks {
        speech: Network::load(
            runtime,
            provider,
            &format!("the speech network ({file})"),
            container.member(file)?,
            &[mel],
            &coefficients,
        )?,
        identity: Identity::load(runtime, provider, precision, container, manifest)?,
    })
}

fn name_file(error: Error, path: &Path) -> Error {
    let path = path.display().to_string();
    if error.message().contains(&path) {
        return error;
    }
    Error::new(error.kind(), format!("{path}: {error}"))
}

/// Takes patch coordinates to frame coordinates: `x = a u + b v + c`, `y = d u + e v + f`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Affine {
    pub(crate) a: f64,
    pub(crate) b: f64,
    pub(crate) c: f64,
    pub(crate) d: f64,
    pub(crate) e: f64,
    pub(crate) f: f64,
}

impl Affine {
    fn from_row(row: &[f32]) -> Result<Self> {
        let [a, b, c, d, e, f] = std::array::from_fn(|i| f64::from(row[i]));
        let affine = Self { a, b, c, d, e, f };
        // Generous bounds that keep fixed-point arithmetic far from its limits.
        let tame = [a, b, c, d, e, f]
            .iter()
            .all(|x| x.is_finite() && x.abs() < 1e5);
        if !tame || affine.determinant().abs() < 1e-4 {
            return Err(Error::new(
                ErrorKind::InvalidAvatar,
                format!("geometry.f32 has an affine that places no patch: {affine:?}"),
            ));
        }
        Ok(affine)
    }

    fn determinant(&self) -> f64 {
        self.a * self.e - self.b * self.d
    }

    /// From frame coordinates back to patch coordinates.
    pub(crate) fn inverse(&self) -> Option<Self> {
        let determinant = self.determinant();
        let (a, b) = (self.e / determinant, -self.b / determinant);
        let (d, e) = (-self.d / determinant, self.a / determinant);
        let inverse = Self {
            a,
            b,
            c: -(a * self.c + b * self.f),
            d,
            e,
            f: -(d * self.c + e * self.f),
        };
        determinant.is_normal().then_some(inverse)
    }

    pub(crate) fn apply(&self, u: f64, v: f64) -> (f64, f64) {
        (
            self.a * u + self.b * v + self.c,
            self.d * u + self.e * v + self.f,
        )
    }

    /// Columns and rows of a `width` × `height` frame that a patch of `size` can touch.
    pub(crate) fn bounds(
        &self,
        size: usize,
        width: usize,
        height: usize,
    ) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let size = size as f64;
        let corners =
            [(0.0, 0.0), (size, 0.0), (0.0, size), (size, size)].map(|(u, v)| self.apply(u, v));
        let range = |values: [f64; 4], end: usize| {
            let low = values.into_iter().fold(f64::INFINITY, f64::min).floor();
            let high = values.into_iter().fold(f64::NEG_INFINITY, f64::max).ceil();
            let (low, high) = (
                low.clamp(0.0, end as f64) as usize,
                high.clamp(0.0, end as f64) as usize,
            );
            low..high.max(low)
        };
        (
            range(corners.map(|corner| corner.0), width),
            range(corners.map(|corner| corner.1), height),
        )
    }

    /// How far two placements of the patch lie apart; only to be compared.
    pub(crate) fn distance(&self, other: &Self) -> f64 {
        let middle = |affine: &Self| affine.apply(64.0, 64.0);
        let ((x, y), (p, q)) = (middle(self), middle(other));
        let turn = (self.b - other.b).hypot(self.d - other.d);
        (x - p).hypot(y - q) + 64.0 * turn
    }
}
