//! The log, through C.

use std::ffi::{c_char, c_void};
use std::fmt;

use crate::LogLevel;

/// The caller's sink, behind `log_user_data`.
pub(crate) struct Sink(pub(crate) Box<Write>);

type Write = dyn Fn(LogLevel, &str) + Send + Sync;

/// The levels in the order of the header's values, from 1 on.
const LEVELS: [LogLevel; 5] = [
    LogLevel::Error,
    LogLevel::Warn,
    LogLevel::Info,
    LogLevel::Debug,
    LogLevel::Trace,
];

/// The value of a level; 0 for none.
pub(crate) fn value(level: Option<LogLevel>) -> u32 {
    let place = |level| LEVELS.iter().position(|&x| x == level).expect("known");
    level.map_or(0, |level| place(level) as u32 + 1)
}

/// The header's `essence_log_fn`.
///
/// # Safety
/// `user_data` is a [`Sink`], `message` has `length` bytes.
pub(crate) unsafe extern "C" fn write(
    user_data: *mut c_void,
    level: u32,
    message: *const c_char,
    length: usize,
) {
    // SAFETY: as this function demands.
    let (sink, message) = unsafe {
        (
            &*user_data.cast::<Sink>(),
            std::slice::from_raw_parts(message.cast::<u8>(), length),
        )
    };
    let message = std::str::from_utf8(message).expect("messages are UTF-8");
    (sink.0)(LEVELS[level as usize - 1], message);
}

/// The header's `essence_destroy_fn`.
///
/// # Safety
/// `user_data` is a [`Sink`] out of a box, destroyed once.
pub(crate) unsafe extern "C" fn destroy(user_data: *mut c_void) {
    // SAFETY: as this function demands.
    drop(unsafe { Box::from_raw(user_data.cast::<Sink>()) });
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sink")
    }
}
