//! Rows of RGB into rows of the callers' formats.

use super::{Isa, Kind, kernel};
use crate::compose::aligned::LINE;

/// RGB to BGR. The row may begin anywhere; all but its first pixels are stored by whole lines of the
/// cache.
pub(crate) fn swap_rb(isa: Isa, rgb: &[u8], out: &mut [u8]) {
    let first = match isa.wide_stores() {
        true => pixels_to_line(out.as_ptr().addr()).min(out.len() / 3),
        false => 0,
    };
    let (rgb, out) = (rgb.split_at(3 * first), out.split_at_mut(3 * first));
    swap_rb_of(isa, rgb.0, out.0);
    swap_rb_of(isa, rgb.1, out.1);
}

/// Pixels of three bytes from an address to the next that begins a line.
fn pixels_to_line(address: usize) -> usize {
    // 43 · 3 = 129 = 2 · 64 + 1.
    43 * (address.wrapping_neg() % LINE) % LINE
}

kernel! {
    fn swap_rb_of(rgb: &[u8], out: &mut [u8]) {
        for (out, rgb) in out.as_chunks_mut::<3>().0.iter_mut().zip(rgb.as_chunks::<3>().0) {
            *out = [rgb[2], rgb[1], rgb[0]];
        }
    }
}

kernel! {
    /// RGB to RGBA, opaque.
    pub(crate) fn widen(rgb: &[u8], out: &mut [u8]) {
        for (out, rgb) in out.as_chunks_mut::<4>().0.iter_mut().zip(rgb.as_chunks::<3>().0) {
            *out = [rgb[0], rgb[1], rgb[2], 255];
        }
    }
}

kernel! {
    /// RGB to BGRA, opaque.
    pub(crate) fn widen_swapped(rgb: &[u8], out: &mut [u8]) {
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
