//! `manifest.json`, typed: what the avatar is, which shapes its networks have, how its frames move.
//!
//! Unknown keys are ignored, so that a newer minor version opens. What is known is checked in full
//! by [`Manifest::validate`]: code behind it may index by these numbers without asking again.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use serde_json::value::RawValue;

use super::fault::invalid;
use super::mouths::Mouths;
use crate::Result;

/// The member that describes the others.
pub const MANIFEST: &str = "manifest.json";

/// The model family that this library renders.
pub const ENGINE: &str = "essence";

/// The major version of the manifest's format that this library reads.
pub const FORMAT_MAJOR: u32 = 2;

/// The newest contract between networks and engine that this library fulfils.
pub const ENGINE_ABI: u32 = 1;

/// Frames per second of every avatar.
pub const FRAME_RATE: u32 = 25;

/// Bands of the mel window.
pub const MEL_BANDS: u32 = 80;

/// Numbers of `MediaPipe`'s landmarks: three for each of 478.
pub(super) const LANDMARK_FLOATS: usize = 3 * 478;

/// The keys of every family's manifest, enough to name the file.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Head {
    pub(super) format_version: String,
    pub(super) engine: String,
}

impl Head {
    pub(super) fn from_json(json: &str) -> Result<Self> {
        parse(json)
    }
}

/// The description of an avatar.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Manifest {
    /// Version of the format, `major.minor`.
    pub format_version: String,
    /// The model family: [`ENGINE`].
    pub engine: String,
    /// The contract between networks and engine: **1 to [`ENGINE_ABI`]**.
    pub engine_abi: u32,
    /// The avatar's name.
    pub name: String,
    /// When it was made, RFC 3339; empty if unsaid.
    #[serde(default)]
    pub created: String,
    /// The licence it may be used under; empty if unsaid.
    #[serde(default)]
    pub license: String,
    /// The base frames.
    pub frame: FrameInfo,
    /// The matte of each base frame, in an avatar that was keyed. From format version 2.1 on.
    #[serde(default)]
    pub matte: Option<Matte>,
    /// The mouth patch.
    pub crop: Crop,
    /// How the base frames' own pixels move. From format version 2.2 on.
    #[serde(default)]
    pub warp: Option<Warp>,
    /// The maker's judgement of the avatar. From format version 2.2 on.
    #[serde(default)]
    pub verdict: Option<Verdict>,
    /// Names of the mouth coefficients, in the networks' order. Unique.
    pub coefficients: Vec<String>,
    /// `ARKit`'s names, each a sum of coefficients by weight.
    #[serde(default)]
    pub arkit: BTreeMap<String, BTreeMap<String, f32>>,
    /// The two networks.
    pub networks: Networks,
    /// The named motions; `idle` is among them.
    pub motions: BTreeMap<String, Motion>,
    /// Inputs of the identity network with the patches expected.
    pub selftest: SelfTest,
    /// Member to sha256 in hex: every member but `manifest.json`.
    pub files: BTreeMap<String, String>,
    #[serde(default)]
    training: Option<Box<RawValue>>,
}

/// Size and number of the base frames.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct FrameInfo {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Number of base frames, at least 1.
    pub count: u32,
    /// Frames per second: [`FRAME_RATE`].
    pub rate: u32,
}

/// The mattes of an avatar that was keyed: for each base frame a member
/// [`matte/00000.jpg`](matte_member), a grey JPEG image of the frame's size.
///
/// A level of 24 or less is transparent, one of 232 or more is opaque; between, alpha is (level - 24) /
/// 208. Wholly transparent pixels are best stored as 12 and opaque ones as 244, so that ringing of the
/// compression is clipped. The base frames' colors are straight (not multiplied by alpha) and
/// free of the screen's color, and go on beyond the edge of the matte: neither chroma subsampling nor
/// resampling mixes in the color of what was behind.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct Matte {
    /// Red, green and blue of the background that shows unless another is asked for.
    pub background: [u8; 3],
}

/// The mouth patch and what places it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct Crop {
    /// Width and height of the patch in pixels.
    pub size: u32,
    /// Names of the pose's components, in the identity network's order. Unique, at least 1.
    pub pose: Vec<String>,
}

/// How the mouth of each base frame moves: its own pixels, by a mesh over its landmarks.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[non_exhaustive]
pub struct Warp {
    /// The member with `MediaPipe`'s landmarks of each base frame, `[count, 478, 3]` f32: x and y in
    /// pixels of the frame, z away from the camera in pixels.
    pub landmarks: String,
    /// The member with the coefficients that each base frame shows already, `[count, C]` f32.
    pub own: String,
    /// The member with the matrix that takes the speech network's coefficients to the person's,
    /// `[C, C]` f32: row vectors times it.
    pub matrix: String,
    /// The member with the most that each of the person's coefficients reaches, `[C]` f32, **0 to 1**; 1
    /// where there is none.
    #[serde(default)]
    pub limits: Option<String>,
    /// The source of the pixels between parted lips.
    pub inside: Inside,
    /// The film's own open mouths, for [`Inside::Film`].
    #[serde(default)]
    pub mouths: Option<Mouths>,
}

/// The source of the pixels between the lips of a film whose pixels are moved.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Inside {
    /// Teeth and tongue as the engine paints them.
    Drawn,
    /// The film's own open mouths ([`Warp::mouths`]).
    Film,
    /// The identity network's patch, as far as it lies between the lips.
    Network,
}

/// The worth of an avatar, as its maker measured it on the engine's own pictures.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[non_exhaustive]
pub struct Verdict {
    /// `good`, `usable` or `refused`.
    pub grade: String,
    /// Sentences: what falls short of good, and what to film instead.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// Measures by name.
    #[serde(default)]
    pub figures: BTreeMap<String, f64>,
}

/// The two networks of an avatar.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct Networks {
    /// `mel [N, T, 80] -> coefficients [N, C]`.
    pub speech: NetworkInfo,
    /// `coefficients [N, C], pose [N, P] -> patch [N, 4, S, S]`.
    pub identity: NetworkInfo,
}

/// A network: its member and its tensors by name, all `f32`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct NetworkInfo {
    /// The member that holds the network (ONNX).
    pub file: String,
    /// Shapes of the inputs.
    pub inputs: BTreeMap<String, Vec<Dim>>,
    /// Shapes of the outputs.
    pub outputs: BTreeMap<String, Vec<Dim>>,
    /// The identity network once more in 8 bits, for CPUs. Newer avatars have it.
    #[serde(default)]
    pub quantized: Option<Quantized>,
}

/// An identity network in 8 bits: the same inputs, `blocks [N, S/4, S/4, 48]` u8 out. A block is
/// 4 × 4 pixels, row by row, each R, G, B.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct Quantized {
    /// The member that holds the network (ONNX).
    pub file: String,
    /// The member with the patch's alpha, `[S, S]` u8, which is the same for every frame.
    pub alpha: String,
}

/// One dimension of a tensor: free or fixed, there is no third.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dim {
    /// `"N"` in the manifest: any number, the batch.
    Batch,
    /// A fixed number.
    Fixed(u32),
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Batch => f.write_str("N"),
            Self::Fixed(n) => n.fmt(f),
        }
    }
}

impl<'de> Deserialize<'de> for Dim {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DimVisitor;
        impl Visitor<'_> for DimVisitor {
            type Value = Dim;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a dimension: \"N\" or a positive number")
            }

            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Dim, E> {
                match u32::try_from(n) {
                    Ok(n) if n > 0 => Ok(Dim::Fixed(n)),
                    _ => Err(E::invalid_value(de::Unexpected::Unsigned(n), &self)),
                }
            }

            fn visit_str<E: de::Error>(self, s: &str) -> Result<Dim, E> {
                match s {
                    "N" => Ok(Dim::Batch),
                    _ => Err(E::invalid_value(de::Unexpected::Str(s), &self)),
                }
            }
        }
        deserializer.deserialize_any(DimVisitor)
    }
}

/// A range of base frames that is played under a name.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct Motion {
    /// The first base frame.
    pub first: u32,
    /// Number of base frames, at least 1.
    pub count: u32,
    /// Continuation after the last frame.
    #[serde(rename = "loop", default)]
    pub looping: Loop,
    /// Offsets from `first` at which the motion may begin. Never empty; by default the first frame.
    #[serde(default)]
    pub entries: Vec<u32>,
    /// Offsets from `first` at which the motion may be left. Never empty; by default the last
    /// frame.
    #[serde(default)]
    pub exits: Vec<u32>,
}

/// Continuation of a motion after its last frame.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Loop {
    /// The frames backwards, then forwards again.
    Bounce,
    /// The first frame.
    #[default]
    Cycle,
    /// Another motion.
    Once,
}

/// The self-test that checks an execution provider.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct SelfTest {
    /// The member with the inputs: `[count, C + P]` f32.
    pub inputs: String,
    /// The member with the patches expected: `[count, 4, S, S]` u8.
    pub patches: String,
    /// Number of inputs, **1 to 8**.
    pub count: u32,
}

impl Manifest {
    /// Reads and [validates](Self::validate) a manifest.
    ///
    /// # Errors
    /// `InvalidAvatar` if it is not the JSON of an avatar, besides those of
    /// [`validate`](Self::validate).
    pub fn from_json(json: &str) -> Result<Self> {
        Head::from_json(json)?.require_essence()?;
        let mut manifest: Self = parse(json)?;
        for motion in manifest.motions.values_mut() {
            if motion.entries.is_empty() {
                motion.entries.push(0);
            }
            if motion.exits.is_empty() {
                motion.exits.push(motion.count.saturating_sub(1));
            }
        }
        manifest.validate()?;
        Ok(manifest)
    }

    /// The `training` object as JSON: free metadata of the avatar's maker. `null` if there is
    /// none.
    pub fn training_json(&self) -> &str {
        self.training.as_deref().map_or("null", RawValue::get)
    }

    /// Mel frames in the speech network's window: the `T` of `mel [N, T, 80]`.
    pub fn window(&self) -> usize {
        self.networks.speech.window()
    }

    /// Numbers per base frame in `geometry.f32`: its pose and the affine `a b c d e f`.
    pub fn geometry_stride(&self) -> usize {
        self.crop.pose.len() + 6
    }
}

/// The member of base frame `index`.
pub fn frame_member(index: u32) -> String {
    format!("frames/{index:05}.jpg")
}

/// The member of the matte of base frame `index`.
pub fn matte_member(index: u32) -> String {
    format!("matte/{index:05}.jpg")
}

/// The member with pose and affine of each base frame.
pub const GEOMETRY_MEMBER: &str = "geometry.f32";

pub(super) fn parse<'de, T: Deserialize<'de>>(json: &'de str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| {
        invalid(format!(
            "manifest.json does not describe an avatar: {error}"
        ))
    })
}
