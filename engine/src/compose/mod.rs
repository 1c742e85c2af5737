//! Base frame and mouth patch become the finished picture.
//!
//! All pixel work is integer arithmetic on 8-bit values: the same picture on every machine, given
//! the same patch.

pub(crate) mod base;
pub(crate) mod blend;
pub(crate) mod convert;
pub(crate) mod fit;

use crate::PictureMut;
use crate::avatar::Affine;
use crate::options::OutputSize;
use blend::Patch;
use fit::Fit;

/// The buffers of one session's compositing.
#[derive(Debug)]
pub(crate) struct Composer {
    width: usize,
    height: usize,
    /// The picture at the avatar's size, RGB.
    canvas: Vec<u8>,
    fit: Option<Fit>,
}

impl Composer {
    /// For an avatar of `width` × `height`, giving pictures of `size`.
    pub(crate) fn new(
        (width, height): (usize, usize),
        size: Option<OutputSize>,
        letterbox: [u8; 3],
    ) -> Self {
        let fit = size
            .filter(|size| (size.width, size.height) != (width, height))
            .map(|size| Fit::new((width, height), size, letterbox));
        Self {
            width,
            height,
            canvas: vec![0; width * height * 3],
            fit,
        }
    }

    /// Size of the finished pictures.
    pub(crate) fn output_size(&self) -> (usize, usize) {
        self.fit
            .as_ref()
            .map_or((self.width, self.height), Fit::output_size)
    }

    /// Composes one picture into `out`, which has the output's size. Without a patch the base frame stands alone.
    pub(crate) fn compose(
        &mut self,
        base: &[u8],
        patch: Option<(&Patch, &Affine)>,
        out: &mut PictureMut<'_>,
    ) {
        let native = match patch {
            None => base,
            Some((patch, affine)) => {
                self.canvas.copy_from_slice(base);
                patch.blend_into(&mut self.canvas, self.width, self.height, affine);
                &self.canvas
            }
        };
        let finished = match &mut self.fit {
            None => native,
            Some(fit) => fit.apply(native),
        };
        convert::from_rgb(finished, out);
    }
}
