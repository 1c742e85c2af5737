//! Rows of RGB into rows of the callers' formats.

use super::{Isa, Kind, kernel};
use crate::compose::aligned::LINE;

/// RGB to BGR.
pub(crate) fn swap_rb(isa: Isa, rgb: &[u8], out: &mut [u8]) {
    in_lines(isa, rgb, out.as_chunks_mut::<3>().0, |rgb, out| {
        swap_rb_unaligned(isa, rgb, out.as_flattened_mut());
    });
}

/// RGB to RGBA, opaque.
pub(crate) fn widen(isa: Isa, rgb: &[u8], out: &mut [u8]) {
    in_lines(isa, rgb, out.as_chunks_mut::<4>().0, |rgb, out| {
        widen_unaligned(isa, rgb, out.as_flattened_mut());
    });
}

/// RGB to BGRA, opaque.
pub(crate) fn widen_swapped(isa: Isa, rgb: &[u8], out: &mut [u8]) {
    in_lines(isa, rgb, out.as_chunks_mut::<4>().0, |rgb, out| {
        widen_swapped_unaligned(isa, rgb, out.as_flattened_mut());
    });
}

/// Pixels that are written before the first whole line.
const HEAD: usize = 64;

/// Runs a kernel over a row that begins anywhere, so that most of what it stores fills whole lines of
/// the cache: it is run for the first pixels, and from the first of them that begins a line on.
fn in_lines<const N: usize>(
    isa: Isa,
    rgb: &[u8],
    out: &mut [[u8; N]],
    kernel: impl Fn(&[u8], &mut [[u8; N]]),
) {
    let aligned = match isa.wide_stores() && out.len() >= 4 * HEAD {
        true => pixels_to_line::<N>(out.as_ptr().addr()),
        false => 0,
    };
    if aligned > 0 {
        kernel(&rgb[..3 * HEAD], &mut out[..HEAD]);
    }
    kernel(&rgb[3 * aligned..], &mut out[aligned..]);
}

/// From a pixel of `N` bytes at an address to the next that begins a line; 0 if none does.
fn pixels_to_line<const N: usize>(address: usize) -> usize {
    let missing = address.wrapping_neg() % LINE;
    match N {
        // 43 · 3 = 129 = 2 · 64 + 1.
        3 => 43 * missing % LINE,
        4 if missing.is_multiple_of(4) => missing / 4,
        _ => 0,
    }
}

kernel! {
    fn swap_rb_unaligned(rgb: &[u8], out: &mut [u8]) {
        for (out, rgb) in out.as_chunks_mut::<3>().0.iter_mut().zip(rgb.as_chunks::<3>().0) {
            *out = [rgb[2], rgb[1], rgb[0]];
        }
    }
}

kernel! {
    fn widen_unaligned(rgb: &[u8], out: &mut [u8]) {
        for (out, rgb) in out.as_chunks_mut::<4>().0.iter_mut().zip(rgb.as_chunks::<3>().0) {
            *out = [rgb[0], rgb[1], rgb[2], 255];
        }
    }
}

kernel! {
    fn widen_swapped_unaligned(rgb: &[u8], out: &mut [u8]) {
        for (out, rgb) in out.as_chunks_mut::<4>().0.iter_mut().zip(rgb.as_chunks::<3>().0) {
            *out = [rgb[2], rgb[1], rgb[0], 255];
        }
    }
}

/// Y of a row, 16 bits of fraction.
#[cfg_attr(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    expect(unsafe_code, reason = "instruction sets that were looked for")
)]
pub(crate) fn luma(isa: Isa, rgb: &[u8], out: &mut [u8]) {
    match isa.kind() {
        Kind::Portable => luma_of(rgb, out),
        // SAFETY: an `Isa` is only made where the processor has it.
        #[cfg(target_arch = "x86_64")]
        Kind::Avx2 | Kind::Avx512 => unsafe { super::x86_64::luma(rgb, out) },
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        Kind::Neon => unsafe { super::neon::luma(rgb, out) },
    }
}

pub(super) fn luma_of(rgb: &[u8], out: &mut [u8]) {
    for (y, rgb) in out.iter_mut().zip(rgb.as_chunks::<3>().0) {
        let [r, g, b] = rgb.map(u32::from);
        *y = ((16_829 * r + 33_039 * g + 6_416 * b + (16 << 16) + 0x8000) >> 16) as u8;
    }
}

kernel! {
    /// U and V of the whole pairs of two rows.
    pub(crate) fn chroma(top: &[u8], bottom: &[u8], u: &mut [u8], v: &mut [u8]) {
        let pairs = top.as_chunks::<6>().0.iter().zip(bottom.as_chunks::<6>().0);
        for (((t, b), u), v) in pairs.zip(u).zip(v) {
            (*u, *v) = chroma_of(t, b);
        }
    }
    neon super::neon::chroma
}

kernel! {
    /// The same, U and V in turn.
    pub(crate) fn chroma_in_turn(top: &[u8], bottom: &[u8], out: &mut [u8]) {
        let pairs = top.as_chunks::<6>().0.iter().zip(bottom.as_chunks::<6>().0);
        for ((t, b), out) in pairs.zip(out.as_chunks_mut::<2>().0) {
            (out[0], out[1]) = chroma_of(t, b);
        }
    }
    neon super::neon::chroma_in_turn
}

#[inline(always)]
fn chroma_of(t: &[u8; 6], b: &[u8; 6]) -> (u8, u8) {
    let sum = |i: usize| [t[i], t[i + 3], b[i], b[i + 3]].map(i32::from).iter().sum();
    crate::compose::convert::chroma(sum(0), sum(1), sum(2))
}
