//! The manifest of an expression avatar: one picture of a face with its landmarks, moved by a rig.
//!
//! ```json
//! {"format_version": "2.0", "engine": "expression", "engine_abi": 1, "name": "Face",
//!  "picture": {"file": "portrait.jpg", "width": 1080, "height": 1080},
//!  "landmarks": "landmarks.f32",
//!  "coefficients": ["jawOpen", "..."], "arkit": {"jawOpen": {"jawOpen": 1}},
//!  "networks": {"speech": {"file": "speech.onnx", "inputs": {"mel": ["N", 80, 80]},
//!                          "outputs": {"coefficients": ["N", 16]}}},
//!  "files": {"portrait.jpg": "sha256 ...", "landmarks.f32": "...", "speech.onnx": "..."}}
//! ```
//!
//! `picture.file` is a PNG, JPEG or WebP of any size; `picture.width` and `height` are the frames',
//! to which it is scaled after it was turned as its EXIF says. `landmarks` holds `[478, 3]` f32: x
//! and y in pixels of the frame, z away from the camera in pixels. `person`, which may be missing, is
//! the member that says where the picture shows the person: `[256, 256]` u8 over the whole picture, 0
//! the ground behind her, 255 she herself. Unknown keys and members that are named in `files` are
//! ignored, so that a later minor version opens.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::fault::invalid;
use super::limits::{MAX_ARKIT, MAX_COEFFICIENTS, MAX_FRAME_PX, MAX_WINDOW, MIN_FRAME_PX};
use super::manifest::{Dim, ENGINE_ABI, Head, LANDMARK_FLOATS, MEL_BANDS, NetworkInfo, parse};
use super::members::Members;
use super::rules::{hashes, labels, tensors, texts, within};
use super::validate_members::{floats, listed, network_member, sized};
use crate::Result;

/// Pixels of the plane that says where the person is, along each side and in all.
pub(crate) const PERSON_PX: usize = 256;
const PERSON_BYTES: usize = PERSON_PX * PERSON_PX;

/// The model family of avatars made from one picture.
pub const EXPRESSION: &str = "expression";

/// The description of an expression avatar.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Expression {
    /// Version of the format, `major.minor`.
    pub format_version: String,
    /// The contract between the file and the engine: **1 to [`ENGINE_ABI`]**.
    pub engine_abi: u32,
    /// The avatar's name.
    pub name: String,
    /// When it was made, RFC 3339; empty if unsaid.
    #[serde(default)]
    pub created: String,
    /// The licence it may be used under; empty if unsaid.
    #[serde(default)]
    pub license: String,
    /// The picture.
    pub picture: PictureInfo,
    /// The member with the landmarks.
    pub landmarks: String,
    /// The member that says where the person is, if she was told from what is behind her.
    #[serde(default)]
    pub person: Option<String>,
    /// Names of the mouth coefficients, in the speech network's order. Unique.
    pub coefficients: Vec<String>,
    /// `ARKit`'s names, each a sum of coefficients by weight.
    #[serde(default)]
    pub arkit: BTreeMap<String, BTreeMap<String, f32>>,
    /// The network.
    pub networks: ExpressionNetworks,
    /// Member to sha256 in hex: every member but `manifest.json`.
    pub files: BTreeMap<String, String>,
}

/// The picture's member, and the size of the frames.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct PictureInfo {
    /// The member: PNG, JPEG or WebP.
    pub file: String,
    /// Width of the frames in pixels.
    pub width: u32,
    /// Height of the frames in pixels.
    pub height: u32,
}

/// The network of an expression avatar.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct ExpressionNetworks {
    /// `mel [N, T, 80] -> coefficients [N, C]`.
    pub speech: NetworkInfo,
}

impl Expression {
    /// Reads and checks a manifest.
    pub(super) fn from_json(json: &str) -> Result<Self> {
        Head::from_json(json)?.require_version()?;
        let manifest: Self = parse(json)?;
        manifest.validate()?;
        Ok(manifest)
    }

    /// Mel frames in the speech network's window.
    pub fn window(&self) -> usize {
        self.networks.speech.window()
    }

    fn validate(&self) -> Result<()> {
        within("engine_abi", self.engine_abi.into(), 1, ENGINE_ABI.into())?;
        texts(&[
            ("name", &self.name),
            ("created", &self.created),
            ("license", &self.license),
        ])?;
        let limits = (MIN_FRAME_PX.into(), MAX_FRAME_PX.into());
        within(
            "picture.width",
            self.picture.width.into(),
            limits.0,
            limits.1,
        )?;
        within(
            "picture.height",
            self.picture.height.into(),
            limits.0,
            limits.1,
        )?;
        labels("coefficients", &self.coefficients, MAX_COEFFICIENTS)?;
        within(
            "arkit (names)",
            self.arkit.len() as u64,
            0,
            MAX_ARKIT as u64,
        )?;
        for (name, weights) in &self.arkit {
            for (coefficient, weight) in weights {
                if !self.coefficients.contains(coefficient) || !weight.is_finite() {
                    return Err(invalid(format!(
                        "arkit[{name:?}] has {coefficient:?} by {weight}, which is no coefficient \
                         or no number"
                    )));
                }
            }
        }
        let speech = &self.networks.speech;
        let mel = [None, Some(MEL_BANDS)];
        tensors("speech", "inputs", &speech.inputs, &[("mel", &mel)])?;
        within(
            "the speech network's window",
            self.window() as u64,
            1,
            MAX_WINDOW.into(),
        )?;
        let count = [u32::try_from(self.coefficients.len()).ok()];
        tensors(
            "speech",
            "outputs",
            &speech.outputs,
            &[("coefficients", &count)],
        )?;
        hashes(&self.files)
    }

    /// Checks the members against the manifest, everything but their hashes and the picture.
    pub(super) fn check_members(&self, members: &Members) -> Result<()> {
        listed(members, &self.files)?;
        network_member("speech", &self.networks.speech.file, members)?;
        let landmarks = floats(members, &self.landmarks, LANDMARK_FLOATS)?;
        if landmarks.iter().any(|value| value.abs() > 1e5) {
            return Err(invalid(format!(
                "{} has numbers that are no pixels",
                self.landmarks
            )));
        }
        if let Some(person) = &self.person {
            sized(members, person, PERSON_BYTES)?;
        }
        members
            .get(&self.picture.file)
            .map(|_| ())
            .map_err(|_| invalid(format!("the member {:?} is missing", self.picture.file)))
    }
}

impl NetworkInfo {
    /// Mel frames in a speech network's window: the `T` of `mel [N, T, 80]`.
    pub(super) fn window(&self) -> usize {
        match self.inputs.get("mel").map(Vec::as_slice) {
            Some([_, Dim::Fixed(window), _]) => *window as usize,
            _ => 0,
        }
    }
}
