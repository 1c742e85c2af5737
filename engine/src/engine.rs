//! The engine: one per process, everything that avatars share.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::avatar::{AvatarData, Environment};
use crate::imx::Container;
use crate::infer::{Provider, Runtime, RuntimeInfo, TELEMETRY_SWITCH, WatchdogLease};
use crate::log::{Log, LogLevel};
use crate::session::RenderPool;
use crate::{Avatar, Error, ErrorKind, Result};

/// Memory that an avatar's decoded base frames may take, unless said otherwise.
const BASE_CACHE_BYTES: usize = 48 << 20;

/// The threads and settings that avatars share, and ONNX Runtime where a provider needs it.
///
/// Cheap to clone; `Send` and `Sync`.
///
/// # Why one per process?
/// ONNX Runtime can be loaded once and for good. Further engines in a process share what the first
/// one loaded.
#[derive(Clone, Debug)]
pub struct Engine {
    runtime: Option<&'static Runtime>,
    provider: Provider,
    base_cache_bytes: usize,
    map_files: bool,
    log: Log,
    scheduler: RenderPool,
    /// So that its thread is not started and ended with each avatar.
    _watchdog: Arc<WatchdogLease>,
}

/// Settings of an [`Engine`].
#[derive(Clone, Debug)]
pub struct EngineBuilder {
    runtime_library: Option<PathBuf>,
    provider: Provider,
    base_cache_bytes: usize,
    map_files: bool,
    log: Log,
    threads: Option<usize>,
    max_sessions: Option<usize>,
}

impl EngineBuilder {
    /// Path of ONNX Runtime's library. None (the default) searches: `ORT_DYLIB_PATH`, next to the
    /// library or program that this code is part of, next to the executable, the system's library
    /// path. [`Provider::Builtin`] needs none and loads none; [`Provider::Auto`] does without if none
    /// is found.
    #[must_use]
    pub fn runtime_library(mut self, path: impl Into<Option<PathBuf>>) -> Self {
        self.runtime_library = path.into();
        self
    }

    /// The execution provider of the networks. Default: [`Provider::Auto`].
    #[must_use]
    pub fn provider(mut self, provider: Provider) -> Self {
        self.provider = provider;
        self
    }

    /// Bytes that the decoded base frames of each avatar may take. Default: 48 MiB; 0 decodes each
    /// frame anew.
    #[must_use]
    pub fn base_cache_bytes(mut self, bytes: usize) -> Self {
        self.base_cache_bytes = bytes;
        self
    }

    /// Whether [`Engine::open`] maps avatar files instead of reading them into memory. Default: false.
    ///
    /// A mapped file takes no memory of the process's own and is shared between processes.
    ///
    /// # Risk
    /// The file must not be truncated or overwritten while its avatar is open: the system ends a
    /// process that reads a page that is gone (SIGBUS). Replacing the file by renaming another over
    /// it is safe.
    #[must_use]
    pub fn map_files(mut self, map: bool) -> Self {
        self.map_files = map;
        self
    }

    /// Threads that prepare frames, and networks that run at a time, for all avatars together:
    /// **1 to 1,024**. Default: as many as the process may use cores, a container's quota counted.
    ///
    /// One thread more is started. It works only where runs of an avatar's networks take longer than
    /// a frame's 40 ms, so that they don't keep other avatars' sessions waiting.
    #[must_use]
    pub fn threads(mut self, threads: impl Into<Option<usize>>) -> Self {
        self.threads = threads.into();
        self
    }

    /// Most real-time sessions at a time, of all avatars together; one more is refused with
    /// `LimitExceeded`. Default: no limit. [`Avatar::capacity`] says how many can be served.
    #[must_use]
    pub fn max_sessions(mut self, sessions: impl Into<Option<usize>>) -> Self {
        self.max_sessions = sessions.into();
        self
    }

    /// Receiver of messages of `level` and of more important levels. Default: no receiver. With
    /// the level None, nothing is sent until [`Engine::set_log_level`].
    ///
    /// `sink` is called from the thread that makes the call that logs, or from one of the engine's
    /// own; it should return at once and must not call into this library.
    ///
    /// ```no_run
    /// use essence::{Engine, LogLevel};
    ///
    /// # fn main() -> essence::Result<()> {
    /// // Into the crate `tracing`.
    /// let engine = Engine::builder().log(LogLevel::Trace, |level, message| match level {
    ///     LogLevel::Error => tracing::error!("{message}"),
    ///     LogLevel::Warn => tracing::warn!("{message}"),
    ///     LogLevel::Info => tracing::info!("{message}"),
    ///     LogLevel::Debug => tracing::debug!("{message}"),
    ///     _ => tracing::trace!("{message}"),
    /// });
    /// # engine.build()?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn log(
        mut self,
        level: impl Into<Option<LogLevel>>,
        sink: impl Fn(LogLevel, &str) + Send + Sync + 'static,
    ) -> Self {
        self.log = Log::new(level.into(), sink);
        self
    }

    /// Starts the threads, and loads ONNX Runtime if the [provider](Self::provider) needs it.
    ///
    /// # Telemetry
    /// Builds of ONNX Runtime by its maker can collect data as soon as they are loaded, from 1.31 on.
    /// `ORT_DISABLE_TELEMETRY=1` in the environment keeps them from it. A library can't set that
    /// safely, since other threads may read the environment at that moment: a program sets it when it
    /// starts, as `bithuman` and the Python package do. Where it isn't set, a warning is logged.
    ///
    /// # Errors
    /// - `RuntimeMissing`: no usable library, where one was named or the provider is one of ONNX
    ///   Runtime's; the message lists the places that were tried.
    /// - `InvalidState`: the process has loaded another library than the one given.
    /// - `InvalidArgument`: a number of threads outside 1 to 1,024.
    /// - `Io`: the system starts no thread.
    pub fn build(self) -> Result<Engine> {
        let scheduler = RenderPool::new(self.threads, self.max_sessions, self.log.clone())?;
        let runtime = self.load_runtime()?;
        Ok(Engine {
            runtime,
            provider: self.provider,
            base_cache_bytes: self.base_cache_bytes,
            map_files: self.map_files,
            log: self.log,
            scheduler,
            _watchdog: Arc::new(WatchdogLease::new()?),
        })
    }
}

impl EngineBuilder {
    /// ONNX Runtime, where the provider needs it, or may use it and it is found.
    fn load_runtime(&self) -> Result<Option<&'static Runtime>> {
        let log = &self.log;
        if self.provider == Provider::Builtin {
            return Ok(None);
        }
        let runtime = match Runtime::load(self.runtime_library.as_deref()) {
            Err(error)
                if error.kind() == ErrorKind::RuntimeMissing
                    && self.provider == Provider::Auto
                    && self.runtime_library.is_none() =>
            {
                log.log(LogLevel::Debug, || error.to_string());
                return Ok(None);
            }
            loaded => loaded.inspect_err(|error| log.log(LogLevel::Error, || error.to_string()))?,
        };
        let RuntimeInfo {
            path,
            version,
            tried,
        } = &runtime.info;
        for place in tried {
            log.log(LogLevel::Debug, || format!("passed over {place}"));
        }
        log.log(LogLevel::Info, || {
            format!("ONNX Runtime {version} from {}", path.display())
        });
        if runtime.has_telemetry {
            log.log(LogLevel::Warn, || {
                format!(
                    "ONNX Runtime may collect telemetry; set {TELEMETRY_SWITCH}=1 before the \
                     program starts"
                )
            });
        }
        Ok(Some(runtime))
    }
}

impl Engine {
    /// Settings to build an engine from.
    pub fn builder() -> EngineBuilder {
        EngineBuilder {
            runtime_library: None,
            provider: Provider::Auto,
            base_cache_bytes: BASE_CACHE_BYTES,
            map_files: false,
            log: Log::default(),
            threads: None,
            max_sessions: None,
        }
    }

    /// The ONNX Runtime in use; None where [`Provider::Builtin`] runs all networks.
    pub fn runtime(&self) -> Option<&RuntimeInfo> {
        self.runtime.map(|runtime| &runtime.info)
    }

    /// The execution providers that there are: our own, and those that the ONNX Runtime in use was
    /// built with. Whether one really works shows when an avatar is opened.
    pub fn available_providers(&self) -> Vec<Provider> {
        Provider::ALL
            .into_iter()
            .filter(|&provider| provider != Provider::Auto && provider.is_there(self.runtime))
            .collect()
    }

    /// Threads that prepare frames, and networks that run at a time.
    pub fn threads(&self) -> usize {
        self.scheduler.threads()
    }

    /// Real-time sessions that there are now.
    pub fn sessions(&self) -> usize {
        self.scheduler.tasks()
    }

    /// Another limit for [`max_sessions`](EngineBuilder::max_sessions); sessions that there are
    /// already stay.
    pub fn set_max_sessions(&self, sessions: impl Into<Option<usize>>) {
        self.scheduler.set_limit(sessions.into());
    }

    /// Has messages of `level` and of those that matter more logged from now on, None none, for all
    /// that this engine has opened and will open. A message that is being written on another thread
    /// is waited for. Nothing happens without [`EngineBuilder::log`].
    pub fn set_log_level(&self, level: impl Into<Option<LogLevel>>) {
        self.log.set_level(level.into());
    }

    /// Opens an avatar: reads the file into memory, checks it against its hashes, loads its networks
    /// and runs its self-test. What happens to the file afterwards has no effect, unless
    /// [`map_files`](EngineBuilder::map_files) says otherwise.
    ///
    /// With the feature `portrait` a picture of a face opens, too, as
    /// [`create`](crate::portrait::create) makes an avatar of it.
    ///
    /// # Errors
    /// - Those of [`Container::open`], for a picture those of `create`.
    /// - `InvalidAvatar`: a network is damaged, is more than a network may be (`docs/limits.md`), has
    ///   other tensors than the manifest says, or fails the self-test on the CPU.
    /// - `ProviderUnavailable`: the provider that was asked for does not run it.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<Avatar> {
        let path = path.as_ref();
        let container = if crate::is_picture(path) {
            crate::portrait::open_file(path)
        } else if self.map_files {
            Container::open_mapped(path)
        } else {
            Container::open(path)
        };
        self.load(container, Some(path))
    }

    /// Opens an avatar from the bytes of an `.imx` file, which are kept and not copied: a `Vec<u8>`,
    /// an `Arc<[u8]>`, a `&'static [u8]` of `include_bytes!`.
    ///
    /// # Errors
    /// The errors of [`open`](Self::open) but `NotFound` and `Io`.
    pub fn open_bytes(&self, bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<Avatar> {
        self.load(Container::from_bytes(bytes), None)
    }

    /// Opens an avatar from what a reader gives, to its end: at most
    /// [`MAX_READ_BYTES`](crate::imx::limits::MAX_READ_BYTES).
    ///
    /// # Errors
    /// The errors of [`open`](Self::open); `Io` if the reader fails.
    pub fn open_reader(&self, reader: impl io::Read) -> Result<Avatar> {
        self.load(Container::from_reader(reader), None)
    }

    /// Opens an avatar out of a container: one that a [`Loader`](crate::imx::Loader) reads may be opened
    /// before all of it has arrived.
    ///
    /// # Errors
    /// The errors of [`open`](Self::open) but `Io`; `NotFound`: a member that is needed has not arrived.
    pub fn open_container(&self, container: Container) -> Result<Avatar> {
        self.load(Ok(container), None)
    }

    /// Opens an avatar out of a container, which came from `path` if from a file.
    fn load(&self, container: Result<Container>, path: Option<&Path>) -> Result<Avatar> {
        let open = |container| {
            let environment = Environment {
                runtime: self.runtime,
                preference: self.provider,
                cache_bytes: self.base_cache_bytes,
                log: self.log.clone(),
                permits: Arc::clone(self.scheduler.semaphore()),
            };
            AvatarData::open(environment, container)
                .map(|data| Avatar::new(data, self.scheduler.clone()))
                .map_err(|error| match path {
                    Some(path) => Error::new(error.kind(), format!("{}: {error}", path.display())),
                    None => error,
                })
        };
        container
            .and_then(open)
            .inspect_err(|error| self.log.log(LogLevel::Error, || error.to_string()))
    }
}
