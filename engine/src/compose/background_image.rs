//! A picture as the background: scaled to cover the output, once.

use super::arch::Isa;
use super::background::BackgroundRows;
use super::fit::Placement;
use super::output::Output;
use super::scale::{Scaler, WholePicture};
use crate::options::{BackgroundImage, Fit};
use crate::{PictureMut, PixelFormat};

/// The rows of a background picture that covers the output.
pub(super) fn image_rows(
    isa: Isa,
    placement: &Placement,
    image: &BackgroundImage,
) -> BackgroundRows {
    let (size, output) = (image.size(), placement.output);
    let row_bytes = 3 * output.width;
    let mut rgb = vec![0; row_bytes * output.height];
    if size == (output.width, output.height) {
        rgb.copy_from_slice(image.rgb());
    } else if let Ok(mut out) =
        PictureMut::packed(PixelFormat::Rgb8, (output.width, output.height), &mut rgb)
    {
        let cover = Placement::new(size, output, Fit::Cover);
        let mut source = WholePicture(image.rgb(), 3 * size.0);
        let mut output = Output::opaque(Default::default());
        Scaler::new(size, cover, [0; 3], false).apply(isa, &mut source, &mut output, &mut out);
    }
    BackgroundRows::Image { rgb, row_bytes }
}
