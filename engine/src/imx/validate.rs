//! The rules of a manifest, and of the members against it.

use std::collections::{BTreeMap, BTreeSet};

use super::fault::{invalid, unsupported};
use super::jpeg;
use super::limits::{
    MAX_ARKIT, MAX_COEFFICIENTS, MAX_FRAME_PX, MAX_FRAMES, MAX_GEOMETRY, MAX_LABEL_BYTES,
    MAX_MOTIONS, MAX_NETWORK_BYTES, MAX_PATCH_PX, MAX_POSE, MAX_SELFTEST, MAX_WINDOW, MIN_FRAME_PX,
    PATCH_STEP_PX,
};
use super::manifest::{
    Dim, ENGINE, ENGINE_ABI, FORMAT_MAJOR, FRAME_RATE, GEOMETRY_MEMBER, Head, MANIFEST, MEL_BANDS,
    Manifest, Motion, frame_member, matte_member,
};
use super::members::Members;
use super::toc::check_name;
use crate::{Error, ErrorKind, Result};

impl Head {
    /// Refuses other model families by name, and versions that this library doesn't read.
    pub(super) fn require_essence(&self) -> Result<()> {
        if self.engine != ENGINE {
            return Err(unsupported(format!(
                "an avatar of the model family {:?}; this library renders {ENGINE:?} only",
                self.engine
            )));
        }
        self.require_version()
    }

    /// Refuses versions that this library doesn't read.
    pub(super) fn require_version(&self) -> Result<()> {
        let major = self
            .format_version
            .split_once('.')
            .and_then(|(major, minor)| {
                minor.parse::<u32>().ok()?;
                major.parse::<u32>().ok()
            });
        match major {
            Some(FORMAT_MAJOR) => Ok(()),
            Some(major) => Err(version(format!(
                "format_version is {:?}; this library reads {FORMAT_MAJOR}.x: {}",
                self.format_version,
                if major > FORMAT_MAJOR {
                    "update the library"
                } else {
                    "make the avatar again"
                }
            ))),
            None => Err(invalid(format!(
                "format_version is {:?}, which is not a version such as \"2.0\"",
                self.format_version
            ))),
        }
    }
}

impl Manifest {
    /// Checks everything that the manifest says against the format's rules and
    /// [limits](super::limits). [`Container::open`](super::Container::open) and [`from_json`](Self::from_json) have done
    /// so already.
    ///
    /// # Errors
    /// - `UnsupportedFormat`: an avatar of another model family.
    /// - `UnsupportedVersion`: made for a newer version of this library.
    /// - `LimitExceeded`: something is larger than this library accepts.
    /// - `InvalidAvatar`: anything else; the message names the key.
    pub fn validate(&self) -> Result<()> {
        Head {
            format_version: self.format_version.clone(),
            engine: self.engine.clone(),
        }
        .require_essence()?;
        if self.engine_abi > ENGINE_ABI {
            return Err(version(format!(
                "engine_abi is {}; this library fulfils {ENGINE_ABI}: update the library",
                self.engine_abi
            )));
        }
        if self.engine_abi == 0 {
            return Err(invalid("engine_abi is 0; it counts from 1"));
        }
        texts(&[
            ("name", &self.name),
            ("created", &self.created),
            ("license", &self.license),
        ])?;
        self.validate_frame()?;
        self.validate_coefficients()?;
        self.validate_networks()?;
        self.validate_motions()?;
        within(
            "selftest.count",
            self.selftest.count.into(),
            1,
            MAX_SELFTEST.into(),
        )?;
        hashes(&self.files)
    }

    fn validate_frame(&self) -> Result<()> {
        let (frame, crop) = (&self.frame, &self.crop);
        within(
            "frame.width",
            frame.width.into(),
            MIN_FRAME_PX.into(),
            MAX_FRAME_PX.into(),
        )?;
        within(
            "frame.height",
            frame.height.into(),
            MIN_FRAME_PX.into(),
            MAX_FRAME_PX.into(),
        )?;
        within("frame.count", frame.count.into(), 1, MAX_FRAMES.into())?;
        if frame.rate != FRAME_RATE {
            return Err(invalid(format!(
                "frame.rate is {}; avatars have {FRAME_RATE} frames/s",
                frame.rate
            )));
        }
        within(
            "crop.size",
            crop.size.into(),
            PATCH_STEP_PX.into(),
            MAX_PATCH_PX.into(),
        )?;
        if crop.size % PATCH_STEP_PX != 0 {
            return Err(invalid(format!(
                "crop.size is {}, not a multiple of {PATCH_STEP_PX}",
                crop.size
            )));
        }
        labels("crop.pose", &crop.pose, MAX_POSE)
    }

    fn validate_coefficients(&self) -> Result<()> {
        labels("coefficients", &self.coefficients, MAX_COEFFICIENTS)?;
        within(
            "arkit (names)",
            self.arkit.len() as u64,
            0,
            MAX_ARKIT as u64,
        )?;
        let known: BTreeSet<_> = self.coefficients.iter().map(String::as_str).collect();
        for (name, terms) in &self.arkit {
            label("arkit", name)?;
            for (term, weight) in terms {
                if !known.contains(term.as_str()) {
                    return Err(invalid(format!(
                        "arkit[{name:?}] refers to {term:?}, which is not a coefficient"
                    )));
                }
                if !weight.is_finite() {
                    return Err(invalid(format!("arkit[{name:?}][{term:?}] is {weight}")));
                }
            }
        }
        Ok(())
    }

    fn validate_networks(&self) -> Result<()> {
        let count = |n: usize| Dim::Fixed(u32::try_from(n).unwrap_or(u32::MAX));
        let (c, p) = (count(self.coefficients.len()), count(self.crop.pose.len()));
        let s = Dim::Fixed(self.crop.size);
        let speech = &self.networks.speech;
        tensors(
            "speech",
            "inputs",
            &speech.inputs,
            &[("mel", &[None, Some(MEL_BANDS)])],
        )?;
        within(
            "networks.speech mel window",
            self.window() as u64,
            1,
            MAX_WINDOW.into(),
        )?;
        let fixed = |dims: &[Dim]| -> Vec<Option<u32>> {
            dims.iter()
                .map(|dim| match dim {
                    Dim::Fixed(n) => Some(*n),
                    Dim::Batch => None,
                })
                .collect()
        };
        let (c, p, patch) = (fixed(&[c]), fixed(&[p]), fixed(&[Dim::Fixed(4), s, s]));
        tensors(
            "speech",
            "outputs",
            &speech.outputs,
            &[("coefficients", &c)],
        )?;
        let identity = &self.networks.identity;
        tensors(
            "identity",
            "inputs",
            &identity.inputs,
            &[("coefficients", &c), ("pose", &p)],
        )?;
        tensors(
            "identity",
            "outputs",
            &identity.outputs,
            &[("patch", &patch)],
        )
    }

    fn validate_motions(&self) -> Result<()> {
        within(
            "motions (names)",
            self.motions.len() as u64,
            1,
            MAX_MOTIONS as u64,
        )?;
        if !self.motions.contains_key("idle") {
            return Err(invalid("motions lacks \"idle\", which every avatar has"));
        }
        for (name, motion) in &self.motions {
            label("motions", name)?;
            motion.validate(name, self.frame.count)?;
        }
        Ok(())
    }
}

impl Motion {
    fn validate(&self, name: &str, frames: u32) -> Result<()> {
        let end = u64::from(self.first) + u64::from(self.count);
        if self.count == 0 || end > frames.into() {
            return Err(invalid(format!(
                "motions[{name:?}] is {} frames from {}; the avatar has {frames}",
                self.count, self.first
            )));
        }
        for (key, offsets) in [("entries", &self.entries), ("exits", &self.exits)] {
            if offsets.is_empty() || offsets.len() > self.count as usize {
                return Err(invalid(format!(
                    "motions[{name:?}].{key} has {} offsets for {} frames",
                    offsets.len(),
                    self.count
                )));
            }
            if let Some(offset) = offsets.iter().find(|&&offset| offset >= self.count) {
                return Err(invalid(format!(
                    "motions[{name:?}].{key} has {offset}; the motion has {} frames",
                    self.count
                )));
            }
        }
        Ok(())
    }
}

/// Texts without control characters.
pub(super) fn texts(list: &[(&str, &String)]) -> Result<()> {
    for (key, text) in list {
        if text.chars().any(char::is_control) {
            return Err(invalid(format!(
                "{key} contains a control character: {text:?}"
            )));
        }
    }
    Ok(())
}

/// Names of members, each with a sha256.
pub(super) fn hashes(files: &BTreeMap<String, String>) -> Result<()> {
    for (name, hash) in files {
        check_name(name)?;
        if name == MANIFEST {
            return Err(invalid(format!(
                "files names {MANIFEST}, which has no hash"
            )));
        }
        if hash.len() != 64 || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(invalid(format!(
                "files[{name:?}] is not a sha256 in hex (64 digits): {hash:?}"
            )));
        }
    }
    Ok(())
}

/// The members that are listed exist, and none besides.
pub(super) fn listed(members: &Members, files: &BTreeMap<String, String>) -> Result<()> {
    for name in files.keys() {
        members.get(name).map_err(|_| missing(name))?;
    }
    for member in members.iter() {
        if member.name != MANIFEST && !files.contains_key(member.name) {
            return Err(invalid(format!(
                "{:?} has no sha256 in the manifest's `files`: it is not part of the avatar",
                member.name
            )));
        }
    }
    Ok(())
}

/// Checks the members against the manifest, everything but their hashes: those named exist and none
/// besides, sizes and frames are as stated, numbers are finite.
pub(super) fn members(members: &Members, manifest: &Manifest) -> Result<()> {
    listed(members, &manifest.files)?;
    for (key, network) in [
        ("speech", &manifest.networks.speech),
        ("identity", &manifest.networks.identity),
    ] {
        network_member(key, &network.file, members)?;
    }
    if let Some(quantized) = &manifest.networks.identity.quantized {
        network_member("8-bit identity", &quantized.file, members)?;
        let s = manifest.crop.size as usize;
        sized(members, &quantized.alpha, s * s)?;
    }
    let (frame, c) = (&manifest.frame, manifest.coefficients.len());
    let p = manifest.crop.pose.len();
    let stride = manifest.geometry_stride();
    let geometry = floats(members, GEOMETRY_MEMBER, frame.count as usize * stride)?;
    for (i, row) in geometry.chunks_exact(stride).enumerate() {
        if let Some(value) = row.iter().find(|value| value.abs() > MAX_GEOMETRY) {
            return Err(invalid(format!(
                "{GEOMETRY_MEMBER} has {value} for frame {i}"
            )));
        }
        if let [a, b, _, d, e, _] = row[p..]
            && (a * e - b * d).abs() < 1e-6
        {
            return Err(invalid(format!(
                "{GEOMETRY_MEMBER}: the affine of frame {i} flattens the patch"
            )));
        }
    }
    let selftest = &manifest.selftest;
    let n = selftest.count as usize;
    let inputs = floats(members, &selftest.inputs, n * (c + p))?;
    drop(inputs);
    let s = manifest.crop.size as usize;
    sized(members, &selftest.patches, n * 4 * s * s)?;
    for i in 0..frame.count {
        let name = frame_member(i);
        let data = members.get(&name).map_err(|_| missing(&name))?;
        jpeg::check(&name, data, frame.width, frame.height, jpeg::COLOR)?;
        if manifest.matte.is_some() {
            let name = matte_member(i);
            let data = members.get(&name).map_err(|_| missing(&name))?;
            jpeg::check(&name, data, frame.width, frame.height, jpeg::GREY)?;
        }
    }
    Ok(())
}

pub(super) fn network_member(key: &str, name: &str, members: &Members) -> Result<()> {
    let data = members.get(name).map_err(|_| missing(name))?;
    if data.len() as u64 > MAX_NETWORK_BYTES {
        return Err(limit(format!(
            "the {key} network {name:?} has {} bytes; at most {MAX_NETWORK_BYTES} are allowed",
            data.len()
        )));
    }
    Ok(())
}

/// A member of exactly `count` finite f32.
pub(super) fn floats(members: &Members, name: &str, count: usize) -> Result<Vec<f32>> {
    sized(members, name, count * 4)?;
    let floats = members.floats(name)?;
    match floats.iter().position(|value| !value.is_finite()) {
        Some(i) => Err(invalid(format!("{name}: number {i} is {}", floats[i]))),
        None => Ok(floats),
    }
}

fn sized(members: &Members, name: &str, bytes: usize) -> Result<()> {
    let data = members.get(name).map_err(|_| missing(name))?;
    if data.len() != bytes {
        return Err(invalid(format!(
            "{name} has {} bytes; {bytes} follow from the manifest",
            data.len()
        )));
    }
    Ok(())
}

/// Exactly these tensors: `[N, dims...]`, where `None` is any fixed number.
pub(super) fn tensors(
    network: &str,
    side: &str,
    actual: &BTreeMap<String, Vec<Dim>>,
    expected: &[(&str, &[Option<u32>])],
) -> Result<()> {
    for name in actual.keys() {
        if !expected.iter().any(|(known, _)| known == name) {
            return Err(invalid(format!(
                "networks.{network}.{side} has {name:?}, which this library does not know"
            )));
        }
    }
    for &(name, dims) in expected {
        let Some(shape) = actual.get(name) else {
            return Err(invalid(format!("networks.{network}.{side} lacks {name:?}")));
        };
        let fits = shape.len() == dims.len() + 1
            && shape[0] == Dim::Batch
            && shape[1..]
                .iter()
                .zip(dims)
                .all(|(actual, expected)| match (actual, expected) {
                    (Dim::Fixed(_), None) => true,
                    (Dim::Fixed(actual), Some(expected)) => actual == expected,
                    (Dim::Batch, _) => false,
                });
        if !fits {
            let shown = |list: Vec<String>| list.join(", ");
            let wanted = dims
                .iter()
                .map(|dim| dim.map_or("T".to_owned(), |n| n.to_string()));
            return Err(invalid(format!(
                "networks.{network}.{side}: the shape of {name:?} is [{}], expected [N, {}]",
                shown(shape.iter().map(Dim::to_string).take(8).collect()),
                shown(wanted.collect())
            )));
        }
    }
    Ok(())
}

/// A list of 1 to `max` labels, each once.
pub(super) fn labels(key: &str, list: &[String], max: usize) -> Result<()> {
    within(&format!("{key} (names)"), list.len() as u64, 1, max as u64)?;
    let mut seen = BTreeSet::new();
    for name in list {
        label(key, name)?;
        if !seen.insert(name) {
            return Err(invalid(format!("{key} has {name:?} twice")));
        }
    }
    Ok(())
}

fn label(key: &str, name: &str) -> Result<()> {
    if name.is_empty() || name.len() > MAX_LABEL_BYTES || name.chars().any(char::is_control) {
        let shown: String = name.chars().take(MAX_LABEL_BYTES).collect();
        return Err(invalid(format!(
            "{key} has the name {shown:?}; names have 1 to {MAX_LABEL_BYTES} bytes and no control \
             characters"
        )));
    }
    Ok(())
}

pub(super) fn within(key: &str, value: u64, min: u64, max: u64) -> Result<()> {
    if value > max {
        Err(limit(format!("{key} is {value}; at most {max} is allowed")))
    } else if value < min {
        Err(invalid(format!(
            "{key} is {value}; at least {min} is needed"
        )))
    } else {
        Ok(())
    }
}

fn missing(name: &str) -> Error {
    invalid(format!("the member {name:?} is missing"))
}

fn limit(message: String) -> Error {
    Error::new(ErrorKind::LimitExceeded, message)
}

fn version(message: String) -> Error {
    Error::new(ErrorKind::UnsupportedVersion, message)
}
