//! Base frame and mouth patch become the finished picture.
//!
//! All pixel work is integer arithmetic on 8-bit values: the same picture on every machine, given
//! the same patch.
//!
//! The base frame is expanded into a picture of the session's own, the patch is laid over it, and the
//! picture goes to the caller's memory two rows at a time, scaled if need be and converted.

pub(crate) mod arch;
pub(crate) mod base;
pub(crate) mod blend;
pub(crate) mod convert;
pub(crate) mod fit;
#[cfg(feature = "gpu-compose")]
pub mod gpu;

use std::sync::Arc;

use crate::PictureMut;
use crate::avatar::Affine;
use crate::options::OutputSize;
use arch::Isa;
use base::{BaseFrame, Chroma};
use blend::{Band, Patch};
use fit::Fit;

/// The buffers of one session's compositing.
#[derive(Debug)]
pub(crate) struct Composer {
    isa: Isa,
    width: usize,
    height: usize,
    /// The picture at the avatar's size, RGB.
    picture: Vec<u8>,
    /// The base frame that leaves, RGB; empty until one does.
    leaving: Vec<u8>,
    chroma: Chroma,
    fit: Option<Fit>,
}

/// What a picture is made from.
#[derive(Debug)]
pub(crate) struct Layers<'a> {
    pub(crate) base: &'a Arc<BaseFrame>,
    /// What is laid over it, and where.
    pub(crate) patch: Option<(&'a Patch, &'a Affine)>,
    /// What gives way to it.
    pub(crate) leaving: Option<Fade<'a>>,
}

/// Another base frame that shows through still.
#[derive(Debug)]
pub(crate) struct Fade<'a> {
    pub(crate) base: &'a Arc<BaseFrame>,
    /// Where the patch lies on it.
    pub(crate) affine: &'a Affine,
    /// How much of it shows, in 256ths.
    pub(crate) weight: u16,
}

impl Composer {
    /// For an avatar of `width` × `height`, giving pictures of `size`.
    pub(crate) fn new(
        isa: Isa,
        (width, height): (usize, usize),
        size: Option<OutputSize>,
        letterbox: [u8; 3],
    ) -> Self {
        let fit = size
            .filter(|size| (size.width, size.height) != (width, height))
            .map(|size| Fit::new((width, height), size, letterbox));
        Self {
            isa,
            width,
            height,
            picture: vec![0; width * height * 3],
            leaving: Vec::new(),
            chroma: Chroma::default(),
            fit,
        }
    }

    /// Size of the finished pictures.
    pub(crate) fn output_size(&self) -> (usize, usize) {
        self.fit
            .as_ref()
            .map_or((self.width, self.height), Fit::output_size)
    }

    /// Composes one picture into `out`, which has the output's size.
    pub(crate) fn compose(&mut self, layers: &Layers<'_>, out: &mut PictureMut<'_>) {
        self.draw(layers);
        let row = |y: usize| &self.picture[3 * self.width * y..][..3 * self.width];
        match &mut self.fit {
            Some(fit) => fit.apply(self.isa, row, out),
            None => {
                for y in (0..self.height).step_by(2) {
                    let below = (y + 1 < self.height).then(|| row(y + 1));
                    convert::put_rows(self.isa, y, row(y), below, out);
                }
            }
        }
    }

    /// Composes one picture at the avatar's size: packed RGB. Where one base frame gives way to
    /// another the patch is laid over both, so that the mouth stays while the rest of the face
    /// fades.
    pub(crate) fn draw(&mut self, layers: &Layers<'_>) -> &[u8] {
        layers
            .base
            .expand(self.isa, &mut self.chroma, &mut self.picture);
        if let Some((patch, affine)) = layers.patch {
            lay(
                self.isa,
                patch,
                affine,
                &mut self.picture,
                (self.width, self.height),
            );
        }
        if let Some(leaving) = &layers.leaving {
            self.leaving.resize(self.picture.len(), 0);
            leaving
                .base
                .expand(self.isa, &mut self.chroma, &mut self.leaving);
            if let Some((patch, _)) = layers.patch {
                let size = (self.width, self.height);
                lay(self.isa, patch, leaving.affine, &mut self.leaving, size);
            }
            arch::fade(self.isa, &self.leaving, leaving.weight, &mut self.picture);
        }
        &self.picture
    }
}

/// Lays the patch over a picture.
fn lay(isa: Isa, patch: &Patch, affine: &Affine, rgb: &mut [u8], (width, height): (usize, usize)) {
    let rows = patch.rows(width, height, affine);
    let rgb = &mut rgb[3 * width * rows.start..3 * width * rows.end];
    patch.blend_into(isa, Band { rgb, rows, width }, height, affine);
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::PixelFormat;

    const SIZE: (usize, usize) = (32, 24);
    const ALONE: Affine = Affine {
        a: 1.0,
        b: 0.0,
        c: 10.0,
        d: 0.0,
        e: 1.0,
        f: 8.0,
    };

    /// Between two base frames every level is mixed by weight, and the mouth, which lies over both,
    /// is what it is.
    #[test]
    fn base_frames_fade_and_the_mouth_stays() {
        let grey = |level: u8| Arc::new(BaseFrame::new(&vec![level; 3 * SIZE.0 * SIZE.1], SIZE));
        let (coming, leaving) = (grey(10), grey(210));
        let mut patch = Patch::new(8);
        patch.set(Isa::best(), &[1.0; 4 * 64], 1.0);
        let mut composer = Composer::new(Isa::best(), SIZE, None, [0; 3]);
        for weight in [64, 128, 192] {
            let layers = Layers {
                base: &coming,
                patch: Some((&patch, &ALONE)),
                leaving: Some(Fade {
                    base: &leaving,
                    affine: &ALONE,
                    weight,
                }),
            };
            let mut bytes = vec![0; PixelFormat::Rgb8.buffer_len(SIZE.0, SIZE.1)];
            let mut out = PictureMut::packed(PixelFormat::Rgb8, SIZE, &mut bytes).unwrap();
            composer.compose(&layers, &mut out);
            let mixed = (10 + 200 * weight / 256) as u8;
            for (i, pixel) in bytes.as_chunks::<3>().0.iter().enumerate() {
                let (x, y) = (i % SIZE.0, i / SIZE.0);
                // The patch's outermost pixels have no neighbours to be mixed with.
                let mouth = (11..17).contains(&x) && (9..15).contains(&y);
                let edge = (10..18).contains(&x) && (8..16).contains(&y) && !mouth;
                let expected = if mouth { 255 } else { mixed };
                assert!(
                    edge || *pixel == [expected; 3],
                    "{weight}: {pixel:?} at {x}, {y}, not {expected}"
                );
            }
        }
    }
}
