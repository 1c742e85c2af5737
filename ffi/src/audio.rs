//! `essence_audio_reader`: files of audio, decoded.

use std::ffi::c_char;

use media::AudioReader;

use crate::boundary::{export, invalid};
use crate::handle::{self, opaque};
use crate::sized::{self, Sized32, sized};
use crate::status::{ESSENCE_END, ESSENCE_OK};
use crate::text;

opaque! {
    /// A file of audio, read as mono samples: wav, mp3, m4a, ogg, opus, flac, aac, webm and others.
    essence_audio_reader(ReaderBox)
}

/// A reader and what of its last block the caller has not seen.
#[derive(Debug)]
pub struct ReaderBox {
    reader: AudioReader,
    block: Vec<f32>,
    at: usize,
}

/// Description of a file of audio.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct essence_audio_info {
    /// Size of this struct as the caller knows it.
    pub struct_size: u32,
    /// Samples per second.
    pub rate_hz: u32,
    /// Channels in the file, before they were mixed down.
    pub channels: u32,
    /// Packets that could not be decoded so far and became silence.
    pub damaged_packets: u32,
    /// How many samples the file says it holds; 0 if it doesn't say.
    pub expected_samples: u64,
    /// After the end: how many of them are missing, when the file is cut off.
    pub missing_samples: u64,
}

sized!(essence_audio_info {
    rate_hz: 0,
    channels: 0,
    damaged_packets: 0,
    expected_samples: 0,
    missing_samples: 0,
});

export! {
    /// Opens a file of audio.
    ///
    /// `path`: UTF-8, borrowed for the call.
    /// `out`: written on success; transferred to the caller, who destroys it with
    /// essence_audio_reader_destroy().
    ///
    /// Fails with: NOT_FOUND, IO, UNSUPPORTED_FORMAT (not audio of a kind that is read here, or
    /// empty), INVALID_ARGUMENT.
    /// Threads: any, concurrently.
    fn essence_audio_reader_open(path: *const c_char, out: *mut *mut essence_audio_reader) -> essence_status {
        let path = text::path(path, "path")?;
        if out.is_null() {
            return Err(invalid("the place for the reader is NULL"));
        }
        let reader = ReaderBox { reader: AudioReader::open(path)?, block: Vec::new(), at: 0 };
        out.write(handle::new(reader));
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Destroys a reader; NULL is fine.
    ///
    /// Threads: any; no other call on this reader may be under way.
    fn essence_audio_reader_destroy(reader: *mut essence_audio_reader), on panic (),
    {
        handle::free(reader);
    }
}

export! {
    /// Says what the file is.
    ///
    /// `info`: written on success, as far as its `struct_size` reaches.
    ///
    /// Fails with: INVALID_ARGUMENT.
    /// Threads: any, concurrently with each other.
    fn essence_audio_reader_describe(reader: *const essence_audio_reader, info: *mut essence_audio_info) -> essence_status {
        let reader = &handle::shared(reader)?.reader;
        let described = essence_audio_info {
            rate_hz: reader.sample_rate(),
            channels: reader.channels() as u32,
            damaged_packets: u32::try_from(reader.damaged_packets()).unwrap_or(u32::MAX),
            expected_samples: reader.expected_samples().unwrap_or(0),
            missing_samples: reader.missing_samples(),
            ..essence_audio_info::defaults()
        };
        sized::write(info, &described)?;
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Reads on: mono samples, mixed down by the channels' mean and, where that cancels (antiphase),
    /// by the loudest channel.
    ///
    /// `samples`: room for `capacity` (at least 1) samples, borrowed for the call.
    /// `count`: written on success: how many samples there are now. Fewer than `capacity` doesn't
    /// mean the end.
    ///
    /// Returns: OK, or END (nothing was left; `count` is 0).
    /// Fails with: UNSUPPORTED_FORMAT (a sample is not a number, or the rate changes midway), IO,
    /// INVALID_ARGUMENT.
    /// Threads: any, one at a time.
    fn essence_audio_reader_read(
        reader: *mut essence_audio_reader,
        samples: *mut f32,
        capacity: usize,
        count: *mut usize,
    ) -> essence_status {
        let mut reader = handle::exclusive(reader)?;
        if capacity == 0 || count.is_null() {
            return Err(invalid("there must be room for a sample and for their count"));
        }
        let taken = reader.read(text::slice_mut(samples, capacity, "samples")?)?;
        count.write(taken);
        Ok(if taken == 0 { ESSENCE_END } else { ESSENCE_OK })
    }
}

impl ReaderBox {
    fn read(&mut self, out: &mut [f32]) -> Result<usize, engine::Error> {
        if self.at == self.block.len() {
            self.block.clear();
            self.at = 0;
            let Some(block) = self.reader.next_block()? else {
                return Ok(0);
            };
            self.block.extend_from_slice(block);
        }
        let rest = &self.block[self.at..];
        let taken = rest.len().min(out.len());
        out[..taken].copy_from_slice(&rest[..taken]);
        self.at += taken;
        Ok(taken)
    }
}
