//! A portrait drawn state by state of its rig, for the measurements of this repository.

use super::create::{PortraitOptions, create};
use super::points::{LOWER_LIP, UPPER_LIP};
use super::solid::sub;
use super::{Easel, Portrait, Rig};
use crate::Result;
use crate::imx::Container;

/// Values of a state: 16 coefficients of the mouth, how far the face speaks, 10 shapes of the rest of
/// the face, 2 lids, gaze right and down, yaw, pitch and roll, shift right and down, in the units of
/// the rig.
pub const STATE: usize = 36;

/// A portrait and the buffers that it is drawn in.
#[derive(Debug)]
pub struct PortraitStates {
    portrait: Portrait,
    easel: Easel,
}

impl PortraitStates {
    /// From a picture file's bytes, as `create --force` takes it.
    ///
    /// # Errors
    /// Those of [`create`].
    pub fn new(picture: &[u8]) -> Result<Self> {
        let mut options = PortraitOptions::default();
        options.force = true;
        let (bytes, _) = create(picture, &options)?;
        let container = Container::from_bytes(bytes)?;
        let Some(manifest) = container.expression() else {
            unreachable!("a portrait is an expression avatar");
        };
        let portrait = Portrait::open(&container, manifest)?;
        let easel = portrait.easel();
        Ok(Self { portrait, easel })
    }

    /// Width and height of a frame in pixels.
    pub fn size(&self) -> (usize, usize) {
        self.portrait.texture.size()
    }

    /// Distance of the eyes' outer corners in pixels.
    pub fn eyes_px(&self) -> f32 {
        self.portrait.fit.eyes
    }

    /// Draws a state: RGBA, row by row, and the distance of the lips' middles in pixels.
    pub fn draw(&mut self, state: &[f32; STATE]) -> (&[[u8; 4]], f32) {
        let rig = rig(state);
        self.portrait.draw(&rig, &mut self.easel);
        let lips = if rig == Rig::default() {
            self.portrait.fit.gap[5]
        } else {
            let skin = &self.easel.posed.skin;
            let [x, y, _] = sub(skin[LOWER_LIP[3][5]], skin[UPPER_LIP[3][5]]);
            (x * x + y * y).sqrt()
        };
        (self.easel.canvas.pixels(), lips)
    }
}

fn rig(state: &[f32; STATE]) -> Rig {
    let mut rig = Rig::default();
    let mut rest = &state[..];
    let mut take = |to: &mut [f32]| {
        let (values, others) = rest.split_at(to.len());
        to.copy_from_slice(values);
        rest = others;
    };
    take(&mut rig.mouth);
    take(std::slice::from_mut(&mut rig.talk));
    take(&mut rig.face);
    take(&mut rig.blink);
    take(&mut rig.gaze);
    take(&mut rig.turn);
    take(&mut rig.shift);
    rig
}
