//! 512 and 256 bits of x86.

use std::arch::x86_64::*;

use super::simd::{Simd, Work};

/// AVX-512 with products of bytes (VNNI).
#[derive(Clone, Copy, Debug)]
pub(in crate::infer::builtin) struct Avx512;

#[rustfmt::skip]
impl Simd for Avx512 {
    const LANES: usize = 16;
    const ROWS: [usize; 5] = [9, 9, 9, 6, 5];
    type I = __m512i;
    type F = __m512;

    fn is_here() -> bool { is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vl") && is_x86_feature_detected!("avx512dq") && is_x86_feature_detected!("avx512vnni") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c") }
    #[inline(always)] unsafe fn enter<W: Work>(work: W) {
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,fma,f16c")]
        unsafe fn inside<W: Work>(work: W) { unsafe { work.run::<Avx512>() } }
        unsafe { inside(work) }
    }

    #[inline(always)] unsafe fn fetch(from: *const u8) { unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) } }
    #[inline(always)] unsafe fn load(from: *const i32) -> __m512i { unsafe { _mm512_loadu_si512(from.cast()) } }
    #[inline(always)] unsafe fn spread(from: *const u8) -> __m512i { unsafe { _mm512_set1_epi32(from.cast::<i32>().read_unaligned()) } }
    #[inline(always)] unsafe fn dot(sum: __m512i, unsigned: __m512i, signed: __m512i) -> __m512i { unsafe { _mm512_dpbusd_epi32(sum, unsigned, signed) } }
    #[inline(always)] unsafe fn add(a: __m512i, b: __m512i) -> __m512i { unsafe { _mm512_add_epi32(a, b) } }
    #[inline(always)] unsafe fn splat(x: i32) -> __m512i { unsafe { _mm512_set1_epi32(x) } }
    #[inline(always)] unsafe fn store_bytes(x: __m512i, to: *mut u8) { unsafe { _mm_storeu_si128(to.cast(), _mm512_cvtusepi32_epi8(_mm512_max_epi32(x, _mm512_setzero_si512()))) } }
    #[inline(always)] unsafe fn store_four(x: [__m512i; 4], to: *mut u8) { unsafe {
        let words = [_mm512_packs_epi32(x[0], x[1]), _mm512_packs_epi32(x[2], x[3])];
        let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        _mm512_storeu_si512(to.cast(), _mm512_permutexvar_epi32(order, _mm512_packus_epi16(words[0], words[1])));
    } }
    #[inline(always)] unsafe fn float(x: __m512i) -> __m512 { unsafe { _mm512_cvtepi32_ps(x) } }
    #[inline(always)] unsafe fn round(x: __m512) -> __m512i { unsafe { _mm512_cvtps_epi32(x) } }
    #[inline(always)] unsafe fn load_floats(from: *const f32) -> __m512 { unsafe { _mm512_loadu_ps(from) } }
    #[inline(always)] unsafe fn load_halves(from: *const u16) -> __m512 { unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.cast())) } }
    #[inline(always)] unsafe fn load_signed_bytes(from: *const i8) -> __m512 { unsafe { _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(from.cast()))) } }
    #[inline(always)] unsafe fn store_floats(x: __m512, to: *mut f32) { unsafe { _mm512_storeu_ps(to, x) } }
    #[inline(always)] unsafe fn splat_float(x: f32) -> __m512 { unsafe { _mm512_set1_ps(x) } }
    #[inline(always)] unsafe fn multiply(a: __m512, b: __m512) -> __m512 { unsafe { _mm512_mul_ps(a, b) } }
    #[inline(always)] unsafe fn plus(a: __m512, b: __m512) -> __m512 { unsafe { _mm512_add_ps(a, b) } }
    #[inline(always)] unsafe fn minus(a: __m512, b: __m512) -> __m512 { unsafe { _mm512_sub_ps(a, b) } }
    #[inline(always)] unsafe fn divide(a: __m512, b: __m512) -> __m512 { unsafe { _mm512_div_ps(a, b) } }
    #[inline(always)] unsafe fn largest(a: __m512, b: __m512) -> __m512 { unsafe { _mm512_max_ps(a, b) } }
    #[inline(always)] unsafe fn least(a: __m512, b: __m512) -> __m512 { unsafe { _mm512_min_ps(a, b) } }
    #[inline(always)] unsafe fn fused(a: __m512, b: __m512, c: __m512) -> __m512 { unsafe { _mm512_fmadd_ps(a, b, c) } }
    #[inline(always)] unsafe fn any_above(x: [__m512; 4], limit: f32) -> bool { unsafe {
        // The larger one of two, without signs.
        let most = _mm512_range_ps::<0b1011>(_mm512_range_ps::<0b1011>(x[0], x[1]), _mm512_range_ps::<0b1011>(x[2], x[3]));
        _mm512_cmp_ps_mask::<_CMP_GT_OQ>(most, _mm512_set1_ps(limit)) != 0
    } }
    #[inline(always)] unsafe fn load_bytes(from: *const u8) -> __m512 { unsafe { _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast()))) } }
    #[inline(always)] unsafe fn power_of_two(n: __m512i) -> __m512 { unsafe { _mm512_castsi512_ps(_mm512_slli_epi32::<23>(_mm512_add_epi32(n, _mm512_set1_epi32(127)))) } }
}

/// 256 bits; `$dot` is all that differs.
macro_rules! avx {
    ($name:ident, $features:literal, $last:tt, $rows:expr, $dot:expr) => {
        /// 256 bits.
        #[derive(Clone, Copy, Debug)]
        pub(in crate::infer::builtin) struct $name;

        #[rustfmt::skip]
        impl Simd for $name {
            const LANES: usize = 8;
            const ROWS: [usize; 5] = $rows;
            type I = __m256i;
            type F = __m256;

            fn is_here() -> bool { is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c") && is_x86_feature_detected!($last) }
            #[inline(always)] unsafe fn enter<W: Work>(work: W) {
                #[target_feature(enable = $features)]
                unsafe fn inside<W: Work>(work: W) { unsafe { work.run::<$name>() } }
                unsafe { inside(work) }
            }

            #[inline(always)] unsafe fn fetch(from: *const u8) { unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) } }
            #[inline(always)] unsafe fn load(from: *const i32) -> __m256i { unsafe { _mm256_loadu_si256(from.cast()) } }
            #[inline(always)] unsafe fn spread(from: *const u8) -> __m256i { unsafe { _mm256_set1_epi32(from.cast::<i32>().read_unaligned()) } }
            #[inline(always)] unsafe fn dot(sum: __m256i, unsigned: __m256i, signed: __m256i) -> __m256i { unsafe { $dot(sum, unsigned, signed) } }
            #[inline(always)] unsafe fn add(a: __m256i, b: __m256i) -> __m256i { unsafe { _mm256_add_epi32(a, b) } }
            #[inline(always)] unsafe fn splat(x: i32) -> __m256i { unsafe { _mm256_set1_epi32(x) } }
            #[inline(always)] unsafe fn store_bytes(x: __m256i, to: *mut u8) { unsafe {
                let words = _mm_packs_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256::<1>(x));
                _mm_storel_epi64(to.cast(), _mm_packus_epi16(words, words));
            } }
            #[inline(always)] unsafe fn float(x: __m256i) -> __m256 { unsafe { _mm256_cvtepi32_ps(x) } }
            #[inline(always)] unsafe fn round(x: __m256) -> __m256i { unsafe { _mm256_cvtps_epi32(x) } }
            #[inline(always)] unsafe fn load_floats(from: *const f32) -> __m256 { unsafe { _mm256_loadu_ps(from) } }
            #[inline(always)] unsafe fn load_halves(from: *const u16) -> __m256 { unsafe { _mm256_cvtph_ps(_mm_loadu_si128(from.cast())) } }
            #[inline(always)] unsafe fn load_signed_bytes(from: *const i8) -> __m256 { unsafe { _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(from.cast()))) } }
            #[inline(always)] unsafe fn store_floats(x: __m256, to: *mut f32) { unsafe { _mm256_storeu_ps(to, x) } }
            #[inline(always)] unsafe fn splat_float(x: f32) -> __m256 { unsafe { _mm256_set1_ps(x) } }
            #[inline(always)] unsafe fn multiply(a: __m256, b: __m256) -> __m256 { unsafe { _mm256_mul_ps(a, b) } }
            #[inline(always)] unsafe fn plus(a: __m256, b: __m256) -> __m256 { unsafe { _mm256_add_ps(a, b) } }
            #[inline(always)] unsafe fn minus(a: __m256, b: __m256) -> __m256 { unsafe { _mm256_sub_ps(a, b) } }
            #[inline(always)] unsafe fn divide(a: __m256, b: __m256) -> __m256 { unsafe { _mm256_div_ps(a, b) } }
            #[inline(always)] unsafe fn largest(a: __m256, b: __m256) -> __m256 { unsafe { _mm256_max_ps(a, b) } }
            #[inline(always)] unsafe fn least(a: __m256, b: __m256) -> __m256 { unsafe { _mm256_min_ps(a, b) } }
            #[inline(always)] unsafe fn fused(a: __m256, b: __m256, c: __m256) -> __m256 { unsafe { _mm256_fmadd_ps(a, b, c) } }
            #[inline(always)] unsafe fn any_above(x: [__m256; 4], limit: f32) -> bool { unsafe {
                let x = x.map(|x| _mm256_andnot_ps(_mm256_set1_ps(-0.0), x));
                let most = _mm256_max_ps(_mm256_max_ps(x[0], x[1]), _mm256_max_ps(x[2], x[3]));
                _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(most, _mm256_set1_ps(limit))) != 0
            } }
            #[inline(always)] unsafe fn load_bytes(from: *const u8) -> __m256 { unsafe { _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast()))) } }
            #[inline(always)] unsafe fn store_four(x: [__m256i; 4], to: *mut u8) { unsafe {
                let words = [_mm256_packs_epi32(x[0], x[1]), _mm256_packs_epi32(x[2], x[3])];
                let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
                _mm256_storeu_si256(to.cast(), _mm256_permutevar8x32_epi32(_mm256_packus_epi16(words[0], words[1]), order));
            } }
            #[inline(always)] unsafe fn power_of_two(n: __m256i) -> __m256 { unsafe { _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_add_epi32(n, _mm256_set1_epi32(127)))) } }
        }
    };
}

avx!(
    AvxVnni,
    "avx2,fma,f16c,avxvnni",
    "avxvnni",
    [9, 6, 0, 0, 0],
    _mm256_dpbusd_avx_epi32
);
// Two products of 8 and 7 bits fit into 16: nothing saturates.
avx!(
    Avx2,
    "avx2,fma,f16c",
    "avx2",
    [9, 5, 0, 0, 0],
    |sum, unsigned, signed| {
        _mm256_add_epi32(
            sum,
            _mm256_madd_epi16(_mm256_maddubs_epi16(unsigned, signed), _mm256_set1_epi16(1)),
        )
    }
);
