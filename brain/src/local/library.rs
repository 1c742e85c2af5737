//! Finding and loading `libbithuman_brain`, as the engine finds ONNX Runtime: nothing is linked.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::ffi::{CStr, c_char, c_void};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use essence::{Error, ErrorKind, Result};

/// The version of the interface that is spoken here.
const ABI: i32 = 1;

/// The variable that names the library's file.
const VARIABLE: &str = "BITHUMAN_BRAIN_LIBRARY";

/// A message for the library.
#[repr(C)]
pub(super) struct RawMessage {
    pub(super) role: *const c_char,
    pub(super) text: *const c_char,
}

/// `bithuman_brain_reply`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RawReply {
    pub(super) max_tokens: i32,
    pub(super) temperature: f32,
    pub(super) top_k: i32,
    pub(super) repeat_penalty: f32,
    pub(super) seed: u32,
    pub(super) prompt_tokens: i32,
    pub(super) kept_tokens: i32,
    pub(super) made_tokens: i32,
}

pub(super) type Stop = extern "C" fn(*mut c_void) -> i32;
pub(super) type Text = extern "C" fn(*mut c_void, *const c_char, usize);

type OpenFn = unsafe extern "C" fn(*const c_char, *mut c_char, usize) -> *mut c_void;
type CloseFn = unsafe extern "C" fn(*mut c_void);

/// The library's functions; `brain.h` says what they do.
pub(super) struct Library {
    path: PathBuf,
    versions: String,
    pub(super) whisper_open: OpenFn,
    pub(super) whisper_close: CloseFn,
    pub(super) whisper_is_multilingual: unsafe extern "C" fn(*const c_void) -> i32,
    pub(super) whisper_knows: unsafe extern "C" fn(*const c_char) -> i32,
    pub(super) whisper_hear: unsafe extern "C" fn(
        *mut c_void,
        *const f32,
        usize,
        *const c_char,
        i32,
        Stop,
        Text,
        *mut c_void,
        *mut c_char,
        usize,
    ) -> i32,
    pub(super) model_open: OpenFn,
    pub(super) model_close: CloseFn,
    pub(super) chat_open:
        unsafe extern "C" fn(*mut c_void, i32, i32, *mut c_char, usize) -> *mut c_void,
    pub(super) chat_close: CloseFn,
    pub(super) chat_count:
        unsafe extern "C" fn(*mut c_void, *const RawMessage, usize, *mut c_char, usize) -> i32,
    pub(super) chat_reply: unsafe extern "C" fn(
        *mut c_void,
        *const RawMessage,
        usize,
        *mut RawReply,
        Stop,
        Text,
        *mut c_void,
        *mut c_char,
        usize,
    ) -> i32,
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Library")
            .field("path", &self.path)
            .field("versions", &self.versions)
            .finish_non_exhaustive()
    }
}

/// The libraries that were loaded, which stay for good: threads of theirs may.
static LOADED: Mutex<Vec<&'static Library>> = Mutex::new(Vec::new());

impl Library {
    /// The library at `path`; without one the first that is found: next to the program, in `lib` beside the
    /// program's folder, where `cargo xtask brain` puts it, in the system's library path.
    ///
    /// # Errors
    /// `RuntimeMissing`, with the places that were tried.
    pub(super) fn load(path: Option<&Path>) -> Result<&'static Self> {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tried = Vec::new();
        for candidate in candidates(path) {
            if let Some(library) = loaded.iter().find(|library| library.path == candidate) {
                return Ok(library);
            }
            match open(&candidate) {
                Ok(library) => {
                    let library: &'static Self = Box::leak(Box::new(library));
                    loaded.push(library);
                    return Ok(library);
                }
                Err(reason) => tried.push(format!("{}: {reason}", candidate.display())),
            }
        }
        let message = format!(
            "{} was not found, which a local brain hears and thinks with. `pip install \
             bithuman-brain` brings it, `cargo xtask brain` builds it in the repository, {VARIABLE} names its file. Tried:\n  {}",
            file_name(),
            tried.join("\n  ")
        );
        Err(Error::new(ErrorKind::RuntimeMissing, message))
    }

    /// Its file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The versions of what is inside.
    pub(super) fn versions(&self) -> &str {
        &self.versions
    }
}

fn file_name() -> String {
    format!("{DLL_PREFIX}bithuman_brain{DLL_SUFFIX}")
}

fn candidates(path: Option<&Path>) -> Vec<PathBuf> {
    if let Some(path) = path {
        return vec![path.to_owned()];
    }
    let mut places = Vec::new();
    let program = std::env::current_exe().ok();
    if let Some(folder) = program.as_deref().and_then(Path::parent) {
        places.push(folder.join(file_name()));
        if let Some(above) = folder.parent() {
            places.push(above.join("lib").join(file_name()));
            // A program that cargo has built, in `target/debug` or so.
            if above.join("CACHEDIR.TAG").is_file() {
                places.push(above.join("brain").join(file_name()));
            }
        }
    }
    places.push(PathBuf::from(file_name()));
    places
}

/// Loads a candidate, or says why not.
#[expect(unsafe_code, reason = "asking a shared library for its functions")]
fn open(path: &Path) -> std::result::Result<Library, String> {
    // A bare name is for the system's loader to find.
    if path.components().count() > 1 && !path.is_file() {
        return Err("no such file".to_owned());
    }
    // SAFETY: loading a library runs its initialisers; the path is the user's choice.
    let library = unsafe { libloading::Library::new(path) }.map_err(|e| e.to_string())?;
    macro_rules! function {
        ($name:literal) => {{
            let name = concat!("bithuman_brain_", $name, "\0");
            // SAFETY: the functions of this version of the interface have these signatures (brain.h).
            match unsafe { library.get(name.as_bytes()) } {
                Ok(symbol) => *symbol,
                Err(_) => {
                    return Err(format!("not a library of the local brain (no {})", $name));
                }
            }
        }};
    }
    let abi: unsafe extern "C" fn() -> i32 = function!("abi");
    // SAFETY: it takes nothing and has had this signature in every version.
    let version = unsafe { abi() };
    if version != ABI {
        return Err(format!("its interface is {version}, {ABI} is wanted"));
    }
    let text: unsafe extern "C" fn() -> *const c_char = function!("lacking");
    // SAFETY: null or a static string.
    if let Some(lacking) = unsafe { string(text()) } {
        return Err(format!("this processor lacks {lacking}"));
    }
    let text: unsafe extern "C" fn() -> *const c_char = function!("versions");
    // SAFETY: null or a static string.
    let versions = unsafe { string(text()) }.unwrap_or_default();
    let functions = Library {
        path: path.to_owned(),
        versions,
        whisper_open: function!("whisper_open"),
        whisper_close: function!("whisper_close"),
        whisper_is_multilingual: function!("whisper_is_multilingual"),
        whisper_knows: function!("whisper_knows"),
        whisper_hear: function!("whisper_hear"),
        model_open: function!("model_open"),
        model_close: function!("model_close"),
        chat_open: function!("chat_open"),
        chat_close: function!("chat_close"),
        chat_count: function!("chat_count"),
        chat_reply: function!("chat_reply"),
    };
    // Its functions are kept, so it is never unloaded.
    std::mem::forget(library);
    Ok(functions)
}

/// A string of the library; None for null.
///
/// # Safety
/// `text` is null, or ends with NUL.
#[expect(unsafe_code, reason = "a string of C")]
unsafe fn string(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    let text = unsafe { CStr::from_ptr(text) };
    Some(text.to_string_lossy().into_owned())
}
