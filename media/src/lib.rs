//! Files around the engine: audio decoding in, MP4 video and pictures out.
//!
//! Nothing here needs a program or a codec to be installed: containers and most codecs are read by
//! Symphonia, AAC is read and written by syom, Opus read by `opus-decoder`, H.264 written by `OpenH264`
//! built from source.
//!
//! - [`AudioReader`] streams any common audio file as mono `f32`.
//! - [`LiveVideoEncoder`] makes an H.264 stream of I420 pictures for a connection, not for a file.
//! - [`OutputFile`] writes a file whole or not at all.
//! - [`Mp4Writer`] takes I420 pictures and mono samples and leaves a complete MP4 file or none.
//! - [`PngSequence`] writes numbered pictures.
#![deny(unsafe_code)]

mod audio;
mod image;
mod live;
mod mp4;
mod output;

pub use audio::AudioReader;
pub use image::{PngSequence, is_sequence_pattern};
pub use live::LiveVideoEncoder;
pub use mp4::{FRAME_RATE, Mp4Options, Mp4Summary, Mp4Writer, Quality, SYNTHETIC_COMMENT};
pub use output::{Committed, OutputFile};
