//! Plain Rust, for any processor.

use super::simd::{Simd, Work};
use crate::infer::builtin::values::half;

/// No instruction set that is known here.
#[derive(Clone, Copy, Debug)]
pub(in crate::infer::builtin) struct Plain;

const PLAIN: usize = 8;

#[rustfmt::skip]
impl Simd for Plain {
    const LANES: usize = PLAIN;
    const ROWS: [usize; 5] = [2, 0, 0, 0, 0];
    type I = [i32; PLAIN];
    type F = [f32; PLAIN];

    fn is_here() -> bool { true }
    #[inline(always)] unsafe fn enter<W: Work>(work: W) { unsafe { work.run::<Self>() } }

    #[inline(always)] unsafe fn load(from: *const i32) -> Self::I { unsafe { from.cast::<Self::I>().read_unaligned() } }
    #[inline(always)] unsafe fn spread(from: *const u8) -> Self::I { unsafe { [from.cast::<i32>().read_unaligned(); PLAIN] } }
    #[inline(always)] unsafe fn dot(sum: Self::I, unsigned: Self::I, signed: Self::I) -> Self::I {
        let mut made = sum;
        for (made, (a, b)) in made.iter_mut().zip(unsigned.iter().zip(signed)) {
            let (a, b) = (a.cast_unsigned(), b);
            // Pairs, as `pmaddwd` adds them: even bytes, then odd ones.
            let product = |shift: u32| i32::from((a >> shift & 255) as i16) * i32::from((b >> shift) as i8 as i16);
            *made += (product(0) + product(16)) + (product(8) + product(24));
        }
        made
    }
    #[inline(always)] unsafe fn add(a: Self::I, b: Self::I) -> Self::I { std::array::from_fn(|i| a[i] + b[i]) }
    #[inline(always)] unsafe fn splat(x: i32) -> Self::I { [x; PLAIN] }
    #[inline(always)] unsafe fn store_bytes(x: Self::I, to: *mut u8) { unsafe { to.cast::<[u8; PLAIN]>().write_unaligned(x.map(|x| x.clamp(0, 255) as u8)) } }
    #[inline(always)] unsafe fn float(x: Self::I) -> Self::F { x.map(|x| x as f32) }
    #[inline(always)] unsafe fn round(x: Self::F) -> Self::I {
        // Rounds to even by the addition; what is larger is clipped anyway.
        const MAGIC: f32 = 12_582_912.0;
        x.map(|x| (x.clamp(-4e6, 4e6) + MAGIC).to_bits().cast_signed() - MAGIC.to_bits().cast_signed())
    }
    #[inline(always)] unsafe fn load_floats(from: *const f32) -> Self::F { unsafe { from.cast::<Self::F>().read_unaligned() } }
    #[inline(always)] unsafe fn load_halves(from: *const u16) -> Self::F { unsafe { from.cast::<[u16; PLAIN]>().read_unaligned().map(half) } }
    #[inline(always)] unsafe fn load_signed_bytes(from: *const i8) -> Self::F { unsafe { from.cast::<[i8; PLAIN]>().read_unaligned().map(f32::from) } }
    #[inline(always)] unsafe fn store_floats(x: Self::F, to: *mut f32) { unsafe { to.cast::<Self::F>().write_unaligned(x) } }
    #[inline(always)] unsafe fn splat_float(x: f32) -> Self::F { [x; PLAIN] }
    #[inline(always)] unsafe fn multiply(a: Self::F, b: Self::F) -> Self::F { std::array::from_fn(|i| a[i] * b[i]) }
    #[inline(always)] unsafe fn plus(a: Self::F, b: Self::F) -> Self::F { std::array::from_fn(|i| a[i] + b[i]) }
    #[inline(always)] unsafe fn minus(a: Self::F, b: Self::F) -> Self::F { std::array::from_fn(|i| a[i] - b[i]) }
    #[inline(always)] unsafe fn divide(a: Self::F, b: Self::F) -> Self::F { std::array::from_fn(|i| a[i] / b[i]) }
    #[inline(always)] unsafe fn largest(a: Self::F, b: Self::F) -> Self::F { std::array::from_fn(|i| if a[i] > b[i] { a[i] } else { b[i] }) }
    #[inline(always)] unsafe fn least(a: Self::F, b: Self::F) -> Self::F { std::array::from_fn(|i| if a[i] < b[i] { a[i] } else { b[i] }) }
    #[inline(always)] unsafe fn quick(a: Self::F, b: Self::F, c: Self::F) -> Self::F { std::array::from_fn(|i| a[i] * b[i] + c[i]) }
    // `f32::mul_add` is a slow call where there is no instruction. The product is exact in 64 bits; the sum is rounded twice, which is
    // another number once in a billion.
    #[inline(always)] unsafe fn fused(a: Self::F, b: Self::F, c: Self::F) -> Self::F { std::array::from_fn(|i| (f64::from(a[i]) * f64::from(b[i]) + f64::from(c[i])) as f32) }
    #[inline(always)] unsafe fn any_above(x: [Self::F; 4], limit: f32) -> bool { x.as_flattened().iter().fold(false, |found, x| found | (x.abs() > limit)) }
    #[inline(always)] unsafe fn load_bytes(from: *const u8) -> Self::F { unsafe { from.cast::<[u8; PLAIN]>().read_unaligned().map(f32::from) } }
    #[inline(always)] unsafe fn power_of_two(n: Self::I) -> Self::F { n.map(|n| f32::from_bits(((n + 127) << 23).cast_unsigned())) }
}
