//! Numbers that memory of any content holds.

#![expect(unsafe_code, reason = "the contract of what memory is read as")]

/// Elements that may be any bytes.
///
/// # Safety
/// Every pattern of bits is a value, none is padding, and the alignment divides a cache line.
pub(crate) unsafe trait Plain: Copy + Default + Send + Sync + 'static {}
// SAFETY: numbers without invalid patterns.
unsafe impl Plain for f32 {}
// SAFETY: as above.
unsafe impl Plain for i64 {}
// SAFETY: as above.
unsafe impl Plain for u8 {}
