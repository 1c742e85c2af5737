//! The kernels of compositing, each for several instruction sets.
//!
//! `portable/` has every kernel in plain Rust, written so that the compiler turns its loops into
//! vector instructions: elements side by side, no branch, no bounds check inside. `avx2.rs`,
//! `avx512.rs` and `neon/` have intrinsics for the kernels that the compiler doesn't vectorize well;
//! they know `portable/`, which does the rest of a row, and nothing else. `kernels.rs` and
//! `horizontal.rs` choose by [`Isa`] at run time. All versions give the same bytes: the arithmetic is
//! on integers, and the tests compare every instruction set of the machine with a scalar oracle.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod horizontal;
mod isa;
mod kernels;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;

pub(crate) use horizontal::{HorizontalTaps, resample_horizontally};
pub(crate) use isa::Isa;
pub(crate) use kernels::{
    blend, crossfade, depth_to_space, matte_to_alpha, quantize, resample_vertically,
    rgb_and_alpha_to_bgra, rgb_and_alpha_to_rgba, rgb_to_bgr, rgb_to_bgra, rgb_to_rgba, rgb_to_uv,
    rgb_to_uv_interleaved, rgb_to_y, sample, upsample_chroma, ycc_to_rgb,
};
pub(crate) use portable::color::Ycbcr;
pub(crate) use portable::patch::{BLOCK, CHUNK, SamplingPath};
pub(crate) use portable::scale::{BITS, FourTaps};

#[cfg(test)]
pub(super) mod tests;
