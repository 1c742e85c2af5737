//! The mouth patch: from the network's floats, sampled, over the base frame.

use super::kernel;

/// Pixels that are sampled at a time.
pub(crate) const CHUNK: usize = 64;

/// The neighbours of some pixels, RGBA, and how far each pixel lies from them.
pub(crate) struct Corners {
    /// Top left, top right, bottom left, bottom right.
    pub(crate) pixels: [[[u8; 4]; CHUNK]; 4],
    /// Distance from the left neighbour in 1/256, four times.
    pub(crate) right: [[u16; 4]; CHUNK],
    /// Distance from the top neighbour in 1/256, four times.
    pub(crate) down: [[u16; 4]; CHUNK],
}

impl Corners {
    pub(crate) const EMPTY: Self = Self {
        pixels: [[[0; 4]; CHUNK]; 4],
        right: [[0; 4]; CHUNK],
        down: [[0; 4]; CHUNK],
    };
}

kernel! {
    /// Mixes the neighbours bilinearly; weights of 1/256, rounded to the nearest once.
    pub(crate) fn sample(corners: &Corners, out: &mut [[u8; 4]; CHUNK]) {
        let [a, b, c, d] = &corners.pixels;
        let (a, b) = (a.as_flattened(), b.as_flattened());
        let (c, d) = (c.as_flattened(), d.as_flattened());
        let (right, down) = (corners.right.as_flattened(), corners.down.as_flattened());
        let corners = a.iter().zip(b).zip(c.iter().zip(d));
        let weights = right.iter().zip(down);
        for ((out, ((&a, &b), (&c, &d))), (&right, &down)) in
            out.as_flattened_mut().iter_mut().zip(corners).zip(weights)
        {
            // At most 255 · 256, so 16 bits hold it.
            let above = u16::from(a) * (256 - right) + u16::from(b) * right;
            let below = u16::from(c) * (256 - right) + u16::from(d) * right;
            let sum = u32::from(above) * u32::from(256 - down) + u32::from(below) * u32::from(down);
            *out = ((sum + 0x8000) >> 16) as u8;
        }
    }
}

kernel! {
    /// Lays RGBA pixels over RGB ones, rounded to the nearest.
    pub(crate) fn mix(over: &[[u8; 4]; CHUNK], rgb: &mut [u8]) {
        // Spread to the three channels first, so that the arithmetic is the same for all bytes.
        let (mut colours, mut alphas) = ([[0; 3]; CHUNK], [[0; 3]; CHUNK]);
        for ((colour, alpha), over) in colours.iter_mut().zip(&mut alphas).zip(over) {
            let [r, g, b, a] = *over;
            *colour = [r, g, b];
            *alpha = [a; 3];
        }
        let (colours, alphas) = (colours.as_flattened(), alphas.as_flattened());
        for ((under, &over), &alpha) in rgb.iter_mut().zip(colours).zip(alphas) {
            let alpha = u16::from(alpha);
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

/// The 8-bit network gives blocks of so many pixels on a side.
pub(crate) const BLOCK: usize = 4;

kernel! {
    /// A row of blocks `[S/4, 4, 4, 3]` to four rows of RGBA, with alpha scaled by `presence`/256.
    pub(crate) fn unblock(blocks: &[u8], alphas: &[u8], presence: u16, out: &mut [[u8; 4]]) {
        const STRIP: usize = 3 * BLOCK;
        let width = out.len() / BLOCK;
        let strips = blocks.as_chunks::<STRIP>().0;
        let rows = out.chunks_exact_mut(width).zip(alphas.chunks_exact(width));
        for (y, (out, alphas)) in rows.enumerate() {
            let strips = strips.iter().skip(y).step_by(BLOCK);
            let pixels = out.as_chunks_mut::<BLOCK>().0.iter_mut();
            let alphas = alphas.as_chunks::<BLOCK>().0;
            for (strip, (out, alphas)) in strips.zip(pixels.zip(alphas)) {
                let [r0, g0, b0, r1, g1, b1, r2, g2, b2, r3, g3, b3] = *strip;
                let [a0, a1, a2, a3] =
                    alphas.map(|alpha| ((u16::from(alpha) * presence + 128) >> 8) as u8);
                *out = [[r0, g0, b0, a0], [r1, g1, b1, a1], [r2, g2, b2, a2], [r3, g3, b3, a3]];
            }
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
