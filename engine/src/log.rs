//! The log: one sink of the caller's per engine. This library prints nothing itself.

use std::fmt;
use std::sync::Arc;

/// How much a message matters, most first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something works, but not as asked for.
    Warn,
    /// What was loaded and opened, and which provider runs.
    Info,
    /// Utterances, interruptions, places that were searched.
    Debug,
    /// Every frame.
    Trace,
}

/// Where an engine's messages go; shared by all that it opens.
#[derive(Clone, Default)]
pub(crate) struct Log(Option<Arc<Sink>>);

struct Sink {
    level: LogLevel,
    write: Box<Write>,
}

type Write = dyn Fn(LogLevel, &str) + Send + Sync;

impl Log {
    pub(crate) fn new(
        level: LogLevel,
        write: impl Fn(LogLevel, &str) + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(Sink {
            level,
            write: Box::new(write),
        })))
    }

    /// Logs what `message` says; it isn't asked where nobody listens.
    pub(crate) fn log<S: AsRef<str>>(&self, level: LogLevel, message: impl FnOnce() -> S) {
        if let Some(sink) = &self.0
            && level <= sink.level
        {
            (sink.write)(level, message().as_ref());
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = self.0.as_ref().map(|sink| sink.level);
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
        let log = Log::new(LogLevel::Info, move |level, message| {
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
}
