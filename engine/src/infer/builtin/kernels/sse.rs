//! 128 bits of x86.

use std::arch::x86_64::*;

use super::simd::{Simd, Work};

/// `$name` with what differs: `$features`, `$here`, `$rows`, and products of bytes by `$dot`.
macro_rules! sse {
    ($(#[$attribute:meta])* $name:ident, $features:literal, $here:expr, $rows:expr, $dot:expr) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug)]
        pub(in crate::infer::builtin) struct $name;

        #[rustfmt::skip]
        impl Simd for $name {
            const LANES: usize = 4;
            const ROWS: [usize; 5] = $rows;
            type I = __m128i;
            type F = __m128;

            fn is_here() -> bool { $here }
            #[inline(always)] unsafe fn enter<W: Work>(work: W) {
                #[target_feature(enable = $features)]
                unsafe fn inside<W: Work>(work: W) { unsafe { work.run::<$name>() } }
                unsafe { inside(work) }
            }

            #[inline(always)] unsafe fn load(from: *const i32) -> __m128i { unsafe { _mm_loadu_si128(from.cast()) } }
            #[inline(always)] unsafe fn spread(from: *const u8) -> __m128i { unsafe { _mm_set1_epi32(from.cast::<i32>().read_unaligned()) } }
            #[inline(always)] unsafe fn dot(sum: __m128i, unsigned: __m128i, signed: __m128i) -> __m128i { unsafe { $dot(sum, unsigned, signed) } }
            #[inline(always)] unsafe fn add(a: __m128i, b: __m128i) -> __m128i { unsafe { _mm_add_epi32(a, b) } }
            #[inline(always)] unsafe fn splat(x: i32) -> __m128i { unsafe { _mm_set1_epi32(x) } }
            #[inline(always)] unsafe fn store_bytes(x: __m128i, to: *mut u8) { unsafe {
                let words = _mm_packs_epi32(x, x);
                to.cast::<i32>().write_unaligned(_mm_cvtsi128_si32(_mm_packus_epi16(words, words)));
            } }
            #[inline(always)] unsafe fn float(x: __m128i) -> __m128 { unsafe { _mm_cvtepi32_ps(x) } }
            #[inline(always)] unsafe fn round(x: __m128) -> __m128i { unsafe { _mm_cvtps_epi32(x) } }
            #[inline(always)] unsafe fn load_floats(from: *const f32) -> __m128 { unsafe { _mm_loadu_ps(from) } }
            #[inline(always)] unsafe fn load_halves(from: *const u16) -> __m128 { unsafe {
                let bits = _mm_unpacklo_epi16(_mm_loadl_epi64(from.cast()), _mm_setzero_si128());
                let sign = _mm_slli_epi32::<16>(_mm_and_si128(bits, _mm_set1_epi32(0x8000)));
                let rest = _mm_castsi128_ps(_mm_slli_epi32::<13>(_mm_and_si128(bits, _mm_set1_epi32(0x7fff))));
                _mm_or_ps(_mm_castsi128_ps(sign), _mm_mul_ps(rest, _mm_set1_ps(f32::from_bits(0x7780_0000))))
            } }
            #[inline(always)] unsafe fn load_signed_bytes(from: *const i8) -> __m128 { unsafe {
                let bytes = _mm_cvtsi32_si128(from.cast::<i32>().read_unaligned());
                let words = _mm_unpacklo_epi8(bytes, bytes);
                _mm_cvtepi32_ps(_mm_srai_epi32::<24>(_mm_unpacklo_epi16(words, words)))
            } }
            #[inline(always)] unsafe fn store_floats(x: __m128, to: *mut f32) { unsafe { _mm_storeu_ps(to, x) } }
            #[inline(always)] unsafe fn splat_float(x: f32) -> __m128 { unsafe { _mm_set1_ps(x) } }
            #[inline(always)] unsafe fn multiply(a: __m128, b: __m128) -> __m128 { unsafe { _mm_mul_ps(a, b) } }
            #[inline(always)] unsafe fn plus(a: __m128, b: __m128) -> __m128 { unsafe { _mm_add_ps(a, b) } }
            #[inline(always)] unsafe fn minus(a: __m128, b: __m128) -> __m128 { unsafe { _mm_sub_ps(a, b) } }
            #[inline(always)] unsafe fn divide(a: __m128, b: __m128) -> __m128 { unsafe { _mm_div_ps(a, b) } }
            #[inline(always)] unsafe fn largest(a: __m128, b: __m128) -> __m128 { unsafe { _mm_max_ps(a, b) } }
            #[inline(always)] unsafe fn least(a: __m128, b: __m128) -> __m128 { unsafe { _mm_min_ps(a, b) } }
            #[inline(always)] unsafe fn quick(a: __m128, b: __m128, c: __m128) -> __m128 { unsafe { _mm_add_ps(_mm_mul_ps(a, b), c) } }
            // As `Plain`.
            #[inline(always)] unsafe fn fused(a: __m128, b: __m128, c: __m128) -> __m128 { unsafe {
                let half = |a, b, c| _mm_cvtpd_ps(_mm_add_pd(_mm_mul_pd(_mm_cvtps_pd(a), _mm_cvtps_pd(b)), _mm_cvtps_pd(c)));
                _mm_movelh_ps(half(a, b, c), half(_mm_movehl_ps(a, a), _mm_movehl_ps(b, b), _mm_movehl_ps(c, c)))
            } }
            #[inline(always)] unsafe fn any_above(x: [__m128; 4], limit: f32) -> bool { unsafe {
                let x = x.map(|x| _mm_andnot_ps(_mm_set1_ps(-0.0), x));
                let most = _mm_max_ps(_mm_max_ps(x[0], x[1]), _mm_max_ps(x[2], x[3]));
                _mm_movemask_ps(_mm_cmpgt_ps(most, _mm_set1_ps(limit))) != 0
            } }
            #[inline(always)] unsafe fn load_bytes(from: *const u8) -> __m128 { unsafe {
                let bytes = _mm_cvtsi32_si128(from.cast::<i32>().read_unaligned());
                let zero = _mm_setzero_si128();
                _mm_cvtepi32_ps(_mm_unpacklo_epi16(_mm_unpacklo_epi8(bytes, zero), zero))
            } }
            #[inline(always)] unsafe fn store_four(x: [__m128i; 4], to: *mut u8) { unsafe {
                _mm_storeu_si128(to.cast(), _mm_packus_epi16(_mm_packs_epi32(x[0], x[1]), _mm_packs_epi32(x[2], x[3])));
            } }
            #[inline(always)] unsafe fn power_of_two(n: __m128i) -> __m128 { unsafe { _mm_castsi128_ps(_mm_slli_epi32::<23>(_mm_add_epi32(n, _mm_set1_epi32(127)))) } }
        }
    };
}

sse!(
    /// The baseline of every 64-bit processor of this kind.
    Sse2,
    "sse2",
    true,
    [4, 2, 0, 0, 0],
    |sum, unsigned, signed| {
        let even = _mm_madd_epi16(
            _mm_and_si128(unsigned, _mm_set1_epi16(255)),
            _mm_srai_epi16::<8>(_mm_slli_epi16::<8>(signed)),
        );
        let odd = _mm_madd_epi16(
            _mm_srli_epi16::<8>(unsigned),
            _mm_srai_epi16::<8>(signed),
        );
        _mm_add_epi32(sum, _mm_add_epi32(even, odd))
    }
);
sse!(
    /// Processors without AVX: all before 2011, and the small ones (Atom, Celeron, Pentium) until 2021.
    Sse4,
    "ssse3,sse4.1",
    is_x86_feature_detected!("ssse3") && is_x86_feature_detected!("sse4.1"),
    [9, 5, 0, 0, 0],
    // Two products of 8 and 7 bits fit into 16: nothing saturates.
    |sum, unsigned, signed| {
        _mm_add_epi32(
            sum,
            _mm_madd_epi16(_mm_maddubs_epi16(unsigned, signed), _mm_set1_epi16(1)),
        )
    }
);
