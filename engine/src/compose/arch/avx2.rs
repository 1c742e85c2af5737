//! Kernels in AVX2 that the compiler doesn't vectorize well: shuffles within a pixel's neighbourhood.

use std::arch::x86_64::*;

use super::portable::color::{self, Ycbcr};
use super::portable::patch::{self, BLOCK, BLOCK_ROW, CHUNK, SamplingPath};
use super::portable::scale::{self, BITS, FourTaps};

/// Bytes that a step of [`resample_horizontally`] reads at a pixel's first tap, and writes at its place.
const REACH: usize = 16;

/// Resamples a row of RGB in width, from output pixel `start` on: four pixels at a time, two in each
/// half of a register.
#[target_feature(enable = "avx2")]
#[expect(unsafe_code, reason = "loads and stores inside of what was measured")]
pub(super) fn resample_horizontally(
    start: usize,
    source: &[u8],
    taps: &[FourTaps],
    out: &mut [u8],
) {
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
    scale::resample_horizontally(4 * fours, source, taps, out);
}

/// Four rows, weighted, into one: 32 bytes at a time.
#[target_feature(enable = "avx2")]
#[expect(unsafe_code, reason = "loads and stores of whole arrays")]
pub(super) fn resample_vertically(rows: [&[u8]; 4], weights: [i16; 4], out: &mut [u8]) {
    let [a, b, c, d] = rows;
    let pair = |a: i16, b: i16| {
        let [a, b] = [a, b].map(|w| u32::from(w.cast_unsigned()));
        _mm256_set1_epi32((b << 16 | a).cast_signed())
    };
    let (front, back) = (pair(weights[0], weights[1]), pair(weights[2], weights[3]));
    let (rounding, zero) = (_mm256_set1_epi32(1 << (BITS - 1)), _mm256_setzero_si256());
    let blocks = [a, b, c, d].map(|row| row.as_chunks::<32>().0);
    let [ab, bb, cb, db] = blocks;
    let (out_blocks, rest) = out.as_chunks_mut::<32>();
    let done = 32 * out_blocks.len();
    for (out, ((a, b), (c, d))) in out_blocks
        .iter_mut()
        .zip(ab.iter().zip(bb).zip(cb.iter().zip(db)))
    {
        // SAFETY: 32 bytes are loaded of 32.
        let load = |row: &[u8; 32]| unsafe { _mm256_loadu_si256(row.as_ptr().cast()) };
        let (a, b, c, d) = (load(a), load(b), load(c), load(d));
        // Neighbouring rows' bytes side by side, each in 16 bits; 4 + 4 pixels' sums at a time.
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
    scale::resample_vertically(rows.map(|row| &row[done..]), weights, rest);
}

/// Y of a row: 16 pixels at a time.
#[target_feature(enable = "avx2")]
#[expect(unsafe_code, reason = "loads and stores of whole arrays")]
pub(super) fn rgb_to_y(standard: Ycbcr, rgb: &[u8], out: &mut [u8]) {
    // The last pixels' load reaches 4 bytes beyond them.
    let blocks = (out.len() / 16).min(rgb.len().saturating_sub(4) / 48);
    let spread = |a: i8| {
        let of = |pixel: i8| {
            i32::from_le_bytes([3 * pixel + a, -1, 3 * pixel + a + 1, -1].map(i8::cast_unsigned))
        };
        _mm256_broadcastsi128_si256(_mm_setr_epi32(of(0), of(1), of(2), of(3)))
    };
    let (red_green, green_blue) = (spread(0), spread(1));
    // Green in two parts, so that each weight has 16 bits.
    let weights = standard.weights();
    let [red, green, blue] = weights.y;
    let pair = |low: i32, high: i32| _mm256_set1_epi32(high << 16 | low);
    let (front, back) = (pair(red, green / 2), pair(green - green / 2, blue));
    let offset = _mm256_set1_epi32(weights.y_offset);
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
    color::rgb_to_y(standard, &rgb[48 * blocks..], &mut out[16 * blocks..]);
}

/// Samples of a patch: eight at a time.
#[target_feature(enable = "avx2")]
#[expect(
    unsafe_code,
    reason = "gathers of places that were clamped, stores to whole arrays"
)]
pub(super) fn sample(
    (pixels, size): (&[[u8; 4]], usize),
    path: SamplingPath,
    count: usize,
    out: &mut [[u8; 4]; CHUNK],
) {
    // A place and the one to its right are read, and the same a row below.
    let Some(last) = pixels.len().checked_sub(size + 2) else {
        return;
    };
    let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    let along = |axis: usize| {
        let steps = _mm256_mullo_epi32(lanes, _mm256_set1_epi32(path.step[axis]));
        _mm256_add_epi32(_mm256_set1_epi32(path.start[axis]), steps)
    };
    let (mut u, mut v) = (along(0), along(1));
    let eight_steps = path
        .step
        .map(|step| _mm256_set1_epi32(step.wrapping_mul(8)));
    let width = _mm256_set1_epi32(size as i32);
    let last = _mm256_set1_epi32(last as i32);
    let (byte, one) = (_mm256_set1_epi32(255), _mm256_set1_epi32(256));
    let sign = _mm256_set1_epi16(i16::MIN);
    // What the signs take from a sum, whose weights are 256 together, and a half.
    let rounding = _mm256_set1_epi32((1 << 23) + 0x8000);
    for out in out
        .as_chunks_mut::<8>()
        .0
        .iter_mut()
        .take(count.div_ceil(8))
    {
        let rows = _mm256_mullo_epi32(_mm256_srai_epi32::<16>(v), width);
        let at = _mm256_add_epi32(rows, _mm256_srai_epi32::<16>(u));
        // Beyond `count` the path may have left the patch.
        let at = _mm256_min_epu32(at, last);
        let mut places = [0u32; 8];
        // SAFETY: eight places are 32 bytes.
        unsafe { _mm256_storeu_si256(places.as_mut_ptr().cast(), at) };
        // Single loads: gathers take longer on many processors.
        let pair = |index: usize, below: usize| {
            let at = &pixels[below..];
            // SAFETY: 8 bytes from at most `size + 2` pixels before the end, and so a row below.
            unsafe { _mm_loadl_epi64(at.as_ptr().add(places[index] as usize).cast()) }
        };
        let weights = |x: __m256i| {
            let far = _mm256_and_si256(_mm256_srli_epi32::<8>(x), byte);
            (_mm256_sub_epi32(one, far), far)
        };
        let ((left, right), (up, down)) = (weights(u), weights(v));
        // Both 16-bit halves of a lane.
        let twice = |x: __m256i| _mm256_or_si256(x, _mm256_slli_epi32::<16>(x));
        let (left, right) = (twice(left), twice(right));
        let vertical = _mm256_or_si256(up, _mm256_slli_epi32::<16>(down));
        // Two pixels in 32-bit sums: one in each half of the register.
        let two = |top: __m128i, bottom: __m128i, first: i32| {
            let spread = _mm256_setr_epi32(
                first,
                first,
                first,
                first,
                first + 1,
                first + 1,
                first + 1,
                first + 1,
            );
            let across = _mm256_blend_epi32::<0b1100_1100>(
                _mm256_permutevar8x32_epi32(left, spread),
                _mm256_permutevar8x32_epi32(right, spread),
            );
            let row = |pair: __m128i| {
                let products = _mm256_mullo_epi16(_mm256_cvtepu8_epi16(pair), across);
                _mm256_add_epi16(products, _mm256_shuffle_epi32::<0x4E>(products))
            };
            // Above and below in turn, made signed.
            let both = _mm256_unpacklo_epi16(row(top), row(bottom));
            let sums = _mm256_madd_epi16(
                _mm256_xor_si256(both, sign),
                _mm256_permutevar8x32_epi32(vertical, spread),
            );
            _mm256_srli_epi32::<16>(_mm256_add_epi32(sums, rounding))
        };
        let four = |half: usize| {
            let first = 4 * half;
            let couple = |first: usize| {
                let row = |below| _mm_unpacklo_epi64(pair(first, below), pair(first + 1, below));
                two(row(0), row(size), first as i32)
            };
            _mm256_packs_epi32(couple(first), couple(first + 2))
        };
        // Even pixels in the low half, odd ones in the high one.
        let bytes = _mm256_packus_epi16(four(0), four(1));
        let (even, odd) = (
            _mm256_castsi256_si128(bytes),
            _mm256_extracti128_si256::<1>(bytes),
        );
        let ordered =
            _mm256_set_m128i(_mm_unpackhi_epi32(even, odd), _mm_unpacklo_epi32(even, odd));
        // SAFETY: eight pixels are 32 bytes.
        unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), ordered) };
        u = _mm256_add_epi32(u, eight_steps[0]);
        v = _mm256_add_epi32(v, eight_steps[1]);
    }
}

/// Blends RGBA pixels over RGB ones: four at a time.
#[target_feature(enable = "avx2")]
#[expect(unsafe_code, reason = "loads and stores of whole arrays")]
pub(super) fn blend(over: &[[u8; 4]; CHUNK], rgb: &mut [u8]) {
    let spread = _mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1);
    let pack = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
    let alphas = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        6, 7, 6, 7, 6, 7, 6, 7, 14, 15, 14, 15, 14, 15, 14, 15,
    ));
    let (all, half, one) = (
        _mm256_set1_epi16(255),
        _mm256_set1_epi16(127),
        _mm256_set1_epi16(1),
    );
    // Sixteen bytes are read for twelve.
    let fours = rgb.len().saturating_sub(4) / 12;
    for (index, over) in over.as_chunks::<4>().0.iter().take(fours).enumerate() {
        let bytes = &mut rgb[12 * index..][..16];
        // SAFETY: 16 bytes are loaded of 16, twice.
        let (over, under) = unsafe {
            (
                _mm_loadu_si128(over.as_ptr().cast()),
                _mm_loadu_si128(bytes.as_ptr().cast()),
            )
        };
        let rest = _mm_srli_si128::<12>(under);
        let over = _mm256_cvtepu8_epi16(over);
        let under = _mm256_cvtepu8_epi16(_mm_shuffle_epi8(under, spread));
        let alpha = _mm256_shuffle_epi8(over, alphas);
        let sum = _mm256_add_epi16(
            _mm256_mullo_epi16(over, alpha),
            _mm256_mullo_epi16(under, _mm256_sub_epi16(all, alpha)),
        );
        let sum = _mm256_add_epi16(sum, half);
        let sum = _mm256_add_epi16(_mm256_add_epi16(sum, one), _mm256_srli_epi16::<8>(sum));
        let level = _mm256_srli_epi16::<8>(sum);
        let level = _mm_packus_epi16(
            _mm256_castsi256_si128(level),
            _mm256_extracti128_si256::<1>(level),
        );
        // The four bytes behind are put back as they were.
        let made = _mm_or_si128(_mm_shuffle_epi8(level, pack), _mm_slli_si128::<12>(rest));
        // SAFETY: 16 bytes are stored to 16.
        unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), made) };
    }
    patch::blend_rest(&over[4 * fours..], &mut rgb[12 * fours..]);
}

/// A row of pixels from every fourth block row: four at a time.
#[target_feature(enable = "avx2")]
#[expect(unsafe_code, reason = "loads and stores of whole arrays")]
pub(super) fn depth_to_space_row(
    rows: &[[u8; BLOCK_ROW]],
    alphas: &[[u8; BLOCK]],
    opacity: u16,
    out: &mut [[[u8; 4]; BLOCK]],
) {
    let colors = _mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1);
    let (opacity_of_all, half) = (_mm_set1_epi32(opacity.into()), _mm_set1_epi32(128));
    let bytes = rows.as_flattened();
    // Sixteen bytes are read for a block row's twelve.
    let blocks = (bytes.len().saturating_sub(4))
        .div_ceil(BLOCK_ROW * BLOCK)
        .min(out.len());
    let whole = blocks.saturating_sub(1);
    for (index, (alphas, out)) in alphas.iter().zip(out.iter_mut()).take(whole).enumerate() {
        let row = &bytes[BLOCK_ROW * BLOCK * index..][..16];
        // SAFETY: `row` has 16 bytes.
        let row = unsafe { _mm_loadu_si128(row.as_ptr().cast()) };
        let alpha = _mm_cvtepu8_epi32(_mm_cvtsi32_si128(i32::from_le_bytes(*alphas)));
        let alpha = _mm_add_epi32(_mm_mullo_epi32(alpha, opacity_of_all), half);
        let alpha = _mm_slli_epi32::<24>(_mm_srli_epi32::<8>(alpha));
        let pixels = _mm_or_si128(_mm_shuffle_epi8(row, colors), alpha);
        // SAFETY: four pixels are 16 bytes.
        unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), pixels) };
    }
    patch::depth_to_space_rest(whole, rows, alphas, opacity, out);
}
