//! Where Rust ends and C begins.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use engine::{Error, ErrorKind};

use crate::error::{essence_error, report};
use crate::status::{ESSENCE_OK, essence_status, status_of};

/// Defines an exported function. Every function of the header comes from here.
///
/// A function that returns `essence_status` gets a last parameter `err`; its body gives
/// `Result<essence_status, Error>`, in which `?` works. Any other function names the value that it
/// gives should its body panic. A panic goes no further than this macro; the handles that the body
/// had borrowed refuse to work from then on (see [`crate::handle`]).
macro_rules! export {
    (
        $(#[$doc:meta])*
        fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> essence_status $body:block
    ) => {
        $(#[$doc])*
        #[unsafe(no_mangle)]
        #[allow(clippy::missing_safety_doc, reason = "the header says what a caller must hold to")]
        pub unsafe extern "C" fn $name(
            $($arg: $type,)*
            err: *mut $crate::error::essence_error,
        ) -> $crate::status::essence_status {
            let body = || -> ::std::result::Result<$crate::status::essence_status, engine::Error> {
                // SAFETY: the caller holds to what the header says of each pointer.
                #[allow(unused_unsafe, reason = "not every function follows a pointer")]
                unsafe { $body }
            };
            // SAFETY: the header demands of `err` to be null or to point to an `essence_error`
            // whose `struct_size` is set.
            unsafe { $crate::boundary::fallible(err, body) }
        }
    };
    (
        $(#[$doc:meta])*
        fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $result:ty)?, on panic $fallback:expr,
        $body:block
    ) => {
        $(#[$doc])*
        #[unsafe(no_mangle)]
        #[allow(clippy::missing_safety_doc, reason = "the header says what a caller must hold to")]
        pub unsafe extern "C" fn $name($($arg: $type),*) $(-> $result)? {
            $crate::boundary::infallible($fallback, || {
                // SAFETY: the caller holds to what the header says of each pointer.
                #[allow(unused_unsafe, reason = "not every function follows a pointer")]
                unsafe { $body }
            })
        }
    };
}

pub(crate) use export;

/// Runs `body` and reports how it ended.
///
/// # Safety
/// `err` is null or points to an `essence_error` whose `struct_size` is set.
pub(crate) unsafe fn fallible(
    err: *mut essence_error,
    body: impl FnOnce() -> Result<essence_status, Error>,
) -> essence_status {
    let (status, message) = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(status)) => (status, None),
        Ok(Err(error)) => (status_of(error.kind()), Some(error.to_string())),
        Err(panic) => (
            status_of(ErrorKind::Internal),
            Some(panic_message(panic.as_ref())),
        ),
    };
    // SAFETY: as this function demands.
    unsafe { report(err, status, message.as_deref().unwrap_or_default()) };
    debug_assert!(
        status >= ESSENCE_OK || message.is_some(),
        "an error has a message"
    );
    status
}

/// Runs `body`, or gives `fallback` if it panics.
pub(crate) fn infallible<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(fallback)
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let what = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    format!("a bug in libessence: {what}; the handles of this call can only be destroyed now")
}

/// An error about an argument.
#[cold]
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}
