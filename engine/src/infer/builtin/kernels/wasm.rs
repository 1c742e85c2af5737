//! 128 bits of WebAssembly.
//!
//! Relaxed instructions give what the processor gives, so they are tried before they are used: only where
//! they are exact are their results those of the other instruction sets.

use std::arch::wasm32::*;

use super::simd::{Simd, Work};

/// `$name` with what differs: `$here`, products of bytes by `$dot`, `$rows`, and `a * b + c` rounded
/// once.
macro_rules! simd128 {
    ($(#[$attribute:meta])* $name:ident, $feature:literal, $here:expr, $rows:expr, $dot:expr, $fused:expr) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug)]
        pub(in crate::infer::builtin) struct $name;

        #[rustfmt::skip]
        impl Simd for $name {
            const LANES: usize = 4;
            const ROWS: [usize; 5] = $rows;
            type I = v128;
            type F = v128;

            fn is_here() -> bool { $here }
            #[inline(always)] unsafe fn enter<W: Work>(work: W) {
                #[target_feature(enable = $feature)]
                unsafe fn inside<W: Work>(work: W) { unsafe { work.run::<$name>() } }
                unsafe { inside(work) }
            }

            #[inline(always)] unsafe fn load(from: *const i32) -> v128 { unsafe { v128_load(from.cast()) } }
            #[inline(always)] unsafe fn spread(from: *const u8) -> v128 { unsafe { v128_load32_splat(from.cast()) } }
            #[inline(always)] unsafe fn dot(sum: v128, unsigned: v128, signed: v128) -> v128 { $dot(sum, unsigned, signed) }
            #[inline(always)] unsafe fn add(a: v128, b: v128) -> v128 { i32x4_add(a, b) }
            #[inline(always)] unsafe fn splat(x: i32) -> v128 { i32x4_splat(x) }
            #[inline(always)] unsafe fn store_bytes(x: v128, to: *mut u8) { unsafe {
                let words = i16x8_narrow_i32x4(x, x);
                v128_store32_lane::<0>(u8x16_narrow_i16x8(words, words), to.cast());
            } }
            #[inline(always)] unsafe fn store_four(x: [v128; 4], to: *mut u8) { unsafe {
                v128_store(to.cast(), u8x16_narrow_i16x8(i16x8_narrow_i32x4(x[0], x[1]), i16x8_narrow_i32x4(x[2], x[3])));
            } }
            #[inline(always)] unsafe fn float(x: v128) -> v128 { f32x4_convert_i32x4(x) }
            #[inline(always)] unsafe fn round(x: v128) -> v128 {
                // As `Plain`: rounds to even by the addition; what is larger is clipped anyway.
                let magic = f32x4_splat(12_582_912.0);
                let clipped = f32x4_pmax(f32x4_splat(-4e6), f32x4_pmin(f32x4_splat(4e6), x));
                i32x4_sub(f32x4_add(clipped, magic), magic)
            }
            #[inline(always)] unsafe fn load_floats(from: *const f32) -> v128 { unsafe { v128_load(from.cast()) } }
            #[inline(always)] unsafe fn load_halves(from: *const u16) -> v128 { unsafe {
                let bits = i32x4_extend_low_u16x8(v128_load64_zero(from.cast()));
                let sign = i32x4_shl(v128_and(bits, i32x4_splat(0x8000)), 16);
                let rest = i32x4_shl(v128_and(bits, i32x4_splat(0x7fff)), 13);
                v128_or(sign, f32x4_mul(rest, f32x4_splat(f32::from_bits(0x7780_0000))))
            } }
            #[inline(always)] unsafe fn load_signed_bytes(from: *const i8) -> v128 { unsafe {
                f32x4_convert_i32x4(i32x4_extend_low_i16x8(i16x8_extend_low_i8x16(v128_load32_zero(from.cast()))))
            } }
            #[inline(always)] unsafe fn load_bytes(from: *const u8) -> v128 { unsafe {
                f32x4_convert_i32x4(i32x4_extend_low_u16x8(i16x8_extend_low_u8x16(v128_load32_zero(from.cast()))))
            } }
            #[inline(always)] unsafe fn store_floats(x: v128, to: *mut f32) { unsafe { v128_store(to.cast(), x) } }
            #[inline(always)] unsafe fn splat_float(x: f32) -> v128 { f32x4_splat(x) }
            #[inline(always)] unsafe fn multiply(a: v128, b: v128) -> v128 { f32x4_mul(a, b) }
            #[inline(always)] unsafe fn plus(a: v128, b: v128) -> v128 { f32x4_add(a, b) }
            #[inline(always)] unsafe fn minus(a: v128, b: v128) -> v128 { f32x4_sub(a, b) }
            #[inline(always)] unsafe fn divide(a: v128, b: v128) -> v128 { f32x4_div(a, b) }
            // `pmax(b, a)` is `if b < a { a } else { b }`.
            #[inline(always)] unsafe fn largest(a: v128, b: v128) -> v128 { f32x4_pmax(b, a) }
            #[inline(always)] unsafe fn least(a: v128, b: v128) -> v128 { f32x4_pmin(b, a) }
            #[inline(always)] unsafe fn fused(a: v128, b: v128, c: v128) -> v128 { $fused(a, b, c) }
            // Rounded twice everywhere, so that all browsers give the same bytes.
            #[inline(always)] unsafe fn quick(a: v128, b: v128, c: v128) -> v128 { f32x4_add(f32x4_mul(a, b), c) }
            #[inline(always)] unsafe fn any_above(x: [v128; 4], limit: f32) -> bool {
                let x = x.map(|x| f32x4_abs(x));
                let most = f32x4_pmax(f32x4_pmax(x[0], x[1]), f32x4_pmax(x[2], x[3]));
                v128_any_true(f32x4_gt(most, f32x4_splat(limit)))
            }
            #[inline(always)] unsafe fn power_of_two(n: v128) -> v128 { i32x4_shl(i32x4_add(n, i32x4_splat(127)), 23) }
        }
    };
}

simd128!(
    /// SIMD as every browser of the last years has it.
    Simd128,
    "simd128",
    true,
    [8, 4, 0, 0, 0],
    dot,
    // As `Plain`.
    |a, b, c| {
        let half = |a, b, c| {
            let [a, b, c] = [a, b, c].map(|x| f64x2_promote_low_f32x4(x));
            f32x4_demote_f64x2_zero(f64x2_add(f64x2_mul(a, b), c))
        };
        let high = |x| i64x2_shuffle::<1, 1>(x, x);
        i64x2_shuffle::<0, 2>(half(a, b, c), half(high(a), high(b), high(c)))
    }
);

/// Even bytes, then odd ones.
#[inline(always)]
fn dot(sum: v128, unsigned: v128, signed: v128) -> v128 {
    let even = i32x4_dot_i16x8(
        v128_and(unsigned, i16x8_splat(255)),
        i16x8_shr(i16x8_shl(signed, 8), 8),
    );
    let odd = i32x4_dot_i16x8(u16x8_shr(unsigned, 8), i16x8_shr(signed, 8));
    i32x4_add(sum, i32x4_add(even, odd))
}

#[cfg(feature = "relaxed-simd")]
simd128!(
    /// Relaxed instructions on processors whose products take a byte of the second operand without a
    /// sign, as those of x86. Two products of 8 and 7 bits fit into 16: nothing saturates.
    RelaxedUnsigned,
    "relaxed-simd",
    is_fused() && product_of_255() == -64 * 255 * 4,
    [8, 4, 0, 0, 0],
    |sum, unsigned, signed| i32x4_relaxed_dot_i8x16_i7x16_add(signed, unsigned, sum),
    |a, b, c| f32x4_relaxed_madd(a, b, c)
);

#[cfg(feature = "relaxed-simd")]
simd128!(
    /// Relaxed instructions on processors whose products take it with a sign, as those of ARM: 128 is
    /// taken off the bytes, and added in the sum.
    RelaxedSigned,
    "relaxed-simd",
    is_fused() && product_of_255() == 64 * 4,
    [8, 4, 0, 0, 0],
    |sum, unsigned, signed| {
        let half = i32x4_relaxed_dot_i8x16_i7x16_add(signed, i8x16_splat(64), i32x4_splat(0));
        let moved = v128_xor(unsigned, i8x16_splat(-128));
        let sum = i32x4_add(sum, i32x4_shl(half, 1));
        i32x4_relaxed_dot_i8x16_i7x16_add(signed, moved, sum)
    },
    |a, b, c| f32x4_relaxed_madd(a, b, c)
);

/// Whether `a * b + c` is rounded once.
#[cfg(feature = "relaxed-simd")]
#[target_feature(enable = "relaxed-simd")]
fn is_fused() -> bool {
    let x = std::hint::black_box(1.0 + f32::EPSILON);
    let rounded = f32x4_splat(-(x * x));
    let rest = f32x4_relaxed_madd(f32x4_splat(x), f32x4_splat(x), rounded);
    f32x4_extract_lane::<0>(rest) == f32::EPSILON * f32::EPSILON
}

/// Four times −64 · 255, or what comes of it.
#[cfg(feature = "relaxed-simd")]
#[target_feature(enable = "relaxed-simd")]
fn product_of_255() -> i32 {
    let [weight, byte] = std::hint::black_box([-64, -1]).map(|x| i8x16_splat(x));
    i32x4_extract_lane::<0>(i32x4_relaxed_dot_i8x16_i7x16_add(
        weight,
        byte,
        i32x4_splat(0),
    ))
}
