//! The file that holds the code of this library: the executable, or a shared library beside which ONNX
//! Runtime may have been put.

use std::path::PathBuf;

/// The file that this code was loaded from.
#[cfg(unix)]
#[expect(unsafe_code, reason = "asking the loader")]
pub(super) fn own_file() -> Option<PathBuf> {
    use std::ffi::{CStr, OsStr};
    use std::os::unix::ffi::OsStrExt as _;

    let mut info = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    let here = own_file as fn() -> Option<PathBuf>;
    // SAFETY: `info` is writable; any address may be asked for.
    let found = unsafe { libc::dladdr(here as *const libc::c_void, info.as_mut_ptr()) };
    // SAFETY: all zeros are a `Dl_info`, and `dladdr` wrote one if it gave other than 0.
    let name = unsafe { info.assume_init() }.dli_fname;
    if found == 0 || name.is_null() {
        return None;
    }
    // SAFETY: the loader's own NUL-terminated string, which lives as long as this code is loaded.
    let name = unsafe { CStr::from_ptr(name) };
    std::fs::canonicalize(OsStr::from_bytes(name.to_bytes())).ok()
}

/// The file that this code was loaded from.
#[cfg(windows)]
#[expect(unsafe_code, reason = "asking the loader")]
pub(super) fn own_file() -> Option<PathBuf> {
    use std::ffi::{OsString, c_void};
    use std::os::windows::ffi::OsStringExt as _;

    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn GetModuleHandleExW(flags: u32, address: *const c_void, module: *mut *mut c_void) -> i32;
        fn GetModuleFileNameW(module: *mut c_void, name: *mut u16, size: u32) -> u32;
    }
    /// The address lies in the module; its count of references stays.
    const FROM_ADDRESS: u32 = 4 | 2;

    let mut module = std::ptr::null_mut();
    let here = own_file as fn() -> Option<PathBuf>;
    // SAFETY: any address may be asked for; `module` is writable.
    if unsafe { GetModuleHandleExW(FROM_ADDRESS, here as *const c_void, &raw mut module) } == 0 {
        return None;
    }
    let mut name = [0u16; 4096];
    // SAFETY: `name` has that many elements.
    let length = unsafe { GetModuleFileNameW(module, name.as_mut_ptr(), name.len() as u32) };
    match length as usize {
        0 => None,
        length if length == name.len() => None,
        length => Some(PathBuf::from(OsString::from_wide(&name[..length]))),
    }
}

/// Unknown on other systems.
#[cfg(not(any(unix, windows)))]
pub(super) fn own_file() -> Option<PathBuf> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_lie_in_their_executable() {
        let executable = std::env::current_exe().and_then(std::fs::canonicalize).ok();
        assert!(executable.is_some(), "the executable has a path");
        assert_eq!(own_file(), executable, "own file");
    }
}
