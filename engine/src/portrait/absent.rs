//! Stand-ins for portraits in a build without the feature `portrait`: there are none.

use std::path::Path;

use crate::compose::Moved;
use crate::compose::base::BaseFrame;
use crate::compose::blend::Patch;
use crate::geometry::Affine;
use crate::imx::{Container, Expression, Manifest};
use crate::motion::emotion::{Emotion, Weights};
use crate::{Error, ErrorKind, Result};

/// Whether a file is a picture that an avatar can be made from: never in this build.
pub fn is_picture(_: impl AsRef<Path>) -> bool {
    false
}

/// None is opened.
///
/// # Errors
/// `UnsupportedFormat`.
pub fn open_file(_: &Path) -> Result<Container> {
    Err(absent())
}

/// Names and frames of the gestures.
pub(crate) const GESTURES: [(&str, u32); 0] = [];

/// The emotions that a portrait can show.
pub(crate) const EMOTIONS: &[Emotion] = &[];

#[derive(Debug)]
pub(crate) enum Portrait {}

#[derive(Debug)]
pub(crate) enum Easel {}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Life;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rig;

impl Life {
    pub(crate) fn step(&mut self, _: bool, _: f32) {}
}

impl Portrait {
    pub(crate) fn open(_: &Container, _: &Expression) -> Result<Self> {
        Err(absent())
    }

    pub(crate) fn has_alpha(&self) -> bool {
        match *self {}
    }

    pub(crate) fn easel(&self) -> Easel {
        match *self {}
    }

    pub(crate) fn rig(
        &self,
        _: &[f32],
        _: f32,
        _: (&Life, &Weights),
        _: Option<(usize, u32)>,
    ) -> Rig {
        match *self {}
    }

    pub(crate) fn draw<'a>(&self, _: &Rig, _: &'a mut Easel) -> &'a [[u8; 4]] {
        match *self {}
    }
}

#[derive(Debug)]
pub(crate) enum Film {}

#[derive(Debug)]
pub(crate) enum Sheet {}

impl Film {
    /// None: the identity network's patch is shown instead.
    pub(crate) fn open(_: &Container, _: &Manifest, _: &BaseFrame) -> Result<Option<Self>> {
        Ok(None)
    }

    pub(crate) fn wants_patch(&self) -> bool {
        match *self {}
    }

    pub(crate) fn sheets(&self) -> [Sheet; 2] {
        match *self {}
    }

    pub(crate) fn draw<'a>(
        &self,
        _: (usize, &BaseFrame),
        _: (&[f32], f32),
        _: Option<(&Patch, &Affine)>,
        _: &'a mut Sheet,
    ) -> Option<Moved<'a>> {
        match *self {}
    }
}

fn absent() -> Error {
    Error::new(
        ErrorKind::UnsupportedFormat,
        "an avatar of the model family \"expression\"; this build was made without the feature \
         `portrait`",
    )
}
