//! MP4 files: H.264 pictures at 25 a second with AAC-LC sound, in step to the sample.
//!
//! # How the sound stays in step
//!
//! An AAC encoder delays what it is fed by one frame of 1024 samples. The file says so in an edit
//! list on the audio track (`edts`/`elst`: begin at media time 1024, play exactly as long as the
//! pictures), so that a player that honours it, as `QuickTime`, browsers and ffmpeg do, shows sample
//! `rate / 25 * k` together with picture `k`. Sound that is shorter than the pictures is filled up
//! with silence, longer sound is cut by the same edit.
//!
//! # No broken file remains
//!
//! Everything goes to an [`OutputFile`](crate::OutputFile), which gets its name only when it is complete.
//! The samples are streamed to it; only their sizes stay in memory (about 8 bytes a frame of either
//! kind). At the end the samples move up by the size of the index, which then goes in front ("fast
//! start"): players on the web can begin before the file has arrived.
//!
//! # Why the boxes are filled in here
//!
//! `muxide` and the muxer of `shiguredo_mp4` write no edit list, without which the sound is late by
//! up to 128 ms (1024 samples at 8 kHz). So the index is composed from `shiguredo_mp4`'s box types
//! directly (no dependencies, Apache-2.0), in [`boxes`].

mod aac;
mod boxes;
mod fast_start;
pub(crate) mod h264;
mod options;
mod small_boxes;

use std::path::Path;

use essence::{Error, ErrorKind, Result};

use self::aac::AacTrack;
use self::boxes::{AudioIndex, Index, VideoIndex};
use self::fast_start::FastStartFile;
use self::h264::H264Encoder;
pub use self::options::{FRAME_RATE, Mp4Options, Quality, SYNTHETIC_COMMENT};

/// Samples go to the file in chunks of this many pictures and the sound that belongs to them.
const CHUNK_FRAMES: usize = FRAME_RATE as usize;

/// A file that [`Mp4Writer::finish`] has made.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Mp4Summary {
    /// Size of the file.
    pub bytes: u64,
    /// Pictures in the file.
    pub frames: u64,
    /// Width of the pictures in the file: even.
    pub width: u32,
    /// Height of the pictures in the file: even.
    pub height: u32,
    /// Rate of the sound in the file: the one that was written if AAC has it, else 48000.
    pub sample_rate_hz: u32,
    /// Whether somebody else wrote the same name meanwhile, whose file was replaced.
    pub replaced_another: bool,
}

/// Writes one MP4 file. Dropped without [`finish`](Self::finish), it leaves none.
pub struct Mp4Writer {
    video: H264Encoder,
    audio: AacTrack,
    video_index: VideoIndex,
    audio_index: AudioIndex,
    /// Length-prefixed pictures and AAC frames that are not in the file yet.
    video_chunk: Vec<u8>,
    audio_chunk: Vec<u8>,
    frames_in_chunk: usize,
    file: FastStartFile,
}

impl std::fmt::Debug for Mp4Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mp4Writer")
            .field("file", &self.file)
            .field("frames", &self.video_index.sizes.len())
            .finish_non_exhaustive()
    }
}

impl Mp4Writer {
    /// Begins a file at `path`, which appears only when it is finished.
    ///
    /// # Errors
    /// `InvalidArgument`: the size is not **16 to 3840** by **16 to 2160** pixels (or upright), or the
    /// rate not **8000 to 192000** Hz. `Io`: the file cannot be made.
    pub fn create(path: impl AsRef<Path>, options: &Mp4Options) -> Result<Self> {
        let video = H264Encoder::new(options.width, options.height, options.quality)?;
        let audio = AacTrack::new(options.sample_rate_hz, options.quality)?;
        let file = FastStartFile::create(path.as_ref(), &boxes::file_head()?)?;
        Ok(Self {
            video,
            audio,
            video_index: VideoIndex::default(),
            audio_index: AudioIndex::default(),
            video_chunk: Vec::new(),
            audio_chunk: Vec::new(),
            frames_in_chunk: 0,
            file,
        })
    }

    /// The file that exists until [`finish`](Self::finish), for a process that is about to end without
    /// dropping this.
    pub fn temporary_path(&self) -> Option<&Path> {
        self.file.temporary_path()
    }

    /// Adds the next picture: tightly packed I420 (all of Y, then U, then V; chroma of an odd size
    /// rounded up), BT.601, limited range.
    ///
    /// # Errors
    /// `InvalidArgument`: not the number of bytes that the size in the options needs. `Internal`: the
    /// encoder failed. `Io`: the file could not be written.
    pub fn write_frame(&mut self, i420: &[u8]) -> Result<()> {
        let begin = self.video_chunk.len();
        let key = self.video.encode(i420, &mut self.video_chunk)?;
        let number = self.video_index.sizes.len() as u32 + 1;
        if key {
            self.video_index.key_frames.push(number);
        }
        self.video_index
            .sizes
            .push((self.video_chunk.len() - begin) as u32);
        self.frames_in_chunk += 1;
        if self.frames_in_chunk == CHUNK_FRAMES {
            self.write_chunks()
        } else {
            Ok(())
        }
    }

    /// Adds mono sound at the rate in the options. Samples beyond **[-1, 1]** are clipped.
    ///
    /// # Errors
    /// `InvalidArgument`: a sample is not a number. `Internal`: the encoder failed.
    pub fn write_audio(&mut self, mono: &[f32]) -> Result<()> {
        self.audio
            .write(mono, &mut self.audio_chunk, &mut self.audio_index.sizes)
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    /// `InvalidState`: no picture was written. `Io`: the file could not be written or renamed. In
    /// either case no file remains.
    pub fn finish(mut self) -> Result<Mp4Summary> {
        let frames = self.video_index.sizes.len() as u64;
        if frames == 0 {
            return Err(Error::new(
                ErrorKind::InvalidState,
                "a video needs at least one frame; write_frame was not called",
            ));
        }
        let rate = self.audio.sample_rate_hz();
        let samples = frames * u64::from(rate / FRAME_RATE);
        self.audio
            .finish(samples, &mut self.audio_chunk, &mut self.audio_index.sizes)?;
        self.write_chunks()?;

        let index = Index {
            video: &self.video_index,
            audio: &self.audio_index,
            width: self.video.width(),
            height: self.video.height(),
            parameter_sets: self.video.parameter_sets()?,
            sample_rate_hz: rate,
            audio_config: self.audio.config(),
            priming_samples: aac::PRIMING_SAMPLES,
            presented_samples: samples,
        };
        let committed = self
            .file
            .finish(|data_begin, data_bytes| index.encode(data_begin, data_bytes))?;
        Ok(Mp4Summary {
            bytes: committed.bytes,
            frames,
            width: self.video.width(),
            height: self.video.height(),
            sample_rate_hz: rate,
            replaced_another: committed.replaced_another,
        })
    }

    /// Moves the pictures and the sound collected so far into the file, as one chunk each.
    fn write_chunks(&mut self) -> Result<()> {
        let samples = self.video_index.sizes.len() as u32;
        let offset = self.file.append(&self.video_chunk)?;
        self.video_index.chunks.push(offset, samples);
        let samples = self.audio_index.sizes.len() as u32;
        let offset = self.file.append(&self.audio_chunk)?;
        self.audio_index.chunks.push(offset, samples);
        self.video_chunk.clear();
        self.audio_chunk.clear();
        self.frames_in_chunk = 0;
        Ok(())
    }
}
