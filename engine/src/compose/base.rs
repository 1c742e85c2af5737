//! Base frames: JPEG in the file, YCbCr in a cache that all sessions of the avatar share.
//!
//! A loop reads the frames in a circle. Evicting the least recently used frame would evict every
//! frame just before it comes round again. So decoded frames stay, up to the byte budget; frames
//! beyond it are decoded each time.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::aligned::AlignedBuffer;
use super::arch::{self, Isa, Ycbcr};
use crate::{Error, ErrorKind, Result};

/// The cache of one avatar's decoded frames.
#[derive(Debug)]
pub(crate) struct BaseFrames {
    width: usize,
    height: usize,
    /// Frames that the budget still has room for.
    budget: AtomicUsize,
    has_matte: bool,
    cached: Vec<OnceLock<Arc<BaseFrame>>>,
}

impl BaseFrames {
    /// A cache for `count` frames. Every frame of a keyed avatar comes with its matte.
    pub(crate) fn new(
        count: usize,
        (width, height): (usize, usize),
        has_matte: bool,
        budget_bytes: usize,
    ) -> Self {
        let matte = if has_matte { width * height } else { 0 };
        let bytes = BaseFrame::bytes((width, height)) + matte;
        Self {
            width,
            height,
            budget: AtomicUsize::new(budget_bytes / bytes),
            has_matte,
            cached: (0..count).map(|_| OnceLock::new()).collect(),
        }
    }

    /// Frame `index`, decoded from `jpeg` and `matte` unless it is in the cache.
    pub(crate) fn get(
        &self,
        index: usize,
        jpeg: &[u8],
        matte: Option<&[u8]>,
    ) -> Result<Arc<BaseFrame>> {
        let slot = &self.cached[index];
        if let Some(frame) = slot.get() {
            return Ok(Arc::clone(frame));
        }
        let frame = Arc::new(self.decode(index, jpeg, matte)?);
        let claimed = self
            .budget
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            })
            .is_ok();
        if claimed && slot.set(Arc::clone(&frame)).is_err() {
            // Another session has cached the same frame and paid for it.
            self.budget.fetch_add(1, Ordering::Relaxed);
        }
        Ok(frame)
    }

    /// Decodes frame `index` from `jpeg` and `matte`.
    pub(crate) fn decode(
        &self,
        index: usize,
        jpeg: &[u8],
        matte: Option<&[u8]>,
    ) -> Result<BaseFrame> {
        let damaged = |what: &str, problem: String| {
            Error::new(
                ErrorKind::InvalidAvatar,
                format!("{what} {index}: {problem}"),
            )
        };
        let rgb = self.decode_jpeg(jpeg, ColorSpace::RGB);
        let rgb = rgb.map_err(|problem| damaged("base frame", problem))?;
        let mut frame = BaseFrame::new(&rgb, (self.width, self.height));
        if let Some(matte) = matte.filter(|_| self.has_matte) {
            let matte = self.decode_jpeg(matte, ColorSpace::Luma);
            let matte = matte.map_err(|problem| damaged("the matte of base frame", problem))?;
            frame.set_matte(&matte);
        }
        Ok(frame)
    }

    /// The levels of a JPEG image of the frames' size.
    fn decode_jpeg(&self, jpeg: &[u8], color: ColorSpace) -> std::result::Result<Vec<u8>, String> {
        let options = DecoderOptions::default()
            .jpeg_set_out_colorspace(color)
            .set_max_width(self.width)
            .set_max_height(self.height)
            .set_strict_mode(true);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
        decoder.decode_headers().map_err(|e| format!("{e:?}"))?;
        let size = decoder.dimensions().unwrap_or_default();
        if size != (self.width, self.height) {
            return Err(format!(
                "{}×{} pixels, the manifest says {}×{}",
                size.0, size.1, self.width, self.height
            ));
        }
        let levels = decoder.decode().map_err(|e| format!("{e:?}"))?;
        let channels = if color == ColorSpace::Luma { 1 } else { 3 };
        if levels.len() != self.width * self.height * channels {
            return Err(format!("not a picture of {channels} channels"));
        }
        Ok(levels)
    }
}

/// How base frames are stored.
const STORED: Ycbcr = Ycbcr::Bt601Full;

/// A picture in half the memory of RGB: 4:2:0, full-range BT.601 (as JPEG), Y for each pixel, Cb and
/// Cr for each 2 × 2.
#[derive(Debug)]
pub(crate) struct BaseFrame {
    width: usize,
    height: usize,
    /// The planes of Y, Cb and Cr, one behind the other.
    planes: AlignedBuffer<u8>,
    /// Alpha of every pixel, in an avatar that was keyed.
    matte: Option<AlignedBuffer<u8>>,
}

/// Buffers for rows of upsampled chroma.
#[derive(Debug, Default)]
pub(crate) struct ChromaRows {
    blended: Vec<i16>,
    cb: AlignedBuffer<i16>,
    cr: AlignedBuffer<i16>,
}

impl BaseFrame {
    /// Bytes that a frame of this size takes.
    fn bytes((width, height): (usize, usize)) -> usize {
        width * height + 2 * width.div_ceil(2) * height.div_ceil(2)
    }

    /// Converts packed RGB.
    pub(crate) fn new(rgb: &[u8], (width, height): (usize, usize)) -> Self {
        let isa = Isa::best();
        let columns = width.div_ceil(2);
        let mut planes = AlignedBuffer::new(Self::bytes((width, height)));
        let (luma, chroma) = planes.as_mut_slice().split_at_mut(width * height);
        let (cb, cr) = chroma.split_at_mut(columns * height.div_ceil(2));
        let chroma = cb
            .chunks_exact_mut(columns)
            .zip(cr.chunks_exact_mut(columns));
        let pairs = rgb.chunks(6 * width).zip(luma.chunks_mut(2 * width));
        for ((rgb, luma), (cb, cr)) in pairs.zip(chroma) {
            arch::rgb_to_y(isa, STORED, rgb, luma);
            let (top, bottom) = rgb.split_at(3 * width);
            // A last odd row or column counts twice.
            let bottom = if bottom.is_empty() { top } else { bottom };
            arch::rgb_to_uv(isa, STORED, top, bottom, cb, cr);
            if let (Some(&a), Some(&b)) = (top.last_chunk::<3>(), bottom.last_chunk::<3>())
                && width % 2 == 1
            {
                let sums = [0, 1, 2].map(|c| 2 * (i32::from(a[c]) + i32::from(b[c])));
                [cb[columns - 1], cr[columns - 1]] = STORED.chroma_of_sums(sums);
            }
        }
        Self {
            width,
            height,
            planes,
            matte: None,
        }
    }

    /// Adds a matte as it is stored, of the picture's size.
    pub(crate) fn set_matte(&mut self, stored: &[u8]) {
        let mut matte = AlignedBuffer::new(self.width * self.height);
        matte.as_mut_slice().copy_from_slice(stored);
        arch::matte_to_alpha(Isa::best(), matte.as_mut_slice());
        self.matte = Some(matte);
    }

    /// Alpha of some rows, in an avatar that was keyed.
    pub(crate) fn alpha(&self, rows: Range<usize>) -> Option<&[u8]> {
        let matte = self.matte.as_ref()?;
        Some(&matte[self.width * rows.start..self.width * rows.end])
    }

    /// Writes some rows of the picture as packed RGB.
    ///
    /// Chroma lies in the middle of its four pixels. It is upsampled by weights of 3 : 1 between
    /// neighbours in either direction.
    pub(crate) fn write_rgb(
        &self,
        isa: Isa,
        chroma: &mut ChromaRows,
        rows: Range<usize>,
        rgb: &mut [u8],
    ) {
        let (width, columns) = (self.width, self.width.div_ceil(2));
        let pairs = self.height.div_ceil(2);
        let (luma, planes) = self.planes.split_at(width * self.height);
        let (cb_plane, cr_plane) = planes.split_at(columns * pairs);
        let luma = &luma[width * rows.start..width * rows.end];
        chroma.blended.resize(columns + 2, 0);
        let blended = chroma.blended.as_mut_slice();
        let (cb, cr) = (chroma.cb.at_least(width), chroma.cr.at_least(width));
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
            for (plane, out) in [(cb_plane, &mut *cb), (cr_plane, &mut *cr)] {
                let row = |y: usize| &plane[y * columns..][..columns];
                arch::upsample_chroma(isa, row(near), row(far), blended, out);
            }
            arch::ycc_to_rgb(isa, luma, cb, cr, rgb);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::arch::tests::Random;

    fn round_trip(rgb: &[u8], size: (usize, usize), isa: Isa) -> Vec<u8> {
        let mut out = vec![0; rgb.len()];
        let frame = BaseFrame::new(rgb, size);
        frame.write_rgb(isa, &mut ChromaRows::default(), 0..size.1, &mut out);
        out
    }

    /// Plain colors come back within rounding, at odd sizes too.
    #[test]
    fn plain_colors_come_back() {
        let mut random = Random(8);
        for round in 0..=255u8 {
            let size = (random.below(9) + 1, random.below(9) + 1);
            let mut color = [0; 3].map(|_: u8| random.below(256) as u8);
            if round < 8 {
                color = [round & 1, round >> 1 & 1, round >> 2].map(|bit| bit * 255);
            }
            let made = round_trip(&color.repeat(size.0 * size.1), size, Isa::best());
            for pixel in made.as_chunks::<3>().0 {
                let worst = pixel.iter().zip(color).map(|(a, b)| a.abs_diff(b)).max();
                assert!(worst <= Some(2), "{color:?} became {pixel:?} at {size:?}");
            }
        }
    }

    /// A grey picture keeps every edge; a gradient of color keeps its place.
    #[test]
    fn edges_of_light_and_gradients_of_color_stay() {
        let size = (62, 31);
        let mut random = Random(9);
        let greys: Vec<u8> = random.bytes(size.0 * size.1);
        let rgb: Vec<u8> = greys.iter().flat_map(|&grey| [grey; 3]).collect();
        assert_eq!(round_trip(&rgb, size, Isa::best()), rgb);
        let gradient: Vec<u8> = (0..size.0 * size.1)
            .flat_map(|i| {
                let (x, y) = ((i % size.0) as u8, (i / size.0) as u8);
                [4 * x, 128, 8 * y]
            })
            .collect();
        let made = round_trip(&gradient, size, Isa::best());
        for (i, (made, wanted)) in made.iter().zip(&gradient).enumerate() {
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
            let wanted = round_trip(&rgb, size, Isa::PORTABLE);
            for isa in Isa::all() {
                assert!(round_trip(&rgb, size, isa) == wanted, "{isa:?}, {size:?}");
            }
        }
    }
}
