//! The operations that kernels need of an instruction set: one implementation of each kernel serves all.
//!
//! Lanes are outputs, never parts of one sum: so all instruction sets add in the same order and give
//! the same bytes. `plain.rs` is the one that the others are compared with.

/// An instruction set.
///
/// # Safety
/// Of all functions: the processor has what the type's name says, and pointers may be read or written
/// as far as a vector goes.
pub(in crate::infer::builtin) trait Simd:
    Copy + std::fmt::Debug + Send + Sync + 'static
{
    /// Numbers of 32 bits in a vector.
    const LANES: usize;
    /// Most pixels of a tile with one, two … five vectors of channels: as many as there are registers
    /// for; 0 = never.
    const ROWS: [usize; 5];
    /// Taken off each byte by [`Self::spread`], for instruction sets that multiply signed bytes alone.
    /// [`super::Conv`] puts it back.
    const MOVED: i32 = 0;
    type I: Copy;
    type F: Copy;

    /// Whether the processor has it.
    fn is_here() -> bool;
    /// Does work in a function that is compiled for it. All that this calls must be inlined into it.
    unsafe fn enter<W: Work>(work: W);

    /// Asks for what will be read.
    #[inline(always)]
    unsafe fn fetch(_: *const u8) {}
    unsafe fn load(from: *const i32) -> Self::I;
    /// Four bytes, again in each lane, less [`Self::MOVED`].
    unsafe fn spread(from: *const u8) -> Self::I;
    /// `sum` + four products of bytes in each lane: some of [`Self::spread`] and signed ones, which have 7 bits.
    unsafe fn dot(sum: Self::I, spread: Self::I, signed: Self::I) -> Self::I;
    unsafe fn add(a: Self::I, b: Self::I) -> Self::I;
    unsafe fn splat(x: i32) -> Self::I;
    /// Clipped to 0 … 255, as one byte each.
    unsafe fn store_bytes(x: Self::I, to: *mut u8);
    /// Four of them, one after the other.
    #[inline(always)]
    unsafe fn store_four(x: [Self::I; 4], to: *mut u8) {
        for (i, x) in x.into_iter().enumerate() {
            unsafe { Self::store_bytes(x, to.add(i * Self::LANES)) };
        }
    }

    unsafe fn float(x: Self::I) -> Self::F;
    /// To the nearest, ties to even.
    unsafe fn round(x: Self::F) -> Self::I;
    unsafe fn load_floats(from: *const f32) -> Self::F;
    unsafe fn load_halves(from: *const u16) -> Self::F;
    unsafe fn load_signed_bytes(from: *const i8) -> Self::F;
    unsafe fn load_bytes(from: *const u8) -> Self::F;
    unsafe fn store_floats(x: Self::F, to: *mut f32);
    unsafe fn splat_float(x: f32) -> Self::F;
    unsafe fn multiply(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn plus(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn minus(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn divide(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn largest(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn least(a: Self::F, b: Self::F) -> Self::F;
    /// `a * b + c`, rounded once.
    unsafe fn fused(a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// `a * b + c`, rounded once or twice, whatever is faster.
    #[inline(always)]
    unsafe fn quick(a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        unsafe { Self::fused(a, b, c) }
    }
    /// Whether some |x| is above `limit`.
    unsafe fn any_above(x: [Self::F; 4], limit: f32) -> bool;
    /// 2^n for whole n.
    unsafe fn power_of_two(n: Self::I) -> Self::F;
}

/// Neighbouring vectors. A loop, as everywhere in kernels: a closure that isn't inlined is compiled for
/// the target's baseline, which makes a kernel ten times as slow.
///
/// # Safety
/// As for [`Simd`].
#[inline(always)]
pub(super) unsafe fn floats<S: Simd, const C: usize>(from: *const f32) -> [S::F; C] {
    unsafe {
        let mut all = [S::splat_float(0.0); C];
        for (c, vector) in all.iter_mut().enumerate() {
            *vector = S::load_floats(from.add(c * S::LANES));
        }
        all
    }
}

/// The same of whole numbers.
///
/// # Safety
/// As for [`Simd`].
#[inline(always)]
pub(super) unsafe fn integers<S: Simd, const C: usize>(from: *const i32) -> [S::I; C] {
    unsafe {
        let mut all = [S::splat(0); C];
        for (c, vector) in all.iter_mut().enumerate() {
            *vector = S::load(from.add(c * S::LANES));
        }
        all
    }
}

/// A kernel with its arguments.
pub(in crate::infer::builtin) trait Work {
    /// # Safety
    /// As for [`Simd`]; to be `#[inline(always)]`.
    unsafe fn run<S: Simd>(self);
}
