//! What the compiler doesn't find by itself: shuffles within a pixel's neighbourhood, in AVX2.

use std::arch::x86_64::*;

use super::scale::{self, BITS, FourTaps};

/// Bytes that a step of [`columns`] reads at a pixel's first tap, and writes at its place.
const REACH: usize = 16;

/// A line of RGB in another width, from output pixel `start` on: four pixels at a time, two in each
/// half of a register.
#[target_feature(enable = "avx2")]
#[expect(unsafe_code, reason = "loads and stores inside of what was measured")]
pub(super) fn columns_from(start: usize, source: &[u8], taps: &[FourTaps], out: &mut [u8]) {
    let (taps, out) = (&taps[start..], &mut out[3 * start..]);
    // Pixels whose four taps can be read as 16 bytes; `first` grows from pixel to pixel. Of these,
    // whole fours whose 16 bytes of result fit too (the last 4 bytes are of pixels still to come).
    let readable = taps.partition_point(|taps| 3 * taps.first as usize + REACH <= source.len());
    let fours = readable.min((out.len().saturating_sub(REACH - 12)) / 3) / 4;
    // Taps 0 and 1 of red, green and blue as 16-bit pairs, then taps 2 and 3.
    let spread = |a: i8| {
        let half = _mm_setr_epi8(
            a,
            -1,
            a + 3,
            -1,
            a + 1,
            -1,
            a + 4,
            -1,
            a + 2,
            -1,
            a + 5,
            -1,
            -1,
            -1,
            -1,
            -1,
        );
        _mm256_broadcastsi128_si256(half)
    };
    let (front, back) = (spread(0), spread(6));
    let rounding = _mm256_set1_epi32(1 << (BITS - 1));
    let pack = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
    for (index, taps) in taps.as_chunks::<4>().0.iter().take(fours).enumerate() {
        // The sums of two neighbours: red, green, blue and nothing in each half.
        let pair = |i: usize| {
            let (low, high) = (&taps[i], &taps[i + 1]);
            let load = |taps: &FourTaps| {
                let bytes = &source[3 * taps.first as usize..][..REACH];
                // SAFETY: `bytes` has that many.
                unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
            };
            let pixels = _mm256_set_m128i(load(high), load(low));
            let weights = |taps: &FourTaps| {
                // SAFETY: four weights are 8 bytes.
                unsafe { _mm_loadl_epi64(taps.weights.as_ptr().cast()) }
            };
            let weights = _mm256_set_m128i(weights(high), weights(low));
            let front = _mm256_madd_epi16(
                _mm256_shuffle_epi8(pixels, front),
                _mm256_shuffle_epi32::<0>(weights),
            );
            let back = _mm256_madd_epi16(
                _mm256_shuffle_epi8(pixels, back),
                _mm256_shuffle_epi32::<0x55>(weights),
            );
            let sum = _mm256_add_epi32(_mm256_add_epi32(front, back), rounding);
            _mm256_srai_epi32::<{ BITS as i32 }>(sum)
        };
        // Saturated to bytes: pixels 0 and 2 in the low half, 1 and 3 in the high one.
        let words = _mm256_packs_epi32(pair(0), pair(2));
        let bytes = _mm256_packus_epi16(words, words);
        let (even, odd) = (
            _mm256_castsi256_si128(bytes),
            _mm256_extracti128_si256::<1>(bytes),
        );
        let packed = _mm_shuffle_epi8(_mm_unpacklo_epi32(even, odd), pack);
        let place = &mut out[12 * index..][..REACH];
        // SAFETY: `place` has that many bytes.
        unsafe { _mm_storeu_si128(place.as_mut_ptr().cast(), packed) };
    }
    scale::columns_from(4 * fours, source, taps, out);
}

/// Four lines, weighted, into one: 32 bytes at a time.
#[target_feature(enable = "avx2")]
#[expect(unsafe_code, reason = "loads and stores of whole arrays")]
pub(super) fn rows(lines: [&[u8]; 4], weights: [i16; 4], out: &mut [u8]) {
    let [a, b, c, d] = lines;
    let pair = |a: i16, b: i16| {
        let [a, b] = [a, b].map(|w| u32::from(w.cast_unsigned()));
        _mm256_set1_epi32((b << 16 | a).cast_signed())
    };
    let (front, back) = (pair(weights[0], weights[1]), pair(weights[2], weights[3]));
    let (rounding, zero) = (_mm256_set1_epi32(1 << (BITS - 1)), _mm256_setzero_si256());
    let blocks = [a, b, c, d].map(|line| line.as_chunks::<32>().0);
    let [ab, bb, cb, db] = blocks;
    let (out_blocks, rest) = out.as_chunks_mut::<32>();
    let done = 32 * out_blocks.len();
    for (out, ((a, b), (c, d))) in out_blocks
        .iter_mut()
        .zip(ab.iter().zip(bb).zip(cb.iter().zip(db)))
    {
        // SAFETY: 32 bytes are loaded of 32.
        let load = |line: &[u8; 32]| unsafe { _mm256_loadu_si256(line.as_ptr().cast()) };
        let (a, b, c, d) = (load(a), load(b), load(c), load(d));
        // Neighbouring lines' bytes side by side, each in 16 bits; 4 + 4 pixels' sums at a time.
        let sum = |ab: __m256i, cd: __m256i| {
            let sum = _mm256_add_epi32(_mm256_madd_epi16(ab, front), _mm256_madd_epi16(cd, back));
            _mm256_srai_epi32::<{ BITS as i32 }>(_mm256_add_epi32(sum, rounding))
        };
        let half = |ab: __m256i, cd: __m256i| {
            // Saturation by packing is the clamp.
            _mm256_packs_epi32(
                sum(
                    _mm256_unpacklo_epi8(ab, zero),
                    _mm256_unpacklo_epi8(cd, zero),
                ),
                sum(
                    _mm256_unpackhi_epi8(ab, zero),
                    _mm256_unpackhi_epi8(cd, zero),
                ),
            )
        };
        let low = half(_mm256_unpacklo_epi8(a, b), _mm256_unpacklo_epi8(c, d));
        let high = half(_mm256_unpackhi_epi8(a, b), _mm256_unpackhi_epi8(c, d));
        // SAFETY: 32 bytes are stored to 32.
        unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), _mm256_packus_epi16(low, high)) };
    }
    scale::rows_of(lines.map(|line| &line[done..]), weights, rest);
}

/// Y of a row: 16 pixels at a time.
#[target_feature(enable = "avx2")]
#[expect(unsafe_code, reason = "loads and stores of whole arrays")]
pub(super) fn luma(rgb: &[u8], out: &mut [u8]) {
    // The last pixels' load reaches 4 bytes beyond them.
    let blocks = (out.len() / 16).min(rgb.len().saturating_sub(4) / 48);
    let spread = |a: i8| {
        let of = |pixel: i8| {
            i32::from_le_bytes([3 * pixel + a, -1, 3 * pixel + a + 1, -1].map(i8::cast_unsigned))
        };
        _mm256_broadcastsi128_si256(_mm_setr_epi32(of(0), of(1), of(2), of(3)))
    };
    let (red_green, green_blue) = (spread(0), spread(1));
    // 33 039 g in two parts, so that each weight has 16 bits.
    let (front, back) = (
        _mm256_set1_epi32(16_519 << 16 | 16_829),
        _mm256_set1_epi32(6_416 << 16 | 16_520),
    );
    let offset = _mm256_set1_epi32((16 << 16) + 0x8000);
    for (index, out) in out
        .as_chunks_mut::<16>()
        .0
        .iter_mut()
        .take(blocks)
        .enumerate()
    {
        let bytes = &rgb[48 * index..][..52];
        let eight = |at: usize| {
            let four = |at: usize| {
                // SAFETY: 16 bytes from 36 at most, of 52.
                unsafe { _mm_loadu_si128(bytes[at..][..16].as_ptr().cast()) }
            };
            let pixels = _mm256_set_m128i(four(at + 12), four(at));
            let front = _mm256_madd_epi16(_mm256_shuffle_epi8(pixels, red_green), front);
            let back = _mm256_madd_epi16(_mm256_shuffle_epi8(pixels, green_blue), back);
            _mm256_srli_epi32::<16>(_mm256_add_epi32(_mm256_add_epi32(front, back), offset))
        };
        // Fours 0 and 2 in the low half, 1 and 3 in the high one.
        let words = _mm256_packs_epi32(eight(0), eight(24));
        let bytes = _mm256_packus_epi16(words, words);
        let (even, odd) = (
            _mm256_castsi256_si128(bytes),
            _mm256_extracti128_si256::<1>(bytes),
        );
        // SAFETY: 16 bytes are stored to 16.
        unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), _mm_unpacklo_epi32(even, odd)) };
    }
    super::convert::luma_of(&rgb[48 * blocks..], &mut out[16 * blocks..]);
}
