//! A picture of a face becomes an avatar: faces and landmarks found, the head's shapes carried over
//! to them, a mesh laid over the picture, a rig that moves it.

mod detect;
mod fit;
mod head;
mod landmarks;
mod lids;
mod mesh;
mod mouth;
mod network;
mod picture;
mod points;
mod rig;
mod solid;

use crate::Result;
use crate::warp::{Canvas, Texture};
use fit::Fit;
use head::Head;
use lids::Lashes;
use mesh::Mesh;
use mouth::Mouth;
use picture::Picture;
use rig::{Posed, Puppet, Rig};

/// A portrait, ready to be moved.
#[derive(Debug)]
pub(crate) struct Portrait {
    texture: Texture,
    fit: Fit,
    mesh: Mesh,
    mouth: Mouth,
    lashes: Lashes,
    puppet: Puppet,
}

impl Portrait {
    /// From a fitted picture.
    pub(crate) fn new(picture: &Picture, landmarks: &landmarks::Landmarks) -> Result<Self> {
        let head = Head::read(include_bytes!("data/head.bin"))?;
        let fit = Fit::new(&head, picture, landmarks);
        let mesh = Mesh::new(&head, &fit, (picture.width, picture.height));
        let mouth = Mouth::new(&fit, picture)?;
        let lashes = Lashes::of(&fit, picture);
        let texture = Texture::new(
            picture.rgba.as_chunks::<4>().0,
            picture.width,
            picture.height,
        );
        let puppet = Puppet::new(&head);
        Ok(Self {
            texture,
            fit,
            mesh,
            mouth,
            lashes,
            puppet,
        })
    }

    /// Draws the face as `rig` says.
    pub(crate) fn draw(&self, rig: &Rig, posed: &mut Posed, canvas: &mut Canvas) {
        canvas.copy(&self.texture);
        if *rig == Rig::default() {
            return;
        }
        self.puppet.pose(&self.fit, &self.mesh, rig, posed);
        self.mouth.fill(&self.fit, posed, canvas);
        canvas.draw(
            &self.texture,
            &self.mesh.triangles,
            &posed.sources,
            &posed.places,
        );
        self.lashes.draw(&self.fit, posed, rig.blink, canvas);
        let at_rest = rig.mouth == [0.0; 16] && rig.talk == 0.0;
        if !at_rest {
            self.mouth.draw(&self.fit, posed, rig.mouth[15], canvas);
        }
    }
}
