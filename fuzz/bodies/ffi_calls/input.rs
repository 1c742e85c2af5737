//! Values that are mostly near what is right.

use std::ffi::{CString, c_char};
use std::ptr;
use std::sync::OnceLock;

use arbitrary::Arbitrary;

/// Mostly small.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Number {
    Small(u8),
    Rate,
    Any(u32),
}

impl Number {
    pub(super) fn value(self) -> u32 {
        match self {
            Self::Small(value) => u32::from(value % 8),
            Self::Rate => 16_000,
            Self::Any(value) => value,
        }
    }

    /// A side of a picture that doesn't take long to draw, or one that is refused.
    pub(super) fn side(self) -> u32 {
        match self {
            Self::Small(value) => u32::from(value) / 2,
            Self::Rate => 0,
            Self::Any(value) if value > 8_192 => value,
            Self::Any(value) => value % 200,
        }
    }
}

/// A `struct_size`.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Size {
    Right,
    Larger(u8),
    Any(u16),
}

impl Size {
    pub(super) fn of(self, right: usize) -> u32 {
        match self {
            Self::Right => right as u32,
            Self::Larger(by) => right as u32 + u32::from(by),
            Self::Any(size) => u32::from(size) % ROOM as u32,
        }
    }
}

/// Whether something is done that takes a thousand times as long as other calls: one value in
/// thirty-two, and what libFuzzer keeps of it.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) struct Seldom(u8);

impl Seldom {
    pub(super) fn now(self) -> bool {
        self.0 % 32 == 31
    }
}

#[derive(Arbitrary, Debug)]
pub(super) enum Text {
    Null,
    Toy,
    Wave,
    Speech,
    Bytes(Vec<u8>),
}

impl Text {
    /// Calls `f` with the text as C wants it.
    pub(super) fn with<T>(&self, f: impl FnOnce(*const c_char) -> T) -> T {
        static PATHS: OnceLock<[CString; 2]> = OnceLock::new();
        let [toy, speech] = PATHS.get_or_init(|| {
            ["avatars/toy.imx", "audio/speech_16000.wav"].map(|name| {
                let path = crate::bodies::testdata(name);
                CString::new(path.to_string_lossy().into_owned()).expect("no NUL")
            })
        });
        match self {
            Self::Null => f(ptr::null()),
            Self::Toy => f(toy.as_ptr()),
            Self::Speech => f(speech.as_ptr()),
            Self::Wave => f(c"wave".as_ptr()),
            Self::Bytes(bytes) => {
                // Not a path that could name a device.
                let safe = bytes.iter().copied().filter(|&b| b != 0 && b != b'/');
                f(CString::new(safe.collect::<Vec<_>>())
                    .expect("no NUL")
                    .as_ptr())
            }
        }
    }
}

/// Bytes that every struct has around it.
const ROOM: usize = 2_048;

/// A struct with room behind it for any `struct_size` that is tried.
#[repr(C, align(16))]
pub(super) struct Room<T> {
    pub(super) value: T,
    more: [u8; ROOM],
}

impl<T> Room<T> {
    pub(super) fn new(value: T, struct_size: u32, tail: u8) -> Self {
        let mut room = Self {
            value,
            more: [tail; ROOM],
        };
        // SAFETY: `struct_size` is the first field of every struct that is used here.
        unsafe { (&raw mut room.value).cast::<u32>().write(struct_size) };
        room
    }

    /// All zeros, with a tail that a careless reader would trip over.
    pub(super) fn zeroed(size: Size) -> Self {
        // SAFETY: used with the header's structs alone, of which zeros are a value.
        let zero = unsafe { std::mem::zeroed::<T>() };
        Self::new(zero, size.of(size_of::<T>()), 9)
    }

    pub(super) fn pointer(&mut self) -> *mut T {
        (&raw mut *self).cast()
    }
}
