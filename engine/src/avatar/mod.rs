//! The data of an opened avatar: immutable, shared by all its sessions, which it doesn't know.

mod content;
#[cfg(test)]
mod faults;

use content::check_content;

use crate::clock::Instant;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use crate::compose::Picture;
use crate::compose::base::{BaseFrame, BaseFrames};
use crate::geometry::Affine;
use crate::imx::{Container, Expression, GEOMETRY_MEMBER, frame_member, matte_member};
use crate::infer::{Provider, ProviderReport, Runtime};
use crate::log::{Log, LogLevel};
use crate::motion::MotionSet;
use crate::motion::emotion::Emotion;
use crate::networks::{self, Networks, Pool};
use crate::portrait::{EMOTIONS, Film, GESTURES, Portrait};
use crate::schedule::{Deadline, Semaphore, Share};
use crate::{Error, ErrorKind, Result};

/// How long a run may take for a frame that no time is set for, as in a file: on a processor that is busy, slow
/// or emulated, such a frame is late rather than concealed.
const UNHURRIED: Duration = Duration::from_secs(20);

/// The ground behind a transparent picture, unless another background is asked for.
const GROUND: [u8; 3] = [235; 3];

/// An engine, as its avatars need it.
pub(crate) struct Environment {
    pub(crate) runtime: Option<&'static Runtime>,
    /// The provider that is asked for.
    pub(crate) preference: Provider,
    /// Memory that decoded base frames may take.
    pub(crate) cache_bytes: usize,
    pub(crate) log: Log,
    /// The permits that networks run under.
    pub(crate) permits: Arc<Semaphore>,
}

/// One face: networks, base frames and motions out of one `.imx` file, shared by its sessions.
pub(crate) struct AvatarData {
    pub(crate) container: Container,
    pub(crate) info: AvatarInfo,
    pub(crate) window: usize,
    pub(crate) motions: MotionSet,
    pub(crate) poses: Vec<f32>,
    pub(crate) affines: Vec<Affine>,
    pub(crate) arkit: Vec<Vec<f32>>,
    pub(crate) base: BaseFrames,
    /// The picture that is moved, where there are no base frames.
    pub(crate) portrait: Option<Portrait>,
    /// How the base frames' own pixels move, where they do.
    pub(crate) film: Option<Film>,
    /// Names of the base frames' members.
    frames: Vec<String>,
    /// Names of their mattes' members; empty unless the avatar was keyed.
    mattes: Vec<String>,
    /// The background of an avatar that was keyed, or whose picture is transparent.
    keyed_over: Option<[u8; 3]>,
    runtime: Option<&'static Runtime>,
    pub(crate) report: ProviderReport,
    pub(crate) log: Log,
    /// The permits that its networks run under.
    permits: Arc<Semaphore>,
    /// The share of the engine's threads that its sessions have.
    pub(crate) share: Arc<Share>,
    pool: Pool,
    #[cfg(test)]
    pub(crate) faults: faults::Faults,
}

/// Description of an avatar.
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
    /// Whether it was keyed, or made from a picture that is transparent in part: pictures with alpha
    /// are transparent around the avatar, and any [`Background`](crate::Background) can lie behind it.
    pub has_matte: bool,
    /// Names of the motions, for [`Session::perform`](crate::Session::perform).
    pub motions: Vec<String>,
    /// The emotions that it can show, for [`Session::set_emotion`](crate::Session::set_emotion): all for a portrait, none but
    /// `Neutral` for an avatar that was filmed.
    pub emotions: Vec<Emotion>,
    /// Names of the speech network's coefficients.
    pub coefficient_names: Vec<String>,
    /// `ARKit` names of the values that come with each frame.
    pub arkit_names: Vec<String>,
}

impl std::fmt::Debug for AvatarData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AvatarData")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

impl AvatarData {
    /// Reads, checks and loads all of it.
    pub(crate) fn open(environment: Environment, container: Container) -> Result<Self> {
        let begin = Instant::now();
        let mut opened = match container.expression().cloned() {
            Some(expression) => Self::drawn(environment, container, &expression)?,
            None => Self::filmed(environment, container)?,
        };
        opened.release();
        let (log, info, report) = (&opened.log, &opened.info, &opened.report);
        for (provider, reason) in &report.refused {
            // Nothing was asked for by name: that one or an error.
            log.log(LogLevel::Info, || {
                format!("{provider} is passed over: {reason}")
            });
        }
        log.log(LogLevel::Debug, || {
            format!(
                "the networks of \"{}\" are loaded on {} and tested, {} ms",
                info.name,
                report.provider,
                begin.elapsed().as_millis()
            )
        });
        log.log(LogLevel::Info, || {
            format!(
                "opened \"{}\": {}×{}, {} base frames, on {}{}",
                info.name,
                info.frame_width,
                info.frame_height,
                info.frame_count,
                report.provider,
                if report.quantized { ", 8 bits" } else { "" }
            )
        });
        Ok(opened)
    }

    /// An avatar of base frames.
    fn filmed(environment: Environment, container: Container) -> Result<Self> {
        let Environment {
            runtime,
            preference,
            cache_bytes,
            log,
            permits,
        } = environment;
        let manifest = container.manifest()?;
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

        let frame = manifest.frame;
        let size = (frame.width as usize, frame.height as usize);
        let base = BaseFrames::new(
            frame.count as usize,
            size,
            manifest.matte.is_some(),
            cache_bytes,
        );
        // Both take as long: hashes and pictures in one thread, networks in another.
        let networks = || networks::choose(runtime, preference, &container, manifest);
        let (checked, networks) = join(|| check_content(&container, manifest, &base), networks);
        let first = checked?;
        let (networks, report) = networks?;
        let film = Film::open(&container, manifest, &first)?;
        let info = AvatarInfo {
            name: manifest.name.clone(),
            license: manifest.license.clone(),
            frame_width: size.0,
            frame_height: size.1,
            frame_count: frame.count as usize,
            patch_size: manifest.crop.size as usize,
            has_matte: manifest.matte.is_some(),
            motions: manifest.motions.keys().cloned().collect(),
            emotions: vec![Emotion::Neutral],
            coefficient_names: manifest.coefficients.clone(),
            arkit_names: manifest.arkit.keys().cloned().collect(),
        };
        Ok(Self {
            window: manifest.window(),
            motions: MotionSet::new(manifest, affines.clone())?,
            arkit: weights(&manifest.arkit, &manifest.coefficients),
            base,
            portrait: None,
            film,
            frames: (0..frame.count).map(frame_member).collect(),
            mattes: match info.has_matte {
                true => (0..frame.count).map(matte_member).collect(),
                false => Vec::new(),
            },
            keyed_over: manifest.matte.map(|matte| matte.background),
            pool: Pool::new(networks)?,
            permits,
            share: Arc::new(Share::new()),
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

    /// An avatar whose picture is moved.
    fn drawn(
        environment: Environment,
        container: Container,
        manifest: &Expression,
    ) -> Result<Self> {
        let Environment {
            runtime,
            preference,
            log,
            permits,
            ..
        } = environment;
        container.verify()?;
        let networks = || networks::load_drawn(runtime, preference, true, &container, manifest);
        let (portrait, networks) = join(|| Portrait::open(&container, manifest), networks);
        let (portrait, (networks, report)) = (portrait?, networks?);
        let motions = MotionSet::drawn(&GESTURES);
        let size = [manifest.picture.width, manifest.picture.height].map(|side| side as usize);
        let info = AvatarInfo {
            name: manifest.name.clone(),
            license: manifest.license.clone(),
            frame_width: size[0],
            frame_height: size[1],
            frame_count: 1,
            patch_size: 0,
            has_matte: portrait.has_alpha(),
            motions: motions.names().map(str::to_owned).collect(),
            emotions: EMOTIONS.to_vec(),
            coefficient_names: manifest.coefficients.clone(),
            arkit_names: manifest.arkit.keys().cloned().collect(),
        };
        Ok(Self {
            window: manifest.window(),
            motions,
            arkit: weights(&manifest.arkit, &manifest.coefficients),
            base: BaseFrames::new(0, (size[0], size[1]), false, 0),
            portrait: Some(portrait),
            film: None,
            frames: Vec::new(),
            mattes: Vec::new(),
            keyed_over: info.has_matte.then_some(GROUND),
            pool: Pool::new(networks)?,
            permits,
            share: Arc::new(Share::new()),
            info,
            poses: Vec::new(),
            affines: Vec::new(),
            runtime,
            report,
            log,
            container,
            #[cfg(test)]
            faults: Default::default(),
        })
    }

    /// The avatar's picture, for the compositor.
    pub(crate) fn picture(&self) -> Picture {
        Picture {
            size: (self.info.frame_width, self.info.frame_height),
            keyed_over: self.keyed_over,
        }
    }

    /// Base frame `index`.
    pub(crate) fn base_frame(&self, index: usize) -> Result<Arc<BaseFrame>> {
        #[cfg(test)]
        self.faults.base_frame(index)?;
        let (jpeg, matte) = self.base_frame_members(index)?;
        self.base.get(index, jpeg, matte)
    }

    /// Base frame `index`, decoded anew.
    #[cfg(feature = "internals")]
    pub(crate) fn decode_frame(&self, index: usize) -> Result<BaseFrame> {
        let (jpeg, matte) = self.base_frame_members(index)?;
        self.base.decode(index, jpeg, matte)
    }

    /// Whether base frame `index` has arrived, where the file is read in pieces.
    pub(crate) fn has_frame(&self, index: usize) -> bool {
        let matte = self.mattes.get(index);
        self.container.has(&self.frames[index]) && matte.is_none_or(|name| self.container.has(name))
    }

    /// Pose of base frame `index`.
    pub(crate) fn pose(&self, index: usize) -> &[f32] {
        let length = self.poses.len() / self.info.frame_count;
        &self.poses[index * length..(index + 1) * length]
    }

    /// The networks, for one run; the earliest deadline goes first.
    ///
    /// # Errors
    /// `Cancelled`: the flag `cancelled` was raised, and the semaphore [told](Semaphore::wake), before
    /// there was a permit.
    pub(crate) fn networks(
        &self,
        deadline: Deadline,
        cancelled: Option<&AtomicBool>,
    ) -> Result<impl std::ops::DerefMut<Target = Networks> + '_> {
        #[cfg(test)]
        self.faults.run()?;
        let permit = self.permits.acquire(&self.share, deadline, cancelled)?;
        let mut networks = self.pool.checkout(permit, || self.load())?;
        networks.set_limit(match deadline {
            Deadline::At(_) => None,
            Deadline::Whenever => Some(UNHURRIED),
        });
        Ok(networks)
    }

    /// Loads networks for every thread where they can't be shared, for no frame to wait for that.
    ///
    /// # Errors
    /// `ProviderUnavailable` if the provider can't load them so often.
    pub(crate) fn load_for_all_threads(&self) -> Result<()> {
        self.pool.fill(self.permits.count(), || self.load())
    }

    fn load(&self) -> Result<Networks> {
        let (provider, quantized) = (self.report.provider, self.report.quantized);
        self.log.log(LogLevel::Debug, || {
            format!(
                "the networks of \"{}\" are loaded for one more thread",
                self.info.name
            )
        });
        if let Some(expression) = self.container.expression() {
            let container = &self.container;
            let loaded = networks::load_drawn(self.runtime, provider, false, container, expression);
            return Ok(loaded?.0);
        }
        let manifest = self.container.manifest()?;
        networks::load(self.runtime, provider, quantized, &self.container, manifest)
    }
}

/// For each of `ARKit`'s names the weight of each coefficient.
fn weights(
    arkit: &BTreeMap<String, BTreeMap<String, f32>>,
    coefficients: &[String],
) -> Vec<Vec<f32>> {
    let row = |table: &BTreeMap<String, f32>| {
        let weight = |name| table.get(name).copied().unwrap_or(0.0);
        coefficients.iter().map(weight).collect()
    };
    arkit.values().map(row).collect()
}

/// Calls both, the first one in a thread of its own if the system starts one.
fn join<A: Send, B>(first: impl FnOnce() -> A + Send, second: impl FnOnce() -> B) -> (A, B) {
    let mut first = Some(first);
    let mut result = None;
    let second = thread::scope(|scope| {
        let (first, result) = (&mut first, &mut result);
        let run = move || *result = first.take().map(|first| first());
        // Where no thread is started, it is called below.
        let _ = thread::Builder::new().spawn_scoped(scope, run);
        second()
    });
    let first = result.or_else(|| first.take().map(|first| first()));
    (first.expect("it was called"), second)
}
