//! Finding and loading ONNX Runtime, once per process.
//!
//! ONNX Runtime has one environment per process, which a host that uses the same library shares. So
//! nothing of it is changed: log levels are those of our sessions (`network.rs`), and its telemetry is
//! the host's to switch off, by a variable that has to be there before the library is loaded.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::{env, fs};

use ort::environment::Environment;

use super::library_file;
use crate::infer::runtime_info::{RUNTIME_WANTED, RuntimeInfo, TELEMETRY_SWITCH};
use crate::{Error, ErrorKind, Result};

/// The loaded library and its one environment.
#[derive(Debug)]
pub(crate) struct Runtime {
    pub(crate) info: RuntimeInfo,
    environment: Environment,
    /// Whether [`TELEMETRY_SWITCH`] was not set when it was loaded.
    pub(crate) has_telemetry: bool,
}

// ONNX Runtime allows one environment per process, ever: it is never dropped.
static RUNTIME: OnceLock<Runtime> = OnceLock::new();
static LOADING: Mutex<()> = Mutex::new(());

impl Runtime {
    /// The process's runtime; the first call decides which library that is.
    ///
    /// # Errors
    /// `RuntimeMissing` if no library can be loaded, with all the places that were tried;
    /// `InvalidState` if `explicit` names another library than the one that is loaded already.
    pub(crate) fn load(explicit: Option<&Path>) -> Result<&'static Self> {
        let _guard = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = RUNTIME.get() {
            return match explicit {
                Some(path) if !is_same(path, &runtime.info.path) => Err(Error::new(
                    ErrorKind::InvalidState,
                    format!(
                        "ONNX Runtime is loaded from {} already; a process cannot change to {}",
                        runtime.info.path.display(),
                        path.display()
                    ),
                )),
                _ => Ok(runtime),
            };
        }
        let runtime = search(explicit)?;
        Ok(RUNTIME.get_or_init(|| runtime))
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }
}

fn search(explicit: Option<&Path>) -> Result<Runtime> {
    let mut tried = Vec::new();
    for (origin, path) in candidates(explicit) {
        match load(&path) {
            Ok((version, environment)) => {
                let info = RuntimeInfo {
                    path,
                    version,
                    tried,
                };
                let switch = env::var_os(TELEMETRY_SWITCH);
                return Ok(Runtime {
                    info,
                    environment,
                    has_telemetry: switch.is_none_or(|value| value != "1"),
                });
            }
            Err(reason) => tried.push(format!("{} ({origin}): {reason}", path.display())),
        }
    }
    Err(Error::new(
        ErrorKind::RuntimeMissing,
        format!(
            "ONNX Runtime {RUNTIME_WANTED} or newer was not found. Install it (`pip install onnxruntime`) and set ORT_DYLIB_PATH to \
             its {}, or in this repository run `cargo xtask runtime`. Tried:\n  {}",
            library_name(),
            tried.join("\n  ")
        ),
    ))
}

/// Paths of the library to try, best first. An explicit path is the only one.
fn candidates(explicit: Option<&Path>) -> Vec<(&'static str, PathBuf)> {
    if let Some(path) = explicit {
        return vec![("given explicitly", path.to_owned())];
    }
    let mut places = Vec::new();
    if let Some(path) = env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        places.push(("ORT_DYLIB_PATH", PathBuf::from(path)));
    }
    let own = super::location::own_file();
    if let Some(folder) = own.as_deref().and_then(Path::parent) {
        places.push(("next to libessence", folder.join(library_name())));
    }
    if let Some(folder) = env::current_exe().ok().as_deref().and_then(Path::parent) {
        let path = folder.join(library_name());
        if places.iter().all(|(_, place)| *place != path) {
            places.push(("next to the executable", path));
        }
    }
    places.push(("the system's library path", PathBuf::from(library_name())));
    places
}

const fn library_name() -> &'static str {
    if cfg!(windows) {
        "onnxruntime.dll"
    } else if cfg!(target_vendor = "apple") {
        "libonnxruntime.dylib"
    } else {
        "libonnxruntime.so"
    }
}

/// Whether two paths are of one file, however they are spelt.
fn is_same(left: &Path, right: &Path) -> bool {
    left == right
        || fs::canonicalize(left)
            .ok()
            .is_some_and(|left| fs::canonicalize(right).is_ok_and(|right| left == right))
}

/// Loads one candidate, or says why not.
fn load(path: &Path) -> Result<(String, Environment), String> {
    // A bare file name is for the system's loader to find.
    let file = if path.components().count() > 1 {
        let file = fs::canonicalize(path).map_err(|_| "no such file".to_owned())?;
        if !file.is_file() {
            return Err("not a file".to_owned());
        }
        library_file::check(&file)?;
        file
    } else {
        path.to_owned()
    };
    // `ort` keeps the first library it loads for good and asserts on foreign ones, so look first.
    let version = version_of(&file)?;
    let environment = ort::init_from(&file)
        .map_err(|e| e.to_string())?
        .with_name("essence")
        .with_telemetry(false)
        .build()
        .map_err(|e| e.to_string())?;
    Ok((version, environment))
}

/// Loads a library for good, if it is an ONNX Runtime that will do; gives its version.
#[expect(unsafe_code, reason = "asking a shared library for its version")]
fn version_of(path: &Path) -> Result<String, String> {
    #[repr(C)]
    struct ApiBase {
        get_api: extern "C" fn(u32) -> *const std::ffi::c_void,
        version: extern "C" fn() -> *const std::ffi::c_char,
    }
    // SAFETY: loading a library runs its initialisers; the path is the user's choice of ONNX
    // Runtime.
    let library = unsafe { libloading::Library::new(path) }.map_err(|e| e.to_string())?;
    // SAFETY: `OrtGetApiBase` has had this signature in every release (onnxruntime_c_api.h).
    let base = unsafe { library.get::<extern "C" fn() -> *const ApiBase>(b"OrtGetApiBase\0") }
        .map_err(|_| "not an ONNX Runtime library (no OrtGetApiBase)".to_owned())?;
    let base = base();
    // SAFETY: null, or the library's static table.
    let Some(base) = (unsafe { base.as_ref() }) else {
        return Err("not an ONNX Runtime that works (OrtGetApiBase gives NULL)".to_owned());
    };
    let version = (base.version)();
    if version.is_null() {
        return Err("not an ONNX Runtime that works (its version is NULL)".to_owned());
    }
    // SAFETY: a static NUL-terminated string; the library is loaded.
    let version = unsafe { std::ffi::CStr::from_ptr(version) };
    let version = version.to_string_lossy().into_owned();
    let minor = |version: &str| {
        version
            .split('.')
            .nth(1)
            .and_then(|x| x.parse::<u32>().ok())
    };
    if !version.starts_with("1.") || minor(&version) < minor(RUNTIME_WANTED) {
        return Err(format!(
            "version {version} is too old, {RUNTIME_WANTED} or newer is wanted"
        ));
    }
    if (base.get_api)(ort::MINOR_VERSION).is_null() {
        let wanted = ort::MINOR_VERSION;
        return Err(format!("version {version} lacks the C interface {wanted}"));
    }
    // It is used, so it is not unloaded to be loaded again.
    std::mem::forget(library);
    Ok(version)
}
