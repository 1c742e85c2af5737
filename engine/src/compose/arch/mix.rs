//! The mouth patch: from the network's floats, sampled, over the base frame.

use super::{Isa, Kind, kernel};

/// Pixels that are sampled at a time.
pub(crate) const CHUNK: usize = 64;

/// A way through a patch, from one pixel of the frame to the next, in 16.16 fixed point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    /// Column and row of the first.
    pub(crate) start: [i32; 2],
    pub(crate) step: [i32; 2],
}

/// Mixes four neighbours bilinearly for each of `count` pixels along `way` through a square of
/// `size`; weights of 1/256, rounded to the nearest once. Every one of them has a neighbour to the
/// right and below. What lies in `out` beyond `count` means nothing.
#[cfg_attr(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    expect(unsafe_code, reason = "instruction sets that were looked for")
)]
pub(crate) fn sample(
    isa: Isa,
    (pixels, size): (&[[u8; 4]], usize),
    way: Way,
    count: usize,
    out: &mut [[u8; 4]; CHUNK],
) {
    match isa.kind() {
        Kind::Portable => sample_of((pixels, size), way, count, out),
        // SAFETY: an `Isa` is only made where the processor has it.
        #[cfg(target_arch = "x86_64")]
        Kind::Avx2 | Kind::Avx512 => unsafe {
            super::x86_64::sample((pixels, size), way, count, out);
        },
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        Kind::Neon => unsafe { super::neon::sample((pixels, size), way, count, out) },
    }
}

fn sample_of(
    (pixels, size): (&[[u8; 4]], usize),
    way: Way,
    count: usize,
    out: &mut [[u8; 4]; CHUNK],
) {
    let [mut u, mut v] = way.start;
    for out in out.iter_mut().take(count) {
        let at = (v >> 16) as usize * size + (u >> 16) as usize;
        let square = pixels.get(at..at + size + 2);
        let (Some([a, b, ..]), Some([.., c, d])) = (square, square) else {
            return;
        };
        let (right, down) = ((u >> 8 & 255) as u32, (v >> 8 & 255) as u32);
        for (out, ((&a, &b), (&c, &d))) in out.iter_mut().zip(a.iter().zip(b).zip(c.iter().zip(d)))
        {
            let above = u32::from(a) * (256 - right) + u32::from(b) * right;
            let below = u32::from(c) * (256 - right) + u32::from(d) * right;
            *out = ((above * (256 - down) + below * down + 0x8000) >> 16) as u8;
        }
        u += way.step[0];
        v += way.step[1];
    }
}

/// Lays RGBA pixels over RGB ones, rounded to the nearest.
#[cfg_attr(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    expect(unsafe_code, reason = "instruction sets that were looked for")
)]
pub(crate) fn mix(isa: Isa, over: &[[u8; 4]; CHUNK], rgb: &mut [u8]) {
    match isa.kind() {
        Kind::Portable => mix_of(over, rgb),
        // SAFETY: an `Isa` is only made where the processor has it.
        #[cfg(target_arch = "x86_64")]
        Kind::Avx2 => unsafe { super::x86_64::mix(over, rgb) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Kind::Avx512 => unsafe { super::avx512::mix(over, rgb) },
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        Kind::Neon => unsafe { super::neon::mix(over, rgb) },
    }
}

pub(super) fn mix_of(over: &[[u8; 4]], rgb: &mut [u8]) {
    for (&[r, g, b, alpha], rgb) in over.iter().zip(rgb.as_chunks_mut::<3>().0) {
        let alpha = u16::from(alpha);
        for (under, over) in rgb.iter_mut().zip([r, g, b]) {
            let sum = u16::from(over) * alpha + u16::from(*under) * (255 - alpha) + 127;
            // Exact division by 255 for sums below 65 536.
            *under = ((sum + 1 + (sum >> 8)) >> 8) as u8;
        }
    }
}

kernel! {
    /// Planes of floats in [0, 1] to RGBA, alpha scaled by `presence`; NaN becomes 0.
    pub(crate) fn levels(planes: [&[f32]; 4], presence: f32, out: &mut [[u8; 4]]) {
        const BLOCK: usize = 16;
        let [red, green, blue, alpha] = planes.map(|plane| plane.as_chunks::<BLOCK>().0);
        let planes = red.iter().zip(green).zip(blue.iter().zip(alpha));
        let of = |plane: &[f32; BLOCK], scale: f32| plane.map(|value| level(value, scale));
        for (out, ((r, g), (b, a))) in out.as_chunks_mut::<BLOCK>().0.iter_mut().zip(planes) {
            let (r, g, b) = (of(r, 255.0), of(g, 255.0), of(b, 255.0));
            let a = of(a, 255.0 * presence);
            for (i, out) in out.iter_mut().enumerate() {
                *out = [r[i], g[i], b[i], a[i]];
            }
        }
    }
}

kernel! {
    /// Mixes `weight`/256 of one picture into another, rounded to the nearest.
    pub(crate) fn fade(from: &[u8], weight: u16, into: &mut [u8]) {
        for (into, &from) in into.iter_mut().zip(from) {
            let sum = u16::from(from) * weight + u16::from(*into) * (256 - weight);
            *into = ((sum + 128) >> 8) as u8;
        }
    }
}

/// The 8-bit network gives blocks of so many pixels on a side.
pub(crate) const BLOCK: usize = 4;

/// A row of blocks `[S/4, 4, 4, 3]` to four rows of RGBA, with alpha scaled by `presence`/256.
#[cfg_attr(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    expect(unsafe_code, reason = "instruction sets that were looked for")
)]
pub(crate) fn unblock(isa: Isa, blocks: &[u8], alphas: &[u8], presence: u16, out: &mut [[u8; 4]]) {
    let cells = out.len() / (BLOCK * BLOCK);
    let strips = blocks.as_chunks::<STRIP>().0;
    let rows = out.chunks_exact_mut(BLOCK * cells);
    for (y, (out, alphas)) in rows.zip(alphas.chunks_exact(BLOCK * cells)).enumerate() {
        let (out, alphas) = (out.as_chunks_mut().0, alphas.as_chunks().0);
        match isa.kind() {
            Kind::Portable => unstrip(0, &strips[y..], alphas, presence, out),
            // SAFETY: an `Isa` is only made where the processor has it.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe {
                super::x86_64::unstrip(&strips[y..], alphas, presence, out);
            },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe {
                super::avx512::unstrip(&strips[y..], alphas, presence, out);
            },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            Kind::Neon => unsafe {
                super::neon::unstrip(&strips[y..], alphas, presence, out);
            },
        }
    }
}

/// Four pixels of a block, RGB.
pub(super) const STRIP: usize = 3 * BLOCK;

/// A row of pixels from every fourth strip, from block `start` on.
pub(super) fn unstrip(
    start: usize,
    strips: &[[u8; STRIP]],
    alphas: &[[u8; BLOCK]],
    presence: u16,
    out: &mut [[[u8; 4]; BLOCK]],
) {
    let strips = strips.iter().skip(BLOCK * start).step_by(BLOCK);
    let blocks = strips.zip(&alphas[start..]).zip(&mut out[start..]);
    for ((strip, alphas), out) in blocks {
        let colours = strip.as_chunks::<3>().0;
        for (out, (&[r, g, b], &alpha)) in out.iter_mut().zip(colours.iter().zip(alphas)) {
            *out = [r, g, b, ((u16::from(alpha) * presence + 128) >> 8) as u8];
        }
    }
}

/// A value in [0, 1] as a level, rounded to the nearest; NaN becomes 0.
#[inline(always)]
fn level(value: f32, scale: f32) -> u8 {
    // Not `clamp`, which keeps NaN.
    let value = if value > 0.0 { value } else { 0.0 };
    let value = if value < 1.0 { value } else { 1.0 };
    // Numbers from 2²³ on have no fraction: the sum's lowest bits are the rounded level. A cast
    // would be exact too, but no vector.
    (value * scale + 8_388_608.0).to_bits() as u8
}
