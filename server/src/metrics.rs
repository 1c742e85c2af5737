//! Counters, in the text format of Prometheus.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

/// The counters of a server.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) connections: Gauge,
    pub(crate) pages: Gauge,
    pub(crate) connections_refused: Counter,
    pub(crate) requests: Counter,
    pub(crate) requests_refused: Counter,
    pub(crate) sessions: Counter,
    pub(crate) sessions_resumed: Counter,
    pub(crate) sessions_refused: Counter,
    pub(crate) interruptions: Counter,
    pub(crate) failures: Counter,
    pub(crate) inputs_dropped: Counter,
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub(crate) struct Gauge(AtomicU64);

impl Gauge {
    pub(crate) fn up(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn down(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Metrics {
    /// The text, with what others count.
    pub(crate) fn render(&self, sessions_now: usize, max_sessions: usize, peers: usize) -> String {
        let mut text = String::new();
        for (name, kind, value) in [
            ("sessions", "gauge", sessions_now as u64),
            ("sessions_limit", "gauge", max_sessions as u64),
            ("webrtc_peers", "gauge", peers as u64),
            ("connections", "gauge", self.connections.value()),
            ("pages", "gauge", self.pages.value()),
            (
                "connections_refused_total",
                "counter",
                self.connections_refused.value(),
            ),
            ("requests_total", "counter", self.requests.value()),
            (
                "requests_refused_total",
                "counter",
                self.requests_refused.value(),
            ),
            ("sessions_total", "counter", self.sessions.value()),
            (
                "sessions_resumed_total",
                "counter",
                self.sessions_resumed.value(),
            ),
            (
                "sessions_refused_total",
                "counter",
                self.sessions_refused.value(),
            ),
            ("interruptions_total", "counter", self.interruptions.value()),
            ("failures_total", "counter", self.failures.value()),
            (
                "inputs_dropped_total",
                "counter",
                self.inputs_dropped.value(),
            ),
        ] {
            // Writing to a string doesn't fail.
            let _ = writeln!(
                text,
                "# TYPE bithuman_{name} {kind}\nbithuman_{name} {value}"
            );
        }
        text
    }
}
