//! The version of this library.

use std::ffi::{CString, c_char};
use std::sync::LazyLock;

use engine::{Provider, RUNTIME_WANTED};

use crate::boundary::export;
use crate::text;

/// Major version of the binary interface that this header describes. A program built against one
/// major version must not use a library of another: compare it with essence_abi_version() >> 16.
pub const ESSENCE_ABI_VERSION_MAJOR: u32 = 1;

/// Minor version of the binary interface that this header describes. A library of a higher minor
/// version does all that one of a lower does.
pub const ESSENCE_ABI_VERSION_MINOR: u32 = 5;

export! {
    /// The version of this library, such as `0.1.0`.
    ///
    /// Returns: static.
    /// Threads: any, concurrently.
    fn essence_version() -> *const c_char, on panic std::ptr::null(),
    {
        concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
    }
}

export! {
    /// The version of this library's binary interface: major << 16 | minor.
    ///
    /// Threads: any, concurrently.
    fn essence_abi_version() -> u32, on panic 0,
    {
        ESSENCE_ABI_VERSION_MAJOR << 16 | ESSENCE_ABI_VERSION_MINOR
    }
}

export! {
    /// How this library was built: JSON with `version`, `abi`, `commit`, `target`, `profile`,
    /// `onnxruntime` (the oldest version that will do) and `providers` (those that can be asked for).
    ///
    /// Returns: static.
    /// Threads: any, concurrently.
    fn essence_build_info() -> *const c_char, on panic std::ptr::null(),
    {
        BUILD_INFO.as_ptr()
    }
}

static BUILD_INFO: LazyLock<CString> = LazyLock::new(|| {
    let providers: Vec<String> = Provider::ALL
        .iter()
        .map(|provider| format!("\"{provider}\""))
        .collect();
    text::owned(format!(
        "{{\"version\": \"{}\", \"abi\": \"{ESSENCE_ABI_VERSION_MAJOR}.{ESSENCE_ABI_VERSION_MINOR}\", \
         \"commit\": \"{}\", \"target\": \"{}-{}\", \"profile\": \"{}\", \"onnxruntime\": \"{RUNTIME_WANTED}\", \
         \"providers\": [{}]}}",
        env!("CARGO_PKG_VERSION"),
        option_env!("ESSENCE_COMMIT").unwrap_or("unknown"),
        std::env::consts::ARCH,
        std::env::consts::OS,
        if cfg!(debug_assertions) {
            "debug"
        } else {
            "release"
        },
        providers.join(", "),
    ))
});
