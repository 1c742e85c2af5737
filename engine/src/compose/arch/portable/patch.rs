//! The mouth patch: from the networks' output, sampled, blended over the base frame.

/// Pixels that are sampled at a time.
pub(crate) const CHUNK: usize = 64;

/// The positions in a patch at which a row of the frame samples it, in 16.16 fixed point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SamplingPath {
    /// Column and row of the first sample.
    pub(crate) start: [i32; 2],
    /// From one sample to the next.
    pub(crate) step: [i32; 2],
}

/// Interpolates bilinearly at `count` positions of `path` in a square patch of `patch.1` pixels a
/// side: weights of 1/256, rounded to the nearest once. Every position has a neighbour to the right
/// and below. `out` beyond `count` has no meaning.
#[inline(always)]
pub(crate) fn sample(
    patch: (&[[u8; 4]], usize),
    path: SamplingPath,
    count: usize,
    out: &mut [[u8; 4]; CHUNK],
) {
    let (pixels, size) = patch;
    let [mut u, mut v] = path.start;
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
        u += path.step[0];
        v += path.step[1];
    }
}

/// Blends RGBA pixels over RGB ones, rounded to the nearest.
#[inline(always)]
pub(crate) fn blend(over: &[[u8; 4]; CHUNK], rgb: &mut [u8]) {
    blend_rest(over, rgb);
}

/// [`blend`] of fewer pixels than a chunk.
#[inline(always)]
pub(crate) fn blend_rest(over: &[[u8; 4]], rgb: &mut [u8]) {
    for (&[r, g, b, alpha], rgb) in over.iter().zip(rgb.as_chunks_mut::<3>().0) {
        let alpha = u16::from(alpha);
        for (under, over) in rgb.iter_mut().zip([r, g, b]) {
            let sum = u16::from(over) * alpha + u16::from(*under) * (255 - alpha) + 127;
            // Exact division by 255 for sums below 65 536.
            *under = ((sum + 1 + (sum >> 8)) >> 8) as u8;
        }
    }
}

/// Quantizes planes of floats in [0, 1] to RGBA, alpha scaled by `opacity`; NaN becomes 0.
#[inline(always)]
pub(crate) fn quantize(planes: [&[f32]; 4], opacity: f32, out: &mut [[u8; 4]]) {
    const BLOCK: usize = 16;
    let [red, green, blue, alpha] = planes.map(|plane| plane.as_chunks::<BLOCK>().0);
    let planes = red.iter().zip(green).zip(blue.iter().zip(alpha));
    let of = |plane: &[f32; BLOCK], scale: f32| plane.map(|value| level(value, scale));
    for (out, ((r, g), (b, a))) in out.as_chunks_mut::<BLOCK>().0.iter_mut().zip(planes) {
        let (r, g, b) = (of(r, 255.0), of(g, 255.0), of(b, 255.0));
        let a = of(a, 255.0 * opacity);
        for (i, out) in out.iter_mut().enumerate() {
            *out = [r[i], g[i], b[i], a[i]];
        }
    }
}

/// A value in [0, 1] as a level, rounded to the nearest; NaN becomes 0.
#[inline(always)]
fn level(value: f32, scale: f32) -> u8 {
    // Not `clamp`, which keeps NaN.
    let value = if value > 0.0 { value } else { 0.0 };
    let value = if value < 1.0 { value } else { 1.0 };
    // Numbers from 2²³ on have no fraction: the lowest bits of the sum are the rounded level. A cast
    // would be exact too, but is no vector instruction.
    (value * scale + 8_388_608.0).to_bits() as u8
}

/// Crossfades `weight`/256 of one row into another, rounded to the nearest.
#[inline(always)]
pub(crate) fn crossfade(from: &[u8], weight: u16, into: &mut [u8]) {
    for (into, &from) in into.iter_mut().zip(from) {
        let sum = u16::from(from) * weight + u16::from(*into) * (256 - weight);
        *into = ((sum + 128) >> 8) as u8;
    }
}

/// Pixels on a side of a block, in which the 8-bit network gives its picture.
pub(crate) const BLOCK: usize = 4;

/// Bytes of a row of a block: four pixels, RGB.
pub(crate) const BLOCK_ROW: usize = 3 * BLOCK;

/// A row of RGBA pixels from every fourth block row, alpha scaled by `opacity`/256.
#[inline(always)]
pub(crate) fn depth_to_space_row(
    rows: &[[u8; BLOCK_ROW]],
    alphas: &[[u8; BLOCK]],
    opacity: u16,
    out: &mut [[[u8; 4]; BLOCK]],
) {
    depth_to_space_rest(0, rows, alphas, opacity, out);
}

/// [`depth_to_space_row`] from block `start` on.
#[inline(always)]
pub(crate) fn depth_to_space_rest(
    start: usize,
    rows: &[[u8; BLOCK_ROW]],
    alphas: &[[u8; BLOCK]],
    opacity: u16,
    out: &mut [[[u8; 4]; BLOCK]],
) {
    let rows = rows.iter().skip(BLOCK * start).step_by(BLOCK);
    let blocks = rows.zip(&alphas[start..]).zip(&mut out[start..]);
    for ((row, alphas), out) in blocks {
        let colors = row.as_chunks::<3>().0;
        for (out, (&[r, g, b], &alpha)) in out.iter_mut().zip(colors.iter().zip(alphas)) {
            *out = [r, g, b, ((u16::from(alpha) * opacity + 128) >> 8) as u8];
        }
    }
}
