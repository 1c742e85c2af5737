//! Color: RGB to the callers' formats, base frames to YCbCr and back.
//!
//! Y, Cb and Cr follow from R, G and B by the weights of ITU-R BT.601-7 and BT.709-6 (Kr 0.299 and
//! 0.2126, Kb 0.114 and 0.0722): Y = Kr R + (1 - Kr - Kb) G + Kb B, Cb = (B - Y) / (2 - 2 Kb), Cr =
//! (R - Y) / (2 - 2 Kr). Limited range maps Y to 16..235 and chroma to 16..240, full range to 0..255
//! (JFIF 1.02, section 7). Weights have 16 bits of fraction and are rounded so that those of Y add up
//! to the range and those of chroma to zero: grey stays grey.

/// A color matrix and a range.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ycbcr {
    Bt601Limited,
    Bt601Full,
    Bt709Limited,
    Bt709Full,
}

/// Weights of R, G and B with 16 bits of fraction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weights {
    pub(crate) y: [i32; 3],
    /// Black, and a half.
    pub(crate) y_offset: i32,
    pub(crate) cb: [i32; 3],
    pub(crate) cr: [i32; 3],
    /// 128 and a half with 18 bits of fraction, for sums of four pixels.
    pub(crate) middle: i32,
}

/// Fraction bits of a sum of four weighted pixels.
const SUM_BITS: u32 = 18;
const HALF: i32 = 1 << 15;
const MIDDLE: i32 = (128 << SUM_BITS) + (1 << (SUM_BITS - 1));

impl Ycbcr {
    pub(crate) const fn weights(self) -> Weights {
        // In full range, the largest chroma is 255.5: rounded down, it stays a byte.
        let (y, y_offset, cb, cr, middle) = match self {
            Self::Bt601Limited => (
                [16_829, 33_039, 6_416],
                (16 << 16) + HALF,
                [-9_714, -19_071, 28_785],
                [28_785, -24_103, -4_682],
                MIDDLE,
            ),
            Self::Bt601Full => (
                [19_595, 38_470, 7_471],
                HALF,
                [-11_059, -21_709, 32_768],
                [32_768, -27_439, -5_329],
                MIDDLE - 1,
            ),
            Self::Bt709Limited => (
                [11_966, 40_255, 4_064],
                (16 << 16) + HALF,
                [-6_596, -22_189, 28_785],
                [28_785, -26_145, -2_640],
                MIDDLE,
            ),
            Self::Bt709Full => (
                [13_933, 46_871, 4_732],
                HALF,
                [-7_509, -25_259, 32_768],
                [32_768, -29_763, -3_005],
                MIDDLE - 1,
            ),
        };
        Weights {
            y,
            y_offset,
            cb,
            cr,
            middle,
        }
    }

    /// Cb and Cr of the sums of four pixels' R, G and B.
    pub(crate) const fn chroma_of_sums(self, sums: [i32; 3]) -> [u8; 2] {
        chroma(&self.weights(), sums)
    }
}

#[inline(always)]
const fn chroma(weights: &Weights, [r, g, b]: [i32; 3]) -> [u8; 2] {
    let Weights { cb, cr, middle, .. } = *weights;
    let blue = (cb[0] * r + cb[1] * g + cb[2] * b + middle) >> SUM_BITS;
    let red = (cr[0] * r + cr[1] * g + cr[2] * b + middle) >> SUM_BITS;
    [blue as u8, red as u8]
}

/// Calls a function with the weights of a standard as constants: the compiler multiplies by these in
/// fewer instructions than by variables.
macro_rules! with_constant_weights {
    ($standard:expr, $function:ident($($argument:expr),*)) => {
        match $standard {
            Ycbcr::Bt601Limited => $function(&const { Ycbcr::Bt601Limited.weights() }, $($argument),*),
            Ycbcr::Bt601Full => $function(&const { Ycbcr::Bt601Full.weights() }, $($argument),*),
            Ycbcr::Bt709Limited => $function(&const { Ycbcr::Bt709Limited.weights() }, $($argument),*),
            Ycbcr::Bt709Full => $function(&const { Ycbcr::Bt709Full.weights() }, $($argument),*),
        }
    };
}

#[inline(always)]
pub(crate) fn rgb_to_bgr(rgb: &[u8], out: &mut [u8]) {
    for (out, rgb) in out
        .as_chunks_mut::<3>()
        .0
        .iter_mut()
        .zip(rgb.as_chunks::<3>().0)
    {
        *out = [rgb[2], rgb[1], rgb[0]];
    }
}

#[inline(always)]
pub(crate) fn rgb_to_rgba(rgb: &[u8], out: &mut [u8]) {
    for (out, rgb) in out
        .as_chunks_mut::<4>()
        .0
        .iter_mut()
        .zip(rgb.as_chunks::<3>().0)
    {
        *out = [rgb[0], rgb[1], rgb[2], 255];
    }
}

#[inline(always)]
pub(crate) fn rgb_to_bgra(rgb: &[u8], out: &mut [u8]) {
    for (out, rgb) in out
        .as_chunks_mut::<4>()
        .0
        .iter_mut()
        .zip(rgb.as_chunks::<3>().0)
    {
        *out = [rgb[2], rgb[1], rgb[0], 255];
    }
}

#[inline(always)]
pub(crate) fn rgb_and_alpha_to_rgba(rgb: &[u8], alpha: &[u8], out: &mut [u8]) {
    let pixels = rgb.as_chunks::<3>().0.iter().zip(alpha);
    for (out, (rgb, &alpha)) in out.as_chunks_mut::<4>().0.iter_mut().zip(pixels) {
        *out = [rgb[0], rgb[1], rgb[2], alpha];
    }
}

#[inline(always)]
pub(crate) fn rgb_and_alpha_to_bgra(rgb: &[u8], alpha: &[u8], out: &mut [u8]) {
    let pixels = rgb.as_chunks::<3>().0.iter().zip(alpha);
    for (out, (rgb, &alpha)) in out.as_chunks_mut::<4>().0.iter_mut().zip(pixels) {
        *out = [rgb[2], rgb[1], rgb[0], alpha];
    }
}

#[inline(always)]
pub(crate) fn rgb_to_y(standard: Ycbcr, rgb: &[u8], out: &mut [u8]) {
    with_constant_weights!(standard, y_row(rgb, out));
}

#[inline(always)]
fn y_row(weights: &Weights, rgb: &[u8], out: &mut [u8]) {
    let ([red, green, blue], offset) = (weights.y, weights.y_offset);
    for (y, rgb) in out.iter_mut().zip(rgb.as_chunks::<3>().0) {
        let [r, g, b] = rgb.map(i32::from);
        *y = ((red * r + green * g + blue * b + offset) >> 16) as u8;
    }
}

#[inline(always)]
pub(crate) fn rgb_to_uv(standard: Ycbcr, top: &[u8], bottom: &[u8], u: &mut [u8], v: &mut [u8]) {
    with_constant_weights!(standard, uv_rows(top, bottom, u, v));
}

#[inline(always)]
fn uv_rows(weights: &Weights, top: &[u8], bottom: &[u8], u: &mut [u8], v: &mut [u8]) {
    let pairs = top.as_chunks::<6>().0.iter().zip(bottom.as_chunks::<6>().0);
    for (((t, b), u), v) in pairs.zip(u).zip(v) {
        [*u, *v] = chroma(weights, sums(t, b));
    }
}

#[inline(always)]
pub(crate) fn rgb_to_uv_interleaved(standard: Ycbcr, top: &[u8], bottom: &[u8], out: &mut [u8]) {
    with_constant_weights!(standard, uv_row(top, bottom, out));
}

#[inline(always)]
fn uv_row(weights: &Weights, top: &[u8], bottom: &[u8], out: &mut [u8]) {
    let pairs = top.as_chunks::<6>().0.iter().zip(bottom.as_chunks::<6>().0);
    for ((t, b), out) in pairs.zip(out.as_chunks_mut::<2>().0) {
        *out = chroma(weights, sums(t, b));
    }
}

/// Sums of R, G and B of a square of four pixels.
#[inline(always)]
fn sums(t: &[u8; 6], b: &[u8; 6]) -> [i32; 3] {
    let sum =
        |i: usize| i32::from(t[i]) + i32::from(t[i + 3]) + i32::from(b[i]) + i32::from(b[i + 3]);
    [sum(0), sum(1), sum(2)]
}

/// Blends a row of chroma with the row beyond it, 3 : 1, and doubles its width, in sixteenths.
/// `blended` is a buffer with one element more at either end.
#[inline(always)]
pub(crate) fn upsample_chroma(near: &[u8], far: &[u8], blended: &mut [i16], out: &mut [i16]) {
    let columns = near.len();
    for (blended, (&near, &far)) in blended[1..].iter_mut().zip(near.iter().zip(far)) {
        *blended = 3 * i16::from(near) + i16::from(far);
    }
    blended[0] = blended[1];
    blended[columns + 1] = blended[columns];
    let (left, right) = (&blended[..columns], &blended[2..columns + 2]);
    let here = &blended[1..columns + 1];
    let pairs = out.as_chunks_mut::<2>().0.iter_mut();
    for (out, (&here, (&left, &right))) in pairs.zip(here.iter().zip(left.iter().zip(right))) {
        *out = [3 * here + left, 3 * here + right];
    }
    // An odd width: the last chroma belongs to one column.
    if out.len() % 2 == 1
        && let Some(last) = out.last_mut()
    {
        *last = 3 * blended[columns] + blended[columns - 1];
    }
}

/// The inverse of full-range BT.601, with 14 bits of fraction. Cb and Cr are in sixteenths.
#[inline(always)]
pub(crate) fn ycc_to_rgb(y: &[u8], cb: &[i16], cr: &[i16], rgb: &mut [u8]) {
    let chroma = cb.iter().zip(cr);
    let pixels = rgb.as_chunks_mut::<3>().0.iter_mut().zip(y);
    for ((rgb, &y), (&cb, &cr)) in pixels.zip(chroma) {
        // Everything is in sixteenths and in 16 bits; the upper half of a product is one instruction.
        let (cb, cr) = (4 * (cb - 2048), 4 * (cr - 2048));
        let part = |x: i16, weight: i32| ((i32::from(x) * weight) >> 16) as i16;
        let y = 16 * i16::from(y) + 8;
        let level = |sum: i16| (sum >> 4).clamp(0, 255) as u8;
        *rgb = [
            level(y + part(cr, 22_970)),
            level(y - part(cb, 5_638) - part(cr, 11_700)),
            level(y + part(cb, 29_032)),
        ];
    }
}

/// The levels of a stored matte from which on it is transparent or opaque. Wholly transparent and
/// opaque pixels are stored beyond them, so that ringing of the JPEG is clipped.
const TRANSPARENT: u16 = 24;
const OPAQUE: u16 = 232;

/// Alpha from a stored matte: 24 and less is 0, 232 and more is 255, rounded to the nearest between.
#[inline(always)]
pub(crate) fn matte_to_alpha(matte: &mut [u8]) {
    for level in matte {
        let above = u16::from(*level).clamp(TRANSPARENT, OPAQUE) - TRANSPARENT;
        *level = ((above * 255 + (OPAQUE - TRANSPARENT) / 2) / (OPAQUE - TRANSPARENT)) as u8;
    }
}
