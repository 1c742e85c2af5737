//! What the compiler doesn't find by itself, in NEON: pixels taken apart and put together by loads
//! and stores, products that widen, sums that are rounded and clamped while they are narrowed.

use std::arch::aarch64::*;

mod convert;
mod mix;
mod scale;

pub(super) use convert::{chroma, chroma_in_turn, colours, full_chroma, luma};
pub(super) use mix::{mix, sample, unstrip};
pub(super) use scale::{columns, rows};

/// Where a table has nothing: looking it up gives 0.
const NONE: u8 = 255;

#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "a load of a whole array")]
fn load(bytes: &[u8; 16]) -> uint8x16_t {
    // SAFETY: 16 bytes are loaded of 16.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}
