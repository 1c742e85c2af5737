//! Base frames: JPEG in the file, YCbCr in a cache that all sessions of the avatar share.
//!
//! A loop of frames is read in a circle, where throwing out the longest unused frame would throw
//! out every frame just before it comes round again. So frames that have been decoded stay, up to
//! the byte budget; frames beyond it are decoded each time.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::aligned::Aligned;
use super::arch::{self, Isa};
use crate::{Error, ErrorKind, Result};

/// Decoded frames of one avatar.
#[derive(Debug)]
pub(crate) struct BaseFrames {
    width: usize,
    height: usize,
    /// Frames that may still be kept.
    budget: AtomicUsize,
    kept: Vec<OnceLock<Arc<BaseFrame>>>,
}

impl BaseFrames {
    pub(crate) fn new(count: usize, (width, height): (usize, usize), budget_bytes: usize) -> Self {
        Self {
            width,
            height,
            budget: AtomicUsize::new(budget_bytes / BaseFrame::bytes((width, height))),
            kept: (0..count).map(|_| OnceLock::new()).collect(),
        }
    }

    /// Frame `index`, decoded from `jpeg` where it is not at hand.
    pub(crate) fn get(&self, index: usize, jpeg: &[u8]) -> Result<Arc<BaseFrame>> {
        let slot = &self.kept[index];
        if let Some(frame) = slot.get() {
            return Ok(Arc::clone(frame));
        }
        let frame = Arc::new(self.decode(index, jpeg)?);
        let claimed = self
            .budget
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            })
            .is_ok();
        if claimed && slot.set(Arc::clone(&frame)).is_err() {
            // Another session was faster with the same frame: it has paid for it.
            self.budget.fetch_add(1, Ordering::Relaxed);
        }
        Ok(frame)
    }

    /// Frame `index` from `jpeg`.
    pub(crate) fn decode(&self, index: usize, jpeg: &[u8]) -> Result<BaseFrame> {
        let damaged = |problem: String| {
            Error::new(
                ErrorKind::InvalidAvatar,
                format!("base frame {index}: {problem}"),
            )
        };
        let options = DecoderOptions::default()
            .jpeg_set_out_colorspace(ColorSpace::RGB)
            .set_max_width(self.width)
            .set_max_height(self.height)
            .set_strict_mode(true);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
        decoder
            .decode_headers()
            .map_err(|e| damaged(format!("{e:?}")))?;
        let size = decoder.dimensions().unwrap_or_default();
        if size != (self.width, self.height) {
            return Err(damaged(format!(
                "{}×{} pixels, the manifest says {}×{}",
                size.0, size.1, self.width, self.height
            )));
        }
        let rgb = decoder.decode().map_err(|e| damaged(format!("{e:?}")))?;
        if rgb.len() != self.width * self.height * 3 {
            return Err(damaged("not a colour picture".to_owned()));
        }
        Ok(BaseFrame::new(&rgb, size))
    }
}

/// A picture in half the memory of RGB: full-range Y for each pixel, Cb and Cr for each 2 × 2.
#[derive(Debug)]
pub(crate) struct BaseFrame {
    width: usize,
    height: usize,
    /// The planes of Y, Cb and Cr, one behind the other.
    planes: Aligned<u8>,
}

/// Rows of chroma on the way to RGB, used again and again.
#[derive(Debug, Default)]
pub(crate) struct Chroma {
    mixed: Vec<i16>,
    blue: Aligned<i16>,
    red: Aligned<i16>,
}

impl BaseFrame {
    /// Bytes that a frame of this size takes.
    fn bytes((width, height): (usize, usize)) -> usize {
        width * height + 2 * width.div_ceil(2) * height.div_ceil(2)
    }

    /// From packed RGB.
    pub(crate) fn new(rgb: &[u8], (width, height): (usize, usize)) -> Self {
        let isa = Isa::best();
        let columns = width.div_ceil(2);
        let mut planes = Aligned::new(Self::bytes((width, height)));
        let (luma, chroma) = planes.all().split_at_mut(width * height);
        let (blue, red) = chroma.split_at_mut(columns * height.div_ceil(2));
        let chroma = blue
            .chunks_exact_mut(columns)
            .zip(red.chunks_exact_mut(columns));
        let pairs = rgb.chunks(6 * width).zip(luma.chunks_mut(2 * width));
        for ((rgb, luma), (blue, red)) in pairs.zip(chroma) {
            arch::full_luma(isa, rgb, luma);
            let (top, bottom) = rgb.split_at(3 * width);
            // A last odd row or column counts twice.
            let bottom = if bottom.is_empty() { top } else { bottom };
            arch::full_chroma(isa, top, bottom, blue, red);
            if let (Some(&a), Some(&b)) = (top.last_chunk::<3>(), bottom.last_chunk::<3>())
                && width % 2 == 1
            {
                let sums = [0, 1, 2].map(|c| 2 * (i32::from(a[c]) + i32::from(b[c])));
                (blue[columns - 1], red[columns - 1]) = arch::chroma_of(sums);
            }
        }
        Self {
            width,
            height,
            planes,
        }
    }

    /// Writes some rows of the picture as packed RGB.
    pub(crate) fn expand(&self, isa: Isa, chroma: &mut Chroma, rows: Range<usize>, rgb: &mut [u8]) {
        let (width, columns) = (self.width, self.width.div_ceil(2));
        let pairs = self.height.div_ceil(2);
        let (luma, planes) = self.planes.split_at(width * self.height);
        let (blue, red) = planes.split_at(columns * pairs);
        let luma = &luma[width * rows.start..width * rows.end];
        chroma.mixed.resize(columns + 2, 0);
        let mixed = chroma.mixed.as_mut_slice();
        let (cb, cr) = (chroma.blue.first(width), chroma.red.first(width));
        let lines = rgb
            .chunks_exact_mut(3 * width)
            .zip(luma.chunks_exact(width));
        for (y, (rgb, luma)) in rows.zip(lines) {
            let near = y / 2;
            // The upper row of two lies nearer to the chroma above, the lower one to that below.
            let far = match y % 2 {
                0 => near.saturating_sub(1),
                _ => (near + 1).min(pairs - 1),
            };
            for (plane, out) in [(blue, &mut *cb), (red, &mut *cr)] {
                let row = |y: usize| &plane[y * columns..][..columns];
                arch::enlarge(isa, row(near), row(far), mixed, out);
            }
            arch::colours(isa, luma, cb, cr, rgb);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::arch::tests::Random;

    fn there_and_back(rgb: &[u8], size: (usize, usize), isa: Isa) -> Vec<u8> {
        let mut out = vec![0; rgb.len()];
        let frame = BaseFrame::new(rgb, size);
        frame.expand(isa, &mut Chroma::default(), 0..size.1, &mut out);
        out
    }

    /// Plain colours come back within rounding, at odd sizes too.
    #[test]
    fn plain_colours_come_back() {
        let mut random = Random(8);
        for round in 0..=255u8 {
            let size = (random.below(9) + 1, random.below(9) + 1);
            let mut colour = [0; 3].map(|_: u8| random.below(256) as u8);
            if round < 8 {
                colour = [round & 1, round >> 1 & 1, round >> 2].map(|bit| bit * 255);
            }
            let made = there_and_back(&colour.repeat(size.0 * size.1), size, Isa::best());
            for pixel in made.as_chunks::<3>().0 {
                let worst = pixel.iter().zip(colour).map(|(a, b)| a.abs_diff(b)).max();
                assert!(worst <= Some(2), "{colour:?} became {pixel:?} at {size:?}");
            }
        }
    }

    /// A grey picture keeps every edge; a slope of colour keeps its place.
    #[test]
    fn edges_of_light_and_slopes_of_colour_stay() {
        let size = (62, 31);
        let mut random = Random(9);
        let greys: Vec<u8> = random.bytes(size.0 * size.1);
        let rgb: Vec<u8> = greys.iter().flat_map(|&grey| [grey; 3]).collect();
        assert_eq!(there_and_back(&rgb, size, Isa::best()), rgb);
        let slope: Vec<u8> = (0..size.0 * size.1)
            .flat_map(|i| {
                let (x, y) = ((i % size.0) as u8, (i / size.0) as u8);
                [4 * x, 128, 8 * y]
            })
            .collect();
        let made = there_and_back(&slope, size, Isa::best());
        for (i, (made, wanted)) in made.iter().zip(&slope).enumerate() {
            let (x, y) = (i / 3 % size.0, i / 3 / size.0);
            let edge = !(2..60).contains(&x) || !(2..29).contains(&y);
            let tolerance = if edge { 6 } else { 2 };
            assert!(
                made.abs_diff(*wanted) <= tolerance,
                "{x}, {y}: {made} {wanted}"
            );
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_picture() {
        let mut random = Random(10);
        for _ in 0..60 {
            let size = (random.below(150) + 1, random.below(40) + 1);
            let rgb = random.bytes(3 * size.0 * size.1);
            let wanted = there_and_back(&rgb, size, Isa::PORTABLE);
            for isa in Isa::all() {
                assert!(
                    there_and_back(&rgb, size, isa) == wanted,
                    "{isa:?}, {size:?}"
                );
            }
        }
    }
}
