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
    /// A whole picture between two base frames, RGB.
    faded: Vec<u8>,
    fit: Option<Fit>,
}

/// What a picture is made from.
#[derive(Debug)]
pub(crate) struct Layers<'a> {
    /// The base frame, RGB.
    pub(crate) base: &'a Arc<[u8]>,
    /// What is laid over it, and where.
    pub(crate) patch: Option<(&'a Patch, &'a Affine)>,
    /// What gives way to it.
    pub(crate) leaving: Option<Fade<'a>>,
}

/// Another base frame that shows through still.
#[derive(Debug)]
pub(crate) struct Fade<'a> {
    pub(crate) base: &'a Arc<[u8]>,
    /// Where the patch lies on it.
    pub(crate) affine: &'a Affine,
    /// How much of it shows, in 256ths.
    pub(crate) weight: u16,
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
            faded: Vec::new(),
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
        let row_bytes = 3 * self.width;
        let native = if layers.leaving.is_some() {
            self.fade(layers);
            Native {
                base: &self.faded,
                band: &[],
                band_rows: 0..0,
                row_bytes,
            }
        } else {
            let band_rows = self.lay(layers);
            Native {
                base: layers.base,
                band: &self.band,
                band_rows,
                row_bytes,
            }
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

    /// Lays the patch over the base frame's rows that it covers, into the band; which rows.
    fn lay(&mut self, layers: &Layers<'_>) -> Range<usize> {
        let row_bytes = 3 * self.width;
        let Some((patch, affine)) = layers.patch else {
            return 0..0;
        };
        let rows = patch.rows(self.width, self.height, affine);
        self.band.clear();
        self.band
            .extend_from_slice(&layers.base[rows.start * row_bytes..rows.end * row_bytes]);
        let band = Band {
            rgb: &mut self.band,
            rows: rows.clone(),
            width: self.width,
        };
        patch.blend_into(self.isa, band, self.height, affine);
        rows
    }

    /// The picture at the avatar's size where one base frame gives way to another, RGB: the mouth is
    /// laid over both, so that it stays while the rest of the face fades.
    pub(crate) fn fade(&mut self, layers: &Layers<'_>) -> Option<&[u8]> {
        let leaving = layers.leaving.as_ref()?;
        let row_bytes = 3 * self.width;
        let band_rows = self.lay(layers);
        self.faded.clear();
        self.faded.extend_from_slice(leaving.base);
        if let Some((patch, _)) = layers.patch {
            let rows = patch.rows(self.width, self.height, leaving.affine);
            let band = Band {
                rgb: &mut self.faded[rows.start * row_bytes..rows.end * row_bytes],
                rows,
                width: self.width,
            };
            patch.blend_into(self.isa, band, self.height, leaving.affine);
        }
        let native = Native {
            base: layers.base,
            band: &self.band,
            band_rows,
            row_bytes,
        };
        let weight = leaving.weight;
        for (y, row) in self.faded.chunks_exact_mut(row_bytes).enumerate() {
            for (out, &coming) in row.iter_mut().zip(native.row(y)) {
                let sum = u16::from(*out) * weight + u16::from(coming) * (256 - weight);
                *out = ((sum + 128) >> 8) as u8;
            }
        }
        Some(&self.faded)
    }
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
        let grey = |level: u8| -> Arc<[u8]> { vec![level; 3 * SIZE.0 * SIZE.1].into() };
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
