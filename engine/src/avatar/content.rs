//! An avatar's file: all of it is checked when it is opened, pictures alone are read again.

use std::collections::HashSet;
use std::sync::Arc;

use super::AvatarData;
use crate::Result;
use crate::compose::base::{BaseFrame, BaseFrames};
use crate::imx::{Container, MANIFEST, Manifest, frame_member, matte_member};

/// Compares members with their hashes, and decodes the base frame that is shown first: an avatar whose
/// pictures can't be decoded at all is refused here. The frame stays in the cache. One of 512 × 512 takes
/// 2 ms, so the others are decoded when they are shown; a damaged one is concealed then.
pub(super) fn check_content(
    container: &Container,
    manifest: &Manifest,
    base: &BaseFrames,
) -> Result<Arc<BaseFrame>> {
    container.verify()?;
    let first = manifest.motions.get("idle").map_or(0, |idle| idle.first);
    let jpeg = container.member(&frame_member(first))?;
    let matte = manifest
        .matte
        .map(|_| container.member(&matte_member(first)));
    base.get(first as usize, jpeg, matte.transpose()?)
}

impl AvatarData {
    /// The JPEG images of base frame `index` and of its matte.
    pub(super) fn base_frame_members(&self, index: usize) -> Result<(&[u8], Option<&[u8]>)> {
        let jpeg = self.container.member(&self.frames[index])?;
        let matte = self.mattes.get(index);
        let matte = matte.map(|name| self.container.member(name)).transpose()?;
        Ok((jpeg, matte))
    }

    /// Gives back the memory of all that is not read again: networks, once they are packed, with their
    /// tests, and whatever else was decoded. Where each thread loads networks of its own, all stays.
    pub(super) fn release(&mut self) {
        if !self.pool.shares() {
            return;
        }
        let pictures = self.frames.iter().chain(&self.mattes);
        let wanted: HashSet<&str> = pictures.map(String::as_str).chain([MANIFEST]).collect();
        self.container.retain(|name| wanted.contains(name));
    }
}
