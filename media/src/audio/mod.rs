//! Audio files to mono samples.
//!
//! ```text
//! source      a file, or a stream opened once; wav: headers mended; mp4_index: edit lists
//!   | demuxer     Symphonia's: packets
//! decoder     samples of all channels
//!   | timeline    encoders' delays cut, silence of edit lists put in
//! reader      mixed down, checked, counted
//! ```

mod decoded;
mod decoder;
mod guard;
mod mp4_index;
mod names;
mod opus;
mod reader;
mod source;
mod timeline;
mod track;
mod wav;
mod wav_format;

pub use reader::AudioReader;
