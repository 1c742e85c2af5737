//! Resampling: a row in width, and rows into one in height.

/// Fraction bits of the weights.
pub(crate) const BITS: u32 = 14;
const HALF: i32 = 1 << (BITS - 1);

/// The pixels of a row that make one pixel of the resampled row, up to four of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FourTaps {
    pub(crate) first: u32,
    /// Missing taps have weight 0.
    pub(crate) weights: [i16; 4],
}

/// Resamples a row of RGB in width, from output pixel `start` on.
#[inline(always)]
pub(crate) fn resample_horizontally(
    start: usize,
    source: &[u8],
    taps: &[FourTaps],
    out: &mut [u8],
) {
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

/// Four rows, weighted, into one; all of one length.
#[inline(always)]
pub(crate) fn resample_vertically(rows: [&[u8]; 4], weights: [i16; 4], out: &mut [u8]) {
    let [a, b, c, d] = rows;
    let weights = weights.map(i32::from);
    let rows = a.iter().zip(b).zip(c.iter().zip(d));
    for (out, ((&a, &b), (&c, &d))) in out.iter_mut().zip(rows) {
        let sum = HALF
            + i32::from(a) * weights[0]
            + i32::from(b) * weights[1]
            + i32::from(c) * weights[2]
            + i32::from(d) * weights[3];
        *out = (sum >> BITS).clamp(0, 255) as u8;
    }
}
