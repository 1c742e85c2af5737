//! A line of progress on a terminal. It is overwritten, not erased, so that it needs no control
//! sequences.

use std::io::Write;
use std::time::{Duration, Instant};

use essence_media::FRAME_RATE;

const INTERVAL: Duration = Duration::from_millis(100);

/// Shows frames done, of how many, and how fast. Silent without a terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    shown: bool,
    total: Option<u64>,
    begin: Instant,
    last: Option<Instant>,
    /// Characters of the line that is shown.
    width: usize,
}

impl Progress {
    pub(crate) fn new(shown: bool, total: Option<u64>) -> Self {
        Self {
            shown,
            total,
            begin: Instant::now(),
            last: None,
            width: 0,
        }
    }

    /// Shows that `frames` are done.
    pub(crate) fn update(&mut self, frames: u64) {
        let now = Instant::now();
        if !self.shown || self.last.is_some_and(|last| now - last < INTERVAL) {
            return;
        }
        self.last = Some(now);
        let rate = frames as f64 / (now - self.begin).as_secs_f64().max(1e-3);
        let line = match self.total.filter(|&n| n > 0) {
            Some(total) => {
                let done = frames as f64 / total as f64;
                let bar = "#".repeat((done.min(1.0) * 30.0) as usize);
                let left = total.saturating_sub(frames) as f64 / rate.max(1e-3);
                format!(
                    "[{bar:<30}] {frames}/{total} frames  {rate:.0}/s  {} left",
                    minutes(left.ceil() as u64)
                )
            }
            None => format!(
                "{frames} frames  {}  {rate:.0}/s",
                minutes(frames / u64::from(FRAME_RATE))
            ),
        };
        self.show(&line);
    }

    fn show(&mut self, line: &str) {
        let width = self.width;
        let _ = write!(std::io::stderr().lock(), "\r{line:<width$}");
        self.width = line.chars().count();
    }

    /// Removes the line.
    pub(crate) fn clear(&mut self) {
        if self.width > 0 {
            self.show("");
            let _ = write!(std::io::stderr().lock(), "\r");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

fn minutes(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}
