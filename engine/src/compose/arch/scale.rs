//! Scaling: a line of pixels in width, and lines into one in height.

use super::{Isa, Kind};

/// Fraction bits of the weights.
pub(crate) const BITS: u32 = 14;
const HALF: i32 = 1 << (BITS - 1);

/// The pixels of a line that make one pixel of the scaled line, up to four of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FourTaps {
    pub(crate) first: u32,
    /// Those of missing taps are 0.
    pub(crate) weights: [i16; 4],
}

/// The taps of a line, also in the order in which the widest instructions want them.
#[derive(Debug)]
pub(crate) struct Line {
    taps: Vec<FourTaps>,
    /// For whole groups of pixels from the start on.
    #[cfg(target_arch = "x86_64")]
    groups: Vec<super::avx512::Group>,
}

impl Line {
    /// `first` grows from pixel to pixel.
    pub(crate) fn new(taps: Vec<FourTaps>) -> Self {
        Self {
            #[cfg(target_arch = "x86_64")]
            groups: super::avx512::Group::all(&taps),
            taps,
        }
    }
}

/// A line of RGB in another width. `out` is as long as `line`.
#[cfg_attr(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    expect(unsafe_code, reason = "instruction sets that were looked for")
)]
pub(crate) fn columns(isa: Isa, source: &[u8], line: &Line, out: &mut [u8]) {
    match isa.kind() {
        Kind::Portable => columns_from(0, source, &line.taps, out),
        // SAFETY: an `Isa` is only made where the processor has it.
        #[cfg(target_arch = "x86_64")]
        Kind::Avx2 => unsafe { super::x86_64::columns_from(0, source, &line.taps, out) },
        #[cfg(target_arch = "x86_64")]
        Kind::Avx512 => {
            // SAFETY: as above.
            let done = unsafe { super::avx512::columns(source, &line.groups, out) };
            // SAFETY: what has AVX-512 has AVX2.
            unsafe { super::x86_64::columns_from(done, source, &line.taps, out) }
        }
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        Kind::Neon => unsafe { super::neon::columns(source, &line.taps, out) },
    }
}

/// The same from output pixel `start` on.
pub(super) fn columns_from(start: usize, source: &[u8], taps: &[FourTaps], out: &mut [u8]) {
    let out = out.as_chunks_mut::<3>().0.iter_mut().zip(taps).skip(start);
    for (out, taps) in out {
        let from = 3 * taps.first as usize;
        let mut sums = [HALF; 3];
        let pixels = source[from..].as_chunks::<3>().0;
        for (pixel, weight) in pixels.iter().zip(taps.weights) {
            for (sum, &x) in sums.iter_mut().zip(pixel) {
                *sum += i32::from(x) * i32::from(weight);
            }
        }
        *out = sums.map(|sum| (sum >> BITS).clamp(0, 255) as u8);
    }
}

/// Four lines, weighted, into one; all of one length.
#[cfg_attr(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    expect(unsafe_code, reason = "instruction sets that were looked for")
)]
pub(crate) fn rows(isa: Isa, lines: [&[u8]; 4], weights: [i16; 4], out: &mut [u8]) {
    match isa.kind() {
        Kind::Portable => rows_of(lines, weights, out),
        // SAFETY: an `Isa` is only made where the processor has it.
        #[cfg(target_arch = "x86_64")]
        Kind::Avx2 => unsafe { super::x86_64::rows(lines, weights, out) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Kind::Avx512 => unsafe { super::avx512::rows(lines, weights, out) },
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        Kind::Neon => unsafe { super::neon::rows(lines, weights, out) },
    }
}

pub(super) fn rows_of(lines: [&[u8]; 4], weights: [i16; 4], out: &mut [u8]) {
    let [a, b, c, d] = lines;
    let weights = weights.map(i32::from);
    let lines = a.iter().zip(b).zip(c.iter().zip(d));
    for (out, ((&a, &b), (&c, &d))) in out.iter_mut().zip(lines) {
        let sum = HALF
            + i32::from(a) * weights[0]
            + i32::from(b) * weights[1]
            + i32::from(c) * weights[2]
            + i32::from(d) * weights[3];
        *out = (sum >> BITS).clamp(0, 255) as u8;
    }
}
