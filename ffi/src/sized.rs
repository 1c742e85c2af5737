//! Structs that may grow: the caller says by `struct_size` which version of one it was built with.
//!
//! Fields are only ever added, at the end. What comes in from an older caller is completed by the
//! defaults; what comes in from a newer one is accepted as long as the fields that this version does
//! not know are zero. What goes out is cut to what the caller knows.

use engine::{Error, ErrorKind};

use crate::boundary::invalid;

/// A struct of the header's that begins with `uint32_t struct_size`.
///
/// # Safety
/// The type is `repr(C)`, its first field is a `u32` that holds its size, and every pattern of bits
/// is a value of it.
pub(crate) unsafe trait Sized32: Copy {
    /// Its name in messages.
    const NAME: &'static str;
    /// The size that the first version of the struct had; smaller ones are refused.
    const SMALLEST: usize;
    /// The values of fields that the caller's version lacks.
    fn defaults() -> Self;
}

/// Implements [`Sized32`] by a default for each field after `struct_size`. A struct that has grown
/// says which field was the first one that was added: `sized!(name, grown by field { … })`.
macro_rules! sized {
    ($name:ident { $($fields:tt)* }) => {
        $crate::sized::sized!(@ $name, size_of::<$name>(), { $($fields)* });
    };
    ($name:ident, grown by $new:ident { $($fields:tt)* }) => {
        $crate::sized::sized!(@ $name, std::mem::offset_of!($name, $new), { $($fields)* });
    };
    (@ $name:ident, $smallest:expr, { $($field:ident: $value:expr),* $(,)? }) => {
        // SAFETY: `repr(C)` with a `u32` in front, and integers, floats and pointers behind it.
        unsafe impl $crate::sized::Sized32 for $name {
            const NAME: &'static str = stringify!($name);
            const SMALLEST: usize = $smallest;
            fn defaults() -> Self {
                Self { struct_size: size_of::<Self>() as u32, $($field: $value),* }
            }
        }
    };
}

pub(crate) use sized;

/// Reads an options struct; null stands for the defaults.
///
/// # Safety
/// `pointer` is null or points to as many readable bytes as its first four say.
pub(crate) unsafe fn read<T: Sized32>(pointer: *const T) -> Result<T, Error> {
    let mut value = T::defaults();
    if pointer.is_null() {
        return Ok(value);
    }
    // SAFETY: as this function demands; the size comes first. The caller may have it misaligned.
    let size = unsafe { pointer.cast::<u32>().read_unaligned() } as usize;
    check::<T>(size)?;
    let known = size_of::<T>();
    if size > known {
        // SAFETY: the caller's struct has `size` bytes.
        let tail =
            unsafe { std::slice::from_raw_parts(pointer.cast::<u8>().add(known), size - known) };
        if tail.iter().any(|&byte| byte != 0) {
            return Err(Error::new(
                ErrorKind::UnsupportedVersion,
                format!(
                    "{} of {size} bytes has fields set that this version ({known} bytes) does not know; update libessence",
                    T::NAME
                ),
            ));
        }
    }
    // SAFETY: both have at least these many bytes, and any bytes are a value.
    unsafe {
        (&raw mut value)
            .cast::<u8>()
            .copy_from_nonoverlapping(pointer.cast(), size.min(known));
    }
    Ok(value)
}

/// Writes `value` as far as the caller knows the struct; what the caller knows and this version
/// doesn't becomes zero. `struct_size` stays as it is.
///
/// # Safety
/// `pointer` is null or points to as many writable bytes as its first four say.
pub(crate) unsafe fn write<T: Sized32>(pointer: *mut T, value: &T) -> Result<(), Error> {
    if pointer.is_null() {
        return Err(invalid(format!("the {} to be written is NULL", T::NAME)));
    }
    // SAFETY: as this function demands.
    let size = unsafe { pointer.cast::<u32>().read_unaligned() } as usize;
    check::<T>(size)?;
    // SAFETY: the caller's struct has `size` bytes, of which the first four keep their value.
    unsafe { write_bytes(pointer, value, size, size_of::<u32>()) };
    Ok(())
}

/// Whether [`write`] will do.
///
/// # Safety
/// `pointer` points to a struct whose `struct_size` is set.
pub(crate) unsafe fn check_out<T: Sized32>(pointer: *mut T) -> Result<(), Error> {
    // SAFETY: as this function demands.
    check::<T>(unsafe { pointer.cast::<u32>().read_unaligned() } as usize)
}

/// Sets all of a caller's struct of `size` bytes to the defaults, `struct_size` included.
///
/// # Safety
/// `pointer` is null or points to `size` writable bytes.
pub(crate) unsafe fn init<T: Sized32>(pointer: *mut T, size: usize) -> Result<(), Error> {
    if pointer.is_null() {
        return Err(invalid(format!("the {} to be set is NULL", T::NAME)));
    }
    check::<T>(size)?;
    // SAFETY: the caller's struct has `size` bytes.
    unsafe {
        write_bytes(pointer, &T::defaults(), size, 0);
        pointer.cast::<u32>().write_unaligned(size as u32);
    }
    Ok(())
}

/// Copies `value` from byte `first` on and fills up with zeros.
///
/// # Safety
/// `pointer` points to `size` writable bytes; `first <= size`.
unsafe fn write_bytes<T: Sized32>(pointer: *mut T, value: &T, size: usize, first: usize) {
    let known = size.min(size_of::<T>());
    // SAFETY: `known` bytes are there in both, `size` in the caller's.
    unsafe {
        let from = (&raw const *value).cast::<u8>().add(first);
        let out = pointer.cast::<u8>();
        out.add(first).copy_from_nonoverlapping(from, known - first);
        out.add(known).write_bytes(0, size - known);
    }
}

/// No struct of ours is ever nearly that large; a larger size is a field that was never set.
const LARGEST: usize = 4096;

fn check<T: Sized32>(size: usize) -> Result<(), Error> {
    if !(T::SMALLEST..=LARGEST).contains(&size) {
        return Err(invalid(format!(
            "struct_size of the {} is {size}; initialise it with its INIT macro or init function",
            T::NAME
        )));
    }
    Ok(())
}
