//! `essence_engine`: ONNX Runtime and what avatars are opened with.

use std::ffi::{CString, c_char, c_void};
use std::ptr;

use engine::{Engine, Error, RuntimeInfo};

use crate::boundary::{export, flag, invalid};
use crate::handle::{self, opaque};
use crate::log::{
    ESSENCE_LOG_LEVEL_INFO, Sink, essence_destroy_fn, essence_log_fn, essence_log_level,
    level as log_level,
};
use crate::names::{ESSENCE_PROVIDER_AUTO, essence_provider, provider, provider_value};
use crate::sized::{self, sized};
use crate::status::ESSENCE_OK;
use crate::text;

opaque! {
    /// ONNX Runtime and the settings that avatars are opened with: one per process is enough.
    /// Avatars live on without their engine.
    essence_engine(EngineBox)
}

/// An engine with its descriptions as C reads them.
#[derive(Debug)]
pub struct EngineBox {
    pub(crate) engine: Engine,
    runtime_path: CString,
    runtime_version: CString,
    runtime_tried: CString,
    providers: Vec<essence_provider>,
}

/// Settings of an engine. Begin with #ESSENCE_ENGINE_OPTIONS_INIT or
/// essence_engine_options_init().
#[repr(C)]
#[derive(Clone, Copy)]
pub struct essence_engine_options {
    /// Size of this struct as the caller knows it.
    pub struct_size: u32,
    /// Provider that executes the networks. A provider asked for by name is never replaced. Default:
    /// #ESSENCE_PROVIDER_AUTO.
    pub provider: essence_provider,
    /// ONNX Runtime's shared library: a path in UTF-8, borrowed for the call. NULL, the default,
    /// searches: `ORT_DYLIB_PATH`, next to libessence, next to the executable, the system's library
    /// path.
    pub runtime_library: *const c_char,
    /// Bytes that the decoded base frames of each avatar may take; 0 decodes each frame anew.
    /// Default: 48 MiB.
    pub base_cache_bytes: u64,
    /// The log's callback. NULL, the default: no log.
    pub log: essence_log_fn,
    /// Given to `log` at each call; it must be usable from any thread.
    pub log_user_data: *mut c_void,
    /// Called with `log_user_data` when the last engine, avatar or session that may log is gone, or
    /// before essence_engine_create() returns if it fails. May be NULL; not called without `log`.
    pub log_destroy: essence_destroy_fn,
    /// Level of the messages that are logged. Default: #ESSENCE_LOG_LEVEL_INFO.
    pub log_level: essence_log_level,
    /// 0.
    pub reserved: u32,
    /// Threads that prepare frames, and networks that run at a time, for all avatars of the engine
    /// together. 0, the default: as many as the process may use cores, a container's quota counted.
    /// Since ABI 1.4.
    pub threads: u32,
    /// Most real-time sessions at a time, of all avatars of the engine together;
    /// essence_session_create() refuses one more with LIMIT_EXCEEDED. 0, the default, and
    /// #ESSENCE_NO_LIMIT: no limit. Since ABI 1.4.
    pub max_sessions: u32,
    /// 1: essence_avatar_open() maps files instead of reading them into memory. Such a file must not
    /// be truncated or overwritten while its avatar is open: the system ends a process that reads a
    /// page that is gone (SIGBUS). Replacing the file by renaming another over it is safe. Default:
    /// 0. Since ABI 1.4.
    pub map_files: u32,
    /// 0.
    pub reserved_2: u32,
}

sized!(essence_engine_options, grown by threads {
    provider: ESSENCE_PROVIDER_AUTO,
    runtime_library: ptr::null(),
    base_cache_bytes: 48 << 20,
    log: None,
    log_user_data: ptr::null_mut(),
    log_destroy: None,
    log_level: ESSENCE_LOG_LEVEL_INFO,
    reserved: 0,
    threads: 0,
    max_sessions: 0,
    map_files: 0,
    reserved_2: 0,
});

/// Stands for "as many as wanted" where a number of sessions is given.
pub const ESSENCE_NO_LIMIT: u32 = 0xFFFF_FFFF;

/// Description of an engine. Strings and arrays are borrowed until the engine is destroyed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct essence_engine_info {
    /// Size of this struct as the caller knows it.
    pub struct_size: u32,
    /// 0.
    pub reserved: u32,
    /// The file of the ONNX Runtime in use; empty where none is, as with #ESSENCE_PROVIDER_BUILTIN.
    pub runtime_path: *const c_char,
    /// Its version, such as `1.31.1`; empty where there is none.
    pub runtime_version: *const c_char,
    /// The places that were looked at before, a line each, with what was found there.
    pub runtime_tried: *const c_char,
    /// The providers that there are: this library's own, and those that the ONNX Runtime in use was
    /// built with. Whether one really works shows when an avatar is opened.
    pub providers: *const essence_provider,
    /// Number of `providers`.
    pub provider_count: usize,
    /// Threads that prepare frames, and networks that run at a time. Since ABI 1.4.
    pub threads: u32,
    /// Real-time sessions that there are at the moment of the call. Since ABI 1.4.
    pub sessions: u32,
}

sized!(essence_engine_info, grown by threads {
    reserved: 0,
    runtime_path: ptr::null(),
    runtime_version: ptr::null(),
    runtime_tried: ptr::null(),
    providers: ptr::null(),
    provider_count: 0,
    threads: 0,
    sessions: 0,
});

export! {
    /// Sets all of `options`, `struct_size` included, to the defaults. For languages that can't use
    /// #ESSENCE_ENGINE_OPTIONS_INIT; `struct_size` is the size of the struct as the caller knows it.
    ///
    /// Fails with: INVALID_ARGUMENT (NULL, or a size that no version had).
    /// Threads: any, concurrently.
    fn essence_engine_options_init(options: *mut essence_engine_options, struct_size: usize) -> essence_status {
        sized::init(options, struct_size)?;
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Makes an engine. It loads ONNX Runtime if the provider is one of it; the automatic choice does
    /// without where none is found. Further engines in a process share what the first one loaded.
    ///
    /// ONNX Runtime's telemetry is the program's to switch off, since a library can't change the
    /// environment safely: it sets `ORT_DISABLE_TELEMETRY=1` when it starts, before it has other
    /// threads. Where that isn't set, a warning is logged.
    ///
    /// `options`: borrowed for the call; NULL means the defaults.
    /// `out`: written on success; transferred to the caller, who destroys it with
    /// essence_engine_destroy().
    ///
    /// Fails with: RUNTIME_MISSING (no usable library, where one was named or the provider needs it;
    /// the message lists the places that were tried), INVALID_STATE (the process has loaded another library than the one given),
    /// INVALID_ARGUMENT, UNSUPPORTED_VERSION.
    /// Threads: any, concurrently.
    fn essence_engine_create(options: *const essence_engine_options, out: *mut *mut essence_engine) -> essence_status {
        let options = sized::read(options)?;
        // First of all: from here on, the data is destroyed whatever happens.
        let sink = Sink::new(options.log, options.log_user_data, options.log_destroy);
        if out.is_null() {
            return Err(invalid("the place for the engine is NULL"));
        }
        let mut builder = Engine::builder()
            .provider(provider(options.provider)?)
            .base_cache_bytes(usize::try_from(options.base_cache_bytes).unwrap_or(usize::MAX));
        if !options.runtime_library.is_null() {
            builder = builder.runtime_library(text::path(options.runtime_library, "runtime_library")?);
        }
        if let Some(sink) = sink {
            let level = log_level(options.log_level);
            builder = builder.log(level, move |level, message| sink.log(level, message));
        }
        builder = builder.max_sessions(limit(options.max_sessions).filter(|&sessions| sessions > 0));
        builder = builder.map_files(flag(options.map_files, "map_files")?);
        if options.threads > 0 {
            builder = builder.threads(options.threads as usize);
        }
        out.write(handle::new(EngineBox::new(builder.build()?)));
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Destroys an engine; NULL is fine. Its avatars and sessions live on.
    ///
    /// Threads: any; no other call on this engine may be under way.
    fn essence_engine_destroy(engine: *mut essence_engine), on panic (),
    {
        handle::free(engine);
    }
}

export! {
    /// Says what the engine found.
    ///
    /// `info`: written on success, as far as its `struct_size` reaches.
    ///
    /// Fails with: INVALID_ARGUMENT.
    /// Threads: any, concurrently.
    fn essence_engine_describe(engine: *const essence_engine, info: *mut essence_engine_info) -> essence_status {
        let engine = handle::shared(engine)?;
        sized::write(info, &engine.describe())?;
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Sets another limit for the real-time sessions of an engine. Sessions beyond it that there are
    /// already stay. Since ABI 1.4.
    ///
    /// `sessions`: most real-time sessions at a time; 0: no further one; #ESSENCE_NO_LIMIT: as many
    /// as wanted.
    ///
    /// Fails with: INVALID_ARGUMENT.
    /// Threads: any, concurrently.
    fn essence_engine_set_max_sessions(engine: *const essence_engine, sessions: u32) -> essence_status {
        handle::shared(engine)?.engine.set_max_sessions(limit(sessions));
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Has an engine log messages of `level` and of those that matter more from now on, for all that
    /// it has opened and will open. A message that another thread is writing is waited for: once
    /// this returns after #ESSENCE_LOG_LEVEL_OFF, the callback runs no more. Nothing happens where
    /// the options had no `log`. Since ABI 1.4.
    ///
    /// Fails with: INVALID_ARGUMENT.
    /// Threads: any, concurrently; not from the callback.
    fn essence_engine_set_log_level(engine: *const essence_engine, level: essence_log_level) -> essence_status {
        handle::shared(engine)?.engine.set_log_level(log_level(level));
        Ok(ESSENCE_OK)
    }
}

/// A number of sessions; none for `ESSENCE_NO_LIMIT`.
fn limit(sessions: u32) -> Option<usize> {
    (sessions != ESSENCE_NO_LIMIT).then_some(sessions as usize)
}

impl EngineBox {
    fn new(engine: Engine) -> Self {
        let of = |field: fn(&RuntimeInfo) -> String| {
            text::owned(engine.runtime().map(field).unwrap_or_default())
        };
        Self {
            runtime_path: of(|runtime| runtime.path.to_string_lossy().into_owned()),
            runtime_version: of(|runtime| runtime.version.clone()),
            runtime_tried: of(|runtime| runtime.tried.join("\n")),
            providers: engine
                .available_providers()
                .into_iter()
                .map(provider_value)
                .collect(),
            engine,
        }
    }

    fn describe(&self) -> essence_engine_info {
        essence_engine_info {
            runtime_path: self.runtime_path.as_ptr(),
            runtime_version: self.runtime_version.as_ptr(),
            runtime_tried: self.runtime_tried.as_ptr(),
            providers: self.providers.as_ptr(),
            provider_count: self.providers.len(),
            threads: u32::try_from(self.engine.threads()).unwrap_or(u32::MAX),
            sessions: u32::try_from(self.engine.sessions()).unwrap_or(u32::MAX),
            ..<essence_engine_info as sized::Sized32>::defaults()
        }
    }
}

/// The engine behind a handle.
///
/// # Safety
/// `pointer` is null or a living engine.
pub(crate) unsafe fn borrow(pointer: *const essence_engine) -> Result<Engine, Error> {
    // SAFETY: as this function demands.
    Ok(unsafe { handle::shared(pointer) }?.engine.clone())
}
