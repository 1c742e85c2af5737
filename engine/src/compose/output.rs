//! The last stage: rows are composited over the background and converted to the caller's format.

use super::aligned::CacheAligned;
use super::arch::{self, CHUNK, Isa, Ycbcr};
use super::background::BackgroundRows;
use super::convert::{Row, put_rows};
use crate::PictureMut;
use crate::frame::YuvColor;

/// The last stage of one session.
#[derive(Debug)]
pub(crate) struct Output {
    standard: Ycbcr,
    /// The background that shows through rows with alpha.
    background: Option<BackgroundRows>,
    /// Whether formats with alpha keep it.
    is_transparent: bool,
    /// Two rows over the background.
    composited: [Vec<u8>; 2],
}

impl Output {
    /// For rows without alpha.
    pub(crate) fn opaque(color: YuvColor) -> Self {
        Self {
            standard: color.into(),
            background: None,
            is_transparent: false,
            composited: [Vec::new(), Vec::new()],
        }
    }

    /// For rows with alpha. Formats with alpha keep it if the output `is_transparent`; all others get
    /// the picture over `background`.
    pub(crate) fn over(color: YuvColor, background: BackgroundRows, is_transparent: bool) -> Self {
        let row = vec![0; background.row(0).len()];
        Self {
            standard: color.into(),
            background: Some(background),
            is_transparent,
            composited: [row.clone(), row],
        }
    }

    /// Puts row `y` (an even number) of the picture and the next one, if there is one, into `out`.
    pub(crate) fn put(
        &mut self,
        isa: Isa,
        y: usize,
        rows: (Row<'_>, Option<Row<'_>>),
        out: &mut PictureMut<'_>,
    ) {
        let rows = match &self.background {
            Some(background) if !(self.is_transparent && out.format().has_alpha()) => {
                let [top, bottom] = &mut self.composited;
                let over = |row: Row<'_>, y: usize, to: &mut [u8]| {
                    to.copy_from_slice(background.row(y));
                    composite(isa, row, to);
                };
                over(rows.0, y, top);
                if let Some(row) = rows.1 {
                    over(row, y + 1, bottom);
                }
                let opaque = |rgb| Row { rgb, alpha: None };
                (opaque(&**top), rows.1.map(|_| opaque(&**bottom)))
            }
            _ => rows,
        };
        put_rows(isa, self.standard, y, rows, out);
    }
}

/// Composites a row over `rgb`.
fn composite(isa: Isa, row: Row<'_>, rgb: &mut [u8]) {
    let Some(alpha) = row.alpha else {
        rgb.copy_from_slice(row.rgb);
        return;
    };
    let mut over = CacheAligned([[0; 4]; CHUNK]);
    let source = row.rgb.chunks(3 * CHUNK).zip(alpha.chunks(CHUNK));
    for (rgb, (color, alpha)) in rgb.chunks_mut(3 * CHUNK).zip(source) {
        arch::rgb_and_alpha_to_rgba(isa, color, alpha, over.0.as_flattened_mut());
        arch::blend(isa, &over.0, rgb);
    }
}
