//! Base frame and mouth patch become the finished picture.
//!
//! All pixel work is integer arithmetic on 8-bit values: the same picture on every machine, given
//! the same patch.
//!
//! It is made in strips of a few rows, which stay in the processor's nearest cache from the base
//! frame to the caller's memory: expanded, the patch laid over them, scaled if need be, converted. No
//! session keeps a picture.

mod aligned;
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
use crate::geometry::Affine;
use crate::options::OutputSize;
use aligned::Aligned;
use arch::Isa;
use base::{BaseFrame, Chroma};
use blend::{Band, Patch};
use fit::{Fit, Source};

/// Rows of a strip; even, for chroma.
const STRIP: usize = 16;

/// One session's compositing.
#[derive(Debug)]
pub(crate) struct Composer {
    brush: Brush,
    strip: Aligned<u8>,
    fit: Option<Fit>,
    /// The picture at the avatar's size, RGB; empty until somebody wants it whole.
    #[cfg(feature = "gpu-compose")]
    whole: Vec<u8>,
}

/// What paints strips at the avatar's size.
#[derive(Debug)]
struct Brush {
    isa: Isa,
    width: usize,
    height: usize,
    chroma: Chroma,
    /// The same rows of the base frame that leaves; empty until one does.
    leaving: Aligned<u8>,
}

/// A picture's rows from above to below, each painted when it is asked for.
struct Strips<'a> {
    brush: &'a mut Brush,
    layers: &'a Layers<'a>,
    strip: &'a mut [u8],
    rows: Range<usize>,
}

/// What a picture is made from.
#[derive(Debug)]
pub(crate) struct Layers<'a> {
    pub(crate) base: Ground<'a>,
    /// What is laid over it, and where.
    pub(crate) patch: Option<(&'a Patch, &'a Affine)>,
    /// What gives way to it.
    pub(crate) leaving: Option<Fade<'a>>,
}

/// What lies below everything else.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ground<'a> {
    Frame(&'a Arc<BaseFrame>),
    /// A picture that is drawn already, row by row.
    Drawn(&'a [[u8; 4]]),
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
            brush: Brush {
                isa,
                width,
                height,
                chroma: Chroma::default(),
                leaving: Aligned::default(),
            },
            strip: Aligned::new(3 * width * STRIP.min(height)),
            fit,
            #[cfg(feature = "gpu-compose")]
            whole: Vec::new(),
        }
    }

    /// Size of the finished pictures.
    pub(crate) fn output_size(&self) -> (usize, usize) {
        self.fit
            .as_ref()
            .map_or((self.brush.width, self.brush.height), Fit::output_size)
    }

    /// Composes one picture into `out`, which has the output's size.
    pub(crate) fn compose(&mut self, layers: &Layers<'_>, out: &mut PictureMut<'_>) {
        let (isa, height) = (self.brush.isa, self.brush.height);
        let mut strips = Strips {
            brush: &mut self.brush,
            layers,
            strip: self.strip.all(),
            rows: 0..0,
        };
        if let Some(fit) = &mut self.fit {
            fit.apply(isa, &mut strips, out);
            return;
        }
        for y in (0..height).step_by(2) {
            let (top, bottom) = strips.pair(y);
            convert::put_rows(isa, y, top, bottom, out);
        }
    }

    /// Composes one picture at the avatar's size: packed RGB.
    #[cfg(feature = "gpu-compose")]
    pub(crate) fn draw(&mut self, layers: &Layers<'_>) -> &[u8] {
        let (width, height) = (self.brush.width, self.brush.height);
        self.whole.resize(3 * width * height, 0);
        for (strip, rgb) in self.whole.chunks_mut(3 * width * STRIP).enumerate() {
            let rows = strip * STRIP..(strip * STRIP + STRIP).min(height);
            self.brush.paint(layers, rows, rgb);
        }
        &self.whole
    }
}

impl Brush {
    /// Paints some rows. Where one base frame gives way to another the patch is laid over both, so
    /// that the mouth stays while the rest of the face fades.
    fn paint(&mut self, layers: &Layers<'_>, rows: Range<usize>, rgb: &mut [u8]) {
        let (isa, chroma) = (self.isa, &mut self.chroma);
        match layers.base {
            Ground::Frame(base) => base.expand(isa, chroma, rows.clone(), rgb),
            Ground::Drawn(pixels) => {
                let pixels = &pixels[rows.start * self.width..rows.end * self.width];
                for (to, from) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(pixels) {
                    to.copy_from_slice(&from[..3]);
                }
            }
        }
        if let Some((patch, affine)) = layers.patch {
            let band = Band {
                rgb,
                rows: rows.clone(),
                width: self.width,
            };
            lay(isa, patch, affine, band, self.height);
        }
        if let Some(leaving) = &layers.leaving {
            let below = self.leaving.first(rgb.len());
            leaving.base.expand(isa, chroma, rows.clone(), below);
            if let Some((patch, _)) = layers.patch {
                let band = Band {
                    rgb: &mut *below,
                    rows,
                    width: self.width,
                };
                lay(isa, patch, leaving.affine, band, self.height);
            }
            arch::fade(isa, below, leaving.weight, rgb);
        }
    }
}

impl Strips<'_> {
    /// Paints the strip that row `y` begins or lies in.
    fn reach(&mut self, y: usize) {
        if !self.rows.contains(&y) {
            let start = y - y % STRIP;
            self.rows = start..(start + STRIP).min(self.brush.height);
            let rgb = &mut self.strip[..3 * self.brush.width * self.rows.len()];
            self.brush.paint(self.layers, self.rows.clone(), rgb);
        }
    }

    /// Row `y`, an even number, and the next one, if there is one.
    fn pair(&mut self, y: usize) -> (&[u8], Option<&[u8]>) {
        self.reach(y);
        let row = 3 * self.brush.width;
        let rows = &self.strip[row * (y - self.rows.start)..row * self.rows.len()];
        let (top, below) = rows.split_at(row);
        (top, below.get(..row))
    }
}

impl Source for Strips<'_> {
    fn row(&mut self, y: usize) -> &[u8] {
        self.reach(y);
        let row = 3 * self.brush.width;
        &self.strip[row * (y - self.rows.start)..][..row]
    }
}

/// Lays the patch over some rows of a picture of `height` rows, as far as it touches them.
fn lay(isa: Isa, patch: &Patch, affine: &Affine, band: Band<'_>, height: usize) {
    let (rows, width) = (band.rows, band.width);
    let touched = patch.rows(width, height, affine);
    let touched = touched.start.max(rows.start)..touched.end.min(rows.end);
    if touched.is_empty() {
        return;
    }
    let [from, to] = [touched.start, touched.end].map(|y| 3 * width * (y - rows.start));
    let band = Band {
        rgb: &mut band.rgb[from..to],
        rows: touched,
        width,
    };
    patch.blend_into(isa, band, height, affine);
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
                base: Ground::Frame(&coming),
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
