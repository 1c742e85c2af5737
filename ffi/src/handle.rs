//! The objects behind opaque pointers.
//!
//! A call borrows the handles it is given. If it panics meanwhile, the borrow marks the handle
//! poisoned as it is unwound, and every later call on it is refused, so that no call works on state
//! that a bug left half changed. Destroying still works.

use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};

use engine::{Error, ErrorKind};

use crate::boundary::invalid;

/// An object of the header's, as its pointer points to it.
#[derive(Debug)]
pub(crate) struct Handle<T> {
    poisoned: AtomicBool,
    value: UnsafeCell<T>,
}

/// A type of the header's that is known by its pointer only.
///
/// # Safety
/// The type is a `repr(transparent)` wrapper around `Handle<Self::Value>`.
pub(crate) unsafe trait Opaque: Sized {
    /// The value that it holds.
    type Value;
    /// Its name in messages.
    const NAME: &'static str;
}

/// Declares an opaque type of the header's.
macro_rules! opaque {
    ($(#[$doc:meta])* $name:ident($value:ty)) => {
        $(#[$doc])*
        #[repr(transparent)]
        pub struct $name($crate::handle::Handle<$value>);

        // SAFETY: a transparent wrapper, as declared above.
        unsafe impl $crate::handle::Opaque for $name {
            type Value = $value;
            const NAME: &'static str = stringify!($name);
        }
    };
}

pub(crate) use opaque;

/// A shared borrow of a handle for the length of a call.
pub(crate) struct Shared<'a, T>(&'a Handle<T>);

/// An exclusive borrow of a handle for the length of a call.
pub(crate) struct Exclusive<'a, T>(&'a mut Handle<T>);

/// Puts `value` behind a pointer, which [`free`] takes back.
pub(crate) fn new<H: Opaque>(value: H::Value) -> *mut H {
    let handle = Handle {
        poisoned: AtomicBool::new(false),
        value: UnsafeCell::new(value),
    };
    Box::into_raw(Box::new(handle)).cast()
}

/// Takes back what [`new`] gave; null is fine.
///
/// # Safety
/// `pointer` is null or came from [`new`], and nobody uses it any more.
pub(crate) unsafe fn free<H: Opaque>(pointer: *mut H) {
    if !pointer.is_null() {
        // SAFETY: it came out of a box of this type (`Opaque` is transparent), given back once.
        drop(unsafe { Box::from_raw(pointer.cast::<Handle<H::Value>>()) });
    }
}

/// Borrows a handle along with others.
///
/// # Safety
/// `pointer` is null or a living handle that nobody borrows exclusively, and `H::Value` may be used
/// from several threads at a time or is not.
pub(crate) unsafe fn shared<'a, H: Opaque>(
    pointer: *const H,
) -> Result<Shared<'a, H::Value>, Error> {
    // SAFETY: as this function demands.
    let handle = unsafe { pointer.cast::<Handle<H::Value>>().as_ref() }.ok_or_else(null::<H>)?;
    handle.check::<H>()?;
    Ok(Shared(handle))
}

/// Borrows a handle alone.
///
/// # Safety
/// `pointer` is null or a living handle that nobody else borrows.
pub(crate) unsafe fn exclusive<'a, H: Opaque>(
    pointer: *mut H,
) -> Result<Exclusive<'a, H::Value>, Error> {
    // SAFETY: as this function demands.
    let handle = unsafe { pointer.cast::<Handle<H::Value>>().as_mut() }.ok_or_else(null::<H>)?;
    handle.check::<H>()?;
    Ok(Exclusive(handle))
}

/// The value of a handle, poisoned or not; none behind null.
///
/// # Safety
/// As for [`shared`].
pub(crate) unsafe fn peek<'a, H: Opaque>(pointer: *const H) -> Option<&'a H::Value>
where
    H::Value: 'a,
{
    // SAFETY: as this function demands.
    unsafe {
        let handle = pointer.cast::<Handle<H::Value>>().as_ref()?;
        Some(&*handle.value.get())
    }
}

#[cold]
fn null<H: Opaque>() -> Error {
    invalid(format!("the {} is NULL", H::NAME))
}

impl<T> Handle<T> {
    fn check<H: Opaque>(&self) -> Result<(), Error> {
        if self.poisoned.load(Ordering::Relaxed) {
            return Err(Error::new(
                ErrorKind::Internal,
                format!(
                    "a bug in libessence stopped an earlier call on this {}; destroy it",
                    H::NAME
                ),
            ));
        }
        Ok(())
    }

    fn poison_if_panicking(&self) {
        if std::thread::panicking() {
            self.poisoned.store(true, Ordering::Relaxed);
        }
    }
}

impl<T> Deref for Shared<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: only `Exclusive` gives out mutable references, and it borrows alone.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> Deref for Exclusive<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: borrowed alone.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> DerefMut for Exclusive<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.value.get_mut()
    }
}

impl<T> Drop for Shared<'_, T> {
    fn drop(&mut self) {
        self.0.poison_if_panicking();
    }
}

impl<T> Drop for Exclusive<'_, T> {
    fn drop(&mut self) {
        self.0.poison_if_panicking();
    }
}
