//! Whisper and a language model, as values: the only place that calls `libbithuman_brain`.
#![expect(unsafe_code, reason = "calls of a C interface")]

use std::any::Any;
use std::ffi::{CString, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;

use essence::{Error, ErrorKind, Result};

use super::library::{Library, RawMessage, RawReply};
use crate::cancel::Cancel;

const STOPPED: i32 = 1;
const FAILED: i32 = -1;

/// Room for the library's messages.
const ERROR_BYTES: usize = 512;

/// A model that turns speech into words.
#[derive(Debug)]
pub(super) struct Whisper {
    library: &'static Library,
    handle: NonNull<c_void>,
    path: String,
}

// SAFETY: the library keeps nothing of a thread; `&mut self` keeps calls apart.
unsafe impl Send for Whisper {}

/// A language model, shared by conversations.
#[derive(Debug)]
pub(super) struct Model {
    library: &'static Library,
    handle: NonNull<c_void>,
    path: String,
}

// SAFETY: a model is not changed by the chats that read it (brain.h).
unsafe impl Send for Model {}
// SAFETY: the same.
unsafe impl Sync for Model {}

/// The tokens of one conversation and what was computed of them.
#[derive(Debug)]
pub(super) struct Chat {
    handle: NonNull<c_void>,
    /// Outlives the handle.
    model: Arc<Model>,
}

// SAFETY: as with `Whisper`.
unsafe impl Send for Chat {}

/// The side of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    System,
    User,
    Assistant,
}

/// The end of a reply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Made {
    /// Tokens of the conversation, and those of them that were kept from the last reply.
    pub(super) prompt: usize,
    pub(super) kept: usize,
    pub(super) tokens: usize,
}

/// Gives memory back to the system that loading has freed: hundreds of megabytes, which glibc would keep.
pub(super) fn trim() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        unsafe extern "C" {
            safe fn malloc_trim(pad: usize) -> i32;
        }
        malloc_trim(0);
    }
}

/// The state that the callbacks work on.
struct Callbacks<'a> {
    cancel: &'a Cancel,
    text: &'a mut dyn FnMut(&[u8]),
    panic: Option<Box<dyn Any + Send>>,
}

extern "C" fn stop(user: *mut c_void) -> i32 {
    // SAFETY: `Callbacks::pointer`, used by one call in one thread.
    let callbacks = unsafe { &*user.cast::<Callbacks<'_>>() };
    i32::from(callbacks.cancel.is_cancelled() || callbacks.panic.is_some())
}

extern "C" fn text(user: *mut c_void, bytes: *const c_char, length: usize) {
    // SAFETY: as above.
    let callbacks = unsafe { &mut *user.cast::<Callbacks<'_>>() };
    if bytes.is_null() || length == 0 || callbacks.panic.is_some() {
        return;
    }
    // SAFETY: the library gives `length` bytes for the time of this call.
    let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), length) };
    let text = &mut callbacks.text;
    // No panic may cross C++; it goes on behind it.
    callbacks.panic = catch_unwind(AssertUnwindSafe(|| text(bytes))).err();
}

/// A call's message of failure.
struct Message([c_char; ERROR_BYTES]);

impl Message {
    fn new() -> Self {
        Self([0; ERROR_BYTES])
    }

    fn text(&self) -> String {
        let end = self.0.iter().position(|&c| c == 0);
        let bytes = self.0[..end.unwrap_or(ERROR_BYTES)]
            .iter()
            .map(|&c| u8::from_ne_bytes(c.to_ne_bytes()));
        String::from_utf8_lossy(&bytes.collect::<Vec<_>>())
            .trim()
            .to_owned()
    }
}

fn c_path(path: &Path) -> Result<CString> {
    let text = path.to_str().map(CString::new);
    text.and_then(std::result::Result::ok).ok_or_else(|| {
        let message = format!("{}: name the file in UTF-8", path.display());
        Error::new(ErrorKind::InvalidArgument, message)
    })
}

#[cold]
fn refused(path: &Path, what: &str, reason: &str) -> Error {
    let message = format!("{}: no {what} that can be used: {reason}", path.display());
    Error::new(ErrorKind::UnsupportedFormat, message)
}

/// The result of a call: an error, or whether it went to its end.
fn ended(
    code: i32,
    panic: Option<Box<dyn Any + Send>>,
    path: &str,
    message: &Message,
) -> Result<()> {
    if let Some(panic) = panic {
        resume_unwind(panic);
    }
    match code {
        STOPPED => Err(Error::new(ErrorKind::Cancelled, "stopped")),
        FAILED => {
            let message = format!("{path} failed: {}", message.text());
            Err(Error::new(ErrorKind::Inference, message))
        }
        _ => Ok(()),
    }
}

impl Whisper {
    /// Opens a file that [was checked](super::ggml::check).
    pub(super) fn open(library: &'static Library, path: &Path) -> Result<Self> {
        let name = c_path(path)?;
        let mut message = Message::new();
        // SAFETY: strings and room that live for the call.
        let handle =
            unsafe { (library.whisper_open)(name.as_ptr(), message.0.as_mut_ptr(), ERROR_BYTES) };
        let handle = NonNull::new(handle)
            .ok_or_else(|| refused(path, "model of whisper.cpp", &message.text()))?;
        Ok(Self {
            library,
            handle,
            path: path.display().to_string(),
        })
    }

    pub(super) fn is_multilingual(&self) -> bool {
        // SAFETY: the handle is open.
        unsafe { (self.library.whisper_is_multilingual)(self.handle.as_ptr()) != 0 }
    }

    pub(super) fn knows(&self, language: &str) -> bool {
        let Ok(language) = CString::new(language) else {
            return false;
        };
        // SAFETY: a string that lives for the call.
        unsafe { (self.library.whisper_knows)(language.as_ptr()) != 0 }
    }

    /// The words in 16 kHz samples.
    pub(super) fn hear(
        &mut self,
        samples: &[f32],
        language: &str,
        threads: usize,
        cancel: &Cancel,
    ) -> Result<String> {
        cancel.check()?;
        let language = CString::new(language).unwrap_or_default();
        let mut bytes = Vec::new();
        let mut collect = |piece: &[u8]| bytes.extend_from_slice(piece);
        let mut callbacks = Callbacks {
            cancel,
            text: &mut collect,
            panic: None,
        };
        let mut message = Message::new();
        // SAFETY: the handle is open and borrowed alone; all pointers live for the call.
        let code = unsafe {
            (self.library.whisper_hear)(
                self.handle.as_ptr(),
                samples.as_ptr(),
                samples.len(),
                language.as_ptr(),
                i32::try_from(threads).unwrap_or(1),
                stop,
                text,
                (&raw mut callbacks).cast(),
                message.0.as_mut_ptr(),
                ERROR_BYTES,
            )
        };
        ended(code, callbacks.panic, &self.path, &message)?;
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    }
}

impl Drop for Whisper {
    fn drop(&mut self) {
        // SAFETY: opened by the same library, closed once.
        unsafe { (self.library.whisper_close)(self.handle.as_ptr()) }
    }
}

impl Model {
    /// Opens a file that [was checked](super::gguf::check).
    pub(super) fn open(library: &'static Library, path: &Path) -> Result<Arc<Self>> {
        let name = c_path(path)?;
        let mut message = Message::new();
        // SAFETY: strings and room that live for the call.
        let handle =
            unsafe { (library.model_open)(name.as_ptr(), message.0.as_mut_ptr(), ERROR_BYTES) };
        let handle = NonNull::new(handle)
            .ok_or_else(|| refused(path, "language model in GGUF", &message.text()))?;
        Ok(Arc::new(Self {
            library,
            handle,
            path: path.display().to_string(),
        }))
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        // SAFETY: opened by the same library; no chat is left, which each hold the model.
        unsafe { (self.library.model_close)(self.handle.as_ptr()) }
    }
}

impl Chat {
    /// A conversation with room for `context` tokens.
    pub(super) fn open(model: &Arc<Model>, context: usize, threads: usize) -> Result<Self> {
        let mut message = Message::new();
        let number = |n| i32::try_from(n).unwrap_or(i32::MAX);
        // SAFETY: the model is open, and held below.
        let handle = unsafe {
            (model.library.chat_open)(
                model.handle.as_ptr(),
                number(context),
                number(threads),
                message.0.as_mut_ptr(),
                ERROR_BYTES,
            )
        };
        let handle = NonNull::new(handle).ok_or_else(|| {
            let message = format!("{}: {}", model.path, message.text());
            Error::new(ErrorKind::LimitExceeded, message)
        })?;
        Ok(Self {
            handle,
            model: Arc::clone(model),
        })
    }

    /// Tokens of a conversation.
    pub(super) fn count(&mut self, messages: &[(Role, String)]) -> Result<usize> {
        let texts = Texts::new(messages);
        let mut message = Message::new();
        // SAFETY: the handle is open; all pointers live for the call.
        let count = unsafe {
            (self.model.library.chat_count)(
                self.handle.as_ptr(),
                texts.raw.as_ptr(),
                texts.raw.len(),
                message.0.as_mut_ptr(),
                ERROR_BYTES,
            )
        };
        usize::try_from(count).map_err(|_| {
            let message = format!("{}: {}", self.model.path, message.text());
            Error::new(ErrorKind::Inference, message)
        })
    }

    /// Replies, byte by byte: a piece may end inside a character. `settings` is without what is written
    /// into it.
    pub(super) fn reply(
        &mut self,
        messages: &[(Role, String)],
        settings: RawReply,
        cancel: &Cancel,
        piece: &mut dyn FnMut(&[u8]),
    ) -> Result<Made> {
        cancel.check()?;
        let texts = Texts::new(messages);
        let mut reply = settings;
        let mut callbacks = Callbacks {
            cancel,
            text: piece,
            panic: None,
        };
        let mut message = Message::new();
        // SAFETY: the handle is open and borrowed alone; all pointers live for the call.
        let code = unsafe {
            (self.model.library.chat_reply)(
                self.handle.as_ptr(),
                texts.raw.as_ptr(),
                texts.raw.len(),
                &raw mut reply,
                stop,
                text,
                (&raw mut callbacks).cast(),
                message.0.as_mut_ptr(),
                ERROR_BYTES,
            )
        };
        ended(code, callbacks.panic, &self.model.path, &message)?;
        let count = |n: i32| usize::try_from(n).unwrap_or(0);
        Ok(Made {
            prompt: count(reply.prompt_tokens),
            kept: count(reply.kept_tokens),
            tokens: count(reply.made_tokens),
        })
    }
}

impl Drop for Chat {
    fn drop(&mut self) {
        // SAFETY: opened by the same library, closed once, before its model.
        unsafe { (self.model.library.chat_close)(self.handle.as_ptr()) }
    }
}

/// Messages as C has them.
struct Texts {
    raw: Vec<RawMessage>,
    /// The texts that `raw` points to.
    _texts: Vec<CString>,
}

impl Texts {
    fn new(messages: &[(Role, String)]) -> Self {
        let texts: Vec<_> = messages
            .iter()
            // A NUL would end the text.
            .map(|(_, text)| CString::new(text.replace('\0', " ")).unwrap_or_default())
            .collect();
        let raw = messages.iter().zip(&texts).map(|((role, _), text)| {
            let role = match role {
                Role::System => c"system",
                Role::User => c"user",
                Role::Assistant => c"assistant",
            };
            RawMessage {
                role: role.as_ptr(),
                text: text.as_ptr(),
            }
        });
        Self {
            raw: raw.collect(),
            _texts: texts,
        }
    }
}
