//! The kernels, each chosen by instruction set at run time.

use super::isa::{Isa, kernel};
#[cfg(target_arch = "aarch64")]
use super::neon;
use super::portable::color::{self, Ycbcr};
use super::portable::patch::{self, BLOCK, BLOCK_ROW, CHUNK, SamplingPath};
use super::portable::scale;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};
use crate::compose::aligned::CACHE_LINE;

/// RGB to BGR. `out` may begin anywhere; all but its first pixels are stored by whole cache lines.
pub(crate) fn rgb_to_bgr(isa: Isa, rgb: &[u8], out: &mut [u8]) {
    let first = match isa.has_wide_stores() {
        true => pixels_to_line(out.as_ptr().addr()).min(out.len() / 3),
        false => 0,
    };
    let (rgb, out) = (rgb.split_at(3 * first), out.split_at_mut(3 * first));
    rgb_to_bgr_unaligned(isa, rgb.0, out.0);
    rgb_to_bgr_unaligned(isa, rgb.1, out.1);
}

/// Pixels of three bytes from an address to the next that begins a cache line.
fn pixels_to_line(address: usize) -> usize {
    // 43 · 3 = 129 = 2 · 64 + 1.
    43 * (address.wrapping_neg() % CACHE_LINE) % CACHE_LINE
}

kernel! {
    fn rgb_to_bgr_unaligned(rgb: &[u8], out: &mut [u8]) = color::rgb_to_bgr;
}

kernel! {
    /// RGB to RGBA, opaque.
    pub(crate) fn rgb_to_rgba(rgb: &[u8], out: &mut [u8]) = color::rgb_to_rgba;
}

kernel! {
    /// RGB to BGRA, opaque.
    pub(crate) fn rgb_to_bgra(rgb: &[u8], out: &mut [u8]) = color::rgb_to_bgra;
}

kernel! {
    /// RGB and a row of alpha to RGBA.
    pub(crate) fn rgb_and_alpha_to_rgba(
        rgb: &[u8],
        alpha: &[u8],
        out: &mut [u8],
    ) = color::rgb_and_alpha_to_rgba;
}

kernel! {
    /// RGB and a row of alpha to BGRA.
    pub(crate) fn rgb_and_alpha_to_bgra(
        rgb: &[u8],
        alpha: &[u8],
        out: &mut [u8],
    ) = color::rgb_and_alpha_to_bgra;
}

kernel! {
    /// Y of a row.
    pub(crate) fn rgb_to_y(standard: Ycbcr, rgb: &[u8], out: &mut [u8]) = color::rgb_to_y;
    avx2 avx2::rgb_to_y;
    avx512 avx2::rgb_to_y;
    neon neon::rgb_to_y;
}

kernel! {
    /// U and V of the whole pairs of two rows.
    pub(crate) fn rgb_to_uv(
        standard: Ycbcr,
        top: &[u8],
        bottom: &[u8],
        u: &mut [u8],
        v: &mut [u8],
    ) = color::rgb_to_uv;
    neon neon::rgb_to_uv;
}

kernel! {
    /// U and V of the whole pairs of two rows, in turn.
    pub(crate) fn rgb_to_uv_interleaved(
        standard: Ycbcr,
        top: &[u8],
        bottom: &[u8],
        out: &mut [u8],
    ) = color::rgb_to_uv_interleaved;
    neon neon::rgb_to_uv_interleaved;
}

kernel! {
    /// Blends a row of chroma with the row beyond it, 3 : 1, and doubles its width, in sixteenths.
    /// `blended` is a buffer with one element more at either end.
    pub(crate) fn upsample_chroma(
        near: &[u8],
        far: &[u8],
        blended: &mut [i16],
        out: &mut [i16],
    ) = color::upsample_chroma;
}

kernel! {
    /// A row of RGB from full-range BT.601 Y, and from Cb and Cr in sixteenths.
    pub(crate) fn ycc_to_rgb(y: &[u8], cb: &[i16], cr: &[i16], rgb: &mut [u8]) = color::ycc_to_rgb;
    neon neon::ycc_to_rgb;
}

kernel! {
    /// Alpha from a stored matte, in place.
    pub(crate) fn matte_to_alpha(matte: &mut [u8]) = color::matte_to_alpha;
}

kernel! {
    /// Interpolates bilinearly at `count` positions of `path` in a square patch of `patch.1` pixels a
    /// side: weights of 1/256, rounded to the nearest once. Every position has a neighbour to the
    /// right and below. `out` beyond `count` has no meaning.
    pub(crate) fn sample(
        patch: (&[[u8; 4]], usize),
        path: SamplingPath,
        count: usize,
        out: &mut [[u8; 4]; CHUNK],
    ) = patch::sample;
    avx2 avx2::sample;
    avx512 avx2::sample;
    neon neon::sample;
}

kernel! {
    /// Blends RGBA pixels over RGB ones, rounded to the nearest.
    pub(crate) fn blend(over: &[[u8; 4]; CHUNK], rgb: &mut [u8]) = patch::blend;
    avx2 avx2::blend;
    avx512 avx512::blend;
    neon neon::blend;
}

kernel! {
    /// Quantizes planes of floats in [0, 1] to RGBA, alpha scaled by `opacity`; NaN becomes 0.
    pub(crate) fn quantize(planes: [&[f32]; 4], opacity: f32, out: &mut [[u8; 4]]) = patch::quantize;
}

kernel! {
    /// Crossfades `weight`/256 of one row into another, rounded to the nearest.
    pub(crate) fn crossfade(from: &[u8], weight: u16, into: &mut [u8]) = patch::crossfade;
}

/// Depth to space: a row of blocks `[S/4, 4, 4, 3]` to four rows of RGBA, alpha scaled by
/// `opacity`/256.
pub(crate) fn depth_to_space(
    isa: Isa,
    blocks: &[u8],
    alphas: &[u8],
    opacity: u16,
    out: &mut [[u8; 4]],
) {
    let cells = out.len() / (BLOCK * BLOCK);
    let block_rows = blocks.as_chunks::<BLOCK_ROW>().0;
    let rows = out.chunks_exact_mut(BLOCK * cells);
    for (y, (out, alphas)) in rows.zip(alphas.chunks_exact(BLOCK * cells)).enumerate() {
        let (out, alphas) = (out.as_chunks_mut().0, alphas.as_chunks().0);
        depth_to_space_row(isa, &block_rows[y..], alphas, opacity, out);
    }
}

kernel! {
    fn depth_to_space_row(
        rows: &[[u8; BLOCK_ROW]],
        alphas: &[[u8; BLOCK]],
        opacity: u16,
        out: &mut [[[u8; 4]; BLOCK]],
    ) = patch::depth_to_space_row;
    avx2 avx2::depth_to_space_row;
    avx512 avx512::depth_to_space_row;
    neon neon::depth_to_space_row;
}

kernel! {
    /// Four rows, weighted, into one; all of one length.
    pub(crate) fn resample_vertically(
        rows: [&[u8]; 4],
        weights: [i16; 4],
        out: &mut [u8],
    ) = scale::resample_vertically;
    avx2 avx2::resample_vertically;
    avx512 avx512::resample_vertically;
    neon neon::resample_vertically;
}
