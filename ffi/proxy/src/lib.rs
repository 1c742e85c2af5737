//! The engine's Rust interface on top of libessence's C interface.
//!
//! It lets the engine's own tests run a second time, through the shared library: one body, two
//! surfaces. Plain data types are the engine's; everything that does something goes through C.
#![allow(clippy::missing_errors_doc, missing_docs, reason = "as in the engine")]

pub mod clock;
mod frame;
mod log;
mod push;
mod raw;
mod session;
mod session_options;

use std::ffi::{CStr, CString, c_char, c_void};
use std::io;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::Arc;

pub use engine::{
    AudioData, Curves, Emotion, Error, ErrorKind, LogLevel, Next, OutputSize, Pacing, PixelFormat,
    Provider, Result, Statistics, Viseme, VisemeSet, Visemes, Wait,
};

pub use frame::{Frame, FrameFlags, FrameRoom};
use log::Sink;
use raw::{API, CError, OK, Status};
pub use session::{FrameRequest, Frames, Session};
pub use session_options::SessionOptions;

/// Calls with an error of ours at the end; the error becomes Rust's.
pub(crate) fn call(run: impl FnOnce(*mut CError) -> Status) -> Result<Status> {
    let mut err = CError {
        struct_size: size_of::<CError>() as u32,
        status: 77,
        message: [1; 512],
    };
    let status = run(&raw mut err);
    assert_eq!(err.status, status, "the error says what the call said");
    // SAFETY: the library ends every message with NUL.
    let message = unsafe { CStr::from_ptr(err.message.as_ptr()) };
    if status >= OK {
        assert!(message.is_empty(), "no message without an error");
        return Ok(status);
    }
    Err(Error::new(kind(status), message.to_string_lossy()))
}

/// The kind whose name the status has.
fn kind(status: Status) -> ErrorKind {
    // SAFETY: any integer may be asked for; the name is static.
    let name = unsafe { CStr::from_ptr((API.essence_status_name)(status)) };
    let name = name.to_string_lossy().replace('_', "");
    ErrorKind::ALL
        .into_iter()
        .find(|kind| format!("{kind:?}").eq_ignore_ascii_case(&name))
        .unwrap_or_else(|| panic!("{status} is no error of the header"))
}

pub(crate) fn text(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error::new(ErrorKind::InvalidArgument, "a NUL inside"))
}

/// # Safety
/// `list` has `count` strings.
unsafe fn strings(list: *const *const c_char, count: usize) -> Vec<String> {
    // SAFETY: as this function demands.
    unsafe {
        (0..count)
            .map(|i| CStr::from_ptr(*list.add(i)).to_string_lossy().into_owned())
            .collect()
    }
}

#[derive(Clone, Debug)]
pub struct Engine(Arc<EngineHandle>);

#[derive(Debug)]
struct EngineHandle(*mut c_void);

// SAFETY: the header says so.
unsafe impl Send for EngineHandle {}
// SAFETY: the header says so.
unsafe impl Sync for EngineHandle {}

impl Drop for EngineHandle {
    fn drop(&mut self) {
        // SAFETY: created, and destroyed once.
        unsafe { (API.essence_engine_destroy)(self.0) };
    }
}

#[derive(Debug, Default)]
pub struct EngineBuilder {
    provider: Provider,
    library: Option<PathBuf>,
    threads: u32,
    max_sessions: u32,
    map_files: bool,
    log: Option<(Option<LogLevel>, Box<Sink>)>,
}

impl Engine {
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    pub fn open(&self, path: impl AsRef<Path>) -> Result<Avatar> {
        let path = text(&path.as_ref().to_string_lossy())?;
        let mut out = ptr::null_mut();
        // SAFETY: the engine lives, the path ends with NUL.
        call(|err| unsafe {
            (API.essence_avatar_open)(self.0.0, path.as_ptr(), &raw mut out, err)
        })?;
        Avatar::new(out)
    }

    pub fn open_bytes(&self, bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<Avatar> {
        // Behind one thin pointer, so that it can be handed over.
        let owned: Box<Box<Bytes>> = Box::new(Box::new(bytes));
        let (start, size) = {
            let bytes = (**owned).as_ref();
            (bytes.as_ptr(), bytes.len())
        };
        let user_data = Box::into_raw(owned).cast();
        let mut out = ptr::null_mut();
        // SAFETY: the engine lives; the bytes do until `destroy_bytes` is called.
        call(|err| unsafe {
            let destroy = Some(destroy_bytes as raw::DestroyFn);
            (API.essence_avatar_open_memory)(
                self.0.0,
                start,
                size,
                destroy,
                user_data,
                &raw mut out,
                err,
            )
        })?;
        Avatar::new(out)
    }

    /// C has no readers: reads all and hands the bytes over to be copied.
    pub fn open_reader(&self, mut reader: impl io::Read) -> Result<Avatar> {
        let mut bytes = Vec::new();
        reader
            .read_to_end(&mut bytes)
            .map_err(|error| Error::new(ErrorKind::Io, error.to_string()))?;
        let mut out = ptr::null_mut();
        // SAFETY: the engine lives, the bytes do for the call.
        call(|err| unsafe {
            let (start, size) = (bytes.as_ptr(), bytes.len());
            (API.essence_avatar_open_memory)(
                self.0.0,
                start,
                size,
                None,
                ptr::null_mut(),
                &raw mut out,
                err,
            )
        })?;
        Avatar::new(out)
    }

    pub fn threads(&self) -> usize {
        self.info().threads as usize
    }

    pub fn sessions(&self) -> usize {
        self.info().sessions as usize
    }

    pub fn set_max_sessions(&self, sessions: impl Into<Option<usize>>) {
        let sessions = sessions.into().map_or(u32::MAX, |sessions| sessions as u32);
        // SAFETY: the engine lives.
        call(|err| unsafe { (API.essence_engine_set_max_sessions)(self.0.0, sessions, err) })
            .expect("any limit will do");
    }

    pub fn set_log_level(&self, level: impl Into<Option<LogLevel>>) {
        let level = log::value(level.into());
        // SAFETY: the engine lives.
        call(|err| unsafe { (API.essence_engine_set_log_level)(self.0.0, level, err) })
            .expect("any level will do");
    }

    fn info(&self) -> raw::EngineInfo {
        // SAFETY: zeros are a value; the engine lives.
        unsafe {
            let mut info = std::mem::zeroed::<raw::EngineInfo>();
            info.struct_size = size_of_val(&info) as u32;
            call(|err| (API.essence_engine_describe)(self.0.0, &raw mut info, err))
                .expect("the engine lives");
            info
        }
    }
}

type Bytes = dyn AsRef<[u8]> + Send + Sync;

/// # Safety
/// `user_data` is what [`Engine::open_bytes`] has handed over.
unsafe extern "C" fn destroy_bytes(user_data: *mut c_void) {
    // SAFETY: as this function demands; called once.
    drop(unsafe { Box::from_raw(user_data.cast::<Box<Bytes>>()) });
}

impl EngineBuilder {
    #[must_use]
    pub fn provider(mut self, provider: Provider) -> Self {
        self.provider = provider;
        self
    }

    #[must_use]
    pub fn runtime_library(mut self, path: impl Into<Option<PathBuf>>) -> Self {
        self.library = path.into();
        self
    }

    #[must_use]
    pub fn map_files(mut self, map: bool) -> Self {
        self.map_files = map;
        self
    }

    #[must_use]
    pub fn threads(mut self, threads: impl Into<Option<usize>>) -> Self {
        self.threads = threads.into().unwrap_or(0) as u32;
        self
    }

    #[must_use]
    pub fn max_sessions(mut self, sessions: impl Into<Option<usize>>) -> Self {
        self.max_sessions = sessions.into().unwrap_or(0) as u32;
        self
    }

    #[must_use]
    pub fn log(
        mut self,
        level: impl Into<Option<LogLevel>>,
        sink: impl Fn(LogLevel, &str) + Send + Sync + 'static,
    ) -> Self {
        self.log = Some((level.into(), Box::new(Sink(Box::new(sink)))));
        self
    }

    pub fn build(self) -> Result<Engine> {
        let library = self.library.map(|path| text(&path.to_string_lossy()));
        let library = library.transpose()?;
        let level = self.log.as_ref().and_then(|(level, _)| *level);
        let sink = self.log.map(|(_, sink)| Box::into_raw(sink));
        let options = raw::EngineOptions {
            struct_size: size_of::<raw::EngineOptions>() as u32,
            provider: provider_value(self.provider),
            runtime_library: library.as_ref().map_or(ptr::null(), |path| path.as_ptr()),
            base_cache_bytes: 48 << 20,
            log: sink.map(|_| log::write as raw::LogFn),
            log_user_data: sink.map_or(ptr::null_mut(), |sink| sink.cast()),
            log_destroy: sink.map(|_| log::destroy as raw::DestroyFn),
            log_level: log::value(level),
            reserved: 0,
            threads: self.threads,
            max_sessions: self.max_sessions,
            map_files: self.map_files.into(),
            reserved_2: 0,
        };
        let mut out = ptr::null_mut();
        // SAFETY: the options live, and so does the path in them.
        call(|err| unsafe { (API.essence_engine_create)(&raw const options, &raw mut out, err) })?;
        Ok(Engine(Arc::new(EngineHandle(out))))
    }
}

const PROVIDERS: [Provider; 7] = [
    Provider::Auto,
    Provider::Cpu,
    Provider::Cuda,
    Provider::CoreMl,
    Provider::OpenVino,
    Provider::WebGpu,
    Provider::Builtin,
];

fn provider_value(provider: Provider) -> u32 {
    PROVIDERS
        .iter()
        .position(|&x| x == provider)
        .expect("known") as u32
}

/// One reference to an avatar.
#[derive(Debug)]
pub struct Avatar {
    handle: *mut c_void,
    info: Arc<AvatarInfo>,
    report: Arc<ProviderReport>,
}

#[derive(Debug)]
pub struct AvatarInfo {
    pub frame_width: usize,
    pub frame_height: usize,
    pub frame_count: usize,
    pub motions: Vec<String>,
    pub arkit_names: Vec<String>,
    pub emotions: Vec<Emotion>,
}

#[derive(Clone, Debug)]
pub struct ProviderReport {
    pub provider: Provider,
    pub quantized: bool,
    pub refused: Vec<(Provider, String)>,
}

// SAFETY: the header says so.
unsafe impl Send for Avatar {}
// SAFETY: the header says so.
unsafe impl Sync for Avatar {}

impl Avatar {
    fn new(handle: *mut c_void) -> Result<Self> {
        // SAFETY: zeros are values of both.
        let (mut info, mut report) = unsafe {
            (
                std::mem::zeroed::<raw::WholeAvatarInfo>(),
                std::mem::zeroed::<raw::ProviderReport>(),
            )
        };
        info.known.struct_size = size_of_val(&info) as u32;
        report.struct_size = size_of_val(&report) as u32;
        // SAFETY: the avatar lives, the structs have the size they say.
        unsafe {
            call(|err| (API.essence_avatar_describe)(handle, &raw mut info, err))?;
            call(|err| (API.essence_avatar_report_provider)(handle, &raw mut report, err))?;
        }
        let (emotions, info) = (info.emotions, info.known);
        // SAFETY: the arrays are borrowed while the avatar lives.
        let (info, report) = unsafe {
            let reasons = strings(report.reasons, report.refused_count);
            let refused = (0..report.refused_count).map(|i| *report.refused.add(i));
            (
                AvatarInfo {
                    frame_width: info.frame_width as usize,
                    frame_height: info.frame_height as usize,
                    frame_count: info.frame_count as usize,
                    motions: strings(info.motions, info.motion_count),
                    arkit_names: strings(info.arkit_names, info.arkit_count),
                    emotions: (Emotion::ALL.into_iter().enumerate())
                        .filter(|(place, _)| emotions >> place & 1 == 1)
                        .map(|(_, emotion)| emotion)
                        .collect(),
                },
                ProviderReport {
                    provider: PROVIDERS[report.provider as usize],
                    quantized: report.quantized == 1,
                    refused: refused
                        .map(|provider| PROVIDERS[provider as usize])
                        .zip(reasons)
                        .collect(),
                },
            )
        };
        Ok(Self {
            handle,
            info: Arc::new(info),
            report: Arc::new(report),
        })
    }

    pub fn info(&self) -> &AvatarInfo {
        &self.info
    }

    pub fn provider(&self) -> &ProviderReport {
        &self.report
    }

    pub fn capacity(&self) -> Result<usize> {
        let mut sessions = 0;
        // SAFETY: the avatar lives.
        call(|err| unsafe {
            (API.essence_avatar_measure_capacity)(self.handle, &raw mut sessions, err)
        })?;
        Ok(sessions as usize)
    }

    pub fn session(&self, options: SessionOptions) -> Result<Session> {
        Session::new(self.handle, options)
    }
}

impl Clone for Avatar {
    fn clone(&self) -> Self {
        // SAFETY: the avatar lives.
        let handle = unsafe { (API.essence_avatar_retain)(self.handle) };
        Self {
            handle,
            info: Arc::clone(&self.info),
            report: Arc::clone(&self.report),
        }
    }
}

impl Drop for Avatar {
    fn drop(&mut self) {
        // SAFETY: one reference each, given up once.
        unsafe { (API.essence_avatar_release)(self.handle) };
    }
}
