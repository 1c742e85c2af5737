//! Options of a session.

use crate::clock::Clock;
use crate::{OutputSize, Pacing, PixelFormat};

/// The engine's own, but for the clock.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    pub pacing: Pacing,
    pub pixel_format: PixelFormat,
    pub output_size: Option<OutputSize>,
    pub letterbox: [u8; 3],
    pub queue_limit_s: u32,
    pub queue_limit_bytes: usize,
    pub queue_limit_utterances: usize,
    pub clock: Clock,
    pub pictures: bool,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            pacing: Pacing::default(),
            pixel_format: PixelFormat::default(),
            output_size: None,
            letterbox: [0; 3],
            queue_limit_s: 600,
            queue_limit_bytes: 0,
            queue_limit_utterances: 0,
            clock: Clock::default(),
            pictures: true,
        }
    }
}

impl SessionOptions {
    #[must_use]
    pub fn pacing(mut self, pacing: Pacing) -> Self {
        self.pacing = pacing;
        self
    }

    #[must_use]
    pub fn pixel_format(mut self, format: PixelFormat) -> Self {
        self.pixel_format = format;
        self
    }

    #[must_use]
    pub fn output_size(mut self, size: impl Into<Option<OutputSize>>) -> Self {
        self.output_size = size.into();
        self
    }

    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    #[must_use]
    pub fn pictures(mut self, pictures: bool) -> Self {
        self.pictures = pictures;
        self
    }
}
