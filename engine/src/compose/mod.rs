//! Base frame and mouth patch become the finished picture.
//!
//! All pixel work is integer arithmetic on 8-bit values: the same picture on every machine, given
//! the same patch.
//!
//! Pictures are made two rows at a time and straight into the caller's memory: a row of the base
//! frame, or of the few rows that the patch is laid over, scaled if need be, converted. So a row is
//! in the processor's cache from its first byte read to its last byte written, and nothing of a
//! picture is kept that would have to be redone or tracked.

pub(crate) mod arch;
pub(crate) mod base;
pub(crate) mod blend;
pub(crate) mod convert;
pub(crate) mod fit;
#[cfg(feature = "gpu-compose")]
pub mod gpu;

use std::ops::Range;
use std::sync::Arc;

use crate::PictureMut;
use crate::avatar::Affine;
use crate::options::OutputSize;
use arch::Isa;
use blend::{Band, Patch};
use fit::Fit;

/// The buffers of one session's compositing.
#[derive(Debug)]
pub(crate) struct Composer {
    isa: Isa,
    width: usize,
    height: usize,
    /// The rows that the patch covers, RGB.
    band: Vec<u8>,
    fit: Option<Fit>,
}

/// What a picture is made from.
#[derive(Debug)]
pub(crate) struct Layers<'a> {
    /// The base frame, RGB.
    pub(crate) base: &'a Arc<[u8]>,
    /// What is laid over it, and where.
    pub(crate) patch: Option<(&'a Patch, &'a Affine)>,
}

/// The picture at the avatar's size: the base frame's rows, some of them replaced.
struct Native<'a> {
    base: &'a [u8],
    band: &'a [u8],
    band_rows: Range<usize>,
    row_bytes: usize,
}

impl Native<'_> {
    fn row(&self, y: usize) -> &[u8] {
        let (rgb, y) = if self.band_rows.contains(&y) {
            (self.band, y - self.band_rows.start)
        } else {
            (self.base, y)
        };
        &rgb[y * self.row_bytes..][..self.row_bytes]
    }
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
            // All that a patch can cover, so that nothing is allocated later.
            band: Vec::with_capacity(width * height * 3),
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
        let &Layers { base, patch } = layers;
        let row_bytes = 3 * self.width;
        let mut rows = 0..0;
        if let Some((patch, affine)) = patch {
            rows = patch.rows(self.width, self.height, affine);
            self.band.clear();
            self.band
                .extend_from_slice(&base[rows.start * row_bytes..rows.end * row_bytes]);
            let band = Band {
                rgb: &mut self.band,
                rows: rows.clone(),
                width: self.width,
            };
            patch.blend_into(self.isa, band, self.height, affine);
        }
        let native = Native {
            base,
            band: &self.band,
            band_rows: rows,
            row_bytes,
        };
        match &mut self.fit {
            Some(fit) => fit.apply(self.isa, |y| native.row(y), out),
            None => {
                for y in (0..self.height).step_by(2) {
                    let below = (y + 1 < self.height).then(|| native.row(y + 1));
                    convert::put_rows(self.isa, y, native.row(y), below, out);
                }
            }
        }
    }
}
