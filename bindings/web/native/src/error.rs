//! The error of the last call that failed.

use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};

use essence::{Error, ErrorKind};

use crate::FAILED;
use crate::world::with;

/// The message of a panic. Apart from the rest, which may be borrowed at that moment.
static PANIC: Mutex<String> = Mutex::new(String::new());

thread_local! {
    /// The last error's message, and its kind's place in [`ErrorKind::ALL`].
    static LAST: RefCell<(String, i32)> = const { RefCell::new((String::new(), -1)) };
}

/// Has panics' messages kept. To be called once, first.
#[unsafe(no_mangle)]
pub extern "C" fn web_start() {
    std::panic::set_hook(Box::new(|panic| {
        *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string();
    }));
    with(|_| ());
}

/// Keeps an error for the page.
pub(crate) fn keep(error: &Error) -> i32 {
    let kind = ErrorKind::ALL.iter().position(|kind| *kind == error.kind());
    let kind = kind.and_then(|kind| i32::try_from(kind).ok()).unwrap_or(-1);
    LAST.with_borrow_mut(|last| *last = (error.to_string(), kind));
    FAILED
}

/// The number of a call, or [`FAILED`] with the error kept.
pub(crate) fn give(result: essence::Result<i32>) -> i32 {
    result.unwrap_or_else(|error| keep(&error))
}

/// Address of the last error's message, UTF-8.
#[unsafe(no_mangle)]
pub extern "C" fn web_error() -> *const u8 {
    LAST.with_borrow(|last| last.0.as_ptr())
}

/// Its length in bytes.
#[unsafe(no_mangle)]
pub extern "C" fn web_error_length() -> usize {
    LAST.with_borrow(|last| last.0.len())
}

/// Its kind: the place in `ErrorKind::ALL`.
#[unsafe(no_mangle)]
pub extern "C" fn web_error_kind() -> i32 {
    LAST.with_borrow(|last| last.1)
}

/// Address of what the panic said that ended the module.
#[unsafe(no_mangle)]
pub extern "C" fn web_panic() -> *const u8 {
    PANIC
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .as_ptr()
}

/// Its length in bytes; 0 as long as there was none.
#[unsafe(no_mangle)]
pub extern "C" fn web_panic_length() -> usize {
    PANIC.lock().unwrap_or_else(PoisonError::into_inner).len()
}
