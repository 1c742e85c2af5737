//! Resampling and blending in AVX-512: any bytes of 64 in one shuffle (VBMI).

use std::arch::x86_64::*;

use super::portable::patch::{self, BLOCK, BLOCK_ROW, CHUNK};
use super::portable::scale::{self, BITS, FourTaps};

/// Pixels of a group: 48 bytes of result, three registers of sums.
const PIXELS: usize = 16;

/// How sixteen neighbouring pixels of a resampled row come out of 64 bytes of the source.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(super) struct Group {
    /// Pairs of bytes: those of taps 0 and 1 of each byte of the result, each followed by a zero.
    pairs: [[u8; 64]; 3],
    /// Weights of taps 0 and 1 of each byte of the result, and of taps 2 and 3.
    front: [[i16; 32]; 3],
    back: [[i16; 32]; 3],
    /// Offset of the 64 bytes in the source.
    start: usize,
}

/// From tap 0 to tap 2, in bytes.
const TWO_TAPS: usize = 6;
/// A byte of the source that a shuffle must not take: beyond its 64.
const ZERO: u8 = 0x80;

impl Group {
    /// The whole groups from the start of a row on, as long as each spans no more than 64 bytes.
    pub(super) fn all(taps: &[FourTaps]) -> Vec<Self> {
        taps.as_chunks::<PIXELS>()
            .0
            .iter()
            .map_while(Self::new)
            .collect()
    }

    fn new(taps: &[FourTaps; PIXELS]) -> Option<Self> {
        let start = taps[0].first;
        let mut group = Self {
            pairs: [[ZERO; 64]; 3],
            front: [[0; 32]; 3],
            back: [[0; 32]; 3],
            start: 3 * start as usize,
        };
        for byte in 0..3 * PIXELS {
            let (register, lane) = (byte / 16, byte % 16);
            let FourTaps { first, weights } = taps[byte / 3];
            let from = u8::try_from(3 * (first - start) + byte as u32 % 3).ok()?;
            if from + 3 >= 64 {
                return None;
            }
            group.pairs[register][4 * lane] = from;
            group.pairs[register][4 * lane + 2] = from + 3;
            group.front[register][2 * lane..][..2].copy_from_slice(&weights[..2]);
            group.back[register][2 * lane..][..2].copy_from_slice(&weights[2..]);
        }
        Some(group)
    }
}

/// Resamples a row of RGB in width; gives the number of pixels that are done, from the first on.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
#[expect(unsafe_code, reason = "loads and stores of whole arrays")]
pub(super) fn resample_horizontally(source: &[u8], groups: &[Group], out: &mut [u8]) -> usize {
    let readable = |group: &Group| group.start + TWO_TAPS + 64 <= source.len();
    let groups = &groups[..groups.partition_point(readable)];
    let rounding = _mm512_set1_epi32(1 << (BITS - 1));
    // Every other byte of a pair is a zero.
    let bytes = 0x5555_5555_5555_5555;
    for (group, out) in groups.iter().zip(out.as_chunks_mut::<{ 3 * PIXELS }>().0) {
        let load = |at: usize| {
            let bytes = &source[at..][..64];
            // SAFETY: `bytes` has that many.
            unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
        };
        let (front, back) = (load(group.start), load(group.start + TWO_TAPS));
        for (register, out) in out.as_chunks_mut::<16>().0.iter_mut().enumerate() {
            // SAFETY: these arrays have 64 bytes each.
            let (pairs, early, late) = unsafe {
                (
                    _mm512_loadu_si512(group.pairs[register].as_ptr().cast()),
                    _mm512_loadu_si512(group.front[register].as_ptr().cast()),
                    _mm512_loadu_si512(group.back[register].as_ptr().cast()),
                )
            };
            let early =
                _mm512_madd_epi16(_mm512_maskz_permutexvar_epi8(bytes, pairs, front), early);
            let late = _mm512_madd_epi16(_mm512_maskz_permutexvar_epi8(bytes, pairs, back), late);
            let sum = _mm512_add_epi32(_mm512_add_epi32(early, late), rounding);
            let level = _mm512_srai_epi32::<{ BITS }>(sum);
            // The narrowing saturates, but takes numbers for unsigned.
            let level = _mm512_max_epi32(level, _mm512_setzero_si512());
            // SAFETY: 16 bytes are stored to 16.
            unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), _mm512_cvtusepi32_epi8(level)) };
        }
    }
    PIXELS * groups.len()
}

/// Four rows, weighted, into one: 64 bytes at a time.
#[target_feature(enable = "avx512f,avx512bw")]
#[expect(unsafe_code, reason = "loads and stores of whole arrays")]
pub(super) fn resample_vertically(rows: [&[u8]; 4], weights: [i16; 4], out: &mut [u8]) {
    let pair = |a: i16, b: i16| {
        let [a, b] = [a, b].map(|w| u32::from(w.cast_unsigned()));
        _mm512_set1_epi32((b << 16 | a).cast_signed())
    };
    let (front, back) = (pair(weights[0], weights[1]), pair(weights[2], weights[3]));
    let (rounding, zero) = (_mm512_set1_epi32(1 << (BITS - 1)), _mm512_setzero_si512());
    let [a, b, c, d] = rows.map(|row| row.as_chunks::<64>().0);
    let (out_blocks, rest) = out.as_chunks_mut::<64>();
    let done = 64 * out_blocks.len();
    let blocks = a.iter().zip(b).zip(c.iter().zip(d));
    for (out, ((a, b), (c, d))) in out_blocks.iter_mut().zip(blocks) {
        // SAFETY: 64 bytes are loaded of 64.
        let load = |row: &[u8; 64]| unsafe { _mm512_loadu_si512(row.as_ptr().cast()) };
        let (a, b, c, d) = (load(a), load(b), load(c), load(d));
        // Neighbouring rows' bytes side by side, each in 16 bits; 16 bytes' sums at a time.
        let sum = |ab: __m512i, cd: __m512i| {
            let sum = _mm512_add_epi32(_mm512_madd_epi16(ab, front), _mm512_madd_epi16(cd, back));
            _mm512_srai_epi32::<{ BITS }>(_mm512_add_epi32(sum, rounding))
        };
        let half = |ab: __m512i, cd: __m512i| {
            // Saturation by packing is the clamp.
            _mm512_packs_epi32(
                sum(
                    _mm512_unpacklo_epi8(ab, zero),
                    _mm512_unpacklo_epi8(cd, zero),
                ),
                sum(
                    _mm512_unpackhi_epi8(ab, zero),
                    _mm512_unpackhi_epi8(cd, zero),
                ),
            )
        };
        let low = half(_mm512_unpacklo_epi8(a, b), _mm512_unpacklo_epi8(c, d));
        let high = half(_mm512_unpackhi_epi8(a, b), _mm512_unpackhi_epi8(c, d));
        // SAFETY: 64 bytes are stored to 64.
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), _mm512_packus_epi16(low, high)) };
    }
    scale::resample_vertically(rows.map(|row| &row[done..]), weights, rest);
}

/// Places of bytes in a register.
#[repr(align(64))]
struct Places([u8; 64]);

/// RGB to four bytes a pixel, the fourth of no meaning.
const SPREAD: Places = {
    let mut places = [0; 64];
    let mut byte = 0;
    while byte < 64 {
        places[byte] = (byte / 4 * 3 + byte % 4) as u8;
        byte += 1;
    }
    Places(places)
};

/// Four bytes a pixel to RGB.
const PACK: Places = {
    let mut places = [0; 64];
    let mut byte = 0;
    while byte < 48 {
        places[byte] = (byte / 3 * 4 + byte % 3) as u8;
        byte += 1;
    }
    Places(places)
};

/// Blends RGBA pixels over RGB ones: sixteen at a time.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
#[expect(unsafe_code, reason = "loads and stores of whole arrays, or by masks")]
pub(super) fn blend(over: &[[u8; 4]; CHUNK], rgb: &mut [u8]) {
    // SAFETY: both have 64 bytes.
    let (spread, pack) = unsafe {
        (
            _mm512_load_si512(SPREAD.0.as_ptr().cast()),
            _mm512_load_si512(PACK.0.as_ptr().cast()),
        )
    };
    let alphas = _mm512_set4_epi32(0x0F0F_0F0F, 0x0B0B_0B0B, 0x0707_0707, 0x0303_0303);
    let (half, one) = (_mm512_set1_epi16(127), _mm512_set1_epi16(1));
    let (zero, all) = (_mm512_setzero_si512(), _mm512_set1_epi8(-1));
    let sixteens = over.as_chunks::<PIXELS>().0.iter();
    for (over, rgb) in sixteens.zip(rgb.chunks_mut(3 * PIXELS)) {
        let bytes = u64::MAX >> (64 - rgb.len());
        // SAFETY: 64 bytes are loaded of 64, and of `rgb` as many as it has.
        let (over, under) = unsafe {
            (
                _mm512_loadu_si512(over.as_ptr().cast()),
                _mm512_maskz_loadu_epi8(bytes, rgb.as_ptr().cast()),
            )
        };
        let under = _mm512_permutexvar_epi8(spread, under);
        let alpha = _mm512_shuffle_epi8(over, alphas);
        let rest = _mm512_xor_si512(alpha, all);
        let level = |[over, under, alpha, rest]: [__m512i; 4]| {
            let sum = _mm512_add_epi16(
                _mm512_mullo_epi16(over, alpha),
                _mm512_mullo_epi16(under, rest),
            );
            let sum = _mm512_add_epi16(sum, half);
            let sum = _mm512_add_epi16(_mm512_add_epi16(sum, one), _mm512_srli_epi16::<8>(sum));
            _mm512_srli_epi16::<8>(sum)
        };
        let parts = [over, under, alpha, rest];
        let low = level(parts.map(|x| _mm512_unpacklo_epi8(x, zero)));
        let high = level(parts.map(|x| _mm512_unpackhi_epi8(x, zero)));
        let made = _mm512_permutexvar_epi8(pack, _mm512_packus_epi16(low, high));
        // SAFETY: no more bytes are stored than `rgb` has.
        unsafe { _mm512_mask_storeu_epi8(rgb.as_mut_ptr().cast(), bytes, made) };
    }
}

/// A row of pixels from every fourth block row: sixteen at a time.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[expect(unsafe_code, reason = "loads and stores of whole arrays")]
pub(super) fn depth_to_space_row(
    rows: &[[u8; BLOCK_ROW]],
    alphas: &[[u8; BLOCK]],
    opacity: u16,
    out: &mut [[[u8; 4]; BLOCK]],
) {
    let colors = _mm512_broadcast_i32x4(_mm_setr_epi8(
        0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1,
    ));
    let (opacity_of_all, half) = (_mm512_set1_epi32(opacity.into()), _mm512_set1_epi32(128));
    let bytes = rows.as_flattened();
    // Sixteen bytes are read for a block row's twelve.
    const FOUR: usize = 4 * BLOCK * BLOCK_ROW;
    let fours = bytes.len().saturating_sub(3 * BLOCK * BLOCK_ROW + 16) / FOUR;
    let (alpha_fours, out_fours) = (alphas.as_chunks::<4>().0, out.as_chunks_mut::<4>().0);
    let done = 4 * fours.min(alpha_fours.len()).min(out_fours.len());
    let blocks = alpha_fours.iter().zip(out_fours).take(fours);
    for (index, (alphas, out)) in blocks.enumerate() {
        let bytes = &bytes[FOUR * index..];
        let row = |block: usize| {
            let row = &bytes[block * BLOCK * BLOCK_ROW..][..16];
            // SAFETY: `row` has 16 bytes.
            unsafe { _mm_loadu_si128(row.as_ptr().cast()) }
        };
        let four = _mm512_castsi128_si512(row(0));
        let four = _mm512_inserti32x4::<1>(four, row(1));
        let four = _mm512_inserti32x4::<2>(four, row(2));
        let four = _mm512_inserti32x4::<3>(four, row(3));
        // SAFETY: four alphas of four blocks are 16 bytes.
        let alpha = unsafe { _mm_loadu_si128(alphas.as_ptr().cast()) };
        let alpha = _mm512_mullo_epi32(_mm512_cvtepu8_epi32(alpha), opacity_of_all);
        let alpha = _mm512_srli_epi32::<8>(_mm512_add_epi32(alpha, half));
        let alpha = _mm512_slli_epi32::<24>(alpha);
        let pixels = _mm512_or_si512(_mm512_shuffle_epi8(four, colors), alpha);
        // SAFETY: sixteen pixels are 64 bytes.
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), pixels) };
    }
    patch::depth_to_space_rest(done, rows, alphas, opacity, out);
}
