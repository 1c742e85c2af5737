//! The error that the caller owns.

use std::ffi::c_char;
use std::mem::offset_of;

use crate::status::{ESSENCE_OK, essence_status};

/// An error, in memory of the caller's: nothing to free, nothing shared between threads.
///
/// Pass it as the last argument of any function that has one, or NULL. It is always written, on
/// success too (status #ESSENCE_OK, empty message).
#[repr(C)]
pub struct essence_error {
    /// Size of this struct as the caller knows it: #ESSENCE_ERROR_INIT sets it.
    pub struct_size: u32,
    /// The same value that the function returned.
    pub status: essence_status,
    /// Sentence for a person: the fault, and what to do about it. UTF-8, NUL-terminated, cut at the end
    /// if need be.
    pub message: [c_char; 512],
}

/// Writes `status` and `message` to `err`, as far as its `struct_size` reaches.
///
/// # Safety
/// `err` is null or points to an `essence_error` whose `struct_size` is set.
pub(crate) unsafe fn report(err: *mut essence_error, status: essence_status, message: &str) {
    if err.is_null() {
        return;
    }
    // SAFETY: `err` is valid, and `struct_size` comes first in every version of the struct.
    let size = unsafe { (&raw const (*err).struct_size).read() } as usize;
    let text = offset_of!(essence_error, message);
    if size < text {
        return;
    }
    // SAFETY: the caller's struct reaches beyond `status`.
    unsafe { (&raw mut (*err).status).write(status) };
    let room = (size - text).min(size_of::<essence_error>() - text);
    let Some(longest) = room.checked_sub(1) else {
        return;
    };
    let message = if status >= ESSENCE_OK { "" } else { message };
    let end = message.floor_char_boundary(longest);
    // SAFETY: `end < room` bytes and a NUL lie within the caller's struct; `message` is ours.
    unsafe {
        let out = (&raw mut (*err).message).cast::<u8>();
        out.copy_from_nonoverlapping(message.as_ptr(), end);
        out.add(end).write(0);
    }
}
