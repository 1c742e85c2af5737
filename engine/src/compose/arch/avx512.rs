//! Scaling in AVX-512: any bytes of 64 in one shuffle (VBMI).

use std::arch::x86_64::*;

use super::scale::{BITS, FourTaps};

/// Pixels of a group: 48 bytes of result, three registers of sums.
const PIXELS: usize = 16;

/// How sixteen neighbouring pixels of a scaled line come out of 64 bytes of the source.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(super) struct Group {
    /// Pairs of bytes: those of taps 0 and 1 of each byte of the result, each followed by a zero.
    pairs: [[u8; 64]; 3],
    /// Weights of taps 0 and 1 of each byte of the result, and of taps 2 and 3.
    front: [[i16; 32]; 3],
    back: [[i16; 32]; 3],
    /// Where in the source the 64 bytes begin.
    start: usize,
}

/// From tap 0 to tap 2, in bytes.
const TWO_TAPS: usize = 6;
/// A byte of the source that a shuffle must not take: beyond its 64.
const ZERO: u8 = 0x80;

impl Group {
    /// The whole groups from the start of a line on, as long as each spans no more than 64 bytes.
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

/// A line of RGB in another width; gives how many pixels of it were made, the first ones.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
#[expect(unsafe_code, reason = "loads and stores of whole arrays")]
pub(super) fn columns(source: &[u8], groups: &[Group], out: &mut [u8]) -> usize {
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

/// Four lines, weighted, into one: 64 bytes at a time.
#[target_feature(enable = "avx512f,avx512bw")]
#[expect(unsafe_code, reason = "loads and stores of whole arrays")]
pub(super) fn rows(lines: [&[u8]; 4], weights: [i16; 4], out: &mut [u8]) {
    let pair = |a: i16, b: i16| {
        let [a, b] = [a, b].map(|w| u32::from(w.cast_unsigned()));
        _mm512_set1_epi32((b << 16 | a).cast_signed())
    };
    let (front, back) = (pair(weights[0], weights[1]), pair(weights[2], weights[3]));
    let (rounding, zero) = (_mm512_set1_epi32(1 << (BITS - 1)), _mm512_setzero_si512());
    let [a, b, c, d] = lines.map(|line| line.as_chunks::<64>().0);
    let (out_blocks, rest) = out.as_chunks_mut::<64>();
    let done = 64 * out_blocks.len();
    let blocks = a.iter().zip(b).zip(c.iter().zip(d));
    for (out, ((a, b), (c, d))) in out_blocks.iter_mut().zip(blocks) {
        // SAFETY: 64 bytes are loaded of 64.
        let load = |line: &[u8; 64]| unsafe { _mm512_loadu_si512(line.as_ptr().cast()) };
        let (a, b, c, d) = (load(a), load(b), load(c), load(d));
        // Neighbouring lines' bytes side by side, each in 16 bits; 16 bytes' sums at a time.
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
    super::scale::rows_of(lines.map(|line| &line[done..]), weights, rest);
}
