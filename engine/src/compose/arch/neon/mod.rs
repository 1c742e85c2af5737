//! Kernels in NEON that the compiler doesn't vectorize well: pixels deinterleaved and interleaved by
//! loads and stores, products that widen, sums that are rounded and clamped while they are narrowed.

use std::arch::aarch64::*;

mod color;
mod patch;
mod scale;

pub(super) use color::{rgb_to_uv, rgb_to_uv_interleaved, rgb_to_y, ycc_to_rgb};
pub(super) use patch::{blend, depth_to_space_row, sample};
pub(super) use scale::{resample_horizontally, resample_vertically};

/// An index outside of every table: looking it up gives 0.
const NONE: u8 = 255;

#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "a load of a whole array")]
fn load(bytes: &[u8; 16]) -> uint8x16_t {
    // SAFETY: 16 bytes are loaded of 16.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}
