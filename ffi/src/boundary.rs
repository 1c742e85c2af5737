//! The boundary between Rust and C: panics, strings, handles.

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

/// A setting that is on or off.
pub(crate) fn flag(value: u32, what: &str) -> Result<bool, Error> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(invalid(format!("{what} is {other}; 0 or 1 is meant"))),
    }
}

/// An error about an argument.
#[cold]
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;
    use crate::handle;
    use crate::status::{ESSENCE_ERR_INTERNAL, ESSENCE_ERR_INVALID_ARGUMENT};

    handle::opaque! {
        /// A handle to try.
        essence_test(Vec<u32>)
    }

    fn error() -> essence_error {
        essence_error {
            struct_size: size_of::<essence_error>() as u32,
            status: 77,
            message: [1; 512],
        }
    }

    fn message(err: &essence_error) -> &str {
        // SAFETY: every report ends with NUL.
        unsafe { CStr::from_ptr(err.message.as_ptr()) }
            .to_str()
            .expect("UTF-8")
    }

    /// A panic ends at the boundary, and the handles that took part refuse to go on.
    #[test]
    fn a_panic_becomes_a_status_and_poisons_its_handles() {
        let (used, bystander) = (
            handle::new::<essence_test>(vec![1]),
            handle::new::<essence_test>(vec![2]),
        );
        let mut err = error();
        // SAFETY: the handles live, and so does the error.
        unsafe {
            let status = fallible(&raw mut err, || {
                let mut numbers = handle::exclusive(used)?;
                numbers.push(2);
                let missing = numbers[7];
                Ok(missing as essence_status)
            });
            assert_eq!(status, ESSENCE_ERR_INTERNAL, "status");
            assert_eq!(err.status, status, "the error's");
            assert!(message(&err).contains("index is 7"), "{}", message(&err));

            let again = fallible(&raw mut err, || {
                handle::shared(used).map(|numbers| numbers.len() as essence_status)
            });
            assert_eq!(again, ESSENCE_ERR_INTERNAL, "refused from then on");
            assert!(message(&err).contains("destroy it"), "{}", message(&err));
            let fine = fallible(&raw mut err, || {
                handle::shared(bystander).map(|numbers| numbers.len() as essence_status)
            });
            assert_eq!((fine, err.status, message(&err)), (1, 1, ""), "others work");
            handle::free(used);
            handle::free(bystander);
        }
    }

    #[test]
    fn a_panic_gives_the_fallback_where_there_is_no_status() {
        let given = infallible(-1, || {
            let numbers: Vec<i32> = std::env::args().skip(usize::MAX).map(|_| 1).collect();
            numbers[0]
        });
        assert_eq!(given, -1, "fallback");
    }

    /// Messages end within the room that the caller has, at a whole character.
    #[test]
    fn long_messages_are_cut_at_a_character() {
        let long = "ä".repeat(400);
        for size in [0, 4, 8, 9, 10, 11, 12, 40, 519, 520, 4_000] {
            let mut err = error();
            err.struct_size = size;
            // SAFETY: the error has room for any size up to its own; more is not written to.
            let status = unsafe { fallible(&raw mut err, || Err(invalid(long.as_str()))) };
            assert_eq!(status, ESSENCE_ERR_INVALID_ARGUMENT, "{size}");
            if size > 8 {
                let room = size.min(520) as usize - 8;
                assert!(message(&err).len() < room, "{size}");
                assert!(message(&err).len() + 2 >= room, "{size}: as much as fits");
            }
            let end = (size.clamp(8, 520) - 8) as usize;
            let beyond = &err.message[end..];
            assert!(beyond.iter().all(|&c| c == 1), "{size}: nothing beyond");
        }
    }
}
