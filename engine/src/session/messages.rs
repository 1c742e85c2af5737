//! A session's log: utterances and interruptions at `Debug`, every frame at `Trace`.

use std::fmt::Write as _;

use super::core::Core;
use crate::frame::Frame;
use crate::log::LogLevel;

impl Core {
    /// Logs a message under the session's number.
    pub(super) fn log(&self, level: LogLevel, message: impl FnOnce() -> String) {
        let log = &self.avatar.log;
        log.log(level, || format!("session {}: {}", self.number, message()));
    }

    /// Logs a frame that leaves.
    pub(super) fn log_frame(&self, frame: &Frame) {
        self.log(LogLevel::Trace, || described(frame));
        if frame.flags.end_of_speech {
            self.log(LogLevel::Debug, || {
                format!("an utterance ends with frame {}", frame.index)
            });
        }
    }
}

/// A frame in words, such as `frame 7: base frame 3, 960 samples, speech`.
fn described(frame: &Frame) -> String {
    let flags = frame.flags;
    let mut text = format!(
        "frame {}: base frame {}, {} samples",
        frame.index,
        frame.base_frame,
        frame.audio.len()
    );
    for (is, word) in [
        (flags.speech, "speech"),
        (flags.end_of_speech, "end of speech"),
        (flags.underrun, "underrun"),
        (flags.late, "late"),
        (flags.muted, "muted"),
        (flags.concealed, "concealed"),
    ] {
        if is {
            text.push_str(", ");
            text.push_str(word);
        }
    }
    if flags.skipped > 0 {
        // Writing to a string doesn't fail.
        let _ = write!(text, ", {} pictures dropped before it", flags.skipped);
    }
    text
}
