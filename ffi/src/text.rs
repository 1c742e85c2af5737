//! Strings and arrays across the boundary.

use std::ffi::{CStr, CString, c_char};
use std::path::PathBuf;

use engine::Error;

use crate::boundary::invalid;

/// Borrows a string for the length of a call.
///
/// # Safety
/// `pointer` is null or points to a NUL-terminated string that outlives `'a`.
pub(crate) unsafe fn string<'a>(pointer: *const c_char, what: &str) -> Result<&'a str, Error> {
    if pointer.is_null() {
        return Err(invalid(format!("the {what} is NULL")));
    }
    // SAFETY: as this function demands.
    unsafe { CStr::from_ptr(pointer) }
        .to_str()
        .map_err(|_| invalid(format!("the {what} is not UTF-8")))
}

/// Borrows a path for the length of a call: UTF-8 on every system.
///
/// # Safety
/// As for [`string`].
pub(crate) unsafe fn path(pointer: *const c_char, what: &str) -> Result<PathBuf, Error> {
    // SAFETY: as this function demands.
    let path = unsafe { string(pointer, what) }?;
    if path.is_empty() {
        return Err(invalid(format!("the {what} is empty")));
    }
    Ok(PathBuf::from(path))
}

/// Borrows an array for the length of a call.
///
/// # Safety
/// `pointer` points to `length` values, or is null and `length` is 0.
pub(crate) unsafe fn slice<'a, T>(
    pointer: *const T,
    length: usize,
    what: &str,
) -> Result<&'a [T], Error> {
    if length == 0 {
        return Ok(&[]);
    }
    check(pointer, length, what)?;
    // SAFETY: as this function demands; alignment and size were checked.
    Ok(unsafe { std::slice::from_raw_parts(pointer, length) })
}

/// Borrows an array to be written for the length of a call.
///
/// # Safety
/// `pointer` points to `length` writable values that nobody else uses, or is null and `length` is 0.
pub(crate) unsafe fn slice_mut<'a, T>(
    pointer: *mut T,
    length: usize,
    what: &str,
) -> Result<&'a mut [T], Error> {
    if length == 0 {
        return Ok(&mut []);
    }
    check(pointer, length, what)?;
    // SAFETY: as this function demands; alignment and size were checked.
    Ok(unsafe { std::slice::from_raw_parts_mut(pointer, length) })
}

fn check<T>(pointer: *const T, length: usize, what: &str) -> Result<(), Error> {
    if pointer.is_null() {
        return Err(invalid(format!(
            "the {what} are NULL, but {length} are announced"
        )));
    }
    if !pointer.is_aligned() {
        return Err(invalid(format!("the {what} are not aligned")));
    }
    if length > isize::MAX as usize / size_of::<T>() {
        return Err(invalid(format!(
            "{length} {what} are more than memory can hold"
        )));
    }
    Ok(())
}

/// A handle's own string for C; a NUL inside cuts it.
pub(crate) fn owned(text: impl Into<Vec<u8>>) -> CString {
    let mut bytes = text.into();
    bytes.truncate(bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len()));
    CString::new(bytes).unwrap_or_default()
}

/// A handle's own list of strings for C.
#[derive(Debug)]
pub(crate) struct List {
    pointers: Vec<*const c_char>,
    _strings: Vec<CString>,
}

// SAFETY: the pointers lead to the list's own strings, which nobody changes.
unsafe impl Send for List {}
// SAFETY: as above.
unsafe impl Sync for List {}

impl List {
    pub(crate) fn new<S: Into<Vec<u8>>>(items: impl IntoIterator<Item = S>) -> Self {
        let strings: Vec<CString> = items.into_iter().map(owned).collect();
        Self {
            pointers: strings.iter().map(|s| s.as_ptr()).collect(),
            _strings: strings,
        }
    }

    pub(crate) fn as_ptr(&self) -> *const *const c_char {
        self.pointers.as_ptr()
    }

    pub(crate) fn len(&self) -> usize {
        self.pointers.len()
    }
}
