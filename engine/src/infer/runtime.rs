//! Finding and loading ONNX Runtime, once per process.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use ort::environment::Environment;

use crate::{Error, ErrorKind, Result};

/// The oldest ONNX Runtime that will do.
pub const RUNTIME_WANTED: &str = "1.19";

/// The ONNX Runtime library that this process uses.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RuntimeInfo {
    /// The library's file.
    pub path: PathBuf,
    /// Its version, such as `1.31.1`.
    pub version: String,
    /// The places that were looked at before, with what was found there.
    pub tried: Vec<String>,
}

/// The loaded library and its one environment.
#[derive(Debug)]
pub(crate) struct Runtime {
    pub(crate) info: RuntimeInfo,
    environment: Environment,
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
        let _guard = LOADING
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(runtime) = RUNTIME.get() {
            return match explicit {
                Some(path) if path != runtime.info.path => Err(Error::new(
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
        // A bare file name is for the system's loader to find.
        let on_disk = path.components().count() > 1;
        if on_disk && !path.is_file() {
            tried.push(format!("{} ({origin}): no such file", path.display()));
            continue;
        }
        match load(&path) {
            Ok((version, environment)) => {
                let info = RuntimeInfo {
                    path,
                    version,
                    tried,
                };
                return Ok(Runtime { info, environment });
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

/// Where the library may be, best first. An explicit path is the only one.
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

/// Loads one candidate, or says why not.
fn load(path: &Path) -> Result<(String, Environment), String> {
    // `ort` keeps the first library it loads for good and asserts on foreign ones, so look first.
    let version = version_of(path)?;
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
    forbid_telemetry();
    let environment = ort::init_from(path)
        .map_err(|e| e.to_string())?
        .with_name("essence")
        .with_telemetry(false)
        .build()
        .map_err(|e| e.to_string())?;
    // What fails is told by the call that failed, not on the host's stderr.
    environment.set_log_level(ort::logging::LogLevel::Fatal);
    Ok((version, environment))
}

/// Keeps ONNX Runtime from collecting data for its maker: builds of 1.31 write a device's id and a
/// database of events into the user's cache folder as soon as their environment is made, for
/// sending; `with_telemetry(false)` comes too late for that.
#[expect(unsafe_code, reason = "the only switch is an environment variable")]
fn forbid_telemetry() {
    const SWITCH: &str = "ORT_DISABLE_TELEMETRY";
    if env::var_os(SWITCH).is_none_or(|value| value != "1") {
        // SAFETY: Rust's own readers are locked out meanwhile. Where other threads of the host read
        // the environment through C at this very moment, the host sets the variable itself before
        // it starts them, and nothing is written here; the documentation says so.
        unsafe { env::set_var(SWITCH, "1") };
    }
}

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
    if base.is_null() {
        return Err("OrtGetApiBase gave nothing".to_owned());
    }
    // SAFETY: `base` points to the library's static table, `version` gives a static NUL-terminated
    // string; the library is loaded.
    let version = unsafe { std::ffi::CStr::from_ptr(((*base).version)()) };
    Ok(version.to_string_lossy().into_owned())
}
