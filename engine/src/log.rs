//! The log: one sink of the caller's per engine. This library prints nothing itself.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// How much a message matters, most first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something works, but not as asked for.
    Warn,
    /// Libraries loaded, avatars opened, providers chosen.
    Info,
    /// Utterances, interruptions, networks that were loaded, places that were searched.
    Debug,
    /// Every frame.
    Trace,
}

/// The receiver of an engine's messages, shared by all that it opens.
#[derive(Clone, Default)]
pub(crate) struct Log(Option<Arc<Sink>>);

struct Sink {
    /// The least level that is written, as [`number`] has it.
    level: AtomicU8,
    write: Box<Write>,
    /// Read while a message is written, so that [`Log::set_level`] can wait for those under way.
    writing: RwLock<()>,
}

type Write = dyn Fn(LogLevel, &str) + Send + Sync;

impl Log {
    pub(crate) fn new(
        level: Option<LogLevel>,
        write: impl Fn(LogLevel, &str) + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(Sink {
            level: AtomicU8::new(number(level)),
            write: Box::new(write),
            writing: RwLock::new(()),
        })))
    }

    /// Logs `message`, which is made only where the level is written.
    pub(crate) fn log<S: AsRef<str>>(&self, level: LogLevel, message: impl FnOnce() -> S) {
        if let Some(sink) = &self.0
            && sink.takes(level)
        {
            let message = message();
            let _writing = sink.writing.read().unwrap_or_else(PoisonError::into_inner);
            // A change of the level has waited for the messages before it only.
            if sink.takes(level) {
                (sink.write)(level, message.as_ref());
            }
        }
    }

    /// Writes messages of `level` and of those that matter more from now on; None writes none. A
    /// message that is being written on another thread is waited for.
    pub(crate) fn set_level(&self, level: Option<LogLevel>) {
        if let Some(sink) = &self.0 {
            sink.level.store(number(level), Ordering::SeqCst);
            drop(sink.writing.write());
        }
    }
}

impl Sink {
    fn takes(&self, level: LogLevel) -> bool {
        number(Some(level)) <= self.level.load(Ordering::SeqCst)
    }
}

/// Levels in the order of their names, from 1 on; 0 for none.
fn number(level: Option<LogLevel>) -> u8 {
    level.map_or(0, |level| level as u8 + 1)
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = self.0.as_ref();
        let level = level.map(|sink| sink.level.load(Ordering::Relaxed));
        f.debug_tuple("Log").field(&level).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn a_sink_gets_its_level_and_what_matters_more() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&heard);
        let log = Log::new(Some(LogLevel::Info), move |level, message| {
            let mut heard = sink.lock().expect("no test panics in here");
            heard.push((level, message.to_owned()));
        });
        log.log(LogLevel::Warn, || "a");
        log.log(LogLevel::Info, || "b");
        log.log(LogLevel::Debug, || -> String {
            unreachable!("nobody listens")
        });
        let heard = heard.lock().expect("no test panics in here");
        assert_eq!(
            *heard,
            [
                (LogLevel::Warn, "a".to_owned()),
                (LogLevel::Info, "b".to_owned())
            ],
            "messages"
        );
    }

    #[test]
    fn the_level_can_be_changed() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&heard);
        let log = Log::new(None, move |level, _| {
            sink.lock().expect("no test panics in here").push(level);
        });
        let all = || {
            for level in [LogLevel::Error, LogLevel::Debug, LogLevel::Trace] {
                log.log(level, || "a");
            }
            std::mem::take(&mut *heard.lock().expect("no test panics in here"))
        };
        assert_eq!(all(), [], "off");
        log.set_level(Some(LogLevel::Debug));
        assert_eq!(all(), [LogLevel::Error, LogLevel::Debug], "up to debug");
        log.set_level(None);
        assert_eq!(all(), [], "off again");
    }
}
