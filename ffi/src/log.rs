//! The log: one callback of the caller's, and nothing else.

use std::ffi::{c_char, c_void};

use engine::LogLevel;

use crate::constants::constants;

constants! {
    /// How much a message matters. A sink gets its own level and all below it.
    essence_log_level: u32 {
        /// Nothing.
        ESSENCE_LOG_LEVEL_OFF = 0,
        /// Something failed.
        ESSENCE_LOG_LEVEL_ERROR = 1,
        /// Something works, but not as asked for.
        ESSENCE_LOG_LEVEL_WARN = 2,
        /// Models and avatars that were loaded and opened, and the provider that runs.
        ESSENCE_LOG_LEVEL_INFO = 3,
        /// Utterances, interruptions, networks that were loaded, places that were searched.
        ESSENCE_LOG_LEVEL_DEBUG = 4,
        /// Every frame.
        ESSENCE_LOG_LEVEL_TRACE = 5,
    }
}

/// Takes a message: UTF-8, `length` bytes, not NUL-terminated, borrowed for the call.
///
/// Called from the thread that makes the call that logs or from one of the engine's own, from several
/// at a time if several log. It must not call into this library and should return at once.
pub type essence_log_fn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        level: essence_log_level,
        message: *const c_char,
        length: usize,
    ),
>;

/// Destroys the `user_data` of a callback.
pub type essence_destroy_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// The caller's callback with its data, destroyed with the last engine, avatar or session that may
/// call it.
pub(crate) struct Sink {
    callback: unsafe extern "C" fn(*mut c_void, essence_log_level, *const c_char, usize),
    user_data: *mut c_void,
    destroy: essence_destroy_fn,
}

// SAFETY: the header demands of callback and data that they may be used from any thread.
unsafe impl Send for Sink {}
// SAFETY: as above.
unsafe impl Sync for Sink {}

impl Sink {
    /// None without a callback.
    pub(crate) fn new(
        callback: essence_log_fn,
        user_data: *mut c_void,
        destroy: essence_destroy_fn,
    ) -> Option<Self> {
        callback.map(|callback| Self {
            callback,
            user_data,
            destroy,
        })
    }

    pub(crate) fn log(&self, level: LogLevel, message: &str) {
        // SAFETY: the callback takes these arguments, as the header says; the message lives for the
        // call.
        unsafe {
            (self.callback)(
                self.user_data,
                level_value(level),
                message.as_ptr().cast(),
                message.len(),
            );
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if let Some(destroy) = self.destroy {
            // SAFETY: called once, when nothing can call the callback any more.
            unsafe { destroy(self.user_data) };
        }
    }
}

fn level_value(level: LogLevel) -> essence_log_level {
    match level {
        LogLevel::Error => ESSENCE_LOG_LEVEL_ERROR,
        LogLevel::Warn => ESSENCE_LOG_LEVEL_WARN,
        LogLevel::Info => ESSENCE_LOG_LEVEL_INFO,
        LogLevel::Debug => ESSENCE_LOG_LEVEL_DEBUG,
        _ => ESSENCE_LOG_LEVEL_TRACE,
    }
}

/// The level of a value; none for `OFF`. Values above `TRACE` mean everything.
pub(crate) fn level(value: essence_log_level) -> Option<LogLevel> {
    Some(match value {
        ESSENCE_LOG_LEVEL_OFF => return None,
        ESSENCE_LOG_LEVEL_ERROR => LogLevel::Error,
        ESSENCE_LOG_LEVEL_WARN => LogLevel::Warn,
        ESSENCE_LOG_LEVEL_INFO => LogLevel::Info,
        ESSENCE_LOG_LEVEL_DEBUG => LogLevel::Debug,
        _ => LogLevel::Trace,
    })
}
