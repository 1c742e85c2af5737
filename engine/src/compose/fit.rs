//! Scaling the avatar's picture into an output of other proportions, with bars where it does not reach.

use std::ops::Range;

use fast_image_resize as fir;
use fir::images::{Image, ImageRef};

use crate::options::OutputSize;
use crate::{Error, ErrorKind, Result};

/// A scaling of fixed sizes, with its buffers.
pub(crate) struct Fit {
    source: (usize, usize),
    output: OutputSize,
    /// Where the scaled picture lies in the output.
    columns: Range<usize>,
    rows: Range<usize>,
    resizer: fir::Resizer,
    scaled: Image<'static>,
    /// The output, its bars painted once.
    picture: Vec<u8>,
}

impl Fit {
    pub(crate) fn new(source: (usize, usize), output: OutputSize, letterbox: [u8; 3]) -> Self {
        let (width, height) = fitted(source, output);
        let left = (output.width - width) / 2;
        let top = (output.height - height) / 2;
        let picture = letterbox.repeat(output.width * output.height);
        Self {
            source,
            output,
            columns: left..left + width,
            rows: top..top + height,
            resizer: fir::Resizer::new(),
            scaled: Image::new(pixels(width), pixels(height), fir::PixelType::U8x3),
            picture,
        }
    }

    pub(crate) fn output_size(&self) -> (usize, usize) {
        (self.output.width, self.output.height)
    }

    /// The RGB picture `rgb`, scaled and placed.
    pub(crate) fn apply(&mut self, rgb: &[u8]) -> Result<&[u8]> {
        let internal =
            |e: &dyn std::fmt::Display| Error::new(ErrorKind::Internal, format!("scaling failed: {e}"));
        let (width, height) = self.source;
        let source = ImageRef::new(pixels(width), pixels(height), rgb, fir::PixelType::U8x3)
            .map_err(|e| internal(&e))?;
        let options = fir::ResizeOptions::new()
            .resize_alg(fir::ResizeAlg::Convolution(fir::FilterType::CatmullRom));
        self.resizer
            .resize(&source, &mut self.scaled, Some(&options))
            .map_err(|e| internal(&e))?;
        let row_bytes = self.columns.len() * 3;
        for (y, row) in self.rows.clone().zip(self.scaled.buffer().chunks_exact(row_bytes)) {
            let start = (y * self.output.width + self.columns.start) * 3;
            self.picture[start..start + row_bytes].copy_from_slice(row);
        }
        Ok(&self.picture)
    }
}

impl std::fmt::Debug for Fit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fit").field("source", &self.source).field("output", &self.output).finish()
    }
}

/// The largest size of the source's proportions that fits into the output.
fn fitted((width, height): (usize, usize), output: OutputSize) -> (usize, usize) {
    if width * output.height >= height * output.width {
        let scaled = (height * output.width + width / 2) / width;
        (output.width, scaled.clamp(1, output.height))
    } else {
        let scaled = (width * output.height + height / 2) / height;
        (scaled.clamp(1, output.width), output.height)
    }
}

/// A size that was checked against the limits.
fn pixels(size: usize) -> u32 {
    u32::try_from(size).expect("picture sizes are limited to 8192")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_fit_and_bars_stay() {
        let size = |width, height| OutputSize { width, height };
        assert_eq!(fitted((512, 512), size(1280, 720)), (720, 720), "square into wide");
        assert_eq!(fitted((640, 480), size(320, 320)), (320, 240), "4:3 into square");
        let mut fit = Fit::new((4, 4), size(16, 8), [1, 2, 3]);
        let picture = fit.apply(&[200; 48]).unwrap();
        assert_eq!(picture[..3], [1, 2, 3], "left bar");
        assert_eq!(picture[8 * 3..9 * 3], [200; 3], "middle");
        assert_eq!(picture[15 * 3..16 * 3], [1, 2, 3], "right bar");
    }
}
