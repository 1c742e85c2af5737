//! 128 bits of ARM.

use std::arch::aarch64::*;
use std::arch::{asm, is_aarch64_feature_detected};

use super::simd::{Simd, Work};

/// `$name` with what differs: `$here`, `$features`, and sums of products of signed bytes by `$dot`.
macro_rules! neon {
    ($(#[$attribute:meta])* $name:ident, $features:literal, $here:expr, $dot:expr) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug)]
        pub(in crate::infer::builtin) struct $name;

        #[rustfmt::skip]
        impl Simd for $name {
            const LANES: usize = 4;
            // Of 32 registers: sums, weights and a pixel.
            const ROWS: [usize; 5] = [9, 9, 8, 6, 5];
            const MOVED: i32 = 128;
            type I = int32x4_t;
            type F = float32x4_t;

            fn is_here() -> bool { $here }
            #[inline(always)] unsafe fn enter<W: Work>(work: W) {
                #[target_feature(enable = $features)]
                unsafe fn inside<W: Work>(work: W) { unsafe { work.run::<$name>() } }
                unsafe { inside(work) }
            }

            #[inline(always)] unsafe fn fetch(from: *const u8) { unsafe {
                asm!("prfm pldl1keep, [{}]", in(reg) from, options(nostack, preserves_flags, readonly));
            } }
            #[inline(always)] unsafe fn load(from: *const i32) -> int32x4_t { unsafe { vld1q_s32(from) } }
            #[inline(always)] unsafe fn spread(from: *const u8) -> int32x4_t { unsafe {
                // No product takes one byte with a sign and one without.
                veorq_s32(vdupq_n_s32(from.cast::<i32>().read_unaligned()), vreinterpretq_s32_u8(vdupq_n_u8(128)))
            } }
            #[inline(always)] unsafe fn dot(sum: int32x4_t, moved: int32x4_t, signed: int32x4_t) -> int32x4_t { unsafe {
                $dot(sum, vreinterpretq_s8_s32(moved), vreinterpretq_s8_s32(signed))
            } }
            #[inline(always)] unsafe fn add(a: int32x4_t, b: int32x4_t) -> int32x4_t { unsafe { vaddq_s32(a, b) } }
            #[inline(always)] unsafe fn splat(x: i32) -> int32x4_t { unsafe { vdupq_n_s32(x) } }
            #[inline(always)] unsafe fn store_bytes(x: int32x4_t, to: *mut u8) { unsafe {
                let words = vqmovn_s32(x);
                let bytes = vqmovun_s16(vcombine_s16(words, words));
                to.cast::<u32>().write_unaligned(vget_lane_u32::<0>(vreinterpret_u32_u8(bytes)));
            } }
            #[inline(always)] unsafe fn store_four(x: [int32x4_t; 4], to: *mut u8) { unsafe {
                let first = vcombine_s16(vqmovn_s32(x[0]), vqmovn_s32(x[1]));
                let second = vcombine_s16(vqmovn_s32(x[2]), vqmovn_s32(x[3]));
                vst1q_u8(to, vcombine_u8(vqmovun_s16(first), vqmovun_s16(second)));
            } }
            #[inline(always)] unsafe fn float(x: int32x4_t) -> float32x4_t { unsafe { vcvtq_f32_s32(x) } }
            #[inline(always)] unsafe fn round(x: float32x4_t) -> int32x4_t { unsafe { vcvtnq_s32_f32(x) } }
            #[inline(always)] unsafe fn load_floats(from: *const f32) -> float32x4_t { unsafe { vld1q_f32(from) } }
            #[inline(always)] unsafe fn load_halves(from: *const u16) -> float32x4_t { unsafe {
                let bits = vmovl_u16(vld1_u16(from));
                let sign = vshlq_n_u32::<16>(vandq_u32(bits, vdupq_n_u32(0x8000)));
                let rest = vreinterpretq_f32_u32(vshlq_n_u32::<13>(vandq_u32(bits, vdupq_n_u32(0x7fff))));
                let rest = vmulq_f32(rest, vdupq_n_f32(f32::from_bits(0x7780_0000)));
                vreinterpretq_f32_u32(vorrq_u32(sign, vreinterpretq_u32_f32(rest)))
            } }
            #[inline(always)] unsafe fn load_signed_bytes(from: *const i8) -> float32x4_t { unsafe {
                let bytes = vreinterpret_s8_u32(vdup_n_u32(from.cast::<u32>().read_unaligned()));
                vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(bytes))))
            } }
            #[inline(always)] unsafe fn load_bytes(from: *const u8) -> float32x4_t { unsafe {
                let bytes = vreinterpret_u8_u32(vdup_n_u32(from.cast::<u32>().read_unaligned()));
                vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(bytes))))
            } }
            #[inline(always)] unsafe fn store_floats(x: float32x4_t, to: *mut f32) { unsafe { vst1q_f32(to, x) } }
            #[inline(always)] unsafe fn splat_float(x: f32) -> float32x4_t { unsafe { vdupq_n_f32(x) } }
            #[inline(always)] unsafe fn multiply(a: float32x4_t, b: float32x4_t) -> float32x4_t { unsafe { vmulq_f32(a, b) } }
            #[inline(always)] unsafe fn plus(a: float32x4_t, b: float32x4_t) -> float32x4_t { unsafe { vaddq_f32(a, b) } }
            #[inline(always)] unsafe fn minus(a: float32x4_t, b: float32x4_t) -> float32x4_t { unsafe { vsubq_f32(a, b) } }
            #[inline(always)] unsafe fn divide(a: float32x4_t, b: float32x4_t) -> float32x4_t { unsafe { vdivq_f32(a, b) } }
            #[inline(always)] unsafe fn largest(a: float32x4_t, b: float32x4_t) -> float32x4_t { unsafe { vbslq_f32(vcgtq_f32(a, b), a, b) } }
            #[inline(always)] unsafe fn least(a: float32x4_t, b: float32x4_t) -> float32x4_t { unsafe { vbslq_f32(vcltq_f32(a, b), a, b) } }
            #[inline(always)] unsafe fn fused(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t { unsafe { vfmaq_f32(c, a, b) } }
            #[inline(always)] unsafe fn any_above(x: [float32x4_t; 4], limit: f32) -> bool { unsafe {
                let most = vmaxq_f32(vmaxq_f32(vabsq_f32(x[0]), vabsq_f32(x[1])), vmaxq_f32(vabsq_f32(x[2]), vabsq_f32(x[3])));
                vmaxvq_f32(most) > limit
            } }
            #[inline(always)] unsafe fn power_of_two(n: int32x4_t) -> float32x4_t { unsafe {
                vreinterpretq_f32_s32(vshlq_n_s32::<23>(vaddq_s32(n, vdupq_n_s32(127))))
            } }
        }
    };
}

neon!(
    /// The baseline of every 64-bit processor of ARM's. Two products of 8 and 7 bits fit into 16.
    Neon,
    "neon",
    true,
    |sum, moved, signed| {
        let first = vmull_s8(vget_low_s8(moved), vget_low_s8(signed));
        let second = vmull_high_s8(moved, signed);
        vpadalq_s16(sum, vpaddq_s16(first, second))
    }
);

neon!(
    /// With products of bytes, as in the processors since 2018.
    NeonDot,
    "neon,dotprod",
    is_aarch64_feature_detected!("dotprod"),
    |sum: int32x4_t, moved: int8x16_t, signed: int8x16_t| {
        // The intrinsic isn't stable.
        let mut sum = sum;
        asm!(
            ".arch_extension dotprod",
            "sdot {sum:v}.4s, {moved:v}.16b, {signed:v}.16b",
            sum = inout(vreg) sum,
            moved = in(vreg) moved,
            signed = in(vreg) signed,
            options(pure, nomem, nostack, preserves_flags)
        );
        sum
    }
);
