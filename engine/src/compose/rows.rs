//! Rows of the picture at the avatar's size: base frame, mouth patch, crossfade.
//!
//! Rows are composed in bands of a few, which stay in the processor's nearest cache from the base
//! frame to the caller's memory.

use std::ops::Range;
use std::sync::Arc;

use super::aligned::AlignedBuffer;
use super::arch::{self, Isa};
use super::base::{BaseFrame, ChromaRows};
use super::blend::{Patch, RowBand};
use super::convert::Row;
use super::scale::RowSource;
use crate::geometry::Affine;

/// Rows of a band; even, for chroma.
pub(crate) const BAND_ROWS: usize = 16;

/// The layers of a picture.
#[derive(Debug)]
pub(crate) struct Layers<'a> {
    pub(crate) base: Ground<'a>,
    /// A part of the base frame whose pixels have moved.
    pub(crate) moved: Option<Moved<'a>>,
    /// The mouth patch and its place on the base frame.
    pub(crate) patch: Option<(&'a Patch, &'a Affine)>,
    /// The base frame that the picture crossfades from.
    pub(crate) crossfade: Option<CrossfadeSource<'a>>,
}

/// The lowest layer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ground<'a> {
    Frame(&'a Arc<BaseFrame>),
    /// A picture that is drawn already, row by row.
    Drawn(&'a [[u8; 4]]),
}

/// A rectangle of a picture that is drawn already.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moved<'a> {
    pub(crate) left: usize,
    pub(crate) top: usize,
    pub(crate) width: usize,
    /// Row by row.
    pub(crate) pixels: &'a [[u8; 4]],
}

impl Moved<'_> {
    /// Copies the part that lies in some rows of a picture of `width` into them.
    fn put(&self, rows: Range<usize>, width: usize, rgb: &mut [u8]) {
        for (y, line) in (self.top..).zip(self.pixels.chunks_exact(self.width)) {
            if !rows.contains(&y) {
                continue;
            }
            let row = &mut rgb[3 * width * (y - rows.start)..][..3 * width];
            let row = &mut row[3 * self.left..][..3 * self.width];
            for (to, from) in row.as_chunks_mut::<3>().0.iter_mut().zip(line) {
                to.copy_from_slice(&from[..3]);
            }
        }
    }
}

/// The base frame that a picture crossfades from.
#[derive(Debug)]
pub(crate) struct CrossfadeSource<'a> {
    pub(crate) base: &'a Arc<BaseFrame>,
    /// A part of it whose pixels have moved.
    pub(crate) moved: Option<Moved<'a>>,
    /// The place of the patch on it.
    pub(crate) affine: &'a Affine,
    /// How much of it shows, in 256ths.
    pub(crate) weight: u16,
}

/// Composes row bands at the avatar's size.
#[derive(Debug)]
pub(crate) struct RowCompositor {
    isa: Isa,
    width: usize,
    height: usize,
    chroma: ChromaRows,
    /// The same rows of the crossfade source; empty until there is one.
    source_rows: AlignedBuffer<u8>,
}

/// The picture's rows from top to bottom, composed band by band as they are asked for.
pub(crate) struct RowBands<'a> {
    pub(crate) compositor: &'a mut RowCompositor,
    pub(crate) layers: &'a Layers<'a>,
    /// The band's rows in packed RGB.
    pub(crate) rgb: &'a mut [u8],
    /// The band's alpha, in an avatar that was keyed.
    pub(crate) alpha: Option<&'a mut [u8]>,
    /// The rows of the band.
    pub(crate) rows: Range<usize>,
}

impl RowCompositor {
    /// A compositor for an avatar's picture of `width` × `height`.
    pub(crate) fn new(isa: Isa, (width, height): (usize, usize)) -> Self {
        Self {
            isa,
            width,
            height,
            chroma: ChromaRows::default(),
            source_rows: AlignedBuffer::default(),
        }
    }

    /// Width and height of the avatar's picture.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// Composes some rows. A crossfade blends the patch over both base frames, so that the mouth stays
    /// while the rest of the face changes.
    pub(crate) fn compose(&mut self, layers: &Layers<'_>, rows: Range<usize>, rgb: &mut [u8]) {
        let (isa, chroma) = (self.isa, &mut self.chroma);
        match layers.base {
            Ground::Frame(base) => base.write_rgb(isa, chroma, rows.clone(), rgb),
            Ground::Drawn(pixels) => {
                let pixels = &pixels[rows.start * self.width..rows.end * self.width];
                for (to, from) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(pixels) {
                    to.copy_from_slice(&from[..3]);
                }
            }
        }
        if let Some(moved) = &layers.moved {
            moved.put(rows.clone(), self.width, rgb);
        }
        if let Some((patch, affine)) = layers.patch {
            let band = RowBand {
                rgb,
                rows: rows.clone(),
                width: self.width,
            };
            blend_patch(isa, patch, affine, band, self.height);
        }
        if let Some(source) = &layers.crossfade {
            let from = self.source_rows.at_least(rgb.len());
            source.base.write_rgb(isa, chroma, rows.clone(), from);
            if let Some(moved) = &source.moved {
                moved.put(rows.clone(), self.width, from);
            }
            if let Some((patch, _)) = layers.patch {
                let band = RowBand {
                    rgb: &mut *from,
                    rows,
                    width: self.width,
                };
                blend_patch(isa, patch, source.affine, band, self.height);
            }
            arch::crossfade(isa, from, source.weight, rgb);
        }
    }

    /// Alpha of some rows. The mouth patch lies inside of the matte and changes nothing.
    fn compose_alpha(&self, layers: &Layers<'_>, rows: Range<usize>, alpha: &mut [u8]) {
        match layers.base {
            Ground::Frame(base) => match base.alpha(rows.clone()) {
                Some(matte) => alpha.copy_from_slice(matte),
                None => alpha.fill(255),
            },
            Ground::Drawn(pixels) => {
                let pixels = &pixels[rows.start * self.width..rows.end * self.width];
                for (to, from) in alpha.iter_mut().zip(pixels) {
                    *to = from[3];
                }
            }
        }
        if let Some(source) = &layers.crossfade
            && let Some(from) = source.base.alpha(rows)
        {
            arch::crossfade(self.isa, from, source.weight, alpha);
        }
    }
}

impl RowBands<'_> {
    /// Composes the band of row `y`, unless it is there already.
    fn advance_to(&mut self, y: usize) {
        if !self.rows.contains(&y) {
            let (width, height) = self.compositor.size();
            let start = y - y % BAND_ROWS;
            self.rows = start..(start + BAND_ROWS).min(height);
            let rgb = &mut self.rgb[..3 * width * self.rows.len()];
            self.compositor.compose(self.layers, self.rows.clone(), rgb);
            if let Some(alpha) = &mut self.alpha {
                let alpha = &mut alpha[..width * self.rows.len()];
                let rows = self.rows.clone();
                self.compositor.compose_alpha(self.layers, rows, alpha);
            }
        }
    }

    /// Row `y` of the band.
    fn of_band(&self, y: usize) -> Row<'_> {
        let (width, row) = (self.compositor.width, y - self.rows.start);
        Row {
            rgb: &self.rgb[3 * width * row..][..3 * width],
            alpha: self
                .alpha
                .as_ref()
                .map(|alpha| &alpha[width * row..][..width]),
        }
    }

    /// Row `y`, an even number, and the next one, if there is one.
    pub(crate) fn row_pair(&mut self, y: usize) -> (Row<'_>, Option<Row<'_>>) {
        self.advance_to(y);
        let bottom = self.rows.contains(&(y + 1)).then(|| self.of_band(y + 1));
        (self.of_band(y), bottom)
    }
}

impl RowSource for RowBands<'_> {
    fn row(&mut self, y: usize) -> Row<'_> {
        self.advance_to(y);
        self.of_band(y)
    }
}

/// Blends the patch over a row band of a picture of `height` rows, as far as it touches it.
fn blend_patch(isa: Isa, patch: &Patch, affine: &Affine, band: RowBand<'_>, height: usize) {
    let (rows, width) = (band.rows, band.width);
    let touched = patch.rows(width, height, affine);
    let touched = touched.start.max(rows.start)..touched.end.min(rows.end);
    if touched.is_empty() {
        return;
    }
    let [from, to] = [touched.start, touched.end].map(|y| 3 * width * (y - rows.start));
    let band = RowBand {
        rgb: &mut band.rgb[from..to],
        rows: touched,
        width,
    };
    patch.blend_into(isa, band, height, affine);
}
