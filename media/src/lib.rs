//! Files around the engine: audio decoding in, MP4 video and pictures out.
//!
//! Nothing here needs a program or a codec to be installed: decoding is Symphonia's, H.264 is
//! `OpenH264` built from source, AAC is syom's.
//!
//! - [`AudioReader`] streams any common audio file as mono `f32`.
//! - [`Mp4Writer`] takes I420 pictures and mono samples and leaves a complete MP4 file or none.
//! - [`PngSequence`] writes numbered pictures.
#![deny(unsafe_code)]

mod audio;
mod image;
mod mp4;

pub use audio::AudioReader;
pub use image::{PngSequence, is_sequence_pattern};
pub use mp4::{FRAME_RATE, Mp4Options, Mp4Summary, Mp4Writer, Quality, SYNTHETIC_COMMENT};
