//! One frame as it is sent.

use std::time::Instant;

/// Samples of sound in a second.
pub const SOUND_RATE_HZ: u32 = 48_000;
/// Samples of sound in a frame: 40 ms.
pub const FRAME_SAMPLES: usize = (SOUND_RATE_HZ / essence::clock::FRAME_RATE) as usize;

/// One frame, encoded once for every watcher.
#[derive(Debug)]
#[non_exhaustive]
pub struct Encoded {
    /// Number of the frame; it stands for 40 ms × index.
    pub index: u64,
    /// The moment at which the frame was due, the same distance from its index for all frames of a
    /// conversation.
    pub due: Instant,
    /// Interruptions before this frame ([`essence::Frame::interruptions`]). Sound of a lower number that
    /// a watcher has not played yet is out of date.
    pub interruptions: u64,
    /// The picture. None: rate control skipped it, or no watcher wants pictures.
    pub picture: Option<Picture>,
    /// The sound, 40 ms a piece, in order; the last one belongs to `index`. There are several where the
    /// engine skipped pictures, and none where no watcher wants sound.
    pub sound: Vec<Sound>,
}

/// An encoded picture.
#[derive(Debug)]
#[non_exhaustive]
pub struct Picture {
    /// Whether it can be decoded without those before it (IDR).
    pub key: bool,
    /// H.264, constrained baseline, NAL units after start codes (Annex B); parameter sets come with key
    /// frames.
    pub data: Vec<u8>,
}

/// 40 ms of sound.
#[derive(Debug)]
#[non_exhaustive]
pub struct Sound {
    /// Number of the frame that it belongs to: samples [1920 × index, 1920 × (index + 1)).
    pub index: u64,
    /// One Opus packet, 48 kHz, mono.
    pub opus: Vec<u8>,
    /// The same 1920 samples before encoding.
    pub pcm: Vec<i16>,
}
