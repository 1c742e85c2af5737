//! The rules of a manifest.

use std::collections::BTreeSet;

use super::fault::{invalid, unsupported};
use super::limits::{
    MAX_ARKIT, MAX_COEFFICIENTS, MAX_FRAME_PX, MAX_FRAMES, MAX_MOTIONS, MAX_MOUTH_PX,
    MAX_MOUTH_SHAPES, MAX_MOUTHS, MAX_MOUTHS_PX, MAX_PATCH_PX, MAX_POSE, MAX_SELFTEST, MAX_WINDOW,
    MIN_FRAME_PX, PATCH_STEP_PX,
};
use super::manifest::{
    Dim, ENGINE, ENGINE_ABI, FORMAT_MAJOR, FRAME_RATE, Head, MEL_BANDS, Manifest, Motion,
};
use super::mouths::{Mouths, Shapes};
use super::rules::{hashes, label, labels, tensors, texts, version, within};
use crate::Result;

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
        if let Some(mouths) = self.warp.as_ref().and_then(|warp| warp.mouths.as_ref()) {
            mouths.validate()?;
        }
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

impl Mouths {
    fn validate(&self) -> Result<()> {
        within("warp.mouths.width", self.width.into(), 4, MAX_MOUTH_PX)?;
        within("warp.mouths.height", self.height.into(), 4, MAX_MOUTH_PX)?;
        within(
            "warp.mouths.gaps (numbers)",
            self.gaps.len() as u64,
            1,
            MAX_MOUTHS,
        )?;
        let mut last = 0.0;
        for &gap in &self.gaps {
            if !(gap > last && gap < 10.0) {
                return Err(invalid(format!(
                    "warp.mouths.gaps has {gap} after {last}; each is larger than the one before"
                )));
            }
            last = gap;
        }
        match &self.shapes {
            Some(shapes) => self.validate_shapes(shapes),
            None => Ok(()),
        }
    }

    fn validate_shapes(&self, shapes: &Shapes) -> Result<()> {
        let mut mouths = self.gaps.len() as u64;
        for (key, rows) in [("widths", &shapes.widths), ("chins", &shapes.chins)] {
            let key = format!("warp.mouths.shapes.{key}");
            if rows.len() != self.gaps.len() {
                let (rows, gaps) = (rows.len(), self.gaps.len());
                return Err(invalid(format!("{key} has {rows} lists for {gaps} gaps")));
            }
            let count = rows[0].len();
            within(
                &format!("{key} (numbers)"),
                count as u64,
                1,
                MAX_MOUTH_SHAPES,
            )?;
            let grows = |row: &&Vec<f32>| row.len() == count && row.is_sorted();
            let is_near = |value: &f32| value.abs() < 10.0;
            if !rows
                .iter()
                .all(|row| grows(&row) && row.iter().all(is_near))
            {
                return Err(invalid(format!(
                    "{key} has to have {count} numbers for each gap, none smaller than the one before"
                )));
            }
            mouths *= count as u64;
        }
        let pixels = mouths * u64::from(self.width) * u64::from(self.height);
        within("warp.mouths.shapes (pixels)", pixels, 1, MAX_MOUTHS_PX)
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
