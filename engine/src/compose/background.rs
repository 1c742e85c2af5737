//! The background: what shows where the picture is transparent or doesn't reach.

use super::fit::Placement;

/// The rows of a background, of the output's width, in packed RGB.
#[derive(Debug)]
pub(crate) enum BackgroundRows {
    /// Two colors: a row beside the picture, whose bars have the second color, and a row of bars.
    Plain {
        beside: Vec<u8>,
        bar: Vec<u8>,
        placement: Placement,
    },
    /// A picture of the output's size.
    Image { rgb: Vec<u8>, row_bytes: usize },
}

impl BackgroundRows {
    /// One color behind the picture, another one in the bars.
    pub(crate) fn plain(placement: &Placement, color: [u8; 3], bars: [u8; 3]) -> Self {
        let bar = bars.repeat(placement.output.width);
        let mut beside = bar.clone();
        let columns = 3 * placement.columns.start..3 * placement.columns.end;
        for pixel in beside[columns].as_chunks_mut::<3>().0 {
            *pixel = color;
        }
        Self::Plain {
            beside,
            bar,
            placement: placement.clone(),
        }
    }

    /// Row `y`.
    pub(crate) fn row(&self, y: usize) -> &[u8] {
        match self {
            Self::Plain {
                beside,
                bar,
                placement,
            } => match placement.rows.contains(&y) {
                true => beside,
                false => bar,
            },
            Self::Image { rgb, row_bytes } => &rgb[y * row_bytes..][..*row_bytes],
        }
    }
}
