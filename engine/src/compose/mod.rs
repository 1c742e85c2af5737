//! Base frame and mouth patch become the finished picture.
//!
//! All pixel work is integer arithmetic on 8-bit values: the same picture on every machine, given
//! the same patch.
//!
//! The picture is made row by row: decoded, the patch blended over it, fitted into the output,
//! composited over a background, converted into the caller's memory. No session keeps a picture.

mod aligned;
pub(crate) mod arch;
mod background;
mod background_image;
pub(crate) mod base;
pub(crate) mod blend;
pub(crate) mod convert;
pub(crate) mod fit;
#[cfg(feature = "gpu-compose")]
pub mod gpu;
pub(crate) mod output;
mod rows;
pub(crate) mod scale;
mod taps;

use crate::PictureMut;
use crate::options::{Background, Fit, OutputSize, SessionOptions};
use aligned::AlignedBuffer;
use arch::Isa;
use background::BackgroundRows;
use convert::Row;
use fit::Placement;
use output::Output;
use rows::{BAND_ROWS, RowBands, RowCompositor};
pub(crate) use rows::{CrossfadeSource, Ground, Layers, Moved};
use scale::{RowSource as _, Scaler};

/// An avatar's picture as the compositor knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Picture {
    /// Width and height.
    pub(crate) size: (usize, usize),
    /// The avatar's own background, if it was keyed.
    pub(crate) keyed_over: Option<[u8; 3]>,
}

/// One session's compositor.
#[derive(Debug)]
pub(crate) struct Composer {
    isa: Isa,
    compositor: RowCompositor,
    /// A band's rows, and their alpha if the avatar was keyed.
    rgb: AlignedBuffer<u8>,
    alpha: Option<AlignedBuffer<u8>>,
    size: (usize, usize),
    fitted: Fitted,
    output: Output,
    /// The picture at the avatar's size, RGB; empty until it is asked for.
    #[cfg(feature = "gpu-compose")]
    whole: Vec<u8>,
}

/// How the picture is fitted into the output.
#[derive(Debug)]
enum Fitted {
    /// It has the output's size.
    AsItIs,
    Cropped(Crop),
    Scaled(Box<Scaler>),
}

/// A part of the picture, at its own scale.
#[derive(Debug)]
struct Crop {
    placement: Placement,
    /// Two rows of the output.
    rgb: [Vec<u8>; 2],
    alpha: [Vec<u8>; 2],
}

impl Composer {
    /// For pictures of an avatar, as `options` ask for them.
    pub(crate) fn new(isa: Isa, picture: Picture, options: &SessionOptions) -> Self {
        let (width, height) = picture.size;
        let own = OutputSize { width, height };
        let placement = Placement::new(
            picture.size,
            options.output_size.unwrap_or(own),
            options.fit,
        );
        let mut bars = options.letterbox;
        let is_keyed = picture.keyed_over.is_some();
        let background = match (&options.background, picture.keyed_over) {
            (None, None) => None,
            (None, Some(color)) => Some(BackgroundRows::plain(&placement, color, bars)),
            // Behind an opaque picture, only the bars show.
            (Some(Background::Color(color)), None) => {
                bars = *color;
                None
            }
            (Some(Background::Color(color)), Some(_)) => {
                Some(BackgroundRows::plain(&placement, *color, *color))
            }
            (Some(Background::Image(image)), _) if is_keyed || placement.has_bars() => {
                Some(background_image::image_rows(isa, &placement, image))
            }
            (Some(Background::Image(_)), _) => None,
        };
        let output = placement.output;
        let fitted = if (output.width, output.height) == picture.size {
            Fitted::AsItIs
        } else if matches!(options.fit, Fit::Crop { .. }) {
            Fitted::Cropped(Crop::new(placement, is_keyed))
        } else {
            let has_alpha = background.is_some();
            let scaler = Scaler::new(picture.size, placement, bars, has_alpha);
            Fitted::Scaled(Box::new(scaler))
        };
        let band = BAND_ROWS.min(height) * width;
        Self {
            isa,
            compositor: RowCompositor::new(isa, picture.size),
            rgb: AlignedBuffer::new(3 * band),
            alpha: is_keyed.then(|| AlignedBuffer::new(band)),
            size: (output.width, output.height),
            fitted,
            output: match background {
                None => Output::opaque(options.yuv),
                Some(rows) => Output::over(options.yuv, rows, options.background.is_none()),
            },
            #[cfg(feature = "gpu-compose")]
            whole: Vec::new(),
        }
    }

    /// Size of the finished pictures.
    pub(crate) fn output_size(&self) -> (usize, usize) {
        self.size
    }

    /// Composes one picture into `out`, which has the output's size.
    pub(crate) fn compose(&mut self, layers: &Layers<'_>, out: &mut PictureMut<'_>) {
        let isa = self.isa;
        let mut bands = RowBands {
            compositor: &mut self.compositor,
            layers,
            rgb: self.rgb.as_mut_slice(),
            alpha: self.alpha.as_mut().map(AlignedBuffer::as_mut_slice),
            rows: 0..0,
        };
        match &mut self.fitted {
            Fitted::AsItIs => {
                for y in (0..self.size.1).step_by(2) {
                    self.output.put(isa, y, bands.row_pair(y), out);
                }
            }
            Fitted::Cropped(crop) => crop.apply(isa, &mut bands, &mut self.output, out),
            Fitted::Scaled(scaler) => {
                scaler.apply(isa, &mut bands, &mut self.output, out);
            }
        }
    }

    /// Composes one picture at the avatar's size: packed RGB.
    #[cfg(feature = "gpu-compose")]
    pub(crate) fn draw(&mut self, layers: &Layers<'_>) -> &[u8] {
        let (width, height) = self.compositor.size();
        self.whole.resize(3 * width * height, 0);
        let bands = self.whole.chunks_mut(3 * width * BAND_ROWS);
        for (band, rgb) in bands.enumerate() {
            let rows = band * BAND_ROWS..(band * BAND_ROWS + BAND_ROWS).min(height);
            self.compositor.compose(layers, rows, rgb);
        }
        &self.whole
    }
}

impl Crop {
    fn new(placement: Placement, is_keyed: bool) -> Self {
        let width = placement.output.width;
        let alpha = vec![0; if is_keyed { width } else { 0 }];
        Self {
            placement,
            rgb: [vec![0; 3 * width], vec![0; 3 * width]],
            alpha: [alpha.clone(), alpha],
        }
    }

    fn apply(
        &mut self,
        isa: Isa,
        bands: &mut RowBands<'_>,
        output: &mut Output,
        out: &mut PictureMut<'_>,
    ) {
        let ((left, top), size) = (self.placement.offset, self.placement.output);
        for y in (0..size.height).step_by(2) {
            let rows = y..(y + 2).min(size.height);
            for (place, y) in rows.clone().enumerate() {
                let row = bands.row(top + y);
                self.rgb[place].copy_from_slice(&row.rgb[3 * left..][..3 * size.width]);
                if let Some(alpha) = row.alpha {
                    self.alpha[place].copy_from_slice(&alpha[left..][..size.width]);
                }
            }
            let row = |place: usize| Row {
                rgb: &self.rgb[place],
                alpha: Some(&*self.alpha[place]).filter(|alpha| !alpha.is_empty()),
            };
            let bottom = (rows.len() == 2).then(|| row(1));
            output.put(isa, y, (row(0), bottom), out);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::Arc;

    use super::base::BaseFrame;
    use super::blend::Patch;
    use super::*;
    use crate::PixelFormat;
    use crate::geometry::Affine;

    const SIZE: (usize, usize) = (32, 24);
    const ALONE: Affine = Affine {
        a: 1.0,
        b: 0.0,
        c: 10.0,
        d: 0.0,
        e: 1.0,
        f: 8.0,
    };

    /// A crossfade mixes every level of two base frames by weight, and leaves the mouth as it is.
    #[test]
    fn base_frames_crossfade_and_the_mouth_stays() {
        let grey = |level: u8| Arc::new(BaseFrame::new(&vec![level; 3 * SIZE.0 * SIZE.1], SIZE));
        let (to, from) = (grey(10), grey(210));
        let mut patch = Patch::new(8);
        patch.set(Isa::best(), &[1.0; 4 * 64], 1.0);
        let picture = Picture {
            size: SIZE,
            keyed_over: None,
        };
        let mut composer = Composer::new(Isa::best(), picture, &SessionOptions::default());
        for weight in [64, 128, 192] {
            let layers = Layers {
                base: Ground::Frame(&to),
                moved: None,
                patch: Some((&patch, &ALONE)),
                crossfade: Some(CrossfadeSource {
                    base: &from,
                    moved: None,
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

    /// A crossfade of two mattes, the old one transparent and the new one opaque.
    #[test]
    fn mattes_crossfade_too() {
        let keyed = |level: u8| {
            let mut frame = BaseFrame::new(&vec![90; 3 * SIZE.0 * SIZE.1], SIZE);
            frame.set_matte(&vec![level; SIZE.0 * SIZE.1]);
            Arc::new(frame)
        };
        let (to, from) = (keyed(244), keyed(12));
        let picture = Picture {
            size: SIZE,
            keyed_over: Some([0; 3]),
        };
        let mut composer = Composer::new(Isa::best(), picture, &SessionOptions::default());
        for weight in [64, 128, 192] {
            let layers = Layers {
                base: Ground::Frame(&to),
                moved: None,
                patch: None,
                crossfade: Some(CrossfadeSource {
                    base: &from,
                    moved: None,
                    affine: &ALONE,
                    weight,
                }),
            };
            let mut bytes = vec![0; PixelFormat::Rgba8.buffer_len(SIZE.0, SIZE.1)];
            let mut out = PictureMut::packed(PixelFormat::Rgba8, SIZE, &mut bytes).unwrap();
            composer.compose(&layers, &mut out);
            let alpha = ((255 * (256 - u32::from(weight)) + 128) >> 8) as u8;
            assert!(
                bytes
                    .as_chunks()
                    .0
                    .iter()
                    .all(|pixel| *pixel == [90, 90, 90, alpha])
            );
        }
    }
}
