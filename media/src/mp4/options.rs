//! Options of an MP4 file.

/// Pictures per second.
pub const FRAME_RATE: u32 = 25;

/// The comment that every file carries.
pub const SYNTHETIC_COMMENT: &str = "Synthetic media made with libessence";

/// How many bits to spend.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Quality {
    /// Small files.
    Low,
    /// Clean pictures at a moderate size.
    #[default]
    Medium,
    /// Hardly distinguishable from the frames that went in.
    High,
}

/// Options of an [`Mp4Writer`](crate::Mp4Writer).
#[derive(Clone, Copy, Debug)]
pub struct Mp4Options {
    /// Width of the pictures in pixels. An odd one is filled up by repeating the last column.
    pub width: u32,
    /// Height of the pictures in pixels. An odd one is filled up by repeating the last row.
    pub height: u32,
    /// Samples per second of the sound that will be written.
    pub sample_rate_hz: u32,
    /// How many bits to spend.
    pub quality: Quality,
}
