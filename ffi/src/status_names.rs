//! Names and exit codes of statuses.

use crate::boundary::export;
use crate::status::{ESSENCE_AGAIN, ESSENCE_DONE, ESSENCE_END, ESSENCE_OK, TABLE, essence_status};

export! {
    /// The name of a status, such as `invalid_argument`; `unknown` for a value that this version
    /// does not have.
    ///
    /// Returns: static.
    /// Threads: any, concurrently.
    fn essence_status_name(status: essence_status) -> *const std::ffi::c_char, on panic c"unknown".as_ptr(),
    {
        let name = match status {
            ESSENCE_OK => c"ok",
            ESSENCE_AGAIN => c"again",
            ESSENCE_END => c"end",
            ESSENCE_DONE => c"done",
            _ => TABLE.iter().find(|row| row.1 == status).map_or(c"unknown", |row| row.2),
        };
        name.as_ptr()
    }
}

export! {
    /// The exit code that a command line program ends with after `status` (after BSD's `sysexits`):
    /// 0, 1 generic, 2 usage, 66 no input, 69 unavailable, 70 internal, 130 interrupted.
    ///
    /// Threads: any, concurrently.
    fn essence_status_exit_code(status: essence_status) -> i32, on panic 70,
    {
        if status >= ESSENCE_OK {
            return 0;
        }
        TABLE.iter().find(|row| row.1 == status).map_or(1, |row| i32::from(row.0.exit_code()))
    }
}
