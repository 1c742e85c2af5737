//! Resampling: a row in width, and rows into one in height.

use std::arch::aarch64::*;

use super::super::portable::scale::{self, BITS, FourTaps};
use super::{NONE, load};

/// Bytes that a step of [`resample_horizontally`] reads at a pixel's first tap, and writes at its place.
const REACH: usize = 16;

/// Sums of products with [`BITS`] of fraction as levels, rounded to the nearest.
#[target_feature(enable = "neon")]
fn levels(low: int32x4_t, high: int32x4_t) -> uint8x8_t {
    let low = vqrshrun_n_s32::<{ BITS as i32 }>(low);
    vqmovn_u16(vqrshrun_high_n_s32::<{ BITS as i32 }>(low, high))
}

/// Resamples a row of RGB in width: four pixels at a time.
#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "loads and stores inside of what was measured")]
pub(in super::super) fn resample_horizontally(source: &[u8], taps: &[FourTaps], out: &mut [u8]) {
    // Pixels whose four taps can be read as 16 bytes; `first` grows from pixel to pixel. Of these,
    // whole fours whose 16 bytes of result fit too (the last 4 bytes are of pixels still to come).
    let readable = taps.partition_point(|taps| 3 * taps.first as usize + REACH <= source.len());
    let fours = readable.min(out.len().saturating_sub(REACH - 12) / 3) / 4;
    // Two neighbouring taps in 16 bits: red, green, blue and nothing of each.
    let front = [
        0, NONE, 1, NONE, 2, NONE, NONE, NONE, 3, NONE, 4, NONE, 5, NONE, NONE, NONE,
    ];
    let back = front.map(|byte| if byte == NONE { NONE } else { byte + 6 });
    let (front, back) = (load(&front), load(&back));
    let pack = load(&[
        0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, NONE, NONE, NONE, NONE,
    ]);
    for (index, taps) in taps.as_chunks::<4>().0.iter().take(fours).enumerate() {
        // The sums of a pixel's red, green, blue and nothing.
        let pixel = |taps: &FourTaps| {
            let bytes = &source[3 * taps.first as usize..][..REACH];
            // SAFETY: `bytes` has 16; four weights are loaded of four.
            let (bytes, weights) =
                unsafe { (vld1q_u8(bytes.as_ptr()), vld1_s16(taps.weights.as_ptr())) };
            let front = vreinterpretq_s16_u8(vqtbl1q_u8(bytes, front));
            let back = vreinterpretq_s16_u8(vqtbl1q_u8(bytes, back));
            let sum = vmull_lane_s16::<0>(vget_low_s16(front), weights);
            let sum = vmlal_high_lane_s16::<1>(sum, front, weights);
            let sum = vmlal_lane_s16::<2>(sum, vget_low_s16(back), weights);
            vmlal_high_lane_s16::<3>(sum, back, weights)
        };
        let [a, b, c, d] = taps;
        let (front, back) = (levels(pixel(a), pixel(b)), levels(pixel(c), pixel(d)));
        let pixels = vqtbl1q_u8(vcombine_u8(front, back), pack);
        let place = &mut out[12 * index..][..REACH];
        // SAFETY: `place` has that many bytes.
        unsafe { vst1q_u8(place.as_mut_ptr(), pixels) };
    }
    scale::resample_horizontally(4 * fours, source, taps, out);
}

/// Four rows, weighted, into one: 16 bytes at a time.
#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "loads and stores of whole arrays")]
pub(in super::super) fn resample_vertically(rows: [&[u8]; 4], weights: [i16; 4], out: &mut [u8]) {
    // SAFETY: four weights are loaded of four.
    let four = unsafe { vld1_s16(weights.as_ptr()) };
    let [a, b, c, d] = rows.map(|row| row.as_chunks::<16>().0);
    let (out_blocks, rest) = out.as_chunks_mut::<16>();
    let done = 16 * out_blocks.len();
    let blocks = a.iter().zip(b).zip(c.iter().zip(d));
    for (out, ((a, b), (c, d))) in out_blocks.iter_mut().zip(blocks) {
        let wide = |row: uint8x8_t| vreinterpretq_s16_u16(vmovl_u8(row));
        let eight = |a: int16x8_t, b: int16x8_t, c: int16x8_t, d: int16x8_t| {
            let low = vmull_lane_s16::<0>(vget_low_s16(a), four);
            let low = vmlal_lane_s16::<1>(low, vget_low_s16(b), four);
            let low = vmlal_lane_s16::<2>(low, vget_low_s16(c), four);
            let low = vmlal_lane_s16::<3>(low, vget_low_s16(d), four);
            let high = vmull_high_lane_s16::<0>(a, four);
            let high = vmlal_high_lane_s16::<1>(high, b, four);
            let high = vmlal_high_lane_s16::<2>(high, c, four);
            let high = vmlal_high_lane_s16::<3>(high, d, four);
            levels(low, high)
        };
        let (a, b, c, d) = (load(a), load(b), load(c), load(d));
        let low = |row: uint8x16_t| wide(vget_low_u8(row));
        let high = |row: uint8x16_t| wide(vget_high_u8(row));
        let front = eight(low(a), low(b), low(c), low(d));
        let back = eight(high(a), high(b), high(c), high(d));
        // SAFETY: 16 bytes are stored to 16.
        unsafe { vst1q_u8(out.as_mut_ptr(), vcombine_u8(front, back)) };
    }
    scale::resample_vertically(rows.map(|row| &row[done..]), weights, rest);
}
