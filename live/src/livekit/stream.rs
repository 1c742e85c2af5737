//! The byte stream of one segment of speech: 16-bit samples in pieces of any length.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use essence::{Error, ErrorKind, Result};

/// A stream that brings nothing for so long has lost its trailer.
pub(super) const IDLE_LIMIT: Duration = Duration::from_secs(10);

/// Most channels of a stream.
const MAX_CHANNELS: u16 = 8;

/// A stream that is open.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) id: String,
    pub(super) sample_rate_hz: u32,
    pub(super) channels: u16,
    pub(super) idle_at: Instant,
    /// The chunk that comes next.
    next: u64,
    /// Bytes of a sample frame that is not whole yet.
    rest: Vec<u8>,
}

impl Stream {
    /// A stream with the attributes `sample_rate` and `num_channels`.
    ///
    /// # Errors
    /// `InvalidArgument`: an attribute is missing or outside its domain.
    pub(super) fn open(
        id: String,
        attributes: &HashMap<String, String>,
        now: Instant,
    ) -> Result<Self> {
        let number = |name: &str| {
            attributes
                .get(name)
                .and_then(|text| text.trim().parse().ok())
        };
        let rate = number("sample_rate").filter(|rate| (8_000..=192_000).contains(rate));
        let channels = number("num_channels")
            .and_then(|count| u16::try_from(count).ok())
            .filter(|count| (1..=MAX_CHANNELS).contains(count));
        let (Some(sample_rate_hz), Some(channels)) = (rate, channels) else {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "an audio stream with sample_rate {:?} and num_channels {:?}; send 8000 to 192000 Hz in 1 to \
                     {MAX_CHANNELS} channels",
                    attributes.get("sample_rate"),
                    attributes.get("num_channels")
                ),
            ));
        };
        Ok(Self {
            id,
            sample_rate_hz,
            channels,
            idle_at: now + IDLE_LIMIT,
            next: 0,
            rest: Vec::new(),
        })
    }

    /// The samples of a chunk, whole sample frames only. A chunk that came before gives none.
    pub(super) fn push(&mut self, index: u64, content: &[u8], now: Instant) -> Vec<i16> {
        self.idle_at = now + IDLE_LIMIT;
        if index < self.next {
            return Vec::new();
        }
        if index > self.next {
            // A chunk is missing: the bytes of a sample that began in it have no end.
            self.rest.clear();
        }
        self.next = index.saturating_add(1);
        self.rest.extend_from_slice(content);
        let frame_bytes = 2 * usize::from(self.channels);
        let whole = self.rest.len() / frame_bytes * frame_bytes;
        let (pairs, _) = self.rest[..whole].as_chunks::<2>();
        let samples = pairs.iter().map(|pair| i16::from_le_bytes(*pair)).collect();
        self.rest.drain(..whole);
        samples
    }
}
